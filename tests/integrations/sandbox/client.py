"""A client that calls a simulated store in process, with keys over TLS unless told otherwise."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from integrations.sandbox.woocommerce.app import App
from integrations.sandbox.woocommerce.options import StoreOptions
from integrations.sandbox.woocommerce.store import WooStore
from integrations.sandbox.woocommerce.wire import Answer, Request

NOW = 1_795_000_000
"""2026-11-18 11:06:40 UTC, the hour of every test."""


def basic(
    name: str = "ck_sandbox",
    secret: str = "cs_sandbox",  # noqa: S107 - the invented store's
) -> dict[str, str]:
    word = base64.b64encode(f"{name}:{secret}".encode()).decode()
    return {"authorization": f"Basic {word}"}


@dataclass
class Clock:
    moment: int = NOW

    def __call__(self) -> int:
        return self.moment


@dataclass
class Sent:
    url: str
    body: bytes
    headers: dict[str, str]


@dataclass
class Client:
    """``sent`` is what the store posted while it answered; ``status`` is what it got back."""

    store: WooStore
    clock: Clock
    sent: list[Sent] = field(default_factory=list)
    events: list[tuple[str, int]] = field(default_factory=list)
    status: int = 200

    def __post_init__(self) -> None:
        self.app = App(self.store, self._post)
        self.store.subscribe(lambda topic, number: self.events.append((topic, number)))

    def _post(self, url: str, body: bytes, headers: Any) -> int:
        self.sent.append(Sent(url, body, dict(headers)))
        return self.status

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        is_tls: bool = True,
        raw_query: str = "",
        **query: Any,
    ) -> Answer:
        """``path`` below ``/wp-json/wc/v3`` where it is relative."""
        if not path.startswith("/"):
            path = f"/wp-json/wc/v3/{path}".rstrip("/")
        sent = dict(basic() if headers is None else headers)
        if body is not None:
            sent["content-type"] = "application/json"
        answer = self.app.answer(
            Request(
                method,
                path,
                raw_query=raw_query or urlencode(query, doseq=True),
                headers=sent,
                body=b"" if body is None else json.dumps(body).encode(),
                is_tls=is_tls,
            )
        )
        answer.content()
        return answer

    def get(self, path: str, **query: Any) -> Any:
        answer = self.call("GET", path, **query)
        assert answer.status == 200, answer.document
        return json.loads(answer.content())

    def put(self, path: str, body: Any) -> Any:
        answer = self.call("PUT", path, body)
        assert answer.status == 200, answer.document
        return json.loads(answer.content())

    def post(self, path: str, body: Any, status: int = 201, **query: Any) -> Any:
        answer = self.call("POST", path, body, **query)
        assert answer.status == status, answer.document
        return json.loads(answer.content())

    def refusal(self, method: str, path: str, body: Any = None, **query: Any) -> tuple[int, str]:
        """The status and code of an answer that must refuse."""
        answer = self.call(method, path, body, **query)
        assert answer.status >= 400, answer.document
        return answer.status, answer.document["code"]


def make_client(**options: Any) -> Client:
    clock = Clock()
    options.setdefault("seeded_at", NOW)
    return Client(WooStore(StoreOptions(**options), now=clock), clock)
