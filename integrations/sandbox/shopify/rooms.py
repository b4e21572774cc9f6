"""Brings the rooms' tables together: resolvers, nodes by id, webhook bodies, what a change means.

A room is a package with a state (``snapshot``, ``restore``) and a ``tables.py``:

- ``FIELDS``: a tuple of tables, type name → field name → resolver;
- ``NODES``: type name → how one is found by its number, for ``node(id:)`` and metafields;
- ``PAYLOADS``: webhook topic (``orders/create``) → the body of one number, as REST shaped it;
- ``TOUCHED``: class → what follows when one was changed in place (its date, its webhook).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import integrations.sandbox.shopify.access.tables as access
import integrations.sandbox.shopify.bulk.tables as bulk
import integrations.sandbox.shopify.catalogue.tables as catalogue
import integrations.sandbox.shopify.hooks.tables as hooks
import integrations.sandbox.shopify.orders.tables as orders
import integrations.sandbox.shopify.payments.tables as payments
from integrations.sandbox.shopify.api import root
from integrations.sandbox.shopify.api.resolving import Fields, Nodes

if TYPE_CHECKING:
    from integrations.sandbox.shopify.store import ShopStore

Payload = Callable[["ShopStore", int], dict[str, Any]]
Touched = Callable[["ShopStore", Any], None]

_TABLES = (access, catalogue, orders, hooks, bulk, payments)

FIELDS: tuple[Fields, ...] = (root.FIELDS, *(table for room in _TABLES for table in room.FIELDS))
NODES: Nodes = {name: load for room in _TABLES for name, load in room.NODES.items()}
PAYLOADS: dict[str, Payload] = {
    topic: payload for room in _TABLES for topic, payload in room.PAYLOADS.items()
}
TOUCHED: dict[type, Touched] = {
    kind: follow for room in _TABLES for kind, follow in room.TOUCHED.items()
}
