"""What the faults do to a request and its answer: one function a kind, in tables."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from typing import Any

from graphql import FieldNode, GraphQLError, OperationDefinitionNode, OperationType, parse

from integrations.sandbox.faults import Faults, Switch
from integrations.sandbox.shopify.api import errors
from integrations.sandbox.shopify.ids import parted
from integrations.sandbox.shopify.rooms import TOUCHED
from integrations.sandbox.shopify.store import ShopStore
from integrations.sandbox.shopify.wire import Answer, Request, html

Serve = Callable[[Request], Answer]

_PAGE = "<!DOCTYPE html><html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"
_REASONS = {500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable"}
_WORDS = {
    402: "Unavailable Shop",
    403: "[API] This action requires merchant approval for this app.",
    404: "Not Found",
    423: "Unavailable Shop",
}


class Spoiler:
    """Answers through ``serve``, with whatever faults strike."""

    def __init__(self, store: ShopStore, faults: Faults, serve: Serve) -> None:
        self.store, self.faults, self.serve = store, faults, serve
        store.strikes = faults.strikes

    def answer(self, request: Request) -> tuple[Answer, list[str]]:
        """The answer, and the kinds that struck."""
        struck: list[str] = []
        route, is_write = asked_for(request)
        for kind, spoil in _BEFORE.items():
            if switch := self.faults.strikes(kind, route):
                struck.append(kind)
                if (spoilt := spoil(self, request, switch)) is not None:
                    return spoilt, struck
        answer = self._served(request, route, struck)
        for kind, mangle in _AFTER.items():
            if kind == "timeout_after_write" and not is_write:
                continue
            if kind in _ON_DATA and not _has_data(answer):
                continue
            if switch := self.faults.strikes(kind, route):
                struck.append(kind)
                answer = mangle(self, answer, switch)
        return answer, struck

    def _served(self, request: Request, route: str, struck: list[str]) -> Answer:
        for kind, change in _TOKENS.items():
            if self.faults.strikes(kind, route):
                struck.append(kind)
                with _other_token(self.store, request, change):
                    return self.serve(request)
        return self.serve(request)


def asked_for(request: Request) -> tuple[str, bool]:
    """The path with the names of the fields a GraphQL request asks for; whether it may write."""
    sent = request.sent() if request.path.endswith("/graphql.json") else None
    query = sent.get("query") if sent else None
    if not isinstance(query, str):
        return request.path, request.method == "POST"
    names, is_write = _root_fields(query)
    return " ".join([request.path, *names]), is_write


@lru_cache(maxsize=256)
def _root_fields(query: str) -> tuple[tuple[str, ...], bool]:
    try:
        document = parse(query)
    except GraphQLError:
        return (), False
    operations = [
        node for node in document.definitions if isinstance(node, OperationDefinitionNode)
    ]
    names = tuple(
        chosen.name.value
        for operation in operations
        for chosen in operation.selection_set.selections
        if isinstance(chosen, FieldNode)
    )
    return names, any(node.operation is OperationType.MUTATION for node in operations)


def _has_data(answer: Answer) -> bool:
    return isinstance(answer.document, dict) and isinstance(answer.document.get("data"), dict)


# --- before the work ------------------------------------------------------------------------------


def _throttled(spoiler: Spoiler, request: Request, switch: Switch) -> Answer:
    """The bucket really is empty then, as if another worker of the app had used it up."""
    store = spoiler.store
    with store.working():
        grant = store.access.grant_of(request.headers.get("x-shopify-access-token", ""))
        bucket = store.bucket(grant.client_id if grant else store.options.client_id)
        bucket.drain()
        shown = {
            "requestedQueryCost": 1,
            "actualQueryCost": None,
            "throttleStatus": bucket.status(),
        }
    return Answer(switch.status, {"errors": [errors.throttled()], "extensions": {"cost": shown}})


def _rate_limited(_: Spoiler, __: Request, switch: Switch) -> Answer:
    answer = Answer(
        switch.status,
        {
            "errors": "Exceeded the allowed calls per second. Reduce request rates to resume"
            " service."
        },
    )
    if switch.kind == "rate_limited":
        answer.set_header("Retry-After", f"{switch.seconds:.1f}")
    return answer


def _internal_error(_: Spoiler, __: Request, switch: Switch) -> Answer:
    return Answer(switch.status, {"errors": [errors.internal(str(uuid.uuid4()))]})


def _page(_: Spoiler, __: Request, switch: Switch) -> Answer:
    title = _REASONS.get(
        switch.status, "Your connection needs to be verified before you can proceed"
    )
    return html(switch.status, _PAGE.format(title))


def _refused(_: Spoiler, __: Request, switch: Switch) -> Answer:
    return Answer(
        switch.status, {"errors": _WORDS.get(switch.status, "Shopify Security Rejection")}
    )


def _redirect(_: Spoiler, request: Request, switch: Switch) -> Answer:
    return html(switch.status, "", ("Location", f"https://moved.myshopify.com{request.path}"))


def _dropped(_: Spoiler, __: Request, ___: Switch) -> Answer:
    return Answer(fate="drop")


def _slow(spoiler: Spoiler, _: Request, switch: Switch) -> None:
    spoiler.faults.hold(switch)


# --- another token than the client thinks ---------------------------------------------------------


@contextmanager
def _other_token(
    store: ShopStore, request: Request, change: Callable[[tuple[str, ...]], tuple[str, ...] | None]
) -> Iterator[None]:
    """Held while the answer is made, so that no other request sees it."""
    with store.working():
        grant = store.access.grant_of(request.headers.get("x-shopify-access-token", ""))
        if grant is None:
            yield
            return
        before, scopes = grant.scopes, change(grant.scopes)
        grant.is_dead, grant.scopes = scopes is None, scopes or ()
        try:
            yield
        finally:
            grant.is_dead, grant.scopes = False, before


def _none(_: tuple[str, ...]) -> None:
    return None


def _reading(scopes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(
        f"read_{scope.removeprefix('write_')}" if scope.startswith("write_") else scope
        for scope in scopes
    )


# --- after the work -------------------------------------------------------------------------------


def _timeout(spoiler: Spoiler, answer: Answer, switch: Switch) -> Answer:
    spoiler.faults.hold(switch)
    return replace(answer, fate="drop")


def _truncated(_: Spoiler, answer: Answer, __: Switch) -> Answer:
    return replace(answer, fate="truncate")


def _walked(answer: Answer, change: Callable[[dict[str, Any]], None]) -> Answer:
    """The answer with every object of its data changed."""
    document = json.loads(answer.content())

    def walk(value: Any) -> None:
        if isinstance(value, list):
            for row in value:
                walk(row)
        elif isinstance(value, dict):
            for below in value.values():
                walk(below)
            change(value)

    walk(document["data"])
    return replace(answer, document=document, body=None)


def _unknown_fields(_: Spoiler, answer: Answer, __: Switch) -> Answer:
    def add(thing: dict[str, Any]) -> None:
        if "id" in thing:
            thing["xChannel"] = {"name": "spring", "weights": [1, 2.5, None]}

    return _walked(answer, add)


_ENUMS = (
    "status", "displayFinancialStatus", "displayFulfillmentStatus", "kind", "restockType",
    "returnStatus", "requestStatus",
)  # fmt: skip


def _unknown_values(_: Spoiler, answer: Answer, __: Switch) -> Answer:
    def change(thing: dict[str, Any]) -> None:
        for name in _ENUMS:
            if isinstance(thing.get(name), str):
                thing[name] = "SANDBOX_NOVELTY"

    return _walked(answer, change)


_PROMISED = ("name", "sku", "title", "quantity", "totalPriceSet", "createdAt", "available")


def _unexpected_nulls(_: Spoiler, answer: Answer, __: Switch) -> Answer:
    def change(thing: dict[str, Any]) -> None:
        for name in _PROMISED:
            if name in thing:
                thing[name] = None

    return _walked(answer, change)


def _edited(spoiler: Spoiler, answer: Answer, _: Switch) -> Answer:
    """The first thing of a page moves to the end of its list while the client reads on."""
    content = answer.content()  # as it was before the edit
    store = spoiler.store
    for found in json.loads(content)["data"].values():
        rows = _nodes(found)
        kind, number = parted(str(rows[0].get("id"))) if rows else ("", 0)
        with store.working():
            thing = store.nodes[kind](store, number) if kind in store.nodes else None
            if type(thing) in TOUCHED:
                store.touched(thing)
    return answer


def _nodes(found: Any) -> list[dict[str, Any]]:
    if not isinstance(found, dict):
        return []
    rows = found.get("nodes") or [edge.get("node") for edge in found.get("edges") or ()]
    return [row for row in rows if isinstance(row, dict)]


_BEFORE: dict[str, Callable[[Spoiler, Request, Switch], Answer | None]] = {
    "slow": _slow,
    "dropped": _dropped,
    "throttled": _throttled,
    "rate_limited": _rate_limited,
    "rate_limited_silently": _rate_limited,
    "internal_error": _internal_error,
    "server_error": _page,
    "html_page": _page,
    "shop_frozen": _refused,
    "forbidden": _refused,
    "shop_gone": _refused,
    "shop_locked": _refused,
    "rejected": _refused,
    "redirect": _redirect,
}
_TOKENS: dict[str, Callable[[tuple[str, ...]], tuple[str, ...] | None]] = {
    "token_revoked": _none,
    "scopes_narrowed": _reading,
}
_AFTER: dict[str, Callable[[Spoiler, Answer, Switch], Answer]] = {
    "edited_during_paging": _edited,
    "unknown_fields": _unknown_fields,
    "unknown_values": _unknown_values,
    "unexpected_nulls": _unexpected_nulls,
    "truncated": _truncated,
    "timeout_after_write": _timeout,
}
_ON_DATA = frozenset(
    {"edited_during_paging", "unknown_fields", "unknown_values", "unexpected_nulls"}
)
