"""News of what a platform does in the background: what waits for it is looked at soon, and nothing
else comes of them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from integrations import sync
from integrations.models import NewsQueue, RunKind, RunState, StockHandOver, Store, Stream, SyncRun
from orders.data import Authority
from orders.models import Order, OutsideFulfillment
from tests.factories import make_store
from tests.webhooks import queuetoy, toy
from tests.webhooks.conftest import Keep, make_endpoint, state, told
from tests.webhooks.test_listening import again, shop
from webhooks import claims, inbox, verdicts
from webhooks.models import Delivery

pytestmark = pytest.mark.django_db

State = Delivery.State
AN_HOUR = timedelta(hours=1)
__all__ = ["shop"]


def sent_outside(store: Store) -> Any:
    sync.apply_orders(
        store,
        [toy.order(9)],
        authority=Authority.BY_ID,
        observed_at=timezone.now(),
        origin="test",
    )
    order = Order.objects.get(store=store)
    return OutsideFulfillment.objects.create(
        order=order, store=store, reference="R-1", speed="standard", next_look_at=_later()
    )


def handed_over(store: Store) -> Any:
    handle = {"awaits": ["R-1"]}
    return StockHandOver.objects.create(
        store=store, state="pending", handle=handle, next_at=_later()
    )


def walking(store: Store) -> Any:
    stream = Stream.objects.get(store=store, name="orders")
    stream.position, stream.next_at = {"at": {}, "awaits": ["R-0", "R-1"]}, _later()
    stream.save()
    return stream


def reading_the_past(store: Store) -> Any:
    stream = Stream.objects.get(store=store, name="orders")
    return SyncRun.objects.create(
        store=store,
        stream=stream,
        kind=RunKind.BACKFILL,
        state=RunState.WAITING,
        checkpoint={"awaits": ["R-1"]},
        next_at=_later(),
    )


def paid_out(store: Store) -> Any:
    return Stream.objects.create(store=store, name="payouts", next_at=_later())


def keeping(store: Store) -> Any:
    return Stream.objects.create(store=store, name="kept", next_at=_later())


UNASKED = {"ability": "payouts"}
# What waits, what tells of it, and who is rung for.
WAITING = [
    pytest.param(sent_outside, "outside", {}, "look_outside", id="outside"),
    pytest.param(handed_over, "file", {}, "work_hand_over", id="file"),
    pytest.param(walking, "report", {}, "run_stream", id="walk"),
    pytest.param(reading_the_past, "report", {}, "run_backfill", id="past"),
    pytest.param(paid_out, "report", UNASKED, "run_stream", id="unasked"),
    pytest.param(keeping, "kept", {}, "run_stream", id="kept"),
]
Build = Callable[[Store], Any]


def _later() -> Any:
    return timezone.now() + AN_HOUR


def is_due(row: Any) -> bool:
    row.refresh_from_db()
    at = row.next_look_at if isinstance(row, OutsideFulfillment) else row.next_at
    return bool(at <= timezone.now())


@pytest.fixture
def work(django_capture_on_commit_callbacks: Any) -> Callable[..., None]:
    """Works deliveries, these one by one and then all, and lets ring what rings afterwards."""

    def run(*deliveries: Delivery) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            for one in deliveries:
                inbox.process_one(one.pk)
            inbox.process_ready()

    return run


@pytest.mark.parametrize(("build", "kind", "more", "task"), WAITING)
@pytest.mark.parametrize("alone", [False, True])
def test_what_waits_is_looked_at_at_once_however_often_it_is_told(
    keep: Keep,
    store: Store,
    toy_store: toy.ToyStore,
    rung: list[str],
    build: Build,
    kind: str,
    more: dict[str, str],
    task: str,
    alone: bool,
    work: Callable[..., None],
) -> None:
    row = build(store)
    deliveries = [keep(f"{kind}.done", id="R-1", nonce=n, **more) for n in (1, 2)]
    rung.clear()

    work(*(deliveries if alone else ()))

    assert [state(one) for one in deliveries] == [(State.DONE, verdicts.LOOKED_SOON)] * 2
    assert is_due(row)
    assert f"integrations.tasks.{task}" in rung
    assert toy_store.asked == [], "whoever looks asks, not the hint"
    assert (deliveries[0].resource, deliveries[0].resource_id) == (kind, "R-1")


@pytest.mark.parametrize(("build", "kind", "more", "task"), WAITING[:4])
def test_what_nobody_waits_for_is_ignored_and_says_so(
    keep: Keep,
    store: Store,
    rung: list[str],
    build: Build,
    kind: str,
    more: dict[str, str],
    task: str,
    work: Callable[..., None],
) -> None:
    row = build(store)
    other = build(make_store(store.merchant, base_url="https://other.example"))
    unknown = keep(f"{kind}.done", id="R-9")

    work()

    assert state(unknown) == (State.IGNORED, "nothing_to_do")
    assert "waits for this" in unknown.problem
    assert not is_due(row)
    keep(f"{kind}.done", id="R-1")
    work()
    assert is_due(row)
    assert not is_due(other), "that of another store"
    assert f"integrations.tasks.{task}" in rung


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("build", "kind", "more", "task"), WAITING)
def test_what_is_taken_back_brings_nothing_forward(
    keep: Keep,
    store: Store,
    rung: list[str],
    monkeypatch: pytest.MonkeyPatch,
    build: Build,
    kind: str,
    more: dict[str, str],
    task: str,
    work: Callable[..., None],
) -> None:
    """The delivery is somebody else's by now."""
    row = build(store)
    delivery = keep(f"{kind}.done", id="R-1", **more)
    rung.clear()
    taken = claims.claim_fresh

    def slept(*args: Any) -> list[Delivery]:
        rows = taken(*args)
        Delivery.objects.filter(pk__in=[x.pk for x in rows]).update(fence=99)
        return rows

    monkeypatch.setattr(claims, "claim_fresh", slept)

    work()

    assert state(delivery)[0] == State.BUSY
    assert not is_due(row)
    assert f"integrations.tasks.{task}" not in rung


def test_hints_among_orders_cost_the_orders_nothing(keep: Keep, store: Store) -> None:
    row = handed_over(store)
    kept = [keep(**told(1)), keep("file.done", id="R-1"), keep(**told(2)), keep(nothing=1)]

    inbox.process_ready()

    outcomes = [state(one) for one in kept]
    assert outcomes[:3] == [
        (State.DONE, "applied"),
        (State.DONE, verdicts.LOOKED_SOON),
        (State.DONE, "applied"),
    ]
    assert outcomes[3][0] == State.PARKED
    assert Order.objects.count() == 2
    assert is_due(row)


def test_a_hint_out_of_a_queue_leads_to_the_look(shop: queuetoy.QueueStore) -> None:
    store = make_store(platform="queuetoy")
    queue = NewsQueue.objects.create(endpoint=make_endpoint(store), address="arn:toy")
    row = handed_over(store)
    shop.put("m1", "file.done", id="R-1")
    shop.put("m1#again", "file.done", id="R-1")
    shop.put("m2", "file.done", id="R-9")

    assert again(queue) == 3
    inbox.process_ready()

    assert is_due(row)
    assert shop.waiting == []
    rows = Delivery.objects.order_by("dedupe_key").values_list("state", "duplicates")
    assert list(rows) == [(State.DONE, 1), (State.IGNORED, 0)]


def test_without_any_hint_it_is_looked_at_in_its_own_time(store: Store) -> None:
    row = handed_over(store)

    inbox.process_ready()
    assert not is_due(row)
    StockHandOver.objects.update(next_at=Now())

    assert is_due(row)
