"""The page and the JSON API under ``/_sandbox/`` from which people, tests and the demo play the
store. Who may use them, ``sandbox.guard`` says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from integrations.sandbox import board, guard
from integrations.sandbox.shopify.orders import acts as order_acts
from integrations.sandbox.shopify.orders import placing
from integrations.sandbox.shopify.play import acts, page
from integrations.sandbox.shopify.play.describing import described
from integrations.sandbox.shopify.play.faults import KINDS
from integrations.sandbox.shopify.wire import Answer, Request

if TYPE_CHECKING:
    from integrations.sandbox.shopify.shop import Shop

ROOT = "/_sandbox"


# --- what is sent in ------------------------------------------------------------------------------


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    """What every body is checked against; of this one nothing is asked."""


class NewOrder(Asked):
    """``kind`` and ``count``, or ``lines`` of (SKU, quantity) for one order with these."""

    kind: str = "plain"
    count: int = 1
    lines: list[tuple[str, int]] = []


class Touch(Asked):
    """Edit the newest ``count`` orders, or those of ``ids``, within one second."""

    count: int = 0
    ids: list[int] = []


class Stock(Asked):
    """``location_id`` 0: the first that stocks it."""

    sku: str
    quantity: int
    location_id: int = 0


class Scopes(Asked):
    """``later``: what the merchant grants at the next consent; else what the app holds from now on.
    None: all that is asked for.
    """

    scopes: list[str] | None = None
    later: bool = False


class Hours(Asked):
    seconds: int


class Compliance(Asked):
    topic: str
    body: dict[str, Any] = {}


class Fault(Asked):
    """As ``Faults.turn_on`` takes it."""

    kind: str
    rate: float = 1.0
    count: int | None = None
    route: str = ""
    seconds: float | None = None
    status: int | None = None


class Pace(Asked):
    per_minute: float


# --- who may, and what he gets --------------------------------------------------------------------


class Control:
    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    def answer(self, request: Request, path: str) -> Answer:
        """``path`` is what stands behind ``/_sandbox``."""
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
        except (order_acts.Refusal, ValueError, msgspec.ValidationError) as err:
            return _json(400, {"error": str(err)})
        return done if isinstance(done, Answer) else _json(200, done)


def _json(status: int, document: Any) -> Answer:
    body = json.dumps(document, ensure_ascii=False, default=str).encode("utf-8", "surrogatepass")
    return Answer(
        status,
        headers=[("Content-Type", "application/json; charset=utf-8"), *guard.HEADERS],
        body=body,
    )


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
            "products": list(acts.PRODUCT_VERBS),
            "locations": list(acts.LOCATION_VERBS),
            "app": list(acts.APP_VERBS),
        },
    }


def _requests(shop: Shop, _: Any) -> Any:
    return shop.log()


def _place(shop: Shop, body: NewOrder) -> Any:
    if body.lines:
        return {"ids": [placing.place_with(shop.store, shop.chance, body.lines)]}
    return {"ids": placing.place(shop.store, shop.chance, kind=body.kind, count=body.count)}


def _touch(shop: Shop, body: Touch) -> Any:
    if body.ids:
        numbers = list(body.ids)
    elif 1 <= body.count <= placing.MOST_AT_ONCE:
        numbers = order_acts.newest(shop.store, body.count)
    else:
        raise order_acts.Refusal(
            f"count lies between 1 and {placing.MOST_AT_ONCE}, not {body.count}."
        )
    order_acts.touch(shop.store, numbers)
    return {"ids": numbers}


def _on_order(shop: Shop, _: Any, number: str, verb: str) -> Any:
    order_acts.act(shop.store, verb, int(number))
    return {"id": int(number), "done": verb}


def _on_product(shop: Shop, _: Any, number: str, verb: str) -> Any:
    acts.on_product(shop.store, verb, int(number))
    return {"id": int(number), "done": verb}


def _on_location(shop: Shop, _: Any, number: str, verb: str) -> Any:
    acts.on_location(shop.store, verb, int(number))
    return {"id": int(number), "done": verb}


def _on_app(shop: Shop, _: Any, verb: str) -> Any:
    acts.on_app(shop.store, verb)
    return {"done": verb}


def _scopes(shop: Shop, body: Scopes) -> Any:
    granted = acts.narrow(shop.store, body.scopes, is_for_later=body.later)
    return {"granted": list(granted)}


def _stock(shop: Shop, body: Stock) -> Any:
    level = acts.set_stock(shop.store, body.sku, body.quantity, body.location_id)
    return {"location_id": level.location_id, "quantity": level.available}


def _clock(shop: Shop, body: Hours) -> Any:
    return {"now": acts.move_clock(shop.store, body.seconds)}


def _comply(shop: Shop, body: Compliance) -> Any:
    with shop.store.working():
        shop.store.hooks.comply(body.topic, body.body)
    return {"topic": body.topic}


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
        raise order_acts.Refusal(f"per_minute lies between 0 and 6000, not {body.per_minute}.")
    shop.traffic.per_minute = body.per_minute
    return {"per_minute": body.per_minute}


Act = Callable[..., Any]
_ROUTES: tuple[tuple[str, str, type[Asked], Act], ...] = (
    ("GET", r"/", Asked, _page),
    ("GET", r"/api/state", Asked, _state),
    ("GET", r"/api/requests", Asked, _requests),
    ("POST", r"/api/orders", NewOrder, _place),
    ("POST", r"/api/orders/touch", Touch, _touch),
    ("POST", r"/api/orders/(\d+)/(\w+)", Asked, _on_order),
    ("POST", r"/api/products/(\d+)/(\w+)", Asked, _on_product),
    ("POST", r"/api/locations/(\d+)/(\w+)", Asked, _on_location),
    ("POST", r"/api/app/(\w+)", Asked, _on_app),
    ("PUT", r"/api/scopes", Scopes, _scopes),
    ("POST", r"/api/stock", Stock, _stock),
    ("POST", r"/api/clock", Hours, _clock),
    ("POST", r"/api/compliance", Compliance, _comply),
    ("GET", r"/api/faults", Asked, _faults),
    ("PUT", r"/api/faults", Fault, _fault_on),
    ("DELETE", r"/api/faults(?:/(\w+))?", Asked, _faults_off),
    ("PUT", r"/api/traffic", Pace, _pace),
)
