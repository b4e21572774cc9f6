"""The sentences of an order's timeline: what changed, before and after, without personal data."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from logix.common.ids import uuid7
from orders.data import OrderData
from orders.models import Order, OrderEvent

if TYPE_CHECKING:
    from orders.drafting import Draft, DraftLine, Known

_AXES = (
    ("order_status", "Order"),
    ("payment_status", "Payment"),
    ("fulfillment_status", "Fulfilment"),
)


def row(
    order_id: UUID,
    kind: str,
    title: str,
    now: datetime,
    *,
    origin: str = OrderEvent.Origin.STORE,
    data: dict[str, Any] | None = None,
    actor: str = "",
) -> dict[str, Any]:
    return {
        "id": uuid7(),
        "order_id": order_id,
        "at": now,
        "kind": kind,
        "title": title[:300],
        "data": data or {},
        "origin": origin,
        "actor": actor,
        "request_id": "",
    }


def of_import(
    order_id: UUID,
    store_name: str,
    data: OrderData,
    known: Order | None,
    parts: Known,
    lines: list[DraftLine],
    draft: Draft,
    now: datetime,
) -> list[dict[str, Any]]:
    """What this import changed, as events."""
    if known is None:
        return [_imported(order_id, store_name, data, draft, now)]
    events = [
        row(
            order_id,
            column,
            f"{label}: {getattr(known, column)} → {draft.order[column]} "
            f"(the store says “{data.raw_status}”)",
            now,
            data={"before": getattr(known, column), "after": draft.order[column]},
        )
        for column, label in _AXES
        if getattr(known, column) != draft.order[column]
    ]
    events += _line_changes(order_id, lines, now)
    for refund in draft.new_refunds:
        events.append(
            row(
                order_id,
                "refund",
                f"Refund of {refund['amount']} {data.currency} at the store",
                now,
                data={"amount": str(refund["amount"]), "external_id": refund["external_id"]},
            )
        )
    for shipment in draft.new_shipments:
        events.append(_parcel(order_id, "shipment", "The store reports a parcel", shipment, now))
    for shipment in draft.changed_shipments:
        events.append(_parcel(order_id, "tracking", "Tracking at the store", shipment, now))
    if known.total != data.total:
        events.append(
            row(
                order_id,
                "total",
                f"Total: {known.total.normalize():f} → {data.total.normalize():f} {data.currency}",
                now,
                data={"before": str(known.total), "after": str(data.total)},
            )
        )
    return events or [row(order_id, "updated", "Details changed at the store", now)]


def _imported(
    order_id: UUID, store_name: str, data: OrderData, draft: Draft, now: datetime
) -> dict[str, Any]:
    count = len(data.lines)
    noun = "line" if count == 1 else "lines"
    return row(
        order_id,
        "imported",
        f"Imported from {store_name}: {count} {noun}, {data.total} {data.currency}",
        now,
        data={
            "raw_status": data.raw_status,
            "order_status": draft.order["order_status"],
            "payment_status": draft.order["payment_status"],
            "fulfillment_status": draft.order["fulfillment_status"],
        },
    )


def _line_changes(order_id: UUID, lines: list[DraftLine], now: datetime) -> list[dict[str, Any]]:
    events = []
    for line in lines:
        name = (line.before.sku or line.before.name) if line.before else line.external_id
        if line.before is None:
            title = f"Line added at the store: {line.quantity} units"
        elif line.removed and line.before.removed_at is None:
            title = f"Line removed at the store: {name}"
        elif not line.removed and line.before.quantity != line.quantity:
            title = f"Quantity of {name}: {line.before.quantity} → {line.quantity}"
        else:
            continue
        events.append(row(order_id, "edited", title, now, data={"line": line.external_id}))
    return events


def _parcel(
    order_id: UUID, kind: str, title: str, shipment: dict[str, Any], now: datetime
) -> dict[str, Any]:
    tracking = " ".join(filter(None, (shipment["carrier"], shipment["tracking_number"])))
    data = {
        "carrier": shipment["carrier"],
        "tracking_number": shipment["tracking_number"],
    }
    return row(order_id, kind, f"{title}: {tracking or 'no tracking yet'}", now, data=data)
