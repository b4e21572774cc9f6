"""The bodies of fulfillments/*, refunds/create, order_transactions/create, returns/* and
fulfillment_orders/*, as REST shaped them; ``rest`` says where from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from integrations.sandbox.shopify.ids import gid
from integrations.sandbox.shopify.orders import parts, rest, states, totals
from integrations.sandbox.shopify.orders.fulfillment_models import Fulfillment
from integrations.sandbox.shopify.orders.line_fields import payment_id
from integrations.sandbox.shopify.orders.models import LineItem, Order, Transaction
from integrations.sandbox.shopify.orders.refund_models import Refund, RefundLine, ReturnLine
from integrations.sandbox.shopify.orders.rest import Body, money_set, number, priced, text

if TYPE_CHECKING:
    from integrations.sandbox.shopify.store import ShopStore

# Displayed status → the carrier's word in REST; others have none.
_SHIPMENT = {
    "IN_TRANSIT": "in_transit",
    "OUT_FOR_DELIVERY": "out_for_delivery",
    "DELIVERED": "delivered",
    "ATTEMPTED_DELIVERY": "attempted_delivery",
    "FAILURE": "failure",
}


def _found(store: ShopStore, kind: str, number: int) -> tuple[Order, Any]:
    """Raises KeyError."""
    part = parts.find(store, kind, number)
    if part is None:
        raise KeyError(number)
    return store.orders.existing(part.order_id), part


# --- lines ----------------------------------------------------------------------------------------


def line(store: ShopStore, order: Order, one: LineItem) -> Body:
    catalogue = store.catalogue
    item = catalogue.items.get(one.item_id) if one.item_id else None
    exists = one.product_id in catalogue.products
    return {
        "id": one.id,
        "admin_graphql_api_id": gid("LineItem", one.id),
        "fulfillable_quantity": states.unfulfilled_units(order, one),
        "fulfillment_service": "manual",
        "fulfillment_status": states.line_fulfillment(order, one),
        "gift_card": one.is_gift_card,
        "grams": one.grams,
        "name": one.name,
        **priced("price", one.price),
        "product_exists": exists,
        "product_id": one.product_id if exists else None,
        "properties": [{"name": row.key, "value": row.value} for row in one.properties],
        "quantity": one.quantity,
        "requires_shipping": one.requires_shipping,
        "sku": one.sku or None,
        "taxable": one.taxable,
        "title": one.title,
        **priced("total_discount", totals.line_discount(order, one, of_order=False)),
        "variant_id": one.variant_id if one.variant_id in catalogue.variants else None,
        "variant_inventory_management": "shopify" if item and item.tracked else None,
        "variant_title": one.variant_title or None,
        "vendor": one.vendor or None,
        "tax_lines": rest.tax_lines(one.tax_lines),
        "duties": [rest.duty(duty) for duty in one.duties],
        "discount_allocations": rest.allocations(one.allocations),
    }


# --- fulfilments ----------------------------------------------------------------------------------


def fulfillment_body(store: ShopStore, number: int) -> Body:
    order, one = _found(store, "Fulfillment", number)
    return parcel(store, order, one) | {
        "email": order.email or None,
        "destination": rest.address(order.shipping),
    }


def parcel(store: ShopStore, order: Order, one: Fulfillment) -> Body:
    """As an order carries it. ``line_items`` have the quantity of this parcel."""
    numbers = [row.number for row in one.tracking if row.number]
    urls = [row.url for row in one.tracking if row.url]
    company = next((row.company for row in one.tracking if row.company), None)
    return {
        "id": one.id,
        "admin_graphql_api_id": gid("Fulfillment", one.id),
        "created_at": store.clock.local(one.created_at),
        "location_id": one.location_id,
        "name": f"{order.name}.{one.place}",
        "order_id": order.id,
        "origin_address": {},
        "receipt": {},
        "service": "manual",
        "shipment_status": _SHIPMENT.get(one.shipment),
        "status": one.status.lower(),
        "tracking_company": company,
        "tracking_number": numbers[0] if numbers else None,
        "tracking_numbers": numbers,
        "tracking_url": urls[0] if urls else None,
        "tracking_urls": urls,
        "updated_at": store.clock.local(one.updated_at),
        "line_items": [
            line(store, order, order.line(row.line_item_id)) | {"quantity": row.quantity}
            for row in one.lines
        ],
    }


# --- refunds and payments -------------------------------------------------------------------------


def refund_body(store: ShopStore, number: int) -> Body:
    order, one = _found(store, "Refund", number)
    return refund(store, order, one)


def refund(store: ShopStore, order: Order, one: Refund) -> Body:
    duties = totals.added(order, (row.amount for row in one.duties))
    known = next((row for row in order.returns if row.id == one.return_id), None)
    moment = store.clock.local(one.created_at)
    return {
        "id": one.id,
        "admin_graphql_api_id": gid("Refund", one.id),
        "created_at": moment,
        "note": one.note,
        "order_id": order.id,
        "processed_at": moment,
        "restock": any(row.is_restocked for row in one.lines),
        "total_duties_set": money_set(duties),
        "user_id": None,
        "duties": [
            {"duty_id": row.duty_id, "amount_set": money_set(row.amount)} for row in one.duties
        ],
        "return": (
            {"id": known.id, "admin_graphql_api_id": gid("Return", known.id)} if known else None
        ),
        "refund_shipping_lines": [
            {
                "id": row.id,
                "shipping_line_id": row.shipping_line_id,
                "subtotal_amount_set": money_set(row.subtotal),
                "tax_amount_set": money_set(row.tax),
            }
            for row in one.shipping
        ],
        "order_adjustments": [
            {
                "id": row.id,
                **priced("amount", row.amount),
                "kind": "refund_discrepancy",
                "order_id": order.id,
                "reason": "Refund discrepancy",
                "refund_id": one.id,
                **priced("tax_amount", row.tax),
            }
            for row in one.adjustments
        ],
        "refund_line_items": [_refund_line(store, order, row) for row in one.lines],
        "transactions": [
            transaction(store, order, order.transaction(number)) for number in one.transaction_ids
        ],
    }


def _refund_line(store: ShopStore, order: Order, row: RefundLine) -> Body:
    return {
        "id": row.id,
        "line_item_id": row.line_item_id,
        "location_id": row.location_id,
        "quantity": row.quantity,
        "restock_type": row.restock_type.lower(),
        "subtotal": number(row.subtotal.shop),
        "subtotal_set": money_set(row.subtotal),
        "total_tax": number(row.tax.shop),
        "total_tax_set": money_set(row.tax),
        "line_item": line(store, order, order.line(row.line_item_id)),
    }


def transaction_body(store: ShopStore, number: int) -> Body:
    """A card's details are told here and not in refunds."""
    order, one = _found(store, "OrderTransaction", number)
    body = transaction(store, order, one)
    if one.card is not None:
        body["payment_details"] = {
            "credit_card_bin": None,
            "avs_result_code": None,
            "cvv_result_code": None,
            "credit_card_number": f"•••• •••• •••• {one.card.last4}",
            "credit_card_company": one.card.company,
            "buyer_action_info": None,
            "credit_card_name": None,
            "credit_card_wallet": None,
            "credit_card_expiration_month": None,
            "credit_card_expiration_year": None,
            "payment_method_name": one.card.company.lower(),
        }
    return body


def transaction(store: ShopStore, order: Order, one: Transaction) -> Body:
    unsettled = totals.authorized(order) if one.kind == "AUTHORIZATION" else totals.nothing(order)
    return {
        "id": one.id,
        "admin_graphql_api_id": gid("OrderTransaction", one.id),
        "order_id": order.id,
        "kind": one.kind.lower(),
        "gateway": one.gateway,
        "status": one.status.lower(),
        "message": None,
        "created_at": store.clock.local(one.created_at),
        "test": one.is_test,
        "authorization": one.authorization,
        "location_id": one.location_id,
        "user_id": None,
        "parent_id": one.parent_id,
        "processed_at": store.clock.local(one.created_at),
        "device_id": None,
        "error_code": one.error_code.lower() if one.error_code else None,
        "source_name": order.source_name,
        "receipt": {},
        "amount": text(one.amount.presentment),
        "currency": one.amount.presentment.currency,
        "payment_id": payment_id(order, one),
        "total_unsettled_set": {
            "presentment_money": _plain(unsettled.presentment),
            "shop_money": _plain(unsettled.shop),
        },
        "manual_payment_gateway": one.is_manual,
        "amount_rounding": None,
    }


def _plain(amount: rest.Money) -> Body:
    return {"amount": text(amount), "currency": amount.currency}


# --- returns and work -----------------------------------------------------------------------------


def return_body(store: ShopStore, number: int) -> Body:
    """returns/request and returns/approve."""
    order, one = _found(store, "Return", number)
    return {
        "id": one.id,
        "admin_graphql_api_id": gid("Return", one.id),
        "status": one.status.lower(),
        "order": {"id": order.id, "admin_graphql_api_id": gid("Order", order.id)},
        "total_return_line_items": sum(row.quantity for row in one.lines),
        "name": one.name,
        "return_line_items": [_return_line(row) for row in one.lines],
        "return_shipping_fees": [],
        "exchange_line_items": [],
        "total_exchange_line_items": 0,
    }


def _return_line(row: ReturnLine) -> Body:
    return {
        "id": row.id,
        "admin_graphql_api_id": gid("ReturnLineItem", row.id),
        "fulfillment_line_item_id": row.fulfillment_line_id,
        "quantity": row.quantity,
        "return_reason": row.reason.lower(),
        "return_reason_note": row.note,
        "customer_note": row.customer_note,
    }


def return_end(store: ShopStore, number: int) -> Body:
    """returns/close and returns/cancel."""
    order, one = _found(store, "Return", number)
    return {
        "id": one.id,
        "admin_graphql_api_id": gid("Return", one.id),
        "order_id": order.id,
        "status": one.status.lower(),
    }


def work_body(store: ShopStore, number: int) -> Body:
    """fulfillment_orders/order_routing_complete, hold_released, scheduled_…_ready."""
    _, one = _found(store, "FulfillmentOrder", number)
    return {
        "fulfillment_order": {
            "id": gid("FulfillmentOrder", one.id),
            "status": one.status.lower(),
        }
    }
