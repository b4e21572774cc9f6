"""Lists of orders and of fulfilment orders: filters, sorts, pages.

Source: the arguments of QueryRoot.orders and QueryRoot.fulfillmentOrders in the official schema of
2026-07. Without ``read_all_orders`` an app sees sixty days.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from integrations.sandbox.shopify.api import search
from integrations.sandbox.shopify.api.filtering import Sorts, by_sort, found
from integrations.sandbox.shopify.api.pages import Key, connection, count
from integrations.sandbox.shopify.api.resolving import Call, Fields
from integrations.sandbox.shopify.ids import number_of
from integrations.sandbox.shopify.orders import paying, states, totals
from integrations.sandbox.shopify.orders.fulfillment_fields import matching, visible
from integrations.sandbox.shopify.orders.fulfillment_models import FulfillmentOrder
from integrations.sandbox.shopify.orders.models import Order
from integrations.sandbox.shopify.orders.room import OrderRoom
from integrations.sandbox.shopify.orders.shelf import Shelf

_HORIZON_S = 60 * 86_400
_SPAN = re.compile(
    r"(?<![\w.-])(updated_at|created_at)\s*:\s*(>=?|<=?)\s*"
    r"(?:'([^']*)'|\"([^\"]*)\"|([^\s()'\"]+))(?:\s+AND\b)?"
)
_CHOICE = re.compile(r"[()]|\bOR\b|\bNOT\b|(?<!\S)-")
_TAG_NOT = re.compile(r"(?<![\w-])tag_not\s*:")


class Row:
    """An order in a list: what the shelves know of it is cheap, ``order`` writes it."""

    __slots__ = ("_room", "id")

    def __init__(self, room: OrderRoom, order_id: int) -> None:
        self._room, self.id = room, order_id

    @property
    def order(self) -> Order:
        return self._room.existing(self.id)

    @property
    def created_at(self) -> int:
        return self._room.by_created.moment(self.id)

    @property
    def updated_at(self) -> int:
        return self._room.by_updated.moment(self.id)

    @property
    def processed_at(self) -> int:
        return self._room.processed_at(self.id)


def _status(order: Order) -> list[str]:
    if order.cancelled_at is not None:
        return ["cancelled", "closed"] if order.closed_at else ["cancelled", "not_closed"]
    return ["closed"] if order.closed_at else ["open", "not_closed"]


_SHIPPING_WORDS = {
    "FULFILLED": ["fulfilled", "shipped"],
    "PARTIALLY_FULFILLED": ["partial", "partially_fulfilled"],
    "UNFULFILLED": ["unfulfilled", "unshipped"],
    "ON_HOLD": ["on_hold", "unshipped"],
    "SCHEDULED": ["scheduled", "unshipped"],
    "IN_PROGRESS": ["in_progress", "unshipped"],
}


def _words(order: Order, room: OrderRoom) -> str:
    known = room.customer(order.customer_id) if order.customer_id else None
    names = known.display_name if known else ""
    titles = " ".join(line.title for line in order.lines)
    return f"{order.name} {order.email} {names} {titles}"


def _row(call: Call) -> dict[str, search.Value]:
    room, clock = call.store.orders, call.store.clock
    return {
        "": lambda row: _words(row.order, room),
        "id": lambda row: row.id,
        "created_at": lambda row: row.created_at,
        "updated_at": lambda row: row.updated_at,
        "processed_at": lambda row: row.processed_at,
        "name": lambda row: [row.order.name, row.order.name.lstrip("#")],
        "status": lambda row: _status(row.order),
        "financial_status": lambda row: states.financial(row.order, clock.now()),
        "fulfillment_status": lambda row: _SHIPPING_WORDS[states.fulfillment(row.order)],
        "return_status": lambda row: states.returning(row.order),
        "email": lambda row: row.order.email,
        "customer_id": lambda row: row.order.customer_id,
        "tag": lambda row: row.order.tags,
        "test": lambda row: row.order.is_test,
        "sku": lambda row: [line.sku for line in row.order.lines],
        "gateway": lambda row: paying.gateways(row.order),
        "discount_code": lambda row: [
            one.title for one in row.order.discounts if one.kind == "code"
        ],
        "source_name": lambda row: row.order.source_name,
        "source_identifier": lambda row: row.order.source_identifier,
        "po_number": lambda row: row.order.po_number,
        "risk_level": lambda row: row.order.risk,
        "location_id": lambda row: row.order.retail_location_id,
        "fulfillment_location_id": lambda row: [
            parcel.location_id for parcel in row.order.fulfillments
        ],
        "delivery_method": lambda row: [
            work.delivery.replace("_", "-") for work in row.order.fulfillment_orders
        ],
    }


_SORTS: Sorts = {
    "CREATED_AT": lambda row: row.created_at,
    "UPDATED_AT": lambda row: row.updated_at,
    "PROCESSED_AT": lambda row: row.processed_at,
    "ORDER_NUMBER": lambda row: row.order.number,
    "TOTAL_PRICE": lambda row: float(totals.sold(row.order).total.shop.amount),
    "CURRENT_TOTAL_PRICE": lambda row: float(totals.current(row.order).total.shop.amount),
    "CUSTOMER_NAME": lambda row: row.order.billing.last_name if row.order.billing else "",
    "DESTINATION": lambda row: row.order.shipping.city if row.order.shipping else "",
    "PO_NUMBER": lambda row: row.order.po_number or "",
    "TOTAL_ITEMS_QUANTITY": lambda row: sum(line.quantity for line in row.order.lines),
    "FULFILLMENT_STATUS": lambda row: states.fulfillment(row.order),
    "FINANCIAL_STATUS": lambda row: states.financial(
        row.order, max(one.created_at for one in row.order.transactions or [row.order])
    ),
}


# --- orders ---------------------------------------------------------------------------------------


def orders(
    _: Any, info: Any, *, query: str | None = None, sort_key: str | None = None, **page: Any
) -> Any:
    """By PROCESSED_AT unless asked otherwise."""
    call: Call = info.context
    room = call.store.orders
    span = _span(call, query or "")
    if span.is_all and sort_key in _SHELVES and span.fields <= {sort_key} and _sees_all(call):
        keys = _SHELVES[sort_key](room).span(span.low.get(sort_key), span.high.get(sort_key))
        return connection(keys, lambda key: room.existing(key[-1]), **page)
    rows = _found(call, query, "orders")
    keys = by_sort(rows, _SORTS, sort_key or "PROCESSED_AT")
    return connection(keys, lambda key: room.existing(key[-1]), **page)


def page_of(call: Call, rows: Sequence[Order], sort_key: str, page: dict[str, Any]) -> Any:
    """A page of orders that are at hand."""
    room = call.store.orders
    keys: list[Key] = by_sort([Row(room, order.id) for order in rows], _SORTS, sort_key)
    return connection(keys, lambda key: room.existing(key[-1]), **page)


def orders_count(_: Any, info: Any, *, query: str | None = None, limit: int | None = 10_000) -> Any:
    return count(len(_found(info.context, query, "ordersCount")), limit)


def order(_: Any, info: Any, *, id: str) -> Order | None:
    return seen(info.context, number_of(id, "Order"))


def by_identifier(_: Any, info: Any, *, identifier: dict[str, Any]) -> Order | None:
    return seen(info.context, number_of(identifier["id"], "Order"))


def seen(call: Call, order_id: int) -> Order | None:
    """The order, where the app may see it."""
    known = call.store.orders.get(order_id)
    if known is None or _sees_all(call) or known.created_at >= _oldest(call):
        return known
    return None


def _sees_all(call: Call) -> bool:
    return call.grant.allows("read_all_orders")


def _oldest(call: Call) -> int:
    return call.store.clock.now() - _HORIZON_S


def _found(call: Call, query: str | None, name: str) -> list[Row]:
    room = call.store.orders
    text = _TAG_NOT.sub("-tag:", query) if query else query
    rows: Iterable[Row] = (Row(room, key[-1]) for key in _candidates(call, text))
    if not _sees_all(call):
        oldest = _oldest(call)
        rows = (row for row in rows if row.created_at >= oldest)
    return found(call, rows, text, _row(call), name)


@dataclass(frozen=True, slots=True)
class Span:
    """What a filter says of moments, by sort key, both ends included. ``is_all``: it says nothing
    else, and all of it must hold.
    """

    low: dict[str, int]
    high: dict[str, int]
    is_all: bool

    @property
    def fields(self) -> set[str]:
        return {*self.low, *self.high}


_SHELVES: dict[str, Callable[[OrderRoom], Shelf]] = {
    "UPDATED_AT": lambda room: room.by_updated,
    "CREATED_AT": lambda room: room.by_created,
}


def _span(call: Call, text: str) -> Span:
    """Of a filter with a choice in it nothing is known beforehand."""
    if _CHOICE.search(_SPAN.sub("", text)):
        return Span({}, {}, is_all=False)
    low: dict[str, int] = {}
    high: dict[str, int] = {}
    is_all = not _SPAN.sub("", text).strip()
    for field, sign, *values in _SPAN.findall(text):
        key = field.upper()
        at = search.moment(next((value for value in values if value), ""), call.store.clock)
        if at is None:
            is_all = False
        elif sign.startswith(">"):
            low[key] = max(low.get(key, 0), at + (sign == ">"))
        else:
            high[key] = min(high.get(key, at), at - (sign == "<"))
    return Span(low, high, is_all)


def _candidates(call: Call, text: str | None) -> Sequence[Key]:
    """Where a filter names a span of ``updated_at``, only that span."""
    span = _span(call, text or "")
    return call.store.orders.by_updated.span(
        span.low.get("UPDATED_AT"), span.high.get("UPDATED_AT")
    )


# --- fulfilment orders ----------------------------------------------------------------------------


def fulfillment_orders(
    _: Any,
    info: Any,
    *,
    query: str | None = None,
    sort_key: str | None = None,
    include_closed: bool = False,
    **page: Any,
) -> Any:
    """An order is never older than its work, so a span of ``updated_at`` narrows both."""
    call: Call = info.context
    room = call.store.orders
    works: list[FulfillmentOrder] = []
    for key in _since(call, query):
        works += [
            work
            for work in room.existing(key[-1]).fulfillment_orders
            if include_closed or work.status in states.OPEN_STATES
        ]
    works = matching(call, visible(call, works), query)
    by_id = {work.id: work for work in works}
    keys = by_sort(works, {"UPDATED_AT": lambda work: work.updated_at}, sort_key)
    return connection(keys, lambda key: by_id[key[-1]], **page)


def _since(call: Call, text: str | None) -> Sequence[Key]:
    """Orders whose work can have changed since what the filter asks for."""
    return call.store.orders.by_updated.span(_span(call, text or "").low.get("UPDATED_AT"))


FIELDS: Fields = {
    "QueryRoot": {
        "orders": orders,
        "ordersCount": orders_count,
        "order": order,
        "orderByIdentifier": by_identifier,
        "fulfillmentOrders": fulfillment_orders,
    },
}
