"""The channels of a store, which of them are on, and what each offers, over the API."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.kit.channels import Channel
from integrations.models import Store, Stream, StreamName, SyncRun
from integrations.sync import apply_products
from inventory.data import ListingChannelData
from inventory.models import Listing
from logix.accounts.models import AuditEvent, Merchant, Scope
from tests import factories
from tests.integrations.api.client import (
    BRITAIN,
    GERMANY,
    Api,
    api_for,
    import_orders,
    make_seller,
    offered,
)


@pytest.fixture
def seller(merchant: Merchant) -> Store:
    """With a listing in both of its channels, and one in the first."""
    store = make_seller(merchant)
    in_germany = ListingChannelData(channel=GERMANY.external_id, external_variant_id="p2")
    products = [
        factories.make_product(1, channels=offered("p1"), currency="EUR"),
        factories.make_product(2, channels=(in_germany,)),
    ]
    apply_products(store, products, observed_at=factories.NOW)
    return store


def address(store: Store) -> str:
    return f"/integrations/{store.pk}/channels"


def shown(channel: Channel, *, is_on: bool, listings: int, orders: int = 0) -> dict[str, Any]:
    return {
        "external_id": channel.external_id,
        "name": channel.name,
        "country": channel.country,
        "currency": channel.currency,
        "timezone": channel.timezone,
        "is_on": is_on,
        "listings": listings,
        "orders_30_days": orders,
    }


def test_every_channel_is_shown_with_what_it_offers_and_sold(
    api: Api, seller: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("integrations.api.channels.timezone.now", lambda: factories.NOW)
    sold = {"marketplace": "Amazon.co.uk"}
    placed = {"placed_at": factories.NOW, "changed_at": factories.NOW}
    import_orders(seller, [factories.make_order(1, custom=sold, **placed)])

    assert api.get(address(seller)).json() == {
        "channels": [
            shown(GERMANY, is_on=True, listings=2),
            shown(BRITAIN, is_on=True, listings=1, orders=1),
        ]
    }


def test_channels_are_chosen_in_their_order(api: Api, seller: Store) -> None:
    answer = api.put(address(seller), {"channels": [BRITAIN.external_id]})

    assert answer.status_code == 200
    assert answer.json()["channels"] == [
        shown(BRITAIN, is_on=True, listings=1),
        shown(GERMANY, is_on=False, listings=0),
    ]
    seller.refresh_from_db()
    assert (seller.currency, seller.timezone) == ("GBP", "Europe/London")
    assert Stream.objects.get(store=seller, name=StreamName.PRODUCTS).read_through is None
    assert AuditEvent.objects.filter(action="store.changed").count() == 1
    assert not SyncRun.objects.filter(store=seller).exists()

    api.put(address(seller), {"channels": [BRITAIN.external_id, GERMANY.external_id]})

    assert SyncRun.objects.get(store=seller).requested_by.startswith("token:")


def test_the_same_choice_again_changes_nothing(api: Api, seller: Store) -> None:
    ids = [GERMANY.external_id, BRITAIN.external_id]

    assert api.put(address(seller), {"channels": ids}).status_code == 200

    assert not AuditEvent.objects.filter(action="store.changed").exists()
    seller.refresh_from_db()
    assert seller.options == {}


@pytest.mark.parametrize(
    ("ids", "code"),
    [
        ([], "no_channel"),
        (["A1VC38T7YXB528"], "unknown_channel"),
        ([GERMANY.external_id] * 2, "channel_twice"),
    ],
)
def test_what_cannot_be_chosen_is_refused(
    api: Api, seller: Store, ids: list[str], code: str
) -> None:
    answer = api.put(address(seller), {"channels": ids})

    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_a_channel_that_is_not_there_is_answered_with_those_that_are(
    api: Api, seller: Store
) -> None:
    detail = api.put(address(seller), {"channels": ["A1VC38T7YXB528"]}).json()["detail"]

    assert f"“A1VC38T7YXB528”. It has {GERMANY.external_id} (Amazon.de)" in detail


def test_a_store_that_is_one_channel_has_nothing_to_choose(api: Api, store: Store) -> None:
    assert api.get(address(store)).json() == {"channels": []}
    answer = api.put(address(store), {"channels": ["x"]})
    assert (answer.status_code, answer.json()["code"]) == (422, "no_channels")


def test_anothers_store_does_not_exist_and_reading_does_not_choose(
    merchant: Merchant, seller: Store
) -> None:
    stranger, reader = api_for(factories.make_merchant("other")), api_for(merchant, Scope.READ)

    assert stranger.get(address(seller)).status_code == 404
    assert stranger.put(address(seller), {"channels": [GERMANY.external_id]}).status_code == 404
    assert reader.put(address(seller), {"channels": [GERMANY.external_id]}).status_code == 403


def test_a_listing_says_what_each_channel_says(api: Api, seller: Store) -> None:
    listing = Listing.objects.get(store=seller, sku="SKU-1")

    found = api.get(f"/listings/{listing.pk}").json()

    assert found["currency"] == "EUR"
    assert {(x["channel"], x["price"], x["currency"]) for x in found["channels"]} == {
        (GERMANY.external_id, "9.50", "EUR"),
        (BRITAIN.external_id, "9.50", "GBP"),
    }
    assert {x["is_buyable"] for x in found["channels"]} == {True}
    for channel, skus in ((GERMANY, ["SKU-1", "SKU-2"]), (BRITAIN, ["SKU-1"])):
        page = api.get("/listings", {"channel": channel.external_id}).json()["results"]
        assert [row["sku"] for row in page] == skus
