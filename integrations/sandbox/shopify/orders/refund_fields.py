"""Refunds and returns in GraphQL, and what a refund would come to."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from integrations.sandbox.shopify.api.errors import bad_request
from integrations.sandbox.shopify.api.pages import listed
from integrations.sandbox.shopify.api.resolving import Fields, Resolver
from integrations.sandbox.shopify.ids import gid, number_of
from integrations.sandbox.shopify.money import Bag
from integrations.sandbox.shopify.orders import paying, refunding, returning, totals
from integrations.sandbox.shopify.orders.models import LineItem, Order
from integrations.sandbox.shopify.orders.reading import at, order_of
from integrations.sandbox.shopify.orders.refund_models import (
    Refund,
    RefundDuty,
    RefundLine,
    RefundShipping,
    Return,
    ReturnLine,
)

# --- refunds --------------------------------------------------------------------------------------


def _line(row: RefundLine, info: Any) -> LineItem:
    return order_of(row, info).line(row.line_item_id)


def _return_of(refund: Refund, info: Any) -> Return | None:
    found = order_of(refund, info).returns
    return next((one for one in found if one.id == refund.return_id), None)


def _transactions(refund: Refund, info: Any, **page: Any) -> Any:
    order = order_of(refund, info)
    return listed([order.transaction(number) for number in refund.transaction_ids], **page)


def _shipping_line(row: RefundShipping, info: Any) -> Any:
    lines = order_of(row, info).shipping_lines
    return next(line for line in lines if line.id == row.shipping_line_id)


def _location(row: RefundLine, info: Any) -> Any:
    return info.context.store.catalogue.locations.get(row.location_id)


def _duty(row: RefundDuty, info: Any) -> Any:
    duties = totals.all_duties(order_of(row, info))
    return next((duty for duty in duties if duty.id == row.duty_id), None)


_REFUND: dict[str, Resolver] = {
    "processedAt": at("created_at"),
    "updatedAt": at("created_at"),
    "order": order_of,
    "totalRefundedSet": lambda refund, info: refunding.paid_back(order_of(refund, info), refund),
    "refundLineItems": lambda refund, _, **page: listed(refund.lines, **page),
    "refundShippingLines": lambda refund, _, **page: listed(refund.shipping, **page),
    "orderAdjustments": lambda refund, _, **page: listed(refund.adjustments, **page),
    "transactions": _transactions,
    "return": _return_of,
}
_REFUND_LINE: dict[str, Resolver] = {
    "id": lambda row, _: gid("RefundLineItem", row.id) if row.id else None,
    "lineItem": _line,
    "restocked": at("is_restocked"),
    "location": _location,
    "priceSet": lambda row, info: _line(row, info).price,
    "subtotalSet": at("subtotal"),
    "totalTaxSet": at("tax"),
}


# --- what it would come to ------------------------------------------------------------------------


def suggested(
    order: Order,
    info: Any,
    *,
    suggest_full_refund: bool = False,
    refund_line_items: Sequence[dict[str, Any]] = (),
    refund_shipping: bool = False,
    shipping_amount: Decimal | None = None,
) -> dict[str, Any]:
    """Nothing is changed. Raises GraphQLError for a line the order has not."""
    units = (
        everything_left(order)
        if suggest_full_refund
        else [_asked(order, row) for row in refund_line_items]
    )
    rows = [(one, *totals.units(order, one.line, one.quantity)) for one in units]
    subtotal = totals.added(order, (net for _, net, _ in rows))
    tax = totals.added(order, (one for _, _, one in rows))
    left = refunding.shipping_left(order)
    shipping = _shipping(order, left, suggest_full_refund or refund_shipping, shipping_amount)
    duties = refunding.duties_left(order) if suggest_full_refund else []
    customs = totals.added(order, (row.amount for row in duties))
    shipping_tax = refunding.shipping_tax(order, shipping)
    due = subtotal + shipping + customs
    if not order.taxes_included:
        due = due + tax + shipping_tax
    paid = totals.net_payment(order)
    amount = due if due.presentment.amount <= paid.presentment.amount else paid
    return {
        "amountSet": amount,
        "subtotalSet": subtotal,
        "discountedSubtotalSet": subtotal,
        "totalTaxSet": tax,
        "totalDutiesSet": customs,
        "totalCartDiscountAmountSet": totals.nothing(order),
        "maximumRefundableSet": paid,
        "refundDuties": duties,
        "refundLineItems": [
            RefundLine(0, order.id, one.line.id, one.quantity, one.restock_type, net, due_tax)
            for one, net, due_tax in rows
        ],
        "shipping": {
            "amountSet": shipping,
            "maximumRefundableSet": left,
            "taxSet": shipping_tax,
        },
        "suggestedTransactions": [
            {
                "amountSet": share,
                "gateway": payment.gateway,
                "formattedGateway": payment.gateway.replace("_", " ").capitalize(),
                "kind": "SUGGESTED_REFUND",
                "parentTransaction": payment,
                "maximumRefundableSet": paying.refundable(order, payment),
                "accountNumber": None,
            }
            for payment, share in refunding.spread(order, amount)
        ],
    }


def everything_left(order: Order) -> list[refunding.Units]:
    return [
        refunding.Units(line, left)
        for line in order.lines
        if (left := totals.current_units(order, line))
    ]


def _asked(order: Order, row: dict[str, Any]) -> refunding.Units:
    number = number_of(row["lineItemId"], "LineItem")
    line = next((one for one in order.lines if one.id == number), None)
    if line is None:
        raise bad_request(f"Line item {row['lineItemId']} does not belong to the order")
    return refunding.Units(line, row["quantity"], row.get("restockType") or "NO_RESTOCK")


def _shipping(order: Order, left: Bag, is_wanted: bool, amount: Decimal | None) -> Bag:
    if amount is not None:
        return totals.shown_bag(order, amount)
    return left if is_wanted else totals.nothing(order)


# --- returns --------------------------------------------------------------------------------------


def _refunds(one: Return, info: Any, **page: Any) -> Any:
    rows = [refund for refund in order_of(one, info).refunds if refund.return_id == one.id]
    return listed(rows, **page)


_REVERSE_STATES = {"OPEN": "OPEN", "CANCELED": "CANCELED", "CLOSED": "CLOSED"}


def _reverse(one: Return, info: Any, **page: Any) -> Any:
    """One for each return that was agreed to, with its number."""
    return listed([reverse_of(one)] if one.status in _REVERSE_STATES else [], **page)


def reverse_of(one: Return) -> dict[str, Any]:
    return {
        "__typename": "ReverseFulfillmentOrder",
        "id": gid("ReverseFulfillmentOrder", one.id),
        "status": _REVERSE_STATES[one.status],
        "return": one,
    }


def _reverse_lines(work: dict[str, Any], _: Any, **page: Any) -> Any:
    """With the numbers of the return's own lines."""
    rows = [
        {
            "__typename": "ReverseFulfillmentOrderLineItem",
            "id": gid("ReverseFulfillmentOrderLineItem", row.id),
            "totalQuantity": row.quantity,
            "row": row,
        }
        for row in work["return"].lines
    ]
    return listed(rows, **page)


def _dispositions(line: dict[str, Any], info: Any) -> list[dict[str, Any]]:
    """What became of the units that were processed, oldest first."""
    places = info.context.store.catalogue.locations
    return [
        {
            "__typename": "ReverseFulfillmentOrderDisposition",
            "id": gid("ReverseFulfillmentOrderDisposition", line["row"].id * 100 + number),
            "type": "NOT_RESTOCKED" if place is None else "RESTOCKED",
            "quantity": many,
            "location": places.get(place),
        }
        for number, (place, many) in enumerate(line["row"].shelves, 1)
    ]


def _shipped(row: ReturnLine, info: Any) -> Any:
    return returning.fulfillment_line(order_of(row, info), row.fulfillment_line_id)


def _worth(row: ReturnLine, info: Any) -> Bag:
    order = order_of(row, info)
    line = returning.line_of(order, row)
    return totals.line_net(order, line).part(row.quantity, line.quantity)


def _weight(row: ReturnLine, info: Any) -> Any:
    grams = returning.line_of(order_of(row, info), row).grams * row.quantity
    return {"unit": "GRAMS", "value": float(grams)}


# The words people read of a reason: the descriptions of ReturnReason in the official schema.
_REASONS = {
    "COLOR": "Color",
    "DEFECTIVE": "Damaged or defective",
    "NOT_AS_DESCRIBED": "Item not as described",
    "OTHER": "Other",
    "SIZE_TOO_LARGE": "Size was too large",
    "SIZE_TOO_SMALL": "Size was too small",
    "STYLE": "Style",
    "UNKNOWN": "Unknown",
    "UNWANTED": "Customer changed their mind",
    "WRONG_ITEM": "Received the wrong item",
}


def _reason(row: ReturnLine, _: Any) -> dict[str, Any]:
    return {
        "__typename": "ReturnReasonDefinition",
        "id": gid("ReturnReasonDefinition", list(_REASONS).index(row.reason) + 1),
        "handle": row.reason.lower().replace("_", "-"),
        "name": _REASONS[row.reason],
        "deleted": False,
    }


_RETURN_LINE: dict[str, Resolver] = {
    "fulfillmentLineItem": _shipped,
    "returnReason": at("reason"),
    "returnReasonDefinition": _reason,
    "returnReasonNote": at("note"),
    "processedQuantity": at("processed"),
    "processableQuantity": lambda row, _: row.quantity - row.processed,
    "unprocessedQuantity": lambda row, _: row.quantity - row.processed,
    "refundedQuantity": at("refunded"),
    "refundableQuantity": lambda row, _: row.quantity - row.refunded,
    "withCodeDiscountedTotalPriceSet": _worth,
    "totalWeight": _weight,
}

FIELDS: Fields = {
    "Order": {"suggestedRefund": suggested},
    "Refund": _REFUND,
    "RefundLineItem": _REFUND_LINE,
    "RefundShippingLine": {
        "shippingLine": _shipping_line,
        "subtotalAmountSet": at("subtotal"),
        "taxAmountSet": at("tax"),
    },
    "OrderAdjustment": {"amountSet": at("amount"), "taxAmountSet": at("tax")},
    "RefundDuty": {"amountSet": at("amount"), "originalDuty": _duty},
    "Return": {
        "order": order_of,
        "totalQuantity": lambda one, _: sum(row.quantity for row in one.lines),
        "returnLineItems": lambda one, _, **page: listed(one.lines, **page),
        "refunds": _refunds,
        "reverseFulfillmentOrders": _reverse,
    },
    "ReturnLineItem": _RETURN_LINE,
    "ReverseFulfillmentOrder": {
        "order": lambda reverse, info: order_of(reverse["return"], info),
        "lineItems": _reverse_lines,
    },
    "ReverseFulfillmentOrderLineItem": {
        "fulfillmentLineItem": lambda line, info: _shipped(line["row"], info),
        "dispositions": _dispositions,
    },
}
