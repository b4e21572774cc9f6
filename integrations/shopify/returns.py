"""Returns of an order: Shopify's answer to ``ReturnData``. Pure.

Source: Return and ReturnLineItemType in the official schema of the Admin API 2026-07.
"""

from __future__ import annotations

from collections import Counter

from integrations.shopify import shapes
from integrations.shopify.values import moment, number_of, text, units
from orders.data import ReturnData, ReturnLineData
from orders.status import ReturnStatus

STATUS_IN = {
    "REQUESTED": ReturnStatus.REQUESTED,
    "OPEN": ReturnStatus.OPEN,
    "CLOSED": ReturnStatus.CLOSED,
    "DECLINED": ReturnStatus.DECLINED,
    "CANCELED": ReturnStatus.CANCELLED,
}


def to_returns(told: shapes.Connection[shapes.Return] | None) -> tuple[ReturnData, ...] | None:
    """Oldest first; None where they were not asked for. Raises ContractBroken."""
    if told is None:
        return None
    found = (_return(one, f"$.returns.nodes[{place}]") for place, one in enumerate(told.nodes))
    return tuple(sorted(found, key=lambda one: int(one.external_id)))


def came_back(order: shapes.Order) -> Counter[str]:
    """Units that a return took in and no refund has, by the global id of their line."""
    found: Counter[str] = Counter()
    for one in order.returns.nodes if order.returns else ():
        for line in one.return_line_items.nodes:
            if line.fulfillment_line_item:
                unpaid = max(0, line.processed_quantity - line.refunded_quantity)
                found[line.fulfillment_line_item.line_item.id] += unpaid
    return found


def _return(told: shapes.Return, path: str) -> ReturnData:
    external_id = number_of(told.id, f"{path}.id")
    return ReturnData(
        external_id=external_id,
        name=text(told.name, 64).strip() or external_id,
        status=STATUS_IN.get(told.status, ReturnStatus.UNKNOWN),
        raw_status=text(told.status, 60),
        created_at=moment(told.created_at, f"{path}.createdAt"),
        lines=tuple(
            _line(line, f"{path}.returnLineItems.nodes[{place}]")
            for place, line in enumerate(told.return_line_items.nodes)
        ),
    )


def _line(told: shapes.ReturnLine, path: str) -> ReturnLineData:
    sold = told.fulfillment_line_item.line_item if told.fulfillment_line_item else None
    notes = (text(told.return_reason_note), text(told.customer_note))
    return ReturnLineData(
        external_id=number_of(told.id, f"{path}.id"),
        line_external_id=number_of(sold.id, f"{path}.fulfillmentLineItem") if sold else "",
        quantity=units(told.quantity, f"{path}.quantity"),
        received=units(told.processed_quantity, f"{path}.processedQuantity"),
        reason=text(told.return_reason_definition.name, 120)
        if told.return_reason_definition
        else "",
        note="\n".join(note for note in notes if note),
    )
