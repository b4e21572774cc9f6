"""The orders a store starts with, and what is kept of those that changed."""

from __future__ import annotations

import json
from collections import Counter
from random import Random
from typing import Any

import msgspec
import pytest

from integrations.sandbox.shopify.options import StoreOptions
from integrations.sandbox.shopify.orders import acts, kinds, placing, states
from integrations.sandbox.shopify.orders.fates import FATES
from integrations.sandbox.shopify.orders.models import Order
from integrations.sandbox.shopify.store import ShopStore
from tests.integrations.sandbox.shopify.client import NOW, Client
from tests.integrations.sandbox.shopify.conftest import Make


def every(shop: Client) -> list[Order]:
    return [shop.store.orders.existing(number) for number in shop.store.orders.ids()]


def test_equal_seeds_give_equal_orders(make_store: Make) -> None:
    one, other, another = (every(make_store(seed=seed)) for seed in (5, 5, 6))

    assert msgspec.json.encode(one) == msgspec.json.encode(other)
    assert msgspec.json.encode(one) != msgspec.json.encode(another)


def test_an_order_is_the_same_however_often_it_is_made(shop: Client) -> None:
    room = shop.store.orders

    first = msgspec.json.encode(room.seed.make(17, room.desk))

    assert msgspec.json.encode(room.seed.make(17, room.desk)) == first


def test_nothing_is_made_before_somebody_looks(
    make_store: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = make_store(orders=20_000)
    made: list[int] = []
    room = shop.store.orders
    make = room.seed.make
    monkeypatch.setattr(
        room.seed, "make", lambda number, desk: made.append(number) or make(number, desk)
    )

    page = shop.ask("{ orders(first: 10, sortKey: UPDATED_AT) { nodes { id } } }")
    count = shop.ask("{ ordersCount(limit: null) { count } }")

    assert len(page["orders"]["nodes"]) == len(made) == 10
    assert count["ordersCount"]["count"] == 20_000


def test_a_large_store_has_every_kind_fate_and_state(make_store: Make) -> None:
    shop = make_store(orders=1_500)
    orders = every(shop)
    seed = shop.store.orders.seed

    assert set(seed.kinds) == {name for name, kind in kinds.KINDS.items() if kind.share}
    assert set(seed.fates) == set(FATES)
    assert {states.fulfillment(order) for order in orders} >= {
        "UNFULFILLED",
        "PARTIALLY_FULFILLED",
        "FULFILLED",
        "ON_HOLD",
        "SCHEDULED",
    }
    assert {states.financial(order, NOW) for order in orders} >= {
        "PENDING",
        "AUTHORIZED",
        "EXPIRED",
        "PARTIALLY_PAID",
        "PAID",
        "PARTIALLY_REFUNDED",
        "REFUNDED",
        "VOIDED",
    }
    assert {states.returning(order) for order in orders} == {
        "NO_RETURN",
        "RETURN_REQUESTED",
        "IN_PROGRESS",
        "RETURNED",
    }


@pytest.mark.parametrize(
    ("about", "holds"),
    [
        ("two locations", lambda o: len({w.location_id for w in o.fulfillment_orders}) > 1),
        ("a deleted product", lambda o: any("(vergriffen)" in line.title for line in o.lines)),
        ("a line without a product", lambda o: any(line.product_id is None for line in o.lines)),
        ("a tip", lambda o: any(line.is_tip for line in o.lines)),
        ("duties", lambda o: any(line.duties for line in o.lines)),
        ("a gift card bought", lambda o: any(line.is_gift_card for line in o.lines)),
        ("a gift card paid with", lambda o: {t.gateway for t in o.transactions} >= {"gift_card"}),
        ("a company", lambda o: o.company is not None and o.po_number is not None),
        ("a bundle", lambda o: any(line.group for line in o.lines)),
        ("another app", lambda o: o.source_identifier is not None and bool(o.metafields)),
        ("an edit", lambda o: o.is_edited),
        ("several parcels", lambda o: len(o.fulfillments) > 1),
        ("a parcel without a number", lambda o: any(not p.tracking for p in o.fulfillments)),
        ("a parcel with two numbers", lambda o: any(len(p.tracking) > 1 for p in o.fulfillments)),
        ("no address", lambda o: o.shipping is None and o.customer_id is None),
        ("high risk", lambda o: o.risk == "HIGH"),
        ("test money", lambda o: o.is_test),
        ("a right-to-left name", lambda o: o.billing and "محمد" in o.billing.first_name),
        ("no country with a zip", lambda o: o.shipping and o.shipping.zip == ""),
    ],
)
def test_a_large_store_has_orders_with(make_store: Make, about: str, holds: Any) -> None:
    assert any(holds(order) for order in every(make_store(orders=800))), about


def test_moments_lie_in_the_past_and_in_order(make_store: Make) -> None:
    orders = every(make_store(orders=400, same_second=50))

    for order in orders:
        assert order.processed_at <= order.created_at <= order.updated_at < NOW
        for row in (*order.transactions, *order.refunds, *order.returns, *order.fulfillments):
            assert order.created_at <= row.created_at <= order.updated_at
    created = [order.created_at for order in orders]
    assert created == sorted(created)
    assert Counter(created).most_common(1)[0][1] >= 5


def test_no_two_parts_of_the_store_share_a_number(make_store: Make) -> None:
    shop = make_store(orders=300)
    numbers = [line.id for order in every(shop) for line in order.lines]

    assert len(set(numbers)) == len(numbers)
    placing.place(shop.store, Random(1), count=3)
    fresh = [line.id for order in every(shop)[-3:] for line in order.lines]
    assert min(fresh) > max(numbers)


def test_an_empty_store_takes_its_first_order(make_store: Make) -> None:
    shop = make_store(orders=0, products=0)

    (number,) = placing.place(shop.store, Random(1))

    assert shop.store.orders.existing(number).name == "#1001"


def test_what_changed_outlives_a_restart_and_what_did_not_is_made_again(make_store: Make) -> None:
    shop = make_store()
    store = shop.store
    ids = store.orders.ids()
    (placed,) = placing.place(store, Random(1), kind="b2b")
    acts.act(store, "ship", placed)
    acts.act(store, "delete", ids[3])
    acts.act(store, "touch", ids[5])
    person = store.orders.customer_ids()[0]
    with store.working():
        known = store.orders.customer(person)
        assert known is not None
        known.tags = ["stammkunde"]
        store.touched(known)
    saved = json.loads(json.dumps(store.snapshot()))

    again = ShopStore.restore(
        StoreOptions(orders=60, products=40, seeded_at=NOW), saved, now=shop.clock
    )

    assert list(again.orders.ids()) == list(store.orders.ids())
    assert again.orders.get(ids[3]) is None
    for number in store.orders.ids():
        assert again.orders.get(number) == store.orders.get(number)
    assert again.orders.customer(person) == store.orders.customer(person)
    assert len(saved["rooms"]["orders"]["orders"]) == 2
    (next_one,) = placing.place(again, Random(2))
    assert next_one > placed


@pytest.mark.parametrize("orders", [200, 1_200])
def test_what_seeded_orders_have_open_is_committed(make_store: Make, orders: int) -> None:
    """All at once in a small store, order by order as they are changed in a large one."""
    shop = make_store(orders=orders)
    store = shop.store
    some = list(store.orders.ids())[-150:]
    for number in some:
        try:
            acts.act(store, "ship", number)
        except acts.Refusal:
            continue
    for number in some[:20]:
        acts.act(store, "delete", number)

    levels = store.catalogue.levels.values()

    assert min(level.committed for level in levels) >= 0
    assert all(level.on_hand >= level.committed for level in levels if level.available >= 0)
    saved = json.loads(json.dumps(store.snapshot()))
    options = StoreOptions(orders=orders, products=40, seeded_at=NOW)
    again = ShopStore.restore(options, saved, now=shop.clock)
    assert again.catalogue.levels == store.catalogue.levels
    for number in some[20:]:
        for verb in ("unship", "ship"):
            try:
                acts.act(again, verb, number)
            except acts.Refusal:
                continue
    assert min(level.committed for level in again.catalogue.levels.values()) >= 0


def test_payments_are_told_the_newest_first(shop: Client) -> None:
    placing.place(shop.store, Random(1), kind="foreign")

    rows = list(shop.store.orders.paid(40))

    assert rows[0][0] == shop.store.orders.ids()[-1]
    assert {row[5] for row in rows} <= {"SALE", "CAPTURE", "REFUND"}
    assert all(row[4].currency == "EUR" for row in rows)
