"""Bulk operations: a query that Shopify carries out in the background, its answer a file.

An app may have five of them at once in a store. The file is kept for a week. Source:
https://shopify.dev/docs/api/usage/bulk-operations/queries, API 2026-07.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from integrations.errors import NotFound, PermissionMissing, Rejected, Unsupported
from integrations.shopify import shapes
from integrations.shopify.client import ShopifyClient
from integrations.shopify.shapes import Camel, Connection
from integrations.shopify.values import known_moment, number_of

RUNNING = frozenset({"CREATED", "RUNNING"})
COMPLETED, EXPIRED, DENIED = "COMPLETED", "EXPIRED", "ACCESS_DENIED"
_LIVES = RUNNING | {COMPLETED}
# How an operation ended that brings nothing, in words for whoever reads the run.
_ENDINGS = {
    "CANCELED": "was stopped at Shopify",
    "CANCELING": "was stopped at Shopify",
    EXPIRED: "is gone: Shopify keeps it for seven days",
    "FAILED": "failed at Shopify",
}
_REASONS = {
    DENIED: "the app lacks a scope for something in it",
    "INTERNAL_SERVER_ERROR": "Shopify had an internal error",
    "TIMEOUT": "it took Shopify too long",
}


class BulkOperation(Camel):
    """``url`` is there when it has an answer; ``file_size`` in bytes."""

    id: str
    status: str
    created_at: str
    error_code: str | None = None
    file_size: shapes.Number | None = None
    url: str | None = None
    query: str = ""

    @property
    def number(self) -> int:
        return int(number_of(self.id))

    @property
    def began(self) -> datetime:
        return known_moment(self.created_at, "$.createdAt")

    @property
    def ending(self) -> str:
        """Why it brings nothing."""
        ended = _ENDINGS.get(self.status, "is gone")
        why = _REASONS.get(self.error_code or "")
        return f"The export of this store's orders {ended}{f': {why}' if why else ''}."


def begin(client: ShopifyClient, query: str, *, after: int = 0) -> BulkOperation:
    """Have ``query`` carried out; one of this app that does, or did, is taken up: whoever began it
    may have died before it could say so. Of those, only numbers above ``after``. Raises Unsupported
    where Shopify refuses.
    """
    try:
        same = (one for one in _recent(client) if one.query == query and one.number > after)
        if known := next((one for one in same if one.status in _LIVES), None):
            return known
        payload = client.change("bulk_run", {"query": query}, "bulkOperationRunQuery")
    except (Rejected, PermissionMissing) as err:
        raise Unsupported(
            f"Shopify does not export this store's orders at once: {err.message}",
            code="bulk_refused",
        ) from err
    return shapes.decode(bytes(payload["bulkOperation"]), BulkOperation)


def look(client: ShopifyClient, global_id: str) -> tuple[BulkOperation | None, datetime | None]:
    """The operation as it is now, None where Shopify has forgotten it; and the store's clock."""
    reply = client.ask("bulk_state", {"id": global_id})
    try:
        return reply.at("bulkOperation", BulkOperation), reply.store_time
    except NotFound:
        return None, reply.store_time


def cancel(client: ShopifyClient, global_id: str) -> None:
    """Quiet where it has ended already."""
    client.ask("bulk_cancel", {"id": global_id}, repeatable=True).at(
        "bulkOperationCancel", msgspec.Raw
    )


def _recent(client: ShopifyClient) -> list[BulkOperation]:
    """Newest first."""
    return client.ask("bulk_recent").at("bulkOperations", Connection[BulkOperation]).nodes
