"""What Shopify says it put back on sale: refund lines that were restocked as returned, and what
became of the goods of a return. Pure.

Source: RefundLineItemRestockType and ReverseFulfillmentOrderDispositionType in the official schema
of the Admin API 2026-07. CANCEL is of units that never left, which are free by themselves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from integrations.shopify import shapes
from integrations.shopify.values import number_of, units
from orders.data import RestockData

_RETURNED, _RESTOCKED = "RETURN", "RESTOCKED"


class RefundLine(shapes.Camel):
    quantity: int
    line_item: shapes.Ref
    restock_type: str | None = None
    restocked: bool = False
    location: shapes.Owner | None = None


class Refund(shapes.Camel):
    legacy_resource_id: shapes.Number
    refund_line_items: shapes.Connection[RefundLine] = shapes.field(
        default_factory=shapes.Connection
    )


class Disposition(shapes.Camel):
    type: str
    quantity: int
    location: shapes.Owner | None = None


class Looked(shapes.Camel):
    """A line of what comes back, with what became of its units."""

    fulfillment_line_item: shapes.ReturnedFrom | None = None
    dispositions: list[Disposition] = shapes.field(default_factory=list)


class Work(shapes.Camel):
    line_items: shapes.Connection[Looked] = shapes.field(default_factory=shapes.Connection)


class Return(shapes.Camel):
    id: str
    reverse_fulfillment_orders: shapes.Connection[Work] = shapes.field(
        default_factory=shapes.Connection
    )


class Back(shapes.Camel):
    """Of one order, asked for where it matters."""

    refunds: list[Refund] = shapes.field(default_factory=list)
    returns: shapes.Connection[Return] | None = None


def may_be(order: shapes.Order) -> bool:
    """Whether anything of it may be back on sale."""
    returned = order.returns.nodes if order.returns else ()
    return any(_is_returned(x.restock_type) for r in order.refunds for x in _lines(r)) or any(
        line.processed_quantity for one in returned for line in one.return_line_items.nodes
    )


def to_restocks(order: shapes.Order, back: Back | None) -> tuple[RestockData, ...]:
    """``back`` None: it was not asked where; a refund says all the same that units are back."""
    known = {x.legacy_resource_id: x for x in back.refunds} if back else {}
    found: list[RestockData] = []
    for refund in sorted(order.refunds, key=lambda x: int(x.legacy_resource_id)):
        told = known.get(refund.legacy_resource_id)
        found += _of_refund(refund, told)
    if back and back.returns and order.returns:
        looked = {x.id: x for x in back.returns.nodes}
        for one in sorted(order.returns.nodes, key=lambda x: int(number_of(x.id, "$.returns"))):
            if one.id in looked:
                found += _of_return(one, looked[one.id])
    return tuple(found)


def _of_refund(refund: shapes.Refund, told: Refund | None) -> Iterable[RestockData]:
    if told is None:
        for row in _lines(refund):
            if _is_returned(row.restock_type):
                yield _back_by(refund, row.line_item, row.quantity, "")
        return
    for line in told.refund_line_items.nodes:
        if _is_returned(line.restock_type) and line.restocked:
            at = line.location.legacy_resource_id if line.location else ""
            yield _back_by(refund, line.line_item, line.quantity, at)


def _back_by(refund: shapes.Refund, sold: shapes.Ref, quantity: int, at: str) -> RestockData:
    return RestockData(
        line_external_id=number_of(sold.id, "$.refunds.refundLineItems.lineItem"),
        quantity=units(quantity, "$.refunds.refundLineItems.quantity"),
        reference=refund.legacy_resource_id,
        external_location_id=at,
    )


def _of_return(one: shapes.Return, looked: Return) -> Iterable[RestockData]:
    """Units are told by the line that was sold, which a return may have twice."""
    shelves = _shelves(looked)
    for line in one.return_line_items.nodes:
        if line.fulfillment_line_item is None:
            continue
        sold, left = line.fulfillment_line_item.line_item.id, line.processed_quantity
        for place, (at, many) in enumerate(shelves[sold]):
            taken = min(left, many)
            left -= taken
            shelves[sold][place] = (at, many - taken)
            if taken:
                yield RestockData(
                    line_external_id=number_of(sold, "$.returns"),
                    quantity=taken,
                    return_line_external_id=number_of(line.id, "$.returns.returnLineItems"),
                    external_location_id=at,
                )


def _shelves(looked: Return) -> dict[str, list[tuple[str, int]]]:
    """(location, units) that were restocked, by the line that was sold, oldest first."""
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for work in looked.reverse_fulfillment_orders.nodes:
        for row in work.line_items.nodes:
            if row.fulfillment_line_item is None:
                continue
            for spot in row.dispositions:
                if spot.type == _RESTOCKED:
                    at = spot.location.legacy_resource_id if spot.location else ""
                    found[row.fulfillment_line_item.line_item.id].append((at, spot.quantity))
    return found


def _lines(refund: shapes.Refund) -> list[shapes.RefundLine]:
    return refund.refund_line_items.nodes


def _is_returned(word: str | None) -> bool:
    return word == _RETURNED
