"""Which scope a field needs, and which fields are protected customer data.

Source: the access notes of the official schema of 2026-07 (``requiredAccess``, ``isProtected``);
the tests hold these tables to them. Any one of a row's scopes opens it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from integrations.sandbox.shopify.api.errors import access_denied
from integrations.sandbox.shopify.api.resolving import Resolver

if TYPE_CHECKING:
    from integrations.sandbox.shopify.access.models import Grant

Scopes = tuple[str, ...]

_FULFILLMENT_ORDERS = (
    "read_assigned_fulfillment_orders",
    "read_merchant_managed_fulfillment_orders",
    "read_third_party_fulfillment_orders",
)
_ORDERS = ("read_orders", "read_marketplace_orders")
_RETURNS = ("read_returns", "read_marketplace_returns")
_WRITE_FULFILLMENT_ORDERS = (
    "write_merchant_managed_fulfillment_orders",
    "write_third_party_fulfillment_orders",
)

_TYPES_OF: dict[Scopes, str] = {
    ("read_customers",): "Customer CustomerEmailAddress CustomerPhoneNumber",
    ("read_customers", "read_companies"): "Company CompanyContact CompanyLocation",
    ("read_inventory",): "InventoryAdjustmentGroup InventoryChange InventoryLevel"
    " InventoryQuantity",
    ("read_inventory", "read_products"): "InventoryItem InventoryItemMeasurement",
    ("read_locations", "read_inventory"): "Location",
    ("read_orders",): "BasePaymentDetails CardPaymentDetails Duty LineItemGroup OrderApp"
    " AdditionalFee OrderCancellation OrderDisputeSummary OrderRiskAssessment OrderRiskSummary"
    " RiskFact",
    ("read_orders", "read_marketplace_orders", "read_quick_sale"): "Order",
    _ORDERS: "FulfillmentLineItem LineItem OrderAdjustment OrderCancelUserError OrderTransaction"
    " Refund RefundDuty RefundLineItem RefundShippingLine ShippingRefund"
    " SuggestedOrderTransaction SuggestedRefund",
    (*_ORDERS, *_FULFILLMENT_ORDERS): "Fulfillment FulfillmentTrackingInfo",
    ("read_orders", *_FULFILLMENT_ORDERS): "DeliveryMethod",
    _FULFILLMENT_ORDERS: "FulfillmentHold FulfillmentOrder FulfillmentOrderAssignedLocation"
    " FulfillmentOrderDestination FulfillmentOrderLineItem FulfillmentOrderLocationForMove"
    " FulfillmentOrderSupportedAction",
    ("read_payment_terms",): "PaymentTerms",
    ("read_products",): "Product ProductBundleComponent ProductOption ProductPriceRangeV2"
    " ProductVariant ProductVariantComponent",
    ("read_products", "read_files", "read_images"): "MediaPreviewImage",
    ("read_products", "read_files", "read_orders"): "Media MediaImage",
    _RETURNS: "Return ReturnLineItem ReturnLineItemType ReverseFulfillmentOrder"
    " ReverseFulfillmentOrderDisposition ReverseFulfillmentOrderLineItem",
    ("read_returns",): "ReturnReasonDefinition",
    ("read_shopify_payments", "read_shopify_payments_accounts"): "ShopifyPaymentsAccount"
    " ShopifyPaymentsPayoutSchedule",
}
_FIELDS_OF: dict[Scopes, str] = {
    ("read_apps",): "FulfillmentHold.heldByApp",
    ("read_customers",): "QueryRoot.customersCount",
    ("read_inventory",): "InventoryItem.duplicateSkuCount InventoryItem.inventoryLevel"
    " InventoryItem.inventoryLevels InventoryItem.locationsCount",
    ("read_locations",): "Location.activatable Location.address Location.addressVerified"
    " Location.createdAt Location.deactivatable Location.deactivatedAt Location.deletable"
    " Location.fulfillmentService Location.fulfillsOnlineOrders Location.hasActiveInventory"
    " Location.hasUnfulfilledOrders Location.inventoryLevel Location.inventoryLevels"
    " Location.isActive Location.isFulfillmentService Location.isPrimary Location.name"
    " Location.shipsInventory Location.updatedAt",
    ("read_products",): "QueryRoot.productVariantsCount QueryRoot.productsCount",
    _ORDERS: "QueryRoot.orderByIdentifier QueryRoot.ordersCount QueryRoot.refund",
    _RETURNS: "QueryRoot.return",
    ("write_inventory",): "Mutation.inventoryActivate Mutation.inventoryAdjustQuantities"
    " Mutation.inventoryDeactivate Mutation.inventorySetQuantities",
    ("write_orders",): "Mutation.orderClose Mutation.orderMarkAsPaid Mutation.orderOpen"
    " Mutation.refundCreate",
    ("write_orders", "write_marketplace_orders"): "Mutation.orderCancel Mutation.orderUpdate",
    ("write_returns", "write_marketplace_returns"): "Mutation.returnCancel Mutation.returnClose"
    " Mutation.returnCreate Mutation.returnProcess",
    _WRITE_FULFILLMENT_ORDERS: "Mutation.fulfillmentOrderHold Mutation.fulfillmentOrderMove"
    " Mutation.fulfillmentOrderReleaseHold",
    ("write_assigned_fulfillment_orders", *_WRITE_FULFILLMENT_ORDERS): "Mutation.fulfillmentCreate"
    " Mutation.fulfillmentTrackingInfoUpdate Mutation.fulfillmentCancel",
}

TYPES: dict[str, Scopes] = {
    name: scopes for scopes, names in _TYPES_OF.items() for name in names.split()
}
"""Reading any field that returns such a thing, or a connection of them."""

FIELDS: dict[str, Scopes] = {
    name: scopes for scopes, names in _FIELDS_OF.items() for name in names.split()
}
"""Type.field, where it is not the type alone that asks for it. The notes have nothing on
fulfillmentCancel; what is undone is assumed to need what did it.
"""

OWNERS: dict[str, str] = {
    "Customer": "write_customers",
    "Order": "write_orders",
    "Product": "write_products",
    "ProductVariant": "write_products",
}
"""What writing metafields and tags of a thing needs: as much as changing the thing itself."""

PROTECTED = frozenset(
    [
        "Customer.displayName",
        "Customer.email",
        "Customer.firstName",
        "Customer.lastName",
        "Customer.phone",
        "CustomerEmailAddress.emailAddress",
        "CustomerPhoneNumber.phoneNumber",
        "FulfillmentOrderDestination.address1",
        "FulfillmentOrderDestination.address2",
        "FulfillmentOrderDestination.city",
        "FulfillmentOrderDestination.email",
        "FulfillmentOrderDestination.firstName",
        "FulfillmentOrderDestination.lastName",
        "FulfillmentOrderDestination.phone",
        "FulfillmentOrderDestination.zip",
        "MailingAddress.address1",
        "MailingAddress.address2",
        "MailingAddress.firstName",
        "MailingAddress.formatted",
        "MailingAddress.lastName",
        "MailingAddress.latitude",
        "MailingAddress.longitude",
        "MailingAddress.name",
        "MailingAddress.phone",
        "MailingAddress.zip",
        "Order.email",
        "Order.phone",
        "Order.statusPageUrl",
        "ShippingLine.phone",
    ]
)
"""Type.field that is null for an app without approval for protected customer data."""


def may_write(grant: Grant, kind: str) -> bool:
    """Metafields and tags of a thing of this type."""
    return kind in OWNERS and grant.allows(OWNERS[kind])


def guarded(
    owner: str,
    name: str,
    returned: str,
    resolve: Resolver,
    *,
    is_required: bool,
    is_list: bool,
) -> Resolver:
    """``resolve`` for those who may: a field without its scope is refused at its place, a protected
    one is null (or empty where it cannot be null).
    """
    where = f"{owner}.{name}"
    needed = FIELDS.get(where) or TYPES.get(returned.removesuffix("Connection"))
    if where in PROTECTED:
        empty: Any = [] if is_list else ""
        resolve = _protected(resolve, empty if is_required else None)
    return _scoped(name, needed, resolve) if needed else resolve


def _scoped(name: str, needed: Scopes, resolve: Resolver) -> Resolver:
    required = " or ".join(f"`{scope}` access scope" for scope in needed) + "."

    def run(thing: Any, info: Any, **args: Any) -> Any:
        if not any(info.context.grant.allows(scope) for scope in needed):
            raise access_denied(name, required)
        return resolve(thing, info, **args)

    return run


def _protected(resolve: Resolver, instead: Any) -> Resolver:
    def run(thing: Any, info: Any, **args: Any) -> Any:
        if not info.context.store.options.sees_customers:
            return instead
        return resolve(thing, info, **args)

    return run
