"""The tables of this room; ``rooms`` says what they are."""

from __future__ import annotations

from typing import Any

from integrations.sandbox.shopify.api.resolving import Fields, Nodes
from integrations.sandbox.shopify.hooks import fields

FIELDS: tuple[Fields, ...] = (fields.FIELDS,)
NODES: Nodes = {"WebhookSubscription": lambda store, number: store.hooks.subscriptions.get(number)}
PAYLOADS: dict[str, Any] = {}
TOUCHED: dict[type, Any] = {}
