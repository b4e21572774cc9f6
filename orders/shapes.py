"""An order as plain data, built by lean functions from its rows: the API answers with it, and field
rules that tell stores something read it.

Lists are built from ``values()`` rows without serializers, which would take most of their time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any

import msgspec

from logix.common.amounts import money, places_of
from orders import privacy
from orders.data import Buyer
from orders.models import (
    Order,
    OrderEvent,
    OrderLine,
    Payment,
    Refund,
    Return,
    ReturnLine,
    Shipment,
)

_PLAIN = (
    "id",
    "external_id",
    "number",
    "order_status",
    "payment_status",
    "fulfillment_status",
    "import_state",
    "import_problem",
    "raw_status",
    "currency",
    "line_count",
    "unit_count",
    "placed_at",
    "changed_at",
    "imported_at",
    "paid_at",
    "completed_at",
    "cancelled_at",
    "gone_at",
)
_AMOUNTS = ("total", "paid_total", "refunded_total")
_STORE = ("store_id", "store__name", "store__platform")
_PLACE = ("ship_country", "ship_region", "ship_city")

SUMMARY_COLUMNS = (*_PLAIN, *_AMOUNTS, *_STORE, *_PLACE, "flags")

_MORE_AMOUNTS = (
    "line_total",
    "discount_total",
    "shipping_total",
    "fee_total",
    "tax_total",
    "rounding",
)
_MORE = (
    "raw_payment",
    "raw_fulfillment",
    "prices_include_tax",
    "moves_stock",
    "picking_since",
    "external_customer_id",
    "custom",
    "observed_at",
    "applied_at",
    "erased_at",
)
_LINE = (
    "id",
    "external_id",
    "position",
    "variant_id",
    "sku",
    "name",
    "external_product_id",
    "external_variant_id",
    "quantity",
    "quantity_refunded",
    "quantity_shipped",
    "requires_shipping",
    "attributes",
    "removed_at",
)
_LINE_AMOUNTS = ("unit_price", "subtotal", "total", "tax")
_SHIPMENT = (
    "id",
    "reference",
    "external_id",
    "origin",
    "carrier",
    "tracking_number",
    "tracking_url",
    "location_id",
    "shipped_at",
    "cancelled_at",
    "store_cancelled_at",
    "notify_customer",
    "version",
)
_RETURN = (
    "id",
    "external_id",
    "name",
    "status",
    "raw_status",
    "problem",
    "handling",
    "created_at",
)
_RETURN_LINE = ("id", "external_id", "line_id", "quantity", "received", "restocked", "reason")
_EVENT = ("id", "at", "kind", "title", "data", "origin", "actor", "request_id")
# What ``in_full`` reads of an order, besides its ``store``: for ``prefetch_related``.
PARTS = ("lines", "payments", "refunds", "returns__lines", "shipments__lines")
# Move whenever the store is read or written, though nothing happened to the order.
_UNSTEADY = ("changed_at", "observed_at", "applied_at")


def summary(row: Mapping[str, Any]) -> dict[str, Any]:
    """An order of a list, from a row of ``SUMMARY_COLUMNS``."""
    places = places_of(row["currency"])
    shape = {name: row[name] for name in _PLAIN}
    for name in _AMOUNTS:
        shape[name] = money(row[name], places)
    shape["store"] = {
        "id": row["store_id"],
        "name": row["store__name"],
        "platform": row["store__platform"],
    }
    shape["flags"] = row["flags"].split(",") if row["flags"] else []
    shape["ship_to"] = {
        "country": row["ship_country"],
        "region": row["ship_region"],
        "city": row["ship_city"],
    }
    return shape


def in_full(order: Order, buyer: Buyer | None) -> dict[str, Any]:
    """One order in full. ``buyer`` None: not allowed to see, or there is none."""
    places = places_of(order.currency)
    row = {name: getattr(order, name) for name in (*_PLAIN, *_AMOUNTS, *_PLACE, "flags")}
    store = order.store
    row |= {"store_id": store.pk, "store__name": store.name, "store__platform": store.platform}
    shape = summary(row)
    shape |= {name: money(getattr(order, name), places) for name in _MORE_AMOUNTS}
    shape |= {name: getattr(order, name) for name in _MORE}
    shape["charges"] = [_written(x, places) for x in order.charges]
    shape["buyer"] = _buyer(order, buyer)
    shape["lines"] = [line(x, places) for x in order.lines.all()]
    shape["payments"] = [_payment(x, places, buyer is not None) for x in order.payments.all()]
    shape["refunds"] = [_refund(x, places) for x in order.refunds.all()]
    shape["return_status"] = order.return_status
    shape["returns"] = [
        return_of(order, x, with_notes=buyer is not None) for x in order.returns.all()
    ]
    shape["shipments"] = [shipment(x) for x in order.shipments.all()]
    return shape


def for_rules(order: Order, buyer: Buyer | None) -> dict[str, Any]:
    """The order as the API's JSON shows it, without the times that tell of reading and writing
    alone: a rule on one of those would answer its own echo for ever.
    """
    shape = in_full(order, buyer)
    for name in _UNSTEADY:
        del shape[name]
    plain: dict[str, Any] = msgspec.to_builtins(shape)
    return plain


def line(row: OrderLine, places: int) -> dict[str, Any]:
    shape = {name: getattr(row, name) for name in _LINE}
    return shape | {name: money(getattr(row, name), places) for name in _LINE_AMOUNTS}


def shipment(row: Shipment) -> dict[str, Any]:
    shape = {name: getattr(row, name) for name in _SHIPMENT}
    shape["lines"] = [{"line_id": x.line_id, "quantity": x.quantity} for x in row.lines.all()]
    return shape


def return_of(order: Order, found: Return, *, with_notes: bool) -> dict[str, Any]:
    """``with_notes``: who asks may see what people wrote. Raises SealBroken."""
    notes = privacy.notes_of(order, found) if with_notes else None
    return {
        **{name: getattr(found, name) for name in _RETURN},
        "lines": [_return_line(x, notes) for x in found.lines.all()],
    }


def event(row: OrderEvent) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _EVENT}


def _payment(row: Payment, places: int, open_: bool) -> dict[str, Any]:
    return {
        "id": row.pk,
        "kind": row.kind,
        "amount": money(row.amount, places),
        "method": row.method,
        "reference": row.reference if open_ else None,
        "at": row.at,
    }


def _refund(row: Refund, places: int) -> dict[str, Any]:
    return {
        "id": row.pk,
        "external_id": row.external_id,
        "amount": money(row.amount, places),
        "reason": row.reason,
        "lines": [_written(x, places) for x in row.lines],
        "created_at": row.created_at,
    }


def _written(row: Mapping[str, Any], places: int) -> dict[str, Any]:
    """A row that is kept as JSON, with its amounts as the store wrote them."""
    return {**row, **{name: money(Decimal(row[name]), places) for name in ("amount", "tax")}}


def _return_line(row: ReturnLine, notes: Mapping[str, str] | None) -> dict[str, Any]:
    note = None if notes is None else notes.get(row.external_id, "")
    return {**{name: getattr(row, name) for name in _RETURN_LINE}, "note": note}


_HIDDEN_ADDRESS = dict.fromkeys(("name", "company", "line1", "line2", "postcode", "phone"))


def _buyer(order: Order, buyer: Buyer | None) -> dict[str, Any] | None:
    """Without the right to see it nothing is unsealed: what is shown then stands in the order
    itself.
    """
    if not order.buyer_sealed:
        return None
    if buyer is not None:
        return {"masked": False, **asdict(buyer)}
    hidden = dict.fromkeys(("name", "email", "phone", "company", "note"))
    place = {
        "city": order.ship_city,
        "region": order.ship_region,
        "country": order.ship_country,
    }
    return {"masked": True, **hidden, "billing": None, "shipping": {**_HIDDEN_ADDRESS, **place}}
