"""A simulated store over real HTTP for anybody's tests. Import the fixtures into a conftest:

``from tests.integrations.sandbox.fixtures import make_shop, shop``
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from integrations.sandbox.server import Server
from integrations.sandbox.woocommerce import acts, placing
from integrations.sandbox.woocommerce.models import Webhook
from integrations.sandbox.woocommerce.options import StoreOptions
from integrations.sandbox.woocommerce.shop import Shop
from integrations.sandbox.woocommerce.store import WooStore

KEY, SECRET = f"ck_{'1' * 40}", f"cs_{'2' * 40}"
HOOK_SECRET = "the secret of a webhook"


@dataclass(frozen=True)
class Running:
    """A running store and the hands that play it. ``shop`` has its faults, webhooks and log."""

    url: str
    shop: Shop
    key: str = KEY
    secret: str = SECRET

    @property
    def store(self) -> WooStore:
        return self.shop.store

    def place(self, kind: str = "plain", count: int = 1) -> list[int]:
        """Order ids. The kinds stand in ``placing.ORDER_KINDS``."""
        return placing.place(self.store, self.shop.chance, kind=kind, count=count)

    def buy(self, *lines: tuple[str, int], status: str = "processing") -> int:
        """An order of these (SKU, quantity)."""
        return placing.place_with(self.store, self.shop.chance, lines, status=status)

    def act(self, verb: str, order_id: int) -> None:
        """edit, cancel, refund, complete, ship, hold, process, trash, restore or delete."""
        acts.act(self.store, verb, order_id)

    def touch(self, order_ids: list[int]) -> None:
        """Edit these within one second."""
        acts.touch(self.store, order_ids)

    def set_stock(self, sku: str, quantity: int) -> None:
        acts.set_stock(self.store, acts.by_sku(self.store, sku).id, quantity)

    def stock_of(self, sku: str) -> int | None:
        return acts.by_sku(self.store, sku).stock

    def counted_sku(self) -> str:
        """A SKU whose stock is counted, the same each time and nobody else's."""
        every = [product.sku for product in self.store.products.values()]
        return next(
            product.sku
            for product in self.store.products.values()
            if product.manages_stock is True
            and product.kind == "simple"
            and product.sku
            and product.status == "publish"
            and every.count(product.sku) == 1
        )

    def subscribe(self, url: str, topic: str, **fields: Any) -> Webhook:
        """A webhook made in the store's admin, greeted already; its secret is ``HOOK_SECRET``."""
        webhook = Webhook(
            id=self.store.ids.next("webhook"),
            name="sample",
            topic=topic,
            delivery_url=url,
            secret=HOOK_SECRET,
            created=self.store.clock.now(),
            **{"is_pending": False} | fields,
        )
        self.store.webhooks[webhook.id] = webhook
        return webhook

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

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON of a call of the control API; asserts that it worked."""
        sent = {} if body is None and method != "GET" else body
        heard = self.ask(method, f"/_sandbox/api/{path}", sent)
        assert heard.status == 200, heard.body
        return heard.json()


@dataclass(frozen=True)
class Heard:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


Make = Callable[..., Running]


@pytest.fixture
def make_shop() -> Iterator[Make]:
    """``make_shop(orders=0, per_minute=60, …)``: StoreOptions and what Shop takes."""
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
            chosen = {"orders": 60, "products": 20, "consumer_key": KEY, "consumer_secret": SECRET}
            shop = Shop(
                StoreOptions(**chosen | options),
                per_minute=per_minute,
                state_file=state_file,
                webhook_delay_s=webhook_delay_s,
                has_control=has_control,
            )
            server = stack.enter_context(Server(shop, port=port))
            return Running(server.url, shop)

        yield make


@pytest.fixture
def shop(make_shop: Make) -> Running:
    """A quiet store with 60 orders of the past."""
    return make_shop()
