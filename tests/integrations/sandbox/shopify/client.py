"""A client that calls a simulated store in process, and keeps what it was told."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from integrations.sandbox.shopify.app import App
from integrations.sandbox.shopify.hooks.room import Delivery
from integrations.sandbox.shopify.options import StoreOptions
from integrations.sandbox.shopify.store import ShopStore
from integrations.sandbox.shopify.wire import Answer, Request
from tests.integrations.sandbox.shopify.official import Asked

NOW = 1_795_000_000
"""2026-11-18 11:06:40 UTC, the hour of every test."""

GRAPHQL = "/admin/api/2026-07/graphql.json"
TOKEN = "shpat_sandbox"


@dataclass
class Clock:
    moment: float = NOW

    def __call__(self) -> float:
        return self.moment


@dataclass
class Client:
    """``events`` are (topic, number) as they came, ``sent`` the webhooks made ready. ``asked`` is
    held against the official schema at the end of each test that has it.
    """

    store: ShopStore
    clock: Clock
    events: list[tuple[str, int]] = field(default_factory=list)
    sent: list[Delivery] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    token: str = TOKEN

    def __post_init__(self) -> None:
        self.app = App(self.store)
        self.store.subscribe(lambda event: self.events.append((event.topic, event.number)))
        self.store.hooks.send = self.sent.append

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        **query: Any,
    ) -> Answer:
        """``body`` is sent as JSON unless it is bytes."""
        sent = {"content-type": "application/json"} | (headers or {})
        content = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        return self.app.answer(
            Request(method, path, raw_query=urlencode(query), headers=sent, body=content)
        )

    def post(
        self, query: str, variables: dict[str, Any] | None = None, *, path: str = GRAPHQL
    ) -> Answer:
        body = {"query": query, "variables": variables or {}}
        return self.call("POST", path, body, headers={"x-shopify-access-token": self.token})

    def document(self, query: str, /, **variables: Any) -> dict[str, Any]:
        """The whole answer, whatever it says, of a request that was understood."""
        answer = self.post(query, variables)
        assert answer.status == 200, answer.document
        document: dict[str, Any] = json.loads(answer.content())
        if isinstance(document.get("data"), dict):
            self.asked.append(Asked(query, document["data"]))
        return document

    def ask(self, query: str, /, **variables: Any) -> dict[str, Any]:
        """The data; asserts that there are no errors."""
        document = self.document(query, **variables)
        assert "errors" not in document, document["errors"]
        data: dict[str, Any] = document["data"]
        return data

    def change(self, query: str, /, **variables: Any) -> dict[str, Any]:
        """The payload of a mutation that must work: no errors, no userErrors."""
        payload = self.payload(query, **variables)
        for name, found in payload.items():
            assert not (name.endswith("serErrors") and found), found
        return payload

    def payload(self, query: str, /, **variables: Any) -> dict[str, Any]:
        """Whatever a mutation answered."""
        (payload,) = self.ask(query, **variables).values()
        found: dict[str, Any] = payload
        return found

    def refusal(self, query: str, /, **variables: Any) -> list[tuple[Any, Any]]:
        """(field, code) of the userErrors of a mutation that must refuse."""
        payload = self.payload(query, **variables)
        errors = next(
            (rows for name, rows in payload.items() if name.endswith("serErrors") and rows), []
        )
        assert errors, payload
        return [(row["field"], row.get("code")) for row in errors]

    def error(self, query: str, /, **variables: Any) -> dict[str, Any]:
        """The first error of a request that must fail."""
        document = self.document(query, **variables)
        found: dict[str, Any] = document["errors"][0]
        return found

    def wait(self, seconds: float) -> None:
        """Let time pass, and what was put off be done."""
        self.clock.moment += seconds
        with self.store.working():
            pass


def make_client(**options: Any) -> Client:
    clock = Clock()
    options.setdefault("seeded_at", NOW)
    return Client(ShopStore(StoreOptions(**options), now=clock), clock)
