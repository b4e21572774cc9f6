"""What an account does in the background and then tells: an order it sends for another store, units
it keeps, a feed, a report. The news lead to the look at once, without any clock of the hub's.

The messages come out of a box, and out of a queue where there is a server that speaks SQS.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from integrations import connect, outbox, registry, sync
from integrations.amazon.platform import CARD
from integrations.amazon.service import AmazonIntegration
from integrations.events import RawDelivery
from integrations.models import (
    NewsQueue,
    Push,
    RateBucket,
    StockHandOver,
    Store,
    Stream,
    SyncRun,
)
from integrations.sandbox.amazon.notifications.models import Destination, Subscription
from integrations.sandbox.amazon.play import acts as account
from integrations.sandbox.amazon.reports import settlements
from integrations.sync.announced import BETWEEN
from integrations.tasks import look_outside, run_stream, work_hand_over
from inventory.models import KeptUnits
from logix.accounts.models import Merchant
from logix.common import bell
from orders import services
from orders.models import Order, OutsideFulfillment, Payout, Return, Shipment
from tests.factories import make_merchant
from tests.integrations.amazon import many
from tests.integrations.amazon.conftest import MakeWorld
from tests.integrations.amazon.many import connected, listed
from tests.integrations.amazon.sqs import Queue, Sqs
from tests.integrations.amazon.test_in_the_hub import fetched
from tests.integrations.amazon.test_money_in_the_hub import opened, read_payouts
from tests.integrations.amazon.world import AmazonWorld
from tests.integrations.sandbox.amazon.client import DE
from tests.integrations.sandbox.amazon.test_notifications import ARN, KINDS, Mailbox, box
from tests.integrations.shopify.world import ShopifyWorld, shopify_world
from tests.integrations.test_outside import Hub
from tests.webhooks.conftest import make_endpoint
from webhooks import inbox, listening
from webhooks.accept import accept_all
from webhooks.models import Delivery

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["box"]

DAY = 24 * 3600
FROM = 20
TASKS: dict[str, Any] = {task.name: task for task in (look_outside, run_stream, work_hand_over)}
_State = StockHandOver.State


class Rings(list[tuple[str, tuple[Any, ...]]]):
    """What was rung for; ``answer`` does it as a worker would, what that rings for as well."""

    def answer(self) -> None:
        while self:
            name, args = self.pop(0)
            if name in TASKS:
                TASKS[name](*args)


@pytest.fixture(autouse=True)
def rings(monkeypatch: pytest.MonkeyPatch) -> Rings:
    heard = Rings()

    def publish(name: str, args: tuple[Any, ...], **_options: Any) -> bool:
        heard.append((name, args))
        return True

    monkeypatch.setattr(bell, "publish", publish)
    return heard


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A card that makes a file of fewer figures, and need not wait for its own limits."""
    card, cards = many.unhurried(stock_bulk_from=FROM), registry.card
    monkeypatch.setattr(registry, "card", lambda slug: card if slug == "amazon" else cards(slug))


@pytest.fixture
def merchant(transactional_db: None) -> Merchant:
    return make_merchant()


class News(ABC):
    """From the account into the inbox of its store. ``ready`` before the store is connected,
    ``begin`` afterwards; ``arrive`` brings what was told since then.
    """

    url: str

    def __init__(self, rings: Rings) -> None:
        self.rings = rings

    def ready(self, world: AmazonWorld) -> AmazonWorld:
        return world

    def begin(self, world: AmazonWorld, store: Store) -> None:
        Store.objects.filter(pk=store.pk).update(auto_sync=True)

    def arrive(self) -> list[tuple[str, str]]:
        """What the messages named, and what became of each; whoever was rung for has looked."""
        RateBucket.objects.all().delete()
        before = list(Delivery.objects.values_list("pk", flat=True))
        self.take_in()
        self.rings.clear()
        inbox.process_ready()
        self.rings.answer()
        new = Delivery.objects.exclude(pk__in=before).order_by("received_at", "pk")
        return list(new.values_list("resource_id", "outcome"))

    @abstractmethod
    def take_in(self) -> None:
        """What was told since then becomes deliveries."""


class Boxed(News):
    """Out of a box, each message twice."""

    def __init__(self, rings: Rings, box: Mailbox) -> None:
        super().__init__(rings)
        self.box, self.url = box, box.url

    def begin(self, world: AmazonWorld, store: Store) -> None:
        super().begin(world, store)
        self.endpoint = make_endpoint(store)
        with world.shop.store.working():
            state = world.shop.store.state
            state.destinations["d"] = Destination("d", "Logix", ARN)
            for kind in KINDS:
                state.subscriptions[kind] = Subscription(kind, kind, "1.0", "d")

    def take_in(self) -> None:
        bodies = [RawDelivery(topic="", body=json.dumps(x).encode()) for x in self.box.taken()]
        keyed = [(AmazonIntegration.dedupe_key(x), x) for x in bodies]
        assert accept_all(self.endpoint, keyed) == len(bodies)
        assert accept_all(self.endpoint, keyed) == 0


class Queued(News):
    """Out of a queue that the account writes every message into twice."""

    def __init__(self, rings: Rings, sqs: Sqs, queue: Queue) -> None:
        super().__init__(rings)
        self.queue, self.url = queue, sqs.url

    def ready(self, world: AmazonWorld) -> AmazonWorld:
        world.credentials = {**world.credentials, **self.queue.credentials}
        return world

    def begin(self, world: AmazonWorld, store: Store) -> None:
        super().begin(world, store)
        store.refresh_from_db()
        connect.reconcile_webhooks(store)
        assert set(world.shop.store.state.subscriptions) == set(CARD.topics)
        world.shop.faults.turn_on("news_duplicated")

    def take_in(self) -> None:
        NewsQueue.objects.update(next_at=Now())
        for pk in listening.due():
            listening.listen(pk)
        assert self.queue.waiting() == 0


@pytest.fixture
def boxed(rings: Rings, box: Mailbox) -> Boxed:
    return Boxed(rings, box)


@pytest.fixture(params=["boxed", pytest.param("queued", marks=pytest.mark.sqs)])
def news(request: pytest.FixtureRequest, rings: Rings) -> Iterator[News]:
    if request.param == "boxed":
        yield request.getfixturevalue("boxed")
        return
    server: Sqs = request.getfixturevalue("sqs")
    queue = server.make("background")
    yield Queued(rings, server, queue)
    queue.drop()


# -- an order that Amazon sends for another store --------------------------------------------------


@pytest.fixture
def boutique() -> Iterator[ShopifyWorld]:
    with shopify_world(orders=1, products=6) as world:
        yield world


def test_each_step_of_an_order_sent_for_another_store_is_seen_when_it_is_told(
    make_world: MakeWorld, boutique: ShopifyWorld, merchant: Merchant, news: News
) -> None:
    depot = news.ready(make_world(orders=0, products=5, queue_endpoint=news.url))
    hub = Hub(merchant, boutique, depot)
    news.begin(depot, hub.amazon)
    order = hub.bought()
    made = services.request_outside(order, hub.amazon, actor="user:anna")
    hub.send(hub.amazon)
    OutsideFulfillment.objects.update(next_look_at=timezone.now() + timedelta(hours=4))
    news.arrive()

    looked = []
    for _ in range(4):
        hub.go_on()
        told = dict(news.arrive())
        assert told[made.reference] == "looked_soon"
        looked.append(OutsideFulfillment.objects.get().raw_status)

    assert looked == ["Received", "Planning", "Processing", "Complete"]
    made.refresh_from_db()
    assert made.state == OutsideFulfillment.State.SENT
    assert Shipment.objects.get(order=order).tracking_number
    assert depot.calls("createFulfillmentOrder") == 1


def test_news_of_orders_that_are_over_or_somebody_elses_ask_for_nothing(
    make_world: MakeWorld, boutique: ShopifyWorld, merchant: Merchant, box: Mailbox, boxed: Boxed
) -> None:
    depot = make_world(orders=0, products=5, queue_endpoint=box.url)
    hub = Hub(merchant, boutique, depot)
    boxed.begin(depot, hub.amazon)
    made = services.request_outside(hub.bought(), hub.amazon, actor="user:anna")
    hub.send(hub.amazon)
    hub.go_on(4)
    hub.look()
    made.refresh_from_db()
    assert made.state == OutsideFulfillment.State.SENT
    late = [x for x in box.taken() if x["NotificationType"] == "FULFILLMENT_ORDER_STATUS"]
    foreign = json.loads(json.dumps(late[-1]).replace(made.reference, "SOMEBODYS-1"))
    foreign["NotificationMetadata"]["NotificationId"] = "foreign"
    box.messages = [*late, foreign]
    looks = depot.calls("getFulfillmentOrder")

    told = boxed.arrive()

    assert {name for name, _ in told} == {made.reference, "SOMEBODYS-1"}
    assert {outcome for _, outcome in told} == {"nothing_to_do"}
    assert depot.calls("getFulfillmentOrder") == looks


# -- units that Amazon keeps -----------------------------------------------------------------------


def test_units_sent_for_another_store_are_seen_when_their_number_is_told(
    make_world: MakeWorld, boutique: ShopifyWorld, merchant: Merchant, news: News
) -> None:
    depot = news.ready(make_world(orders=0, products=5, queue_endpoint=news.url))
    hub = Hub(merchant, boutique, depot)
    news.begin(depot, hub.amazon)
    kept_is_read(hub)
    news.arrive()
    units = KeptUnits.objects.get(sku=hub.fba)
    before = (units.sellable, units.reserved)
    services.request_outside(hub.bought(3), hub.amazon, actor="user:anna")
    hub.send(hub.amazon)

    def after(step: Callable[[], Any]) -> tuple[int, int]:
        """What is known of the units there once the step was told of."""
        long_ago = timezone.now() - BETWEEN
        Stream.objects.filter(name="kept").update(last_success_at=long_ago, next_at=_in_an_hour())
        step()
        assert dict(news.arrive())[hub.fba] == "looked_soon"
        units.refresh_from_db()
        return units.sellable - before[0], units.reserved - before[1]

    assert after(hub.go_on) == (-3, 3)
    assert after(lambda: hub.go_on(3)) == (-3, 0)

    made = services.request_outside(hub.bought(2), hub.amazon, actor="user:anna")
    hub.send(hub.amazon)
    assert after(hub.go_on) == (-5, 2)

    def call_off() -> None:
        services.cancel_outside(made, actor="user:anna")
        hub.send(hub.amazon)

    assert after(call_off) == (-3, 0)


def test_units_that_are_sold_one_by_one_are_read_together(
    make_world: MakeWorld, merchant: Merchant, box: Mailbox, boxed: Boxed
) -> None:
    world = make_world(orders=0, products=5, queue_endpoint=box.url)
    store = opened(world, merchant)
    boxed.begin(world, store)
    while sync.run_stream(stream(store, "kept").pk):
        pass
    read_at = stream(store, "kept").last_success_at
    assert read_at is not None
    asked = world.calls("getInventorySummaries")

    world.place("fba", 4)
    outcomes = {outcome for _, outcome in boxed.arrive()}

    assert "looked_soon" in outcomes
    assert world.calls("getInventorySummaries") == asked, "it was read a moment ago"
    due = stream(store, "kept").next_at
    assert due == read_at + BETWEEN


def kept_is_read(hub: Hub) -> None:
    while sync.run_stream(stream(hub.amazon, "kept").pk):
        pass


def _in_an_hour() -> datetime:
    return timezone.now() + timedelta(hours=1)


# -- a feed ----------------------------------------------------------------------------------------


def test_a_feed_is_settled_when_it_is_told_that_it_was_worked_off(
    make_world: MakeWorld, merchant: Merchant, news: News, rings: Rings
) -> None:
    options = {"orders": 0, "products": 40, "marketplaces": (DE,)}
    world = news.ready(make_world(**options, queue_endpoint=news.url))
    store = connected(world, merchant)
    skus = world.own_skus()
    assert len(skus) > FROM
    listed(store, skus, units=31)
    outbox.mark_store(store.pk)
    outbox.send_pushes(store.pk)
    rings.answer()
    file = StockHandOver.objects.get(store=store)
    assert (file.state, file.next_at > timezone.now()) == (_State.PENDING, True)
    news.begin(world, store)
    asked = world.calls("getFeed")

    assert news.arrive() == []
    account.move_clock(world.shop.store, 300)
    (told,) = [row for row in news.arrive() if row[0] in file.handle["awaits"]]

    file.refresh_from_db()
    assert told[1] == "looked_soon"
    assert (file.state, file.refused) == (_State.DONE, 0)
    assert set(Push.objects.values_list("state", "pushed_value")) == {("idle", 31)}
    assert world.calls("getFeed") == asked + 1
    assert world.calls("getFeeds") == 0


# -- reports ---------------------------------------------------------------------------------------


@pytest.fixture
def world(make_world: MakeWorld, news: News) -> AmazonWorld:
    return news.ready(make_world(orders=12, queue_endpoint=news.url))


def stream(store: Store, name: str) -> Stream:
    return Stream.objects.get(store=store, name=name)


def test_returns_are_read_when_their_reports_are_told_to_be_there(
    world: AmazonWorld, merchant: Merchant, news: News
) -> None:
    store = opened(world, merchant)
    news.begin(world, store)
    order_id = world.place_order()
    world.refund_a_unit(order_id)
    fetched(store, order_id)
    # The first walk looks back twice as far, and Amazon makes but one of its own in four hours.
    Stream.objects.filter(store=store, name="returns").update(read_through=timezone.now())
    # It asks for its reports, some at a time, and looks once whether they are there.
    for _ in range(3):
        sync.run_stream(stream(store, "returns").pk)
    SyncRun.objects.filter(stream__name="returns").update(state="cancelled")
    awaited = stream(store, "returns").position["awaits"]
    assert awaited
    before = world.calls("createReport")
    news.arrive()
    assert not Return.objects.exists()

    account.move_clock(world.shop.store, 300)
    told = news.arrive()

    assert {name for name, _ in told} == set(awaited)
    assert {outcome for _, outcome in told} == {"looked_soon"}
    assert Return.objects.get().order.external_id == order_id
    walked = stream(store, "returns")
    assert (walked.position, walked.last_error) == ({}, "")
    assert world.calls("createReport") == before
    assert Order.objects.get(external_id=order_id).returns.count() == 1


def test_a_settlement_nobody_asked_for_is_read_when_it_is_told(
    world: AmazonWorld, merchant: Merchant, news: News
) -> None:
    store = opened(world, merchant)
    read_payouts(world, store)
    news.begin(world, store)
    world.refund_a_unit(world.place_order())
    long_ago = timezone.now() - timedelta(hours=3)
    Stream.objects.filter(store=store, name="payouts").update(last_success_at=long_ago)
    before = Payout.objects.count()
    lists = world.calls("getReports")

    account.move_clock(world.shop.store, 15 * DAY)
    news.arrive()

    with world.shop.store.working():
        rows = world.shop.store.state.reports.values()
        closed = sum(row.kind == settlements.KIND for row in rows)
    assert before < closed == Payout.objects.count()
    assert world.calls("getReports") == lists + 1, "several are told of, and read together"
    due = stream(store, "payouts").next_at
    assert due is not None
    assert due > timezone.now() + timedelta(hours=5)
