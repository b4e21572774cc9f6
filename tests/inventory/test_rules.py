"""Which stock rule holds: the narrowest, and the words that name it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from inventory.availability import targets
from inventory.catalogue import import_products
from inventory.models import Listing, StockRule, Variant
from tests.factories import NOW, make_product, make_store

pytestmark = pytest.mark.django_db


@pytest.fixture
def store() -> Any:
    """One listing, 10 on hand, in two categories."""
    store = make_store()
    import_products(
        store,
        [make_product(categories=("Mugs", "Kitchen"))],
        observed_at=NOW,
        now=NOW,
        adopt_stock=True,
    )
    return store


def shown(**suppose: Any) -> tuple[int | None, str]:
    listing = Listing.objects.get()
    found = targets([listing], suppose=StockRule(**suppose) if suppose else None)[listing.pk]
    return found.value, found.rule


def rule(of: Any, **fields: Any) -> StockRule:
    return StockRule.objects.create(merchant=of.merchant, **fields)


def test_the_narrowest_rule_wins_and_is_named(store: Any) -> None:
    listing, variant = Listing.objects.get(), Variant.objects.get()
    said = [shown()]
    for number, scope in enumerate(
        (
            {},
            {"store": store},
            {"store": store, "category": "Kitchen"},
            {"store": store, "category": "Mugs"},
            {"store": store, "variant": variant},
            {"store": store, "listing": listing},
        ),
        start=1,
    ):
        rule(store, max_listed=number, **scope)
        said.append(shown())

    assert said == [
        (10, "No rule: all that is free."),
        (1, "The rule of all stores."),
        (2, "The rule of the store."),
        (3, "The rule of the category “Kitchen”."),
        (4, "The rule of the category “Mugs”."),
        (5, "The rule of this SKU in the store."),
        (6, "The rule of this listing."),
    ]


def test_rules_of_others_say_nothing(store: Any) -> None:
    other = make_store(store.merchant, base_url="https://other.example")
    variant = Variant.objects.get()
    rule(store, store=other, max_listed=1)
    rule(store, store=other, variant=variant, max_listed=2)
    rule(store, store=other, category="Mugs", max_listed=3)
    rule(store, store=store, category="Scarves", max_listed=4)

    assert shown() == (10, "No rule: all that is free.")


def test_what_is_always_there_is_shown_whatever_is_counted(store: Any) -> None:
    rule(store, store=store, always=99)

    assert shown() == (99, "The rule of the store.")
    Listing.objects.update(variant=None)
    assert shown() == (99, "The rule of the store.")


def test_a_rule_can_be_supposed_without_being_kept(store: Any) -> None:
    assert shown(buffer=5) == (5, "The rule that is supposed.")
    assert shown(percent=50, max_listed=4) == (4, "The rule that is supposed.")
    assert not StockRule.objects.exists()


@pytest.mark.parametrize("scope", ["variant", "listing", "category"])
def test_a_rule_has_one_scope_and_there_is_one_of_each(store: Any, scope: str) -> None:
    value = {
        "variant": Variant.objects.get(),
        "listing": Listing.objects.get(),
        "category": "Mugs",
    }[scope]
    rule(store, store=store, **{scope: value})

    for broken in (
        {"store": store, scope: value},
        {scope: value},
        {"store": store, "listing": Listing.objects.get(), "category": "Mugs"},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            rule(store, **broken)
