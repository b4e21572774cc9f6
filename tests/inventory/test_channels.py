"""What a store's channels say of its listings: kept in few statements, gone when it is gone."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from integrations.models import Store
from inventory import channels, signals
from inventory.catalogue import import_products
from inventory.data import ListingChannelData, ProductData
from inventory.models import Listing, ListingChannel
from tests.factories import NOW, make_product, make_store

pytestmark = pytest.mark.django_db


@pytest.fixture
def store() -> Store:
    return make_store()


def offered(number: int, **prices: str) -> ProductData:
    """A product in these channels, with its price in each."""
    told = tuple(
        ListingChannelData(
            channel=name,
            external_variant_id=f"p{number}",
            external_id=f"B{number}",
            title=f"Mug in {name}",
            price=Decimal(price),
            currency="EUR",
            raw_status="BUYABLE",
            is_buyable=True,
        )
        for name, price in prices.items()
    )
    return make_product(number, channels=told)


def tell(store: Store, *products: ProductData, after_s: int = 0) -> None:
    at = NOW + timedelta(seconds=after_s)
    import_products(store, products, observed_at=at, now=at)


def kept() -> dict[str, str]:
    rows = ListingChannel.objects.order_by("channel")
    return {row.channel: f"{row.price:f}".rstrip("0").rstrip(".") for row in rows}


def statements(store: Store, products: list[ProductData]) -> int:
    with CaptureQueriesContext(connection) as caught:
        tell(store, *products, after_s=60)
    return len(caught)


def test_each_channel_says_how_it_offers_a_listing(store: Store) -> None:
    tell(store, offered(1, de="10", fr="12"))

    row = ListingChannel.objects.get(channel="fr")
    assert (row.listing.external_variant_id, row.external_id, row.title) == (
        "p1",
        "B1",
        "Mug in fr",
    )
    assert (row.price, row.currency, row.raw_status, row.is_buyable) == (
        Decimal(12),
        "EUR",
        "BUYABLE",
        True,
    )


def test_what_a_channel_says_follows_and_what_it_says_no_more_is_gone(store: Store) -> None:
    tell(store, offered(1, de="10", fr="12"))

    tell(store, offered(1, de="11", uk="9"), after_s=60)

    assert kept() == {"de": "11", "uk": "9"}
    tell(store, offered(1, de="10", fr="12"), after_s=30)
    assert kept() == {"de": "11", "fr": "12", "uk": "9"}


def test_a_listing_that_is_gone_is_offered_nowhere(store: Store) -> None:
    tell(store, offered(1, de="10"), offered(2, de="10"))

    tell(store, make_product(1, gone=True, variants=()), after_s=60)

    assert ListingChannel.objects.get().listing.external_variant_id == "p2"


def test_a_store_without_channels_costs_no_statement(store: Store) -> None:
    plain = [make_product(number) for number in range(1, 4)]
    tell(store, *plain)

    with CaptureQueriesContext(connection) as caught:
        tell(store, *plain, make_product(4), make_product(1, title="New"), after_s=60)

    assert not [x["sql"] for x in caught if "listingchannel" in x["sql"]]


def test_statements_do_not_grow_with_the_listings(store: Store) -> None:
    def cost(first: int, count: int) -> int:
        numbers = range(first, first + count)
        tell(store, *(offered(n, de="10", fr="12") for n in numbers))
        return statements(store, [offered(n, de="11", uk="9") for n in numbers])

    assert cost(1, 2) == cost(10, 20)


def test_of_channels_that_are_off_nothing_is_offered(store: Store) -> None:
    tell(store, offered(1, de="10", fr="12"), offered(2, fr="9"), make_product(3))
    heard: list[Any] = []

    def hear(**told: Any) -> None:
        heard.append(told["sku_keys"])

    signals.skus_changed.connect(hear)

    channels.keep_only(store.pk, ["de"], now=NOW)

    signals.skus_changed.disconnect(hear)
    assert kept() == {"de": "10"}
    lost = Listing.objects.filter(gone_at__isnull=False)
    assert [(x.external_variant_id, x.is_listed) for x in lost] == [("p2", False)]
    assert heard == [{"sku-2"}]
    tell(store, offered(2, de="9"), after_s=60)
    assert Listing.objects.get(external_variant_id="p2").gone_at is None
