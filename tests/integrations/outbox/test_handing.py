"""Many figures in one file: gathered, handed over, and the word on each that comes later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from integrations import authentication, outbox, registry
from integrations.errors import (
    AuthenticationFailed,
    ContractBroken,
    OutcomeUnknown,
    PermissionMissing,
    PlatformError,
    RateLimited,
    Unavailable,
)
from integrations.models import HandedFigure, Push, StockHandOver, Store
from integrations.outbox import brake, claims, gathering, handed, handing
from integrations.outbox.facts import facts_of
from integrations.outbox.reasons import Reason
from inventory.models import Listing, ListingMode
from tests.integrations.outbox import filing, toy
from tests.integrations.outbox.conftest import (
    Rung,
    make_listings,
    make_toy_store,
    orders_read,
    push_of,
    set_stock,
)
from tests.integrations.outbox.filing import FilingShop

pytestmark = pytest.mark.django_db
_State = StockHandOver.State
COUNT = 6


class Killed(BaseException):
    """A worker that ends where it stands."""


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> FilingShop:
    shop = FilingShop()
    monkeypatch.setattr(registry, "card", lambda slug: filing.CARD)
    monkeypatch.setattr(authentication, "adapter_for", shop.adapter)
    return shop


@pytest.fixture
def listings(store: Store) -> list[Listing]:
    """As many as a file is made for, all to be told 10."""
    found = make_listings(store, COUNT)
    outbox.mark_store(store.pk)
    return found


def gather(store: Store) -> StockHandOver:
    outbox.send_pushes(store.pk)
    return StockHandOver.objects.get(store=store, state__in=StockHandOver.OPEN)


def work(store: Store) -> None:
    """Whatever is due by now or later, once, by a worker that finds no other."""
    StockHandOver.objects.filter(store=store, state__in=StockHandOver.OPEN).update(
        next_at=Now(), lease_until=None
    )
    for pk in outbox.due_hand_overs():
        outbox.work_hand_over(pk)


def hand_over(store: Store) -> StockHandOver:
    gather(store)
    work(store)
    return newest(store)


def newest(store: Store) -> StockHandOver:
    return StockHandOver.objects.filter(store=store).latest("created_at")


def states(listings: list[Listing]) -> set[str]:
    pushes = Push.objects.filter(listing__in=listings)
    return set(pushes.values_list("state", flat=True))


def raising(step: str, error: BaseException) -> Callable[[str], None]:
    """At this step, once."""
    left = [error]

    def at(name: str) -> None:
        if name == step and left:
            raise left.pop()

    return at


def test_many_figures_go_out_in_one_file_and_each_is_settled_by_its_word(
    store: Store,
    shop: FilingShop,
    listings: list[Listing],
    rung: Rung,
    django_capture_on_commit_callbacks: Any,
) -> None:
    shop.unwanted = {listings[2].stock_ref: ("8541", "No such SKU.")}
    begun = timezone.now()

    with django_capture_on_commit_callbacks(execute=True):
        file = gather(store)
    assert (file.state, file.lines.count()) == (_State.SENDING, COUNT)
    assert ("work_hand_over", (str(file.pk),), 0.0) in rung
    work(store)
    file = newest(store)
    handle = {"file": 0, "awaits": ["F-0"]}
    assert (file.state, file.figures, file.handle) == (_State.PENDING, COUNT, handle)
    assert states(listings) == {"handed"}
    assert shop.files[0].lines[listings[0].stock_ref][1] == 10
    assert shop.files[0].words == {f"w-{x.stock_ref}" for x in listings}
    work(store)
    assert newest(store).state == _State.PENDING
    shop.work_off(ended_at=timezone.now())
    work(store)

    assert not shop.stock_calls
    done = newest(store)
    assert (done.state, done.figures, done.refused, done.next_at) == (_State.DONE, COUNT, 1, None)
    assert not HandedFigure.objects.exists()
    refused = push_of(listings[2])
    assert (refused.state, refused.problem_code, refused.problem) == (
        "blocked",
        "8541",
        "No such SKU.",
    )
    assert refused.pushed_value is None
    for listing in (*listings[:2], *listings[3:]):
        push = push_of(listing)
        assert (push.state, push.pushed_value, push.attempts) == ("idle", 10, 0)
        assert push.sent_version == push.want_version
        # Told when it was computed, so that what sells meanwhile counts as sold since.
        assert push.pushed_at == done.handed_at
        listing.refresh_from_db()
        assert (listing.seen_quantity, listing.seen_at) == (10, done.ended_at)
    assert done.handed_at
    assert begun - timedelta(seconds=5) <= done.handed_at <= timezone.now()


def test_a_file_that_is_announced_as_done_is_looked_at_at_once(
    store: Store,
    shop: FilingShop,
    listings: list[Listing],
    rung: Rung,
    django_capture_on_commit_callbacks: Any,
) -> None:
    assert not outbox.look_file_soon(store.pk, "F-0")
    file = hand_over(store)
    shop.work_off()

    assert not outbox.look_file_soon(store.pk, "F-9")
    assert outbox.due_hand_overs() == []
    rung.clear()
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(2):
            assert outbox.look_file_soon(store.pk, "F-0")
    assert rung == [("work_hand_over", (str(file.pk),), 0.0)]
    assert outbox.due_hand_overs() == [file.pk]
    outbox.work_hand_over(file.pk)

    assert newest(store).state == _State.DONE
    assert states(listings) == {"idle"}
    assert not outbox.look_file_soon(store.pk, "F-0")


def test_what_is_announced_too_early_is_looked_at_in_its_own_time_and_trouble_may_rest(
    store: Store, shop: FilingShop, listings: list[Listing]
) -> None:
    file = hand_over(store)

    assert outbox.look_file_soon(store.pk, "F-0")
    outbox.work_hand_over(file.pk)
    assert newest(store).state == _State.PENDING
    assert outbox.due_hand_overs() == []
    shop.at = raising("look", RateLimited("Slow down.", retry_after_s=600))
    work(store)
    assert outbox.look_file_soon(store.pk, "F-0")
    assert outbox.due_hand_overs() == []
    shop.work_off()
    work(store)

    assert newest(store).state == _State.DONE


def test_few_figures_go_by_calls_also_while_a_file_is_at_the_store(
    store: Store, shop: FilingShop, listings: list[Listing]
) -> None:
    hand_over(store)
    others = make_listings(store, filing.FROM, first=100)
    outbox.mark_listings([x.pk for x in others])

    outbox.send_pushes(store.pk)

    assert StockHandOver.objects.count() == 1
    assert states(others) == {"idle"}
    assert states(listings) == {"handed"}
    told = {ref for call in shop.stock_calls for ref in call}
    assert told == {x.stock_ref for x in others}


def test_where_most_is_in_step_already_the_rest_goes_by_calls(
    store: Store, shop: FilingShop, listings: list[Listing]
) -> None:
    now = timezone.now()
    Listing.objects.filter(pk__in=[x.pk for x in listings[1:]]).update(
        seen_quantity=10, seen_at=now
    )

    outbox.send_pushes(store.pk)

    assert not StockHandOver.objects.exists()
    assert shop.stock_calls == [{listings[0].stock_ref: 10}]
    assert states(listings) == {"idle"}
    assert set(Push.objects.values_list("attempts", flat=True)) == {0}


def test_what_changes_meanwhile_waits_for_the_files_end_and_goes_out_after_it(
    store: Store, shop: FilingShop, listings: list[Listing], pass_time: Callable[[float], None]
) -> None:
    hand_over(store)

    set_stock(listings[0], 3)
    outbox.send_pushes(store.pk)
    assert not outbox.retry_push(push_of(listings[0]), actor="user:anna")
    assert not shop.stock_calls
    assert push_of(listings[0]).state == "handed"
    shop.work_off()
    work(store)
    behind = push_of(listings[0])
    assert (behind.state, behind.pushed_value) == ("ready", 10)
    assert behind.want_version > behind.sent_version
    pass_time(2)
    outbox.send_pushes(store.pk)

    assert shop.stock_calls == [{listings[0].stock_ref: 3}]
    assert shop.stock[listings[0].stock_ref] == 3
    assert push_of(listings[0]).state == "idle"


def test_the_figure_in_the_file_is_the_newest_and_what_needs_none_is_left_out(
    store: Store, shop: FilingShop, listings: list[Listing]
) -> None:
    gather(store)
    set_stock(listings[0], 7)
    Listing.objects.filter(pk=listings[1].pk).update(mode=ListingMode.IGNORE)

    work(store)

    lines = shop.files[0].lines
    assert lines[listings[0].stock_ref][1] == 7
    assert listings[1].stock_ref not in lines
    assert push_of(listings[1]).problem_code == Reason.NOT_WRITTEN
    assert newest(store).figures == COUNT - 1
    shop.work_off()
    work(store)
    assert states(listings) == {"idle"}
    assert push_of(listings[0]).pushed_value == 7


def test_what_may_not_be_in_a_file_is_refused_before(
    store: Store, shop: FilingShop, listings: list[Listing]
) -> None:
    shop.unfit = {listings[0].stock_ref: ("kept_by_store", "It counts this itself.")}

    file = gather(store)

    assert file.lines.count() == COUNT - 1
    refused = push_of(listings[0])
    assert (refused.state, refused.problem) == ("blocked", "It counts this itself.")


@pytest.mark.parametrize("step", ["entries", "write", "upload", "handed in", "look", "read"])
def test_a_worker_that_ends_anywhere_costs_nothing_but_time(
    store: Store,
    shop: FilingShop,
    listings: list[Listing],
    step: str,
    pass_time: Callable[[float], None],
) -> None:
    shop.unwanted = {listings[4].stock_ref: ("8541", "No such SKU.")}
    shop.at = raising(step, Killed())

    ended = False
    for _ in range(12):
        try:
            outbox.send_pushes(store.pk)
            work(store)
        except Killed:
            ended = True
            pass_time(90)
        outbox.sweep()
        Push.objects.filter(state="ready").update(next_at=Now())
        if shop.files and not shop.files[-1].is_done and step != "handed in":
            shop.work_off()
    if step == "handed in":
        # Handed in, and nobody heard of it: it is looked after all the same.
        assert len(shop.files) == 1
        assert states(listings) == {"handed"}
        shop.work_off()
        work(store)

    assert ended
    assert states(listings[:4] + listings[5:]) == {"idle"}
    assert push_of(listings[4]).problem == "No such SKU."
    assert {shop.stock[x.stock_ref] for x in listings[:4] + listings[5:]} == {10}
    assert not HandedFigure.objects.exists()


def test_a_worker_that_ends_while_it_settles_settles_the_rest_later(
    store: Store, shop: FilingShop, listings: list[Listing], monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_over(store)
    monkeypatch.setattr(handed, "CHUNK", 2)
    shop.work_off()
    real, calls = claims.keep, [0]

    def dies(*args: Any) -> Any:
        calls[0] += 1
        kept = real(*args)
        if calls[0] == 2:
            raise Killed
        return kept

    monkeypatch.setattr(claims, "keep", dies)
    with pytest.raises(Killed):
        work(store)
    assert newest(store).state == _State.SETTLING
    set_stock(listings[0], 4)  # this one is settled already, and goes its own way
    work(store)

    assert newest(store).state == _State.DONE
    assert states(listings[1:]) == {"idle"}
    assert push_of(listings[0]).state == "ready"
    assert set(Push.objects.values_list("pushed_value", flat=True)) == {10}


def test_a_late_worker_finds_its_lease_gone_and_hands_nothing_in(
    store: Store, shop: FilingShop, listings: list[Listing]
) -> None:
    file = gather(store)

    def overtaken(step: str) -> None:
        if step == "upload":
            StockHandOver.objects.filter(pk=file.pk).update(fence=F("fence") + 1)

    shop.at = overtaken
    work(store)

    assert not shop.files
    assert newest(store).handle == {}
    shop.at = lambda step: None
    work(store)
    assert len(shop.files) == 1


@pytest.mark.parametrize("why", ["It was broken off.", ""])
def test_a_file_that_comes_to_nothing_goes_out_again_by_calls(
    store: Store, shop: FilingShop, listings: list[Listing], why: str
) -> None:
    hand_over(store)
    if why:
        shop.work_off(lost=why)
    else:
        # Its answer was lost, and it never came.
        shop.files.clear()
        why = "It never came."

    work(store)

    file = newest(store)
    assert (file.state, file.problem) == (_State.FAILED, why)
    waiting = push_of(listings[0])
    assert (waiting.state, waiting.problem_code, waiting.attempts) == ("ready", Reason.FILE_LOST, 0)
    assert why in waiting.problem
    assert waiting.pushed_value is None
    outbox.send_pushes(store.pk)
    assert StockHandOver.objects.count() == 1
    assert states(listings) == {"idle"}
    assert {ref for call in shop.stock_calls for ref in call} == {x.stock_ref for x in listings}
    # Another may be handed over after a while.
    outbox.mark_store(store.pk)
    StockHandOver.objects.update(next_at=Now() - timedelta(seconds=1))
    Push.objects.filter(state="ready").update(next_at=Now())
    Listing.objects.update(seen_at=None)
    assert gather(store).state == _State.SENDING


def test_a_file_that_never_ends_is_given_up_and_dropped(
    store: Store, shop: FilingShop, listings: list[Listing]
) -> None:
    hand_over(store)
    StockHandOver.objects.update(handed_at=Now() - handing.PATIENCE - timedelta(minutes=1))

    work(store)

    assert shop.files[0].is_dropped
    assert newest(store).problem == "The store had not worked it off after 12 hours."
    assert states(listings) == {"ready"}


@pytest.mark.parametrize(
    ("step", "error", "state", "waits_s"),
    [
        # Not handed in: later, at the same place.
        ("upload", Unavailable("Away."), _State.SENDING, 5),
        ("hand in", RateLimited("Slow.", retry_after_s=120), _State.SENDING, 120),
        # Perhaps handed in: it is looked after.
        ("hand in", OutcomeUnknown("Lost."), _State.PENDING, 5),
        ("handed in", OutcomeUnknown("Lost."), _State.PENDING, 5),
        ("look", Unavailable("Away."), _State.PENDING, 5),
        ("look", RateLimited("Slow.", retry_after_s=45), _State.PENDING, 45),
        ("read", Unavailable("Away."), _State.PENDING, 5),
        # Waiting does not help.
        ("upload", PermissionMissing("No role."), _State.FAILED, 0),
        ("hand in", PermissionMissing("No role."), _State.FAILED, 0),
        ("read", ContractBroken("Half a report."), _State.FAILED, 0),
    ],
)
def test_trouble_is_waited_out_where_that_helps(
    store: Store,
    shop: FilingShop,
    listings: list[Listing],
    step: str,
    error: PlatformError,
    state: str,
    waits_s: float,
    noted: list[Exception],
) -> None:
    gather(store)
    shop.at = raising(step, error)
    before = timezone.now()

    for _ in range(3):
        if noted:
            break
        work(store)
        if shop.files:
            shop.work_off()

    file = newest(store)
    assert noted == [error]
    assert file.state == state
    assert file.problem.startswith(error.message)
    if state == _State.FAILED:
        assert states(listings) == {"ready"}
        return
    assert states(listings) == {"handed"}
    assert file.next_at is not None
    assert abs((file.next_at - before).total_seconds() - waits_s) < 10
    for _ in range(3):
        work(store)
        if shop.files:
            shop.work_off()
    assert newest(store).state in (_State.DONE, _State.FAILED)
    if step != "hand in" or isinstance(error, RateLimited):
        assert states(listings) == {"idle"}


def test_a_file_that_cannot_be_handed_over_is_not_kept_waiting(
    store: Store, shop: FilingShop, listings: list[Listing]
) -> None:
    gather(store)

    def away(step: str) -> None:
        raise Unavailable("Away.")

    shop.at = away
    for _ in range(3):
        work(store)

    assert newest(store).state == _State.FAILED
    assert states(listings) == {"ready"}
    assert set(Push.objects.values_list("attempts", flat=True)) == {0}


def test_a_dead_token_lets_the_file_wait_for_the_merchant(
    store: Store, shop: FilingShop, listings: list[Listing]
) -> None:
    hand_over(store)
    shop.at = raising("look", AuthenticationFailed("Revoked."))
    work(store)
    assert newest(store).state == _State.PENDING
    Store.objects.update(status="needs_merchant")
    work(store)
    assert states(listings) == {"handed"}

    Store.objects.update(status="active")
    shop.work_off()
    work(store)

    assert states(listings) == {"idle"}


def test_nothing_is_handed_over_when_writing_was_turned_off(
    store: Store, shop: FilingShop, listings: list[Listing]
) -> None:
    gather(store)
    Store.objects.update(writes_enabled=False)

    work(store)
    outbox.send_pushes(store.pk)

    assert not shop.files
    assert set(Push.objects.values_list("problem_code", flat=True)) == {Reason.WRITES_OFF}
    Store.objects.update(writes_enabled=True)
    outbox.sweep()
    assert gather(store).state == _State.SENDING


def test_a_file_waits_for_unread_orders_but_not_for_ever(
    store: Store, shop: FilingShop, listings: list[Listing]
) -> None:
    gather(store)
    orders_read(store, ago_s=3_600)

    work(store)
    assert not shop.files
    StockHandOver.objects.update(gathered_at=Now() - timedelta(seconds=31))
    work(store)
    assert len(shop.files) == 1
    shop.work_off()
    work(store)

    assert set(Push.objects.values_list("problem_code", flat=True)) == {Reason.GATE_SKIPPED}


def test_the_brake_holds_for_what_is_gathered_already(
    store: Store, shop: FilingShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(brake, "MOST", 5)
    listings = make_listings(store, 20)
    Listing.objects.update(seen_quantity=9, seen_at=Now() - timedelta(hours=1))
    outbox.mark_store(store.pk)
    gather(store)
    # A mistake, when the file is about to be written.
    for listing in listings[:12]:
        set_stock(listing, 0)

    work(store)

    assert len(shop.files[0].lines) == 8
    held = Push.objects.filter(problem_code=Reason.MASS_ZERO, state="blocked")
    assert held.count() == 12
    assert HandedFigure.objects.count() == 8
    # They are meant: they go out, and what is in the file is left alone.
    assert outbox.send_the_zeros(store, actor="user:anna") == 12
    outbox.send_pushes(store.pk)
    assert sum(len(call) for call in shop.stock_calls) == 12
    shop.work_off()
    work(store)
    assert states(listings) == {"idle"}


def test_a_mistake_while_the_file_is_written_is_looked_at_again(
    store: Store, shop: FilingShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(brake, "MOST", 5)
    listings = make_listings(store, 20)
    Listing.objects.update(seen_quantity=9, seen_at=Now() - timedelta(hours=1))
    outbox.mark_store(store.pk)
    gather(store)
    real, done = brake.hold_back_handed, [False]

    def too_early(*args: Any) -> Any:
        look = real(*args)
        if not done[0]:
            done[0] = True
            for listing in listings[:12]:
                set_stock(listing, 0)
        return look

    monkeypatch.setattr(brake, "hold_back_handed", too_early)
    work(store)

    assert [len(file.lines) for file in shop.files] == [8]
    assert Push.objects.filter(problem_code=Reason.MASS_ZERO).count() == 12


def test_zeros_that_were_confirmed_stay_so_through_a_lost_file(
    store: Store, shop: FilingShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(brake, "MOST", 5)
    listings = make_listings(store, 20, stock=0)
    Listing.objects.update(seen_quantity=9, seen_at=Now() - timedelta(hours=1))
    outbox.mark_store(store.pk)
    outbox.send_pushes(store.pk)
    assert outbox.send_the_zeros(store, actor="user:anna") == 20
    hand_over(store)
    assert len(shop.files[0].lines) == 20
    shop.work_off(lost="Gone.")
    work(store)

    outbox.send_pushes(store.pk)

    assert states(listings) == {"idle"}
    assert sum(len(call) for call in shop.stock_calls) == 20


def test_a_full_file_is_closed_and_the_rest_goes_by_calls(
    store: Store, shop: FilingShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "BATCH", 4)
    monkeypatch.setattr(registry, "card", lambda slug: replace(filing.CARD, stock_bulk_most=10))
    listings = make_listings(store, 14)
    outbox.mark_store(store.pk)

    file = gather(store)

    assert (file.state, file.lines.count()) == (_State.SENDING, 8)
    assert sum(len(call) for call in shop.stock_calls) == 6
    assert states(listings) == {"handed", "idle"}


def test_a_file_nobody_gathers_for_any_more_is_closed_by_itself(
    store: Store, shop: FilingShop, listings: list[Listing], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "close", lambda store: False)
    outbox.send_pushes(store.pk)
    assert newest(store).state == _State.GATHERING
    assert not outbox.due_hand_overs()
    StockHandOver.objects.update(next_at=Now())

    work(store)

    assert newest(store).state == _State.SENDING


def test_people_are_told_where_a_figure_is(
    store: Store, shop: FilingShop, listings: list[Listing]
) -> None:
    variant = listings[0].variant
    assert variant is not None
    gather(store)
    (shown,) = facts_of(variant).shown
    assert (shown.verdict, "gathered with many others" in shown.words) == ("waiting", True)
    work(store)
    (shown,) = facts_of(variant).shown
    assert "the store is working off" in shown.words


def test_a_listing_that_is_unlinked_meanwhile_ends_with_its_file(
    store: Store, shop: FilingShop, listings: list[Listing]
) -> None:
    hand_over(store)

    assert outbox.settle_unlinked([listings[0].pk]) == 0
    shop.work_off()
    work(store)

    assert states(listings) == {"idle"}


def test_a_rehearsal_sees_what_is_in_a_file(
    store: Store, shop: FilingShop, listings: list[Listing]
) -> None:
    hand_over(store)

    found = outbox.first_push(store)

    assert found.counts[outbox.Outcome.WRITE] == COUNT
    assert states(listings) == {"handed"}


def test_a_store_that_takes_no_files_has_none(
    store: Store, shop: FilingShop, listings: list[Listing], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "card", lambda slug: toy.CARD)

    outbox.send_pushes(store.pk)

    assert not StockHandOver.objects.exists()
    assert states(listings) == {"idle"}


def test_two_stores_have_a_file_each(store: Store, shop: FilingShop) -> None:
    other = make_toy_store(merchant=store.merchant, base_url="https://other.example")
    for one in (store, other):
        first = 0 if one == store else 50
        make_listings(one, COUNT, first=first)
        outbox.mark_store(one.pk)
        hand_over(one)

    assert [len(file.lines) for file in shop.files] == [COUNT, COUNT]
    assert StockHandOver.objects.filter(state=_State.PENDING).count() == 2
