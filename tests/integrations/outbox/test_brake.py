"""The brake on selling a store out by mistake."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations import outbox
from integrations.models import Push, Store
from integrations.outbox import brake, push
from integrations.outbox.reasons import Reason
from inventory import ledger
from inventory.ledger import Demand
from inventory.models import Listing, StockMovement, StockRule
from logix.accounts.models import AuditEvent
from logix.common.ids import uuid7
from tests.factories import NOW
from tests.integrations.outbox import toy
from tests.integrations.outbox.conftest import make_listings, make_toy_store, orders_read

READY, BLOCKED, IDLE = Push.State.READY, Push.State.BLOCKED, Push.State.IDLE


@pytest.fixture
def listings(store: Store, shop: toy.ToyShop) -> list[Listing]:
    """Sixty listings that show what is there."""
    made = make_listings(store, 60, stock=5)
    outbox.mark_listings([x.pk for x in made])
    outbox.send_pushes(store.pk)
    shop.calls.clear()
    return made


def hide_all(store: Store) -> StockRule:
    """A buffer that somebody mistyped."""
    rule = StockRule.objects.create(merchant=store.merchant, store=store, buffer=1000)
    outbox.mark_store(store.pk)
    due()
    return rule


def due() -> None:
    Push.objects.filter(state=READY).update(next_at=Now())


def states() -> dict[str, int]:
    found: dict[str, int] = {}
    for state in Push.objects.values_list("state", flat=True):
        found[state] = found.get(state, 0) + 1
    return found


def test_a_rule_that_would_sell_the_store_out_waits_for_a_person(
    store: Store, shop: toy.ToyShop, listings: list[Listing]
) -> None:
    hide_all(store)

    assert outbox.send_pushes(store.pk) == 0

    assert shop.stock_calls == []
    assert states() == {BLOCKED: 60}
    push = Push.objects.all()[0]
    assert push.problem_code == Reason.MASS_ZERO
    assert push.problem.startswith("60 of 60 listings of this store would fall to 0 at once")
    assert outbox.zeros_held_back(store.pk) == 60


def test_a_person_says_that_it_is_meant(
    store: Store, shop: toy.ToyShop, listings: list[Listing]
) -> None:
    hide_all(store)
    outbox.send_pushes(store.pk)

    assert outbox.send_the_zeros(store, actor="user:anna") == 60
    outbox.send_pushes(store.pk)

    assert set(shop.stock.values()) == {0}
    assert states() == {IDLE: 60}
    assert AuditEvent.objects.filter(action="outbox.zeros_confirmed").count() == 1
    assert outbox.send_the_zeros(store, actor="user:anna") == 0


def test_a_mistake_that_is_mended_goes_on_by_itself(
    store: Store, shop: toy.ToyShop, listings: list[Listing], pass_time: Callable[[float], None]
) -> None:
    rule = hide_all(store)
    outbox.send_pushes(store.pk)
    rule.delete()

    pass_time(brake.LOOK_AGAIN.total_seconds() + 1)
    outbox.sweep()
    orders_read(store)
    outbox.send_pushes(store.pk)

    assert set(shop.stock.values()) == {5}
    assert states() == {IDLE: 60}


def test_one_that_is_not_mended_waits_on(
    store: Store, shop: toy.ToyShop, listings: list[Listing], pass_time: Callable[[float], None]
) -> None:
    hide_all(store)
    outbox.send_pushes(store.pk)

    pass_time(brake.LOOK_AGAIN.total_seconds() + 1)
    outbox.sweep()
    orders_read(store)
    outbox.send_pushes(store.pk)

    assert shop.stock_calls == []
    assert states() == {BLOCKED: 60}


def test_a_part_of_many_that_wait_is_no_little(
    store: Store, shop: toy.ToyShop, listings: list[Listing]
) -> None:
    listings += make_listings(store, 60, first=60, stock=5)
    outbox.mark_listings([x.pk for x in listings])
    due()
    outbox.send_pushes(store.pk)
    shop.calls.clear()
    hide_all(store)
    outbox.send_pushes(store.pk)
    assert states() == {BLOCKED: 120}

    part = Push.objects.filter(listing__in=[x.pk for x in listings[:51]])
    part.update(state=READY, next_at=Now(), problem_code="")
    outbox.send_pushes(store.pk)

    assert shop.stock_calls == []
    assert states() == {BLOCKED: 120}


def test_what_was_sold_goes_out_however_much_it_is(
    store: Store, shop: toy.ToyShop, listings: list[Listing]
) -> None:
    sell(listings, 5)
    due()

    outbox.send_pushes(store.pk)

    assert set(shop.stock.values()) == {0}


def sell(listings: list[Listing], units: int, *, of: Store | None = None) -> None:
    """One order each, of the listing's own store or of another."""
    demands = [
        Demand(
            line_ref=(line := uuid7()),
            order_ref=line,
            store_id=(of or x.store).pk,
            variant_id=x.variant_id,  # type: ignore[arg-type]
            outstanding=units,
            shipped=0,
            placed_at=NOW,
        )
        for x in listings
    ]
    ledger.settle(listings[0].store.merchant_id, demands)


def test_one_unit_sold_of_each_does_not_explain_that_all_are_gone(
    store: Store, shop: toy.ToyShop, listings: list[Listing]
) -> None:
    sell(listings, 1)
    hide_all(store)

    outbox.send_pushes(store.pk)

    assert shop.stock_calls == []
    assert states() == {BLOCKED: 60}


def test_what_the_store_sold_before_its_figure_was_seen_explains_no_fall_from_it(
    store: Store, shop: toy.ToyShop, listings: list[Listing]
) -> None:
    """It sells for months and is never told a figure, because it lowers its own."""
    sell(listings, 3)
    long_ago = timezone.now() - timedelta(days=90)
    Push.objects.update(state=IDLE, pushed_at=long_ago, pushed_value=5)
    StockMovement.objects.filter(order_ref__isnull=False).update(at=long_ago + timedelta(days=1))
    Listing.objects.update(seen_quantity=2, seen_at=timezone.now() - timedelta(hours=1))
    hide_all(store)

    outbox.send_pushes(store.pk)

    assert shop.stock_calls == []
    assert states() == {BLOCKED: 60}


def test_what_other_stores_sold_since_it_was_told_explains_a_fall(
    store: Store, shop: toy.ToyShop, listings: list[Listing]
) -> None:
    """It could not be written for a while, and its figures were read meanwhile."""
    other = make_toy_store(merchant=store.merchant, base_url="https://two.example")
    hour_ago = timezone.now() - timedelta(hours=1)
    Push.objects.update(pushed_at=hour_ago)
    sell(listings, 5, of=other)
    StockMovement.objects.filter(order_ref__isnull=False).update(at=hour_ago + timedelta(minutes=9))
    Listing.objects.update(seen_at=timezone.now())
    due()

    outbox.send_pushes(store.pk)

    assert set(shop.stock.values()) == {0}


def test_a_mistake_made_while_much_is_sent_is_held_back_as_well(
    store: Store, shop: toy.ToyShop, listings: list[Listing]
) -> None:
    """The rule is mistyped between two calls of one task."""
    more = make_listings(store, 120, first=60, stock=9)
    outbox.mark_listings([x.pk for x in more])

    def mistype(call: Any) -> None:
        shop.before = lambda call: None
        hide_all(store)

    shop.before = mistype
    outbox.send_pushes(store.pk)

    due()
    outbox.send_pushes(store.pk)  # those that were on their way when it happened

    assert [value for call in shop.stock_calls for value in call.values() if value == 0] == []
    assert states() == {BLOCKED: 180}


def test_a_sale_of_everything_is_sent_batch_by_batch(
    store: Store, shop: toy.ToyShop, listings: list[Listing]
) -> None:
    more = make_listings(store, 240, first=60, stock=5)
    outbox.mark_listings([x.pk for x in more])
    outbox.send_pushes(store.pk)
    listings += more
    sell(listings, 5)
    due()

    outbox.send_pushes(store.pk)

    assert set(shop.stock.values()) == {0}
    assert states() == {IDLE: 300}
    assert Push.objects.filter(attempts__gt=0).count() == 0


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A look that computes ten is a large one. How many were computed at each look."""
    monkeypatch.setattr(brake, "LARGE", 10)
    monkeypatch.setattr(push, "_allowances", brake.Allowances())
    real, looks = brake.hold_back, list[int]()

    def hold_back(*told: Any) -> brake.Look:
        looks.append((found := real(*told)).computed)
        return found

    monkeypatch.setattr(brake, "hold_back", hold_back)
    return looks


def strict_somewhere(store: Store) -> None:
    """A rule that might leave nothing of what is there, so every figure has to be computed."""
    StockRule.objects.create(
        merchant=store.merchant, store=store, category="Of nothing here", buffer=1_000
    )


def test_of_what_there_is_plenty_nothing_is_computed(
    store: Store, shop: toy.ToyShop, listings: list[Listing], large: list[int]
) -> None:
    outbox.mark_listings([x.pk for x in listings])
    due()
    outbox.send_pushes(store.pk)

    assert large == [0]
    assert states() == {IDLE: 60}


def test_a_large_look_holds_for_the_tasks_that_follow(
    store: Store, shop: toy.ToyShop, listings: list[Listing], large: list[int]
) -> None:
    strict_somewhere(store)
    for _ in range(3):
        outbox.mark_listings([x.pk for x in listings])
        due()
        outbox.send_pushes(store.pk)

    assert large == [60]
    assert states() == {IDLE: 60}


def test_after_a_large_look_a_mistake_is_looked_at_all_the_same(
    store: Store, shop: toy.ToyShop, listings: list[Listing], large: list[int]
) -> None:
    strict_somewhere(store)
    outbox.mark_listings([x.pk for x in listings])
    due()
    outbox.send_pushes(store.pk)
    hide_all(store)

    outbox.send_pushes(store.pk)

    assert large == [60, 60]
    assert shop.stock_calls == []
    assert states() == {BLOCKED: 60}


def test_figures_that_do_not_fall_to_zero_are_no_matter(
    store: Store, shop: toy.ToyShop, listings: list[Listing]
) -> None:
    StockRule.objects.create(merchant=store.merchant, store=store, buffer=4)
    outbox.mark_store(store.pk)
    due()

    outbox.send_pushes(store.pk)

    assert set(shop.stock.values()) == {1}


def test_little_is_not_looked_at(store: Store, listings: list[Listing]) -> None:
    now: Any = Store.objects.annotate(now=Now()).get(pk=store.pk)

    with CaptureQueriesContext(connection) as queries:
        assert brake.hold_back(store, now.now).held == 0

    assert len(queries) == 1
