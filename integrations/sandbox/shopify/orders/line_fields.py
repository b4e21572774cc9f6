"""Lines, discounts, taxes, addresses and payments of an order in GraphQL."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from integrations.sandbox.shopify.api.resolving import Fields, Resolver
from integrations.sandbox.shopify.money import Bag
from integrations.sandbox.shopify.orders import paying, states, totals
from integrations.sandbox.shopify.orders.models import (
    Address,
    Allocation,
    Discount,
    LineItem,
    Order,
    ShippingLine,
    Transaction,
)
from integrations.sandbox.shopify.orders.reading import at, constant, first_of, order_of, texts


def _with_order(read: Callable[[Order, Any], Any]) -> Resolver:
    return lambda part, info: read(order_of(part, info), part)


# --- lines ----------------------------------------------------------------------------------------


def _variant(line: LineItem, info: Any) -> Any:
    """None once it is deleted."""
    return info.context.store.catalogue.variants.get(line.variant_id)


def _product(line: LineItem, info: Any) -> Any:
    return info.context.store.catalogue.products.get(line.product_id)


def _net_of_lines(order: Order, line: LineItem, *, with_codes: bool = False) -> Bag:
    """After discounts on the line itself; code ones only if asked for."""
    given = (
        share.amount
        for share in line.allocations
        if not order.discounts[share.index].is_of_order
        and (with_codes or order.discounts[share.index].kind != "code")
    )
    return totals.line_full(line) - totals.added(order, given)


def _discounted(line: LineItem, info: Any, *, with_code_discounts: bool = False) -> Bag:
    return _net_of_lines(order_of(line, info), line, with_codes=with_code_discounts)


def _before_taxes(order: Order, line: LineItem) -> Bag:
    net = totals.line_net(order, line)
    if order.taxes_included:
        net = net - totals.line_tax(order, line)
    return net.part(totals.current_units(order, line), line.quantity)


def _status(order: Order, line: LineItem) -> str:
    return states.line_fulfillment(order, line) or "unfulfilled"


def _never(order: Order, line: LineItem) -> int:
    if line.is_tip:
        return line.quantity
    shipped, open_units = states.shipped_units(order, line), states.unfulfilled_units(order, line)
    return max(0, line.quantity - shipped - open_units)


def _unfulfilled(read: Callable[[Order, LineItem], Bag]) -> Resolver:
    return _with_order(
        lambda order, line: read(order, line).part(
            states.unfulfilled_units(order, line), line.quantity
        )
    )


_LINE: dict[str, Resolver] = {
    **texts("variantTitle", "sku", "vendor"),
    "currentQuantity": _with_order(totals.current_units),
    "refundableQuantity": _with_order(totals.current_units),
    "unfulfilledQuantity": _with_order(states.unfulfilled_units),
    "fulfillableQuantity": _with_order(states.unfulfilled_units),
    "nonFulfillableQuantity": _with_order(_never),
    "fulfillmentStatus": _with_order(_status),
    "restockable": _with_order(
        lambda order, line: line.item_id is not None and totals.current_units(order, line) > 0
    ),
    "merchantEditable": _with_order(lambda order, line: order.cancelled_at is None),
    "product": _product,
    "variant": _variant,
    "image": constant(None),
    "customAttributes": at("properties"),
    "lineItemGroup": at("group"),
    "weight": lambda line, _: {"unit": "GRAMS", "value": float(line.grams)},
    "originalUnitPriceSet": at("price"),
    "originalTotalSet": lambda line, _: totals.line_full(line),
    "originalUnitPrice": at("price", "shop", "amount"),
    "originalTotal": lambda line, _: totals.line_full(line).shop.amount,
    "discountedTotal": _with_order(lambda order, line: _net_of_lines(order, line).shop.amount),
    "discountedTotalSet": _discounted,
    "discountedUnitPriceSet": _with_order(
        lambda order, line: _net_of_lines(order, line).part(1, line.quantity)
    ),
    "discountedUnitPriceAfterAllDiscountsSet": _with_order(
        lambda order, line: totals.line_net(order, line).part(1, line.quantity)
    ),
    "totalDiscountSet": _with_order(
        lambda order, line: totals.line_discount(order, line, of_order=False)
    ),
    "priceAfterAllDiscountsBeforeTaxesSet": _with_order(_before_taxes),
    "unfulfilledOriginalTotalSet": _unfulfilled(lambda _, line: totals.line_full(line)),
    "unfulfilledDiscountedTotalSet": _unfulfilled(_net_of_lines),
    "discountAllocations": _with_order(lambda order, line: _allocations(order, line)),
    "taxLines": lambda line, _, first=None: first_of(line.tax_lines, first),
}


def _allocations(order: Order, line: LineItem | ShippingLine) -> list[dict[str, Any]]:
    def shown(share: Allocation) -> dict[str, Any]:
        return {
            "allocatedAmountSet": share.amount,
            "discountApplication": order.discounts[share.index],
        }

    return [shown(share) for share in line.allocations]


# --- discounts and taxes --------------------------------------------------------------------------


def _value(discount: Discount, _: Any) -> Any:
    if discount.percentage is not None:
        percentage = float(discount.percentage)
        return {"__typename": "PricingPercentageValue", "percentage": percentage}
    return discount.amount


_TAX: dict[str, Resolver] = {
    "rate": lambda row, _: float(row.rate),
    "ratePercentage": lambda row, _: float(row.rate * 100),
    "priceSet": at("price"),
    "price": at("price", "shop", "amount"),
    "source": constant("Shopify"),
    "channelLiable": constant(False),
}

_SHIPPING: dict[str, Resolver] = {
    "custom": constant(False),
    "isRemoved": constant(False),
    "phone": constant(None),
    "deliveryCategory": constant(None),
    "shippingRateHandle": constant(None),
    "price": at("price", "shop", "amount"),
    "originalPriceSet": at("price"),
    "discountedPriceSet": _with_order(totals.shipping_net),
    "currentDiscountedPriceSet": _with_order(
        lambda order, line: (
            totals.shipping_net(order, line)
            - totals.added(
                order,
                (
                    row.subtotal
                    for refund in order.refunds
                    for row in refund.shipping
                    if row.shipping_line_id == line.id
                ),
            )
        )
    ),
    "discountAllocations": _with_order(_allocations),
}


# --- addresses ------------------------------------------------------------------------------------


def name(address: Address) -> str:
    return f"{address.first_name} {address.last_name}".strip()


def _formatted(
    address: Address, _: Any, *, with_name: bool = False, with_company: bool = True
) -> list[str]:
    rows = [
        name(address) if with_name else "",
        address.company if with_company else "",
        address.address1,
        address.address2,
        f"{address.zip} {address.city}".strip(),
        address.country,
    ]
    return [row for row in rows if row]


_ADDRESS: dict[str, Resolver] = {
    **texts(
        "firstName", "lastName", "company", "address1", "address2", "city", "province",
        "provinceCode", "zip", "country", "countryCode", "phone",
    ),
    "name": lambda address, _: name(address) or None,
    "countryCodeV2": lambda address, _: address.country_code or None,
    "coordinatesValidated": lambda address, _: address.latitude is not None,
    "formatted": _formatted,
    "formattedArea": lambda address, _: f"{address.city}, {address.country}".strip(", ") or None,
    "timeZone": constant(None),
}  # fmt: skip


# --- payments -------------------------------------------------------------------------------------


def _parent(row: Transaction, info: Any) -> Any:
    if row.parent_id is None:
        return None
    return order_of(row, info).transaction(row.parent_id)


def _most(row: Transaction, info: Any) -> Any:
    if row.kind not in ("SALE", "CAPTURE") or row.status != "SUCCESS":
        return None
    return paying.refundable(order_of(row, info), row).presentment


def _unsettled(row: Transaction, info: Any) -> Bag:
    order = order_of(row, info)
    return totals.authorized(order) if row.kind == "AUTHORIZATION" else totals.nothing(order)


def _card(row: Transaction, _: Any) -> Any:
    if row.card is None:
        return None
    number = _masked(row)
    return {"__typename": "CardPaymentDetails", "company": row.card.company, "number": number}


def _masked(row: Transaction) -> str | None:
    return f"•••• •••• •••• {row.card.last4}" if row.card else None


def _receipt(row: Transaction, _: Any) -> Any:
    return {"id": row.authorization} if row.authorization else {}


_TRANSACTION: dict[str, Resolver] = {
    "amountRoundingSet": constant(None),
    "amountSet": at("amount"),
    "amount": at("amount", "shop", "amount"),
    "amountV2": at("amount", "shop"),
    "formattedGateway": lambda row, _: row.gateway.replace("_", " ").capitalize(),
    "processedAt": at("created_at"),
    "parentTransaction": _parent,
    "test": at("is_test"),
    "manualPaymentGateway": at("is_manual"),
    "manuallyCapturable": lambda row, info: _unsettled(row, info).shop.amount > 0,
    "multiCapturable": constant(False),
    "authorizationCode": at("authorization"),
    "authorizationExpiresAt": at("expires_at"),
    "accountNumber": lambda row, _: _masked(row),
    "paymentId": _with_order(lambda order, row: payment_id(order, row)),
    "order": order_of,
    "location": lambda row, info: info.context.store.catalogue.locations.get(row.location_id),
    "receiptJson": _receipt,
    "maximumRefundableV2": _most,
    "totalUnsettledSet": _unsettled,
    "settlementCurrency": lambda row, _: row.amount.shop.currency,
    "settlementCurrencyRate": _with_order(lambda order, _: Decimal(1) / order.rate),
    "paymentDetails": _card,
}


def payment_id(order: Order, row: Transaction) -> str:
    return f"{order.name}.{order.transactions.index(row) + 1}"


_DISCOUNT: dict[str, Resolver] = {"value": _value}

FIELDS: Fields = {
    "LineItem": _LINE,
    "TaxLine": _TAX,
    "ShippingLine": _SHIPPING,
    "MailingAddress": _ADDRESS,
    "OrderTransaction": _TRANSACTION,
    "DiscountCodeApplication": {**_DISCOUNT, "code": at("title")},
    "AutomaticDiscountApplication": _DISCOUNT,
    "ManualDiscountApplication": {**_DISCOUNT, "description": at("title")},
}
