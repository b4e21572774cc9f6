"""What happens to orders: placed, paid, edited, cancelled, refunded, shipped, trashed.

Used by the REST handlers and by whoever plays the merchant and the customers. Amounts are
micro-units. Every verb raises KeyError for an order or product that does not exist.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from integrations.sandbox.woocommerce import drafts, stocking
from integrations.sandbox.woocommerce.models import (
    FeeLine,
    Line,
    Meta,
    Order,
    Refund,
    ShippingLine,
    Tax,
)
from integrations.sandbox.woocommerce.money import rounded
from integrations.sandbox.woocommerce.orderbook import TRASH
from integrations.sandbox.woocommerce.store import WooStore
from integrations.sandbox.woocommerce.totals import refunded, totals

LABELS = {
    "pending": "Pending payment",
    "processing": "Processing",
    "on-hold": "On hold",
    "completed": "Completed",
    "cancelled": "Cancelled",
    "refunded": "Refunded",
    "failed": "Failed",
    "checkout-draft": "Draft",
}
_TAKES_STOCK = frozenset({"processing", "on-hold", "completed"})
_GIVES_BACK = frozenset({"cancelled", "pending"})


class Impossible(Exception):
    """The core refuses this, in its words."""


def label(status: str) -> str:
    return LABELS.get(status) or status.replace("-", " ").capitalize()


def place_order(
    store: WooStore,
    *,
    lines: Iterable[tuple[int, int, int]] = (),
    status: str = "processing",
    billing: Mapping[str, str] | None = None,
    shipping: Mapping[str, str] | None = None,
    customer_id: int = 0,
    payment_method: str = "bacs",
    payment_title: str = "Überweisung",
    note: str = "",
    shipping_total: int | None = None,
    created_via: str = "checkout",
) -> Order:
    """``lines`` are (product id, variation id or 0, quantity) at today's prices."""
    with store.working():
        order = drafts.blank_order(store, created_via)
        order.customer_id, order.customer_note = customer_id, note
        order.payment_method, order.payment_title = payment_method, payment_title
        order.billing.update(billing or {})
        order.shipping.update(shipping or {})
        for product_id, variation_id, quantity in lines:
            order.lines.append(drafts.new_line(store, order, product_id, variation_id, quantity))
        if shipping_total is not None:
            order.shipping_lines.append(
                ShippingLine(store.ids.next("item"), "Pauschale", "flat_rate", "1", shipping_total)
            )
        drafts.recount(store, order)
        store.save_order(order, "created")
        transition(store, order, status)
        store.save_order(order)
        return order


def transition(store: WooStore, order: Order, status: str) -> None:
    """Move to a status with all that hangs on it; the caller saves. Source:
    includes/class-wc-order.php, set_status and status_transition.
    """
    before, order.status = order.status, status
    if before == status:
        return
    now = store.clock.now()
    if order.paid is None and _is_paid_by(store, order, status):
        order.paid = now
    if status == "completed":
        order.completed = now
    stocking.add_note(
        store, order, f"Order status changed from {label(before)} to {label(status)}."
    )
    if status in _TAKES_STOCK:
        stocking.take(store, order)
    elif status in _GIVES_BACK:
        stocking.give_back(store, order)
    elif status == "refunded":
        _refund_the_rest(store, order)


def _is_paid_by(store: WooStore, order: Order, status: str) -> bool:
    return status == "completed" or (status == "processing" and store.needs_processing(order))


def left_to_refund(store: WooStore, order: Order) -> int:
    return totals(order, store.decimals).total - refunded(order)


def _refund_the_rest(store: WooStore, order: Order) -> None:
    """Source: includes/wc-order-functions.php, wc_order_fully_refunded."""
    rest = left_to_refund(store, order)
    if rest <= 0:
        return
    number = store.ids.next("post")
    order.refunds.append(Refund(number, store.clock.now(), rest, "Order fully refunded."))
    stocking.add_note(
        store,
        order,
        "Order status set to refunded. To return funds to the customer you will need to issue a"
        " refund through your payment gateway.",
    )


def existing(store: WooStore, order_id: int) -> Order:
    order = store.orders.get(order_id)
    if order is None:
        raise KeyError(order_id)
    return order


def set_status(store: WooStore, order_id: int, status: str) -> Order:
    with store.working():
        order = existing(store, order_id)
        transition(store, order, status)
        store.save_order(order)
        return order


def cancel(store: WooStore, order_id: int) -> Order:
    return set_status(store, order_id, "cancelled")


def edit_order(
    store: WooStore,
    order_id: int,
    *,
    quantities: Mapping[int, int] | None = None,
    add: Iterable[tuple[int, int, int]] = (),
    note: str | None = None,
    shipping: Mapping[str, str] | None = None,
    billing: Mapping[str, str] | None = None,
    fee: tuple[str, int] | None = None,
) -> Order:
    """As a merchant edits in the admin. A quantity of 0 removes the line; ``add`` is as for
    ``place_order``; ``fee`` is a name and a net amount.
    """
    with store.working():
        order = existing(store, order_id)
        for line_id, quantity in (quantities or {}).items():
            drafts.change_quantity(store, order, line_id, quantity)
        for product_id, variation_id, quantity in add:
            line = drafts.new_line(store, order, product_id, variation_id, quantity)
            order.lines.append(line)
            if order.is_stock_reduced:
                stocking.adjust(store, line, quantity)
        if fee is not None:
            order.fee_lines.append(FeeLine(store.ids.next("item"), *fee))
        order.customer_note = order.customer_note if note is None else note
        order.shipping.update(shipping or {})
        order.billing.update(billing or {})
        drafts.recount(store, order)
        store.save_order(order)
        return order


def refund(
    store: WooStore,
    order_id: int,
    *,
    amount: int | None = None,
    lines: Mapping[int, int] | None = None,
    totals_of: Mapping[int, int] | None = None,
    taxes_of: Mapping[int, Mapping[int, int]] | None = None,
    reason: str = "",
    is_paid_back: bool = False,
    restocks: bool = True,
    by: int = 1,
) -> Refund:
    """Give back ``amount`` with tax (None: what the named lines cost, or the rest). ``lines`` gives
    a quantity per line id; ``totals_of`` and ``taxes_of`` the net and, by rate, the tax where they
    are not the line's own share. Raises Impossible for more than is left.
    """
    with store.working():
        order = existing(store, order_id)
        left = left_to_refund(store, order)
        rows = _refund_lines(store, order, lines or {}, totals_of, taxes_of)
        if amount is None:
            amount = left
            if rows:
                cost = -sum(row.total + sum(tax.total for tax in row.taxes) for row in rows)
                amount = min(rounded(cost, store.decimals), left)
        if amount < 0 or amount > left:
            raise Impossible("Invalid refund amount.")
        whole = amount == left
        made = Refund(
            id=store.ids.next("post"),
            created=store.clock.now(),
            amount=amount,
            reason=reason,
            by=by,
            is_paid_back=is_paid_back,
            meta=[Meta(store.ids.next("meta"), "_refund_type", "full" if whole else "partial")],
            lines=rows,
        )
        order.refunds.append(made)
        if restocks:
            for line in order.lines:
                stocking.restock(store, order, line, (lines or {}).get(line.id, 0))
        if whole:
            transition(store, order, "refunded")
        store.save_order(order)
        return made


def _refund_lines(
    store: WooStore,
    order: Order,
    quantities: Mapping[int, int],
    totals_of: Mapping[int, int] | None,
    taxes_of: Mapping[int, Mapping[int, int]] | None,
) -> list[Line]:
    rows = []
    for line in order.lines:
        if line.id not in quantities:
            continue
        quantity = quantities[line.id]
        share = quantity / (line.quantity or 1)
        net = (totals_of or {}).get(line.id)
        if net is None:
            net = 0 if totals_of else rounded(round(line.total * share), store.decimals)
        taxes = (taxes_of or {}).get(line.id)
        if taxes is None and taxes_of is None:
            taxes = {
                tax.rate_id: rounded(round(tax.total * share), store.decimals) for tax in line.taxes
            }
        meta_id = store.ids.next("meta")
        rows.append(
            Line(
                id=store.ids.next("item"),
                name=line.name,
                product_id=line.product_id,
                variation_id=line.variation_id,
                quantity=-quantity,
                subtotal=-net,
                total=-net,
                tax_class=line.tax_class,
                taxes=[Tax(rate, -tax, -tax) for rate, tax in (taxes or {}).items()],
                meta=[Meta(meta_id, "_refunded_item_id", str(line.id))],
                sku=line.sku,
            )
        )
    return rows


def ship(store: WooStore, order_id: int, carrier: str, number: str) -> Order:
    """The merchant packs and ships: tracking as meta data, then completed."""
    with store.working():
        order = existing(store, order_id)
        for key, value in (("_tracking_carrier", carrier), ("_tracking_number", number)):
            drafts.write_meta(store, order.meta, key, value)
        transition(store, order, "completed")
        store.save_order(order)
        return order


def trash(store: WooStore, order_id: int) -> Order:
    """Into the trash; stock stays as it is."""
    with store.working():
        order = existing(store, order_id)
        order.trashed_from, order.status = order.status, TRASH
        store.save_order(order, "deleted")
        return order


def restore(store: WooStore, order_id: int) -> Order:
    with store.working():
        order = existing(store, order_id)
        order.status, order.trashed_from = order.trashed_from or "pending", ""
        store.save_order(order, "restored")
        return order


def delete(store: WooStore, order_id: int) -> None:
    """For good. No webhook tells of it: ``order.deleted`` hangs on trashing alone. Source:
    includes/class-wc-webhook.php, get_default_topic_hooks.
    """
    with store.working():
        existing(store, order_id)
        store.orders.drop(order_id)
