"""``confirmShipment``, which still lives under v0: one package a call, 204 and no body.

Sources: the model; amzn/selling-partner-api-models#5094 (the reference is a string), #5232 (an
unknown carrier is dropped without a word), #5037 (what is all shipped has no package to update),
jlevers/selling-partner-api#489 and #528 (the words about references and items). What is said about
orders in other states, marketplaces, dates and quantities is assumed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from integrations.sandbox.amazon.api import params
from integrations.sandbox.amazon.api.call import Call
from integrations.sandbox.amazon.clock import DAY, parsed
from integrations.sandbox.amazon.orders import life
from integrations.sandbox.amazon.orders.models import UNPAID, Order, Package
from integrations.sandbox.amazon.wire import Answer, Refused, invalid, nothing

if TYPE_CHECKING:
    from integrations.sandbox.amazon.store import SellerStore

CARRIERS = frozenset(
    {
        "AMZL", "AMZL_UK", "Australia Post", "BPOST", "Canada Post", "Chronopost", "Colissimo",
        "Correos", "DHL", "DHL eCommerce", "DHL Express", "DPD", "Deutsche Post", "FedEx", "GLS",
        "Hermes", "InPost", "JP_EXPRESS", "La Poste", "Mondial Relay", "OnTrac", "Other",
        "Poste Italiane", "PostNL", "PostNord", "Royal Mail", "SAGAWA", "Seur", "Swiss post",
        "TNT", "UPS", "USPS", "YAMATO", "Yodel",
    }
)  # fmt: skip
"""A part of ``CarrierCode`` in amzn-base.xsd, to the letter: another is a carrier nobody knows."""


class ConfirmedItem(Struct, rename="camel"):
    order_item_id: str
    quantity: int
    transparency_codes: list[str] = []


class PackageDetail(Struct, rename="camel"):
    package_reference_id: str
    carrier_code: str
    tracking_number: str
    ship_date: str
    order_items: list[ConfirmedItem]
    carrier_name: str = ""
    shipping_method: str = ""
    ship_from_supply_source_id: str = ""


class ConfirmShipment(Struct, rename="camel"):
    marketplace_id: str
    package_detail: PackageDetail
    cod_collection_method: str = ""


def confirm(call: Call) -> Answer:
    sent = params.body(call.request, ConfirmShipment)
    detail = sent.package_detail
    ship_time = _check_detail(detail)
    order = call.store.state.orders.get(call.words["orderId"])
    if order is None:
        raise Refused(404, "NotFound", "The requested order was not found.")
    if sent.marketplace_id != order.marketplace:
        raise invalid("MarketplaceId is not the one of the order.")
    if sent.cod_collection_method not in ("", "DirectPayment"):
        raise invalid()
    is_lost = call.store.strikes("confirmation_lost", f"confirmShipment {order.id}")
    register(call.store, order, detail, ship_time, is_lost=bool(is_lost))
    return nothing()


def register(
    store: SellerStore, order: Order, detail: PackageDetail, ship_time: float, *, is_lost: bool
) -> None:
    """The package is one of the order's from now on. A carrier that nobody knows is checked like
    any and then forgotten. Raises Refused.
    """
    now = store.clock.exact()
    _check_order(order)
    if not order.created - DAY <= ship_time <= now + DAY:
        raise invalid("ShipDate lies before the order or in the future.")
    old = next(
        (one for one in order.packages if one.reference == detail.package_reference_id), None
    )
    if old is None and not any(item.open for item in order.items):
        raise invalid(
            "Failed to create package due to not finding a matching package or order already"
            " fulfilled. ErrorMessage(errorCode=GeneralError, errorDescription=Unable to find"
            " package to update for order (), errorMetric=PackageToUpdateNotFound,"
            " packageIndex=null)"
        )
    items = _check_items(order, detail, old)
    if detail.carrier_code not in CARRIERS or is_lost:
        return
    package = Package(
        detail.package_reference_id,
        detail.carrier_name if detail.carrier_code == "Other" else detail.carrier_code,
        detail.tracking_number,
        ship_time,
        int(now),
        detail.shipping_method,
        items,
    )
    if old is None:
        life.ship(store, order, package, now)
    else:
        life.repack(store, order, old, package, now)


def _check_order(order: Order) -> None:
    if order.is_amazons:
        raise invalid("The order is fulfilled by Amazon and cannot be confirmed.")
    if order.status in UNPAID:
        raise invalid("The order is pending and cannot be confirmed.")
    if order.status in ("CANCELLED", "UNFULFILLABLE"):
        raise invalid("The order is cancelled and cannot be confirmed.")


def _check_detail(detail: PackageDetail) -> float:
    """When it was shipped."""
    reference = detail.package_reference_id
    if not (reference.isascii() and reference.isdigit() and reference.strip("0")):
        raise invalid("PackageReferenceId: is invalid, must be a positive numeric value.")
    if not detail.carrier_code or (detail.carrier_code == "Other" and not detail.carrier_name):
        raise invalid("CarrierName is required when CarrierCode is Other.")
    if not detail.tracking_number:
        raise invalid("TrackingNumber is missing.")
    try:
        return parsed(detail.ship_date)
    except ValueError as err:
        raise invalid() from err


def _check_items(order: Order, detail: PackageDetail, old: Package | None) -> dict[str, int]:
    """Units by item. An edited package may hold again what it held."""
    found: dict[str, int] = {}
    for asked in detail.order_items:
        item = order.item(asked.order_item_id)
        if item is None:
            raise invalid(
                "OrderItemId is invalid, please obtain the value through the getOrderItems API or"
                " Manage Orders page"
            )
        found[item.id] = found.get(item.id, 0) + asked.quantity
        free = item.open + (old.items.get(item.id, 0) if old else 0)
        if asked.quantity < 1 or found[item.id] > free:
            raise invalid(f"Quantity of order item {item.id} is invalid, {free} can be shipped.")
    if not found:
        raise invalid("OrderItems is missing.")
    return found
