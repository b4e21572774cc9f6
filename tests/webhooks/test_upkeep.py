"""What keeps the inbox moving: lost workers, poison, reconnects, numbers, push gate, retention."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from integrations import connect, upkeep
from integrations.connect import signals
from integrations.models import ScheduleSlot, Store, StoreStatus
from integrations.outbox import gate
from orders.models import Order
from tests.webhooks import toy
from tests.webhooks.conftest import Keep, state, told
from webhooks import claims, inbox, single, tasks, verdicts
from webhooks.models import Delivery
from webhooks.upkeep import WORKER_LOST

State = Delivery.State


def lose_worker(store: Store) -> None:
    """A worker claims what is ready and is killed; a minute later its lease is over."""
    claims.claim_fresh(store.pk) or claims.claim_again(store.pk)
    Delivery.objects.filter(state=State.BUSY).update(
        lease_until=timezone.now() - timedelta(seconds=1)
    )


def make_due() -> None:
    Delivery.objects.update(next_at=timezone.now() - timedelta(seconds=1))


def test_what_a_killed_worker_held_comes_back_and_is_applied_once(keep: Keep, store: Store) -> None:
    delivery = keep(**told())
    lose_worker(store)

    found = inbox.sweep()

    assert found.taken_back == 1
    assert state(delivery)[0] == State.NEW
    assert (delivery.attempts, delivery.fence) == (1, 2)
    assert delivery.problem_code == WORKER_LOST
    assert delivery.problem == "The worker disappeared while it worked on this (once)."
    assert delivery.next_at - timezone.now() < timedelta(seconds=3)

    make_due()
    inbox.process_ready()
    assert state(delivery) == (State.DONE, "applied")
    assert delivery.problem == ""
    assert Order.objects.count() == 1


def test_a_claim_that_is_still_alive_is_left_alone(keep: Keep, store: Store) -> None:
    delivery = keep(**told())
    claims.claim_fresh(store.pk)

    assert inbox.sweep().taken_back == 0
    assert state(delivery)[0] == State.BUSY


def test_a_delivery_that_kills_its_worker_is_parked_and_takes_nobody_along(
    keep: Keep, store: Store
) -> None:
    poison, innocent = keep(**told(1)), keep(**told(2))
    lose_worker(store)  # both were in its batch
    inbox.sweep()

    kills = 1
    for _ in range(10):
        make_due()
        row = claims.claim_again(store.pk)
        if row is None:
            break
        if row.pk == poison.pk:
            kills += 1
            Delivery.objects.filter(pk=row.pk).update(
                lease_until=timezone.now() - timedelta(seconds=1)
            )
            inbox.sweep()
        else:
            single.work(row)

    assert kills == 4
    assert state(poison)[0] == State.PARKED
    assert "set aside so that it stops harming others" in poison.problem
    assert state(innocent) == (State.DONE, "applied")


def test_one_lost_worker_after_other_failures_does_not_park(keep: Keep, store: Store) -> None:
    delivery = keep(**told())
    Delivery.objects.update(attempts=8, problem_code="unavailable")
    lose_worker(store)

    inbox.sweep()

    assert state(delivery)[0] == State.NEW


@pytest.mark.parametrize("way", ["sweep", "signal"])
def test_a_store_that_is_back_gets_its_parked_and_put_off_news_worked(
    keep: Keep, store: Store, way: str, rung: list[str]
) -> None:
    parked, later, other = keep(**told(1)), keep(**told(2)), keep(**told(3))
    Delivery.objects.filter(pk=parked.pk).update(
        state=State.PARKED, outcome=verdicts.WAITS_FOR_MERCHANT, attempts=5, problem="refused"
    )
    Delivery.objects.filter(pk=later.pk).update(next_at=timezone.now() + timedelta(hours=5))
    Delivery.objects.filter(pk=other.pk).update(state=State.PARKED, problem="broken")
    rung.clear()

    if way == "sweep":
        inbox.sweep()
    else:
        signals.store_opened.send(sender=Store, store=store, actor="user:anna")
    inbox.process_ready()

    assert state(parked) == (State.DONE, "applied")
    assert state(later) == (State.DONE, "applied")
    assert state(other)[0] == State.PARKED


def test_what_waits_for_a_store_that_was_disconnected_is_dropped(keep: Keep, store: Store) -> None:
    delivery = keep(**told())
    Store.objects.update(status=StoreStatus.DISCONNECTED)

    inbox.sweep()

    assert state(delivery) == (State.IGNORED, "disconnected")
    assert delivery.body_sealed is None


def test_the_numbers_tell_ready_later_held_busy_and_parked_apart(
    keep: Keep, store: Store, rung: list[str]
) -> None:
    rows = [keep(**told(number)) for number in range(5)]
    old = timezone.now() - timedelta(minutes=3)
    changes: list[dict[str, Any]] = [
        {"next_at": old},
        {"next_at": timezone.now() + timedelta(hours=1)},
        {"state": State.BUSY, "lease_until": timezone.now() + timedelta(hours=1)},
        {"state": State.PARKED},
        {"state": State.DONE},
    ]
    for row, change in zip(rows, changes, strict=True):
        Delivery.objects.filter(pk=row.pk).update(**change)
    rung.clear()

    found = inbox.sweep()

    assert (found.ready, found.later, found.busy, found.parked, found.held) == (1, 1, 1, 1, 0)
    assert 175 < found.oldest_ready_age_s < 190

    Store.objects.update(status=StoreStatus.PAUSED)
    paused = inbox.numbers()
    assert (paused.ready, paused.held, paused.oldest_ready_age_s) == (0, 2, 0.0)


def test_the_sweeper_rings_when_there_is_work(
    keep: Keep, rung: list[str], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        inbox.sweep()
    assert rung == []

    keep(**told())
    with django_capture_on_commit_callbacks(execute=True):
        inbox.sweep()
    assert rung == ["webhooks.tasks.process"]


def test_the_metrics_page_shows_the_inbox(keep: Keep, client: Client) -> None:
    keep(**told())
    Delivery.objects.update(next_at=timezone.now() - timedelta(seconds=100))

    text = client.get("/metrics").content.decode()

    assert 'logix_webhooks{state="ready"} 1.0' in text
    age = next(
        line
        for line in text.splitlines()
        if line.startswith("logix_webhooks_oldest_ready_age_seconds ")
    )
    assert 99 < float(age.split()[1]) < 120


def test_stock_waits_for_orders_that_are_about_to_be_applied(keep: Keep, store: Store) -> None:
    assert not inbox.has_unapplied_orders(store.pk)

    keep("product.updated", **told("p1"))
    assert not inbox.has_unapplied_orders(store.pk)

    keep("order.created", **told())
    assert inbox.has_unapplied_orders(store.pk)
    assert inbox.has_unapplied_orders in gate._sources

    inbox.process_ready()
    assert not inbox.has_unapplied_orders(store.pk)


def test_an_order_that_waits_for_hours_does_not_hold_stock_back(keep: Keep, store: Store) -> None:
    keep("order.created", **told())
    Delivery.objects.update(next_at=timezone.now() + timedelta(hours=3), attempts=6)

    assert not inbox.has_unapplied_orders(store.pk)


def test_bodies_and_rows_leave_on_their_own_clocks(keep: Keep) -> None:
    now = timezone.now()
    ages: dict[str, dict[str, Any]] = {
        "fresh": {"state": State.DONE, "done_at": now - timedelta(days=6)},
        "emptied": {"state": State.IGNORED, "done_at": now - timedelta(days=8)},
        "deleted": {"state": State.DONE, "done_at": now - timedelta(days=36)},
        "parked": {"state": State.PARKED, "received_at": now - timedelta(days=29)},
        "parked emptied": {"state": State.PARKED, "received_at": now - timedelta(days=99)},
        "waiting": {"state": State.NEW, "received_at": now - timedelta(days=99)},
    }
    rows = {name: keep(**told(number)) for number, name in enumerate(ages)}
    for name, change in ages.items():
        Delivery.objects.filter(pk=rows[name].pk).update(**change)

    assert inbox.purge() == {"bodies": 3, "rows": 1}

    left = {
        name: found.body_sealed is not None
        for name, row in rows.items()
        if (found := Delivery.objects.filter(pk=row.pk).first())
    }
    assert left == {
        "fresh": True,
        "emptied": False,
        "parked": True,
        "parked emptied": False,
        "waiting": True,
    }
    assert inbox.purge() == {"bodies": 0, "rows": 0}


def test_the_tasks_work_and_hand_slow_stores_on(
    keep: Keep,
    toy_store: toy.ToyStore,
    store: Store,
    rung: list[str],
    django_capture_on_commit_callbacks: Any,
) -> None:
    toy_store.orders["2"] = toy.order(2)
    whole, thin = keep(**told(1)), keep(thin=True, id=2)
    rung.clear()

    with django_capture_on_commit_callbacks(execute=True):
        tasks.process()
    assert state(whole) == (State.DONE, "applied")
    assert state(thin)[0] == State.NEW
    assert rung == ["webhooks.tasks.process_store"]

    tasks.process_store(str(store.pk))
    assert state(thin) == (State.DONE, "applied")


def test_without_any_broker_the_sweeper_works_the_inbox_off(keep: Keep) -> None:
    delivery = keep(**told())
    Delivery.objects.update(next_at=timezone.now() - timedelta(seconds=30))

    tasks.sweep()

    assert state(delivery) == (State.DONE, "applied")


@pytest.mark.parametrize("task", ["sweep", "maintain"])
def test_of_two_clocks_one_does_the_work(
    db: None, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    monkeypatch.setattr(inbox, "sweep", lambda: calls.append(1) or inbox.numbers())
    monkeypatch.setattr(inbox, "purge", lambda: calls.append(1))
    monkeypatch.setattr(upkeep.timezone, "now", lambda: timezone.datetime(2026, 11, 20))

    getattr(tasks, task)()
    getattr(tasks, task)()

    assert calls == [1]
    assert ScheduleSlot.objects.get().job == f"webhooks.{task}"


def test_resuming_a_store_works_what_it_sent_meanwhile(keep: Keep, store: Store) -> None:
    connect.pause(store, actor="user:anna", reason="stocktaking")
    delivery = keep(**told())
    assert inbox.process_ready() == 0

    connect.resume(store, actor="user:anna")
    inbox.process_ready()

    assert state(delivery) == (State.DONE, "applied")
