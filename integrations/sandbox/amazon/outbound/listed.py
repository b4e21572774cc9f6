"""The same order among those of Orders 2026-01-01, where its channel is ``NON_AMAZON``.

Source: the model's ``SalesChannel``, and its status UNFULFILLABLE "for Amazon-fulfilled orders that
were not placed on Amazon's retail website". That its id begins with S02, that it names what the
other shop calls it as an alias, and that it costs nothing there and has no buyer is assumed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from integrations.sandbox.amazon.clock import DAY
from integrations.sandbox.amazon.money import NOTHING
from integrations.sandbox.amazon.orders import building, life
from integrations.sandbox.amazon.orders.models import Address, Item, Order
from integrations.sandbox.amazon.outbound.models import SPEEDS, Outbound

if TYPE_CHECKING:
    from integrations.sandbox.amazon.store import SellerStore

_STATUSES = {
    "Cancelled": "CANCELLED",
    "Complete": "SHIPPED",
    "CompletePartialled": "SHIPPED",
    "Unfulfillable": "UNFULFILLABLE",
    "Invalid": "UNFULFILLABLE",
}


def add(store: SellerStore, made: Outbound) -> None:
    days, now = SPEEDS[made.speed][0], int(made.received)
    at, number = made.address, store.next("elsewhere")
    made.order_id = f"S02-{number:07d}-{number * 7_919 % 10**7:07d}"
    store.state.orders[made.order_id] = Order(
        id=made.order_id,
        marketplace=made.marketplace,
        created=now,
        updated=now,
        fulfilled_by="AMAZON",
        status="UNSHIPPED",
        address=Address(
            at["name"], at["addressLine1"], at.get("city", ""), at["postalCode"], at["countryCode"]
        ),
        items=[_item(store, x.sku, x.quantity) for x in made.items],
        ship_by=(now, now + DAY),
        deliver_by=(now, now + days * DAY),
        service_level=made.speed.upper(),
        seller_order_id=made.shown_id,
        channel="NON_AMAZON",
    )
    store.post.note("ORDER_CHANGE", made.order_id)


def follow(store: SellerStore, made: Outbound, at: float) -> None:
    """What became of it."""
    order = store.state.orders.get(made.order_id)
    if order is None:
        return
    order.status = _STATUSES.get(made.status, "UNSHIPPED")
    for item, asked in zip(order.items, made.items, strict=True):
        item.shipped = asked.open if order.status == "SHIPPED" else 0
    life.touch(store, order, at)


def _item(store: SellerStore, sku: str, quantity: int) -> Item:
    row = store.state.listings[sku]
    return Item(building.item_id(store), sku, row.asin, row.title, quantity, NOTHING)
