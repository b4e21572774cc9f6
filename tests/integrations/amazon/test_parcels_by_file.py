"""Many parcels of an account, from the hub to the orders Amazon shows: in one feed, each ended by
the report.
"""

from __future__ import annotations

import pytest
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse

from integrations import outbox, registry, sync
from integrations.amazon import feed_files
from integrations.models import Command, ParcelHandOver, RateBucket, Store
from integrations.outbox.handing import PATIENCE
from logix.accounts.models import Merchant
from logix.common import bell
from orders import services
from orders.models import Order, Shipment
from tests.factories import make_merchant
from tests.integrations.amazon import many
from tests.integrations.amazon.conftest import MakeWorld
from tests.integrations.amazon.many import calls, connected, later
from tests.integrations.amazon.test_stock_by_file import ENDINGS
from tests.integrations.amazon.world import AmazonWorld
from tests.integrations.sandbox.amazon.client import DE

pytestmark = pytest.mark.django_db(transaction=True)
FROM = 10
COUNT = 12
_State = ParcelHandOver.State
ANNA = "user:anna"


@pytest.fixture(autouse=True)
def quiet_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    """No broker is spoken to."""
    monkeypatch.setattr(bell, "publish", lambda *_args, **_options: True)


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A card that makes a file of fewer parcels, and need not wait for its own limits."""
    card = many.unhurried(parcels_bulk_from=FROM)
    monkeypatch.setattr(registry, "card", lambda slug: card)


@pytest.fixture
def merchant(transactional_db: None) -> Merchant:
    return make_merchant()


@pytest.fixture
def world(make_world: MakeWorld) -> AmazonWorld:
    return make_world(orders=0, products=20, marketplaces=(DE,))


@pytest.fixture
def store(world: AmazonWorld, merchant: Merchant) -> Store:
    return connected(world, merchant)


@pytest.fixture
def orders(world: AmazonWorld, store: Store) -> list[Order]:
    """Each with a parcel that Amazon is to be told of."""
    sku = world.own_skus()[0]
    order_ids = [world.buy((sku, 1)) for _ in range(COUNT)]
    found = [fetched(store, order_id) for order_id in order_ids]
    for number, order in enumerate(found, 1):
        services.add_shipment(
            order, carrier="DHL", tracking_number=f"00340434161{number:09}", actor=ANNA
        )
    return found


def fetched(store: Store, order_id: str) -> Order:
    sync.refetch_order(store, external_id=order_id, actor=ANNA)
    return Order.objects.get(store=store, external_id=order_id)


def send(store: Store) -> None:
    Command.objects.filter(store=store, next_at__gt=Now()).update(next_at=Now())
    outbox.send_commands(store.pk)


def work(store: Store) -> ParcelHandOver:
    files = ParcelHandOver.objects.filter(store=store)
    files.filter(state__in=ParcelHandOver.OPEN).update(next_at=Now())
    for pk in outbox.due_hand_overs():
        outbox.work_hand_over(pk)
    return files.latest("created_at")


def states(store: Store) -> set[tuple[str, str]]:
    return set(Command.objects.filter(store=store).values_list("state", "problem_code"))


def test_many_parcels_go_by_one_feed_and_bad_ones_are_named(
    world: AmazonWorld, store: Store, orders: list[Order], admin_client: Client
) -> None:
    spoiled, shipped = orders[3], orders[5]
    world.act("ship", shipped.external_id)
    world.shop.faults.turn_on("feed_message_refused", route=spoiled.external_id)
    reads = calls(world).get("getOrder", 0)

    outbox.send_commands(store.pk)
    file = work(store)
    assert (file.state, file.parcels) == (_State.PENDING, COUNT)
    assert states(store) == {("handed", "")}
    one = Command.objects.filter(store=store).first()
    assert one is not None
    page = admin_client.get(reverse("admin:integrations_command_change", args=[one.pk]))
    assert "in one file" in page.content.decode()
    page = admin_client.get(reverse("admin:integrations_parcelhandover_changelist"))
    assert f"{COUNT} parcels were handed over" in page.content.decode()
    later(world)
    file = work(store)

    assert (file.state, file.refused) == (_State.DONE, 2)
    refused = Command.objects.get(store=store, state="refused")
    assert refused.order_ref == spoiled.pk
    assert refused.problem == "The data you submitted is incomplete or invalid."
    unsure = Command.objects.get(store=store, state="unknown")
    assert unsure.order_ref == shipped.pk
    done = calls(world)
    assert (done["createFeed"], done["getFeedDocument"]) == (1, 1)
    assert "confirmShipment" not in done
    assert done.get("getOrder", 0) == reads
    page = admin_client.get(reverse("admin:integrations_parcelhandover_changelist"))
    assert f"{COUNT - 2} taken, 2 refused" in page.content.decode()
    send(store)
    unsure.refresh_from_db()
    assert (unsure.state, unsure.changed) == ("done", False)
    assert "confirmShipment" not in calls(world)
    for order in orders:
        assert len(world.parcels(order.external_id)) == (0 if order == spoiled else 1)


def test_what_amazon_shows_afterwards_is_the_parcel_we_made(
    world: AmazonWorld, store: Store, orders: list[Order]
) -> None:
    outbox.send_commands(store.pk)
    work(store)
    later(world)
    work(store)
    order = orders[0]
    parcel = Shipment.objects.get(order=order)
    services.update_tracking(parcel, tracking_number="T-NEW", actor=ANNA)
    send(store)

    fetched(store, order.external_id)

    assert world.parcels(order.external_id) == [("T-NEW",)]
    assert Shipment.objects.filter(order__in=orders).count() == COUNT
    parcel.refresh_from_db()
    assert parcel.tracking_number == "T-NEW"
    assert parcel.external_id == world.order(order.external_id).packages[0].reference


@pytest.mark.parametrize(("trouble", "said"), ENDINGS)
def test_a_feed_that_comes_to_nothing_loses_nothing_and_its_parcels_go_out_by_calls(
    world: AmazonWorld, store: Store, orders: list[Order], trouble: str, said: str
) -> None:
    world.shop.faults.turn_on(trouble)
    outbox.send_commands(store.pk)
    work(store)
    later(world)
    ParcelHandOver.objects.update(handed_at=Now() - PATIENCE)
    file = work(store)
    assert (file.state, said in file.problem) == (_State.FAILED, True)
    assert states(store) == {("unknown", "parcel_file_came_to_nothing")}

    send(store)

    assert states(store) == {("done", "")}
    assert calls(world)["confirmShipment"] == COUNT
    assert all(len(world.parcels(order.external_id)) == 1 for order in orders)


@pytest.mark.parametrize("trouble", ["truncated", "timeout_after_write"])
def test_a_file_whose_answer_was_lost_doubles_nothing(
    world: AmazonWorld,
    store: Store,
    orders: list[Order],
    monkeypatch: pytest.MonkeyPatch,
    trouble: str,
) -> None:
    world.shop.faults.turn_on(trouble, route="createFeed$", count=1, seconds=0)
    outbox.send_commands(store.pk)
    assert work(store).state == _State.PENDING
    world.peace()
    later(world)
    monkeypatch.setattr(feed_files, "_UNSEEN", feed_files._UNSEEN * 0)
    assert work(store).state == _State.FAILED

    send(store)

    assert states(store) == {("done", "")}
    assert "confirmShipment" not in calls(world)
    assert all(len(world.parcels(order.external_id)) == 1 for order in orders)


def test_a_throttled_feed_is_handed_over_later(
    world: AmazonWorld, store: Store, orders: list[Order]
) -> None:
    outbox.send_commands(store.pk)
    world.shop.faults.turn_on("throttled", route="createFeed$")
    file = work(store)
    assert (file.state, file.handle, file.problem_code) == (_State.SENDING, {}, "QuotaExceeded")
    world.peace()
    RateBucket.objects.all().delete()

    work(store)
    later(world)
    work(store)

    assert states(store) == {("done", "")}
    assert {world.order(order.external_id).status for order in orders} == {"SHIPPED"}


def test_an_order_that_changed_at_amazon_after_the_parcel_was_made_is_looked_at(
    world: AmazonWorld, store: Store, orders: list[Order]
) -> None:
    world.act("cancel", orders[2].external_id)
    fetched(store, orders[2].external_id)

    outbox.send_commands(store.pk)
    file = work(store)
    later(world)
    work(store)
    send(store)

    assert file.parcels == COUNT - 1
    command = Command.objects.get(order_ref=orders[2].pk)
    assert (command.state, command.problem_code) == ("refused", "cancelled_at_store")
    assert world.parcels(orders[2].external_id) == []
