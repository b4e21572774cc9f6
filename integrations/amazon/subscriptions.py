"""The account's subscriptions made what they should be: a destination that is the seller's queue,
and each type of news led there.

An app has one destination for a queue, and an account one subscription of a type for an app
(github.com/amzn/selling-partner-api-docs/issues/2072 and 1850). So what is there is used, what
Logix led to an older queue of its own is led to the new one, and what somebody else led elsewhere
is left alone and told. What the app has no role for is told as well, and keeps nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from integrations.amazon import shapes
from integrations.amazon.client import AmazonClient
from integrations.amazon.notifications import TOPICS
from integrations.amazon.platform import FULFILLMENT_ROLE
from integrations.amazon.queue import Queue
from integrations.amazon.shapes import Camel
from integrations.base import Subscription
from integrations.errors import NotFound, PermissionMissing, Rejected

# Of messages; all types have this one (amzn/selling-partner-api-models/issues/1960 for reports).
_VERSION = "1.0"
_MARK = "Logix "
_THERE_ALREADY = frozenset({"Conflict", "StateConflict"})
# https://developer-docs.amazon.com/sp-api/docs/view-order-notifications,
# amzn/selling-partner-api-docs#2786 and -models#4371. Of the others no page says it.
_ROLES: Mapping[str, str] = {
    "FBA_INVENTORY_AVAILABILITY_CHANGES": FULFILLMENT_ROLE,
    "FULFILLMENT_ORDER_STATUS": FULFILLMENT_ROLE,
}
_NO_ROLE = (
    "The app lacks the role “{}” for this. Give it the role in Seller Central → Develop Apps → "
    "Edit App, then authorise it again. Until then Logix looks by itself."
)
_ELSEWHERE = (
    "{} of this app goes to another destination, “{}”, which is not Logix's. Give Logix an app of "
    "its own, or delete that subscription."
)


class Sqs(Camel):
    arn: str = ""


class Resource(Camel):
    sqs: Sqs | None = None


class Destination(Camel):
    destination_id: str
    name: str = ""
    resource: Resource | None = None

    @property
    def arn(self) -> str:
        return self.resource.sqs.arn if self.resource and self.resource.sqs else ""


class Destinations(Camel):
    payload: list[Destination] | None = None


class Hook(Camel):
    subscription_id: str
    destination_id: str


class OneDestination(Camel):
    payload: Destination


class OneHook(Camel):
    payload: Hook


def reconcile(
    client: AmazonClient, queue: Queue, topics: Sequence[str], *, owner: str
) -> list[Subscription]:
    """Lead exactly ``topics`` into the queue. Raises PermissionMissing where Amazon may not write
    into it.
    """
    queue.check()
    known = {one.destination_id: one for one in _destinations(client)}
    target = _ours(known.values(), queue.arn) or _made(client, queue.arn, owner)
    known[target.destination_id] = target
    return [_tried(client, topic, target, known) for topic in topics]


def drop(client: AmazonClient, queue: Queue, topics: Sequence[str]) -> None:
    """What leads into the queue goes, and the destination with it unless others use it. What the
    app has no role for it cannot take back.
    """
    target = _ours(_destinations(client), queue.arn)
    if target is None:
        return
    for topic in topics:
        with suppress(PermissionMissing):
            hook = _hook(client, topic)
            if hook is not None and hook.destination_id == target.destination_id:
                _delete(client, topic, hook)
    if target.name.startswith(_MARK):
        # 403 “Destination has subscriptions”: another account's (docs issue 1800).
        with suppress(NotFound, PermissionMissing):
            client.delete_destination(target.destination_id)


def _tried(
    client: AmazonClient, topic: str, target: Destination, known: Mapping[str, Destination]
) -> Subscription:
    try:
        return _led(client, topic, target, known)
    except PermissionMissing as err:
        role = _ROLES.get(topic)
        return Subscription(
            external_id="",
            topic=topic,
            url=target.arn,
            active=False,
            problem=_NO_ROLE.format(role) if role else err.message,
        )


def _led(
    client: AmazonClient, topic: str, target: Destination, known: Mapping[str, Destination]
) -> Subscription:
    hook = _hook(client, topic)
    mended = ""
    if hook is not None and hook.destination_id != target.destination_id:
        other = known.get(hook.destination_id)
        if other is not None and not other.name.startswith(_MARK):
            return Subscription(
                external_id=hook.subscription_id,
                topic=topic,
                url=other.arn,
                active=False,
                problem=_ELSEWHERE.format(topic, other.name),
            )
        _delete(client, topic, hook)
        hook, mended = None, "led to this queue"
    if hook is None:
        hook, mended = _subscribed(client, topic, target), mended or "created"
    return Subscription(
        external_id=hook.subscription_id, topic=topic, url=target.arn, mended=mended
    )


def _subscribed(client: AmazonClient, topic: str, target: Destination) -> Hook:
    body: dict[str, Any] = {"payloadVersion": _VERSION, "destinationId": target.destination_id}
    if directive := TOPICS[topic].directive:
        body["processingDirective"] = directive
    try:
        answer = client.create_subscription(topic, body)
    except Rejected as err:
        # Another worker was faster.
        if err.code not in _THERE_ALREADY or (hook := _hook(client, topic)) is None:
            raise
        return hook
    return shapes.decode(answer.body, OneHook).payload


def _hook(client: AmazonClient, topic: str) -> Hook | None:
    try:
        return shapes.decode(client.subscription(topic).body, OneHook).payload
    except NotFound:
        return None


def _delete(client: AmazonClient, topic: str, hook: Hook) -> None:
    """One that is gone already is what was wanted."""
    with suppress(NotFound):
        client.delete_subscription(topic, hook.subscription_id)


def _destinations(client: AmazonClient) -> list[Destination]:
    return shapes.decode(client.destinations().body, Destinations).payload or []


def _ours(found: Iterable[Destination], arn: str) -> Destination | None:
    return next((one for one in found if one.arn == arn), None)


def _made(client: AmazonClient, arn: str, owner: str) -> Destination:
    name = f"{_MARK}{hashlib.sha256(owner.encode()).hexdigest()[:12]}"
    body = {"name": name, "resourceSpecification": {"sqs": {"arn": arn}}}
    try:
        answer = client.create_destination(body)
    except Rejected as err:
        if err.code not in _THERE_ALREADY:
            raise
        found = _ours(_destinations(client), arn)
        if found is None:
            raise
        return found
    return shapes.decode(answer.body, OneDestination).payload
