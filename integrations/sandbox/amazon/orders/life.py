"""What becomes of an order: paid, shipped, delivered, cancelled, and what that does to stock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from integrations.sandbox.amazon.listings import warehouses
from integrations.sandbox.amazon.listings.models import Listing
from integrations.sandbox.amazon.orders.models import TO_SHIP, UNPAID, Order, Package

if TYPE_CHECKING:
    from integrations.sandbox.amazon.store import SellerStore

WAREHOUSE_S, DELIVERY_S = 6 * 3600.0, 2 * 24 * 3600.0
"""How long Amazon takes to ship, and a parcel to arrive."""


def touch(store: SellerStore, order: Order, now: float) -> None:
    order.updated = max(order.updated, int(now))
    store.post.note("ORDER_CHANGE", order.id)


def place(store: SellerStore, order: Order) -> None:
    """The order is there and its units are gone from what can be bought."""
    store.state.orders[order.id] = order
    store.post.note("ORDER_CHANGE", order.id)
    _take(store, order)
    if order.status == "PENDING":
        store.later(store.options.authorise_s, "authorised", order.id)
    elif order.status == "UNSHIPPED" and order.is_amazons:
        store.later(WAREHOUSE_S, "left_warehouse", order.id)


def authorised(store: SellerStore, key: str, at: float) -> None:
    """The buyer's payment came through."""
    order = store.state.orders.get(key)
    if order is None or order.status != "PENDING":
        return
    order.status = "UNSHIPPED"
    touch(store, order, at)
    if order.is_amazons:
        store.at(at + WAREHOUSE_S, "left_warehouse", order.id)


def left_warehouse(store: SellerStore, key: str, at: float) -> None:
    """Amazon has shipped what it keeps for the seller; there are no packages to be seen."""
    order = store.state.orders.get(key)
    if order is None or order.status not in TO_SHIP:
        return
    for item in order.items:
        warehouses.send(store, item.sku, item.taken, at)
        item.shipped += item.open
    settle(order)
    touch(store, order, at)


def delivered(store: SellerStore, key: str, at: float) -> None:
    """``key`` is the order's id and the package's reference."""
    name, _, reference = key.partition(" ")
    order = store.state.orders.get(name)
    if order is None:
        return
    for package in order.packages:
        if package.reference == reference and package.status == "SHIPPED":
            package.status = "DELIVERED"
            touch(store, order, at)


def settle(order: Order) -> None:
    """The status that the items' shipped units make."""
    if order.status in UNPAID or order.status in ("CANCELLED", "UNFULFILLABLE"):
        return
    if all(item.cancelled_by for item in order.items):
        order.status = "CANCELLED"
    elif not any(item.open for item in order.items):
        order.status = "SHIPPED"
    else:
        order.status = "PARTIALLY_SHIPPED" if any(i.shipped for i in order.items) else "UNSHIPPED"


def ship(store: SellerStore, order: Order, package: Package, now: float) -> None:
    """A package that is new to the order, with units that are open."""
    order.packages.append(package)
    for name, quantity in package.items.items():
        item = order.item(name)
        if item is not None:
            item.shipped += quantity
    settle(order)
    touch(store, order, now)
    store.at(now + DELIVERY_S, "delivered", f"{order.id} {package.reference}")


def repack(store: SellerStore, order: Order, old: Package, new: Package, now: float) -> None:
    """The package is another one now; when it was first told of stays."""
    for name, quantity in old.items.items():
        if item := order.item(name):
            item.shipped -= quantity
    for name, quantity in new.items.items():
        if item := order.item(name):
            item.shipped += quantity
    new.created, new.status = old.created, old.status
    order.packages[order.packages.index(old)] = new
    settle(order)
    touch(store, order, now)


def cancel(store: SellerStore, order: Order, by: str, reason: str, now: float) -> None:
    """Whatever has not left. Units of an unpaid order, and those in Amazon's warehouses, can be
    bought again; what the seller cancels himself he counts himself (assumed).
    """
    if order.status in UNPAID or order.is_amazons:
        _give_back(store, order)
    for item in order.items:
        if not item.shipped and not item.cancelled_by:
            item.cancelled_by, item.cancel_reason = by, reason
    if order.status in UNPAID:
        order.status = "CANCELLED"
    settle(order)
    touch(store, order, now)


def _take(store: SellerStore, order: Order) -> None:
    """Sold units leave what can be bought; Amazon reserves its own until they leave. That a sale is
    no change of the listing, whose ``lastUpdatedDate`` stays, is assumed.
    """
    for item in order.items:
        row = store.state.listings.get(item.sku)
        if row is not None:
            item.taken = min(item.quantity, row.for_sale)
            _move(store, row, -item.taken)


def _give_back(store: SellerStore, order: Order) -> None:
    for item in order.items:
        row = store.state.listings.get(item.sku)
        if row is not None:
            _move(store, row, item.taken)
        item.taken = 0


def _move(store: SellerStore, row: Listing, units: int) -> None:
    """So many more can be bought."""
    if row.stock is not None:
        warehouses.let_go(store, row.sku, units, store.clock.now())
    elif row.quantity is not None:
        row.quantity += units
