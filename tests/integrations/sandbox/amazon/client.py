"""A client that calls a simulated account in process, and keeps what it was told."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from integrations.sandbox.amazon import files
from integrations.sandbox.amazon.app import TOKEN, App
from integrations.sandbox.amazon.options import AccountOptions
from integrations.sandbox.amazon.orders.models import Order
from integrations.sandbox.amazon.store import SellerStore
from integrations.sandbox.amazon.wire import Answer, Request
from integrations.sandbox.dice import dice
from tests.integrations.sandbox.amazon.official import Asked

NOW = 1_795_000_000
"""2026-11-18 11:06:40 UTC, the hour of every test."""

DE, FR, UK = "A1PA6795UKMFR9", "A13V1IB3VIYZZH", "A1F83G8C2ARO7P"
US, JP, AU = "ATVPDKIKX0DER", "A1VC38T7YXB528", "A39IBJ37TRP1C6"
ALL_DATA = (
    "BUYER,RECIPIENT,PROCEEDS,EXPENSE,PROMOTION,CANCELLATION,FULFILLMENT,PACKAGES,TAX,PAYMENT,"
    "FULFILLMENT_ORDERS"
)


@dataclass
class Clock:
    moment: float = NOW

    def __call__(self) -> float:
        return self.moment


@dataclass
class Client:
    """``asked`` is held against the official models at the end of each test that has them."""

    store: SellerStore
    clock: Clock
    asked: list[Asked] = field(default_factory=list)
    token: str = ""

    def __post_init__(self) -> None:
        self.app = App(self.store)
        self.chance = dice(1, "test")

    # -- asking --------------------------------------------------------------------------------

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        query: str = "",
    ) -> Answer:
        """``body`` is sent as JSON unless it is bytes."""
        content = b"" if body is None else body if isinstance(body, bytes) else _json(body)
        kind = {} if body is None else {"content-type": "application/json"}
        sent = kind | (headers or {})
        answer = self.app.answer(Request(method, path, query, sent, content))
        if not path.startswith((files.ROOT, "/apps/", TOKEN)):
            told = {name.lower(): value for name, value in answer.headers}
            self.asked.append(
                Asked(method, path, query, sent, content, answer.status, told, answer.content())
            )
        return answer

    def call(self, method: str, path: str, body: Any = None, /, **query: Any) -> Answer:
        """With an access token that is good; lists become commas."""
        if not self.token:
            self.token = self.log_in()["access_token"]
        pairs = {name: _text(value) for name, value in query.items() if value is not None}
        headers = {"x-amz-access-token": self.token}
        return self.send(method, path, body, headers=headers, query=urlencode(pairs))

    def get(self, path: str, /, **query: Any) -> Any:
        """The document of a call that worked."""
        answer = self.call("GET", path, **query)
        assert answer.status == 200, answer.document
        return json.loads(answer.content())

    def refused(self, method: str, path: str, body: Any = None, /, **query: Any) -> tuple[int, str]:
        """Status and code of a call that did not."""
        answer = self.call(method, path, body, **query)
        assert answer.status >= 400, answer.document
        return answer.status, answer.document["errors"][0]["code"]

    def login(self, /, **fields: str) -> Answer:
        """The token door, with the app's own name unless another is given."""
        options = self.store.options
        sent = {
            "client_id": options.client_id,
            "client_secret": self.store.state.login.client_secret,
        } | fields
        headers = {"content-type": "application/x-www-form-urlencoded"}
        body = urlencode({name: value for name, value in sent.items() if value}).encode()
        return self.send("POST", TOKEN, body, headers=headers)

    def log_in(self) -> Any:
        answer = self.login(
            grant_type="refresh_token", refresh_token=self.store.options.refresh_token
        )
        assert answer.status == 200, answer.document
        return answer.document

    # -- orders --------------------------------------------------------------------------------

    def orders(self, **query: Any) -> list[Any]:
        """Of all pages; changed at any time unless something else is asked for."""
        if "createdAfter" not in query:
            query.setdefault("lastUpdatedAfter", "2020-01-01T00:00:00Z")
        found: list[Any] = []
        while True:
            self.store.quotas.fill()
            page = self.get("/orders/2026-01-01/orders", **query)
            found += page["orders"]
            token = page.get("pagination", {}).get("nextToken")
            if token is None:
                return found
            query["paginationToken"] = token

    def order(self, order_id: str, included: str = ALL_DATA) -> Any:
        path = f"/orders/2026-01-01/orders/{order_id}"
        return self.get(path, includedData=included or None)["order"]

    def known(self, order_id: str) -> Order:
        return self.store.state.orders[order_id]

    def later(self, seconds: float) -> None:
        """Time goes by; what was due is done."""
        self.clock.moment += seconds
        with self.store.working():
            pass


def _json(body: Any) -> bytes:
    return json.dumps(body).encode()


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ",".join(str(one) for one in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def make_client(**options: Any) -> Client:
    clock = Clock()
    return Client(SellerStore(AccountOptions(**options), now=clock), clock)
