"""What becomes of an order of another shop: validated, planned, picked, shipped; or not.

The times are invented. Sources: the statuses' own descriptions in the model; that the seller can
call it off only while it is Received or Planning, the page "Cancel a fulfillment order" as well.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from integrations.sandbox.amazon.listings import warehouses
from integrations.sandbox.amazon.outbound import listed
from integrations.sandbox.amazon.outbound.models import Outbound, Package, Shipment

if TYPE_CHECKING:
    from integrations.sandbox.amazon.store import SellerStore

STEPS_S = {"New": 30.0, "Received": 600.0, "Planning": 3_600.0, "Processing": 4 * 3_600.0}
"""How long an order stays so."""

NOWHERE = "00000"
"""A postal code that no address has: orders to it are Invalid."""

_CENTERS = ("LEJ1", "HAM2", "CDG7")


def place(store: SellerStore, order: Outbound) -> None:
    store.state.outbound[order.id] = order
    listed.add(store, order)
    _wait(store, order, store.clock.exact())


def go_on(store: SellerStore, key: str, at: float) -> None:
    """``key`` is the order's id and the status it was left in: what was put off before a change of
    its status is over.
    """
    name, _, status = key.rpartition(" ")
    order = store.state.outbound.get(name)
    if order is None or order.status != status:
        return
    _NEXT[status](store, order, at)
    _changed(store, order, at)
    if order.status in STEPS_S:
        _wait(store, order, at)


def cancel(store: SellerStore, order: Outbound) -> None:
    _let_go(store, order)
    for item in order.items:
        item.cancelled = item.quantity - item.unfulfillable
    order.status = "Cancelled"
    _changed(store, order, store.clock.exact())


def _changed(store: SellerStore, order: Outbound, at: float) -> None:
    order.updated = at
    store.post.note("FULFILLMENT_ORDER_STATUS", order.id)
    listed.follow(store, order, at)


def _wait(store: SellerStore, order: Outbound, now: float) -> None:
    store.at(now + STEPS_S[order.status], "outbound", f"{order.id} {order.status}")


def _validate(store: SellerStore, order: Outbound, at: float) -> None:
    is_lost = store.strikes("outbound_invalid", f"outbound {order.id}")
    if is_lost or order.address["postalCode"] == NOWHERE or not _hold(store, order, at):
        order.status = "Invalid"
        for item in order.items:
            item.unfulfillable = item.quantity
    else:
        order.status = "Received"


def _plan(_: SellerStore, order: Outbound, at: float) -> None:
    order.status = "Planning"


def _pick(store: SellerStore, order: Outbound, at: float) -> None:
    """Where the first units are not found the rest may be; ``FillOrKill`` calls off what has not
    begun.
    """
    if store.strikes("outbound_unfulfillable", f"outbound {order.id}"):
        _let_go(store, order)
        for item in order.items:
            item.unfulfillable = item.quantity
        order.status = "Unfulfillable"
        return
    if store.strikes("outbound_partial", f"outbound {order.id}"):
        last = order.items[-1]
        last.unfulfillable = max(1, last.quantity // 2)
        warehouses.let_go(store, last.sku, last.unfulfillable, at)
    number = store.next("outbound_shipment")
    items = {item.key: item.open for item in order.items if item.open}
    order.shipments.append(
        Shipment(
            f"D{number:09d}", _CENTERS[number % 3], "PENDING", at + STEPS_S["Processing"], items
        )
    )
    order.status = "Processing"


def _ship(store: SellerStore, order: Outbound, at: float) -> None:
    for shipment in order.shipments:
        tracking = f"TBA{store.next('outbound_tracking'):012d}"
        shipment.status, shipment.date = "SHIPPED", at
        shipment.packages = [Package(store.next("outbound_package"), "AMZN_DE", tracking)]
    for item in order.items:
        warehouses.send(store, item.sku, item.open, at)
    order.is_held = False
    is_whole = not any(item.unfulfillable for item in order.items)
    order.status = "Complete" if is_whole else "CompletePartialled"


_NEXT: dict[str, Callable[[SellerStore, Outbound, float], None]] = {
    "New": _validate,
    "Received": _plan,
    "Planning": _pick,
    "Processing": _ship,
}


def units_of(order: Outbound) -> dict[str, int]:
    """By SKU: two items may be of one."""
    found: dict[str, int] = {}
    for item in order.items:
        found[item.sku] = found.get(item.sku, 0) + item.quantity
    return found


def _hold(store: SellerStore, order: Outbound, at: float) -> bool:
    """Take its units out of what can be sold; False, and nothing is taken, where they are too
    few.
    """
    rows = store.state.listings
    if any(sku not in rows or rows[sku].for_sale < n for sku, n in units_of(order).items()):
        return False
    for item in order.items:
        warehouses.reserve(store, item.sku, item.quantity, at)
    order.is_held = True
    return True


def _let_go(store: SellerStore, order: Outbound) -> None:
    if order.is_held:
        for item in order.items:
            warehouses.let_go(store, item.sku, item.open, store.clock.exact())
    order.is_held = False
