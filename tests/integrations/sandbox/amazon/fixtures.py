"""A simulated seller account over real HTTP for anybody's tests. Import into a conftest:

``from tests.integrations.sandbox.amazon.fixtures import make_account``
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from integrations.sandbox.amazon.clock import Now
from integrations.sandbox.amazon.options import AccountOptions
from integrations.sandbox.amazon.orders import acts as order_acts
from integrations.sandbox.amazon.orders import placing
from integrations.sandbox.amazon.play import acts
from integrations.sandbox.amazon.shop import Shop
from integrations.sandbox.amazon.store import SellerStore
from integrations.sandbox.server import Server
from tests.integrations.sandbox.amazon.official import Asked, hold


@dataclass(frozen=True)
class Heard:
    """Header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Running:
    """A running account and the hands that play it. ``shop`` has its faults, traffic and log."""

    url: str
    shop: Shop
    asked: list[Asked] = field(default_factory=list)

    @property
    def store(self) -> SellerStore:
        return self.shop.store

    # -- playing -------------------------------------------------------------------------------

    def place(self, kind: str = "plain", count: int = 1) -> list[str]:
        """Order ids. The kinds stand in ``placing.ORDER_KINDS``."""
        return placing.place(self.store, self.shop.chance, kind=kind, count=count)

    def buy(self, *lines: tuple[str, int], status: str = "UNSHIPPED") -> str:
        """An order of these (SKU, quantity)."""
        return placing.place_with(self.store, self.shop.chance, list(lines), status=status)

    def act(self, verb: str, order_id: str) -> None:
        """One of ``orders.acts.VERBS``."""
        order_acts.act(self.store, verb, order_id)

    def touch(self, order_ids: list[str]) -> None:
        """Edit these within one second."""
        order_acts.touch(self.store, order_ids)

    def set_stock(self, sku: str, quantity: int) -> None:
        acts.set_stock(self.store, sku, quantity)

    def stock_of(self, sku: str) -> int:
        """What can be bought now."""
        with self.store.working():
            return self.store.state.listings[sku].for_sale

    def counted_sku(self) -> str:
        """A SKU the seller keeps himself, offered in his first marketplace."""
        place = self.store.options.sells_in[0]
        return next(
            row.sku
            for row in self.store.state.listings.values()
            if row.quantity and place in row.offers and not row.parent
        )

    def amazons_sku(self) -> str:
        """A SKU that Amazon keeps."""
        return next(
            row.sku for row in self.store.state.listings.values() if row.for_sale and row.stock
        )

    def move_clock(self, seconds: float) -> None:
        acts.move_clock(self.store, seconds)

    def fill_quotas(self) -> None:
        acts.fill_quotas(self.store)

    def fault(self, kind: str, **settings: Any) -> None:
        """Turn a fault on; the kinds stand in ``faults.KINDS``."""
        self.shop.faults.turn_on(kind, **settings)

    def calls(self, operation: str) -> tuple[int, int]:
        """How often it was called, and how often that was throttled."""
        row = self.store.quotas.counts.get(operation)
        return (row.calls, row.throttled) if row else (0, 0)

    # -- asking --------------------------------------------------------------------------------

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Heard:
        """One request as it stands; a body is sent as JSON unless it is bytes."""
        line = HTTPConnection(urlsplit(self.url).netloc, timeout=10)
        try:
            raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
            json_type = {} if body is None else {"Content-Type": "application/json"}
            line.request(method, path, raw, json_type | (headers or {}))
            answer = line.getresponse()
            told = {name.lower(): value for name, value in answer.headers.items()}
            return Heard(answer.status, told, answer.read())
        finally:
            line.close()

    def access_token(self) -> str:
        options = self.store.options
        form = {
            "grant_type": "refresh_token",
            "refresh_token": options.refresh_token,
            "client_id": options.client_id,
            "client_secret": self.store.state.login.client_secret,
        }
        heard = self.ask(
            "POST",
            "/auth/o2/token",
            urlencode(form).encode(),
            {"Content-Type": "application/x-www-form-urlencoded"},
        )
        assert heard.status == 200, heard.body
        token: str = heard.json()["access_token"]
        return token

    def call(self, method: str, path: str, body: Any = None, **query: str) -> Heard:
        """One call of the Selling Partner API, held against its model at the end."""
        text = urlencode(query)
        headers = {"X-Amz-Access-Token": self.access_token()}
        heard = self.ask(method, f"{path}?{text}" if text else path, body, headers)
        sent = b"" if body is None else json.dumps(body).encode()
        self.asked.append(
            Asked(method, path, text, headers, sent, heard.status, heard.headers, heard.body)
        )
        return heard

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON of a call of the control API; asserts that it worked."""
        sent = {} if body is None and method != "GET" else body
        heard = self.ask(method, f"/_sandbox/api/{path}", sent)
        assert heard.status == 200, heard.body
        return heard.json()


Make = Callable[..., Running]


@pytest.fixture
def make_account(contracts: Path | None) -> Iterator[Make]:
    """``make_account(orders=0, per_minute=60, …)``: AccountOptions and what Shop takes. What was
    called is held against the official models at the end.
    """
    made: list[Running] = []
    with ExitStack() as stack:

        def make(
            *,
            port: int = 0,
            per_minute: float = 0,
            state_file: Path | None = None,
            has_control: bool = True,
            now: Now | None = None,
            **options: Any,
        ) -> Running:
            shop = Shop(
                AccountOptions(**{"orders": 40, "products": 20} | options),
                per_minute=per_minute,
                state_file=state_file,
                has_control=has_control,
                now=now,
            )
            server = stack.enter_context(Server(shop, port=port))
            made.append(Running(server.url, shop))
            return made[-1]

        yield make
    hold(contracts, (asked for running in made for asked in running.asked))
