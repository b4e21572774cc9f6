"""An account that is kept in a file, its seed, its clock and the life in it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from integrations.sandbox.amazon.clock import Clock
from integrations.sandbox.amazon.listings.models import Submission
from integrations.sandbox.amazon.options import AccountOptions
from integrations.sandbox.amazon.orders.models import TO_SHIP
from integrations.sandbox.amazon.play.traffic import Traffic
from integrations.sandbox.amazon.shop import Shop
from integrations.sandbox.amazon.store import SellerStore
from integrations.sandbox.server import Server
from integrations.sandbox.state import StateBroken
from tests.integrations.sandbox.amazon.client import DE, NOW, Client
from tests.integrations.sandbox.amazon.client import Clock as Hand
from tests.integrations.sandbox.amazon.conftest import Make
from tests.integrations.sandbox.amazon.fixtures import Make as MakeAccount
from tests.integrations.sandbox.receiver import within


def test_an_account_goes_on_where_it_was(make_account: MakeAccount, tmp_path: Path) -> None:
    file = tmp_path / "account.json"
    shop = Shop(AccountOptions(orders=5, products=12), state_file=file)
    with Server(shop):
        sku = next(row.sku for row in shop.store.state.listings.values() if row.quantity)
        shop.store.state.listings[sku].quantity = 4
        shop.store.clock.ahead_s += 10_000
        shop.store.later(60, "authorised", "nobody")
        before, now = shop.store.state, shop.store.clock.now()

    again = Shop(AccountOptions(orders=99, time_scale=3.0), state_file=file)

    assert again.resumed
    assert again.store.state == before
    assert again.store.options.orders == 5
    assert again.store.options.time_scale == 3.0
    assert again.store.clock.now() >= now
    assert again.store.next("order") == before.last["order"] + 1


@pytest.mark.parametrize("content", ["{}", '{"options": {}, "store": {"now": 1}}', "[]", "no"])
def test_a_file_of_something_else_is_refused_in_words(tmp_path: Path, content: str) -> None:
    file = tmp_path / "account.json"
    file.write_text(content)

    with pytest.raises(StateBroken, match="Remove it"):
        Shop(AccountOptions(), state_file=file)


def test_the_clock_runs_faster_and_is_moved_on() -> None:
    hand = Hand()
    clock = Clock(hand, scale=10.0)
    assert clock.exact() == NOW

    hand.moment += 6
    assert clock.exact() == NOW + 60
    clock.ahead_s += 5
    assert clock.now() == NOW + 65
    clock.go_on_from(NOW)
    assert clock.now() == NOW + 65, "never back"
    clock.go_on_from(NOW + 100)
    assert clock.now() == NOW + 100


def test_equal_seeds_give_equal_accounts(make_store: Make) -> None:
    first, second, other = (make_store(seed=seed).store.state for seed in (7, 7, 8))

    assert first == second
    assert first.orders != other.orders
    assert first.listings != other.listings


def test_what_can_be_wrong_with_the_options_is_told() -> None:
    for wrong in ({"region": "mars"}, {"marketplaces": ("X",)}, {"time_scale": 0.0}):
        with pytest.raises(ValueError, match=r"region|marketplace|time_scale"):
            AccountOptions(**wrong)


def test_an_account_of_the_past_shows_every_state(make_store: Make) -> None:
    state = make_store(orders=120).store.state

    statuses = Counter(order.status for order in state.orders.values())
    assert set(statuses) == {
        "PENDING",
        "UNSHIPPED",
        "PARTIALLY_SHIPPED",
        "SHIPPED",
        "CANCELLED",
        "UNFULFILLABLE",
    }
    assert statuses["SHIPPED"] > 60
    packages = [one for order in state.orders.values() for one in order.packages]
    assert {package.status for package in packages} == {"SHIPPED", "DELIVERED"}
    for order in state.orders.values():
        assert NOW - 91 * 86_400 < order.created <= order.updated <= NOW
        shipped = Counter[str]()
        for package in order.packages:
            shipped.update(package.items)
        if not order.is_amazons:
            assert shipped == Counter({i.id: i.shipped for i in order.items if i.shipped})
    channels = {(bool(row.stock), row.channel) for row in state.listings.values()}
    assert channels == {(False, "DEFAULT"), (True, "AMAZON_EU")}


def test_an_empty_account_is_one_too(make_store: Make) -> None:
    client = make_store(orders=0, products=0)

    assert client.orders() == []
    assert client.store.state.listings == {}


def test_life_goes_on_by_itself_in_every_way(account: Client) -> None:
    traffic = Traffic(account.store, per_minute=0, seed=3)
    before = {order.id: order.updated for order in account.store.state.orders.values()}

    seen = Counter()
    for _ in range(160):
        seen[traffic.step()] += 1
        account.clock.moment += 30

    state = account.store.state
    new = [order for order in state.orders.values() if order.id not in before]
    assert len(new) == seen["order"] > 40
    assert {"ship", "cancel", "stock", "ask_cancel"} <= set(seen)
    assert any(state.orders[name].updated > updated for name, updated in before.items())
    assert any(order.status in TO_SHIP for order in new)
    json.dumps(account.store.snapshot())
    found = account.orders(marketplaceIds=DE, includedData="FULFILLMENT,PACKAGES,PROCEEDS")
    assert len(found) > 50


def test_traffic_runs_and_stops(make_account: MakeAccount) -> None:
    account = make_account(per_minute=6_000, orders=3)

    assert within(10, lambda: len(account.store.state.orders) > 5)
    account.shop.traffic.stop()
    assert not account.shop.traffic.is_running


def test_what_is_due_is_done_in_the_order_of_its_times() -> None:
    hand = Hand()
    store = SellerStore(AccountOptions(orders=0, products=1), now=hand)
    row = next(iter(store.state.listings.values()))
    for seconds, quantity in ((50, 5), (20, 2), (80, 8)):
        value = {"fulfillment_channel_code": "DEFAULT", "quantity": quantity}
        patch = {
            "op": "merge",
            "path": "/attributes/fulfillment_availability",
            "value": [value],
        }
        name = f"s{seconds}"
        store.state.submissions[name] = _submission(row.sku, patch)
        store.later(seconds, "listing", name)

    hand.moment += 60
    with store.working():
        assert row.quantity == 5
    hand.moment += 60
    with store.working():
        assert row.quantity == 8


def _submission(sku: str, patch: dict[str, object]) -> Submission:
    return Submission(sku, [DE], [patch])
