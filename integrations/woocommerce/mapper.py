"""Orders, both ways: WooCommerce's answer to ``OrderData`` and Logix's words to WooCommerce's.
Pure.

Money is in ``money``, parcels in ``tracking``, products in ``catalogue``. Sources: recorded answers
of 8.9.3 and 11.0.1; https://woocommerce.github.io/woocommerce-rest-api-docs/#order-properties
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from integrations.errors import ContractBroken
from integrations.woocommerce import money as amounts
from integrations.woocommerce import shapes, tracking, unrounded
from integrations.woocommerce.values import (
    ZERO,
    changed_at,
    created_at,
    gmt,
    ident,
    local,
    money,
    plain_meta,
    text,
    title,
    units,
)
from orders.data import Address, Buyer, LineData, OrderData, RefundData, RestockData, ShipmentData
from orders.status import FulfillmentStatus, OrderStatus, PaymentStatus, StatusReading

_O, _P, _F = OrderStatus, PaymentStatus, FulfillmentStatus

# The word alone. What was paid is known by ``date_paid`` and refunds, what was shipped by parcels:
# ``_reading`` corrects by those. Rules: docs/ORDER_STATES.md.
STATUS_IN: dict[str, StatusReading] = {
    "checkout-draft": StatusReading(
        order=_O.DRAFT, payment=_P.UNPAID, fulfillment=_F.UNFULFILLED, reserve=False, skip=True
    ),
    "auto-draft": StatusReading(
        order=_O.DRAFT, payment=_P.UNPAID, fulfillment=_F.UNFULFILLED, reserve=False, skip=True
    ),
    "pending": StatusReading(
        order=_O.PENDING, payment=_P.UNPAID, fulfillment=_F.UNFULFILLED, lapses=True
    ),
    "on-hold": StatusReading(order=_O.PENDING, payment=_P.UNPAID, fulfillment=_F.UNFULFILLED),
    "processing": StatusReading(order=_O.OPEN, payment=_P.UNPAID, fulfillment=_F.UNFULFILLED),
    "completed": StatusReading(
        order=_O.COMPLETED,
        payment=_P.UNPAID,
        fulfillment=_F.FULFILLED,
        reserve=False,
        fulfilled_assumed=True,
    ),
    "cancelled": StatusReading(
        order=_O.CANCELLED, payment=_P.VOIDED, fulfillment=_F.CANCELLED, reserve=False
    ),
    "refunded": StatusReading(
        order=_O.CANCELLED, payment=_P.REFUNDED, fulfillment=_F.CANCELLED, reserve=False
    ),
    "failed": StatusReading(
        order=_O.PENDING, payment=_P.FAILED, fulfillment=_F.UNFULFILLED, reserve=False
    ),
    # Thrown away by somebody in the store: what it was stays, and a person is asked.
    "trash": StatusReading(
        order=_O.PENDING,
        payment=_P.UNKNOWN,
        fulfillment=_F.UNFULFILLED,
        known=False,
        reserve=False,
    ),
}
# Statuses of plugins ("shipped", "partial-shipped", …): a person maps them once.
UNKNOWN_STATUS = StatusReading(
    order=_O.PENDING, payment=_P.UNKNOWN, fulfillment=_F.UNFULFILLED, known=False
)
STATUS_OUT: dict[OrderStatus, str] = {
    _O.PENDING: "pending",
    _O.ON_HOLD: "on-hold",
    _O.OPEN: "processing",
    _O.COMPLETED: "completed",
    _O.CANCELLED: "cancelled",
}
GONE = "trash"
_MOST_CUSTOM = 60
# Units of a line that refunds put back on sale.
_GIVEN_BACK = "_restock_refunded_items"


def from_status(status: OrderStatus) -> str | None:
    """WooCommerce's word, None where it has none (draft)."""
    return STATUS_OUT.get(status)


def to_order(
    raw: bytes,
    *,
    timezone: str = "UTC",
    refunds: Sequence[RefundData] | None = None,
    fulfillments: Sequence[ShipmentData] | None = None,
    order: shapes.Order | None = None,
    words: Mapping[str, str] | None = None,
) -> OrderData:
    """One order. ``refunds`` and ``fulfillments`` are the details that only calls of their own
    give; ``order`` is ``raw`` where it was decoded before. ``timezone`` is the site's, for answers
    without GMT times. ``words`` says which of WooCommerce's own statuses a plugin's status counts
    as. Raises ContractBroken.
    """
    order = order or shapes.decode(raw, shapes.Order)
    lines = tuple(
        _line(line, number)
        for number, line in enumerate(shapes.rows(order.line_items, "$.line_items"))
    )
    meta = shapes.rows(order.meta_data, "$.meta_data")
    shipments = tracking.to_shipments(meta, fulfillments)
    # Judged by what every answer shows, so that a page and a single order say the same.
    shown = tracking.to_shipments(meta) if fulfillments is not None else shipments
    total = _total(order)
    lines, charges = unrounded.explained(order, total, lines, amounts.charges(order))
    charges += amounts.rounding(total, lines, charges)
    paid_at = _when(order.date_paid_gmt, order.date_paid, timezone, "date_paid")
    word = text(order.status, 60).removeprefix("wc-")
    changed = changed_at(order, timezone)
    placed = created_at(order, timezone) or changed
    if changed is None or placed is None:
        raise ContractBroken("The order has no time.", path="$.date_modified_gmt")
    return OrderData(
        external_id=str(order.id),
        number=text(order.number, 64).strip() or str(order.id),
        currency=amounts.currency(order.currency),
        placed_at=placed,
        changed_at=changed,
        status=_reading((words or {}).get(word, word), paid=paid_at is not None, shipments=shown),
        raw_status=word,
        raw_payment=text(order.payment_method, 60),
        total=total,
        tax_total=money(order.total_tax, "$.total_tax"),
        prices_include_tax=_truth(order.prices_include_tax),
        paid_at=paid_at,
        completed_at=_when(
            order.date_completed_gmt, order.date_completed, timezone, "date_completed"
        ),
        buyer=_buyer(order),
        external_customer_id=ident(order.customer_id),
        lines=lines,
        charges=tuple(charges),
        payments=amounts.payments(order, total, paid_at),
        refunds=amounts.in_order(refunds) if refunds is not None else amounts.refunds(order),
        shipments=shipments,
        restocks=_restocks(order),
        custom=plain_meta(meta, _MOST_CUSTOM),
        gone=word == GONE,
        raw=raw,
    )


def _reading(word: str, *, paid: bool, shipments: tuple[ShipmentData, ...] | None) -> StatusReading:
    reading = STATUS_IN.get(word, UNKNOWN_STATUS)
    if paid and reading.payment is _P.UNPAID:
        # Amounts say it too, except for an order of 0.00.
        reading = replace(reading, payment=_P.PAID)
    if word == "refunded" and shipments:
        reading = replace(reading, order=_O.COMPLETED, fulfillment=_F.UNFULFILLED)
    if reading.fulfilled_assumed and shipments and all(parcel.lines for parcel in shipments):
        reading = replace(reading, fulfilled_assumed=False)
    return reading


def _line(line: shapes.LineItem, number: int) -> LineData:
    path = f"$.line_items[{number}]"
    quantity = units(line.quantity, f"{path}.quantity")
    if quantity < 0:
        raise ContractBroken("A line has a negative quantity.", path=f"{path}.quantity")
    subtotal = money(line.subtotal, f"{path}.subtotal")
    product = ident(line.product_id)
    return LineData(
        external_id=str(line.id),
        quantity=quantity,
        sku=text(line.sku, 128).strip(),
        name=title(line.name),
        external_product_id=product,
        external_variant_id=ident(line.variation_id) or product,
        # Not the API's ``price``: that is a binary float (20.900000000000002 was recorded).
        unit_price=round(subtotal / quantity, 6) if quantity else ZERO,
        subtotal=subtotal,
        total=money(line.total, f"{path}.total"),
        tax=money(line.total_tax, f"{path}.total_tax"),
        attributes=plain_meta(shapes.rows(line.meta_data, f"{path}.meta_data"), _MOST_CUSTOM),
    )


def _restocks(order: shapes.Order) -> tuple[RestockData, ...]:
    """What refunds put back on sale, by the core's own tally on the line (recorded in an answer of
    11.0.1; includes/wc-order-functions.php, wc_restock_refunded_items). It counts units that never
    left as well.
    """
    found = []
    for number, line in enumerate(shapes.rows(order.line_items, "$.line_items")):
        path = f"$.line_items[{number}].meta_data"
        told = [x.value for x in shapes.rows(line.meta_data, path) if x.key == _GIVEN_BACK]
        if told and str(told[0]).isdigit() and int(told[0]):
            found.append(
                RestockData(line_external_id=str(line.id), quantity=int(told[0]), had_left=False)
            )
    return tuple(found)


def _total(order: shapes.Order) -> Decimal:
    if order.total is None:
        raise ContractBroken("The order has no total.", path="$.total")
    return money(order.total, "$.total")


def _buyer(order: shapes.Order) -> Buyer:
    billing, shipping = _address(order.billing), _address(order.shipping)
    email = order.billing.email if isinstance(order.billing, shapes.Place) else ""
    return Buyer(
        name=billing.name or shipping.name,
        email=text(email, 254),
        phone=billing.phone or shipping.phone,
        company=billing.company or shipping.company,
        note=text(order.customer_note, 4000),
        billing=billing,
        shipping=shipping,
    )


def _address(place: Any) -> Address:
    """PHP writes an address without fields as [] or ""."""
    if not isinstance(place, shapes.Place):
        return Address()
    return Address(
        name=f"{text(place.first_name, 120)} {text(place.last_name, 120)}".strip(),
        company=text(place.company, 200),
        line1=text(place.address_1, 200),
        line2=text(place.address_2, 200),
        city=text(place.city, 120),
        region=text(place.state, 80),
        postcode=text(place.postcode, 32),
        country=text(place.country, 2).upper(),
        phone=text(place.phone, 40),
    )


def _truth(value: shapes.Scalar) -> bool:
    return value in (True, 1, "1", "true", "yes")


def _when(
    in_gmt: shapes.Scalar, in_zone: shapes.Scalar, timezone: str, name: str
) -> datetime | None:
    return gmt(in_gmt, f"$.{name}_gmt") or local(in_zone, timezone, f"$.{name}")
