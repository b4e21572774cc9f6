"""Stock as the core keeps it: who counts, what an order takes, what comes back."""

from __future__ import annotations

from integrations.sandbox.woocommerce.models import Line, Meta, Note, Order, Product
from integrations.sandbox.woocommerce.seed_products import settle_stock
from integrations.sandbox.woocommerce.store import WooStore

TAKEN, GIVEN_BACK = "_reduced_stock", "_restock_refunded_items"


def keeper(store: WooStore, product: Product | None) -> Product | None:
    """The product that keeps the count: itself, its parent, or None where nothing is counted."""
    if product is None or product.manages_stock is True:
        return product
    parent = store.products.get(product.parent_id) if product.parent_id else None
    return parent if parent is not None and parent.manages_stock is True else None


def set_stock(store: WooStore, product_id: int, quantity: int) -> Product:
    """Count anew. Raises KeyError for an unknown id, ValueError where nothing is counted."""
    with store.working():
        counted = keeper(store, store.products[product_id])
        if counted is None:
            raise ValueError(f"Nothing counts the stock of product {product_id}.")
        counted.stock = quantity
        settle_stock(counted)
        store.save_product(counted)
        return counted


def change_stock(store: WooStore, product_id: int, by: int) -> Product:
    """Raises KeyError for an unknown id, ValueError where nothing counts it."""
    with store.working():
        counted = keeper(store, store.products[product_id])
        return set_stock(store, product_id, by + ((counted and counted.stock) or 0))


def take(store: WooStore, order: Order) -> None:
    """Reduce stock once per line. Source: includes/wc-stock-functions.php,
    wc_maybe_reduce_stock_levels.
    """
    if order.is_stock_reduced:
        return
    changes = []
    for line in order.lines:
        if _tally(line, TAKEN):
            continue
        if change := _move(store, line, -line.quantity):
            _write_tally(store, line, TAKEN, line.quantity)
            changes.append(change)
    order.is_stock_reduced = True
    if changes:
        add_note(store, order, f"Stock levels reduced: {', '.join(changes)}")


def give_back(store: WooStore, order: Order) -> None:
    """What was taken and not yet restocked. Source: wc_maybe_increase_stock_levels."""
    if not order.is_stock_reduced:
        return
    changes = []
    for line in order.lines:
        taken = _tally(line, TAKEN)
        if taken and (change := _move(store, line, taken)):
            line.meta = [row for row in line.meta if row.key != TAKEN]
            changes.append(change)
    order.is_stock_reduced = False
    if changes:
        add_note(store, order, f"Stock levels increased: {', '.join(changes)}")


def restock(store: WooStore, order: Order, line: Line, quantity: int) -> None:
    """Refunded pieces come back. Source: includes/wc-order-functions.php,
    wc_restock_refunded_items.
    """
    taken = _tally(line, TAKEN)
    counted = keeper(store, store.sold(line))
    if not taken or quantity <= 0 or counted is None:
        return
    before = counted.stock or 0
    _move(store, line, quantity)
    _write_tally(store, line, TAKEN, taken - quantity)
    _write_tally(store, line, GIVEN_BACK, _tally(line, GIVEN_BACK) + quantity)
    number = line.variation_id or line.product_id
    add_note(store, order, f"Item #{number} stock increased from {before} to {before + quantity}.")


def adjust(store: WooStore, line: Line, quantity: int) -> None:
    """After an edit the line has taken what it says. Source:
    includes/admin/wc-admin-functions.php, wc_maybe_adjust_line_item_product_stock.
    """
    wanted = max(0, quantity - _tally(line, GIVEN_BACK))
    if (difference := wanted - _tally(line, TAKEN)) and _move(store, line, -difference):
        _write_tally(store, line, TAKEN, wanted)


def add_note(
    store: WooStore,
    order: Order,
    text: str,
    *,
    to_customer: bool = False,
    author: str = "WooCommerce",
) -> Note:
    note = Note(store.ids.next("note"), store.clock.now(), author, text, to_customer)
    order.notes.append(note)
    return note


def _move(store: WooStore, line: Line, by: int) -> str:
    """``"Name (873&rarr;870)"``, or nothing where the line's product is not counted."""
    product = store.sold(line)
    counted = keeper(store, product)
    if product is None or counted is None:
        return ""
    before = counted.stock or 0
    set_stock(store, product.id, before + by)
    return f"{product.name} ({before}&rarr;{before + by})"


def _tally(line: Line, key: str) -> int:
    return next((int(row.value) for row in line.meta if row.key == key), 0)


def _write_tally(store: WooStore, line: Line, key: str, quantity: int) -> None:
    for row in line.meta:
        if row.key == key:
            row.value = str(quantity)
            return
    line.meta.append(Meta(store.ids.next("meta"), key, str(quantity)))
