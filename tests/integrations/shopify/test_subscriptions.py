"""Subscriptions made, kept, mended and removed; strangers' left alone."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.errors import Misconfigured, Rejected
from integrations.shopify import subscriptions, webhooks
from tests.integrations.shopify.shop import Call, Shop, adapter_for, data, nodes, refused

URL = "https://hub.example/api/v1/shopify/webhooks/receive/t0ken"
TOPICS = ("orders/create", "products/update", "app/uninstalled")


class Board:
    """The store's subscriptions, two to a page."""

    def __init__(self, shop: Shop) -> None:
        self.rows: list[dict[str, Any]] = []
        self.writes = 0
        shop.on("Subscriptions", self._list)
        shop.on("Subscribe", self._make)
        shop.on("Resubscribe", self._change)
        shop.on("Unsubscribe", self._delete)

    def add(self, topic: str, uri: str, **about: Any) -> dict[str, Any]:
        number = 1 + max((int(row["id"].rpartition("/")[2]) for row in self.rows), default=0)
        row = {
            "id": f"gid://shopify/WebhookSubscription/{number}",
            "topic": topic,
            "uri": uri,
            "name": None,
            "format": "JSON",
            "filter": None,
            "includeFields": [],
            **about,
        }
        self.rows.append(row)
        return row

    def _list(self, call: Call) -> bytes:
        start = int(call.variables["after"] or 0)
        rest = str(start + 2) if len(self.rows) > start + 2 else None
        return data(webhookSubscriptions=nodes(self.rows[start : start + 2], rest))

    def _make(self, call: Call) -> bytes:
        self.writes += 1
        told = call.variables["subscription"]
        row = self.add(call.variables["topic"], told["uri"]) | told
        self.rows[-1] = row
        made = {"id": row["id"]}
        return data(webhookSubscriptionCreate={"userErrors": [], "webhookSubscription": made})

    def _change(self, call: Call) -> bytes:
        self.writes += 1
        row = next(row for row in self.rows if row["id"] == call.variables["id"])
        row.update(call.variables["subscription"])
        return data(webhookSubscriptionUpdate={"userErrors": []})

    def _delete(self, call: Call) -> bytes:
        self.writes += 1
        found = [row for row in self.rows if row["id"] == call.variables["id"]]
        self.rows = [row for row in self.rows if row not in found]
        return data(webhookSubscriptionDelete={"userErrors": []})


@pytest.fixture
def board(shop: Shop) -> Board:
    return Board(shop)


def setup(shop: Shop, topics: tuple[str, ...] = TOPICS, **about: Any) -> list[Any]:
    return adapter_for(shop, **{"callback_url": URL, **about}).setup_webhooks(topics)


def test_missing_ones_are_made_once(shop: Shop, board: Board) -> None:
    made = setup(shop)

    assert [found.topic for found in made] == list(TOPICS)
    assert all(found.mended == "created" and found.url == URL for found in made)
    assert [row["topic"] for row in board.rows] == [
        "ORDERS_CREATE",
        "PRODUCTS_UPDATE",
        "APP_UNINSTALLED",
    ]
    assert board.rows[0]["includeFields"] == ["id", "updated_at"]
    writes = board.writes
    assert not any(found.mended for found in setup(shop))
    assert board.writes == writes


def test_one_that_shopify_deleted_is_made_again(shop: Shop, board: Board) -> None:
    setup(shop)
    del board.rows[1]

    assert [found.mended for found in setup(shop)] == ["", "created", ""]


def test_an_old_address_and_a_changed_content_are_corrected(shop: Shop, board: Board) -> None:
    setup(shop, callback_url="https://old.example/x")
    board.rows[0]["filter"] = "id:1"
    board.rows[1]["includeFields"] = []

    mended = [found.mended for found in setup(shop)]

    assert mended == [
        "address corrected, content corrected",
        "address corrected, content corrected",
        "address corrected",
    ]
    assert {row["uri"] for row in board.rows} == {URL}
    assert not any(found.mended for found in setup(shop))


def test_stale_and_double_ones_are_removed(shop: Shop, board: Board) -> None:
    board.add("CARTS_CREATE", URL)
    board.add("ORDERS_CREATE", URL, includeFields=["id", "updated_at"])
    board.add("ORDERS_CREATE", URL)

    setup(shop)

    assert sorted(row["topic"] for row in board.rows) == [
        "APP_UNINSTALLED",
        "ORDERS_CREATE",
        "PRODUCTS_UPDATE",
    ]


def test_those_of_others_are_left_alone(shop: Shop, board: Board) -> None:
    stranger = board.add("ORDERS_CREATE", "https://other.example/x", name="Logix 000000000000")
    setup(shop)

    adapter_for(shop, callback_url=URL).drop_webhooks()

    assert board.rows == [stranger]


def test_those_of_a_connection_are_removed_wherever_they_deliver(shop: Shop, board: Board) -> None:
    setup(shop, callback_url="https://old.example/x")

    adapter_for(shop, callback_url=URL).drop_webhooks()

    assert board.rows == []


def test_one_that_is_gone_already_needs_no_removing(shop: Shop, board: Board) -> None:
    setup(shop)
    gone = refused("webhookSubscriptionDelete", "Webhook subscription does not exist", "id")
    shop.on("Unsubscribe", gone)

    adapter_for(shop, callback_url=URL).drop_webhooks()


def test_one_that_cannot_be_removed_is_said_to_be(shop: Shop, board: Board) -> None:
    setup(shop)
    shop.on("Unsubscribe", refused("webhookSubscriptionDelete", "Try again", "base"))

    with pytest.raises(Rejected, match="Try again"):
        adapter_for(shop, callback_url=URL).drop_webhooks()


def test_without_an_address_nothing_is_asked(shop: Shop, board: Board) -> None:
    with pytest.raises(Misconfigured) as caught:
        setup(shop, callback_url="")

    assert caught.value.code == "no_callback_url"
    assert shop.calls == []


def test_an_address_shopify_refuses_is_told_in_its_words(shop: Shop, board: Board) -> None:
    shop.on(
        "Subscribe",
        refused(
            "webhookSubscriptionCreate", "Address is not allowed", "webhookSubscription", "uri"
        ),
    )

    with pytest.raises(Rejected, match="Address is not allowed"):
        setup(shop)


def test_the_mark_of_a_connection_tells_nothing_about_it() -> None:
    assert subscriptions._name("s1") != subscriptions._name("s2")
    assert "s1" not in subscriptions._name("s1").removeprefix("Logix ")


def test_those_on_returns_are_left_out_where_the_app_sees_none(shop: Shop, board: Board) -> None:
    topics = ("orders/create", *webhooks.ON_RETURNS)

    assert [hook.topic for hook in setup(shop, topics)] == list(topics)
    assert [x.topic for x in setup(shop, topics, missing=("read_returns",))] == ["orders/create"]
    assert [row["topic"] for row in board.rows] == ["ORDERS_CREATE"]


def test_those_on_parcels_are_left_out_where_the_app_does_not_hear_of_them(
    shop: Shop, board: Board
) -> None:
    topics = ("orders/create", "fulfillments/create", "app/uninstalled")

    heard = setup(shop, topics, missing=("read_fulfillments",))

    assert [hook.topic for hook in heard] == ["orders/create", "app/uninstalled"]
