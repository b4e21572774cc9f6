"""The page and the JSON API under ``/_sandbox/`` from which people, tests and the demo play the
account. Who may use them, ``sandbox.guard`` says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from integrations.sandbox import board, guard
from integrations.sandbox.amazon.listings import bodies
from integrations.sandbox.amazon.orders import acts as order_acts
from integrations.sandbox.amazon.orders import placing
from integrations.sandbox.amazon.play import acts, page
from integrations.sandbox.amazon.play.describing import described
from integrations.sandbox.amazon.play.faults import KINDS
from integrations.sandbox.amazon.refusals import Refusal
from integrations.sandbox.amazon.wire import Answer, Request

if TYPE_CHECKING:
    from integrations.sandbox.amazon.shop import Shop

ROOT = "/_sandbox"


# --- what is sent in ------------------------------------------------------------------------------


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    """What every body is checked against; of this one nothing is asked."""


class NewOrder(Asked):
    """``kind`` and ``count``, or ``lines`` of (SKU, quantity) for one order with these, in
    ``status`` UNSHIPPED or PENDING.
    """

    kind: str = "plain"
    count: int = 1
    lines: list[tuple[str, int]] = []
    status: str = "UNSHIPPED"


class Touch(Asked):
    """Edit the newest ``count`` orders, or those of ``ids``, within one second."""

    count: int = 0
    ids: list[str] = []


class Stock(Asked):
    sku: str
    quantity: int


class Roles(Asked):
    """None: all there are."""

    roles: list[str] | None = None


class Seconds(Asked):
    seconds: float


class Fault(Asked):
    """As ``Faults.turn_on`` takes it."""

    kind: str
    rate: float = 1.0
    count: int | None = None
    route: str = ""
    method: str = ""
    seconds: float | None = None
    status: int | None = None


class Pace(Asked):
    per_minute: float


# --- who may, and what he gets --------------------------------------------------------------------


class Control:
    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    def answer(self, request: Request, path: str) -> Answer:
        """``path`` is what stands behind ``/_sandbox``, decoded."""
        if refusal := guard.refusal(request.method, request.headers):
            return _json(403, {"error": refusal})
        if path == "":
            return Answer(308, headers=[("Location", f"{request.path}/")], body=b"")
        allowed = set()
        for method, pattern, kind, act in _ROUTES:
            if not (found := re.fullmatch(pattern, path)):
                continue
            allowed.add(method)
            if method == ("GET" if request.method == "HEAD" else request.method):
                return self._done(act, kind, found.groups(), request)
        if allowed:
            return _json(405, {"error": f"Only {', '.join(sorted(allowed))} is answered here."})
        return _json(404, {"error": f"Nothing is at {path}."})

    def _done(
        self, act: Act, kind: type[Asked], words: tuple[str, ...], request: Request
    ) -> Answer:
        try:
            body = msgspec.json.decode(request.body or b"{}", type=kind)
            done = act(self.shop, body, *words)
        except (Refusal, ValueError, msgspec.ValidationError) as err:
            return _json(400, {"error": str(err)})
        return done if isinstance(done, Answer) else _json(200, done)


def _json(status: int, document: Any) -> Answer:
    body = json.dumps(document, ensure_ascii=False, default=str).encode("utf-8", "surrogatepass")
    headers = [("Content-Type", "application/json; charset=utf-8"), *guard.HEADERS]
    return Answer(status, headers=headers, body=body)


# --- what is asked for ----------------------------------------------------------------------------


def _page(shop: Shop, _: Any) -> Answer:
    return Answer(
        200,
        headers=[
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Security-Policy", board.POLICY),
            *guard.HEADERS,
        ],
        body=page.rendered(described(shop)).encode("utf-8", "replace"),
    )


def _state(shop: Shop, _: Any) -> Any:
    return described(shop) | {
        "kinds": {name: kind.about for name, kind in KINDS.items()},
        "order_kinds": list(placing.ORDER_KINDS),
        "verbs": {
            "orders": list(order_acts.VERBS),
            "listings": list(acts.LISTING_VERBS),
            "app": list(acts.APP_VERBS),
        },
    }


def _requests(shop: Shop, _: Any) -> Any:
    return shop.log()


def _calls(shop: Shop, _: Any) -> Any:
    with shop.store.working():
        return shop.store.quotas.document()


def _calls_off(shop: Shop, _: Any) -> Any:
    acts.reset_counts(shop.store)
    return {}


def _quotas(shop: Shop, _: Any) -> Any:
    acts.fill_quotas(shop.store)
    return {"done": "filled"}


def _place(shop: Shop, body: NewOrder) -> Any:
    if body.lines:
        name = placing.place_with(shop.store, shop.chance, body.lines, status=body.status)
        return {"ids": [name]}
    return {"ids": placing.place(shop.store, shop.chance, kind=body.kind, count=body.count)}


def _touch(shop: Shop, body: Touch) -> Any:
    if body.ids:
        names = list(body.ids)
    elif 1 <= body.count <= placing.MOST_AT_ONCE:
        names = order_acts.newest(shop.store, body.count)
    else:
        raise Refusal(f"count lies between 1 and {placing.MOST_AT_ONCE}, not {body.count}.")
    order_acts.touch(shop.store, names)
    return {"ids": names}


def _on_order(shop: Shop, _: Any, name: str, verb: str) -> Any:
    order_acts.act(shop.store, verb, name)
    return {"id": name, "done": verb}


def _on_listing(shop: Shop, _: Any, sku: str, verb: str) -> Any:
    acts.on_listing(shop.store, verb, sku)
    return {"sku": sku, "done": verb}


def _listing(shop: Shop, _: Any, sku: str) -> Any:
    """All that is told of one, in every marketplace."""
    with shop.store.working():
        row = shop.store.state.listings.get(sku)
        if row is None:
            raise Refusal(f"There is no listing “{sku}”.")
        return bodies.item(row, shop.store.options.sells_in, bodies.DATA)


def _on_outbound(shop: Shop, _: Any, name: str, verb: str) -> Any:
    return {"id": name, "status": acts.on_outbound(shop.store, verb, name)}


def _on_app(shop: Shop, _: Any, verb: str) -> Any:
    acts.on_app(shop.store, verb)
    return {"done": verb}


def _roles(shop: Shop, body: Roles) -> Any:
    return {"roles": list(acts.grant(shop.store, body.roles))}


def _stock(shop: Shop, body: Stock) -> Any:
    row = acts.set_stock(shop.store, body.sku, body.quantity)
    return {"sku": row.sku, "quantity": row.for_sale}


def _clock(shop: Shop, body: Seconds) -> Any:
    return {"now": acts.move_clock(shop.store, body.seconds)}


def _faults(shop: Shop, _: Any) -> Any:
    return shop.faults.document()


def _fault_on(shop: Shop, body: Fault) -> Any:
    shop.faults.turn_on(**msgspec.structs.asdict(body))
    return shop.faults.document()


def _faults_off(shop: Shop, _: Any, kind: str | None) -> Any:
    if kind is None:
        shop.faults.clear()
    else:
        shop.faults.turn_off(kind)
    return shop.faults.document()


def _pace(shop: Shop, body: Pace) -> Any:
    if not 0 <= body.per_minute <= 6_000:
        raise Refusal(f"per_minute lies between 0 and 6000, not {body.per_minute}.")
    shop.traffic.per_minute = body.per_minute
    return {"per_minute": body.per_minute}


Act = Callable[..., Any]
_ROUTES: tuple[tuple[str, str, type[Asked], Act], ...] = (
    ("GET", r"/", Asked, _page),
    ("GET", r"/api/state", Asked, _state),
    ("GET", r"/api/requests", Asked, _requests),
    ("GET", r"/api/calls", Asked, _calls),
    ("DELETE", r"/api/calls", Asked, _calls_off),
    ("POST", r"/api/quotas", Asked, _quotas),
    ("POST", r"/api/orders", NewOrder, _place),
    ("POST", r"/api/orders/touch", Touch, _touch),
    ("POST", r"/api/orders/([\w-]+)/(\w+)", Asked, _on_order),
    ("GET", r"/api/listings/(.+)", Asked, _listing),
    ("POST", r"/api/listings/(.+)/(\w+)", Asked, _on_listing),
    ("POST", r"/api/outbound/(.+)/(\w+)", Asked, _on_outbound),
    ("POST", r"/api/app/(\w+)", Asked, _on_app),
    ("PUT", r"/api/roles", Roles, _roles),
    ("POST", r"/api/stock", Stock, _stock),
    ("POST", r"/api/clock", Seconds, _clock),
    ("GET", r"/api/faults", Asked, _faults),
    ("PUT", r"/api/faults", Fault, _fault_on),
    ("DELETE", r"/api/faults(?:/(\w+))?", Asked, _faults_off),
    ("PUT", r"/api/traffic", Pace, _pace),
)
