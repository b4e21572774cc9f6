"""What a store announces that it has prepared, or made by itself, is read soon; a reading whose
announcement is lost comes in its own time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from integrations import sync
from integrations.base import Filters, Page
from integrations.models import RunState, Store, Stream, SyncRun
from integrations.platform import Ability
from integrations.sync.announced import BETWEEN
from orders.data import OrderData
from tests.integrations.sync import toy
from tests.integrations.sync.conftest import (
    Rung,
    ago,
    in_hub,
    in_shop,
    make_run,
    orders,
    stream_of,
    walk,
)

pytestmark = pytest.mark.django_db(transaction=True)
WAIT_S = 600.0


class Preparing:
    """The shop makes a report of its orders first, and calls it R-1; R-0 is there already."""

    def __init__(self) -> None:
        self.is_ready = False


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch) -> Preparing:
    report, whole = Preparing(), toy.MovingShopIntegration.read_orders

    def read(adapter: toy.MovingShopIntegration, filters: Filters) -> Iterator[Page[OrderData]]:
        if report.is_ready or filters.counted:
            yield from whole(adapter, replace(filters, position=None))
            return
        yield Page(records=(), position={"report": 1}, wait_s=WAIT_S, awaits=("R-1",))

    monkeypatch.setattr(toy.MovingShopIntegration, "read_orders", read)
    return report


def is_due(row: Stream | SyncRun) -> bool:
    row.refresh_from_db()
    assert row.next_at is not None
    return row.next_at <= timezone.now()


def test_a_walk_that_waits_for_a_report_goes_on_when_it_is_announced(
    store: Store, shop: toy.MovingShop, report: Preparing, rung: Rung
) -> None:
    shop.add(*orders(3, ago(minutes=5)))
    assert not sync.read_soon(store.pk, "R-1")
    walk(store)
    stream = stream_of(store)
    assert not is_due(stream)
    rung.clear()

    assert not sync.read_soon(store.pk, "R-0")
    assert not is_due(stream)
    report.is_ready = True
    for _ in range(2):
        assert sync.read_soon(store.pk, "R-1")
    assert is_due(stream)
    assert set(rung) == {("run_stream", (stream.pk,))}
    assert not sync.run_stream(stream.pk, if_due=True)

    assert in_hub(store) == in_shop(shop)
    assert not sync.read_soon(store.pk, "R-1"), "nothing waits for it any more"
    assert not is_due(stream)


def test_the_past_goes_on_as_well(
    store: Store, shop: toy.MovingShop, report: Preparing, rung: Rung
) -> None:
    shop.add(*orders(3, ago(days=5)))
    run = make_run(store)
    assert not sync.run_slice(run.pk)
    run.refresh_from_db()
    assert (run.state, is_due(run)) == (RunState.WAITING, False)

    report.is_ready = True
    assert sync.read_soon(store.pk, "R-1")
    assert ("run_backfill", (str(run.pk),)) in rung
    assert is_due(run)
    while sync.run_slice(run.pk, if_due=True):
        pass

    run.refresh_from_db()
    assert (run.state, in_hub(store)) == (RunState.COMPLETED, in_shop(shop))


def test_what_is_there_already_is_kept_while_the_rest_is_waited_for(
    store: Store, shop: toy.MovingShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.add(*orders(3, ago(hours=5)))
    whole = toy.MovingShopIntegration.read_orders

    def read(adapter: toy.MovingShopIntegration, filters: Filters) -> Iterator[Page[OrderData]]:
        if filters.counted or filters.position:
            yield Page(records=(), total=3, last=True)
            return
        for page in whole(adapter, filters):
            yield replace(page, last=False)
        yield Page(records=(), position={"report": 1}, wait_s=WAIT_S)

    monkeypatch.setattr(toy.MovingShopIntegration, "read_orders", read)
    run = make_run(store)

    assert not sync.run_slice(run.pk)

    run.refresh_from_db()
    assert (run.state, run.checkpoint["position"]) == (RunState.WAITING, {"report": 1})
    assert in_hub(store) == in_shop(shop)


def test_what_is_announced_too_early_is_waited_for_again(
    store: Store, shop: toy.MovingShop, report: Preparing
) -> None:
    shop.add(*orders(1, ago(minutes=5)))
    walk(store)

    assert sync.read_soon(store.pk, "R-1")
    assert not sync.run_stream(stream_of(store).pk, if_due=True)
    assert not is_due(stream_of(store))
    report.is_ready = True
    # Its announcement is lost.
    Stream.objects.filter(store=store).update(next_at=Now())
    sync.run_stream(stream_of(store).pk, if_due=True)

    assert in_hub(store) == in_shop(shop)


@pytest.mark.parametrize(
    "changes",
    [{"last_error": "Slow down."}, {"enabled": False}],
    ids=["after trouble", "switched off"],
)
def test_a_walk_that_rests_is_left_to_rest(
    store: Store, report: Preparing, changes: dict[str, Any]
) -> None:
    walk(store)
    Stream.objects.filter(store=store).update(**changes)

    assert not sync.read_soon(store.pk, "R-1", Ability.PAYOUTS)
    assert not is_due(stream_of(store))


def test_a_store_that_is_not_read_by_itself_is_read_for_whoever_asked(
    store: Store, report: Preparing
) -> None:
    walk(store)
    Store.objects.filter(pk=store.pk).update(auto_sync=False)

    assert not sync.read_soon(store.pk, "R-1")
    Stream.objects.filter(store=store, name="orders").update(asked_at=Now())

    assert sync.read_soon(store.pk, "R-1")
    assert is_due(stream_of(store))


# -- what comes unasked


@pytest.fixture
def payouts(store: Store) -> Stream:
    """Read last some hours ago, to be read again in some."""
    return Stream.objects.create(
        store=store,
        name="payouts",
        read_through=ago(hours=4),
        last_success_at=ago(hours=4),
        next_at=timezone.now() + timedelta(hours=2),
    )


def soon(store: Store, name: str = "nobody's") -> bool:
    return sync.read_soon(store.pk, name, Ability.PAYOUTS)


def next_at(stream: Stream) -> datetime:
    stream.refresh_from_db()
    assert stream.next_at is not None
    return stream.next_at


def test_what_comes_unasked_is_read_at_once_and_the_next_after_a_while(
    store: Store, payouts: Stream, rung: Rung
) -> None:
    assert soon(store)
    assert is_due(payouts)
    assert rung == [("run_stream", (payouts.pk,))]

    just_now = ago(minutes=1)
    later = timezone.now() + timedelta(hours=6)
    Stream.objects.filter(pk=payouts.pk).update(last_success_at=just_now, next_at=later)
    for _ in range(3):
        assert soon(store)

    assert next_at(payouts) == just_now + BETWEEN
    assert len(rung) == 1, "what is due later is found by the clock"


def test_an_announcement_never_puts_a_reading_off(store: Store, payouts: Stream) -> None:
    first = timezone.now() + timedelta(minutes=2)
    Stream.objects.filter(pk=payouts.pk).update(last_success_at=ago(minutes=1), next_at=first)

    assert soon(store)

    assert next_at(payouts) == first


def test_what_is_announced_amid_a_reading_is_read_by_the_next(
    store: Store, payouts: Stream
) -> None:
    until = timezone.now() + timedelta(minutes=1)
    Stream.objects.filter(pk=payouts.pk).update(lease_until=until)

    assert soon(store)

    payouts.refresh_from_db()
    assert payouts.asked_at is not None
    assert next_at(payouts) > timezone.now()


def test_a_store_without_such_a_stream_is_left_alone(store: Store, rung: Rung) -> None:
    assert not soon(store)
    assert rung == []


def test_what_a_walk_waits_for_is_not_taken_for_something_unasked(
    store: Store, payouts: Stream, report: Preparing
) -> None:
    walk(store)

    assert soon(store, "R-1")

    assert is_due(stream_of(store))
    assert not is_due(payouts)
