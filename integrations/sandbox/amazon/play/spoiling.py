"""What the faults do to a request and its answer: one function a kind, in tables."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from integrations.sandbox.amazon import files
from integrations.sandbox.amazon.api import door
from integrations.sandbox.amazon.api.call import denied
from integrations.sandbox.amazon.app import TOKEN
from integrations.sandbox.amazon.orders import life
from integrations.sandbox.amazon.store import SellerStore
from integrations.sandbox.amazon.wire import Answer, Request, errors, html
from integrations.sandbox.faults import Faults, Switch

Serve = Callable[[Request], Answer]

_PAGE = "<!DOCTYPE html><html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"


class Spoiler:
    """Answers through ``serve``, with whatever faults strike."""

    def __init__(self, store: SellerStore, faults: Faults, serve: Serve) -> None:
        self.store, self.faults, self.serve = store, faults, serve
        store.strikes = faults.strikes

    def answer(self, request: Request) -> tuple[Answer, list[str]]:
        """The answer, and the kinds that struck."""
        struck: list[str] = []
        route = asked_for(request)
        for kind, spoil in _BEFORE.items():
            if not _suits(kind, request):
                continue
            if switch := self.faults.strikes(kind, route, request.method):
                struck.append(kind)
                if (spoilt := spoil(self, request, switch)) is not None:
                    return spoilt, struck
        answer = self.serve(request)
        for kind, mangle in _AFTER.items():
            if kind == "timeout_after_write" and not (_is_api(request) and _writes(request)):
                continue
            if kind in _ON_DATA and not (_is_api(request) and _has_data(answer)):
                continue
            if switch := self.faults.strikes(kind, route, request.method):
                struck.append(kind)
                answer = mangle(self, answer, switch)
        return answer, struck


def asked_for(request: Request) -> str:
    """The path with the operation's name."""
    operation, _ = door.found(request)
    return f"{request.path} {operation.id}" if operation else request.path


def _suits(kind: str, request: Request) -> bool:
    """Some troubles are of the API, one is of the login, the others anybody's."""
    if kind == "login_down":
        return request.path == TOKEN
    return _is_api(request) or kind not in _OF_THE_API


def _is_api(request: Request) -> bool:
    return request.path != TOKEN and not request.path.startswith((files.ROOT, "/apps/"))


def _writes(request: Request) -> bool:
    return request.method not in ("GET", "HEAD")


def _has_data(answer: Answer) -> bool:
    return answer.status == 200 and isinstance(answer.document, dict)


# --- before the work ------------------------------------------------------------------------------


def _with_id(answer: Answer) -> Answer:
    answer.set_header("x-amzn-RequestId", str(uuid.uuid4()))
    return answer


def _throttled(spoiler: Spoiler, request: Request, _: Switch) -> Answer:
    """The bucket really is empty then."""
    operation, _words = door.found(request)
    name = operation.id if operation else "unknown"
    with spoiler.store.working():
        if operation is not None:
            spoiler.store.quotas.drain(operation.id, operation.rate, operation.burst)
        spoiler.store.quotas.count(name, 429)
        told = door.throttled(spoiler.store, operation)
    return _with_id(told)


def _failure(_: Spoiler, __: Request, switch: Switch) -> Answer:
    message = "We encountered an internal error. Please try again."
    return _with_id(errors(switch.status, "InternalFailure", message))


def _unavailable(_: Spoiler, __: Request, switch: Switch) -> Answer:
    message = "Service is temporarily unavailable. Please try again."
    return _with_id(errors(switch.status, "ServiceUnavailable", message))


def _page(_: Spoiler, __: Request, switch: Switch) -> Answer:
    return html(switch.status, _PAGE.format("Service Unavailable"))


def _redirect(_: Spoiler, request: Request, switch: Switch) -> Answer:
    return html(switch.status, "", ("Location", f"https://moved.amazon.invalid{request.path}"))


def _dropped(_: Spoiler, __: Request, ___: Switch) -> Answer:
    return Answer(fate="drop")


def _slow(spoiler: Spoiler, _: Request, switch: Switch) -> None:
    spoiler.faults.hold(switch)


def _expired(_: Spoiler, __: Request, ___: Switch) -> Answer:
    return _with_id(denied("The access token you provided has expired.").answer())


def _revoked(_: Spoiler, __: Request, ___: Switch) -> Answer:
    told = denied("The access token you provided is revoked, malformed or invalid.")
    return _with_id(told.answer())


def _no_role(_: Spoiler, __: Request, ___: Switch) -> Answer:
    return _with_id(denied().answer())


# --- after the work -------------------------------------------------------------------------------


def _timeout(spoiler: Spoiler, answer: Answer, switch: Switch) -> Answer:
    spoiler.faults.hold(switch)
    return replace(answer, fate="drop")


def _truncated(_: Spoiler, answer: Answer, __: Switch) -> Answer:
    return replace(answer, fate="truncate")


def _walked(answer: Answer, change: Callable[[dict[str, Any]], None]) -> Answer:
    """The answer with every object in it changed."""
    document = json.loads(answer.content())

    def walk(value: Any) -> None:
        if isinstance(value, list):
            for row in value:
                walk(row)
        elif isinstance(value, dict):
            for below in value.values():
                walk(below)
            change(value)

    walk(document)
    return replace(answer, document=document, body=None)


def _unknown_fields(_: Spoiler, answer: Answer, __: Switch) -> Answer:
    def add(thing: dict[str, Any]) -> None:
        if "orderId" in thing or "sku" in thing or "orderItemId" in thing:
            thing["xChannel"] = {"name": "spring", "weights": [1, 2.5, None]}

    return _walked(answer, add)


_ENUMS = (
    "fulfillmentStatus",
    "fulfilledBy",
    "processingStatus",
    "fulfillmentServiceLevel",
    "fulfillmentOrderStatus",
)


def _unknown_values(_: Spoiler, answer: Answer, __: Switch) -> Answer:
    def change(thing: dict[str, Any]) -> None:
        for name in _ENUMS:
            if isinstance(thing.get(name), str):
                thing[name] = "SANDBOX_NOVELTY"

    return _walked(answer, change)


_PROMISED = ("orderItems", "quantityOrdered", "lastUpdatedTime", "processingStatus", "sellerSku")


def _missing_fields(_: Spoiler, answer: Answer, __: Switch) -> Answer:
    def change(thing: dict[str, Any]) -> None:
        for name in _PROMISED:
            thing.pop(name, None)

    return _walked(answer, change)


def _limit_untold(_: Spoiler, answer: Answer, __: Switch) -> Answer:
    kept = [pair for pair in answer.headers if pair[0].lower() != "x-amzn-ratelimit-limit"]
    return replace(answer, headers=kept)


def _edited(spoiler: Spoiler, answer: Answer, _: Switch) -> Answer:
    """The first order of a page moves to the end of the list while the client reads on."""
    found = (answer.document or {}).get("orders") or []
    store = spoiler.store
    with store.working():
        order = store.state.orders.get(found[0]["orderId"]) if found else None
        if order is not None:
            life.touch(store, order, store.clock.exact())
    return answer


_BEFORE: dict[str, Callable[[Spoiler, Request, Switch], Answer | None]] = {
    "slow": _slow,
    "dropped": _dropped,
    "login_down": _page,
    "token_expired": _expired,
    "token_revoked": _revoked,
    "role_missing": _no_role,
    "throttled": _throttled,
    "internal_failure": _failure,
    "unavailable": _unavailable,
    "html_page": _page,
    "redirect": _redirect,
}
_AFTER: dict[str, Callable[[Spoiler, Answer, Switch], Answer]] = {
    "edited_during_paging": _edited,
    "unknown_fields": _unknown_fields,
    "unknown_values": _unknown_values,
    "missing_fields": _missing_fields,
    "limit_untold": _limit_untold,
    "truncated": _truncated,
    "timeout_after_write": _timeout,
}
_ON_DATA = frozenset(
    {"edited_during_paging", "unknown_fields", "unknown_values", "missing_fields", "limit_untold"}
)
_OF_THE_API = frozenset(
    {
        "token_expired", "token_revoked", "role_missing", "throttled", "internal_failure",
        "unavailable",
    }
)  # fmt: skip
