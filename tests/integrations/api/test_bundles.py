"""Bundles of stores over the API: what a store tells of one, and who has the say over its parts."""

from __future__ import annotations

import pytest

from integrations.models import Store
from inventory import kits
from inventory.catalogue import import_products
from inventory.data import PartData, VariantData
from inventory.models import KitPart, Listing, Variant
from logix.accounts.models import AuditEvent
from tests.factories import NOW, make_merchant, make_product, make_store
from tests.integrations.api.client import Api, api_for


@pytest.fixture
def bundle(store: Store) -> Listing:
    """A set of two mugs whose parts were taken off by hand."""
    parts = (PartData(external_variant_id="p1", sku="SKU-1", quantity=2),)
    told = VariantData(external_id="set", sku="SET", is_bundle=True, parts=parts)
    goods = [make_product(1), make_product(2, variants=(told,))]
    import_products(store, goods, observed_at=NOW, now=NOW)
    kits.set_parts(Variant.objects.get(sku="SET"), {}, actor="user:anna")
    return Listing.objects.get(sku="SET")


def test_a_listing_says_what_its_bundle_is_made_of_and_why_it_is_no_kit(
    api: Api, bundle: Listing
) -> None:
    shown = api.get(f"/listings/{bundle.pk}").json()

    assert (shown["is_bundle"], shown["seen_quantity"]) == (True, None)
    assert shown["bundle_parts"] == [{"external_variant_id": "p1", "sku": "SKU-1", "quantity": 2}]
    assert shown["kit_problem"] == (
        "Its parts were taken off by hand, so it is not made a kit again."
    )


@pytest.mark.parametrize(
    ("asked", "skus"),
    [
        ({"bundle": "true"}, ["SET"]),
        ({"bundle": "false"}, ["SKU-1"]),
        ({"kit_problem": "true"}, ["SET"]),
        ({"kit_problem": "false"}, ["SKU-1"]),
    ],
)
def test_bundles_are_found(
    api: Api, bundle: Listing, asked: dict[str, str], skus: list[str]
) -> None:
    assert [row["sku"] for row in api.get("/listings", asked).json()["results"]] == skus


def test_the_say_is_given_back_to_the_store(api: Api, bundle: Listing) -> None:
    taken = api.post(f"/listings/{bundle.pk}/take-over")

    assert taken.status_code == 200, taken.content
    assert taken.json()["kit_problem"] == ""
    assert KitPart.objects.get().units == 2
    event = AuditEvent.objects.filter(action="kit.parts_changed").latest("pk")
    assert event.actor_kind == "token"


def test_what_is_no_bundle_or_cannot_be_is_refused_in_words(api: Api, bundle: Listing) -> None:
    plain = Listing.objects.get(sku="SKU-1")
    refused = api.post(f"/listings/{plain.pk}/take-over")
    assert (refused.status_code, refused.json()["code"]) == (409, "kit_refused")
    assert refused.json()["detail"] == "SKU-1 is no bundle of its store."

    Listing.objects.filter(pk=plain.pk).update(variant=None)
    refused = api.post(f"/listings/{bundle.pk}/take-over")
    assert (refused.status_code, refused.json()["code"]) == (409, "kit_refused")
    assert "Not linked to a product yet: SKU-1" in refused.json()["detail"]


def test_a_bundle_is_taken_over_with_its_scope_and_of_ones_own_merchant(
    store: Store, bundle: Listing
) -> None:
    address = f"/listings/{bundle.pk}/take-over"
    other = make_merchant("other")
    make_store(other, base_url="https://other.example")

    assert api_for(store.merchant, "read").post(address).status_code == 403
    assert api_for(other).post(address).status_code == 404
    assert not KitPart.objects.exists()
