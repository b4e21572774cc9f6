"""What somebody needs at hand to write an order: prices, places, people, currencies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from integrations.sandbox.shopify.catalogue.room import CatalogueRoom
from integrations.sandbox.shopify.options import StoreOptions
from integrations.sandbox.shopify.orders.customers import Company, Customer
from integrations.sandbox.shopify.orders.offers import Offer, all_offers, of_deleted

# What one euro buys, as of an invented day.
_PER_EURO = {
    "EUR": "1", "USD": "1.0837", "GBP": "0.8561", "CHF": "0.9412", "JPY": "162.35", "KWD": "0.3331",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Desk:
    """``homes`` are the locations that ship online orders; ``retail`` is where the till stands."""

    options: StoreOptions
    offers: list[Offer]
    deleted: list[Offer]
    by_variant: dict[int, Offer]
    homes: tuple[int, ...]
    retail: int
    companies: dict[int, Company]
    customer: Callable[[int], Customer]

    def rate(self, presentment: str) -> Decimal:
        """How much of it one unit of the shop's currency buys."""
        own, other = _PER_EURO.get(self.options.currency), _PER_EURO.get(presentment)
        if own is None or other is None or presentment == self.options.currency:
            return Decimal(1)
        return (Decimal(other) / Decimal(own)).quantize(Decimal("0.0001"))


def desk(
    options: StoreOptions,
    catalogue: CatalogueRoom,
    companies: dict[int, Company],
    customer: Callable[[int], Customer],
) -> Desk:
    """Of the catalogue as it is now: the seed's orders are written from a fresh one."""
    offers = all_offers(catalogue)
    homes = [place for place in catalogue.active_locations() if place.fulfills_online_orders]
    shops = [place for place in homes if not place.service] or homes
    return Desk(
        options=options,
        offers=offers,
        deleted=[of_deleted(gone) for gone in catalogue.deleted_variants],
        by_variant={offer.variant_id: offer for offer in offers if offer.variant_id},
        homes=tuple(place.id for place in homes),
        retail=shops[-1].id if shops else 0,
        companies=companies,
        customer=customer,
    )
