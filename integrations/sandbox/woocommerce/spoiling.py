"""What the faults do to a request and its answer: one function a kind, in two tables."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from integrations.sandbox.faults import Faults, Switch
from integrations.sandbox.woocommerce import selling, stocking, wire
from integrations.sandbox.woocommerce.models import ApiKey
from integrations.sandbox.woocommerce.store import WooStore

Serve = Callable[[wire.Request], wire.Answer]

_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_NGINX = "<html>\r\n<head><title>{0}</title></head>\r\n<body>\r\n<center><h1>{0}</h1></center>\r\n"
_REASONS = {
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
_CHALLENGE = (
    '<!DOCTYPE html><html lang="en"><head><title>One moment, please...</title></head>'
    "<body><h1>Please wait while your request is being verified...</h1></body></html>"
)
_NOTICE = (
    b"<br />\n<b>Warning</b>:  Undefined array key &quot;gateway&quot; in <b>"
    b"wp-content/plugins/checkout-extras/loader.php</b> on line <b>120</b><br />\n"
)


class Spoiler:
    """Answers through ``serve``, with whatever faults strike."""

    def __init__(self, store: WooStore, faults: Faults, serve: Serve) -> None:
        self.store, self.faults, self.serve = store, faults, serve

    def answer(self, request: wire.Request) -> tuple[wire.Answer, list[str]]:
        """The answer, and the kinds that struck."""
        struck: list[str] = []
        answer: wire.Answer | None = None
        for kind, spoil in _BEFORE.items():
            if switch := self._strikes(kind, request):
                struck.append(kind)
                if (answer := spoil(self, request, switch)) is not None:
                    return answer, struck
        answer = self._served(request, struck)
        for kind, mangle in _AFTER.items():
            if switch := self._strikes(kind, request):
                struck.append(kind)
                answer = mangle(self, request, answer, switch)
        return answer, struck

    def _served(self, request: wire.Request, struck: list[str]) -> wire.Answer:
        for kind, change in _KEYS.items():
            if self._strikes(kind, request):
                struck.append(kind)
                with _other_keys(self.store, change):
                    return self.serve(request)
        return self.serve(request)

    def _strikes(self, kind: str, request: wire.Request) -> Switch | None:
        if kind == "timeout_after_write" and request.method not in _WRITES:
            return None
        if kind == "edited_during_paging" and not _is_list(request):
            return None
        return self.faults.strikes(kind, route_of(request), request.method)


def route_of(request: wire.Request) -> str:
    """The path asked for, also where permalinks are plain."""
    asked = request.query.get("rest_route")
    return (asked if isinstance(asked, str) and asked else request.path).rstrip("/") or "/"


def _is_list(request: wire.Request) -> bool:
    return request.method == "GET" and route_of(request).endswith(("/orders", "/products"))


# --- before the work ------------------------------------------------------------------------------


def _rate_limited(_: Spoiler, __: wire.Request, switch: Switch) -> wire.Answer:
    answer = _plain_page(switch.status, "Too Many Requests")
    if switch.kind == "rate_limited":
        answer.set_header("Retry-After", str(int(switch.seconds)))
    return answer


def _server_error(_: Spoiler, __: wire.Request, switch: Switch) -> wire.Answer:
    """WordPress's own for 500 (wp-includes/class-wp-fatal-error-handler.php), a proxy's for the
    others.
    """
    if switch.status != 500:
        return _plain_page(switch.status, _REASONS.get(switch.status, "Error"))
    return wire.Refused(
        "internal_server_error",
        "<p>There has been a critical error on this website.</p>",
        500,
    ).answer()


def _maintenance(_: Spoiler, request: wire.Request, switch: Switch) -> wire.Answer:
    """JSON for who asks for JSON (wp-includes/load.php, wp_maintenance and wp_is_json_request)."""
    text = "Briefly unavailable for scheduled maintenance. Check back in a minute."
    if "json" in request.headers.get("accept", ""):
        answer = wire.Refused("wp_die", text, switch.status).answer()
    else:
        head = "<!DOCTYPE html><html><head><title>Maintenance</title></head>"
        answer = wire.html(switch.status, f"{head}<body>{text}</body></html>")
    answer.set_header("Retry-After", "600")
    return answer


def _html_page(_: Spoiler, __: wire.Request, switch: Switch) -> wire.Answer:
    return wire.html(switch.status, _CHALLENGE)


def _redirect(_: Spoiler, request: wire.Request, switch: Switch) -> wire.Answer:
    query = f"?{request.raw_query}" if request.raw_query else ""
    target = f"https://www.moved.example{request.raw_path}{query}"
    return wire.html(switch.status, "", ("Location", target))


def _dropped(_: Spoiler, __: wire.Request, ___: Switch) -> wire.Answer:
    return wire.Answer(fate="drop")


def _slow(spoiler: Spoiler, _: wire.Request, switch: Switch) -> None:
    spoiler.faults.hold(switch)


def _plain_page(status: int, reason: str) -> wire.Answer:
    return wire.html(status, _NGINX.format(f"{status} {reason}") + "</body>\r\n</html>\r\n")


# --- another key than the client thinks -----------------------------------------------------------


@contextmanager
def _other_keys(
    store: WooStore, change: Callable[[dict[int, ApiKey]], dict[int, ApiKey]]
) -> Iterator[None]:
    """Held while the answer is made, so that no other request sees it."""
    with store.working():
        real = store.keys
        store.keys = change(real)
        try:
            yield
        finally:
            store.keys = real


def _none(_: dict[int, ApiKey]) -> dict[int, ApiKey]:
    return {}


def _reading(keys: dict[int, ApiKey]) -> dict[int, ApiKey]:
    return {
        number: ApiKey(
            key.id, key.consumer_key, key.consumer_secret, "read", key.description, key.user_id
        )
        for number, key in keys.items()
    }


# --- after the work -------------------------------------------------------------------------------


def _timeout(spoiler: Spoiler, _: wire.Request, answer: wire.Answer, switch: Switch) -> wire.Answer:
    spoiler.faults.hold(switch)
    return replace(answer, fate="drop")


def _truncated(_: Spoiler, __: wire.Request, answer: wire.Answer, ___: Switch) -> wire.Answer:
    return replace(answer, fate="truncate")


def _php_notice(_: Spoiler, __: wire.Request, answer: wire.Answer, ___: Switch) -> wire.Answer:
    return replace(answer, body=_NOTICE + answer.content())


def _unknown_fields(_: Spoiler, __: wire.Request, answer: wire.Answer, ___: Switch) -> wire.Answer:
    def add(record: dict[str, Any]) -> None:
        record["x_channel"] = {"name": "spring", "weights": [1, 2.5, None]}
        for line in record.get("line_items", ()):
            line["x_bundle_of"] = [line.get("id")]

    return _with_records(answer, add)


def _changed_types(_: Spoiler, __: wire.Request, answer: wire.Answer, ___: Switch) -> wire.Answer:
    """The total of an order as a number, the stock of a product in words."""

    def change(record: dict[str, Any]) -> None:
        if isinstance(record.get("total"), str):
            record["total"] = float(record["total"])
        if isinstance(record.get("stock_quantity"), int):
            record["stock_quantity"] = f"{record['stock_quantity']} pcs"

    return _with_records(answer, change)


def _with_records(answer: wire.Answer, change: Callable[[dict[str, Any]], None]) -> wire.Answer:
    if answer.status >= 300:
        return answer
    found = json.loads(answer.content())
    for record in found if isinstance(found, list) else [found]:
        if isinstance(record, dict) and "id" in record:
            change(record)
    return replace(answer, document=found, body=None)


def _edited(spoiler: Spoiler, request: wire.Request, answer: wire.Answer, _: Switch) -> wire.Answer:
    """The first record of the page moves to the end of the list while the client reads on."""
    content = answer.content()  # as it was before the edit
    found = json.loads(content) if answer.status == 200 else []
    if isinstance(found, list) and found:
        number = int(found[0]["id"])
        if route_of(request).endswith("/orders"):
            selling.edit_order(spoiler.store, number, note="Edited while a list was read")
        else:
            stocking.change_stock(spoiler.store, number, 1)
    return answer


_BEFORE: dict[str, Callable[[Spoiler, wire.Request, Switch], wire.Answer | None]] = {
    "slow": _slow,
    "dropped": _dropped,
    "rate_limited": _rate_limited,
    "rate_limited_silently": _rate_limited,
    "server_error": _server_error,
    "maintenance": _maintenance,
    "html_page": _html_page,
    "redirect": _redirect,
}
_KEYS: dict[str, Callable[[dict[int, ApiKey]], dict[int, ApiKey]]] = {
    "key_revoked": _none,
    "key_read_only": _reading,
}
_AFTER: dict[str, Callable[[Spoiler, wire.Request, wire.Answer, Switch], wire.Answer]] = {
    "edited_during_paging": _edited,
    "unknown_fields": _unknown_fields,
    "changed_types": _changed_types,
    "php_notice": _php_notice,
    "truncated": _truncated,
    "timeout_after_write": _timeout,
}
