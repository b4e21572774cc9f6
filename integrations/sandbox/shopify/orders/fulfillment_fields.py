"""Fulfilment orders and fulfilments in GraphQL, and which of them an app may see.

Source: FulfillmentOrder in the official schema of 2026-07; an app sees the kinds it has the scope
for: ``merchant_managed``, ``third_party`` (a fulfilment service's), ``assigned`` (its own's).
"""

from __future__ import annotations

from typing import Any

from integrations.sandbox.shopify.access.fields import app_of
from integrations.sandbox.shopify.api import search
from integrations.sandbox.shopify.api.filtering import found
from integrations.sandbox.shopify.api.pages import listed
from integrations.sandbox.shopify.api.resolving import Call, Fields, Resolver
from integrations.sandbox.shopify.ids import gid
from integrations.sandbox.shopify.orders import states, totals
from integrations.sandbox.shopify.orders.fulfillment_models import (
    Fulfillment,
    FulfillmentLine,
    FulfillmentOrder,
    FulfillmentOrderLine,
)
from integrations.sandbox.shopify.orders.models import LineItem
from integrations.sandbox.shopify.orders.reading import at, constant, first_of, order_of

_HOLD_TEXTS = {
    "AWAITING_PAYMENT": "Awaiting payment",
    "AWAITING_RETURN_ITEMS": "Exchange items awaiting return delivery",
    "HIGH_RISK_OF_FRAUD": "High risk of fraud",
    "INCORRECT_ADDRESS": "Incorrect address",
    "INVENTORY_OUT_OF_STOCK": "Inventory out of stock",
    "ONLINE_STORE_POST_PURCHASE_CROSS_SELL": "Post-purchase cross-sell",
    "OTHER": "Other",
    "UNKNOWN_DELIVERY_DATE": "Unknown delivery date",
}
_ACTIONS: dict[str, tuple[str, ...]] = {
    "OPEN": ("CREATE_FULFILLMENT", "REPORT_PROGRESS", "MOVE", "HOLD", "SPLIT"),
    "IN_PROGRESS": ("CREATE_FULFILLMENT", "REPORT_PROGRESS", "MOVE", "HOLD", "MARK_AS_OPEN"),
    "SCHEDULED": ("MARK_AS_OPEN", "MOVE", "HOLD"),
    "ON_HOLD": ("RELEASE_HOLD", "MOVE", "HOLD"),
}


def scope_kind(call: Call, work: FulfillmentOrder) -> str:
    place = call.store.catalogue.locations[work.location_id]
    return "third_party" if place.service else "merchant_managed"


def may(call: Call, work: FulfillmentOrder, verb: str) -> bool:
    """``verb`` is "read" or "write"."""
    return call.grant.allows(f"{verb}_{scope_kind(call, work)}_fulfillment_orders")


def visible(call: Call, works: list[FulfillmentOrder]) -> list[FulfillmentOrder]:
    return [work for work in works if may(call, work, "read")]


def of_order(
    order: Any, info: Any, *, displayable: bool = False, query: str | None = None, **page: Any
) -> Any:
    """``displayable`` leaves out what was emptied, ``query`` what has another status."""
    works = visible(info.context, order.fulfillment_orders)
    if displayable:
        works = [work for work in works if work.lines]
    if query:
        works = matching(info.context, works, query)
    return listed(works, **page)


WORK_ROW: dict[str, search.Value] = {
    "": lambda work: work.status,
    "id": lambda work: work.id,
    "status": lambda work: work.status,
    "assigned_location_id": lambda work: work.location_id,
    "updated_at": lambda work: work.updated_at,
}


def matching(
    call: Call, works: list[FulfillmentOrder], query: str | None, name: str = "fulfillmentOrders"
) -> list[FulfillmentOrder]:
    """Those a filter lets through."""
    return found(call, works, query, WORK_ROW, name)


# --- fulfilment orders ----------------------------------------------------------------------------


def _place(work: Any, info: Any) -> Any:
    return info.context.store.catalogue.locations.get(work.location_id)


def _assigned(work: FulfillmentOrder, info: Any) -> Any:
    place = _place(work, info)
    return {
        "name": place.name,
        "location": place,
        "address1": place.address1,
        "address2": None,
        "city": place.city,
        "zip": place.zip,
        "province": None,
        "countryCode": place.country_code,
        "phone": None,
    }


def _destination(work: FulfillmentOrder, info: Any) -> Any:
    order = order_of(work, info)
    to = order.shipping
    if to is None or work.delivery == "NONE":
        return None
    return {
        "id": gid("FulfillmentOrderDestination", work.id),
        "firstName": to.first_name or None,
        "lastName": to.last_name or None,
        "company": to.company or None,
        "address1": to.address1 or None,
        "address2": to.address2 or None,
        "city": to.city or None,
        "province": to.province or None,
        "zip": to.zip or None,
        "countryCode": to.country_code or None,
        "phone": to.phone or None,
        "email": order.email or None,
        "location": _place(work, info) if work.delivery == "PICK_UP" else None,
    }


def _delivery(work: FulfillmentOrder, info: Any) -> Any:
    lines = order_of(work, info).shipping_lines
    return {
        "id": gid("DeliveryMethod", work.id),
        "methodType": work.delivery,
        "presentedName": lines[0].title if lines and work.delivery != "NONE" else None,
        "serviceCode": lines[0].code if lines and work.delivery != "NONE" else None,
        "minDeliveryDateTime": None,
        "maxDeliveryDateTime": None,
        "sourceReference": None,
    }


def _actions(work: FulfillmentOrder, info: Any) -> Any:
    names = list(_ACTIONS.get(work.status, ()))
    is_third = scope_kind(info.context, work) == "third_party"
    if is_third and work.request_status == "UNSUBMITTED" and "CREATE_FULFILLMENT" in names:
        names = ["REQUEST_FULFILLMENT", *names]
    if work.remaining < 2 and "SPLIT" in names:
        names.remove("SPLIT")
    return [{"action": name, "externalUrl": None} for name in names]


def _to_move(work: FulfillmentOrder, info: Any, **page: Any) -> Any:
    rows = []
    order = order_of(work, info)
    for place in info.context.store.catalogue.active_locations():
        if place.id == work.location_id:
            continue
        is_stocked = stocks(info.context, order.lines, work, place.id)
        message = None if is_stocked else "Some items are not stocked at this location."
        rows.append({"location": place, "message": message, "movable": is_stocked})
    return listed(rows, **page)


def stocks(call: Call, lines: list[LineItem], work: FulfillmentOrder, location_id: int) -> bool:
    """Whether the place keeps all that is left of this work."""
    wanted = {row.line_item_id for row in work.lines if row.remaining}
    for line in lines:
        if line.id not in wanted or line.item_id is None:
            continue
        level = call.store.catalogue.levels.get((line.item_id, location_id))
        if level is None or not level.is_active:
            return False
    return True


def _weight(work: FulfillmentOrder, info: Any) -> Any:
    order = order_of(work, info)
    grams = sum(order.line(row.line_item_id).grams * row.remaining for row in work.lines)
    return {"unit": "GRAMS", "value": float(grams)}


def _parcels_of(work: FulfillmentOrder, info: Any, **page: Any) -> Any:
    parcels = [
        parcel
        for parcel in order_of(work, info).fulfillments
        if any(row.fulfillment_order_id == work.id for row in parcel.lines)
    ]
    return listed(parcels, **page)


_WORK: dict[str, Resolver] = {
    "order": order_of,
    "orderId": lambda work, _: gid("Order", work.order_id),
    "orderName": lambda work, info: order_of(work, info).name,
    "orderProcessedAt": lambda work, info: order_of(work, info).processed_at,
    "fulfillBy": constant(None),
    "assignedLocation": _assigned,
    "destination": _destination,
    "deliveryMethod": _delivery,
    "fulfillmentHolds": at("holds"),
    "lineItems": lambda work, _, **page: listed(work.lines, **page),
    "fulfillments": _parcels_of,
    "supportedActions": _actions,
    "locationsForMove": _to_move,
    "remainingLineItemsWeight": _weight,
}


def line_of(row: FulfillmentOrderLine | FulfillmentLine, info: Any) -> LineItem:
    return order_of(row, info).line(row.line_item_id)


def _item_id(row: FulfillmentOrderLine, info: Any) -> str | None:
    number = line_of(row, info).item_id
    return None if number is None else gid("InventoryItem", number)


_WORK_LINE: dict[str, Resolver] = {
    "lineItem": line_of,
    "totalQuantity": at("total"),
    "remainingQuantity": at("remaining"),
    "sku": lambda row, info: line_of(row, info).sku or None,
    "productTitle": lambda row, info: line_of(row, info).title,
    "variantTitle": lambda row, info: line_of(row, info).variant_title or None,
    "vendor": lambda row, info: line_of(row, info).vendor or None,
    "variant": lambda row, info: info.context.store.catalogue.variants.get(
        line_of(row, info).variant_id
    ),
    "inventoryItemId": _item_id,
    "requiresShipping": lambda row, info: line_of(row, info).requires_shipping,
    "image": constant(None),
    "weight": lambda row, info: {"unit": "GRAMS", "value": float(line_of(row, info).grams)},
}

_HOLD: dict[str, Resolver] = {
    "displayReason": lambda hold, _: _HOLD_TEXTS[hold.reason],
    "heldByApp": lambda hold, info: app_of(info.context.store.options) if hold.by_app else None,
    "heldByRequestingApp": at("by_app"),
}


# --- fulfilments ----------------------------------------------------------------------------------


def name_of(parcel: Fulfillment, info: Any) -> str:
    return f"{order_of(parcel, info).name}-F{parcel.place}"


def _works_of(parcel: Fulfillment, info: Any, **page: Any) -> Any:
    wanted = {row.fulfillment_order_id for row in parcel.lines}
    works = [work for work in order_of(parcel, info).fulfillment_orders if work.id in wanted]
    return listed(visible(info.context, works), **page)


def _ships(parcel: Fulfillment, info: Any) -> bool:
    return any(line_of(row, info).requires_shipping for row in parcel.lines)


def _share(row: FulfillmentLine, info: Any, *, is_discounted: bool) -> Any:
    order = order_of(row, info)
    line = order.line(row.line_item_id)
    whole = totals.line_net(order, line) if is_discounted else totals.line_full(line)
    return whole.part(row.quantity, line.quantity)


FIELDS: Fields = {
    "Order": {"fulfillmentOrders": of_order},
    "FulfillmentOrder": _WORK,
    "FulfillmentOrderLineItem": _WORK_LINE,
    "FulfillmentHold": _HOLD,
    "Fulfillment": {
        "name": name_of,
        "displayStatus": lambda parcel, _: states.parcel(parcel),
        "estimatedDeliveryAt": constant(None),
        "order": order_of,
        "location": _place,
        "service": constant(None),
        "requiresShipping": _ships,
        "totalQuantity": lambda parcel, _: sum(row.quantity for row in parcel.lines),
        "trackingInfo": lambda parcel, _, first=None: first_of(parcel.tracking, first),
        "fulfillmentLineItems": lambda parcel, _, **page: listed(parcel.lines, **page),
        "fulfillmentOrders": _works_of,
    },
    "FulfillmentLineItem": {
        "lineItem": line_of,
        "originalTotalSet": lambda row, info: _share(row, info, is_discounted=False),
        "discountedTotalSet": lambda row, info: _share(row, info, is_discounted=True),
    },
}
