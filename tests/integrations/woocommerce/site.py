"""A WooCommerce site that answers what a test tells it to, on a real socket, and an adapter for it.

``Site.on`` scripts routes; ``Shelf`` is one list of the API with its filters, orders and pages.
"""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from integrations.kit.breaker import MemoryBreaker
from integrations.kit.http import PlatformSession
from integrations.kit.ratelimit import MemoryLimiter
from integrations.kit.ssrf import AddressGuard
from integrations.platform import Connection, RateLimit
from integrations.woocommerce.service import WooCommerceIntegration
from tests.integrations.kit.server import Request, ScriptedStore, answer, hang_up

KEY = "ck_0123456789abcdef0123456789abcdef01234567"
SECRET = "cs_76543210fedcba9876543210fedcba9876543210"
DATE = "Tue, 24 Nov 2026 10:00:00 GMT"
LOST = b""
"""An answer that never comes: the request was taken, then the line went dead."""


@dataclass(frozen=True)
class Call:
    method: str
    route: str
    query: dict[str, str]
    body: Any
    headers: Mapping[str, str]


Reply = bytes | Callable[[Call], bytes]


def told(body: Any, status: int = 200, **headers: str) -> bytes:
    return answer(status, body, Date=DATE, **headers)


def refused(status: int, code: str, message: str = "No.") -> bytes:
    return told({"code": code, "message": message, "data": {"status": status}}, status)


def page(text: str = "Welcome", status: int = 200) -> bytes:
    body = f"<!DOCTYPE html><html><body>{text}</body></html>".encode()
    return answer(status, body, content_type="text/html; charset=UTF-8")


NO_ROUTE = refused(404, "rest_no_route", "No route was found matching the URL.")


@dataclass
class Site:
    """``prefix`` is where its API is, "" for plain permalinks."""

    tls: ssl.SSLContext | None = None
    prefix: str = "wp-json"
    calls: list[Call] = field(default_factory=list)
    elsewhere: bytes = field(default_factory=lambda: page(status=404))
    front: bytes = field(default_factory=page)

    def __post_init__(self) -> None:
        self._replies: dict[tuple[str, str], list[Reply]] = {}
        self.gate: Callable[[Call], bytes | None] = lambda _call: None
        self.server = ScriptedStore([self._serve], tls=self.tls)
        self.on("GET", "", {"name": "Mugs", "namespaces": ["wp/v2", "wc/v3"]})

    @property
    def url(self) -> str:
        return self.server.url

    def on(self, method: str, route: str, *replies: Any) -> None:
        """Answer a route by ``replies``, one after the other, the last one over and over."""
        known = [r if isinstance(r, bytes) or callable(r) else told(r) for r in replies]
        self._replies[method, route] = known

    def sent(self, method: str) -> list[Call]:
        return [call for call in self.calls if call.method == method]

    def asked(self, route: str, method: str = "GET") -> list[Call]:
        return [call for call in self.calls if (call.method, call.route) == (method, route)]

    def _serve(self, request: Request, sock: socket.socket) -> None:
        reply = self._answer(request)
        if reply == LOST:
            hang_up(request, sock)
        else:
            sock.sendall(reply)

    def _answer(self, request: Request) -> bytes:
        parts = urlsplit(request.target)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        if self.prefix:
            if not parts.path.startswith(f"/{self.prefix}/"):
                return self.front if parts.path == "/" else self.elsewhere
            route = parts.path.removeprefix(f"/{self.prefix}").strip("/")
        else:
            route = query.pop("rest_route", "?").strip("/")
            if parts.path != "/" or route == "?":
                return self.front if parts.path == "/" else self.elsewhere
        body = json.loads(request.body) if request.body else None
        call = Call(request.method, route, query, body, request.headers)
        self.calls.append(call)
        return (route and self.gate(call)) or self._scripted(call)

    def _scripted(self, call: Call) -> bytes:
        replies = self._replies.get((call.method, call.route))
        if not replies:
            return NO_ROUTE
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        return reply if isinstance(reply, bytes) else reply(call)


@dataclass
class Shelf:
    """One list. ``before`` is called with the number of the question (from 1) before it is
    answered; ``spoil`` may change the bytes of an answer.
    """

    rows: list[dict[str, Any]]
    before: Callable[[int], None] = lambda _number: None
    spoil: Callable[[Call, bytes], bytes] = lambda _call, body: body
    asked: int = 0

    def __call__(self, call: Call) -> bytes:
        self.asked += 1
        self.before(self.asked)
        rows = self._ordered(call.query, [r for r in self.rows if _matches(r, call.query)])
        size = int(call.query.get("per_page", 10))
        start = int(call.query.get("offset", (int(call.query.get("page", 1)) - 1) * size))
        shown: Iterable[dict[str, Any]] = rows[start : start + size]
        if fields := call.query.get("_fields"):
            shown = [{k: v for k, v in row.items() if k in fields.split(",")} for row in shown]
        body = self.spoil(call, json.dumps(list(shown)).encode())
        return answer(200, body, Date=DATE, X_WP_Total=str(len(rows)))

    @staticmethod
    def _ordered(query: dict[str, str], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        by = {"modified": "date_modified_gmt", "id": "id"}.get(query.get("orderby", ""), "id")
        return sorted(rows, key=lambda r: r[by], reverse=query.get("order", "desc") == "desc")


def _matches(row: dict[str, Any], query: dict[str, str]) -> bool:
    """The filters of 11.0.1; times stand there without their own second."""
    trashed = row.get("status") == "trash"
    wanted = query.get("include", "").split(",") if "include" in query else None
    parents = query.get("parent", "").split(",") if "parent" in query else None
    return (
        trashed == (query.get("status") == "trash")
        and (wanted is None or str(row["id"]) in wanted)
        and (parents is None or str(row.get("parent_id")) in parents)
        and row["date_modified_gmt"] > query.get("modified_after", "")
        and row["date_modified_gmt"] < query.get("modified_before", "9")
        and row["date_created_gmt"] > query.get("after", "")
        and row["date_created_gmt"] < query.get("before", "9")
        and query.get("search", "") in f"{row.get('number')}"
        and ("sku" not in query or row.get("sku") in query["sku"].split(","))
    )


def adapter_for(site: Site, *, base_url: str = "", **about: Any) -> WooCommerceIntegration:
    """An adapter whose session never sleeps. ``about`` goes into its connection."""
    session = PlatformSession(
        base_url or site.url,
        limiter=MemoryLimiter({"default": RateLimit(rate=1000, burst=1000)}),
        breaker=MemoryBreaker(),
        guard=AddressGuard(allow_loopback_http=True),
        sleep=lambda _seconds: None,
        read_s=5,
        ca_bundle=about.pop("ca_bundle", None),
        retries=about.pop("retries", 1),
    )
    about.setdefault("store_id", "s1")
    credentials = {"consumer_key": KEY, "consumer_secret": SECRET}
    return WooCommerceIntegration(
        Connection(base_url=base_url or site.url, credentials=credentials, http=session, **about)
    )
