"""Locations as GraphQL shows them."""

from __future__ import annotations

from typing import Any

from integrations.sandbox.shopify import ids
from integrations.sandbox.shopify.api import search
from integrations.sandbox.shopify.api.filtering import by_sort, found
from integrations.sandbox.shopify.api.pages import connection, count
from integrations.sandbox.shopify.api.resolving import Call, Fields
from integrations.sandbox.shopify.catalogue.inventory_fields import level_at, levels
from integrations.sandbox.shopify.catalogue.models import InventoryLevel, Location
from integrations.sandbox.shopify.clock import utc

_LOCATION_SORTS = {"NAME": lambda row: row.name}


def _location_row(_: Call) -> dict[str, search.Value]:
    return {
        "": lambda row: f"{row.name} {row.address1} {row.city}",
        "id": lambda row: row.id,
        "location_id": lambda row: row.id,
        "name": lambda row: row.name,
        "address1": lambda row: row.address1,
        "city": lambda row: row.city,
        "country": lambda row: row.country,
        "zip": lambda row: row.zip,
        "active": lambda row: row.is_active,
        "legacy": lambda row: bool(row.service),
        "created_at": lambda row: row.created_at,
    }


def _chosen(
    call: Call, query: str | None, *, with_inactive: bool, with_legacy: bool, list_name: str
) -> list[Any]:
    """Those of fulfilment services are the legacy ones."""
    rows = [
        place
        for place in call.store.catalogue.locations.values()
        if (place.is_active or with_inactive) and (not place.service or with_legacy)
    ]
    return found(call, rows, query, _location_row(call), list_name)


def locations(
    _: Any,
    info: Any,
    *,
    query: str | None = None,
    sort_key: str = "NAME",
    include_inactive: bool = False,
    include_legacy: bool = False,
    **page: Any,
) -> Any:
    call = info.context
    rows = _chosen(
        call,
        query,
        with_inactive=include_inactive,
        with_legacy=include_legacy,
        list_name="locations",
    )
    keys = by_sort(rows, _LOCATION_SORTS, sort_key)
    return connection(keys, lambda key: call.store.catalogue.locations[key[-1]], **page)


def locations_count(
    _: Any, info: Any, *, query: str | None = None, limit: int | None = 10_000
) -> Any:
    rows = _chosen(
        info.context, query, with_inactive=True, with_legacy=True, list_name="locationsCount"
    )
    return count(len(rows), limit)


def location(_: Any, info: Any, *, id: str | None = None) -> Location | None:
    """The primary one where none is named."""
    catalogue = info.context.store.catalogue
    if id is None:
        first: Location = catalogue.active_locations()[0]
        return first
    named: Location | None = catalogue.locations.get(ids.number_of(id, "Location"))
    return named


def _address(place: Location, _: Any) -> dict[str, Any]:
    return {
        "address1": place.address1,
        "address2": None,
        "city": place.city,
        "country": place.country,
        "countryCode": place.country_code,
        "formatted": [place.address1, f"{place.zip} {place.city}", place.country],
        "latitude": None,
        "longitude": None,
        "phone": None,
        "province": None,
        "provinceCode": None,
        "zip": place.zip,
    }


def _service(place: Location, _: Any) -> dict[str, Any] | None:
    if not place.service:
        return None
    return {
        "id": ids.gid("FulfillmentService", place.id),
        "handle": place.service,
        "serviceName": place.name,
        "type": "THIRD_PARTY",
        "trackingSupport": True,
        "inventoryManagement": True,
        "location": place,
    }


def _has_stock(place: Location, info: Any) -> bool:
    return bool(_levels_at(info.context, place))


def _levels_at(call: Call, place: Location, *, with_inactive: bool = False) -> list[Any]:
    return [
        level
        for level in call.store.catalogue.levels.values()
        if level.location_id == place.id and (level.is_active or with_inactive)
    ]


def _has_unfulfilled(place: Location, info: Any) -> bool:
    return any(level.committed for level in _levels_at(info.context, place))


def _level_of_location(
    place: Location, info: Any, *, inventory_item_id: str, include_inactive: bool = False
) -> InventoryLevel | None:
    number = ids.number_of(inventory_item_id, "InventoryItem")
    return level_at(info.context.store.catalogue, number, place.id, include_inactive)


def _levels_of_location(
    place: Location,
    info: Any,
    *,
    query: str | None = None,
    include_inactive: bool = False,
    **page: Any,
) -> Any:
    rows = _levels_at(info.context, place, with_inactive=include_inactive)
    return levels(info.context, rows, query, page)


FIELDS: Fields = {
    "QueryRoot": {
        "location": location,
        "locations": locations,
        "locationsCount": locations_count,
    },
    "Location": {
        "activatable": lambda place, _: not place.is_active,
        "address": _address,
        "addressVerified": lambda *_: False,
        "deactivatable": lambda place, info: place.is_active and not _has_unfulfilled(place, info),
        "deactivatedAt": lambda place, _: utc(place.deactivated_at),
        "deletable": lambda place, info: not place.is_active and not _has_stock(place, info),
        "hasActiveInventory": _has_stock,
        "hasUnfulfilledOrders": _has_unfulfilled,
        "isFulfillmentService": lambda place, _: bool(place.service),
        "isPrimary": lambda place, info: place is location(None, info),
        "fulfillmentService": _service,
        "inventoryLevel": _level_of_location,
        "inventoryLevels": _levels_of_location,
    },
}
