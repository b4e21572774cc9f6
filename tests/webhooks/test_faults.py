"""Faults at every point: a worker killed at each statement, repeats and shuffling of everything a
store tells.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from integrations.models import Store
from inventory.models import StockMovement
from orders.models import Order, OrderEvent
from orders.status import OrderStatus
from tests.webhooks import toy
from tests.webhooks.conftest import Deliver, Keep, state, told
from webhooks import accept, inbox
from webhooks.models import Delivery

State = Delivery.State


class Killed(BaseException):
    """What SIGKILL looks like from inside: nothing after it runs, the open transaction is lost."""


@contextmanager
def killed_at(statement: int) -> Iterator[list[int]]:
    """Let ``statement - 1`` statements through. Yields the count of those that were tried."""
    tried = [0]

    def count(execute: Any, *args: Any) -> Any:
        tried[0] += 1
        if tried[0] >= statement:
            raise Killed
        return execute(*args)

    with connection.execute_wrapper(count):
        yield tried


def recover() -> None:
    """A minute later: leases are over, the sweeper comes by, a worker works."""
    past = timezone.now() - timedelta(seconds=1)
    Delivery.objects.filter(state=State.BUSY).update(lease_until=past)
    inbox.sweep()
    Delivery.objects.filter(state=State.NEW).update(next_at=past)
    inbox.process_ready()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("thin", [False, True])
def test_a_worker_killed_at_any_statement_leaves_the_effects_done_exactly_once(
    keep: Keep, toy_store: toy.ToyStore, thin: bool
) -> None:
    statement, survived = 0, False
    while not survived:
        statement += 1
        toy_store.orders[str(statement)] = toy.order(statement)
        delivery = keep(**told(statement, thin=thin))
        try:
            with killed_at(statement):
                inbox.process_ready()
            survived = True
        except Killed:
            recover()
        assert state(delivery) == (State.DONE, "applied"), f"killed at statement {statement}"
        order = Order.objects.get(external_id=str(statement))
        assert order.lines.count() == 1
        assert OrderEvent.objects.filter(order=order, kind="created").count() <= 1

    assert statement > 20
    assert Order.objects.count() == statement
    causes = list(StockMovement.objects.values_list("cause", flat=True))
    assert len(causes) == len(set(causes))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("remembers", "statements"), [(False, 2), (True, 1)])
def test_a_web_process_killed_at_any_statement_never_answered_without_a_row(
    deliver: Deliver, remembers: bool, statements: int
) -> None:
    for number in (1001, 1002):  # the second is the first one taken on the word of memory
        assert deliver(id=number).status_code == 200
    statement = 0
    while True:
        statement += 1
        before = Delivery.objects.count()
        if not remembers:
            accept.forget()
        try:
            with killed_at(statement):
                response = deliver(id=statement)
        except Killed:
            assert deliver(id=statement).status_code == 200
            assert Delivery.objects.count() == before + 1
            continue
        assert response.status_code == 200
        assert Delivery.objects.count() == before + 1
        break

    assert statement == statements + 1


@pytest.mark.parametrize("seed", range(4))
def test_repeats_and_any_order_of_arrival_end_in_the_stores_last_word(
    deliver: Deliver, toy_store: toy.ToyStore, store: Store, seed: int
) -> None:
    """12 orders told up to 5 times, a quarter of the deliveries twice, all shuffled, worked off in
    random portions.
    """
    chance = random.Random(seed)
    sent: list[tuple[str, bytes]] = []
    last: dict[str, OrderStatus] = {}
    words = {"processing": OrderStatus.OPEN, "completed": OrderStatus.COMPLETED}
    for number in range(1, 13):
        word = "processing"
        for minute in range(chance.randint(1, 5)):
            sent.append(("order.updated", toy.body_of(**told(number, minute=minute, status=word))))
            last[str(number)] = words[word]
            word = chance.choice(list(words)) if word == "processing" else word
        toy_store.orders[str(number)] = toy.order_of(
            told(number, minute=minute, status=_word(words, last[str(number)]))
        )
    sent += chance.sample(sent, len(sent) // 4)
    chance.shuffle(sent)

    for topic, body in sent:
        assert deliver(body, topic=topic).status_code == 200
        if chance.random() < 0.3:
            inbox.process_ready(limit=chance.randint(1, 5))
    inbox.process_ready()

    assert dict(Order.objects.values_list("external_id", "order_status")) == last
    assert set(Delivery.objects.values_list("state", flat=True)) == {State.DONE}
    assert sum(Delivery.objects.values_list("duplicates", flat=True)) == len(sent) - len(set(sent))


def _word(words: dict[str, OrderStatus], status: OrderStatus) -> str:
    return next(word for word, meaning in words.items() if meaning == status)
