"""Stock rules over the API: one of a scope, and every store a change concerns is told."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from integrations.models import Push, Store
from inventory.models import Listing, StockRule, Variant
from logix.accounts.models import AuditEvent, Merchant
from tests import factories
from tests.integrations.api.client import Api, import_products

ALL = {"store": None}
VALUES = {"buffer": 0, "percent": 100, "max_listed": None, "end_when": 0, "always": None}


@pytest.fixture
def mug(store: Store) -> Variant:
    import_products(store, 1)
    Push.objects.all().delete()
    return Variant.objects.get()


def shown(rule: dict[str, Any], scope: str, **fields: Any) -> dict[str, Any]:
    """How a rule looks: ``fields`` are those that are not as in an empty one."""
    nothing = {"store_id": None, "listing_id": None, "variant_id": None, "category": ""}
    return {"id": rule["id"], "scope": scope, **nothing, **VALUES, **fields}


def test_a_rule_is_made_for_each_scope_and_all_are_listed(
    api: Api, store: Store, mug: Variant
) -> None:
    listing = Listing.objects.get()
    here = {"store": str(store.pk)}
    of_store = {"store_id": str(store.pk)}
    cases: list[tuple[dict[str, Any], str, dict[str, Any]]] = [
        ({"store": None, "buffer": 2}, "all stores of Acme", {"buffer": 2}),
        (
            {**here, "percent": 50, "max_listed": 9},
            "Example shop",
            {"percent": 50, "max_listed": 9},
        ),
        (
            {**here, "category": "Mugs", "end_when": 3},
            "the category “Mugs” in Example shop",
            {"category": "Mugs", "end_when": 3},
        ),
        (
            {**here, "sku": "sku-1", "always": 50},
            "SKU-1 in Example shop",
            {"variant_id": str(mug.pk), "always": 50},
        ),
        (
            {**here, "listing": str(listing.pk), "buffer": 0},
            "the listing SKU-1 in Example shop",
            {"listing_id": str(listing.pk)},
        ),
    ]
    wanted = []
    for body, scope, fields in cases:
        answer = api.post("/stock/rules", body)

        assert answer.status_code == 201, answer.content
        made = shown(answer.json(), scope, **(of_store if body["store"] else {}), **fields)
        assert answer.json() == made
        assert api.get(f"/stock/rules/{made['id']}").json() == made
        wanted.append(made)
    assert api.get("/stock/rules").json()["results"] == wanted
    assert api.get("/stock/rules", here).json()["results"] == wanted[1:]
    assert api.get("/stock/rules", {"category": "Mugs"}).json()["results"] == [wanted[2]]
    assert api.get("/stock/rules", {"variant": str(mug.pk)}).json()["results"] == [wanted[3]]
    assert api.get("/stock/rules", {"listing": str(listing.pk)}).json()["results"] == [wanted[4]]


def test_a_rule_is_changed_and_removed_and_stores_are_told_each_time(
    api: Api, store: Store, mug: Variant
) -> None:
    rule = api.post("/stock/rules", {"store": str(store.pk), "buffer": 2}).json()
    versions = [Push.objects.get().want_version]

    changed = api.patch(f"/stock/rules/{rule['id']}", {"buffer": 3, "max_listed": 5})
    versions.append(Push.objects.get().want_version)
    no_more = api.patch(f"/stock/rules/{rule['id']}", {"max_listed": None})
    versions.append(Push.objects.get().want_version)
    same = api.patch(f"/stock/rules/{rule['id']}", {"buffer": 3})
    removed = api.delete(f"/stock/rules/{rule['id']}")
    versions.append(Push.objects.get().want_version)

    assert changed.json() == {**rule, "buffer": 3, "max_listed": 5}
    assert no_more.json() == same.json() == {**rule, "buffer": 3}
    assert (removed.status_code, StockRule.objects.count()) == (204, 0)
    assert versions == [1, 2, 3, 4]
    said = AuditEvent.objects.filter(action__startswith="stockrule").order_by("pk")
    assert [event.action for event in said] == [
        "stockrule.added",
        "stockrule.changed",
        "stockrule.changed",
        "stockrule.deleted",
    ]
    assert {event.actor_kind for event in said} == {"token"}


def test_a_second_rule_of_a_scope_is_refused_and_names_the_scope(
    api: Api, store: Store, mug: Variant
) -> None:
    body = {"store": str(store.pk), "sku": "SKU-1"}
    api.post("/stock/rules", {**body, "buffer": 1})

    answer = api.post("/stock/rules", {**body, "buffer": 2})

    told = answer.json()
    assert (answer.status_code, told["code"], told["detail"]) == (
        409,
        "rule_taken",
        "There is a rule for SKU-1 in Example shop already. Change that one instead.",
    )
    assert StockRule.objects.get().buffer == 1


def test_a_rule_sent_twice_under_one_key_is_made_once(api: Api, store: Store) -> None:
    body = {"store": str(store.pk), "buffer": 1}

    first, again = (api.post("/stock/rules", body, Idempotency_Key="rule-1") for _ in range(2))

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({**ALL, "percent": 101}, "/percent", "max_value"),
        ({**ALL, "percent": -1}, "/percent", "min_value"),
        ({**ALL, "buffer": None}, "/buffer", "null"),
        ({**ALL, "buffer": 10**12}, "/buffer", "max_value"),
        ({**ALL, "buffers": 1}, "/buffers", "unknown"),
        ({}, "/store", "required"),
        ({"buffer": 1}, "/store", "required"),
        ({"sku": "SKU-1"}, "/store", "required"),
        ({"category": "Mugs"}, "/store", "required"),
        ({**ALL, "sku": "SKU-1", "buffer": 1}, "/store", "required"),
        (ALL, "", "nothing_said"),
        ({"store": "HERE"}, "", "nothing_said"),
        ({**ALL, "confirm": True}, "", "nothing_said"),
        ({"store": str(uuid4()), "buffer": 1}, "/store", "unknown"),
        ({"store": "HERE", "sku": "SKU-404", "buffer": 1}, "/sku", "unknown"),
        ({"store": "HERE", "variant": str(uuid4()), "buffer": 1}, "/variant", "unknown"),
        ({"store": "HERE", "listing": str(uuid4()), "buffer": 1}, "/listing", "unknown"),
        ({"store": "HERE", "category": " "}, "/category", "blank"),
        ({"store": "HERE", "category": "x" * 121}, "/category", "max_length"),
        ({"store": "HERE", "sku": "SKU-1", "category": "Mugs"}, "", "several_scopes"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_and_nobody_is_told(
    api: Api, store: Store, mug: Variant, body: dict[str, Any], pointer: str, code: str
) -> None:
    named = {k: str(store.pk) if v == "HERE" else v for k, v in body.items()}

    answer = api.post("/stock/rules", named)

    told = answer.json()
    assert answer.status_code == 400, told
    assert [(error["pointer"], error["code"]) for error in told["errors"]] == [(pointer, code)]
    assert not StockRule.objects.exists()
    assert not Push.objects.exists()


def test_a_listing_or_store_of_somebody_else_is_no_scope(
    api: Api, store: Store, merchant: Merchant
) -> None:
    other = factories.make_store(merchant, base_url="https://other.example")
    foreign = factories.make_store(factories.make_merchant("foreign"))
    gone = factories.make_store(merchant, base_url="https://gone.example", status="disconnected")
    import_products(other, 1)
    listing = Listing.objects.get()

    for body in (
        {"store": str(foreign.pk)},
        {"store": str(gone.pk)},
        {"store": str(store.pk), "listing": str(listing.pk)},
    ):
        assert (
            api.post("/stock/rules", {**body, "buffer": 1}).json()["errors"][0]["code"] == "unknown"
        ), body


def test_the_scope_of_a_rule_cannot_be_changed(api: Api, store: Store) -> None:
    rule = api.post("/stock/rules", {**ALL, "buffer": 1}).json()

    answer = api.patch(f"/stock/rules/{rule['id']}", {"store": str(store.pk)})

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "unknown")
