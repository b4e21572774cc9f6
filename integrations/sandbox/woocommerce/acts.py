"""What may be done with the orders and the stock of a simulated store, by name. The control page,
its API and the traffic draw on these.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from integrations.sandbox.woocommerce import selling, stocking
from integrations.sandbox.woocommerce.models import Product
from integrations.sandbox.woocommerce.orderbook import OrderQuery
from integrations.sandbox.woocommerce.store import WooStore
from integrations.sandbox.woocommerce.totals import refunded, totals


class Refusal(Exception):
    """It cannot be done; the message is for the person who asked."""


# --- with an order --------------------------------------------------------------------------------


def edit(store: WooStore, order_id: int) -> None:
    """The customer rang up: one more of the first line, and a note."""
    with store.working():
        order = selling.existing(store, order_id)
        first = order.lines[0] if order.lines else None
        selling.edit_order(
            store,
            order_id,
            quantities={first.id: first.quantity + 1} if first else None,
            note=f"Changed by phone at {store.clock.site(store.clock.now())}",
        )


def refund(store: WooStore, order_id: int) -> None:
    """One piece of the first line that has any left to give back. Raises Refusal."""
    order = selling.existing(store, order_id)
    left = totals(order, store.decimals).total - refunded(order)
    given: dict[int, int] = {}
    for row in (line for made in order.refunds for line in made.lines):
        item = next((int(m.value) for m in row.meta if m.key == "_refunded_item_id"), 0)
        given[item] = given.get(item, 0) - row.quantity
    line = next((row for row in order.lines if row.quantity > given.get(row.id, 0)), None)
    if line is None or left <= 0:
        raise Refusal(f"Nothing is left to refund on order {order_id}.")
    selling.refund(store, order_id, lines={line.id: 1}, reason="Sent back by the customer")


def ship(store: WooStore, order_id: int) -> None:
    selling.ship(store, order_id, "DHL", f"003404341610{order_id:08d}")


def touch(store: WooStore, order_ids: Sequence[int]) -> None:
    """Edit orders within one second, as a bulk action of the admin does: all of them or, where one
    does not exist, none. Raises Refusal.
    """
    with store.working():
        moment = store.clock.now()
        missing = [number for number in order_ids if store.orders.get(number) is None]
        if missing:
            raise Refusal(f"There is no order {missing[0]}.")
        for order_id in order_ids:
            order = selling.existing(store, order_id)
            order.customer_note = f"Touched at {moment}"
            store.save_order(order, moment=moment)


VERBS: dict[str, Callable[[WooStore, int], object]] = {
    "edit": edit,
    "cancel": selling.cancel,
    "refund": refund,
    "complete": lambda store, number: selling.set_status(store, number, "completed"),
    "ship": ship,
    "hold": lambda store, number: selling.set_status(store, number, "on-hold"),
    "process": lambda store, number: selling.set_status(store, number, "processing"),
    "trash": selling.trash,
    "restore": selling.restore,
    "delete": selling.delete,
}


def act(store: WooStore, verb: str, order_id: int) -> None:
    """Raises Refusal."""
    done = VERBS.get(verb)
    if done is None:
        raise Refusal(f"There is no “{verb}” for an order. There are: {', '.join(VERBS)}.")
    try:
        done(store, order_id)
    except KeyError as err:
        raise Refusal(f"There is no order {order_id}.") from err
    except selling.Impossible as err:
        raise Refusal(str(err)) from err


def newest(store: WooStore, limit: int, statuses: Sequence[str] = ()) -> list[int]:
    """Ids of the newest orders, in such a state where one is asked for."""
    with store.working():
        query = OrderQuery(statuses=frozenset(statuses), limit=limit)
        return store.orders.select(query)[0]


# --- stock ----------------------------------------------------------------------------------------


def by_sku(store: WooStore, sku: str) -> Product:
    """Raises Refusal."""
    found = next((p for p in store.products.values() if sku and p.sku == sku), None)
    if found is None:
        raise Refusal(f"The store has no product with the SKU “{sku}”.")
    return found


def counted_products(store: WooStore) -> list[int]:
    with store.working():
        return [p.id for p in store.products.values() if p.manages_stock is True]


def set_stock(store: WooStore, product_id: int, quantity: int) -> None:
    """Raises Refusal."""
    try:
        stocking.set_stock(store, product_id, quantity)
    except KeyError as err:
        raise Refusal(f"There is no product {product_id}.") from err
    except ValueError as err:
        raise Refusal(str(err)) from err


def listed_stock(store: WooStore, limit: int) -> list[Product]:
    with store.working():
        return [p for p in store.products.values() if p.manages_stock is True][:limit]
