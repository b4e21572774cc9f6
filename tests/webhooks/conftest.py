"""One store of the toy platform, its endpoint, and a way to deliver to it as a store would: over
the view.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from integrations import authentication, registry
from integrations.models import Endpoint, Store
from logix.accounts import keys
from logix.common import bell, crypto
from logix.common.ids import uuid7
from tests.factories import make_store
from tests.webhooks import toy
from webhooks import accept
from webhooks.models import Delivery

TOKEN = "t" * 43
Deliver = Callable[..., Any]
Keep = Callable[..., Delivery]
START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def rung(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the tasks that were rung for; no broker is spoken to."""
    names: list[str] = []

    def publish(task_name: str, args: Any, **_options: Any) -> bool:
        names.append(task_name)
        return True

    monkeypatch.setattr(bell, "publish", publish)
    monkeypatch.setattr(accept, "_rung_at", -1.0)
    return names


@pytest.fixture(autouse=True)
def fresh_process() -> None:
    """Endpoints of other tests are not remembered."""
    accept.forget()


@pytest.fixture
def toy_store(monkeypatch: pytest.MonkeyPatch) -> toy.ToyStore:
    """What the toy store holds. From here on the registry and the authentication manager know the
    toy platform.
    """
    shop = toy.ToyStore()
    monkeypatch.setattr(authentication, "adapter_for", shop.adapter)
    monkeypatch.setitem(registry.BUILT_IN, "toy", "tests.webhooks.toy.CARD")
    return shop


@pytest.fixture
def store(db: None, toy_store: toy.ToyStore) -> Store:
    return make_store(platform="toy")


@pytest.fixture
def endpoint(store: Store) -> Endpoint:
    return make_endpoint(store)


def make_endpoint(store: Store, token: str = TOKEN, secret: str = toy.SECRET) -> Endpoint:
    pk = uuid7()
    vault = keys.vault(store.data_key_id)

    def seal(column: str, text: str) -> bytes:
        return vault.seal(text.encode(), "integrations_endpoint", column, str(pk))

    return Endpoint.objects.create(
        id=pk,
        store=store,
        token_digest=crypto.digest(token),
        token_sealed=seal("token_sealed", token),
        secret_sealed=seal("secret_sealed", secret),
    )


@pytest.fixture
def deliver(endpoint: Endpoint, client: Client) -> Deliver:
    """Post a signed delivery; return the response."""

    def post(
        body: bytes = b"",
        *,
        topic: str = "order.updated",
        token: str = TOKEN,
        platform: str = "toy",
        signature: str | None = None,
        slash: str = "",
        number: str = "d-1",
        **told: Any,
    ) -> Any:
        body = body or toy.body_of(**told)
        return client.post(
            f"/api/v1/{platform}/webhooks/receive/{token}{slash}",
            data=body,
            content_type="application/json",
            headers={
                toy.TOPIC: topic,
                toy.SIGNATURE: toy.sign(body) if signature is None else signature,
                "X-Toy-Delivery": number,
                "Cookie": "a=b",
            },
        )

    return post


def told(order_id: int = 1, *, minute: int = 0, **more: Any) -> dict[str, Any]:
    return {"id": order_id, "changed_at": (START + timedelta(minutes=minute)).isoformat(), **more}


@pytest.fixture
def keep(endpoint: Endpoint) -> Keep:
    """Put a delivery into the inbox."""

    def put(topic: str = "order.updated", *, to: Endpoint | None = None, **body: Any) -> Delivery:
        delivery, created = accept.accept(
            to or endpoint,
            topic=topic,
            headers={},
            body=toy.body_of(**body),
            dedupe_key=str(uuid7()),
        )
        assert created
        assert delivery is not None
        return delivery

    return put


def state(delivery: Delivery) -> tuple[str, str]:
    delivery.refresh_from_db()
    return delivery.state, delivery.outcome
