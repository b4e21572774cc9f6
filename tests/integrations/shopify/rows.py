"""All that is stored of a store's orders, as plain rows that can be compared with another store's.

What is sealed is opened, an id of ours is replaced by the name of what it stands for. Left out is
what says when and how a record came here and by what key it is found again: ``observed_at`` and
other times of ours, the mark of the raw bytes (a page's lists end with a cursor), the merchant's
own indexes of a buyer, ids of requests, and in how many writes a level of stock came to its figure.
Nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.db.models import Model, QuerySet

from integrations.models import ParkedRecord, Store
from inventory.models import Location, Reservation, StockLevel, StoreLocation, Variant
from orders import privacy
from orders.models import (
    Order,
    OrderEvent,
    OrderLine,
    OrderPayload,
    Payment,
    Refund,
    Return,
    ReturnLine,
    Shipment,
    ShipmentLine,
)

LEFT_OUT: dict[type[Model], frozenset[str]] = {
    Order: frozenset(
        {"observed_at", "imported_at", "applied_at", "raw_mark", "email_index", "phone_index"}
    ),
    OrderEvent: frozenset({"at", "request_id"}),
    OrderPayload: frozenset({"at", "purge_after"}),
    Reservation: frozenset({"updated_at"}),
    StockLevel: frozenset({"updated_at", "counted_at", "version"}),
    ParkedRecord: frozenset(
        {"raw_sealed", "first_at", "last_at", "next_at", "purge_after", "resolved_at"}
    ),
}
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
Row = dict[str, Any]


def rows_of(store: Store) -> dict[str, list[Row]]:
    """By table, in an order of their own."""
    reader = _Reader(store)
    return {model.__name__: reader.table(rows) for model, rows in _tables(store).items()}


def columns_of() -> int:
    """How many columns are compared."""
    tables = _tables(Store())
    return sum(len(list(_columns(model))) for model in tables)


def _tables(store: Store) -> dict[type[Model], QuerySet[Any]]:
    by_order = (OrderLine, OrderEvent, OrderPayload, Payment, Refund, Return, Shipment)
    return {
        Order: Order.objects.filter(store=store.pk),
        **{model: model.objects.filter(order__store=store.pk) for model in by_order},
        ReturnLine: ReturnLine.objects.filter(parent__order__store=store.pk),
        ShipmentLine: ShipmentLine.objects.filter(shipment__order__store=store.pk),
        Reservation: Reservation.objects.filter(store=store.pk),
        StockLevel: StockLevel.objects.filter(merchant=store.merchant_id),
        ParkedRecord: ParkedRecord.objects.filter(store=store.pk),
    }


def _columns(model: type[Model]) -> Iterator[str]:
    for field in model._meta.concrete_fields:
        is_ours = field.primary_key and field.name == "id"
        if not is_ours and field.name not in LEFT_OUT.get(model, ()):
            yield field.attname


class _Reader:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.names = {str(store.pk): "store", str(store.merchant_id): "merchant"}
        self.orders: dict[Any, str] = {}
        for row in Order.objects.filter(store=store):
            self.orders[row.pk] = row.external_id
            self.names[str(row.pk)] = f"order {row.external_id}"
        merchant = store.merchant_id
        for variant in Variant.objects.filter(merchant=merchant).select_related("product"):
            self.names[str(variant.pk)] = f"variant {variant.sku} {variant.product.title}"
        for place in Location.objects.filter(merchant=merchant):
            self.names[str(place.pk)] = f"place {place.name}"
        for theirs in StoreLocation.objects.filter(store=store):
            self.names[str(theirs.pk)] = f"location {theirs.external_id}"
        for model in (OrderLine, Shipment, Return):
            for part in model.objects.filter(order__store=store):
                order, name = self.orders[part.order_id], model.__name__
                self.names[str(part.pk)] = f"{name} {order}/{part.external_id or part.reference}"

    def table(self, rows: QuerySet[Any]) -> list[Row]:
        columns = list(_columns(rows.model))
        found = [{name: self._value(row, name) for name in columns} for row in rows.iterator()]
        return sorted(found, key=lambda row: json.dumps(row, sort_keys=True, default=str))

    def _value(self, row: Any, name: str) -> Any:
        value = getattr(row, name)
        if value is None or not (name == "sealed" or name.endswith("_sealed")):
            return self._plain(value)
        store, key = self.store.pk, self.store.data_key_id
        if isinstance(row, OrderPayload):
            raw = privacy.open_payload(key, store, self.orders[row.order_id], bytes(value))
            return without_cursors(raw)
        if isinstance(row, Return):
            return privacy.notes_of(row.order, row)
        buyer = privacy.open_buyer(key, store, row.external_id, bytes(value))
        return msgspec.to_builtins(buyer)

    def _plain(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {self._plain(k): self._plain(x) for k, x in value.items()}
        if isinstance(value, list | tuple):
            return [self._plain(x) for x in value]
        if isinstance(value, UUID | str):
            return _UUID.sub(lambda found: self.names.get(found[0], found[0]), str(value))
        return value.isoformat() if isinstance(value, datetime) else value


def without_cursors(raw: bytes) -> Any:
    """A node with the places in its lists left out, which nobody but a page has."""
    return _blank(json.loads(raw))


def _blank(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: None if k == "endCursor" else _blank(v) for k, v in value.items()}
    return [_blank(row) for row in value] if isinstance(value, list) else value
