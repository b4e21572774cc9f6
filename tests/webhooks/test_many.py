"""News of very many orders at once: left to a reading of changes, which answers all of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.models import Store, Stream, StreamName
from tests.webhooks import toy
from tests.webhooks.conftest import Keep
from webhooks import inbox
from webhooks.models import Delivery

MANY = 4
LAG = timedelta(minutes=2)


@pytest.fixture
def stream(store: Store, monkeypatch: pytest.MonkeyPatch) -> Stream:
    """A look at each order is dear here, and changes show after two minutes."""
    monkeypatch.setattr(toy, "CARD", replace(toy.CARD, news_by_reading_from=MANY))
    now = timezone.now()
    rows = Stream.objects.filter(store=store, name=StreamName.ORDERS)
    rows.update(
        lag_s=LAG.total_seconds(),
        next_at=now + timedelta(minutes=5),
        read_through=now - timedelta(minutes=3),
    )
    return rows.get()


def hear(keep: Keep, toy_store: toy.ToyStore, count: int) -> list[Delivery]:
    """Thin news of so many orders, looked at as far as they are."""
    told = []
    for number in range(1, count + 1):
        toy_store.orders[str(number)] = toy.order(number)
        told.append(keep(id=number, thin=True))
    work(told)
    return told


def work(told: list[Delivery]) -> None:
    inbox.process_ready()
    for delivery in told:
        delivery.refresh_from_db()


def outcomes(told: list[Delivery]) -> set[tuple[str, str]]:
    return {(delivery.state, delivery.outcome) for delivery in told}


def wait(told: list[Delivery], span: timedelta) -> None:
    """So long goes by for them."""
    rows = Delivery.objects.filter(pk__in=[delivery.pk for delivery in told])
    for delivery in rows:
        rows.filter(pk=delivery.pk).update(
            received_at=delivery.received_at - span, next_at=delivery.next_at - span
        )


def test_few_are_looked_at_one_by_one(stream: Stream, keep: Keep, toy_store: toy.ToyStore) -> None:
    told = hear(keep, toy_store, MANY - 1)

    assert outcomes(told) == {(Delivery.State.DONE, "applied")}
    assert len(toy_store.asked) == MANY - 1


def test_many_are_left_to_the_next_reading_and_answered_by_it(
    stream: Stream, keep: Keep, toy_store: toy.ToyStore
) -> None:
    told = hear(keep, toy_store, MANY)

    assert toy_store.asked == []
    assert outcomes(told) == {(Delivery.State.NEW, "left_to_reading")}
    stream.refresh_from_db()
    assert stream.asked_at is not None
    assert stream.next_at is not None
    assert timezone.now() < stream.next_at <= timezone.now() + LAG
    assert {delivery.next_at > stream.next_at for delivery in told} == {True}

    Stream.objects.update(read_through=timezone.now(), asked_at=None)
    inbox.process_store(stream.store_id)
    work(told)

    assert outcomes(told) == {(Delivery.State.DONE, "coalesced")}
    assert toy_store.asked == []


def test_news_that_are_younger_than_the_reading_wait_on(
    stream: Stream, keep: Keep, toy_store: toy.ToyStore
) -> None:
    told = hear(keep, toy_store, MANY)
    # The store's clock goes ahead of ours.
    ahead = timedelta(minutes=10)
    until = timezone.now() + ahead - timedelta(minutes=1)
    Stream.objects.update(read_through=until, skew_ms=int(ahead.total_seconds() * 1000))

    inbox.process_store(stream.store_id)
    work(told)

    assert outcomes(told) == {(Delivery.State.NEW, "left_to_reading")}


@pytest.mark.parametrize("trouble", ["failures", "patience"])
def test_where_no_reading_answers_they_are_looked_at_after_all(
    stream: Stream, keep: Keep, toy_store: toy.ToyStore, trouble: str
) -> None:
    told = hear(keep, toy_store, MANY)
    Stream.objects.update(read_through=None, failures=int(trouble == "failures"))
    wait(told, timedelta(minutes=5 if trouble == "failures" else 16))

    work(told)

    assert outcomes(told) == {(Delivery.State.DONE, "applied")}
    assert len(toy_store.asked) == MANY


def test_a_store_whose_orders_are_not_read_is_asked(
    stream: Stream, keep: Keep, toy_store: toy.ToyStore
) -> None:
    Stream.objects.update(enabled=False)

    told = hear(keep, toy_store, MANY)

    assert outcomes(told) == {(Delivery.State.DONE, "applied")}
