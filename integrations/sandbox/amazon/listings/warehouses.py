"""Units in Amazon's warehouses: whatever changes their number is told of, whoever they are sent
for.

Source: the page "Set up notifications using the Amazon Simple Queue Service workflow", by which
FBA_INVENTORY_AVAILABILITY_CHANGES is sent when there is a change in the quantity of FBA inventory.
That units sent for other shops are no exception is assumed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from integrations.sandbox.amazon.listings.models import Stock

if TYPE_CHECKING:
    from integrations.sandbox.amazon.store import SellerStore


def reserve(store: SellerStore, sku: str, units: int, at: float) -> None:
    """So many that could be bought wait for an order."""
    row = store.state.listings.get(sku)
    if row is not None and row.stock is not None:
        row.stock.fulfillable -= units
        row.stock.pending_orders = max(0, row.stock.pending_orders + units)
        changed(store, sku, row.stock, at)


def let_go(store: SellerStore, sku: str, units: int, at: float) -> None:
    """So many that waited for an order can be bought again."""
    reserve(store, sku, -units, at)


def send(store: SellerStore, sku: str, units: int, at: float) -> None:
    """So many that waited for an order have left."""
    row = store.state.listings.get(sku)
    if row is not None and row.stock is not None:
        row.stock.pending_orders = max(0, row.stock.pending_orders - units)
        changed(store, sku, row.stock, at)


def changed(store: SellerStore, sku: str, stock: Stock, at: float) -> None:
    stock.updated = int(at)
    store.post.note("FBA_INVENTORY_AVAILABILITY_CHANGES", sku)
