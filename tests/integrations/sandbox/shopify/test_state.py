"""A store that is kept in a file goes on where it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from integrations.sandbox.server import Server
from integrations.sandbox.shopify.options import StoreOptions
from integrations.sandbox.shopify.shop import Shop
from integrations.sandbox.state import StateBroken
from tests.integrations.sandbox.shopify.fixtures import Running

SHOP = "{ shop { name } }"


def options(**more: Any) -> StoreOptions:
    return StoreOptions(**{"orders": 20, "products": 10} | more)


def test_a_store_goes_on_with_all_that_changed(tmp_path: Path) -> None:
    path = tmp_path / "store.json"
    first = Shop(options(), state_file=path)
    with Server(first) as server:
        running = Running(server.url, first)
        sku = running.counted_sku()
        running.set_stock(sku, 123)
        running.subscribe("PRODUCTS_UPDATE", "https://hub.example/hook")
        made = running.place(count=3)
        running.control("POST", "clock", {"seconds": 86_400})

    second = Shop(options(title="Other", seed=9), state_file=path)
    with Server(second) as server:
        again = Running(server.url, second)
        assert second.resumed
        assert again.data(SHOP) == {"shop": {"name": "Musterladen"}}
        assert again.stock_of(sku, second.store.catalogue.active_locations()[0].id) >= 100
        assert set(made) <= set(second.store.orders.ids())
        assert [one.topic for one in second.store.hooks.subscriptions.values()] == [
            "products/update"
        ]
        assert second.store.clock.ahead_s == 86_400
        assert not set(again.place(count=3)) & set(made)
    assert path.stat().st_mode & 0o077 == 0


def test_the_token_that_is_asked_for_opens_a_store_that_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "store.json"
    with Server(Shop(options(), state_file=path)):
        pass

    shop = Shop(options(access_token="shpat_mine"), state_file=path)
    with Server(shop) as server:
        assert Running(server.url, shop).data(SHOP)


def test_an_app_that_was_thrown_out_stays_out(tmp_path: Path) -> None:
    path = tmp_path / "store.json"
    shop = Shop(options(), state_file=path)
    with Server(shop) as server:
        Running(server.url, shop).control("POST", "app/uninstall")

    again = Shop(options(), state_file=path)
    with Server(again) as server:
        assert Running(server.url, again).graphql(SHOP).status == 401


@pytest.mark.parametrize("content", ["{", "[]", '{"format": 1}', '{"options": {"orders": "x"}}'])
def test_a_file_that_holds_no_store_is_told_with_the_way_out(tmp_path: Path, content: str) -> None:
    path = tmp_path / "store.json"
    path.write_text(content)

    with pytest.raises(StateBroken, match="Remove it"):
        Shop(options(), state_file=path)


BULK = """mutation { bulkOperationRunQuery(query: "{ products { edges { node { id } } } }") {
    bulkOperation { id } userErrors { message } } }"""


def kept_states(path: Path) -> list[str]:
    rows = json.loads(path.read_text())["store"]["rooms"]["bulk"]["operations"]
    return [row["status"] for row in rows]


def test_what_would_come_soon_is_done_before_the_store_closes(tmp_path: Path) -> None:
    path = tmp_path / "store.json"
    shop = Shop(options(bulk_s=20), state_file=path)
    with Server(shop) as server:
        Running(server.url, shop).data(BULK)

    assert kept_states(path) == ["COMPLETED"]


def test_what_would_come_much_later_has_failed_when_the_store_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "store.json"
    shop = Shop(options(bulk_s=3600), state_file=path)
    with Server(shop) as server:
        Running(server.url, shop).data(BULK)
    assert kept_states(path) == ["CREATED"]

    (operation,) = Shop(options(), state_file=path).store.bulk.operations.values()

    assert (operation.status, operation.error_code) == ("FAILED", "INTERNAL_SERVER_ERROR")
