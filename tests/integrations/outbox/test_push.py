"""Sending stock figures: coalescing, fences, refusals of lines and of stores, the gate, crashes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from integrations import outbox
from integrations.errors import (
    AuthenticationFailed,
    Misconfigured,
    OutcomeUnknown,
    PermissionMissing,
    RateLimited,
    Rejected,
    Unavailable,
)
from integrations.models import Push, Store, StoreStatus, Stream
from integrations.outbox import claims, gate
from integrations.outbox.reasons import Reason
from inventory.models import Listing, ListingMode, StockLevel, Variant
from tests.integrations.outbox import toy
from tests.integrations.outbox.conftest import (
    Rung,
    make_listing,
    make_listings,
    make_toy_store,
    orders_read,
    push_of,
    set_stock,
)

Shift = Callable[[float], None]
READY, IDLE, BUSY, BLOCKED = (
    Push.State.READY,
    Push.State.IDLE,
    Push.State.BUSY,
    Push.State.BLOCKED,
)


def raising(error: Exception) -> Callable[[Any], None]:
    def fail(call: Any) -> None:
        raise error

    return fail


def wanted(listings: list[Listing], store: Store) -> None:
    outbox.mark_dirty([x.variant_id for x in listings], store_id=store.pk)


def test_a_change_reaches_the_store_and_is_kept(store: Store, shop: toy.ToyShop) -> None:
    listing = make_listings(store, 1)[0]
    set_stock(listing, 7)

    assert outbox.send_pushes(store.pk) == 1

    push = push_of(listing)
    listing.refresh_from_db()
    assert shop.stock_calls == [{listing.stock_ref: 7}]
    assert (push.state, push.sent_version, push.attempts) == (IDLE, push.want_version, 0)
    assert (push.pushed_value, push.dirty_since, push.next_at) == (7, None, None)
    assert (listing.seen_quantity, listing.seen_at) == (7, push.pushed_at)
    assert outbox.send_pushes(store.pk) == 0


def test_a_thousand_changes_are_two_pushes(
    store: Store, shop: toy.ToyShop, pass_time: Shift
) -> None:
    listing = make_listings(store, 1)[0]
    set_stock(listing, 999)
    outbox.send_pushes(store.pk)
    for _ in range(998):
        outbox.mark_dirty([listing.variant_id])
        if _ % 50 == 0:
            outbox.send_pushes(store.pk)
    set_stock(listing, 3)
    assert push_of(listing).want_version == 1000

    pass_time(1.1)
    outbox.send_pushes(store.pk)

    assert shop.stock_calls == [{listing.stock_ref: 999}, {listing.stock_ref: 3}]
    assert push_of(listing).state == IDLE


def test_a_change_during_the_call_is_sent_after_it(
    store: Store, shop: toy.ToyShop, pass_time: Shift, rung: Rung
) -> None:
    listing = make_listings(store, 1)[0]
    set_stock(listing, 7)

    def sell(call: Any) -> None:
        shop.before = lambda call: None
        set_stock(listing, 6)

    shop.before = sell
    outbox.send_pushes(store.pk)
    behind = push_of(listing)
    pass_time(1.1)
    outbox.send_pushes(store.pk)

    assert (behind.state, behind.want_version - behind.sent_version) == (READY, 1)
    assert [x[listing.stock_ref] for x in shop.stock_calls] == [7, 6]
    assert push_of(listing).state == IDLE


def test_a_figure_that_is_so_already_costs_no_call(store: Store, shop: toy.ToyShop) -> None:
    listing = make_listings(store, 1, stock=10)[0]
    Listing.objects.update(seen_quantity=10, seen_at=Now())
    wanted([listing], store)

    assert outbox.send_pushes(store.pk) == 1

    assert (shop.opened, shop.calls) == (0, [])
    assert (push_of(listing).state, push_of(listing).pushed_value) == (IDLE, None)


def test_a_figure_seen_before_our_last_write_proves_nothing(
    store: Store, shop: toy.ToyShop, pass_time: Shift
) -> None:
    listing = make_listings(store, 1)[0]
    set_stock(listing, 5)
    outbox.send_pushes(store.pk)
    pass_time(60)
    Listing.objects.update(
        seen_quantity=4, seen_at=push_of(listing).pushed_at - timedelta(seconds=1)
    )
    set_stock(listing, 4)

    outbox.send_pushes(store.pk)

    assert shop.stock[listing.stock_ref] == 4


def test_what_must_not_be_written_is_left_alone_and_says_why(
    store: Store, shop: toy.ToyShop
) -> None:
    ignored, uncounted, gone = make_listings(store, 3)
    Listing.objects.filter(pk=ignored.pk).update(mode=ListingMode.IGNORE)
    StockLevel.objects.filter(variant=uncounted.variant).update(counted_at=None)
    wanted([ignored, uncounted, gone], store)
    Listing.objects.filter(pk=gone.pk).update(gone_at=Now())

    assert outbox.send_pushes(store.pk) == 3

    assert shop.calls == []
    assert {(p.state, p.problem_code) for p in Push.objects.all()} == {
        (IDLE, Reason.NOT_WRITTEN),
        (IDLE, Reason.LISTING_GONE),
    }
    assert push_of(ignored).problem == "This listing is never written by Logix."


def test_listings_that_share_a_figure_are_one_write_of_the_smallest(
    store: Store, shop: toy.ToyShop
) -> None:
    first = make_listings(store, 1, stock=9)[0]
    second = make_listing(
        store,
        Variant.objects.create(
            merchant=store.merchant, product=first.variant.product, counted_as=first.variant
        ),
        external_variant_id="second",
        stock_ref=first.stock_ref,
    )
    fixed = make_listing(
        store,
        first.variant,
        external_variant_id="third",
        stock_ref=first.stock_ref,
        mode=ListingMode.FIXED,
        fixed_quantity=4,
    )
    wanted([first], store)

    assert outbox.send_pushes(store.pk) == 3

    assert shop.stock_calls == [{first.stock_ref: 4}]
    assert {push_of(x).pushed_value for x in (first, second, fixed)} == {4}


def test_one_refused_line_of_250_costs_only_itself(
    store: Store, shop: toy.ToyShop, django_assert_max_num_queries: Any
) -> None:
    listings = make_listings(store, 250)
    bad = listings[17]
    shop.refused[bad.stock_ref] = ("stock_not_managed", "Stock is not managed for this product.")
    wanted(listings, store)

    with django_assert_max_num_queries(34):
        assert outbox.send_pushes(store.pk) == 249

    assert len(shop.stock_calls) == 1
    push = push_of(bad)
    assert (push.state, push.problem_code) == (BLOCKED, "stock_not_managed")
    assert push.problem == "Stock is not managed for this product."
    assert Push.objects.filter(state=IDLE).count() == 249


def test_a_line_the_adapter_did_not_get_to_is_tried_again(
    store: Store, shop: toy.ToyShop, now: Any
) -> None:
    listings = make_listings(store, 2)
    shop.refused[listings[1].stock_ref] = ("rate_limited", "The store asked to slow down.")
    wanted(listings, store)
    before = now()

    outbox.send_pushes(store.pk)

    push = push_of(listings[1])
    assert (push.state, push.attempts, push.problem_code) == (READY, 0, "rate_limited")
    assert push.next_at > before, "the pause is drawn by chance, and may be over by now"


def test_a_refused_call_is_halved_until_the_bad_line_stands_alone(
    store: Store, shop: toy.ToyShop
) -> None:
    listings = make_listings(store, 16)
    bad = listings[5]

    def refuse(call: Any) -> None:
        if bad.stock_ref in call[1]:
            raise Rejected("Invalid product id.", code="invalid_id")

    shop.before = refuse
    wanted(listings, store)

    assert outbox.send_pushes(store.pk) == 15

    assert push_of(bad).problem_code == "invalid_id"
    assert len(shop.stock) == 15
    assert len(shop.stock_calls) == 9  # 16, 8, 4, 2, 1 and the good halves


def test_a_rate_limit_keeps_the_place_and_counts_no_attempt(
    store: Store, shop: toy.ToyShop, pass_time: Shift, now: Any, noted: list[Exception]
) -> None:
    early, late = make_listings(store, 2)
    wanted([early], store)
    shop.before = raising(RateLimited("Slow down.", retry_after_s=30))
    outbox.send_pushes(store.pk)
    wanted([early, late], store)

    limited = push_of(early)
    assert (limited.state, limited.attempts, limited.problem_code) == (READY, 0, "rate_limited")
    assert timedelta(seconds=29) < limited.next_at - now() <= timedelta(seconds=30)

    pass_time(31)
    order: list[str] = []
    shop.before = lambda call: order.extend(call[1])
    outbox.send_pushes(store.pk)

    assert order == [early.stock_ref, late.stock_ref]


def test_a_store_that_is_down_is_left_alone_with_all_its_pushes(
    store: Store, shop: toy.ToyShop, now: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("integrations.policy.next_delay_s", lambda *a, **k: 20.0)
    listings = make_listings(store, 260)
    wanted(listings, store)
    shop.before = raising(Unavailable("The store did not answer."))

    outbox.send_pushes(store.pk)
    outbox.send_pushes(store.pk)

    assert len(shop.calls) == 1
    assert (
        Push.objects.filter(state=READY, next_at__gt=now() + timedelta(seconds=15)).count() == 260
    )
    assert Push.objects.filter(attempts=1).count() == 250
    assert Push.objects.filter(attempts=0).count() == 10


def test_an_unknown_outcome_sends_the_same_absolute_figure_again(
    store: Store, shop: toy.ToyShop, pass_time: Shift
) -> None:
    listing = make_listings(store, 1)[0]
    set_stock(listing, 7)
    shop.after = raising(OutcomeUnknown("The answer was lost."))
    outbox.send_pushes(store.pk)
    assert (push_of(listing).state, push_of(listing).attempts) == (READY, 1)

    shop.after = lambda call: None
    pass_time(5)
    outbox.send_pushes(store.pk)

    assert shop.stock_calls == [{listing.stock_ref: 7}] * 2
    assert (push_of(listing).state, push_of(listing).attempts) == (IDLE, 0)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (
            AuthenticationFailed("The key was refused.", code="no_credentials"),
            "authentication_failed",
        ),
        (PermissionMissing("The key may only read."), "permission_missing"),
        (Misconfigured("The store's address redirects."), "misconfigured"),
    ],
)
def test_what_somebody_must_mend_blocks_the_whole_store_with_the_sentence(
    store: Store, shop: toy.ToyShop, noted: list[Exception], error: Any, code: str
) -> None:
    wanted(make_listings(store, 300), store)
    shop.before = raising(error)

    outbox.send_pushes(store.pk)
    outbox.send_pushes(store.pk)

    assert len(shop.calls) == 1
    assert noted == [error]
    assert set(Push.objects.values_list("state", "problem_code", "problem")) == {
        (BLOCKED, code, error.message)
    }


def test_a_mistake_of_ours_is_tried_again_and_parked_in_the_end(
    store: Store, shop: toy.ToyShop, pass_time: Shift, caplog: pytest.LogCaptureFixture
) -> None:
    listing = make_listings(store, 1)[0]
    wanted([listing], store)
    shop.before = raising(ZeroDivisionError("a secret in the text"))

    for _ in range(14):
        outbox.send_pushes(store.pk)
        pass_time(100_000)
        orders_read(store)

    push = push_of(listing)
    assert len(shop.calls) == 12
    assert (push.state, push.problem_code) == (BLOCKED, Reason.TOO_MANY_ATTEMPTS)
    assert "secret" not in push.problem


def test_writes_off_means_no_request_at_all(
    store: Store, shop: toy.ToyShop, pass_time: Shift
) -> None:
    listing = make_listings(store, 1)[0]
    wanted([listing], store)
    Store.objects.update(writes_enabled=False)

    assert outbox.send_pushes(store.pk) == 0

    assert (shop.opened, shop.calls) == (0, [])
    assert (push_of(listing).state, push_of(listing).problem_code) == (BLOCKED, Reason.WRITES_OFF)

    Store.objects.update(writes_enabled=True)
    outbox.sweep()
    assert outbox.send_pushes(store.pk) == 1
    assert shop.stock == {listing.stock_ref: 10}


@pytest.mark.parametrize("status", [StoreStatus.PAUSED, StoreStatus.NEEDS_MERCHANT])
def test_a_store_that_may_not_be_called_keeps_its_pushes_ready(
    store: Store, shop: toy.ToyShop, status: StoreStatus
) -> None:
    listing = make_listings(store, 1)[0]
    wanted([listing], store)
    Store.objects.update(status=status)

    assert outbox.send_pushes(store.pk) == 0
    assert outbox.due_stores("push") == []

    assert (push_of(listing).state, push_of(listing).attempts) == (READY, 0)
    assert shop.calls == []


def test_a_figure_the_store_did_not_keep_is_looked_at_again(
    store: Store, shop: toy.ToyShop, pass_time: Shift
) -> None:
    listing = make_listings(store, 1)[0]
    set_stock(listing, 7)
    shop.sells[listing.stock_ref] = 1

    outbox.send_pushes(store.pk)
    push = push_of(listing)
    assert (push.state, push.problem_code) == (READY, Reason.NOT_KEPT)
    assert push.problem == "7 was written and the store shows 6."
    assert Stream.objects.get(store=store, name="orders").next_at <= push.pushed_at + timedelta(
        seconds=1
    )

    set_stock(listing, 6)  # its order arrives here
    pass_time(5)
    outbox.send_pushes(store.pk)

    assert len(shop.stock_calls) == 1  # 6 is what the store shows already
    assert push_of(listing).state == IDLE


def test_a_line_that_shows_another_figure_is_no_refusal_and_parks_in_the_end(
    store: Store, shop: toy.ToyShop, pass_time: Shift
) -> None:
    listing = make_listings(store, 1)[0]
    set_stock(listing, 7)
    shop.stubborn[listing.stock_ref] = (3, "The store shows 3 after 7 was written.")

    outbox.send_pushes(store.pk)
    push = push_of(listing)
    listing.refresh_from_db()
    assert (push.state, push.problem_code, push.pushed_value) == (READY, Reason.NOT_KEPT, None)
    assert listing.seen_quantity == 3

    for _ in range(14):
        pass_time(100_000)
        orders_read(store)
        outbox.send_pushes(store.pk)

    assert len(shop.stock_calls) == 12
    assert (push_of(listing).state, push_of(listing).problem) == (
        BLOCKED,
        "The store shows 3 after 7 was written.",
    )


# --- The gate -------------------------------------------------------------------------------------


def test_a_store_with_late_orders_is_read_before_it_is_written(
    store: Store, shop: toy.ToyShop, pass_time: Shift, rung: Rung, now: Any
) -> None:
    listing = make_listings(store, 1)[0]
    wanted([listing], store)
    orders_read(store, ago_s=3600)

    assert outbox.send_pushes(store.pk) == 0
    held = push_of(listing)
    assert (held.state, held.problem_code, held.attempts) == (READY, Reason.GATE, 0)
    assert held.next_at > now()
    assert Stream.objects.get(store=store, name="orders").next_at <= now()
    assert shop.calls == []

    orders_read(store)
    pass_time(2)
    assert outbox.send_pushes(store.pk) == 1
    assert push_of(listing).problem_code == ""


def test_the_gate_is_passed_after_the_bounded_wait_and_the_push_says_so(
    store: Store, shop: toy.ToyShop, pass_time: Shift
) -> None:
    listing = make_listings(store, 1)[0]
    wanted([listing], store)
    pass_time(300)  # waiting for something else is not waiting at the gate
    orders_read(store, ago_s=3600)

    for _ in range(3):
        assert outbox.send_pushes(store.pk) == 0
        pass_time(9)
    pass_time(5)
    assert outbox.send_pushes(store.pk) == 1

    push = push_of(listing)
    assert (push.state, push.problem_code) == (IDLE, Reason.GATE_SKIPPED)
    assert "could not be read" in push.problem


def test_a_registered_source_closes_the_gate_for_its_store_only(
    store: Store, shop: toy.ToyShop
) -> None:
    other = make_toy_store(merchant=store.merchant, base_url="https://two.example")
    mine, theirs = make_listings(store, 1)[0], make_listings(other, 1, first=1)[0]
    wanted([mine], store)
    wanted([theirs], other)

    def unapplied(store_id: Any) -> bool:
        return store_id == store.pk

    gate.add_source(unapplied)
    try:
        assert outbox.send_pushes(store.pk) == 0
        assert outbox.send_pushes(other.pk) == 1
    finally:
        gate.remove_source(unapplied)


def test_a_store_whose_orders_were_never_read_waits_longer(
    store: Store, shop: toy.ToyShop, pass_time: Shift
) -> None:
    wanted(make_listings(store, 1), store)
    Stream.objects.update(read_through=None)

    outbox.send_pushes(store.pk)
    pass_time(60)
    assert outbox.send_pushes(store.pk) == 0
    pass_time(600)
    assert outbox.send_pushes(store.pk) == 1


def test_what_stands_before_the_gate_is_written_once(
    store: Store, shop: toy.ToyShop, pass_time: Shift
) -> None:
    wanted(make_listings(store, 120, stock=5), store)
    orders_read(store, ago_s=3600)
    assert outbox.send_pushes(store.pk) == 0
    pass_time(2)
    before = list(Push.objects.order_by("pk").values())

    with CaptureQueriesContext(connection) as found:
        assert outbox.send_pushes(store.pk) == 0

    assert Push.objects.filter(problem_code=Reason.GATE).count() == 120
    assert list(Push.objects.order_by("pk").values()) == before
    # No figure is computed for what may not go.
    assert not [q for q in found.captured_queries if "inventory_stocklevel" in q["sql"]]


def test_what_stands_before_the_gate_is_looked_at_without_haste(
    store: Store,
    shop: toy.ToyShop,
    pass_time: Shift,
    rung: Rung,
    django_capture_on_commit_callbacks: Any,
) -> None:
    wanted(make_listings(store, 1), store)
    orders_read(store, ago_s=3600)
    outbox.send_pushes(store.pk)
    pass_time(2)

    with django_capture_on_commit_callbacks(execute=True):
        outbox.send_pushes(store.pk)

    delays = [delay_s for name, _, delay_s in rung if name == "send_pushes"]
    assert delays == [gate.LOOK_AGAIN.total_seconds()]


def test_a_failing_stream_keeps_its_own_time(store: Store, now: Any) -> None:
    later = now() + timedelta(seconds=90)
    Stream.objects.filter(store=store).update(failures=3, next_at=later)

    gate.pull_orders(store.pk, now())

    assert Stream.objects.get(store=store, name="orders").next_at == later


# --- Crashes and stale workers --------------------------------------------------------------------


def test_a_crash_between_the_call_and_the_commit_sends_the_same_again(
    store: Store, shop: toy.ToyShop, pass_time: Shift, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing = make_listings(store, 1)[0]
    set_stock(listing, 7)
    real = claims.keep

    def die(*_: Any) -> Any:
        raise SystemExit("killed")

    monkeypatch.setattr(claims, "keep", die)
    with pytest.raises(SystemExit):
        outbox.send_pushes(store.pk)
    monkeypatch.setattr(claims, "keep", real)
    assert (push_of(listing).state, push_of(listing).attempts) == (BUSY, 1)
    Listing.objects.update(seen_quantity=None, seen_at=None)

    assert outbox.sweep().reclaimed_pushes == 0
    pass_time(61)
    assert outbox.sweep().reclaimed_pushes == 1
    pass_time(5)
    outbox.send_pushes(store.pk)

    assert shop.stock_calls == [{listing.stock_ref: 7}] * 2
    assert (push_of(listing).state, push_of(listing).pushed_value) == (IDLE, 7)


def test_a_worker_that_slept_past_its_lease_changes_nothing(
    store: Store, shop: toy.ToyShop, pass_time: Shift
) -> None:
    listing = make_listings(store, 1)[0]
    set_stock(listing, 7)

    def sleep(call: Any) -> None:
        """While the first worker sleeps, a second takes over and sends a newer figure."""
        shop.before = lambda call: None
        pass_time(61)
        outbox.sweep()
        set_stock(listing, 2)
        pass_time(5)
        assert outbox.send_pushes(store.pk) == 1

    shop.before = sleep
    assert outbox.send_pushes(store.pk) == 0

    fenced = push_of(listing)
    assert (fenced.pushed_value, fenced.sent_version) == (2, 2)
    assert shop.stock == {listing.stock_ref: 7}  # the late write covered the newer one

    pass_time(5)
    outbox.send_pushes(store.pk)
    assert shop.stock == {listing.stock_ref: 2}
    assert push_of(listing).state == IDLE


def test_two_workers_split_the_work(store: Store, now: Any) -> None:
    wanted(make_listings(store, 6), store)

    first = claims.take(store.pk, now(), 4)
    second = claims.take(store.pk, now(), 4)
    third = claims.take(store.pk, now(), 4)

    assert len({c.id for c in (*(first or ()), *(second or ()))}) == 6
    assert third is None


def test_a_third_worker_for_a_slow_store_goes_away_at_once(
    store: Store, shop: toy.ToyShop, now: Any, pass_time: Shift
) -> None:
    other = make_toy_store(merchant=store.merchant, base_url="https://two.example")
    wanted(make_listings(store, 3), store)
    wanted(make_listings(other, 1, first=3), other)
    pass_time(3)
    for _ in range(2):
        assert claims.take(store.pk, now(), 1)
        pass_time(0.01)

    assert outbox.send_pushes(store.pk) == 0
    assert outbox.send_pushes(other.pk) == 1
    assert len(shop.stock_calls) == 1


def test_a_push_that_kills_its_worker_stands_alone_in_the_end_and_is_parked(
    store: Store, shop: toy.ToyShop, pass_time: Shift
) -> None:
    listings = make_listings(store, 8)
    deadly = listings[3]
    wanted(listings, store)

    def kill(call: Any) -> None:
        if deadly.stock_ref in call[1]:
            raise SystemExit("killed")

    shop.before = kill
    for _ in range(60):
        try:
            outbox.send_pushes(store.pk)
        except SystemExit:
            pass_time(61)
            outbox.sweep()
        pass_time(100_000)
        orders_read(store)

    push = push_of(deadly)
    assert (push.state, push.problem_code) == (BLOCKED, Reason.TOO_MANY_ATTEMPTS)
    assert len(shop.stock) == 7
    assert len([c for c in shop.stock_calls if deadly.stock_ref in c]) == 12


def test_figures_are_never_below_zero(store: Store, shop: toy.ToyShop) -> None:
    listing = make_listings(store, 1, stock=2)[0]
    StockLevel.objects.filter(variant=listing.variant).update(reserved=5)
    wanted([listing], store)

    outbox.send_pushes(store.pk)

    assert shop.stock == {listing.stock_ref: 0}


def test_a_store_that_is_not_read_by_itself_has_no_gate(store: Store, shop: toy.ToyShop) -> None:
    wanted(make_listings(store, 1), store)
    orders_read(store, ago_s=100_000)
    Store.objects.update(auto_sync=False)

    assert outbox.send_pushes(store.pk) == 1
