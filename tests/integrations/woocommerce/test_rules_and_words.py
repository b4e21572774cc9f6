"""A simulated store with the whole hub behind it: fields told by rules, and statuses of plugins."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from integrations import authentication, connect, outbox, sync
from integrations.base import BaseEcommerceIntegration
from integrations.models import Command, Store
from integrations.sandbox.woocommerce import placing
from logix.common import bell
from orders import services
from orders.models import Order
from orders.status import ImportState
from tests.factories import make_store
from tests.integrations.conformance.world import adapter_of
from tests.integrations.woocommerce.world import WooWorld, woo_world


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[WooWorld]:
    """A store that is called as it is; no broker is spoken to."""
    monkeypatch.setattr(bell, "publish", lambda *_args, **_options: True)
    with woo_world(orders=30, custom_statuses=("packed",)) as world:

        @contextmanager
        def adapter(store: Store, **_: Any) -> Iterator[BaseEcommerceIntegration]:
            with adapter_of(world, options=store.options) as connected:
                yield connected

        monkeypatch.setattr(authentication, "adapter_for", adapter)
        yield world


@pytest.fixture
def store(db: None, world: WooWorld) -> Store:
    return make_store(base_url=world.url, writes_enabled=True)


def read(store: Store, order_id: str) -> Order:
    sync.refetch_order(store, external_id=order_id, actor="user:anna")
    return Order.objects.get(store=store, external_id=order_id)


def asked(world: WooWorld, since: int) -> list[str]:
    return [row.method for row in world.shop.requests][since:]


def test_two_rounds_of_our_own_echo_settle(store: Store, world: WooWorld) -> None:
    order_id = world.place_order()
    for path, target in (("number", "erp_number"), ("shipments[-1].tracking_number", "erp_track")):
        sync.save_rule(store, actor="user:anna", direction="out", path=path, target=target)
    order = read(store, order_id)
    outbox.send_commands(store.pk)
    services.add_shipment(order, tracking_number="T1", actor="user:anna")
    outbox.send_commands(store.pk)
    assert world.fields(order_id)["erp_number"] == order.number
    assert world.fields(order_id)["erp_track"] == "T1"
    before = world.fields(order_id), world.writes()

    # What we wrote changed the order at the store, and comes back as news of it.
    read(store, order_id)
    first = len(world.shop.requests)
    assert outbox.send_commands(store.pk) == 1
    assert asked(world, first) == ["GET"]

    revision = Order.objects.get().revision
    read(store, order_id)
    second = len(world.shop.requests)
    assert outbox.send_commands(store.pk) == 0
    assert asked(world, second) == []

    assert Order.objects.get().revision == revision
    assert (world.fields(order_id), world.writes()) == before
    assert set(Command.objects.values_list("state", flat=True)) == {Command.State.DONE}


def test_orders_of_a_plugins_status_finish_when_it_is_given_a_meaning(
    store: Store, world: WooWorld
) -> None:
    (key,) = placing.place(world.shop.store, world.shop.chance, kind="custom_status")
    order_id = str(key)
    assert read(store, order_id).import_state == ImportState.NEEDS_REVIEW
    assert sync.unknown_words(store) == {"packed": 1}

    connect.change_store(
        store, actor="user:anna", options={"status_words": {"packed": "processing"}}
    )
    assert sync.reread_due_orders() == 1

    order = Order.objects.get()
    assert (order.raw_status, order.order_status) == ("packed", "open")
    assert order.import_state != ImportState.NEEDS_REVIEW
    assert sync.unknown_words(store) == {}
