"""An order as Orders 2026-01-01 tells it: what ``includedData`` asks for, what its status allows,
and what the app's roles let through.

Sources besides the model: an address in part without the shipping role
(amzn/selling-partner-api-models#5300, its four fields in #937) and for what Amazon ships (#117);
no prices, gifts and promotions while an order is pending, as v0 had it (#5139, which saw prices in
Japan; nobody has confirmed either). That a cancelled order has no proceeds is taken from v0, too.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from integrations.sandbox.amazon.api.params import only
from integrations.sandbox.amazon.clock import iso
from integrations.sandbox.amazon.marketplaces import MARKETPLACES
from integrations.sandbox.amazon.options import SHIPPING_ROLE, TAX_ROLE
from integrations.sandbox.amazon.orders import proceeds
from integrations.sandbox.amazon.orders.models import UNPAID, Item, Order, Package

if TYPE_CHECKING:
    from integrations.sandbox.amazon.store import SellerStore

DATA = (
    "BUYER",
    "RECIPIENT",
    "PROCEEDS",
    "EXPENSE",
    "PROMOTION",
    "CANCELLATION",
    "FULFILLMENT",
    "PACKAGES",
    "TAX",
    "PAYMENT",
    "FULFILLMENT_ORDERS",
)
Told = dict[str, Any]


def order(store: SellerStore, made: Order, included: Collection[str]) -> Told:
    market = MARKETPLACES[made.marketplace]
    is_paid = made.status not in UNPAID
    has_money = (is_paid or store.options.pending_has_money) and made.status != "CANCELLED"
    money = proceeds.Reader(market.currency, store.options.discounts_are_positive)
    told: Told = {
        "orderId": made.id,
        "orderAliases": _aliases(made),
        "createdTime": iso(made.created),
        "lastUpdatedTime": iso(made.updated),
        "programs": made.programs or None,
        "associatedOrders": _associated(made),
        "salesChannel": only(
            {
                "channelName": made.channel,
                "marketplaceId": market.id,
                "marketplaceName": market.name,
            }
        ),
        "orderItems": [
            _item(one, included, money if has_money else None, is_paid=is_paid)
            for one in made.items
        ],
    }
    if "BUYER" in included and is_paid:
        told["buyer"] = _buyer(store, made)
    if "RECIPIENT" in included and is_paid:
        told["recipient"] = {"deliveryAddress": _address(store, made)}
    if "PROCEEDS" in included and has_money:
        told["proceeds"] = money.of_order(made)
    if "PAYMENT" in included and has_money:
        told["payment"] = {
            "paymentExecutions": [
                {"paymentMethod": made.payment_method, "paymentAmount": money.total(made)}
            ]
        }
    if "TAX" in included and made.company and TAX_ROLE in store.state.login.roles:
        told["tax"] = _tax(made)
    if "FULFILLMENT" in included:
        told["fulfillment"] = _fulfillment(made)
    if "PACKAGES" in included and not made.is_amazons:
        told["packages"] = [_package(one) for one in made.packages]
    return only(told)


def _aliases(made: Order) -> list[Told] | None:
    if not made.seller_order_id:
        return None
    return [{"aliasId": made.seller_order_id, "aliasType": "SELLER_ORDER_ID"}]


def _associated(made: Order) -> list[Told] | None:
    if not made.replaces:
        return None
    return [{"orderId": made.replaces, "associationType": "REPLACEMENT_ORIGINAL_ID"}]


def _buyer(store: SellerStore, made: Order) -> Told:
    """The e-mail address is one of Amazon's own, which passes on what is sent there."""
    is_let = SHIPPING_ROLE in store.state.login.roles and not made.is_amazons
    return only(
        {
            "buyerName": made.buyer_name if is_let else None,
            "buyerEmail": made.buyer_email if is_let else None,
            "buyerCompanyName": made.company or None,
            "buyerPurchaseOrderNumber": made.purchase_order or None,
        }
    )


def _address(store: SellerStore, made: Order) -> Told:
    at = made.address
    told = {
        "city": at.city,
        "stateOrRegion": at.state or None,
        "postalCode": at.zip,
        "countryCode": at.country,
    }
    if SHIPPING_ROLE not in store.state.login.roles or made.is_amazons:
        return only(told)
    is_late = made.status == "SHIPPED" and store.clock.now() > made.deliver_by[1]
    return only(
        {
            "name": at.name,
            "companyName": at.company or None,
            "addressLine1": at.line,
            "addressLine2": at.extra or None,
            **told,
            "phone": None if is_late else at.phone or None,
            "addressType": at.kind,
        }
    )


def _tax(made: Order) -> Told:
    return {
        "taxRegistrations": [
            {
                "entityType": "BUYER",
                "legalName": made.company,
                "taxRegistrationType": "VAT",
                "taxRegistrationNumber": f"{made.address.country}{made.id[-7:]}01",
            }
        ]
    }


def _fulfillment(made: Order) -> Told:
    return {
        "fulfillmentStatus": made.status,
        "fulfilledBy": made.fulfilled_by,
        "fulfillmentServiceLevel": made.service_level,
        "shipByWindow": _window(made.ship_by),
        "deliverByWindow": _window(made.deliver_by),
    }


def _window(span: tuple[int, int]) -> Told:
    return {"earliestDateTime": iso(span[0]), "latestDateTime": iso(span[1])}


def _item(
    one: Item, included: Collection[str], money: proceeds.Reader | None, *, is_paid: bool
) -> Told:
    told: Told = {
        "orderItemId": one.id,
        "quantityOrdered": one.quantity,
        "product": {
            "asin": one.asin,
            "title": one.title,
            "sellerSku": one.sku,
            "condition": {"conditionType": "NEW", "conditionSubtype": "NEW"},
        },
    }
    if "PROCEEDS" in included and money:
        told["product"]["price"] = money.price(one)
        told["proceeds"] = money.of_item(one)
    if "EXPENSE" in included and money and one.points:
        told["expense"] = {"pointsCost": {"pointsGranted": money.points(one)}}
    if "PROMOTION" in included and is_paid and one.promotion:
        told["promotion"] = {"breakdowns": [{"promotionId": one.promotion}]}
    if "CANCELLATION" in included and (one.wish or one.cancelled_by):
        told["cancellation"] = _cancellation(one)
    if "FULFILLMENT" in included:
        told["fulfillment"] = _item_fulfillment(one, is_paid=is_paid)
    return told


def _cancellation(one: Item) -> Told:
    told: Told = {}
    if one.wish:
        told["cancellationRequest"] = {"requester": "BUYER", "cancelReason": one.wish}
    if one.cancelled_by:
        told["cancellationExecution"] = {
            "cancelledBy": one.cancelled_by,
            "cancelReason": one.cancel_reason,
        }
    return told


def _item_fulfillment(one: Item, *, is_paid: bool) -> Told:
    """``quantityOrdered`` of what was cancelled stays, nothing of it is unfulfilled (assumed)."""
    told: Told = {"quantityFulfilled": one.shipped, "quantityUnfulfilled": one.open}
    if is_paid and one.gift_level:
        told["packing"] = {
            "giftOption": only(
                {"giftMessage": one.gift_message or None, "giftWrapLevel": one.gift_level}
            )
        }
    return told


def _package(one: Package) -> Told:
    return only(
        {
            "packageReferenceId": one.reference,
            "createdTime": iso(one.created),
            "packageStatus": {"status": one.status},
            "carrier": one.carrier,
            "shipTime": iso(one.ship_time),
            "shippingService": one.service or None,
            "trackingNumber": one.tracking,
            "packageItems": [
                {"orderItemId": name, "quantity": quantity} for name, quantity in one.items.items()
            ],
        }
    )
