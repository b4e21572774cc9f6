"""Stock rules are written in one place: one of a scope, noted, and the stores it holds for are told
anew.
"""

from __future__ import annotations

from typing import Any

import pytest

from integrations.models import Push
from inventory import ruling
from inventory.catalogue import import_products
from inventory.errors import RuleTaken
from inventory.models import Listing, StockRule, Variant
from logix.accounts.models import AuditEvent
from tests.factories import NOW, make_product, make_store

pytestmark = pytest.mark.django_db

BY = "user:anna"


@pytest.fixture
def store() -> Any:
    """Two listings, the first of them in the category “Mugs”."""
    store = make_store()
    products = [make_product(1, categories=("Mugs",)), make_product(2)]
    import_products(store, products, observed_at=NOW, now=NOW, adopt_stock=True)
    Push.objects.all().delete()
    return store


@pytest.fixture
def other(store: Any) -> Any:
    """The same SKU in a second store of the merchant."""
    other = make_store(store.merchant, base_url="https://other.example", name="Other shop")
    import_products(other, [make_product(1)], observed_at=NOW, now=NOW)
    Push.objects.all().delete()
    return other


def told() -> set[tuple[str, str]]:
    """(store, SKU) of the listings whose figure is to be looked at."""
    rows = Push.objects.values_list("store__name", "listing__sku")
    found = set(rows)
    Push.objects.all().delete()
    return found


def mug() -> Variant:
    return Variant.objects.get(sku="SKU-1")


def test_exactly_the_stores_and_listings_a_rule_may_hold_for_are_told(
    store: Any, other: Any
) -> None:
    listing = Listing.objects.get(store=other)
    here = {("Example shop", "SKU-1"), ("Example shop", "SKU-2")}
    there = {("Other shop", "SKU-1")}
    cases: list[tuple[dict[str, Any], set[tuple[str, str]]]] = [
        ({}, here | there),
        ({"store": store}, here),
        ({"store": store, "category": "Mugs"}, here),
        ({"store": store, "variant": mug()}, {("Example shop", "SKU-1")}),
        ({"store": other, "listing": listing}, there),
    ]
    for scope, concerned in cases:
        rule = ruling.create(store.merchant, **scope, buffer=1, actor=BY)
        assert told() == concerned, scope
        ruling.change(rule, buffer=2, actor=BY)
        assert told() == concerned, scope
        ruling.remove(rule, actor=BY)
        assert told() == concerned, scope
    assert not StockRule.objects.exists()


def test_a_change_to_what_is_so_already_tells_nobody(store: Any) -> None:
    rule = ruling.create(store.merchant, buffer=1, actor=BY)
    told()

    ruling.change(rule, buffer=1, percent=100, actor=BY)

    assert told() == set()
    assert not AuditEvent.objects.filter(action="stockrule.changed").exists()


def test_a_second_rule_of_a_scope_is_refused_and_tells_nobody(store: Any, other: Any) -> None:
    listing = Listing.objects.get(store=other)
    scopes: list[tuple[dict[str, Any], str]] = [
        ({}, "all stores of Acme"),
        ({"store": store}, "Example shop"),
        ({"store": store, "category": "Mugs"}, "the category “Mugs” in Example shop"),
        ({"store": store, "variant": mug()}, "SKU-1 in Example shop"),
        ({"store": other, "listing": listing}, "the listing SKU-1 in Other shop"),
    ]
    for scope, words in scopes:
        ruling.create(store.merchant, **scope, actor=BY)
        told()
        with pytest.raises(RuleTaken) as refused:
            ruling.create(store.merchant, **scope, buffer=3, actor=BY)
        assert str(refused.value) == (
            f"There is a rule for {words} already. Change that one instead."
        )
        assert told() == set()
    assert StockRule.objects.count() == len(scopes)


def test_every_change_of_a_rule_stands_in_the_audit_log(store: Any) -> None:
    rule = ruling.create(store.merchant, store=store, buffer=1, actor=BY)
    ruling.change(rule, buffer=3, max_listed=9, actor=BY)
    ruling.remove(rule, actor=BY)

    said = AuditEvent.objects.filter(object_type="inventory.stockrule").order_by("pk")
    values = {"percent": 100, "end_when": 0, "always": None}
    nothing = {"listing": None, "variant": None, "category": ""}
    told = {"scope": {"store": str(store.pk), **nothing}, "listings": 2}
    first = {"buffer": 1, "max_listed": None, **values}
    then = {"buffer": 3, "max_listed": 9, **values}
    assert [(event.action, event.actor, event.details) for event in said] == [
        (
            "stockrule.added",
            "anna",
            {"for": "Example shop", **first, **told, "was": None},
        ),
        (
            "stockrule.changed",
            "anna",
            {
                "for": "Example shop",
                "buffer": {"from": 1, "to": 3},
                "max_listed": {"from": None, "to": 9},
                **told,
                "was": first,
            },
        ),
        (
            "stockrule.deleted",
            "anna",
            {"for": "Example shop", **then, **told, "was": then},
        ),
    ]
    assert {event.object_id for event in said} == {str(rule.pk)}


def test_a_figure_that_is_always_the_same_is_told_for_what_is_not_linked_too(store: Any) -> None:
    Listing.objects.filter(sku="SKU-2").update(variant=None)

    rule = ruling.create(store.merchant, store=store, buffer=1, actor=BY)
    assert told() == {("Example shop", "SKU-1")}

    ruling.change(rule, always=99, actor=BY)
    assert told() == {("Example shop", "SKU-1"), ("Example shop", "SKU-2")}


def test_an_item_that_comes_into_another_category_is_told_the_figure_of_its_rule(
    store: Any,
) -> None:
    moved = make_product(1, categories=("Sale",), changed_at=NOW.replace(hour=13))
    import_products(store, [moved], observed_at=moved.changed_at, now=NOW)
    assert told() == set(), "no rule asks for categories"
    ruling.create(store.merchant, store=store, category="Mugs", max_listed=1, actor=BY)
    told()

    back = make_product(1, categories=("Mugs",), changed_at=NOW.replace(hour=14))
    import_products(store, [back], observed_at=back.changed_at, now=NOW)

    assert told() == {("Example shop", "SKU-1")}
