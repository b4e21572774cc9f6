"""News from merchants' own queues: into the inbox first, out of the queue afterwards."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.db.models.functions import Now
from django.utils import timezone

from integrations import authentication, registry
from integrations.errors import PermissionMissing, Unavailable
from integrations.models import Endpoint, NewsQueue, Store, StoreStatus
from orders.models import Order
from tests.factories import make_store
from tests.webhooks import queuetoy, toy
from tests.webhooks.conftest import make_endpoint, told
from webhooks import inbox, listening, tasks
from webhooks.models import Delivery

State = Delivery.State


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> queuetoy.QueueStore:
    shop = queuetoy.QueueStore()
    monkeypatch.setattr(authentication, "adapter_for", shop.adapter)
    monkeypatch.setitem(registry.BUILT_IN, "queuetoy", "tests.webhooks.queuetoy.CARD")
    return shop


@pytest.fixture
def queue(db: None, shop: queuetoy.QueueStore) -> NewsQueue:
    store = make_store(platform="queuetoy")
    return NewsQueue.objects.create(endpoint=make_endpoint(store), address="arn:toy")


def again(queue: NewsQueue) -> int:
    """As if its time had come."""
    NewsQueue.objects.filter(pk=queue.pk).update(next_at=Now())
    return listening.listen(queue.pk)


def rows() -> list[tuple[str, str]]:
    found = Delivery.objects.order_by("dedupe_key")
    return list(found.values_list("dedupe_key", "state"))


@pytest.mark.django_db(transaction=True)
def test_what_waits_is_kept_worked_and_gone_from_the_queue(
    queue: NewsQueue, shop: queuetoy.QueueStore, rung: list[str]
) -> None:
    shop.at_once = 2
    for number in (1, 2, 3):
        shop.put(f"m{number}", **told(number))

    assert again(queue) == 3

    assert shop.waiting == []
    assert rows() == [(f"n:m{number}", State.NEW) for number in (1, 2, 3)]
    assert "webhooks.tasks.process" in rung
    inbox.process_ready()
    assert Order.objects.count() == 3
    queue.refresh_from_db()
    assert queue.asked_at is not None
    assert (queue.lease_until, queue.is_deaf) == (None, False)
    assert queue.next_at > timezone.now()
    queue.endpoint.refresh_from_db()
    assert queue.endpoint.last_received_at is not None


def test_a_message_that_comes_again_is_counted_and_changes_nothing(
    queue: NewsQueue, shop: queuetoy.QueueStore
) -> None:
    shop.put("m1", **told(1))
    again(queue)
    inbox.process_ready()
    shop.put("m1#again", **told(1))
    shop.put("m2", **told(2))
    shop.put("m2#again", **told(2))

    assert again(queue) == 3

    assert [key for key, _ in rows()] == ["n:m1", "n:m2"]
    assert Delivery.objects.get(dedupe_key="n:m1").duplicates == 1
    assert Delivery.objects.get(dedupe_key="n:m1").state == State.DONE
    assert Delivery.objects.get(dedupe_key="n:m2").duplicates == 1
    assert shop.waiting == []


@pytest.mark.django_db(transaction=True)
def test_nothing_leaves_the_queue_before_it_is_committed(
    queue: NewsQueue, shop: queuetoy.QueueStore
) -> None:
    """A worker that dies before it acknowledges gets everything again, once."""
    seen: list[int] = []

    def die() -> None:
        from django.db import connection

        assert not connection.in_atomic_block
        seen.append(Delivery.objects.count())
        raise KeyboardInterrupt

    shop.put("m1", **told(1))
    shop.before_acknowledging = die
    with pytest.raises(KeyboardInterrupt):
        again(queue)
    assert seen == [1]
    assert len(shop.waiting) == 1
    # Its lease holds until it runs out.
    assert again(queue) == 0
    NewsQueue.objects.update(lease_until=Now() - timedelta(seconds=1))
    shop.before_acknowledging = None

    assert again(queue) == 1

    assert shop.waiting == []
    assert Delivery.objects.count() == 1


def test_a_message_that_cannot_be_read_is_parked_with_its_reason_and_blocks_nobody(
    queue: NewsQueue, shop: queuetoy.QueueStore
) -> None:
    shop.put("m1", body=b"{}")
    shop.put("", topic="", body=b'{"no": "id"}')
    shop.put("m3", **told(3))

    assert again(queue) == 3
    inbox.process_ready()

    parked = Delivery.objects.filter(state=State.PARKED)
    assert {row.problem for row in parked} == {"The order has no id. ($.id)"}
    assert parked.count() == 2
    assert Delivery.objects.get(dedupe_key="n:m3").state == State.DONE
    assert shop.waiting == []


def test_two_workers_do_not_read_one_queue(queue: NewsQueue, shop: queuetoy.QueueStore) -> None:
    shop.put("m1", **told(1))
    beside: list[int] = []
    shop.before_acknowledging = lambda: beside.append(again(queue))

    assert again(queue) == 1

    assert beside == [0]


def test_a_worker_that_slept_past_its_lease_changes_nothing_more(
    queue: NewsQueue, shop: queuetoy.QueueStore
) -> None:
    shop.put("m1", **told(1))
    later = timezone.now() + timedelta(minutes=3)
    shop.before_acknowledging = lambda: NewsQueue.objects.update(fence=99, next_at=later)

    assert again(queue) == 1

    queue.refresh_from_db()
    assert (queue.fence, queue.next_at) == (99, later)


@pytest.mark.parametrize(
    ("error", "soon"),
    [
        (
            PermissionMissing("The queue's policy lacks SQS:SendMessage.", code="queue_policy"),
            False,
        ),
        (Unavailable("The queue does not answer."), True),
        (ZeroDivisionError("a mistake of ours"), False),
    ],
)
def test_a_queue_that_cannot_be_read_says_why_and_stops_nobody(
    queue: NewsQueue, shop: queuetoy.QueueStore, error: Exception, soon: bool
) -> None:
    shop.deaf = error
    shop.put("m1", **told(1))

    assert again(queue) == 0

    queue.refresh_from_db()
    endpoint = Endpoint.objects.select_related("store").get()
    assert queue.is_deaf
    assert (queue.next_at < timezone.now() + timedelta(minutes=2)) is soon
    assert endpoint.problem
    assert "a mistake of ours" not in endpoint.problem
    assert endpoint.problem.endswith("Until then orders are read every 5 min.")
    assert endpoint.store.status == StoreStatus.ACTIVE

    shop.deaf = None
    assert again(queue) == 1
    endpoint.refresh_from_db()
    queue.refresh_from_db()
    assert (endpoint.problem, endpoint.last_checked_at, queue.is_deaf) == ("", None, False)


def test_a_database_that_goes_away_leaves_all_in_the_queue(
    queue: NewsQueue, shop: queuetoy.QueueStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_args: Any, **_options: Any) -> int:
        raise OperationalError("gone")

    shop.put("m1", **told(1))
    monkeypatch.setattr(listening, "accept_all", away)

    with pytest.raises(OperationalError):
        again(queue)

    assert len(shop.waiting) == 1


@pytest.mark.django_db(transaction=True)
def test_only_queues_of_stores_that_listen_are_due(
    queue: NewsQueue, shop: queuetoy.QueueStore, rung: list[str]
) -> None:
    assert listening.due() == [queue.pk]
    tasks.listen()
    assert rung == ["webhooks.tasks.fetch_news"]

    stores = Store.objects.filter(pk=queue.endpoint.store_id)
    for changes in ({"status": StoreStatus.PAUSED}, {"auto_sync": False}):
        stores.update(**changes)
        assert listening.due() == []
        stores.update(status=StoreStatus.ACTIVE, auto_sync=True)
    NewsQueue.objects.update(next_at=Now() + timedelta(seconds=30))
    assert listening.due() == []
    assert listening.listen(queue.pk) == 0


def test_a_full_queue_is_left_after_a_while_and_asked_again_at_once(
    queue: NewsQueue, shop: queuetoy.QueueStore
) -> None:
    shop.at_once = 1
    for number in range(3):
        shop.put(f"m{number}", **told(number + 1))

    NewsQueue.objects.update(next_at=Now())
    assert listening.listen(queue.pk, budget_s=0) == 1

    time.sleep(0.01)  # SQLite's clock counts milliseconds
    assert listening.due() == [queue.pk]
    assert toy.CARD.webhooks is not None
