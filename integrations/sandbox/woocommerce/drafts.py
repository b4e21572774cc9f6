"""Orders in the making: a blank one, its lines at today's prices, its taxes, its meta data.

The caller holds the store and saves.
"""

from __future__ import annotations

from integrations.sandbox.woocommerce import stocking
from integrations.sandbox.woocommerce.models import Line, Meta, Order
from integrations.sandbox.woocommerce.store import WooStore
from integrations.sandbox.woocommerce.totals import (
    net_of,
    rates_for,
    rates_in_use,
    retax,
    tax_lines,
)

NOWHERE = dict.fromkeys(
    ("first_name", "last_name", "company", "address_1", "address_2", "city", "state", "postcode",
     "country", "email", "phone"), "",
)  # fmt: skip


def blank_order(store: WooStore, created_via: str) -> Order:
    """A pending order with its own id; the caller fills and saves it."""
    number = store.ids.next("post")
    now = store.clock.now()
    return Order(
        id=number,
        status="pending",
        currency=store.options.currency,
        created=now,
        modified=now,
        number=str(number),
        prices_include_tax=store.options.prices_include_tax,
        order_key=f"wc_order_{number * 2_654_435_761 % 2**52:013x}",
        billing=dict(NOWHERE),
        shipping={key: "" for key in NOWHERE if key != "email"},
        created_via=created_via,
        version=store.options.version,
    )


def new_line(
    store: WooStore, order: Order, product_id: int, variation_id: int, quantity: int
) -> Line:
    product = store.products[variation_id or product_id]
    gross = (product.price or 0) * quantity
    net = gross
    if store.options.prices_include_tax:
        place = order.shipping if order.shipping.get("country") else order.billing
        rates = rates_for(place.get("country") or "DE", place.get("state", ""), product.tax_class)
        net = net_of(gross, rates)
    line = Line(
        id=store.ids.next("item"),
        name=product.name,
        product_id=product.parent_id or product.id,
        variation_id=product.id if product.parent_id else 0,
        quantity=quantity,
        subtotal=net,
        total=net,
        tax_class=product.tax_class,
    )
    if product.parent_id:
        for row in product.attributes:
            meta_id = store.ids.next("meta")
            line.meta.append(Meta(meta_id, str(row["slug"]), row["option"], label=str(row["name"])))
    return line


def recount(store: WooStore, order: Order) -> None:
    """Taxes and totals anew after lines or addresses changed."""
    retax(order, store.decimals)
    known = {row.rate_id: row.id for row in order.tax_lines}
    ids = {rate: known.get(rate) or store.ids.next("item") for rate in rates_in_use(order)}
    order.tax_lines = tax_lines(order, ids)


def change_quantity(store: WooStore, order: Order, line_id: int, quantity: int) -> None:
    """Also moves the stock of an order that has taken it. Raises KeyError for an unknown line."""
    line = next((row for row in order.lines if row.id == line_id), None)
    if line is None:
        raise KeyError(line_id)
    if order.is_stock_reduced:
        stocking.adjust(store, line, quantity)
    if quantity == 0:
        order.lines.remove(line)
        return
    line.subtotal = line.subtotal * quantity // (line.quantity or 1)
    line.total = line.total * quantity // (line.quantity or 1)
    line.quantity = quantity


def write_meta(
    store: WooStore, rows: list[Meta], key: str, value: object, meta_id: int = 0
) -> None:
    """Update by id or else by key, or add. Source: includes/abstracts/abstract-wc-data.php,
    update_meta_data.
    """
    found = next((row for row in rows if row.id == meta_id), None) if meta_id else None
    found = found or next((row for row in rows if not meta_id and row.key == key), None)
    if found is not None:
        found.key, found.value = key, value
    else:
        rows.append(Meta(store.ids.next("meta"), key, value))
