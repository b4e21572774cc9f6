"""The body of orders/*, as REST shaped it; ``rest`` says where from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from integrations.sandbox.shopify.ids import gid
from integrations.sandbox.shopify.orders import paying, rest, states, totals, work_bodies
from integrations.sandbox.shopify.orders.drafting import ONLINE
from integrations.sandbox.shopify.orders.models import Discount, LineItem, Order, ShippingLine
from integrations.sandbox.shopify.orders.order_fields import page_url
from integrations.sandbox.shopify.orders.rest import Body, money_set, priced, text
from integrations.sandbox.shopify.orders.totals import Sums

if TYPE_CHECKING:
    from integrations.sandbox.shopify.store import ShopStore

_BUSINESS = "MTU0ODM4MDAwOQ"
_FULFILLED = {"FULFILLED": "fulfilled", "PARTIALLY_FULFILLED": "partial"}
_TYPES = {"code": "discount_code", "automatic": "automatic", "manual": "manual"}


def order_body(store: ShopStore, number: int) -> Body:
    """Raises KeyError for an order that is gone."""
    order = store.orders.existing(number)
    is_web = order.source_name == "web"
    return {
        "id": order.id,
        "admin_graphql_api_id": gid("Order", order.id),
        "app_id": order.app[0],
        "browser_ip": "203.0.113.7" if is_web else None,
        "cancel_reason": order.cancel_reason.lower() if order.cancel_reason else None,
        "cart_token": order.token[::-1] if is_web else None,
        "checkout_token": order.token if is_web else None,
        "client_details": None,
        "confirmation_number": order.confirmation_number,
        "confirmed": True,
        "contact_email": order.email or None,
        "customer_locale": order.locale,
        "device_id": None,
        "duties_included": order.duties_included,
        "email": order.email or None,
        "estimated_taxes": False,
        "landing_site": "/" if is_web else None,
        "landing_site_ref": None,
        "location_id": order.retail_location_id,
        "merchant_business_entity_id": _BUSINESS,
        "merchant_of_record_app_id": None,
        "name": order.name,
        "note": order.note,
        "note_attributes": [
            {"name": row.key, "value": row.value} for row in order.custom_attributes
        ],
        "number": order.number - 1000,
        "order_number": order.number,
        "order_status_url": page_url(store, order),
        "payment_gateway_names": paying.gateways(order),
        "phone": order.phone or None,
        "po_number": order.po_number,
        "reference": order.source_identifier,
        "referring_site": "" if order.app == ONLINE else None,
        "source_identifier": order.source_identifier,
        "source_name": order.source_name,
        "source_url": None,
        "tags": ", ".join(order.tags),
        "tax_exempt": False,
        "tax_lines": rest.tax_lines(totals.tax_lines(order)),
        "taxes_included": order.taxes_included,
        "test": order.is_test,
        "token": order.token,
        "user_id": None,
        "payment_terms": None,
        **_moments(store, order),
        **_states(store, order),
        **_sums(order, totals.sold(order)),
        **_current(order, totals.current(order)),
        **_people(store, order),
        **_parts(store, order),
    }


def _moments(store: ShopStore, order: Order) -> Body:
    local = store.clock.local
    return {
        "cancelled_at": local(order.cancelled_at),
        "closed_at": local(order.closed_at),
        "created_at": local(order.created_at),
        "processed_at": local(order.processed_at),
        "updated_at": local(order.updated_at),
    }


def _states(store: ShopStore, order: Order) -> Body:
    return {
        "financial_status": states.financial(order, store.clock.now()).lower(),
        "fulfillment_status": _FULFILLED.get(states.fulfillment(order)),
    }


def _people(store: ShopStore, order: Order) -> Body:
    known = store.orders.customer(order.customer_id) if order.customer_id else None
    company = None
    if order.company is not None:
        company = {"id": order.company[0], "location_id": order.company[1]}
    return {
        "buyer_accepts_marketing": known is not None and known.accepts_marketing,
        "customer": rest.customer(store, known) if known else None,
        "company": company,
        "billing_address": rest.address(order.billing),
        "shipping_address": rest.address(order.shipping),
    }


def _sums(order: Order, sums: Sums) -> Body:
    nothing = money_set(totals.nothing(order))
    duties = money_set(sums.duties) if totals.all_duties(order) else None
    return {
        "currency": order.currency,
        "presentment_currency": order.presentment_currency,
        **priced("subtotal_price", sums.subtotal),
        **priced("total_discounts", sums.discounts),
        **priced("total_line_items_price", sums.lines),
        **priced("total_price", sums.total),
        **priced("total_tax", sums.tax),
        "total_shipping_price_set": money_set(sums.shipping_full),
        "total_tip_received": text(sums.tips.shop),
        "total_outstanding": text(totals.outstanding(order).shop),
        "total_weight": sum(line.grams * line.quantity for line in order.lines),
        "original_total_additional_fees_set": None,
        "original_total_duties_set": duties,
        "total_cash_rounding_payment_adjustment_set": nothing,
        "total_cash_rounding_refund_adjustment_set": nothing,
    }


def _current(order: Order, sums: Sums) -> Body:
    return {
        "current_shipping_price_set": money_set(sums.shipping),
        **priced("current_subtotal_price", sums.subtotal),
        **priced("current_total_discounts", sums.discounts),
        **priced("current_total_price", sums.total),
        **priced("current_total_tax", sums.tax),
        "current_total_additional_fees_set": None,
        "current_total_duties_set": (money_set(sums.duties) if totals.all_duties(order) else None),
    }


def _parts(store: ShopStore, order: Order) -> Body:
    groups = {line.group.id: line.group for line in order.lines if line.group}
    return {
        "discount_applications": [_application(order, one) for one in order.discounts],
        "discount_codes": [
            {
                "code": one.title,
                "amount": text(_given(order, one)),
                "type": "percentage" if one.percentage is not None else "fixed_amount",
            }
            for one in order.discounts
            if one.kind == "code"
        ],
        "fulfillments": [work_bodies.parcel(store, order, one) for one in order.fulfillments],
        "line_items": [_line(store, order, line) for line in order.lines],
        "refunds": [work_bodies.refund(store, order, one) for one in order.refunds],
        "returns": [
            {"id": one.id, "admin_graphql_api_id": gid("Return", one.id)} for one in order.returns
        ],
        "shipping_lines": [_shipping(order, line) for line in order.shipping_lines],
        "line_item_groups": [
            {
                "id": group.id,
                "title": group.title,
                "quantity": group.quantity,
                "product_id": group.product_id,
                "variant_id": group.variant_id,
                "variant_sku": group.variant_sku,
                "properties": [],
            }
            for group in groups.values()
        ],
    }


def _line(store: ShopStore, order: Order, line: LineItem) -> Body:
    """As an order carries it, which is a little more than what parcels and refunds do."""
    return work_bodies.line(store, order, line) | {
        "attributed_staffs": [],
        "current_quantity": totals.current_units(order, line),
        "sales_line_item_group_id": line.group.id if line.group else None,
    }


def _given(order: Order, discount: Discount) -> rest.Money:
    lines: list[LineItem | ShippingLine] = [*order.lines, *order.shipping_lines]
    shares = [
        share.amount
        for line in lines
        for share in line.allocations
        if share.index == discount.index
    ]
    return totals.added(order, shares).shop


def _application(order: Order, one: Discount) -> Body:
    is_share = one.percentage is not None
    name = {"code": "code", "automatic": "title", "manual": "title"}[one.kind]
    return {
        "target_type": one.target_type.lower(),
        "type": _TYPES[one.kind],
        "value": f"{one.percentage}.0" if is_share else text(one.amount or _given(order, one)),
        "value_type": "percentage" if is_share else "fixed_amount",
        "allocation_method": one.allocation_method.lower(),
        "target_selection": one.target_selection.lower(),
        name: one.title,
    }


def _shipping(order: Order, line: ShippingLine) -> Body:
    net = totals.shipping_net(order, line)
    return {
        "id": line.id,
        "carrier_identifier": line.carrier_identifier,
        "code": line.code,
        "current_discounted_price_set": money_set(totals.current(order).shipping),
        **priced("discounted_price", net),
        "is_removed": False,
        "phone": None,
        **priced("price", line.price),
        "requested_fulfillment_service_id": None,
        "source": line.source,
        "title": line.title,
        "tax_lines": rest.tax_lines(line.tax_lines),
        "discount_allocations": rest.allocations(line.allocations),
    }
