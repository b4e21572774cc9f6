"""Traffic: what happens in a store nobody plays, the same again for the same seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from integrations.sandbox.woocommerce import traffic as traffic_module
from integrations.sandbox.woocommerce.options import StoreOptions
from integrations.sandbox.woocommerce.store import WooStore
from integrations.sandbox.woocommerce.traffic import Traffic
from tests.integrations.sandbox.receiver import within

NOW = 1_795_000_000


def make_store(orders: int = 200, products: int = 30) -> WooStore:
    options = StoreOptions(orders=orders, products=products, seeded_at=NOW)
    return WooStore(options, now=lambda: NOW)


@pytest.fixture
def store() -> WooStore:
    return make_store()


@pytest.fixture
def run(store: WooStore) -> Iterator[Callable[[float], Traffic]]:
    started: list[Traffic] = []

    def start(per_minute: float) -> Traffic:
        started.append(Traffic(store, per_minute=per_minute))
        started[-1].start()
        return started[-1]

    yield start
    for running in started:
        running.stop()


def changes(store: WooStore) -> list[tuple[str, int]]:
    heard: list[tuple[str, int]] = []
    store.subscribe(lambda topic, number: heard.append((topic, number)))
    return heard


def test_all_kinds_of_things_happen(store: WooStore) -> None:
    traffic = Traffic(store, per_minute=0)
    before = len(store.orders)
    refunds = _refunds(store)
    heard = changes(store)

    words = Counter(traffic.step() for _ in range(300))

    assert set(words) >= {"order", "edit", "cancel", "refund", "complete", "ship", "stock"}
    assert len(store.orders) == before + words["order"]
    assert _refunds(store) == refunds + words["refund"]
    topics = Counter(topic for topic, _ in heard)
    assert topics["order.created"] == words["order"]
    assert topics["product.updated"] >= words["stock"]


def test_equal_seeds_live_equal_lives() -> None:
    def lived(seed: int) -> list[tuple[str, int]]:
        store = make_store()
        heard = changes(store)
        traffic = Traffic(store, per_minute=0, seed=seed)
        for _ in range(60):
            traffic.step()
        return heard

    assert lived(3) == lived(3) != lived(4)


def test_a_store_that_goes_on_does_not_live_the_same_minutes_again(store: WooStore) -> None:
    def lived() -> list[str]:
        traffic = Traffic(store, per_minute=0)
        return [traffic.step() for _ in range(30)]

    assert lived() != lived()


def test_a_store_with_no_orders_gets_some(store: WooStore) -> None:
    empty = make_store(orders=0)
    traffic = Traffic(empty, per_minute=0)

    words = Counter(traffic.step() for _ in range(50))

    assert words["order"] == len(empty.orders) > 0


def test_things_happen_by_themselves_at_a_pace(
    store: WooStore, run: Callable[[float], Traffic]
) -> None:
    heard = changes(store)

    run(60_000)

    assert within(10, lambda: len(heard) > 20)


def test_a_quiet_store_stays_quiet_until_its_pace_is_set(
    store: WooStore, run: Callable[[float], Traffic], monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = changes(store)
    traffic = run(0)
    assert heard == []

    traffic.per_minute = 60_000

    assert within(10, lambda: len(heard) > 5)


def test_a_stumble_does_not_end_it(
    store: WooStore,
    run: Callable[[float], Traffic],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    stumbles: list[int] = []

    def stumble(self: Traffic) -> str:
        stumbles.append(1)
        raise RuntimeError("a bad day")

    monkeypatch.setattr(traffic_module.Traffic, "step", stumble)

    run(60_000)

    assert within(10, lambda: len(stumbles) > 3)
    assert "Traffic stumbled and goes on" in caplog.text


def test_stopping_ends_a_long_wait_at_once(store: WooStore) -> None:
    sleepy = Traffic(store, per_minute=0.0001)
    sleepy.start()

    sleepy.stop()

    assert not sleepy.is_running


def _refunds(store: WooStore) -> int:
    found = (store.orders.get(number) for number in store.orders.ids())
    return sum(len(order.refunds) for order in found if order)
