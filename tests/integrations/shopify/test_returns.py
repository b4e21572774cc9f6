"""Returns of the simulated store as the adapter reads them, from the question to the goods' coming
back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from integrations.events import EventKind
from integrations.sandbox.shopify.options import ALL_SCOPES
from integrations.sandbox.shopify.orders import acts
from integrations.shopify import webhooks
from orders.data import OrderData, ReturnData
from orders.status import ReturnStatus
from tests.integrations.conformance.suite import EVERYTHING
from tests.integrations.conformance.world import adapter_of
from tests.integrations.shopify.world import ShopifyWorld, shopify_world


@pytest.fixture
def world() -> Iterator[ShopifyWorld]:
    with shopify_world() as world:
        yield world


def test_a_return_is_read_with_its_order_at_every_step(world: ShopifyWorld) -> None:
    with adapter_of(world) as adapter:
        order_id = world.place_order()
        do(world, "ship", order_id)
        assert adapter.read_order(order_id).returns == ()

        do(world, "ask_return", order_id)
        asked = only(adapter.read_order(order_id))
        do(world, "approve_return", order_id)
        agreed = only(adapter.read_order(order_id))
        do(world, "arrive", order_id)
        came = only(adapter.read_order(order_id))

    order = world._order(order_id)
    assert [x.status for x in (asked, agreed, came)] == [
        ReturnStatus.REQUESTED,
        ReturnStatus.OPEN,
        ReturnStatus.CLOSED,
    ]
    assert {x.name for x in (asked, agreed, came)} == {f"{order.name}-R1"}
    (before,), (after,) = asked.lines, came.lines
    assert (before.quantity, before.received) == (1, 0)
    assert (before.reason, before.note) == ("Damaged or defective", "Henkel ab")
    assert before.line_external_id in {str(line.id) for line in order.lines}
    assert (after.quantity, after.received) == (1, 1)
    assert came.created_at is not None


def test_what_came_back_is_no_edit_of_the_order(world: ShopifyWorld) -> None:
    with adapter_of(world) as adapter:
        order_id = world.place_order()
        do(world, "ship", order_id)
        before = adapter.read_order(order_id)
        do(world, "return", order_id)
        do(world, "arrive", order_id)

        after = adapter.read_order(order_id)

    assert after.lines == before.lines
    assert after.total == before.total


def test_a_list_tells_of_returns_what_a_read_by_id_does(world: ShopifyWorld) -> None:
    with adapter_of(world) as adapter:
        order_id = world.place_order()
        do(world, "ship", order_id)
        do(world, "return", order_id)

        listed = {x.external_id: x for x in adapter.sync_orders(EVERYTHING)}

        assert listed[order_id] == adapter.read_order(order_id)
        assert only(listed[order_id]).status is ReturnStatus.OPEN


def test_without_the_scope_orders_are_read_and_say_nothing_of_returns() -> None:
    scopes = tuple(scope for scope in ALL_SCOPES if not scope.endswith("_returns"))
    with shopify_world(scopes=scopes) as world, adapter_of(world) as whole:
        order_id = world.place_order()
        do(world, "ship", order_id)
        do(world, "return", order_id)

        missing = whole.identify().missing
        adapter = type(whole)(replace(whole.connection, missing=missing))
        found = adapter.read_order(order_id)
        hooks = adapter.setup_webhooks(adapter.card.topics)

    assert missing == ("read_returns",)
    assert found.returns is None
    assert {x.topic for x in hooks} == set(adapter.card.topics) - set(webhooks.ON_RETURNS)


def test_each_step_of_a_return_names_its_order(world: ShopifyWorld) -> None:
    with adapter_of(world) as adapter:
        adapter.setup_webhooks(adapter.card.topics)
        order_id = world.place_order()
        for act in ("ship", "ask_return", "approve_return", "arrive"):
            do(world, act, order_id)

        told = [
            (event.topic, event.kind, event.external_id)
            for delivery, _ in world.deliveries()
            for event in adapter.handle_webhook(delivery)
            if event.topic.startswith("returns/")
        ]

    assert told == [
        (topic, EventKind.ORDER, order_id)
        for topic in ("returns/request", "returns/approve", "returns/close")
    ]


def do(world: ShopifyWorld, act: str, order_id: str) -> None:
    acts.act(world.shop.store, act, int(order_id))


def only(order: OrderData) -> ReturnData:
    assert order.returns is not None
    (found,) = order.returns
    return found
