"""Every change of a stock rule can be put back, and so can the putting back."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.models import Push
from inventory import restoring, ruling
from inventory.catalogue import import_products
from inventory.errors import PutBackRefused
from inventory.models import Listing, StockRule, Variant
from logix.accounts import audit
from logix.accounts.models import AuditEvent
from tests.factories import NOW, make_product, make_store

pytestmark = pytest.mark.django_db

BY = "user:anna"
PLAIN = {"buffer": 0, "percent": 100, "max_listed": None, "end_when": 0, "always": None}


@pytest.fixture
def store() -> Any:
    store = make_store()
    import_products(store, [make_product(1)], observed_at=NOW, now=NOW, adopt_stock=True)
    Push.objects.all().delete()
    return store


def last() -> AuditEvent:
    return AuditEvent.objects.filter(object_type="inventory.stockrule").latest("pk")


def said() -> list[dict[str, int | None]]:
    return [ruling.values_of(rule) for rule in StockRule.objects.all()]


def test_what_was_added_changed_or_removed_is_put_back_and_back_again(store: Any) -> None:
    for scope in (
        {},
        {"store": store},
        {"store": store, "category": "Mugs"},
        {"store": store, "variant": Variant.objects.get()},
        {"store": store, "listing": Listing.objects.get()},
    ):
        rule = ruling.create(store.merchant, **scope, buffer=1, actor=BY)
        added = last()
        restoring.put_back(added, actor=BY)
        assert said() == []
        restoring.put_back(last(), actor=BY)
        assert said() == [{**PLAIN, "buffer": 1}]

        rule = StockRule.objects.get()
        ruling.change(rule, buffer=5, max_listed=2, actor=BY)
        changed = last()
        restoring.put_back(changed, actor=BY)
        assert said() == [{**PLAIN, "buffer": 1}]

        ruling.remove(rule, actor=BY)
        removed = last()
        restoring.put_back(removed, actor=BY)
        back = StockRule.objects.get()
        for name in ("store_id", "listing_id", "variant_id", "category"):
            assert getattr(back, name) == getattr(rule, name)
        assert said() == [{**PLAIN, "buffer": 1}]
        assert last().details["puts_back"] == removed.sequence
        assert Push.objects.exists(), "its stores are told"
        ruling.remove(back, actor=BY)
        Push.objects.all().delete()


def test_it_says_what_would_change_and_changes_nothing(store: Any) -> None:
    rule = ruling.create(store.merchant, store=store, buffer=1, actor=BY)
    ruling.change(rule, percent=0, actor=BY)

    found = restoring.look(last())

    assert (found.now, found.then) == (
        {**PLAIN, "buffer": 1, "percent": 0},
        {**PLAIN, "buffer": 1},
    )
    assert ruling.scope_of(found.scope) == "Example shop"
    assert StockRule.objects.get().percent == 0


def test_a_change_of_a_rule_that_was_removed_since_makes_it_again(store: Any) -> None:
    rule = ruling.create(store.merchant, store=store, buffer=1, actor=BY)
    ruling.change(rule, buffer=9, actor=BY)
    changed = last()
    ruling.remove(rule, actor=BY)

    restoring.put_back(changed, actor=BY)

    assert said() == [{**PLAIN, "buffer": 1}]


def test_what_cannot_be_put_back_says_why(store: Any) -> None:
    listing = Listing.objects.get()
    ruling.create(store.merchant, store=store, listing=listing, buffer=1, actor=BY)
    rule = StockRule.objects.get()
    ruling.remove(rule, actor=BY)
    removed = last()
    restoring.put_back(removed, actor=BY)
    with pytest.raises(PutBackRefused, match="is as it was before"):
        restoring.put_back(removed, actor=BY)

    Push.objects.all().delete()
    listing.delete()
    with pytest.raises(PutBackRefused, match="no longer there"):
        restoring.put_back(removed, actor=BY)

    other = audit.record("store.changed", actor=BY, merchant=store.merchant, obj=store)
    with pytest.raises(PutBackRefused, match="does not keep"):
        restoring.put_back(other, actor=BY)
    assert not restoring.is_change(other)


def test_a_masked_category_is_not_taken_for_one(store: Any) -> None:
    ruling.create(store.merchant, store=store, category="code: 4711", buffer=1, actor=BY)

    with pytest.raises(PutBackRefused, match="masked"):
        restoring.put_back(last(), actor=BY)
