"""What buyers, the seller and Amazon do with an order, by name. The control page, its API and the
traffic draw on these.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from integrations.sandbox.amazon.clock import iso
from integrations.sandbox.amazon.marketplaces import MARKETPLACES
from integrations.sandbox.amazon.orders import life, returning
from integrations.sandbox.amazon.orders.models import (
    STATUSES,
    TO_SHIP,
    UNPAID,
    Order,
    Package,
)
from integrations.sandbox.amazon.orders.proceeds import item_total
from integrations.sandbox.amazon.refusals import Refusal

if TYPE_CHECKING:
    from integrations.sandbox.amazon.store import SellerStore

Act = Callable[["SellerStore", Order, float], None]


def _pay(store: SellerStore, order: Order, now: float) -> None:
    if order.status not in UNPAID:
        raise Refusal("The order is not pending.")
    order.status = "PENDING"
    life.authorised(store, order.id, now)


def _edit(store: SellerStore, order: Order, now: float) -> None:
    """The buyer gives another address, which Amazon lets him for a while."""
    _check_open(order)
    order.address.line = f"{order.address.line.partition(' (')[0]} ({int(now) % 1000})"
    life.touch(store, order, now)


def _return(store: SellerStore, order: Order, now: float) -> None:
    """The buyer sends one unit back."""
    returning.ask(store, order, now)


def _arrive(store: SellerStore, order: Order, now: float) -> None:
    """What was sent back is with the seller, and refunded."""
    back = returning.waiting(store, order)
    if back is None:
        raise Refusal("Nothing of the order is on its way back.")
    returning.arrive(store, order, back, now)


def _touch(store: SellerStore, order: Order, now: float) -> None:
    life.touch(store, order, now)


def _ask_cancel(store: SellerStore, order: Order, now: float) -> None:
    _check_open(order)
    for item in order.items:
        if item.open:
            item.wish = "NO_LONGER_NEEDED"
    life.touch(store, order, now)


def _cancel(store: SellerStore, order: Order, now: float) -> None:
    """The buyer, while it is not paid; then the seller, in Seller Central."""
    if order.status not in UNPAID | TO_SHIP:
        raise Refusal("The order cannot be cancelled any more.")
    by = "BUYER" if order.status in UNPAID else "MERCHANT"
    life.cancel(store, order, by, "NO_INVENTORY" if by == "MERCHANT" else "BUYER_CANCELED", now)


def _cancel_item(store: SellerStore, order: Order, now: float) -> None:
    """Only the last thing that has not left."""
    _check_open(order)
    if order.is_amazons:
        raise Refusal("What Amazon ships is cancelled as a whole.")
    item = next(one for one in reversed(order.items) if one.open)
    if item.shipped:
        raise Refusal("A part of it has left.")
    item.cancelled_by, item.cancel_reason = "MERCHANT", "NO_INVENTORY"
    life.settle(order)
    life.touch(store, order, now)


def _ship(store: SellerStore, order: Order, now: float) -> None:
    """All that is open: by the seller in Seller Central, or by Amazon."""
    _check_open(order)
    if order.is_amazons:
        life.left_warehouse(store, order.id, now)
        return
    _send(store, order, {item.id: item.open for item in order.items if item.open}, now)


def _ship_one(store: SellerStore, order: Order, now: float) -> None:
    _check_open(order)
    if order.is_amazons:
        raise Refusal("What Amazon ships is not told package by package.")
    item = next(one for one in order.items if one.open)
    _send(store, order, {item.id: 1}, now)


def _deliver(store: SellerStore, order: Order, now: float) -> None:
    for package in order.packages:
        if package.status == "SHIPPED":
            life.delivered(store, f"{order.id} {package.reference}", now)
            return
    raise Refusal("No package is on its way.")


def _fail(store: SellerStore, order: Order, now: float) -> None:
    """Amazon cannot send it."""
    if not order.is_amazons or order.status not in TO_SHIP:
        raise Refusal("Only what Amazon is to ship can be unfulfillable.")
    order.status = "UNFULFILLABLE"
    life.touch(store, order, now)


def _check_open(order: Order) -> None:
    if order.status not in TO_SHIP:
        raise Refusal("Nothing of the order is to be shipped now.")


def _send(store: SellerStore, order: Order, items: dict[str, int], now: float) -> None:
    """Seller Central numbers packages by itself."""
    taken = {package.reference for package in order.packages}
    reference = next(str(number) for number in range(1, 1_000) if str(number) not in taken)
    tracking = f"00340434161{store.next('tracking'):09d}"
    package = Package(reference, "DHL", tracking, now, int(now), "DHL Paket", items)
    life.ship(store, order, package, now)


VERBS: dict[str, Act] = {
    "pay": _pay,
    "edit": _edit,
    "ask_cancel": _ask_cancel,
    "cancel": _cancel,
    "cancel_item": _cancel_item,
    "ship": _ship,
    "ship_one": _ship_one,
    "deliver": _deliver,
    "fail": _fail,
    "return": _return,
    "arrive": _arrive,
    "touch": _touch,
}


_SENT = frozenset({"PARTIALLY_SHIPPED", "SHIPPED"})
_SUITS: dict[str, frozenset[str]] = {
    "pay": UNPAID,
    "edit": TO_SHIP,
    "ask_cancel": TO_SHIP,
    "cancel": UNPAID | TO_SHIP,
    "cancel_item": TO_SHIP,
    "ship": TO_SHIP,
    "ship_one": TO_SHIP,
    "deliver": _SENT,
    "fail": TO_SHIP,
    "return": _SENT,
    "arrive": _SENT,
    "touch": frozenset(STATUSES),
}
_SELLERS = frozenset({"cancel_item", "ship_one", "deliver", "arrive"})
"""Not done with what Amazon ships."""


def suited(order: Order) -> list[str]:
    """The verbs that may do something to it now; each may still say why not."""
    return [
        verb
        for verb in VERBS
        if order.status in _SUITS[verb]
        and not (verb in _SELLERS if order.is_amazons else verb == "fail")
    ]


def act(store: SellerStore, verb: str, order_id: str) -> None:
    """Raises Refusal."""
    with store.working():
        order, do = store.state.orders.get(order_id), VERBS.get(verb)
        if order is None or do is None:
            raise Refusal(f"There is no order {order_id}, or no “{verb}” for one.")
        do(store, order, store.clock.exact())


def touch(store: SellerStore, order_ids: Sequence[str]) -> None:
    """Edit these within one second. Raises Refusal, and then none is touched."""
    with store.working():
        orders = [store.state.orders.get(name) for name in order_ids]
        now = store.clock.exact()
        for name, order in zip(order_ids, orders, strict=True):
            if order is None:
                raise Refusal(f"There is no order {name}.")
        for order in orders:
            if order is not None:
                life.touch(store, order, now)


def newest(store: SellerStore, count: int) -> list[str]:
    """The ids of the orders placed last, newest first."""
    rows = sorted(store.state.orders.values(), key=lambda row: (-row.created, row.id))
    return [row.id for row in rows[:count]]


def row(store: SellerStore, order_id: str) -> dict[str, Any]:
    """One line about an order for people."""
    order = store.state.orders[order_id]
    market = MARKETPLACES[order.marketplace]
    return {
        "id": order.id,
        "marketplace": market.name,
        "status": order.status,
        "fulfilled_by": order.fulfilled_by,
        "lines": len(order.items),
        "total": f"{sum(item_total(item) for item in order.items):.2f} {market.currency}",
        "updated_at": iso(order.updated),
        "wants_cancel": any(item.wish and item.open for item in order.items),
        "verbs": suited(order),
    }
