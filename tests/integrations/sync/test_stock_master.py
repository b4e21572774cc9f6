"""A store that counts its stock by itself: its figures become what is counted here, ours are not
told to it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from integrations import outbox, sync
from integrations.models import Push, Store, ToldFigure
from integrations.outbox.verdicts import Verdict
from integrations.platform import Compensation
from integrations.sync.requests import RunRefused
from inventory import ledger, locations
from inventory.models import (
    Listing,
    ListingMode,
    StockLevel,
    StockMovement,
    StockRule,
    Variant,
)
from logix.accounts.models import AuditEvent
from orders.data import Authority
from tests.factories import CANCELLED, COMPLETED, make_line, make_order, make_product
from tests.integrations.sync import toy
from tests.integrations.sync.conftest import make_moving_store

ANNA = "user:anna"
START = timezone.now() - timedelta(hours=1)


@pytest.fixture
def master(store: Store) -> Store:
    """Counts its stock by itself, and is writable; 10 mugs."""
    store.options = {"stock_master": "store"}
    store.writes_enabled = True
    store.stock_opened_at = START
    store.save()
    show(store, 10)
    return store


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def show(store: Store, units: int | None, *, minutes: float = 0, number: int = 1) -> None:
    """The store shows a figure of a mug, asked for at that time."""
    product = make_product(number, stock=units, changed_at=at(minutes))
    sync.apply_products(store, [product], observed_at=at(minutes), origin="poll")


def sell(store: Store, units: int, *, minutes: float, number: int = 1, **changes: Any) -> None:
    order = make_order(
        number,
        placed_at=at(minutes),
        changed_at=changes.pop("changed_at", at(minutes)),
        lines=(make_line(quantity=units),),
        **changes,
    )
    sync.apply_orders(
        store, [order], authority=Authority.BY_ID, observed_at=timezone.now(), origin="poll"
    )


def another(first: Store, name: str = "Second shop", **changes: Any) -> Store:
    store = make_moving_store(
        merchant=first.merchant,
        name=name,
        base_url=f"https://{name.split()[0].lower()}.example",
        **{"writes_enabled": True, "stock_opened_at": START, **changes},
    )
    show(store, 3)
    return store


def level() -> StockLevel:
    return StockLevel.objects.get(variant__sku="SKU-1")


def counted() -> tuple[int, int]:
    """On hand, and free."""
    return level().on_hand, level().free


def of(store: Store) -> Listing:
    return Listing.objects.get(store=store, external_product_id="p1")


def item(store: Store) -> Variant:
    found = of(store).variant
    assert found is not None
    return found


def read_again() -> int:
    """The clock comes by after a while."""
    ToldFigure.objects.filter(next_at__isnull=False).update(
        next_at=timezone.now() - timedelta(seconds=1)
    )
    return sync.confirm_zeros()


# -- figures come in


def test_what_the_store_shows_is_counted_here_with_its_cause(master: Store) -> None:
    show(master, 7, minutes=1)

    movement = StockMovement.objects.filter(variant__sku="SKU-1").latest("at")
    assert counted() == (7, 7)
    assert (movement.kind, movement.before, movement.after) == ("count", 10, 7)
    assert movement.reason == "Example shop shows 7 (poll)"
    assert movement.cause.startswith(f"told:{master.pk.hex}:")
    assert movement.actor == "platform"


def test_no_figure_is_told_to_a_master(master: Store, shop: toy.MovingShop) -> None:
    show(master, 7, minutes=1)
    outbox.mark_dirty([item(master).pk])
    outbox.mark_store(master.pk)

    (shown,) = outbox.facts_of(item(master)).shown
    assert not Push.objects.exists()
    assert shown.verdict is Verdict.LEFT_ALONE
    assert "Example shop is master of its stock" in shown.words


def test_other_stores_follow_the_master(master: Store) -> None:
    second = another(master)
    Push.objects.all().update(state=Push.State.IDLE)

    show(master, 4, minutes=1)

    push = Push.objects.get(store=second)
    (shown,) = [x for x in outbox.facts_of(item(second)).shown if x.listing.store == second]
    assert (push.state, shown.target.value) == (Push.State.READY, 4)
    assert counted() == (4, 4)


def test_an_order_of_the_master_lowers_stock_once_whichever_comes_first(master: Store) -> None:
    sell(master, 2, minutes=1)
    assert counted() == (10, 8)
    show(master, 8, minutes=2)
    assert counted() == (10, 8)

    show(master, 5, minutes=4)
    assert counted() == (7, 5)
    sell(master, 3, minutes=3, number=2)
    assert counted() == (10, 5)


def test_an_order_placed_after_the_figure_was_read_lowers_what_is_free(master: Store) -> None:
    show(master, 9, minutes=1)
    sell(master, 2, minutes=2)

    assert counted() == (9, 7)


def test_the_last_unit_sold_before_its_order_is_read_is_no_oversell(master: Store) -> None:
    show(master, 2, minutes=1)
    show(master, 1, minutes=3)

    sell(master, 1, minutes=2)

    assert counted() == (2, 1)
    assert not outbox.facts_of(item(master)).short


def test_what_has_shipped_since_the_figure_was_read_is_gone(master: Store) -> None:
    show(master, 9, minutes=1)
    sell(master, 2, minutes=2)
    sell(master, 2, minutes=2, word="completed", status=COMPLETED, changed_at=at(3))
    assert counted() == (7, 7)

    sell(master, 1, minutes=4, number=2)

    assert counted() == (7, 6)


def test_a_cancelled_order_gives_back_when_the_store_says_so(master: Store) -> None:
    sell(master, 2, minutes=1)
    show(master, 8, minutes=2)
    sell(master, 2, minutes=1, word="cancelled", status=CANCELLED, changed_at=at(3))
    show(master, 10, minutes=4)

    assert counted() == (10, 10)


def test_orders_of_other_stores_keep_their_units(master: Store) -> None:
    second = another(master)
    sell(second, 3, minutes=1)

    show(master, 8, minutes=2)

    assert counted() == (8, 5)


def test_a_figure_older_than_the_last_is_not_taken(master: Store) -> None:
    show(master, 7, minutes=5)
    show(master, 9, minutes=4)

    assert counted() == (7, 7)


def test_a_figure_the_store_does_not_tell_is_no_zero(master: Store) -> None:
    show(master, None, minutes=1)

    assert counted() == (10, 10)
    assert not ToldFigure.objects.exists()


def test_before_stock_is_opened_nothing_is_taken(store: Store) -> None:
    store.options = {"stock_master": "store"}
    store.save()

    show(store, 10)

    assert not StockMovement.objects.exists()


def test_a_new_listing_of_an_item_that_is_counted_brings_its_figure(store: Store) -> None:
    hub = another(store, "Hub shop")
    store.options, store.stock_opened_at = {"stock_master": "store"}, START
    store.save()
    assert counted() == (3, 3)

    show(store, 10)

    assert counted() == (10, 10)
    assert Push.objects.filter(store=hub).exists()


def test_what_is_fixed_or_always_shown_is_no_count(master: Store) -> None:
    Listing.objects.update(mode=ListingMode.FIXED, fixed_quantity=99)
    show(master, 99, minutes=1)
    Listing.objects.update(mode=ListingMode.NORMAL)
    StockRule.objects.create(merchant=master.merchant, store=master, always=50)
    show(master, 50, minutes=2)

    assert counted() == (10, 10)


def test_a_figure_of_several_places_is_spread_over_them(master: Store) -> None:
    upstairs = locations.create(master.merchant_id, code="up", name="Upstairs")
    ledger.adjust(variant=item(master), location=upstairs, set_to=4, reason="", actor=ANNA)

    show(master, 2, minutes=1)
    ordered = StockLevel.objects.order_by("location__rank", "location__code")
    assert sorted(x.on_hand for x in ordered) == [0, 2]
    show(master, 9, minutes=2)

    assert sum(x.on_hand for x in ordered.all()) == 9


# -- zeros


def test_a_zero_that_nothing_explains_is_read_once_more(
    master: Store, shop: toy.MovingShop
) -> None:
    show(master, 0, minutes=1)
    assert counted() == (10, 10)
    assert ToldFigure.objects.get().was == 10

    shop.products["p1"] = make_product(1, stock=0, changed_at=at(1))
    assert read_again() == 1

    assert counted() == (0, 0)
    assert StockMovement.objects.latest("at").reason == "Example shop shows 0 (read twice)"
    assert shop.asked_ids == ["p1"]


def test_a_zero_that_is_none_at_the_second_look_is_not_believed(
    master: Store, shop: toy.MovingShop
) -> None:
    show(master, 0, minutes=1)
    shop.products["p1"] = make_product(1, stock=6, changed_at=at(2))

    read_again()

    assert counted() == (6, 6)
    assert not ToldFigure.objects.exists()


def test_a_zero_that_an_order_explains_is_taken_with_the_order(master: Store) -> None:
    show(master, 0, minutes=2)
    assert ToldFigure.objects.exists()

    sell(master, 10, minutes=1)

    assert counted() == (10, 0)
    assert not ToldFigure.objects.exists()


def test_a_store_that_shows_nothing_but_zeros_stops_and_asks(
    master: Store, shop: toy.MovingShop
) -> None:
    many = range(1, 61)
    for number in many:
        show(master, 10, number=number)
    for number in many:
        show(master, 0, number=number, minutes=1)

    assert read_again() == 0

    assert sync.zeros_held(master) == 60
    assert "60 of 60 listings of this store show 0 at once" in ToldFigure.objects.all()[0].problem
    assert set(StockLevel.objects.values_list("on_hand", flat=True)) == {10}
    assert not shop.asked_ids

    assert sync.believe_the_zeros(master, actor=ANNA) == 60
    assert set(StockLevel.objects.values_list("on_hand", flat=True)) == {0}
    assert AuditEvent.objects.get(action="stock.zeros_believed").details == {"listings": 60}
    assert not ToldFigure.objects.exists()


def test_zeros_cannot_slip_by_few_at_a_time(master: Store, shop: toy.MovingShop) -> None:
    for number in range(1, 61):
        show(master, 10, number=number)
    for number in range(1, 61):
        show(master, 0, number=number, minutes=1)
        shop.products[f"p{number}"] = make_product(number, stock=0, changed_at=at(1))
        if number == 40:
            assert read_again() == 40

    assert read_again() == 0
    assert sync.zeros_held(master) == 20


# -- who counts


def test_switching_to_the_store_does_what_its_dry_run_said(store: Store) -> None:
    store.writes_enabled, store.stock_opened_at = True, START
    store.save()
    for number in (1, 2, 3):
        show(store, 10, number=number)
    show(store, 12, minutes=1)
    show(store, 0, minutes=1, number=2)
    before = list(StockMovement.objects.values_list("pk"))

    tried = sync.set_stock_master(store, "store", actor=ANNA, dry_run=True)

    store.refresh_from_db()
    assert (tried.listings, tried.counted, tried.equal, tried.zeros) == (3, 1, 1, 1)
    assert not tried.is_done
    assert sync.master_of(store) == "hub"
    assert list(StockMovement.objects.values_list("pk")) == before
    assert not AuditEvent.objects.filter(action="store.stock_master_changed").exists()

    done = sync.set_stock_master(store, "store", actor=ANNA)

    counts = ("listings", "counted", "equal", "zeros", "elsewhere", "rest", "told")
    assert [getattr(done, x) for x in counts] == [getattr(tried, x) for x in counts]
    assert [(x.shows, x.before, x.after) for x in done.named] == [(0, 10, 0), (12, 10, 12)]
    assert counted() == (12, 12)
    assert sync.master_of(store) == "store"
    assert not Push.objects.exclude(state=Push.State.IDLE).exists()
    event = AuditEvent.objects.get(action="store.stock_master_changed")
    assert event.details == {"from": "hub", "to": "store", "counted": 1, "told": 0}


def test_switching_back_tells_the_store_our_figures_again(master: Store) -> None:
    show(master, 10, number=2)
    ledger.adjust(
        variant=item(master),
        location=locations.default(master.merchant_id),
        set_to=4,
        reason="counted",
        actor=ANNA,
    )
    tried = sync.set_stock_master(master, "hub", actor=ANNA, dry_run=True)
    assert not Push.objects.exists()

    done = sync.set_stock_master(master, "hub", actor=ANNA)

    assert (tried.told, done.told) == (1, 1)
    assert set(Push.objects.values_list("state", flat=True)) == {Push.State.READY}
    assert not master.is_stock_master


def test_a_switch_to_what_is_so_already_is_refused(master: Store) -> None:
    with pytest.raises(RunRefused, match="counts its stock by itself already"):
        sync.set_stock_master(master, "store", actor=ANNA)


def test_a_store_whose_figure_is_not_what_it_sells_cannot_count(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = replace(toy.CARD, compensation=Compensation.OPEN_ORDERS)
    monkeypatch.setattr("tests.integrations.sync.toy.CARD", card)

    with pytest.raises(RunRefused, match="takes units off by itself"):
        sync.set_stock_master(store, "store", actor=ANNA)


def test_of_two_masters_the_first_counts_and_the_other_is_told(master: Store) -> None:
    second = another(master)
    done = sync.set_stock_master(second, "store", actor=ANNA)

    assert (done.counted, done.elsewhere) == (0, 1)
    show(second, 2, minutes=1)
    assert counted() == (10, 10)
    told = Push.objects.get()
    assert (told.store, told.state) == (second, Push.State.READY)
