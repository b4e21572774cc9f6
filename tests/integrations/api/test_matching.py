"""Links that people have to make, and oversells, over the API."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.models import Store
from inventory import links
from inventory.models import LinkProblem, Listing, Variant
from logix.accounts.models import AuditEvent, Merchant, Scope
from orders.models import Order, Oversell
from tests import factories
from tests.factories import NOW
from tests.integrations.api.client import Api, api_for
from tests.orders.shop import stock


@pytest.fixture
def unlinked(order: Order) -> Listing:
    """A listing of SKU-1 that came before the product did."""
    listing = Listing.objects.get(sku="SKU-1")
    Listing.objects.filter(pk=listing.pk).update(
        variant=None, link_problem=LinkProblem.DUPLICATE_SKU
    )
    return listing


def test_a_listing_shows_what_it_might_be(api: Api, unlinked: Listing) -> None:
    (found,) = api.get(f"/listings/{unlinked.pk}/candidates").json()["results"]

    variant = Variant.objects.get(sku="SKU-1")
    assert (found["variant_id"], found["sku"]) == (str(variant.pk), "SKU-1")
    assert (found["reason"], found["is_sure"]) == ("It has the same SKU.", True)


def test_all_that_leave_no_doubt_are_linked_by_one_call(
    api: Api, store: Store, unlinked: Listing
) -> None:
    answer = api.post("/listings/link-all", {"store": str(store.pk)})

    run = AuditEvent.objects.get(action="listings.linked_all").pk
    told = {"linked": 1, "doubtful": 0, "left": [], "more": False, "run": run}
    assert answer.json() == told
    unlinked.refresh_from_db()
    assert unlinked.variant == Variant.objects.get(sku="SKU-1")
    assert AuditEvent.objects.filter(action="listing.linked").count() == 1
    links.unlink(unlinked, actor="user:anna")
    assert api.post("/listings/link-all", {"store": str(store.pk)}).json()["linked"] == 0


def test_a_listing_says_which_others_of_its_store_have_its_sku(
    api: Api, store: Store, unlinked: Listing
) -> None:
    stock(store, 2)
    twin = Listing.objects.get(sku="SKU-2")
    Listing.objects.filter(pk=twin.pk).update(sku="sku-1", sku_key="sku-1")

    found = api.get(f"/listings/{unlinked.pk}/candidates").json()

    assert found["twins"] == [
        {"listing_id": str(twin.pk), "title": twin.title, "variant_id": str(twin.variant_id)}
    ]
    assert [x["is_sure"] for x in found["results"] if x["sku"] == "SKU-1"] == [False]


def test_what_linking_all_did_is_undone_by_one_call(
    api: Api, store: Store, unlinked: Listing
) -> None:
    asked: dict[str, Any] = {"store": str(store.pk)}
    assert api.post("/listings/link-all", {**asked, "dry_run": True}).json()["run"] is None
    asked["run"] = api.post("/listings/link-all", asked).json()["run"]

    tried = api.post("/listings/link-all/undo", {**asked, "dry_run": True})
    assert tried.json() == {"put_back": 1, "kept": 0}
    assert Listing.objects.get(pk=unlinked.pk).variant is not None
    assert api.post("/listings/link-all/undo", asked).json() == {"put_back": 1, "kept": 0}

    found = Listing.objects.get(pk=unlinked.pk)
    assert (found.variant, found.link_problem) == (None, LinkProblem.DUPLICATE_SKU)
    again = api.post("/listings/link-all/undo", asked)
    assert (again.status_code, again.json()["code"]) == (409, "link_refused")


def test_a_run_of_another_store_is_not_undone(api: Api, store: Store, unlinked: Listing) -> None:
    run = api.post("/listings/link-all", {"store": str(store.pk)}).json()["run"]
    other = factories.make_store(store.merchant, base_url="https://second.example")

    answer = api.post("/listings/link-all/undo", {"store": str(other.pk), "run": run})

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/run")


def test_a_listing_gets_a_product_of_its_own(api: Api, store: Store, unlinked: Listing) -> None:
    before = Variant.objects.count()

    answer = api.post(f"/listings/{unlinked.pk}/link", {"new": True})

    own = Variant.objects.get(pk=answer.json()["variant_id"])
    assert (answer.status_code, answer.json()["link_problem"]) == (200, "")
    assert (own.sku, Variant.objects.count()) == ("", before + 1), "another product has the SKU"
    assert AuditEvent.objects.filter(action="listing.product_made").count() == 1


@pytest.mark.parametrize("body", [{"new": False}, {"new": True, "sku": "SKU-2"}, {}])
def test_a_link_names_one_product(api: Api, unlinked: Listing, body: dict[str, Any]) -> None:
    assert api.post(f"/listings/{unlinked.pk}/link", body).status_code == 400


@pytest.mark.parametrize("asked", [{"alone": "true"}, {"link_problem": "blank_sku,ambiguous"}])
def test_listings_that_are_counted_alone_are_found(
    api: Api, store: Store, order: Order, asked: dict[str, str]
) -> None:
    stock(store, 2)
    bare = Listing.objects.get(sku="SKU-2")
    told = {"sku": "", "sku_key": "", "link_problem": LinkProblem.BLANK_SKU}
    Listing.objects.filter(pk=bare.pk).update(**told)

    (found,) = [x for x in api.get("/listings", asked).json()["results"] if x["id"] == str(bare.pk)]

    assert found["variant_id"] == str(bare.variant_id)


def test_who_may_only_read_links_nothing(
    merchant: Merchant, store: Store, unlinked: Listing
) -> None:
    reader = api_for(merchant, Scope.READ)

    assert reader.get(f"/listings/{unlinked.pk}/candidates").status_code == 200
    assert reader.post("/listings/link-all", {"store": str(store.pk)}).status_code == 403


def test_oversells_are_listed_with_their_cause(api: Api, store: Store, order: Order) -> None:
    line = order.lines.all()[0]
    fields: dict[str, Any] = {
        "merchant": store.merchant,
        "order": order,
        "line": line,
        "sku": line.sku,
        "cause": {"channels": [{"store": "Shop", "told": 3}]},
        "found_after_s": 12,
    }
    Oversell.objects.create(units=2, opened_at=NOW, resolved_at=NOW, **fields)
    now = Oversell.objects.create(units=1, opened_at=NOW, **fields)

    (found,) = api.get("/oversells", {"store": str(store.pk), "sku": line.sku}).json()["results"]

    assert found == {
        "id": str(now.pk),
        "order_id": str(order.pk),
        "order_number": order.number,
        "store_id": str(store.pk),
        "line_id": str(line.pk),
        "variant_id": None,
        "sku": line.sku,
        "units": 1,
        "is_backorder": False,
        "cause": {"channels": [{"store": "Shop", "told": 3}]},
        "found_after_s": 12,
        "opened_at": "2026-11-20T12:00:00Z",
        "resolved_at": None,
    }
    over = api.get("/oversells", {"resolved": "true"}).json()["results"]
    assert [row["units"] for row in over] == [2]


@pytest.mark.parametrize("is_backorder", [True, False])
def test_back_orders_are_told_apart(
    api: Api, store: Store, order: Order, is_backorder: bool
) -> None:
    kept = {"merchant": store.merchant, "order": order, "line": order.lines.get()}
    Oversell.objects.create(units=1, opened_at=NOW, is_backorder=is_backorder, **kept)

    found = [
        [row["is_backorder"] for row in api.get("/oversells", asked).json()["results"]]
        for asked in ({}, {"backorder": "true"}, {"backorder": "false"})
    ]

    assert found == [[is_backorder], [True] * is_backorder, [False] * (not is_backorder)]


def test_a_stranger_sees_none_of_it(store: Store, unlinked: Listing) -> None:
    stranger = api_for(factories.make_merchant("stranger"))

    assert stranger.get(f"/listings/{unlinked.pk}/candidates").status_code == 404
    assert stranger.post("/listings/link-all", {"store": str(store.pk)}).status_code == 400
    assert stranger.get("/oversells").json()["results"] == []
