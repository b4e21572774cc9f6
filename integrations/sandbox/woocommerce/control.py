"""The page and the JSON API under ``/_sandbox/`` from which people, tests and the demo play the
store. Who may use them, ``sandbox.guard`` says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from integrations.sandbox import board, guard
from integrations.sandbox.woocommerce import acts, page, placing, shapes, wire
from integrations.sandbox.woocommerce.faults import KINDS

if TYPE_CHECKING:
    from integrations.sandbox.woocommerce.shop import Shop

ROOT = "_sandbox"
_SHOWN_ORDERS, _SHOWN_STOCK, _SHOWN_LOG = 20, 25, 25


# --- what is sent in ------------------------------------------------------------------------------


class NewOrder(msgspec.Struct, forbid_unknown_fields=True):
    """``kind`` and ``count``, or ``lines`` of (SKU, quantity) for one order with these."""

    kind: str = "plain"
    count: int = 1
    lines: list[tuple[str, int]] = []
    status: str = "processing"


class Touch(msgspec.Struct, forbid_unknown_fields=True):
    """Edit the newest ``count`` orders, or those of ``ids``, within one second."""

    count: int = 0
    ids: list[int] = []


class Stock(msgspec.Struct, forbid_unknown_fields=True):
    quantity: int
    product_id: int = 0
    sku: str = ""


class Fault(msgspec.Struct, forbid_unknown_fields=True):
    """As ``Faults.turn_on`` takes it."""

    kind: str
    rate: float = 1.0
    count: int | None = None
    route: str = ""
    method: str = ""
    seconds: float | None = None
    status: int | None = None


class Pace(msgspec.Struct, forbid_unknown_fields=True):
    per_minute: float


class Empty(msgspec.Struct):
    """No body is asked for."""


class Control:
    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    def answer(self, request: wire.Request, path: str) -> wire.Answer:
        """``path`` is what stands behind ``/_sandbox``."""
        if refusal := guard.refusal(request.method, request.headers):
            return _json(403, {"error": refusal})
        if path == "":
            return wire.Answer(308, headers=[("Location", f"{request.path}/")], body=b"")
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
        self, act: Act, kind: type[msgspec.Struct], words: tuple[str, ...], request: wire.Request
    ) -> wire.Answer:
        try:
            body = msgspec.json.decode(request.body or b"{}", type=kind)
            done = act(self.shop, body, *words)
        except (acts.Refusal, ValueError, msgspec.ValidationError) as err:
            return _json(400, {"error": str(err)})
        return done if isinstance(done, wire.Answer) else _json(200, done)


def _json(status: int, document: Any) -> wire.Answer:
    body = json.dumps(document, ensure_ascii=False, default=str).encode("utf-8", "surrogatepass")
    return wire.Answer(
        status,
        headers=[("Content-Type", "application/json; charset=utf-8"), *guard.HEADERS],
        body=body,
    )


# --- what is asked for ----------------------------------------------------------------------------


def described(shop: Shop) -> dict[str, Any]:
    """Everything the page shows."""
    store = shop.store
    with store.working():
        options = store.options
        orders = [store.orders.get(number) for number in acts.newest(store, _SHOWN_ORDERS)]
        return {
            "store": {
                "title": options.title,
                "url": store.home_url,
                "version": options.version,
                "currency": options.currency,
                "timezone": options.timezone,
                "plugins": list(options.plugins),
                "consumer_key": shop.key,
                "consumer_secret": shop.secret,
            },
            "counts": {"orders": len(store.orders), "products": len(store.products)},
            "orders": [
                {
                    "id": order.id,
                    "number": order.number,
                    "status": order.status,
                    "customer": f"{order.billing['first_name']} {order.billing['last_name']}",
                    "lines": len(order.lines),
                    "total": shapes.order_document(store, order)["total"],
                    "modified_gmt": store.clock.gmt(order.modified),
                }
                for order in orders
                if order is not None
            ],
            "stock": [
                {
                    "id": product.id,
                    "sku": product.sku,
                    "name": product.name,
                    "quantity": product.stock,
                }
                for product in acts.listed_stock(store, _SHOWN_STOCK)
            ],
            "webhooks": [
                {
                    "id": hook.id,
                    "topic": hook.topic,
                    "status": hook.status,
                    "failures": hook.failures,
                    "is_pending": hook.is_pending,
                    "host": urlsplit(hook.delivery_url).netloc,
                }
                for hook in store.webhooks.values()
            ],
            "deliveries": {
                "waiting": shop.deliveries.waiting,
                "overflowed": shop.deliveries.overflowed,
                "last": [asdict(row) for row in list(shop.deliveries.sent)[::-1][:_SHOWN_LOG]],
            },
            "faults": shop.faults.document(),
            "traffic": {"per_minute": shop.traffic.per_minute},
            "requests": shop.log(_SHOWN_LOG),
        }


def _page(shop: Shop, _: Any) -> wire.Answer:
    return wire.Answer(
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
        "verbs": list(acts.VERBS),
    }


def _requests(shop: Shop, _: Any) -> Any:
    return shop.log()


def _place(shop: Shop, body: Any) -> Any:
    if body.lines:
        return {
            "ids": [placing.place_with(shop.store, shop.chance, body.lines, status=body.status)]
        }
    return {"ids": placing.place(shop.store, shop.chance, kind=body.kind, count=body.count)}


def _touch(shop: Shop, body: Any) -> Any:
    if body.ids:
        numbers = list(body.ids)
    elif 1 <= body.count <= placing.MOST_AT_ONCE:
        numbers = acts.newest(shop.store, body.count)
    else:
        raise acts.Refusal(f"count lies between 1 and {placing.MOST_AT_ONCE}, not {body.count}.")
    acts.touch(shop.store, numbers)
    return {"ids": numbers}


def _act(shop: Shop, _: Any, number: str, verb: str) -> Any:
    acts.act(shop.store, verb, int(number))
    return {"id": int(number), "done": verb}


def _stock(shop: Shop, body: Any) -> Any:
    number = body.product_id or acts.by_sku(shop.store, body.sku).id
    acts.set_stock(shop.store, number, body.quantity)
    return {"id": number, "quantity": body.quantity}


def _faults(shop: Shop, _: Any) -> Any:
    return shop.faults.document()


def _fault_on(shop: Shop, body: Any) -> Any:
    shop.faults.turn_on(**msgspec.structs.asdict(body))
    return shop.faults.document()


def _faults_off(shop: Shop, _: Any, kind: str | None) -> Any:
    if kind is None:
        shop.faults.clear()
    else:
        shop.faults.turn_off(kind)
    return shop.faults.document()


def _pace(shop: Shop, body: Any) -> Any:
    if not 0 <= body.per_minute <= 6_000:
        raise acts.Refusal(f"per_minute lies between 0 and 6000, not {body.per_minute}.")
    shop.traffic.per_minute = body.per_minute
    return {"per_minute": body.per_minute}


Act = Callable[..., Any]
_ROUTES: tuple[tuple[str, str, type[msgspec.Struct], Act], ...] = (
    ("GET", r"/", Empty, _page),
    ("GET", r"/api/state", Empty, _state),
    ("GET", r"/api/requests", Empty, _requests),
    ("POST", r"/api/orders", NewOrder, _place),
    ("POST", r"/api/orders/touch", Touch, _touch),
    ("POST", r"/api/orders/(\d+)/(\w+)", Empty, _act),
    ("POST", r"/api/stock", Stock, _stock),
    ("GET", r"/api/faults", Empty, _faults),
    ("PUT", r"/api/faults", Fault, _fault_on),
    ("DELETE", r"/api/faults(?:/(\w+))?", Empty, _faults_off),
    ("PUT", r"/api/traffic", Pace, _pace),
)
