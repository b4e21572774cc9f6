"""A seller's queue connected to the hub, read over HTTP from a server that speaks SQS: what is told
twice, late, in any order or never ends as what the account says.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from integrations import authentication, connect, sync
from integrations.amazon import orders as reading
from integrations.connect import ConnectError
from integrations.errors import PermissionMissing
from integrations.models import (
    Endpoint,
    NewsQueue,
    ParkedRecord,
    RateBucket,
    RunKind,
    Store,
    StoreStatus,
    Stream,
    SyncRun,
)
from inventory.models import Reservation
from logix.accounts import tokens
from logix.accounts.models import Merchant, Scope
from logix.common import bell
from orders.models import Order
from orders.status import CameBy
from tests.factories import make_merchant
from tests.integrations.amazon.conftest import MakeWorld
from tests.integrations.amazon.sqs import KEY, Queue, Sqs, allowing
from tests.integrations.amazon.world import AmazonWorld
from tests.integrations.sync.conftest import run_to_end
from tests.test_canaries import logs_at_debug
from webhooks import inbox, listening
from webhooks.models import Delivery

pytestmark = [pytest.mark.sqs, pytest.mark.django_db(transaction=True)]
ANNA = "user:anna"


@pytest.fixture(autouse=True)
def quiet_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    """No broker is spoken to."""
    monkeypatch.setattr(bell, "publish", lambda *_args, **_options: True)


@pytest.fixture
def queue(sqs: Sqs) -> Iterator[Queue]:
    made = sqs.make("hub-news")
    yield made
    made.drop()


@pytest.fixture
def world(make_world: MakeWorld, sqs: Sqs) -> AmazonWorld:
    return make_world(orders=3, queue_endpoint=sqs.url)


@pytest.fixture
def merchant(transactional_db: None) -> Merchant:
    return make_merchant()


def connected(world: AmazonWorld, merchant: Merchant, queue: Queue) -> Store:
    """Its past is read to the end."""
    store = connect.connect_store(
        merchant=merchant,
        platform="amazon",
        base_url=world.url,
        credentials={**world.credentials, **queue.credentials},
        import_since=timezone.now() - timedelta(hours=1),
        actor=ANNA,
    )
    polled(store)
    run_to_end(SyncRun.objects.get(store=store, kind=RunKind.BACKFILL))
    return store


def heard(store: Store) -> int:
    """What is in the queue is taken in and worked."""
    RateBucket.objects.all().delete()
    NewsQueue.objects.filter(endpoint__store=store).update(next_at=Now())
    taken = sum(listening.listen(pk) for pk in listening.due())
    Delivery.objects.filter(state=Delivery.State.NEW).update(next_at=Now())
    inbox.process_ready()
    return taken


def polled(store: Store) -> None:
    RateBucket.objects.all().delete()
    for name in ("products", "orders"):
        while sync.run_stream(Stream.objects.get(store=store, name=name).pk):
            pass


def kept(store: Store) -> dict[str, str]:
    return dict(Order.objects.filter(store=store).values_list("external_id", "raw_status"))


def endpoint(store: Store) -> Endpoint:
    return Endpoint.objects.get(store=store, status=Endpoint.Status.ACTIVE)


def test_an_order_is_heard_of_through_the_queue_and_the_queue_is_empty_after(
    world: AmazonWorld, merchant: Merchant, queue: Queue
) -> None:
    store = connected(world, merchant, queue)
    assert endpoint(store).problem == ""
    assert len(endpoint(store).subscriptions) == 5

    before = world.calls("searchOrders")

    order_id = world.place_order()
    assert heard(store) == 1

    order = Order.objects.get(store=store, external_id=order_id)
    assert (order.came_by, order.order_status) == (CameBy.WEBHOOK, "open")
    world.act("ship", order_id)
    assert heard(store) == 1
    order.refresh_from_db()
    assert order.order_status == "completed"
    assert queue.waiting() == 0
    assert world.calls("searchOrders") == before


def test_doubled_unordered_lost_and_broken_messages_end_as_what_the_account_says(
    world: AmazonWorld, merchant: Merchant, queue: Queue
) -> None:
    store = connected(world, merchant, queue)
    faults = world.shop.faults
    faults.turn_on("news_duplicated", rate=0.4)
    faults.turn_on("news_unordered", rate=0.4)
    faults.turn_on("news_lost", rate=0.3)
    placed = [world.place_order() for _ in range(8)]
    for order_id in placed[:5]:
        world.act("ask_cancel", order_id)
        world.act("ship" if order_id in placed[:3] else "cancel", order_id)
    queue.put("{broken")
    faults.clear()

    while heard(store):
        pass

    parked = Delivery.objects.filter(store=store, state=Delivery.State.PARKED)
    assert [row.problem_code for row in parked] == ["not_json"]
    told = set(kept(store)) & set(placed)
    assert 0 < len(told) < len(placed), "some were lost, not all"
    assert Delivery.objects.filter(store=store, duplicates__gt=0).exists()
    assert queue.waiting() == 0

    polled(store)

    truth = {order_id: world.order(order_id).status for order_id in placed}
    found = {order_id: status for order_id, status in kept(store).items() if order_id in truth}
    assert found == truth
    came = set(Order.objects.filter(store=store).values_list("came_by", flat=True))
    assert {CameBy.WEBHOOK, CameBy.POLL} <= came


def test_a_queue_whose_permission_is_missing_says_so_and_polling_goes_on(
    world: AmazonWorld, merchant: Merchant, sqs: Sqs
) -> None:
    shut = sqs.make("hub-shut", policy={})
    store = connected(world, merchant, shut)

    said = endpoint(store).problem
    assert "437568002678 SQS:SendMessage and SQS:GetQueueAttributes" in said
    assert "Until then orders are read every 5 min." in said
    assert store.status == StoreStatus.ACTIVE
    order_id = world.place_order()
    assert heard(store) == 0
    polled(store)
    assert order_id in kept(store)
    with pytest.raises(PermissionMissing):
        connect.reconcile_webhooks(store)

    shut.allow(allowing(shut.arn))
    connect.reconcile_webhooks(store)
    second = world.place_order()
    assert heard(store) == 1

    assert endpoint(store).problem == ""
    assert second in kept(store)
    shut.drop()


def test_a_queue_that_is_gone_is_told_until_it_is_there_again(
    world: AmazonWorld, merchant: Merchant, sqs: Sqs
) -> None:
    queue = sqs.make("hub-gone")
    store = connected(world, merchant, queue)
    queue.drop()

    assert heard(store) == 0
    assert "no such queue" in endpoint(store).problem
    store.refresh_from_db()
    assert store.status == StoreStatus.ACTIVE

    again = sqs.make("hub-gone")
    world.place_order()
    assert heard(store) == 1
    assert endpoint(store).problem == ""
    again.drop()


def last_delivery(store: Store, order_id: str) -> Delivery:
    rows = Delivery.objects.filter(store=store, resource="order", resource_id=order_id)
    return rows.order_by("-received_at").first() or pytest.fail("No news of it came.")


def reserved(order_id: str) -> int:
    rows = Reservation.objects.filter(order_ref=Order.objects.get(external_id=order_id).pk)
    return sum(rows.values_list("quantity", flat=True))


def test_a_question_that_amazon_does_not_take_keeps_the_order_is_told_and_asked_again(
    world: AmazonWorld, merchant: Merchant, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = connected(world, merchant, queue)
    order_id = world.place_order()
    heard(store)
    before = reserved(order_id)
    with monkeypatch.context() as retired:
        retired.setattr(reading, "ORDER_DATA", (*reading.ORDER_DATA, "RETIRED"))
        world.act("edit", order_id)
        for _ in range(3):
            heard(store)

        waits = last_delivery(store, order_id)
        order = Order.objects.get(store=store, external_id=order_id)
        assert (order.gone_at, order.order_status) == (None, "open")
        assert reserved(order_id) == before > 0
        assert (waits.state, waits.problem_code) == (Delivery.State.NEW, "order_refused")
        assert "is left as it is" in waits.problem
        assert waits.next_at - timezone.now() > timedelta(minutes=50)

    heard(store)

    assert last_delivery(store, order_id).outcome == "applied"


def test_news_of_a_marketplace_that_is_not_connected_cost_no_call_and_say_why(
    world: AmazonWorld, merchant: Merchant, queue: Queue
) -> None:
    store = connected(world, merchant, queue)
    (known,) = world.place("foreign")
    heard(store)
    store.options = {**store.options, "marketplaces": ["DE"]}
    store.save(update_fields=["options"])
    (new,) = world.place("foreign")
    world.act("edit", known)
    before = world.calls("getOrder")

    assert heard(store) == 2

    assert world.calls("getOrder") == before
    assert new not in kept(store)
    ignored = Delivery.objects.filter(store=store, state=Delivery.State.IGNORED)
    assert ["not among the marketplaces" in row.problem for row in ignored] == [True, True]
    order = Order.objects.get(store=store, external_id=known)
    assert (order.gone_at, order.order_status) == (None, "open")
    assert reserved(known) > 0
    connect.reconcile_webhooks(store)
    assert endpoint(store).problem == ""


def test_news_of_an_order_of_another_shop_are_left_out_with_the_reason(
    world: AmazonWorld, merchant: Merchant, queue: Queue
) -> None:
    store = connected(world, merchant, queue)
    (elsewhere,) = world.place("elsewhere")

    heard(store)

    assert elsewhere not in kept(store)
    told = last_delivery(store, elsewhere)
    assert (told.state, told.outcome) == (Delivery.State.DONE, "left_out")
    assert "another shop" in told.problem
    assert not ParkedRecord.objects.filter(store=store).exists()


def test_ninety_news_at_once_take_two_searches_and_no_look(
    world: AmazonWorld, merchant: Merchant, queue: Queue
) -> None:
    store = connected(world, merchant, queue)
    placed = set(world.place("plain", 95))
    looks, searches = world.calls("getOrder"), world.calls("searchOrders")
    while heard(store):
        pass
    news = Delivery.objects.filter(store=store, resource_id__in=placed)
    assert set(news.values_list("state", "outcome")) == {("new", "left_to_reading")}
    assert Stream.objects.get(store=store, name="orders").asked_at is not None

    # Polls tell of what is two minutes old.
    news.update(received_at=F("received_at") - timedelta(minutes=3))
    polled(store)
    inbox.process_store(store.pk)

    assert placed <= set(kept(store))
    assert set(news.values_list("state", "outcome")) == {("done", "coalesced")}
    assert world.calls("getOrder") == looks
    assert world.calls("searchOrders") - searches <= 2


def test_the_faces_say_that_the_queue_is_heard_and_it_can_be_forgotten(
    world: AmazonWorld, merchant: Merchant, queue: Queue, admin_client: Client
) -> None:
    store = connected(world, merchant, queue)
    world.place_order()
    heard(store)
    page = reverse("admin:integrations_store_change", args=[store.pk])
    _, text = tokens.issue(merchant, name="test", scopes=Scope.values)
    bearer = {"Authorization": f"Bearer {text}"}
    hooks = f"/api/v1/integrations/{store.pk}/webhooks"

    shown = admin_client.get(page).content.decode()
    told = admin_client.get(hooks, headers=bearer).json()

    assert f"Fetched from {queue.url}" in shown
    assert "the last message came" in shown
    assert "Check webhooks" in shown
    assert "Rotate secret" not in shown
    assert KEY["aws_secret_access_key"] not in shown
    assert told["queue"]["address"] == queue.url
    assert told["queue"]["asked_at"]
    assert told["queue"]["is_deaf"] is False
    assert told["last_received_at"]
    assert told["address"] is None
    assert [x["topic"] for x in told["subscriptions"]] == told["topics"]

    path = f"/api/v1/amazon/integrations/{store.pk}"
    asked: dict[str, Any] = {"content_type": "application/json", "headers": bearer}
    answer = admin_client.patch(path, {"queue": None}, **asked)

    assert answer.status_code == 200, answer.content
    assert not NewsQueue.objects.exists()
    assert world.shop.store.state.subscriptions == {}
    assert admin_client.get(hooks, headers=bearer).json()["code"] == "no_webhooks"
    assert "Fetched from" not in admin_client.get(page).content.decode()
    polled(store)


def test_the_queue_is_forgotten_on_the_stores_page(
    world: AmazonWorld, merchant: Merchant, queue: Queue, admin_client: Client
) -> None:
    store = connected(world, merchant, queue)

    page = reverse("admin:integrations_store_act", args=[store.pk, "forget-queue"])
    shown = admin_client.post(page, {"confirmed": "yes"}, follow=True).content.decode()

    assert "is read by polling alone now" in shown
    assert not NewsQueue.objects.exists()
    assert world.shop.store.state.subscriptions == {}
    assert set(authentication.held(store).values) == {"client_id", "client_secret", "seller_id"}


def test_two_stores_of_a_merchant_at_one_queue_are_told_of_each_other(
    world: AmazonWorld, merchant: Merchant, queue: Queue, make_world: MakeWorld, sqs: Sqs
) -> None:
    first = connected(world, merchant, queue)
    second = connected(make_world(orders=0, queue_endpoint=sqs.url), merchant, queue)

    assert "has its news in the same queue" in endpoint(second).problem
    assert first.name in endpoint(second).problem


def test_half_of_a_queues_key_is_refused(
    world: AmazonWorld, merchant: Merchant, queue: Queue
) -> None:
    half = {**world.credentials, **queue.credentials, "aws_secret_access_key": ""}

    with pytest.raises(ConnectError, match="AWS secret access key"):
        connect.connect_store(
            merchant=merchant,
            platform="amazon",
            base_url=world.url,
            credentials=half,
            actor=ANNA,
        )


def test_disconnecting_takes_the_subscriptions_back(
    world: AmazonWorld, merchant: Merchant, queue: Queue
) -> None:
    store = connected(world, merchant, queue)

    connect.disconnect(store, actor=ANNA)

    assert world.shop.store.state.subscriptions == {}
    assert not NewsQueue.objects.exists()
    assert listening.due() == []


def test_no_log_holds_the_queues_key_a_signature_or_a_message(
    world: AmazonWorld, merchant: Merchant, queue: Queue
) -> None:
    with logs_at_debug() as streams:
        store = connected(world, merchant, queue)
        queue.put("{a canary")
        assert heard(store) == 1

    for stream in streams:
        told = stream.getvalue()
        assert "news_taken" in told
        for secret in (*KEY.values(), "AWS4-HMAC", "a canary"):
            assert secret not in told
