"""A hub and a whole simulated store: a parcel that is taken back here is off there, stock is right
at each step, and no read brings it back.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from integrations import authentication, sync
from integrations.models import Command, Store
from integrations.sandbox.shopify.orders import parcels
from orders import services
from orders.data import ShipmentData
from orders.models import Order, OrderLine, Shipment
from orders.status import Flag
from tests.integrations.shopify.world import ShopifyWorld, shopify_world
from tests.integrations.sync.test_refunds import ANNA, on_hand, placed, read, send, store
from tests.integrations.woocommerce.world import WooWorld, woo_world
from tests.orders.shop import assert_books_balance

pytestmark = pytest.mark.django_db(transaction=True)
World = WooWorld | ShopifyWorld

__all__ = ["store"]

_WOO = {"orders": 8, "serves_plain_http_as_tls": True}


@pytest.fixture(params=["woocommerce", "fulfillments", "shopify"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.param == "shopify":
        with shopify_world(orders=8) as boutique:
            yield boutique
    else:
        plugins = () if request.param == "woocommerce" else (request.param,)
        with woo_world(**_WOO, plugins=plugins) as shop:
            yield shop


@pytest.fixture
def line(world: World, store: Store) -> OrderLine:
    """Of a paid order of which nothing has left."""
    order_id = placed(world)
    refetch(store, order_id)
    order = Order.objects.get(store=store, external_id=order_id)
    return order.lines.exclude(variant=None).order_by("position")[0]


def refetch(store: Store, order_id: str) -> None:
    sync.refetch_order(store, external_id=order_id, actor=ANNA)


def standing(order: Order) -> tuple[str, str]:
    order.refresh_from_db()
    return order.order_status, order.fulfillment_status


def shown(world: World, order: Order) -> int:
    return len(world.parcels(order.external_id))


def test_a_parcel_of_an_order_that_was_all_sent_is_off_and_the_order_open_again(
    world: World, store: Store, line: OrderLine
) -> None:
    order, before = line.order, on_hand(line)
    made = services.add_shipment(order, carrier="DHL", tracking_number="T1", actor=ANNA)
    send(store)
    read(store)
    refetch(store, order.external_id)
    assert standing(order) == ("completed", "fulfilled")
    assert on_hand(line) == before - line.quantity

    services.cancel_shipment(made, reason="Wrong box", actor=ANNA)
    assert on_hand(line) == before
    # The store was not told yet and still shows it, also by id and after another change.
    world.edit_many([order.external_id])
    read(store)
    refetch(store, order.external_id)
    assert on_hand(line) == before
    assert standing(order)[1] == "unfulfilled"

    send(store)
    read(store)
    refetch(store, order.external_id)

    assert standing(order) == ("open", "unfulfilled")
    assert on_hand(line) == before
    assert Shipment.objects.get(order=order).cancelled_at
    states = Command.objects.filter(order_ref=order.pk).exclude(kind=Command.Kind.FIELDS)
    assert set(states.values_list("state", flat=True)) == {Command.State.DONE}
    assert not order.events.filter(kind="attention").exists()
    assert_books_balance()


def test_it_is_sent_again_under_the_same_number(
    world: World, store: Store, line: OrderLine
) -> None:
    order, before = line.order, on_hand(line)
    first = services.add_shipment(
        order, lines={line.pk: 1}, carrier="DHL", tracking_number="T1", actor=ANNA
    )
    send(store)
    read(store)
    services.cancel_shipment(first, actor=ANNA)
    services.add_shipment(
        order, lines={line.pk: 2}, carrier="DHL", tracking_number="T1", actor=ANNA
    )
    send(store)
    read(store)
    refetch(store, order.external_id)

    assert on_hand(line) == before - 2
    assert Shipment.objects.filter(order=order).count() == 2
    assert standing(order)[1] == "partially_fulfilled"
    found = order.shipments.get(cancelled_at=None)
    there = [one for one in _told(store, order) if not one.cancelled]
    assert [one.reference for one in there] == [found.reference]
    assert_books_balance()


def test_a_parcel_that_was_never_told_leaves_no_trace_at_the_store(
    world: World, store: Store, line: OrderLine
) -> None:
    order, before = line.order, on_hand(line)
    writes = world.writes()
    made = services.add_shipment(order, carrier="DHL", tracking_number="T1", actor=ANNA)

    services.cancel_shipment(made, actor=ANNA)
    send(store)
    read(store)

    assert world.writes() == writes
    assert shown(world, order) == 0
    assert on_hand(line) == before
    assert standing(order) == ("open", "unfulfilled")


def test_one_parcel_of_two_is_taken_back(world: World, store: Store, line: OrderLine) -> None:
    order, before = line.order, on_hand(line)
    first = services.add_shipment(order, lines={line.pk: 1}, tracking_number="T1", actor=ANNA)
    services.add_shipment(order, lines={line.pk: 1}, tracking_number="T2", actor=ANNA)
    send(store)
    read(store)

    services.cancel_shipment(first, actor=ANNA)
    send(store)
    read(store)
    refetch(store, order.external_id)

    assert on_hand(line) == before - 1
    assert standing(order)[1] == "partially_fulfilled"
    there = [one for one in _told(store, order) if not one.cancelled]
    assert [one.tracking_number for one in there] == ["T2"]
    assert_books_balance()


@pytest.mark.parametrize("world", ["shopify"], indirect=True)
def test_a_parcel_the_store_cancels_itself(
    store: Store, world: ShopifyWorld, line: OrderLine
) -> None:
    """Its own is back, as it says; of ours a person decides. Only Shopify shows such parcels."""
    order, before = line.order, on_hand(line)
    ours = services.add_shipment(order, lines={line.pk: 1}, tracking_number="T1", actor=ANNA)
    send(store)
    _fulfill_there(world, order)
    refetch(store, order.external_id)
    assert on_hand(line) == before - line.quantity

    _cancel_there(world, order, ours=False)
    refetch(store, order.external_id)
    assert on_hand(line) == before - 1
    assert Shipment.objects.get(order=order, origin="store").cancelled_at

    _cancel_there(world, order, ours=True)
    refetch(store, order.external_id)
    ours.refresh_from_db()
    order.refresh_from_db()
    assert on_hand(line) == before - 1
    assert (ours.cancelled_at, bool(ours.store_cancelled_at)) == (None, True)
    assert Flag.CANCEL_REQUESTED in order.flag_set

    services.cancel_shipment(ours, actor=ANNA)
    send(store)
    read(store)
    assert on_hand(line) == before
    row = Command.objects.filter(order_ref=order.pk, payload__cancelled=True).get()
    assert (row.state, row.changed) == (Command.State.DONE, False)
    assert_books_balance()


def _told(store: Store, order: Order) -> list[ShipmentData]:
    with authentication.adapter_for(store) as adapter:
        return list(adapter.read_order(order.external_id).shipments or ())


def _fulfill_there(world: ShopifyWorld, order: Order) -> None:
    """The rest of it, by the store's own people."""
    with world.shop.store.orders.changing(int(order.external_id)) as (hand, found):
        for work in found.fulfillment_orders:
            if work.remaining and work.status in parcels.FULFILLABLE:
                parcels.ship(hand, found, [parcels.everything(work)])


def _cancel_there(world: ShopifyWorld, order: Order, *, ours: bool) -> None:
    with world.shop.store.orders.changing(int(order.external_id)) as (hand, found):
        chosen = found.fulfillments[0 if ours else -1]
        parcels.cancel(hand, found, chosen)
