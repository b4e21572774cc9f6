"""Order in GraphQL: what is read from it and worked out for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from integrations.sandbox.shopify.api import root
from integrations.sandbox.shopify.api.pages import count, listed
from integrations.sandbox.shopify.api.resolving import Fields, Resolver
from integrations.sandbox.shopify.ids import gid
from integrations.sandbox.shopify.money import Bag
from integrations.sandbox.shopify.orders import paying, states, totals
from integrations.sandbox.shopify.orders.models import Order
from integrations.sandbox.shopify.orders.reading import constant, first_of, texts
from integrations.sandbox.shopify.orders.refunding import paid_back, shipping_left, worth
from integrations.sandbox.shopify.orders.totals import Sums

if TYPE_CHECKING:
    from integrations.sandbox.shopify.store import ShopStore

_DAY = 86_400
_RISK_ADVICE = {"HIGH": "CANCEL", "MEDIUM": "INVESTIGATE", "LOW": "ACCEPT", "NONE": "NONE"}
_TERMS = {"NET_30": ("Net 30", "NET", 30)}


def _of(read: Callable[[Order], Any]) -> Resolver:
    return lambda order, _: read(order)


def _sold(name: str) -> Resolver:
    return lambda order, _: getattr(totals.sold(order), name)


def _now(name: str) -> Resolver:
    return lambda order, _: getattr(totals.current(order), name)


def _amount(read: Callable[[Order], Bag]) -> Resolver:
    """A deprecated field in the shop's currency alone."""
    return lambda order, _: read(order).shop.amount


def _duties(read: Callable[[Order], Sums]) -> Resolver:
    """Null where none are due."""
    return lambda order, _: read(order).duties if totals.all_duties(order) else None


def financial(order: Order, info: Any) -> str:
    return states.financial(order, info.context.store.clock.now())


def customer(order: Order, info: Any) -> Any:
    number = order.customer_id
    return None if number is None else info.context.store.orders.customer(number)


def _purchasing(order: Order, info: Any) -> Any:
    if order.company is None:
        return customer(order, info)
    company_id, location_id, contact_id = order.company
    company = info.context.store.orders.companies[company_id]
    return {
        "__typename": "PurchasingCompany",
        "company": company,
        "location": next(one for one in company.locations if one.id == location_id),
        "contact": next(one for one in company.contacts if one.id == contact_id),
    }


def _terms(order: Order, info: Any) -> Any:
    if order.payment_terms is None:
        return None
    name, kind, days = _TERMS[order.payment_terms]
    due_at = order.processed_at + days * _DAY
    is_owed = totals.outstanding(order).shop.amount > 0
    return {
        "id": gid("PaymentTerms", order.id),
        "due": is_owed,
        "dueInDays": days,
        "overdue": is_owed and due_at < info.context.store.clock.now(),
        "paymentTermsName": name,
        "paymentTermsType": kind,
        "translatedName": name,
    }


def _app(order: Order, _: Any) -> Any:
    number, name = order.app
    icon = {
        "id": None,
        "altText": name,
        "height": 64,
        "width": 64,
        "url": f"https://cdn.shopify.example/apps/{number}.png",
    }
    return {"id": gid("App", number), "name": name, "icon": icon}


def risk(order: Order, _: Any) -> Any:
    assessment = {"facts": order.risk_facts, "provider": None, "riskLevel": order.risk}
    return {"assessments": [assessment], "recommendation": _RISK_ADVICE[order.risk]}


def _fulfillments(order: Order, _: Any, *, first: int | None = None) -> Any:
    return first_of(order.fulfillments, first)


def _transactions(
    order: Order,
    _: Any,
    *,
    first: int | None = None,
    capturable: bool | None = None,
    manually_resolvable: bool | None = None,
) -> Any:
    rows = order.transactions
    if capturable:
        held = totals.authorized(order).shop.amount > 0
        rows = [row for row in rows if row.kind == "AUTHORIZATION" and held]
    return [] if manually_resolvable else first_of(rows, first)


def _shipping_lines(order: Order, _: Any, *, include_removals: bool = False, **page: Any) -> Any:
    """Nothing removes a shipping line here, so both are one list."""
    return listed(order.shipping_lines, **page)


def status_page(order: Order, info: Any, **_: Any) -> str:
    return page_url(info.context.store, order)


def page_url(store: ShopStore, order: Order) -> str:
    return (
        f"{store.url}/{store.options.shop_id}/orders/{order.token}/authenticate?key={order.number}"
    )


def _refund_gap(order: Order) -> Bag:
    return totals.added(order, (worth(order, one) - paid_back(order, one) for one in order.refunds))


def _shipping_refunded(order: Order) -> Bag:
    return totals.sold(order).shipping - shipping_left(order)


def _weight(order: Order, *, is_current: bool) -> int:
    return sum(
        line.grams * (totals.current_units(order, line) if is_current else line.quantity)
        for line in order.lines
    )


def _units(order: Order, *, is_current: bool) -> int:
    return sum(
        totals.current_units(order, line) if is_current else line.quantity
        for line in order.lines
        if not line.is_tip
    )


def _codes(order: Order) -> list[str]:
    return [one.title for one in order.discounts if one.kind == "code"]


def _left_over(order: Order) -> list[Any]:
    """Lines that nothing is left to ship of, and never was or will be."""
    return [
        line
        for line in order.lines
        if line.is_tip
        or (not totals.current_units(order, line) and not states.shipped_units(order, line))
    ]


def _is_fulfillable(order: Order) -> bool:
    return order.cancelled_at is None and any(work.remaining for work in states.open_work(order))


def _is_editable(order: Order) -> bool:
    return order.cancelled_at is None


def _same_address(order: Order) -> bool:
    one, other = order.billing, order.shipping
    if one is None or other is None:
        return one is other
    return (one.address1, one.zip, one.city, one.last_name) == (
        other.address1,
        other.zip,
        other.city,
        other.last_name,
    )


def _accepts(order: Order, info: Any) -> bool:
    found = customer(order, info)
    return found is not None and found.accepts_marketing


_STATES: dict[str, Resolver] = {
    "displayFinancialStatus": financial,
    "displayFulfillmentStatus": _of(states.fulfillment),
    "returnStatus": _of(states.returning),
    "closed": _of(lambda order: order.closed_at is not None),
    "confirmed": constant(True),
    "edited": _of(lambda order: order.is_edited),
    "fulfillable": _of(_is_fulfillable),
    "fullyPaid": lambda order, info: financial(order, info) == "PAID",
    "unpaid": _of(lambda order: totals.received(order).shop.amount == 0),
    "refundable": _of(lambda order: totals.net_payment(order).shop.amount > 0),
    "restockable": _of(lambda order: _units(order, is_current=True) > 0),
    "requiresShipping": _of(lambda order: any(line.requires_shipping for line in order.lines)),
    "merchantEditable": _of(_is_editable),
    "merchantEditableErrors": _of(
        lambda order: [] if _is_editable(order) else ["Canceled orders cannot be edited"]
    ),
    "capturable": _of(lambda order: totals.authorized(order).shop.amount > 0),
    "canMarkAsPaid": lambda order, info: (
        order.cancelled_at is None and financial(order, info) in ("PENDING", "AUTHORIZED")
    ),
    "canNotifyCustomer": _of(lambda order: bool(order.email or order.phone)),
    "test": _of(lambda order: order.is_test),
}

_SUMS: dict[str, Resolver] = {
    "totalPriceSet": _sold("total"),
    "subtotalPriceSet": _sold("subtotal"),
    "totalTaxSet": _sold("tax"),
    "totalDiscountsSet": _sold("discounts"),
    "cartDiscountAmountSet": _sold("cart_discounts"),
    "totalShippingPriceSet": _sold("shipping_full"),
    "totalTipReceivedSet": _sold("tips"),
    "originalTotalPriceSet": _of(lambda order: order.original_total),
    "originalTotalDutiesSet": _duties(totals.sold),
    "currentTotalDutiesSet": _duties(totals.current),
    "currentTotalPriceSet": _now("total"),
    "currentSubtotalPriceSet": _now("subtotal"),
    "currentTotalTaxSet": _now("tax"),
    "currentTotalDiscountsSet": _now("discounts"),
    "currentCartDiscountAmountSet": _now("cart_discounts"),
    "currentShippingPriceSet": _now("shipping"),
    "totalReceivedSet": _of(totals.received),
    "totalRefundedSet": _of(totals.refunded),
    "totalRefundedShippingSet": _of(_shipping_refunded),
    "totalOutstandingSet": _of(totals.outstanding),
    "totalCapturableSet": _of(totals.authorized),
    "netPaymentSet": _of(totals.net_payment),
    "refundDiscrepancySet": _of(_refund_gap),
    "totalPrice": _amount(lambda order: totals.sold(order).total),
    "subtotalPrice": _amount(lambda order: totals.sold(order).subtotal),
    "totalTax": _amount(lambda order: totals.sold(order).tax),
    "totalDiscounts": _amount(lambda order: totals.sold(order).discounts),
    "totalShippingPrice": _amount(lambda order: totals.sold(order).shipping_full),
    "totalReceived": _amount(totals.received),
    "totalRefunded": _amount(totals.refunded),
    "netPayment": _amount(totals.net_payment),
    "totalWeight": _of(lambda order: _weight(order, is_current=False)),
    "currentTotalWeight": _of(lambda order: _weight(order, is_current=True)),
    "subtotalLineItemsQuantity": _of(lambda order: _units(order, is_current=False)),
    "currentSubtotalLineItemsQuantity": _of(lambda order: _units(order, is_current=True)),
}

_PARTS: dict[str, Resolver] = {
    "lineItems": lambda order, _, **page: listed(order.lines, **page),
    "nonFulfillableLineItems": lambda order, _, **page: listed(_left_over(order), **page),
    "shippingLine": _of(lambda order: order.shipping_lines[0] if order.shipping_lines else None),
    "shippingLines": _shipping_lines,
    "discountApplications": lambda order, _, **page: listed(order.discounts, **page),
    "discountCodes": _of(_codes),
    "discountCode": _of(lambda order: next(iter(_codes(order)), None)),
    "taxLines": _of(totals.tax_lines),
    "currentTaxLines": _of(lambda order: totals.tax_lines(order, is_current=True)),
    "transactions": _transactions,
    "transactionsCount": _of(lambda order: count(len(order.transactions))),
    "refunds": lambda order, _, first=None: first_of(order.refunds, first),
    "returns": lambda order, _, **page: listed(order.returns, **page),
    "fulfillments": _fulfillments,
    "fulfillmentsCount": _of(lambda order: count(len(order.fulfillments))),
    "paymentGatewayNames": _of(paying.gateways),
}

FIELDS: Fields = {
    "Order": {
        **_STATES,
        **_SUMS,
        **_PARTS,
        **texts("email", "phone"),
        # None of this room's orders have any.
        "additionalFees": constant([]),
        "disputes": constant([]),
        "app": _app,
        "billingAddress": _of(lambda order: order.billing),
        "shippingAddress": _of(lambda order: order.shipping),
        "displayAddress": _of(lambda order: order.shipping or order.billing),
        "billingAddressMatchesShippingAddress": _of(_same_address),
        "cancellation": _of(
            lambda order: {"staffNote": order.cancel_note} if order.cancelled_at else None
        ),
        "clientIp": _of(lambda order: "203.0.113.7" if order.source_name == "web" else None),
        "currencyCode": _of(lambda order: order.currency),
        "presentmentCurrencyCode": _of(lambda order: order.presentment_currency),
        "customer": customer,
        "customerAcceptsMarketing": _accepts,
        "customerLocale": _of(lambda order: order.locale),
        "estimatedTaxes": constant(False),
        "metafield": root.metafield,
        "metafields": root.metafields,
        "paymentTerms": _terms,
        "purchasingEntity": _purchasing,
        "retailLocation": lambda order, info: info.context.store.catalogue.locations.get(
            order.retail_location_id
        ),
        "risk": risk,
        "riskLevel": _of(lambda order: order.risk),
        "statusPageUrl": status_page,
        "taxExempt": constant(False),
    },
}
