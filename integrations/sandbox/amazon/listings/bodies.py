"""A listing as the Listings Items API tells it (2021-08-01)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from integrations.sandbox.amazon.api.params import only
from integrations.sandbox.amazon.clock import iso
from integrations.sandbox.amazon.listings.models import Issue, Listing
from integrations.sandbox.amazon.marketplaces import MARKETPLACES
from integrations.sandbox.amazon.money import money

Told = dict[str, Any]


def item(row: Listing, places: Sequence[str], included: Collection[str]) -> Told:
    """What was asked for, of these marketplaces."""
    return {"sku": row.sku} | {
        name: tell(row, places) for name, tell in DATA.items() if name in included
    }


def statuses(row: Listing) -> list[str]:
    """A variation's parent is seen and cannot be bought."""
    if row.is_suppressed:
        return []
    return ["BUYABLE", "DISCOVERABLE"] if row.offers and row.for_sale else ["DISCOVERABLE"]


def issue(one: Issue, places: Sequence[str] = ()) -> Told:
    enforcements = {
        "actions": [{"action": "SEARCH_SUPPRESSED"}],
        "exemption": {"status": "NOT_EXEMPT"},
    }
    return only(
        {
            "code": one.code,
            "message": one.message,
            "severity": one.severity,
            "attributeNames": list(one.attributes) or None,
            "categories": list(one.categories),
            "enforcements": enforcements if one.suppresses else None,
            "marketplaceIds": list(places) or None,
        }
    )


def _summaries(row: Listing, places: Sequence[str]) -> list[Told]:
    found = []
    for name in places:
        offer = row.offers.get(name)
        if offer is None and not row.children:
            continue
        found.append(
            only(
                {
                    "marketplaceId": name,
                    "asin": row.asin,
                    "productType": row.product_type,
                    "conditionType": row.condition if offer else None,
                    "status": statuses(row),
                    "fnSku": row.fnsku or None,
                    "itemName": row.title,
                    "createdDate": iso(offer.created if offer else row.created),
                    "lastUpdatedDate": iso(offer.updated if offer else row.updated),
                    "mainImage": {
                        "link": f"https://m.media-amazon.com/images/I/{row.asin}.jpg",
                        "height": 500,
                        "width": 500,
                    },
                }
            )
        )
    return found


def _attributes(row: Listing, places: Sequence[str]) -> Told:
    found = {}
    for name, values in row.attributes.items():
        told = [value for value in values if value.get("marketplace_id", places[0]) in places]
        if told:
            found[name] = told
    return found


def _issues(row: Listing, places: Sequence[str]) -> list[Told]:
    return [issue(one, places) for one in row.issues]


def _offers(row: Listing, places: Sequence[str]) -> list[Told]:
    found = []
    for name in places:
        offer = row.offers.get(name)
        if offer is None:
            continue
        currency = MARKETPLACES[name].currency
        for kind, price in (("B2C", offer.price), ("B2B", offer.business_price)):
            if price is not None:
                found.append(
                    {"marketplaceId": name, "offerType": kind, "price": money(price, currency)}
                )
    return found


def _availability(row: Listing, _: Sequence[str]) -> list[Told]:
    """What Amazon keeps is told without a number."""
    if row.is_amazons:
        return [{"fulfillmentChannelCode": row.channel}]
    if row.quantity is None:
        return []
    return [{"fulfillmentChannelCode": row.channel, "quantity": row.quantity}]


def _relationships(row: Listing, places: Sequence[str]) -> list[Told]:
    theme = {"attributes": ["size_name"], "theme": "SIZE_NAME"}
    if row.children:
        told: Told = {"childSkus": row.children, "variationTheme": theme, "type": "VARIATION"}
    elif row.parent:
        told = {"parentSkus": [row.parent], "variationTheme": theme, "type": "VARIATION"}
    else:
        return []
    return [{"marketplaceId": name, "relationships": [told]} for name in places]


def _product_types(row: Listing, places: Sequence[str]) -> list[Told]:
    return [{"marketplaceId": name, "productType": row.product_type} for name in places]


DATA: dict[str, Callable[[Listing, Sequence[str]], Any]] = {
    "summaries": _summaries,
    "attributes": _attributes,
    "issues": _issues,
    "offers": _offers,
    "fulfillmentAvailability": _availability,
    "procurement": lambda _row, _places: [],
    "relationships": _relationships,
    "productTypes": _product_types,
}
"""What ``includedData`` may ask for; procurement is a vendor's."""
