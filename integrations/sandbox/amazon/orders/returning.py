"""What buyers send back. An order does not change by it (assumed): only reports tell of returns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from integrations.sandbox.amazon.listings import warehouses
from integrations.sandbox.amazon.marketplaces import MARKETPLACES
from integrations.sandbox.amazon.money import rounded
from integrations.sandbox.amazon.orders.models import Item, Order, Return
from integrations.sandbox.amazon.orders.proceeds import item_total
from integrations.sandbox.amazon.refusals import Refusal

if TYPE_CHECKING:
    from integrations.sandbox.amazon.store import SellerStore

_REASONS = ("CR-NO_REASON_GIVEN", "CR-DEFECTIVE", "AMZ-PG-APP-TOO-SMALL", "CR-UNWANTED_ITEM")


def ask(store: SellerStore, order: Order, now: float) -> None:
    """One unit: the seller is asked and waits for it, Amazon has it at once. Raises Refusal."""
    item = next((one for one in order.items if _returnable(store, order, one)), None)
    if item is None:
        raise Refusal("Nothing of the order can be sent back.")
    number = store.next("return")
    back = Return(
        number=f"D{number:06d}RRMA",
        order=order.id,
        item=item.id,
        quantity=1,
        reason=_REASONS[number % len(_REASONS)],
        asked=int(now),
        tracking="" if order.is_amazons else f"1Z{number:016d}",
    )
    store.state.returns.append(back)
    if order.is_amazons:
        _take_in(store, item, back, now)
        _refund(order, item, back, now)


def arrive(_: SellerStore, order: Order, back: Return, now: float) -> None:
    """It is with the seller, and the buyer has his money."""
    item = order.item(back.item)
    if item is not None:
        _refund(order, item, back, now)


def waiting(store: SellerStore, order: Order) -> Return | None:
    """The first return of the order that has not arrived."""
    rows = store.state.returns
    return next((one for one in rows if one.order == order.id and one.arrived is None), None)


def _returnable(store: SellerStore, order: Order, item: Item) -> bool:
    rows = store.state.returns
    gone = sum(one.quantity for one in rows if (one.order, one.item) == (order.id, item.id))
    return item.shipped > gone


def _refund(order: Order, item: Item, back: Return, now: float) -> None:
    share = item_total(item) * back.quantity / item.quantity
    back.refunded = rounded(share, MARKETPLACES[order.marketplace].currency)
    back.arrived = int(now)


def _take_in(store: SellerStore, item: Item, back: Return, now: float) -> None:
    """Every other unit is as good as new."""
    row = store.state.listings.get(item.sku)
    is_good = len(store.state.returns) % 2 == 1
    back.disposition = "SELLABLE" if is_good else "CUSTOMER_DAMAGED"
    if row is not None and row.stock is not None:
        row.stock.fulfillable += back.quantity * is_good
        row.stock.customer_damaged += back.quantity * (not is_good)
        warehouses.changed(store, row.sku, row.stock, now)
