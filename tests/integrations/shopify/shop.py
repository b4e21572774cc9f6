"""A Shopify store that answers what a test tells it to, on a real socket, and an adapter for it.

``Shop.on`` scripts operations by their names; ``Shelf`` is one list with its search, its order and
its cursors.
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from integrations.kit.breaker import MemoryBreaker
from integrations.kit.http import PlatformSession
from integrations.kit.oauth2 import StaticToken
from integrations.kit.ratelimit import MemoryLimiter
from integrations.kit.ssrf import AddressGuard
from integrations.platform import Connection, RateLimit
from integrations.shopify.service import ShopifyIntegration
from tests.integrations.kit.server import Request, ScriptedStore, answer, hang_up

TOKEN = "shpat_0123456789abcdef0123456789abcdef"
PATH = "/admin/api/2026-07/graphql.json"
DATE = "Tue, 24 Nov 2026 10:00:00 GMT"
LOST = b""
"""An answer that never comes: the request was taken, then the line went dead."""
_OPERATION = re.compile(r"(?:query|mutation) (\w+)")
_TERM = re.compile(r"(\w+):(>=|<)?(?:'([^']*)'|\"([^\"]*)\"|(\S+))")


@dataclass(frozen=True)
class Call:
    name: str
    variables: dict[str, Any]
    query: str
    headers: Mapping[str, str]


Reply = bytes | Callable[[Call], bytes]


def data(
    *, requested: float = 12, actual: float = 6, available: float = 1990, **roots: Any
) -> bytes:
    """An answer with its cost."""
    status = {"maximumAvailable": 2000.0, "currentlyAvailable": available, "restoreRate": 100.0}
    cost = {"requestedQueryCost": requested, "actualQueryCost": actual, "throttleStatus": status}
    body = {"data": roots, "extensions": {"cost": cost}}
    return answer(200, body, Date=DATE, X_Shopify_API_Version="2026-07")


def errors(*found: dict[str, Any], status: int = 200, **more: Any) -> bytes:
    return answer(status, {"errors": list(found), **more}, Date=DATE)


def error(code: str, message: str = "No.", *path: Any, **extensions: Any) -> dict[str, Any]:
    told = {"message": message, "extensions": {"code": code, **extensions}}
    return told | ({"path": list(path)} if path else {})


def throttled(*, requested: float, available: float, rate: float = 100.0) -> bytes:
    status = {"maximumAvailable": 2000.0, "currentlyAvailable": available, "restoreRate": rate}
    cost = {"requestedQueryCost": requested, "actualQueryCost": None, "throttleStatus": status}
    return errors(error("THROTTLED", "Throttled"), extensions={"cost": cost})


def nodes(rows: Sequence[Any], rest: str | None = None) -> dict[str, Any]:
    """A connection."""
    return {"nodes": list(rows), "pageInfo": {"hasNextPage": rest is not None, "endCursor": rest}}


def done(root: str, **payload: Any) -> bytes:
    """A mutation that worked."""
    return data(**{root: {"userErrors": [], **payload}})


def refused(
    root: str, message: str, *path: str, code: str | None = None, name: str = "userErrors"
) -> bytes:
    return data(**{root: {name: [{"message": message, "field": list(path), "code": code}]}})


@dataclass
class Shop:
    """``gate`` may answer in place of the script."""

    calls: list[Call] = field(default_factory=list)
    gate: Callable[[Call], bytes | None] = lambda _call: None

    def __post_init__(self) -> None:
        self._replies: dict[str, list[Reply]] = {}
        self.server = ScriptedStore([self._serve])

    @property
    def url(self) -> str:
        return self.server.url

    def on(self, name: str, *replies: Reply) -> None:
        """Answer an operation by ``replies``, one after the other, the last one over and over."""
        self._replies[name] = list(replies)

    def asked(self, name: str) -> list[Call]:
        return [call for call in self.calls if call.name == name]

    def _serve(self, request: Request, sock: socket.socket) -> None:
        reply = self._answer(request)
        if reply == LOST:
            hang_up(request, sock)
        else:
            sock.sendall(reply)

    def _answer(self, request: Request) -> bytes:
        if request.path != PATH:
            return answer(404, {"errors": "Not Found"})
        body = json.loads(request.body)
        found = _OPERATION.search(body["query"])
        assert found is not None
        call = Call(found[1], body["variables"], body["query"], request.headers)
        self.calls.append(call)
        gated = self.gate(call)
        return self._scripted(call) if gated is None else gated

    def _scripted(self, call: Call) -> bytes:
        replies = self._replies.get(call.name)
        if not replies:
            return errors(error("undefinedOperation", f"{call.name} is not scripted"))
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        return reply if isinstance(reply, bytes) else reply(call)


@dataclass
class Shelf:
    """One list, by ``updatedAt`` or ``createdAt``. ``before`` is called with the number of the
    question (from 1) before it is answered. ``most`` nodes are listed after one another.
    """

    root: str
    rows: list[dict[str, Any]]
    before: Callable[[int], None] = lambda _number: None
    each: float = 1.0
    asked: int = 0

    def __call__(self, call: Call) -> bytes:
        self.asked += 1
        self.before(self.asked)
        by = {"UPDATED_AT": "updatedAt", "CREATED_AT": "createdAt"}.get(call.variables["sortKey"])
        rows = [row for row in self.rows if _matches(row, call.variables["query"])]
        rows.sort(key=lambda row: _place(row, by))
        if after := call.variables.get("after"):
            rows = [row for row in rows if _place(row, by) > tuple(json.loads(after))]
        size = call.variables["first"]
        shown = rows[:size]
        rest = json.dumps(_place(shown[-1], by)) if len(rows) > size else None
        requested = self.each * size
        return data(requested=requested, actual=requested / 10, **{self.root: nodes(shown, rest)})

    def by_id(self, call: Call) -> bytes:
        found = {row["id"]: row for row in self.rows}
        return data(nodes=[found.get(wanted) for wanted in call.variables["ids"]])


def _place(row: dict[str, Any], by: str | None) -> tuple[str, int]:
    return row[by] if by else "", int(row["legacyResourceId"])


def _matches(row: dict[str, Any], query: str) -> bool:
    """A name nobody knows is ignored, as Shopify ignores it."""
    for name, sign, *words in _TERM.findall(query):
        wanted = next((word for word in words if word), "")
        if name in ("updated_at", "created_at"):
            there = row["updatedAt" if name == "updated_at" else "createdAt"]
            if not (there >= wanted if sign == ">=" else there < wanted):
                return False
        elif name in ("name", "sku") and wanted.lower() not in str(row.get(name, "")).lower():
            return False
    return True


class Time:
    """Hours that pass only while somebody sleeps."""

    def __init__(self) -> None:
        self.now, self.slept = 1_795_000_000.0, 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept += seconds


def adapter_for(shop: Shop, **about: Any) -> ShopifyIntegration:
    """An adapter whose session sleeps in no time. ``about`` goes into its connection."""
    time = about.pop("time", None) or Time()
    limit = RateLimit(rate=100, burst=2000)
    session = PlatformSession(
        shop.url,
        limiter=MemoryLimiter({"default": limit}, clock=lambda: time.now),
        breaker=MemoryBreaker(),
        guard=AddressGuard(allow_loopback_http=True),
        sleep=time.sleep,
        read_s=5,
        retries=about.pop("retries", 1),
        store_id="s1",
    )
    about.setdefault("store_id", "s1")
    about.setdefault("token", StaticToken(TOKEN))
    adapter = ShopifyIntegration(
        Connection(base_url=shop.url, credentials={}, http=session, **about)
    )
    adapter.pause = lambda _seconds: None
    return adapter
