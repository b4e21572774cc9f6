"""A simulated store over real HTTP for anybody's tests. Import the fixtures into a conftest:

``from tests.integrations.sandbox.shopify.fixtures import make_shop``
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from integrations.sandbox.server import Server
from integrations.sandbox.shopify.options import StoreOptions
from integrations.sandbox.shopify.orders import acts as order_acts
from integrations.sandbox.shopify.orders import placing
from integrations.sandbox.shopify.play import acts
from integrations.sandbox.shopify.shop import Shop
from integrations.sandbox.shopify.store import ShopStore
from tests.integrations.sandbox.shopify.official import Asked, hold

VERSION = "2026-07"


@dataclass(frozen=True)
class Heard:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Running:
    """A running store and the hands that play it. ``shop`` has its faults, webhooks and log."""

    url: str
    shop: Shop
    asked: list[Asked] = field(default_factory=list)

    @property
    def store(self) -> ShopStore:
        return self.shop.store

    @property
    def token(self) -> str:
        return self.shop.token

    def place(self, kind: str = "plain", count: int = 1) -> list[int]:
        """Order ids. The kinds stand in ``placing.ORDER_KINDS``."""
        return placing.place(self.store, self.shop.chance, kind=kind, count=count)

    def buy(self, *lines: tuple[str, int]) -> int:
        """An order of these (SKU, quantity)."""
        return placing.place_with(self.store, self.shop.chance, list(lines))

    def act(self, verb: str, order_id: int) -> None:
        """One of ``orders.acts.VERBS``."""
        order_acts.act(self.store, verb, order_id)

    def touch(self, order_ids: list[int]) -> None:
        """Edit these within one second."""
        order_acts.touch(self.store, order_ids)

    def set_stock(self, sku: str, quantity: int, location_id: int = 0) -> None:
        acts.set_stock(self.store, sku, quantity, location_id)

    def stock_of(self, sku: str, location_id: int = 0) -> int:
        """What is available, everywhere or at one location."""
        with self.store.working():
            variant = self.store.catalogue.by_sku(sku)
            assert variant is not None
            levels = self.store.catalogue.levels_of(variant.item_id)
            return sum(one.available for one in levels if location_id in (0, one.location_id))

    def counted_sku(self) -> str:
        """A SKU that is counted and stocked at the first location, of no bundle, nobody else's."""
        catalogue = self.store.catalogue
        first = catalogue.active_locations()[0].id
        skus = [one.sku for one in catalogue.variants.values()]
        return next(
            one.sku
            for one in catalogue.variants.values()
            if one.sku
            and skus.count(one.sku) == 1
            and not one.components
            and catalogue.items[one.item_id].tracked
            and (one.item_id, first) in catalogue.levels
            and catalogue.products[one.product_id].status == "ACTIVE"
        )

    def fault(self, kind: str, **settings: Any) -> None:
        """Turn a fault on; the kinds stand in ``faults.KINDS``."""
        self.shop.faults.turn_on(kind, **settings)

    def settle(self, within_s: float = 10) -> bool:
        """Wait until every webhook was sent."""
        return self.shop.deliveries.settle(within_s)

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Heard:
        """One request as it stands; a body is sent as JSON."""
        line = HTTPConnection(urlsplit(self.url).netloc, timeout=10)
        try:
            sent = None if body is None else json.dumps(body).encode()
            json_type = {} if body is None else {"Content-Type": "application/json"}
            line.request(method, path, sent, json_type | (headers or {}))
            answer = line.getresponse()
            return Heard(answer.status, dict(answer.headers), answer.read())
        finally:
            line.close()

    def graphql(self, query: str, /, **variables: Any) -> Heard:
        """With the permanent token."""
        return self.ask(
            "POST",
            f"/admin/api/{VERSION}/graphql.json",
            {"query": query, "variables": variables},
            {"X-Shopify-Access-Token": self.token},
        )

    def data(self, query: str, /, **variables: Any) -> Any:
        """The data of an answer; asserts that there are no errors."""
        heard = self.graphql(query, **variables)
        document = heard.json()
        assert heard.status == 200, document
        assert "errors" not in document, document["errors"]
        self.asked.append(Asked(query, document["data"]))
        return document["data"]

    def subscribe(self, topic: str, uri: str) -> None:
        """``topic`` as the schema's enum has it."""
        payload = self.data(
            """mutation($topic: WebhookSubscriptionTopic!, $uri: String!) {
                webhookSubscriptionCreate(topic: $topic, webhookSubscription: {uri: $uri}) {
                userErrors { field message } } }""",
            topic=topic,
            uri=uri,
        )["webhookSubscriptionCreate"]
        assert payload["userErrors"] == []

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON of a call of the control API; asserts that it worked."""
        sent = {} if body is None and method != "GET" else body
        heard = self.ask(method, f"/_sandbox/api/{path}", sent)
        assert heard.status == 200, heard.body
        return heard.json()


Make = Callable[..., Running]


@pytest.fixture
def make_shop(contracts: Path | None) -> Iterator[Make]:
    """``make_shop(orders=0, per_minute=60, …)``: StoreOptions and what Shop takes. Data that was
    asked for is held against the official schema at the end.
    """
    made: list[Running] = []
    with ExitStack() as stack:

        def make(
            *,
            port: int = 0,
            per_minute: float = 0,
            state_file: Path | None = None,
            webhook_delay_s: float = 0,
            has_control: bool = True,
            **options: Any,
        ) -> Running:
            shop = Shop(
                StoreOptions(**{"orders": 40, "products": 20, "bulk_s": 0.0} | options),
                per_minute=per_minute,
                state_file=state_file,
                webhook_delay_s=webhook_delay_s,
                has_control=has_control,
            )
            server = stack.enter_context(Server(shop, port=port))
            made.append(Running(server.url, shop))
            return made[-1]

        yield make
    hold(contracts, (asked for running in made for asked in running.asked))
