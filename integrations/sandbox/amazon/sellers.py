"""Sellers v1: where the seller sells."""

from __future__ import annotations

from typing import Any

from integrations.sandbox.amazon.api.call import Call
from integrations.sandbox.amazon.marketplaces import ELSEWHERE, MARKETPLACES, Elsewhere, Marketplace
from integrations.sandbox.amazon.wire import Answer


def participations(call: Call) -> Answer:
    """Also the marketplaces of the account where he does not sell, and what is no marketplace. That
    the latter come first is assumed.
    """
    options = call.store.options
    rows = [_told(one, options.title, True) for one in ELSEWHERE if one.region == options.region]
    for place in MARKETPLACES.values():
        is_in = place.id in options.sells_in
        if is_in or place.region == options.region:
            rows.append(_told(place, options.title, is_in))
    return Answer(200, {"payload": rows})


def _told(place: Marketplace | Elsewhere, store_name: str, is_in: bool) -> dict[str, Any]:
    return {
        "marketplace": {
            "id": place.id,
            "name": place.name,
            "countryCode": place.country,
            "defaultCurrencyCode": place.currency,
            "defaultLanguageCode": place.language,
            "domainName": place.domain,
        },
        "storeName": store_name,
        "participation": {"isParticipating": is_in, "hasSuspendedListings": False},
    }
