"""Sellers v1: where the seller sells."""

from __future__ import annotations

from integrations.sandbox.amazon.api.call import Call
from integrations.sandbox.amazon.marketplaces import MARKETPLACES
from integrations.sandbox.amazon.wire import Answer


def participations(call: Call) -> Answer:
    """Also the marketplaces of the account where he does not sell."""
    options = call.store.options
    rows = []
    for place in MARKETPLACES.values():
        is_in = place.id in options.sells_in
        if not is_in and place.region != options.region:
            continue
        rows.append(
            {
                "marketplace": {
                    "id": place.id,
                    "name": place.name,
                    "countryCode": place.country,
                    "defaultCurrencyCode": place.currency,
                    "defaultLanguageCode": place.language,
                    "domainName": place.domain,
                },
                "storeName": options.title,
                "participation": {"isParticipating": is_in, "hasSuspendedListings": False},
            }
        )
    return Answer(200, {"payload": rows})
