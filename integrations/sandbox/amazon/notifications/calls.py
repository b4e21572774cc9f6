"""The calls of Notifications v1.

Sources besides the model: that an app has one destination for a queue, and the words for a second
one, are amzn/selling-partner-api-docs#2072; one subscription of a type and “StateConflict” #1850
and amzn/selling-partner-api-models#1960; a destination with subscriptions #1800; one that is not
there #3355; an empty filter jlevers/selling-partner-api#885; one of marketplaces for orders
amzn/selling-partner-api-models#4135; types that want a role #2786 and -models#4371. Which versions
a type has is assumed, but for 1.0.
"""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

from msgspec import Struct

from integrations.sandbox.amazon.api import params
from integrations.sandbox.amazon.api.call import Call, denied
from integrations.sandbox.amazon.api.params import only
from integrations.sandbox.amazon.notifications import bodies
from integrations.sandbox.amazon.notifications.models import Destination, Subscription
from integrations.sandbox.amazon.wire import Answer, Refused

_ARN = re.compile(r"arn:aws:sqs:[^\s:]+:\d{12}:[^\s:]+")
_VERSIONS = frozenset({"1.0", "2020-09-04"})
_ROLES = dict.fromkeys(
    ("FBA_INVENTORY_AVAILABILITY_CHANGES", "FULFILLMENT_ORDER_STATUS"), "Amazon Fulfillment"
)
_WRONG = "Request has missing or invalid parameters and cannot be parsed."


class Sqs(Struct):
    arn: str


class Specification(Struct, rename="camel"):
    sqs: Sqs | None = None
    event_bridge: dict[str, Any] | None = None


class CreateDestination(Struct, rename="camel"):
    name: str
    resource_specification: Specification


class CreateSubscription(Struct, rename="camel"):
    payload_version: str
    destination_id: str
    processing_directive: dict[str, Any] | None = None


class Test(Struct, rename="camel"):
    payload_version: str
    test_scenario: str = ""


class SendTest(Struct, rename="camel"):
    destination_id: str = ""
    test_notification: Test | None = None


# --- destinations: the application's, without a seller --------------------------------------------


def create_destination(call: Call) -> Answer:
    """EventBridge is not played."""
    sent = params.body(call.request, CreateDestination)
    sqs, state = sent.resource_specification.sqs, call.store.state
    if sqs is None or not sent.name or not _ARN.fullmatch(sqs.arn):
        raise _wrong("A queue's ARN and a name are needed.")
    if any(one.arn == sqs.arn for one in state.destinations.values()):
        app = call.store.options.application_id
        raise Refused(
            409,
            "Conflict",
            "The requested resource conflict with a resource in the server.",
            f"A destination with arn {sqs.arn} already exists for the application {app}",
        )
    made = Destination(str(uuid.uuid4()), sent.name, sqs.arn)
    state.destinations[made.id] = made
    return Answer(200, {"payload": _destination(made)})


def destinations(call: Call) -> Answer:
    rows = call.store.state.destinations.values()
    return Answer(200, {"payload": [_destination(one) for one in rows]})


def destination(call: Call) -> Answer:
    return Answer(200, {"payload": _destination(_found_destination(call))})


def delete_destination(call: Call) -> Answer:
    found, state = _found_destination(call), call.store.state
    if any(one.destination == found.id for one in state.subscriptions.values()):
        words = "The requested action is forbidden."
        raise Refused(403, "Unauthorized", words, "Destination has subscriptions")
    del state.destinations[found.id]
    return Answer(200, {})


# --- subscriptions: made by the seller, taken back by the application -----------------------------


def create_subscription(call: Call) -> Answer:
    sent, store = params.body(call.request, CreateSubscription), call.store
    kind = _told_by_sqs(call)
    _check_role(call)
    directive = sent.processing_directive
    if sent.payload_version not in _VERSIONS:
        raise _wrong("The payload version is not known.")
    if sent.destination_id not in store.state.destinations:
        app = store.options.application_id
        raise _wrong(f"No destination with id {sent.destination_id} for applicationId {app}")
    if directive is not None and not (
        directive.get("eventFilter") or directive.get("filterExpression")
    ):
        raise _wrong("Processing Directive eventFilter must not be empty")
    told = (directive or {}).get("eventFilter") or {}
    if kind == "ORDER_CHANGE" and "marketplaceIds" in told:
        words = f"EventFilter Payload {json.dumps(told)} failed to validate"
        raise _wrong(f"{words} for notification type {kind}")
    if kind in store.state.subscriptions:
        words = "The resource specified conflicts with the current state."
        told = f"Subscription already exist for notification type {kind}"
        raise Refused(409, "StateConflict", words, told)
    made = Subscription(
        str(uuid.uuid4()), kind, sent.payload_version, sent.destination_id, directive or {}
    )
    store.state.subscriptions[kind] = made
    return Answer(200, {"payload": _subscription(made)})


def subscription(call: Call) -> Answer:
    """The seller's own, of a type, or any by its id, as the application sees it."""
    if "subscriptionId" not in call.words:
        _check_role(call)
    return Answer(200, {"payload": _subscription(_found_subscription(call))})


def subscriptions(call: Call) -> Answer:
    """One type a call, of which there is one at most."""
    query = call.query()
    (kind,) = query.texts("notificationTypes", least=1, most=1)
    query.number("pageSize", least=30, most=100, usual=30)
    found = call.store.state.subscriptions.get(kind)
    rows = [_subscription(found)] if found else []
    return Answer(200, {"payload": {"subscriptions": rows}})


def delete_subscription(call: Call) -> Answer:
    found = _found_subscription(call)
    del call.store.state.subscriptions[found.kind]
    return Answer(200, {})


def send_test(call: Call) -> Answer:
    """At Amazon in the sandbox alone, which this is."""
    sent, kind = params.body(call.request, SendTest), _told_by_sqs(call)
    test = sent.test_notification
    found = call.store.state.destinations.get(sent.destination_id)
    if found is None or test is None or not test.test_scenario:
        raise Refused(400, "InvalidInput", "InvalidInput", "Recheck destination and scenario.")
    call.store.post.test(kind, found.arn)
    return Answer(200, {})


def _told_by_sqs(call: Call) -> str:
    """The rest wants EventBridge."""
    kind = call.words["notificationType"]
    if kind not in bodies.KINDS:
        raise _wrong("")
    return kind


def _check_role(call: Call) -> None:
    role = _ROLES.get(call.words["notificationType"])
    if role and role not in call.store.state.login.roles:
        raise denied()


def _found_destination(call: Call) -> Destination:
    found = call.store.state.destinations.get(call.words["destinationId"])
    if found is None:
        raise Refused(404, "NotFound", "The destination was not found.")
    return found


def _found_subscription(call: Call) -> Subscription:
    found = call.store.state.subscriptions.get(call.words["notificationType"])
    if found is None or call.words.get("subscriptionId", found.id) != found.id:
        raise Refused(404, "NotFound", "The subscription was not found.")
    return found


def _wrong(details: str) -> Refused:
    return Refused(400, "InvalidInput", _WRONG, details)


def _destination(one: Destination) -> dict[str, Any]:
    return {"destinationId": one.id, "name": one.name, "resource": {"sqs": {"arn": one.arn}}}


def _subscription(one: Subscription) -> dict[str, Any]:
    return only(
        {
            "subscriptionId": one.id,
            "payloadVersion": one.version,
            "destinationId": one.destination,
            "processingDirective": one.directive or None,
        }
    )
