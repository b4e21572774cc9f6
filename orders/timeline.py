"""The sentences of an order's timeline: what changed, before and after, without personal data."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.utils import timezone

from logix.common.ids import uuid7
from orders import details
from orders.data import OrderData
from orders.models import Order, OrderEvent

if TYPE_CHECKING:
    from orders.lines import DraftLine, Lines
    from orders.money import Rows
    from orders.parcels import Parcels
    from orders.returns import Look, News
    from orders.returns import Rows as ReturnRows

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


def write(
    order_id: UUID,
    kind: str,
    title: str,
    *,
    origin: str,
    actor: str,
    data: dict[str, Any] | None = None,
    request_id: str = "",
) -> OrderEvent:
    """Put one row on an order's timeline now."""
    values = row(order_id, kind, title, timezone.now(), origin=origin, data=data, actor=actor)
    return OrderEvent.objects.create(**{**values, "request_id": request_id})


def of_import(
    order_id: UUID,
    store_name: str,
    data: OrderData,
    known: Order | None,
    before: details.Before,
    order: dict[str, Any],
    lines: Lines,
    money: Rows,
    parcels: Parcels,
    returns: ReturnRows,
    now: datetime,
) -> list[dict[str, Any]]:
    """What this import changed, as events; none where nothing changed that people read, as when our
    own write comes back. ``order`` is the row to be written.
    """
    if known is None:
        return [_imported(order_id, store_name, data, order, now)]
    events = [
        row(
            order_id,
            column,
            f"{label}: {_words(getattr(known, column))} → {_words(order[column])} "
            f"(the store says “{data.raw_status}”)",
            now,
            data={"before": getattr(known, column), "after": order[column]},
        )
        for column, label in _AXES
        if getattr(known, column) != order[column]
    ]
    if order["import_problem"] and order["import_problem"] != known.import_problem:
        events.append(row(order_id, "attention", order["import_problem"], now))
    events += _line_changes(order_id, lines.all, now)
    events += _money_changes(order_id, data, money, now)
    for shipment in parcels.new:
        events.append(_parcel(order_id, "shipment", "The store reports a parcel", shipment, now))
    for shipment in parcels.news:
        events.append(_parcel(order_id, "tracking", "Parcel changed at the store", shipment, now))
    events += _ended_parcels(order_id, parcels, now)
    events += [_return(order_id, news, now) for news in returns.news]
    if known.total != data.total:
        events.append(
            row(
                order_id,
                "total",
                f"Total: {_plain(known.total)} → {_plain(data.total)} {data.currency}",
                now,
                data={"before": str(known.total), "after": str(data.total)},
            )
        )
    if events:
        return events
    changed = details.changed(before, known, data, order, lines, money, returns)
    return _details(order_id, changed, now)


def _details(order_id: UUID, changed: list[str], now: datetime) -> list[dict[str, Any]]:
    if not changed:
        return []
    title = f"Changed at the store: {', '.join(changed)}"
    return [row(order_id, "updated", title, now, data={"changed": changed})]


def _money_changes(
    order_id: UUID, data: OrderData, money: Rows, now: datetime
) -> list[dict[str, Any]]:
    told = [
        ("Refund of {} {} at the store", "refund", refund)
        for refund in money.new_refunds
        if refund["external_id"] not in money.asked_here
    ]
    told += [
        (title, kind, {"amount": gone.amount, "external_id": gone.external_id})
        for title, kind, left in (
            ("The store took back a refund of {} {}", "refund_removed", money.removed_refunds),
            ("The store took back a payment of {} {}", "payment_removed", money.removed_payments),
        )
        for gone in left
    ]
    return [
        row(
            order_id,
            kind,
            title.format(_plain(what["amount"]), data.currency),
            now,
            data={"amount": str(what["amount"]), "external_id": what["external_id"]},
        )
        for title, kind, what in told
    ]


def _words(status: str) -> str:
    return status.replace("_", " ")


def _plain(amount: Decimal) -> str:
    """Without trailing zeros, but never fewer than two places where there are any: 20.90, 5."""
    text = f"{amount.normalize():f}"
    whole, _, part = text.partition(".")
    return f"{whole}.{part:0<2}" if part else whole


def _imported(
    order_id: UUID, store_name: str, data: OrderData, order: dict[str, Any], now: datetime
) -> dict[str, Any]:
    count = len(data.lines)
    noun = "line" if count == 1 else "lines"
    return row(
        order_id,
        "imported",
        f"Imported from {store_name}: {count} {noun}, {_plain(data.total)} {data.currency}",
        now,
        data={
            "raw_status": data.raw_status,
            "came_by": order["came_by"],
            **{column: order[column] for column, _ in _AXES},
        },
    )


def _line_changes(order_id: UUID, lines: list[DraftLine], now: datetime) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    for line in lines:
        name = (line.before.sku or line.before.name) if line.before else line.external_id
        if not line.is_edit:
            continue
        if line.before is None or line.before.removed_at is not None:
            title = f"Line added at the store: {line.quantity} × {name}"
        elif line.removed:
            title = f"Line removed at the store: {name}"
        else:
            title = f"Quantity of {name}: {line.before.quantity} → {line.quantity}"
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


def _ended_parcels(order_id: UUID, parcels: Parcels, now: datetime) -> list[dict[str, Any]]:
    """Of a parcel of ours the warehouse knows better where it is."""
    ours = (
        "The store cancelled parcel {}, which was sent from Logix. If the goods are back, cancel "
        "it here as well."
    )
    told = [("shipment_cancelled", "The store took back parcel {}", x) for x in parcels.ended]
    told += [("attention", ours, parcel) for parcel in parcels.ended_there]
    return [
        row(
            order_id,
            kind,
            title.format(parcel.reference),
            now,
            data={"reference": parcel.reference, "tracking_number": parcel.tracking_number},
        )
        for kind, title, parcel in told
    ]


def _return(order_id: UUID, news: News, now: datetime) -> dict[str, Any]:
    before, after = news.before, news.after
    if after is None:
        return row(order_id, "return_removed", f"The store took back return {news.name}", now)
    said = f"(the store says “{news.raw_status}”)"
    if before is None:
        title = f"Return {news.name} of {_units(after.units)}: {after.status} {said}"
    elif before.status != after.status:
        title = f"Return {news.name}: {before.status} → {after.status} {said}"
    elif before.units != after.units:
        title = f"Return {news.name}: {before.units} → {_units(after.units)}"
    else:
        title = f"Return {news.name}: the store has {after.received} of {_units(after.units)}"
    return row(order_id, "return", title, now, data=_looks(before, after))


def _looks(before: Look | None, after: Look) -> dict[str, Any]:
    return {"before": asdict(before) if before else None, "after": asdict(after)}


def _units(count: int) -> str:
    return f"{count} {'unit' if count == 1 else 'units'}"
