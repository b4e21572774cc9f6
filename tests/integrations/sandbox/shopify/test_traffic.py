"""Life in the store."""

from __future__ import annotations

import threading

from integrations.sandbox.shopify.play.traffic import Traffic
from tests.integrations.sandbox.shopify.client import Client
from tests.integrations.sandbox.shopify.conftest import Make


def test_equal_seeds_live_equal_lives(make_store: Make) -> None:
    lives = []
    for seed in (3, 3, 4):
        shop = make_store()
        traffic = Traffic(shop.store, per_minute=60, seed=seed)
        lives.append(([traffic.step() for _ in range(30)], shop.events))

    assert lives[0] == lives[1]
    assert lives[0] != lives[2]


def test_after_a_while_everything_has_happened(make_store: Make) -> None:
    shop = make_store(orders=40)
    traffic = Traffic(shop.store, per_minute=60, seed=1)

    words = set()
    for _ in range(400):
        shop.clock.moment += 1
        words.add(traffic.step())

    assert words >= {"order", "edit", "cancel", "refund", "ship", "return", "stock"}
    topics = {topic for topic, _ in shop.events}
    assert topics >= {
        "orders/create",
        "orders/updated",
        "orders/edited",
        "orders/cancelled",
        "fulfillments/create",
        "refunds/create",
        "inventory_levels/update",
    }


def test_a_store_without_anything_is_left_alone(make_store: Make) -> None:
    shop = make_store(orders=0, products=0)
    traffic = Traffic(shop.store, per_minute=60, seed=1)

    words = {traffic.step() for _ in range(60)}

    assert "stock" not in words


def test_it_starts_runs_faster_and_stops(shop: Client) -> None:
    happened = threading.Event()
    shop.store.subscribe(lambda _: happened.set())
    traffic = Traffic(shop.store, per_minute=0)
    traffic.start()
    assert traffic.is_running
    assert not happened.is_set()

    traffic.per_minute = 60_000
    assert happened.wait(5)
    traffic.stop()

    assert not traffic.is_running


def test_one_stumble_does_not_end_it(shop: Client) -> None:
    traffic = Traffic(shop.store, per_minute=60_000)
    steps: list[str] = []
    went_on = threading.Event()

    def step() -> str:
        steps.append("x")
        if len(steps) == 1:
            raise RuntimeError("a stumble")
        went_on.set()
        return "order"

    traffic.step = step  # type: ignore[method-assign]  # the next thing that happens fails
    traffic.start()
    assert went_on.wait(5)
    traffic.stop()
