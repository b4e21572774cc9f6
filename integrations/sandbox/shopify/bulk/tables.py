"""The tables of this room; ``rooms`` says what they are."""

from __future__ import annotations

from typing import Any

from integrations.sandbox.shopify.api.resolving import Fields, Nodes
from integrations.sandbox.shopify.bulk import fields
from integrations.sandbox.shopify.bulk.room import finished

FIELDS: tuple[Fields, ...] = (fields.FIELDS,)
NODES: Nodes = {"BulkOperation": lambda store, number: store.bulk.operations.get(number)}
PAYLOADS: dict[str, Any] = {"bulk_operations/finish": finished}
TOUCHED: dict[type, Any] = {}
