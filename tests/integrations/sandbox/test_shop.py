"""A store put together: it answers, tells its subscribers, and goes on where it was."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from integrations.sandbox.server import Server
from integrations.sandbox.state import StateBroken, encode, load, save
from integrations.sandbox.woocommerce.options import StoreOptions
from integrations.sandbox.woocommerce.shop import Shop
from tests.integrations.sandbox.fixtures import KEY, SECRET, Make, Running
from tests.integrations.sandbox.receiver import Receiver

WEBHOOKS, ORDERS = "/wp-json/wc/v3/webhooks", "/wp-json/wc/v3/orders"
BASIC = {"Authorization": f"Basic {base64.b64encode(f'{KEY}:{SECRET}'.encode()).decode()}"}


@pytest.fixture
def shop(make_shop: Make) -> Running:
    return make_shop(serves_plain_http_as_tls=True)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def subscribe(shop: Running, url: str, topic: str = "order.updated") -> int:
    body = {"topic": topic, "delivery_url": url, "secret": "s"}
    heard = shop.ask("POST", WEBHOOKS, body, BASIC)
    assert heard.status == 201
    number: int = heard.json()["id"]
    return number


def test_a_new_webhook_is_greeted_before_its_answer_arrives(
    shop: Running, receiver: Receiver
) -> None:
    number = subscribe(shop, receiver.url)

    assert [came.body for came in receiver.came] == [b"webhook_id=%d" % number]


def test_a_write_over_the_api_comes_back_as_a_webhook_with_the_same_body(
    shop: Running, receiver: Receiver
) -> None:
    subscribe(shop, receiver.url)
    (placed,) = shop.place()
    assert shop.settle()
    receiver.came.clear()

    shop.ask("PUT", f"{ORDERS}/{placed}", {"status": "completed"}, BASIC)
    assert shop.settle()

    read = shop.ask("GET", f"{ORDERS}/{placed}", None, BASIC)
    assert [came.body for came in receiver.deliveries] == [read.body]


def test_addresses_in_answers_are_those_of_the_server(shop: Running) -> None:
    order = shop.ask("GET", f"{ORDERS}?per_page=1", None, BASIC).json()[0]

    assert order["_links"]["collection"] == [{"href": f"{shop.url}{ORDERS}"}]


def test_two_stores_share_a_server_and_nothing_else() -> None:
    options = StoreOptions(orders=3, products=5, serves_plain_http_as_tls=True)
    first, second = Shop(options), Shop(options)
    with Server({"/one": first, "/two": second}) as server:
        one, two = Running(f"{server.url}/one", first), Running(f"{server.url}/two", second)
        one.place()
        key = base64.b64encode(f"{first.key}:{first.secret}".encode()).decode()
        headers = {"Authorization": f"Basic {key}"}
        counts = [
            shop.ask("GET", f"/{name}{ORDERS}", None, headers).headers["X-WP-Total"]
            for name, shop in (("one", one), ("two", two))
        ]
        page = one.ask("GET", "/one/_sandbox/")

    assert counts == ["4", "3"]
    assert f"{server.url}/one/" in page.body.decode()


# --- going on -------------------------------------------------------------------------------------


def test_a_store_goes_on_where_it_was(tmp_path: Path, receiver: Receiver) -> None:
    path = tmp_path / "store.json"
    options = StoreOptions(orders=20, products=20, consumer_key=KEY, consumer_secret=SECRET)
    shop = Shop(options, state_file=path)
    with Server(shop) as server:
        before = Running(server.url, shop)
        placed = before.place("unicode", count=3)
        before.act("cancel", placed[0])
        before.set_stock(before.counted_sku(), 42)
        before.subscribe(receiver.url, "order.updated")
        known = before.store.snapshot()

    after = Shop(options, state_file=path)

    assert after.resumed
    assert after.store.snapshot() == known
    with Server(after) as server:
        again = Running(server.url, after)
        again.act("complete", placed[1])
        assert again.settle()
        assert [json.loads(came.body)["id"] for came in receiver.deliveries] == [placed[1]]
        assert again.place() > placed


def test_what_the_file_says_wins_over_other_wishes(tmp_path: Path) -> None:
    """Seeded orders are made anew from the seed: another number of them would be another store."""
    path = tmp_path / "store.json"
    first = Shop(StoreOptions(orders=20, products=10), state_file=path)
    save(path, encode(first.snapshot()))

    again = Shop(StoreOptions(orders=999, products=10, currency="JPY"), state_file=path)

    assert len(again.store.orders) == 20
    assert again.store.options.currency == "EUR"


def test_a_new_key_opens_a_store_that_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "store.json"
    save(path, encode(Shop(StoreOptions(orders=2, products=5), state_file=path).snapshot()))

    options = StoreOptions(consumer_key=KEY, consumer_secret=SECRET, serves_plain_http_as_tls=True)
    again = Shop(options, state_file=path)
    changed = Shop(
        StoreOptions(consumer_key="ck_sandbox", consumer_secret="cs_other"), state_file=path
    )

    assert {key.consumer_key for key in again.store.keys.values()} == {"ck_sandbox", KEY}
    assert [key.consumer_secret for key in changed.store.keys.values()] == ["cs_other"]


@pytest.mark.parametrize(
    "content", [b"{}", b'{"options":{},"store":{}}', b'{"options":1,"store":2}']
)
def test_a_file_of_something_else_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "store.json"
    save(path, content)

    with pytest.raises(StateBroken, match=r"store\.json was written by another version"):
        Shop(StoreOptions(orders=2, products=5), state_file=path)

    assert load(path) == json.loads(content)
