"""``getInventorySummaries`` (FBA inventory v1): the units Amazon keeps. They are only read."""

from __future__ import annotations

from typing import Any

from integrations.sandbox.amazon import tokens
from integrations.sandbox.amazon.api.call import Call
from integrations.sandbox.amazon.api.params import Query
from integrations.sandbox.amazon.clock import DAY, iso
from integrations.sandbox.amazon.listings.models import Listing, Stock
from integrations.sandbox.amazon.wire import Answer, invalid

TOKEN_S = 30.0
"""A page's token dies after it."""

_PAGE, _FOR, _FAR = 50, "inventory", 548 * DAY


def summaries(call: Call) -> Answer:
    query = call.query()
    query.needed("granularityType", ("Marketplace",))
    place = query.needed("granularityId")
    query.needed("marketplaceIds")
    asked = call.sells_in(query.texts("marketplaceIds", most=1, least=1))
    if asked != [place]:
        raise invalid("granularityId and marketplaceIds name different marketplaces.")
    rows = _chosen(call, query, place)
    start = _start(call, query)
    document: dict[str, Any] = {
        "payload": {
            "granularity": {"granularityType": "Marketplace", "granularityId": place},
            "inventorySummaries": [
                _summary(row, stock, is_detailed=query.flag("details"))
                for row in rows[start : start + _PAGE]
                if (stock := _stock_at(row, place))
            ],
        },
        "pagination": {},
    }
    if start + _PAGE < len(rows):
        until = call.store.clock.exact() + TOKEN_S
        document["pagination"]["nextToken"] = tokens.sealed(_FOR, until, start=start + _PAGE)
    return Answer(200, document)


def _chosen(call: Call, query: Query, place: str) -> list[Listing]:
    """``startDateTime`` outranks ``sellerSkus``, which outrank ``sellerSku``."""
    every = call.store.state.listings.values()
    rows = [row for row in every if _stock_at(row, place) and place in row.offers]
    since, skus = query.moment("startDateTime"), query.texts("sellerSkus", most=50)
    one = query.text("sellerSku")
    if since is not None:
        if since < call.store.clock.exact() - _FAR:
            raise invalid("startDateTime lies more than 18 months back.")
        rows = [row for row in rows if (x := _stock_at(row, place)) and x.updated >= since]
    elif skus or one:
        rows = [row for row in rows if row.sku in (skus or [one])]
    return sorted(rows, key=lambda row: row.sku)


def _stock_at(row: Listing, place: str) -> Stock | None:
    """What is told of it to a marketplace: in the European Union the same to all
    (amzn/selling-partner-api-models#452).
    """
    return row.piles.get(place, row.stock)


def _start(call: Call, query: Query) -> int:
    token = query.text("nextToken")
    if not token:
        return 0
    place = tokens.opened(token, _FOR, call.store.clock.exact())
    if place is None:
        raise invalid("The nextToken is not valid or has expired.")
    return int(place["start"])


def _summary(row: Listing, stock: Stock, *, is_detailed: bool) -> dict[str, Any]:
    told: dict[str, Any] = {
        "asin": row.asin,
        "fnSku": row.fnsku,
        "sellerSku": row.sku,
        "condition": "NewItem",
        "lastUpdatedTime": iso(stock.updated),
        "productName": row.title,
        "totalQuantity": stock.total,
        "stores": [],
    }
    if is_detailed:
        told["inventoryDetails"] = _details(stock)
    return told


def _details(stock: Stock) -> dict[str, Any]:
    spans = ("InShortTerm", "InMidTerm", "InLongTerm")
    return {
        "fulfillableQuantity": stock.fulfillable,
        "inboundWorkingQuantity": stock.inbound_working,
        "inboundShippedQuantity": stock.inbound_shipped,
        "inboundReceivingQuantity": stock.inbound_receiving,
        "reservedQuantity": {
            "totalReservedQuantity": stock.pending_orders + stock.transshipment + stock.processing,
            "pendingCustomerOrderQuantity": stock.pending_orders,
            "pendingTransshipmentQuantity": stock.transshipment,
            "fcProcessingQuantity": stock.processing,
        },
        "researchingQuantity": {
            "totalResearchingQuantity": stock.researching,
            "researchingQuantityBreakdown": [
                {"name": f"researchingQuantity{span}", "quantity": stock.researching * (not place)}
                for place, span in enumerate(spans)
            ],
        },
        "unfulfillableQuantity": {
            "totalUnfulfillableQuantity": stock.customer_damaged + stock.warehouse_damaged,
            "customerDamagedQuantity": stock.customer_damaged,
            "warehouseDamagedQuantity": stock.warehouse_damaged,
            "distributorDamagedQuantity": 0,
            "carrierDamagedQuantity": 0,
            "defectiveQuantity": 0,
            "expiredQuantity": 0,
        },
    }
