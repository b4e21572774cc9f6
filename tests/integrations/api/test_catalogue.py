"""Products, variants, listings and locations over the API: found by every filter, changed where
they may be.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from integrations.models import Store
from integrations.sync import apply_products
from inventory.data import VariantData
from inventory.models import Listing, Location, Product, Variant
from logix.accounts.models import AuditEvent, Merchant
from tests import factories
from tests.integrations.api.client import Api, import_products

NOBODY = "00000000-0000-7000-8000-000000000000"


@pytest.fixture
def mugs(store: Store) -> Store:
    """Mug 1 and Mug 2 with one variant each, a shirt with two, and a candle without a SKU."""
    import_products(store, 1, 2)
    shirt = factories.make_product(
        3,
        title="Shirt",
        variants=(
            VariantData(external_id="p3-s", sku="SHIRT-S", barcode="4006381333931", stock=4),
            VariantData(external_id="p3-m", sku="SHIRT-M", stock=None),
        ),
    )
    candle = factories.make_product(
        4, title="Candle", variants=(VariantData(external_id="p4", sku="", stock=1),)
    )
    apply_products(store, [shirt, candle], observed_at=factories.NOW)
    return store


def found(api: Api, path: str, name: str, **query: Any) -> list[str]:
    answer = api.get(path, query)
    assert answer.status_code == 200, answer.content
    return [row[name] for row in answer.json()["results"]]


def test_products_come_with_their_variants(api: Api, mugs: Store) -> None:
    shirt = api.get("/products", {"title": "shi"}).json()["results"]

    assert [row["title"] for row in shirt] == ["Shirt"]
    assert {row["sku"] for row in shirt[0]["variants"]} == {"SHIRT-S", "SHIRT-M"}
    assert api.get(f"/products/{shirt[0]['id']}").json() == shirt[0]


def test_variants_are_found_by_sku_barcode_and_product(api: Api, mugs: Store) -> None:
    shirt = Product.objects.get(title="Shirt")

    assert found(api, "/variants", "sku", sku=" shirt-s ") == ["SHIRT-S"]
    assert found(api, "/variants", "sku", barcode="4006381333931") == ["SHIRT-S"]
    assert found(api, "/variants", "sku", product=str(shirt.pk)) == ["SHIRT-M", "SHIRT-S"]
    assert found(api, "/variants", "sku", product=NOBODY) == []
    one = Variant.objects.get(sku="SKU-1")
    assert api.get(f"/variants/{one.pk}").json()["sku"] == "SKU-1"


def test_what_is_archived_is_shown_when_asked_for(api: Api, mugs: Store) -> None:
    Variant.objects.filter(sku="SKU-1").update(archived_at=factories.NOW)

    assert found(api, "/variants", "sku", archived="true") == ["SKU-1"]
    assert "SKU-1" not in found(api, "/variants", "sku", archived="false")


@pytest.mark.parametrize(
    ("currency", "price"), [("EUR", "12.50"), ("JPY", "12.5"), ("KWD", "12.500"), ("", "12.50")]
)
def test_the_price_of_a_listing_is_money_of_its_store(
    api: Api, mugs: Store, currency: str, price: str
) -> None:
    Store.objects.update(currency=currency)
    Listing.objects.filter(sku="SKU-1").update(price=Decimal("12.5"))

    rows = {row["sku"]: row for row in api.get("/listings").json()["results"]}

    assert (rows["SKU-1"]["price"], rows["SKU-1"]["currency"]) == (price, currency)
    assert rows["SKU-2"]["price"] is None
    assert api.get(f"/listings/{rows['SKU-1']['id']}").json() == rows["SKU-1"]


def test_listings_are_found_by_store_variant_sku_and_state(api: Api, mugs: Store) -> None:
    one = Variant.objects.get(sku="SKU-1")
    Listing.objects.filter(sku="SKU-2").update(gone_at=factories.NOW)
    Listing.objects.filter(sku="SHIRT-M").update(variant=None, link_problem="Nothing fits.")

    assert found(api, "/listings", "sku", variant=str(one.pk)) == ["SKU-1"]
    assert found(api, "/listings", "sku", sku="SHIRT-S") == ["SHIRT-S"]
    assert found(api, "/listings", "sku", gone="true") == ["SKU-2"]
    assert found(api, "/listings", "link_problem", linked="false", sku="SHIRT-M") == [
        "Nothing fits."
    ]
    assert len(found(api, "/listings", "sku", store=str(mugs.pk))) == 4
    assert found(api, "/listings", "sku", store=NOBODY) == []
    assert found(api, "/listings", "sku", mode="paused,fixed") == []


@pytest.mark.parametrize("path", ["/products", "/variants", "/listings", "/locations"])
def test_a_misspelt_filter_is_refused_with_those_there_are(api: Api, path: str) -> None:
    answer = api.get(path, {"skuu": "X"})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/skuu"
    assert answer.json()["detail"].startswith("Unknown.")


@pytest.mark.parametrize("path", ["/products", "/variants", "/listings", "/locations", "/orders"])
def test_what_is_not_there_is_404(api: Api, path: str) -> None:
    assert api.get(f"{path}/{NOBODY}").status_code == 404


def linked(api: Api, listing: Listing, **body: str) -> Any:
    return api.post(f"/listings/{listing.pk}/link", body)


def test_a_listing_is_linked_and_taken_off_again(api: Api, mugs: Store) -> None:
    candle, mug = Listing.objects.get(title="Candle"), Variant.objects.get(sku="SKU-1")

    by_sku = linked(api, candle, sku="sku-1")

    assert (by_sku.status_code, by_sku.json()["variant_id"]) == (200, str(mug.pk)), by_sku.content
    gone = api.post(f"/listings/{candle.pk}/unlink")
    assert (gone.status_code, gone.json()["variant_id"]) == (200, None)
    assert gone.json()["link_problem"] == "unlinked"
    assert linked(api, candle, variant=str(mug.pk)).json()["link_problem"] == ""
    history = AuditEvent.objects.filter(object_id=str(candle.pk)).order_by("sequence")
    assert list(history.values_list("action", flat=True)) == [
        "listing.linked",
        "listing.unlinked",
        "listing.linked",
    ]
    assert all(event.actor_kind == "token" for event in history)


def test_a_link_under_a_key_is_made_once(api: Api, mugs: Store) -> None:
    candle = Listing.objects.get(title="Candle")
    path = f"/listings/{candle.pk}/link"

    first = api.post(path, {"sku": "SKU-1"}, Idempotency_Key="k")
    again = api.post(path, {"sku": "SKU-1"}, Idempotency_Key="k")

    assert again.json() == first.json()
    assert AuditEvent.objects.filter(action="listing.linked").count() == 1


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "sku_or_variant"),
        ({"sku": ""}, 400, "blank"),
        ({"sku": "nothing"}, 400, "unknown"),
        ({"variant": NOBODY}, 400, "unknown"),
        ({"sku": "SKU-2"}, 409, "link_refused"),
    ],
)
def test_a_link_that_cannot_be_is_refused(
    api: Api, mugs: Store, body: dict[str, str], status: int, code: str
) -> None:
    answer = linked(api, Listing.objects.get(sku="SKU-2"), **body)

    told = answer.json()
    assert answer.status_code == status, told
    assert code in {told["code"], *(error["code"] for error in told["errors"])}


def test_nothing_is_linked_across_merchants(
    api: Api, mugs: Store, stranger: Api, merchant: Merchant
) -> None:
    theirs = factories.make_store(
        Merchant.objects.exclude(pk=merchant.pk).get(), base_url="https://o.example"
    )
    import_products(theirs, 7)
    mine, foreign = Listing.objects.get(sku="SKU-1"), Listing.objects.get(sku="SKU-7")

    assert linked(api, mine, sku="SKU-7").status_code == 400
    assert linked(api, mine, variant=str(foreign.variant_id)).status_code == 400
    assert linked(stranger, mine, sku="SKU-7").status_code == 404
    assert stranger.post(f"/listings/{mine.pk}/unlink").status_code == 404


def test_a_location_is_added_changed_and_closed(api: Api, merchant: Merchant) -> None:
    made = api.post("/locations", {"code": "north", "name": "North", "rank": 5})

    assert made.status_code == 201, made.content
    assert api.get(f"/locations/{made.json()['id']}").json() == made.json()
    changed = api.patch(f"/locations/{made.json()['id']}", {"name": "Far north", "rank": 7})
    assert (changed.json()["name"], changed.json()["rank"]) == ("Far north", 7)
    closed = api.patch(f"/locations/{made.json()['id']}", {"is_active": False})
    assert closed.json()["is_active"] is False
    actions = AuditEvent.objects.filter(merchant=merchant, action__startswith="location.")
    assert [event.action for event in actions.order_by("pk")] == [
        "location.created",
        "location.changed",
        "location.changed",
    ]


def test_a_code_is_given_once_in_a_merchant(api: Api, stranger: Api) -> None:
    body = {"code": "north", "name": "North"}
    assert api.post("/locations", body).status_code == 201

    again = api.post("/locations", body)

    assert (again.status_code, again.json()["errors"][0]["code"]) == (400, "taken")
    assert stranger.post("/locations", body).status_code == 201
    assert Location.objects.filter(code="north").count() == 2


def test_a_code_is_not_changed_later(api: Api) -> None:
    """Programs name places by it."""
    made = api.post("/locations", {"code": "north", "name": "North"}).json()

    assert api.patch(f"/locations/{made['id']}", {"code": "south"}).status_code == 400


def test_platforms_tell_what_they_can_do_and_why_not(api: Api) -> None:
    platforms = {row["slug"]: row for row in api.get("/platforms").json()["results"]}

    woo = platforms["woocommerce"]
    assert [field["name"] for field in woo["credential_fields"]] == [
        "consumer_key",
        "consumer_secret",
    ]
    assert "orders" in woo["abilities"]
    assert all(row["reason"].endswith(".") for row in woo["exempt"])
