"""The state of the webhooks: who is to be told what, and each delivery made ready to be sent.

Source: shopify.dev on webhooks (delivery structure, verification, retries), read 2026-11; the
headers as in the contracts' ``http_shapes.json``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from integrations.sandbox.shopify.api import search
from integrations.sandbox.shopify.hooks.models import WebhookSubscription, trimmed
from integrations.sandbox.shopify.hooks.topics import scopes_of

if TYPE_CHECKING:
    from integrations.sandbox.shopify.store import Event, ShopStore

REDACTED_AFTER_H = 48


@dataclass(frozen=True, slots=True)
class Delivery:
    """Ready to be sent, again and again the same. ``subscription_id`` 0: the app's configuration
    asked for it.
    """

    subscription_id: int
    topic: str
    number: int
    uri: str
    body: bytes
    headers: dict[str, str]

    @property
    def id(self) -> str:
        return self.headers["X-Shopify-Webhook-Id"]


class HookRoom:
    """``send`` takes what is ready; it is called while the store is held."""

    def __init__(self, store: ShopStore) -> None:
        self._store = store
        self.subscriptions: dict[int, WebhookSubscription] = {}
        self.send: Callable[[Delivery], None] = lambda _: None
        self._redact_at: float | None = None
        store.subscribe(self.note)

    def note(self, event: Event) -> None:
        """A subscriber of the store."""
        for one in list(self.subscriptions.values()):
            if one.topic == event.topic and self._may_hear(one.topic):
                body = event.body()
                if _passes(one.filter, body, self._store):
                    self.send(self._ready(event.topic, event.number, event.id, body, one))
        if event.topic == "app/uninstalled":
            self.subscriptions.clear()
            self._redact_later(REDACTED_AFTER_H * self._store.options.hour_s)

    def comply(self, topic: str, body: dict[str, Any]) -> None:
        """Tell the app's configured address what nobody can subscribe to."""
        uri = self._store.options.compliance_uri
        if uri:
            self.send(self._ready(topic, 0, str(uuid.uuid4()), body, None))

    def drop(self, subscription_id: int) -> bool:
        return self.subscriptions.pop(subscription_id, None) is not None

    def _may_hear(self, topic: str) -> bool:
        """A scope that was taken back silences its topics."""
        needed = scopes_of(topic)
        access = self._store.access
        return topic == "app/uninstalled" or not needed or access.has_any(needed)

    def _redact_later(self, seconds: float) -> None:
        """48 hours after the app went it is told to forget, unless it came back meanwhile."""
        self._redact_at = self._store.clock.exact() + seconds
        self._store.later(seconds, HookRoom._redact)

    @staticmethod
    def _redact(store: ShopStore) -> None:
        store.hooks._redact_at = None
        if not store.access.is_installed:
            options = store.options
            store.hooks.comply(
                "shop/redact", {"shop_id": options.shop_id, "shop_domain": options.domain}
            )

    def _ready(
        self,
        topic: str,
        number: int,
        event_id: str,
        document: dict[str, Any],
        one: WebhookSubscription | None,
    ) -> Delivery:
        options = self._store.options
        chosen = trimmed(document, one.include_fields) if one else document
        body = json.dumps(chosen, separators=(",", ":"), ensure_ascii=False).encode()
        at = datetime.fromtimestamp(self._store.clock.exact(), UTC)
        headers = {
            "Accept": "*/*",
            "Content-Type": "application/json",
            "User-Agent": "Shopify-Captain-Hook",
            "X-Shopify-Topic": topic,
            "X-Shopify-Hmac-Sha256": signature(options.client_secret, body),
            "X-Shopify-Shop-Domain": options.domain,
            "X-Shopify-API-Version": options.webhook_api_version,
            "X-Shopify-Webhook-Id": str(uuid.uuid4()),
            "X-Shopify-Event-Id": event_id,
            "X-Shopify-Triggered-At": f"{at:%Y-%m-%dT%H:%M:%S.%f}000Z",
        }
        if one and one.name:
            headers["X-Shopify-Name"] = one.name
        uri = one.uri if one else options.compliance_uri
        return Delivery(one.id if one else 0, topic, number, uri, body, headers)

    def snapshot(self) -> dict[str, Any]:
        return {
            "subscriptions": msgspec.to_builtins(list(self.subscriptions.values())),
            "redact_at": self._redact_at,
        }

    def restore(self, saved: dict[str, Any]) -> None:
        rows = msgspec.convert(saved["subscriptions"], list[WebhookSubscription])
        self.subscriptions = {row.id: row for row in rows}
        if saved["redact_at"] is not None:
            self._redact_later(max(0.0, saved["redact_at"] - self._store.clock.exact()))


def signature(secret: str, body: bytes) -> str:
    """Base64 of HMAC-SHA256 over the raw body."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def _passes(text: str | None, body: dict[str, Any], store: ShopStore) -> bool:
    """A subscription's filter is a query over the body's fields (``line_items.sku:A1``)."""
    if not text:
        return True
    values: dict[str, list[Any]] = {}
    _spread("", body, values)
    fields = {name: _constant(found) for name, found in values.items()}
    return search.predicate(text, fields, store.clock)(body)


def _constant(found: list[Any]) -> search.Value:
    return lambda _: found


def _spread(path: str, value: Any, values: dict[str, list[Any]]) -> None:
    if isinstance(value, dict):
        for name, below in value.items():
            _spread(f"{path}.{name}".lstrip("."), below, values)
    elif isinstance(value, list):
        for row in value:
            _spread(path, row, values)
    else:
        values.setdefault(path, []).append(value)
