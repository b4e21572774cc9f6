"""Units set aside for one store over the API: made, changed, ended, and refused in words."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.models import Push, Store
from inventory import ledger, locations
from inventory.models import Allocation, Listing, Location, StockLevel, Variant
from logix.accounts.models import AuditEvent, Merchant, Scope
from tests import factories
from tests.integrations.api.client import Api, api_for, import_products

UNTIL = "2031-01-01T00:00:00Z"


@pytest.fixture
def mug(store: Store) -> Variant:
    """Sold in two stores; 40 of it are counted."""
    other = factories.make_store(store.merchant, base_url="https://b.example", name="B")
    for one in (store, other):
        import_products(one, 1)
    mug = Variant.objects.get()
    main = locations.default(store.merchant_id)
    ledger.adjust(variant=mug, location=main, set_to=40, reason="Count", actor="user:anna")
    Push.objects.all().delete()
    return mug


@pytest.fixture
def body(store: Store) -> dict[str, Any]:
    return {"store": str(store.pk), "sku": "sku-1", "units": 30}


def test_it_is_made_changed_listed_and_ended(
    api: Api, store: Store, mug: Variant, body: dict[str, Any]
) -> None:
    main = Location.objects.get()

    answer = api.post("/stock/allocations", {**body, "until": UNTIL, "note": "Summer"})

    made = Allocation.objects.get()
    row = {
        "id": str(made.pk),
        "store": {"id": str(store.pk), "name": "Example shop"},
        "variant": {"id": str(mug.pk), "sku": "SKU-1", "title": mug.title},
        "location": {"id": str(main.pk), "code": "main", "name": "Main warehouse"},
        "units": 30,
        "used": 0,
        "left": 30,
        "until": UNTIL,
        "note": "Summer",
        "created_at": answer.json()["created_at"],
        "ended_at": None,
    }
    assert (answer.status_code, answer.json()) == (201, row)
    assert Push.objects.count() == 2
    level = api.get("/stock/levels").json()["results"][0]
    assert (level["on_hand"], level["allocated"], level["free"]) == (40, 30, 10)
    page = f"/stock/allocations/{made.pk}"
    changed = api.patch(page, {"units": 12, "until": None})
    row |= {"units": 12, "left": 12, "until": None}
    assert changed.json() == api.get(page).json() == row
    for query in (
        {},
        {"store": str(store.pk)},
        {"sku": "SKU-1"},
        {"variant": str(mug.pk)},
        {"location": "main"},
        {"ended": "false"},
    ):
        assert api.get("/stock/allocations", query).json()["results"] == [row], query
    assert api.get("/stock/allocations", {"ended": "true"}).json()["results"] == []

    assert api.delete(page).status_code == 204
    assert api.delete(page).status_code == 204

    ended = api.get("/stock/allocations", {"ended": "true"}).json()["results"]
    assert [(x["units"], x["left"], bool(x["ended_at"])) for x in ended] == [(0, 0, True)]
    assert StockLevel.objects.get().allocated == 0
    said = AuditEvent.objects.filter(action__startswith="allocation").order_by("pk")
    assert [event.action for event in said] == [
        "allocation.made",
        "allocation.changed",
        "allocation.ended",
    ]
    assert {event.actor_kind for event in said} == {"token"}


def test_explain_names_who_has_how_many(api: Api, mug: Variant, body: dict[str, Any]) -> None:
    made = api.post("/stock/allocations", body).json()

    found = api.get("/stock/explain", {"sku": "SKU-1"}).json()

    (row,) = found["set_aside"]
    assert (row["id"], row["store"], row["left"]) == (made["id"], made["store"], 30)
    assert row["words"] == "30 set aside for Example shop at Main warehouse, 0 of 30 used"
    terms = {one["store"]["name"]: one["should_show"]["terms"] for one in found["listings"]["rows"]}
    shown = {
        name: (each["set_aside"], each["own_set_aside"], each["pool"])
        for name, each in terms.items()
    }
    assert shown == {"Example shop": (0, 30, 40), "B": (30, 0, 10)}
    assert found["differences"] == []


def test_what_cannot_be_set_aside_is_refused_with_the_reason(
    api: Api, mug: Variant, body: dict[str, Any]
) -> None:
    too_much = api.post("/stock/allocations", {**body, "units": 41})
    api.post("/stock/allocations", body)
    twice = api.post("/stock/allocations", {**body, "units": 1})

    for answer, sentence in (
        (too_much, "Only 40 of SKU-1 are free at Main warehouse, not 41."),
        (twice, "30 of it are set aside for Example shop at Main warehouse already."),
    ):
        told = answer.json()
        assert (answer.status_code, told["code"]) == (409, "allocation_refused")
        assert sentence in told["detail"]
    assert Allocation.objects.get().units == 30


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"units": 0}, "min_value"),
        ({"store": "0190f4e4-0000-7000-8000-000000000000"}, "unknown"),
        ({"sku": "SKU-404"}, "unknown"),
        ({"location": "nowhere"}, "unknown"),
        ({"variant": "0190f4e4-0000-7000-8000-000000000000"}, "sku_or_variant"),
        ({"until": "tomorrow"}, "invalid"),
        ({"unit": 3}, "unknown"),
    ],
)
def test_a_body_that_makes_no_sense_is_refused_by_field(
    api: Api, mug: Variant, body: dict[str, Any], changes: dict[str, Any], code: str
) -> None:
    answer = api.post("/stock/allocations", {**body, **changes})

    assert answer.status_code == 400
    assert code in {error["code"] for error in answer.json()["errors"]}
    assert not Allocation.objects.exists()


def test_the_same_request_under_one_key_sets_aside_once(
    api: Api, mug: Variant, body: dict[str, Any]
) -> None:
    first, again = (
        api.post("/stock/allocations", body, Idempotency_Key="thirty") for _ in range(2)
    )

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()


def test_a_token_that_only_reads_may_look_and_not_set_aside(
    merchant: Merchant, mug: Variant, body: dict[str, Any]
) -> None:
    reader = api_for(merchant, Scope.READ)

    assert reader.get("/stock/allocations").status_code == 200
    assert reader.post("/stock/allocations", body).status_code == 403


def test_a_variant_counted_with_another_is_set_aside_where_it_is_counted(
    api: Api, mug: Variant, body: dict[str, Any]
) -> None:
    size = Variant.objects.create(
        merchant=mug.merchant, product=mug.product, sku="SIZE", sku_key="size", counted_as=mug
    )

    made = api.post("/stock/allocations", {**body, "sku": "SIZE"})

    assert made.json()["variant"]["id"] == str(mug.pk)
    assert Listing.objects.filter(variant=size).count() == 0
