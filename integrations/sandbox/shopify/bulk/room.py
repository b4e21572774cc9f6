"""The state of the bulk operations, and how one runs: a page at a time, so that the store is held
only for moments.

Source: shopify.dev/docs/api/usage/bulk-operations/queries, read 2026-11: five at once from 2026-01,
results are kept for seven days.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import msgspec
from graphql import DocumentNode, GraphQLSchema, execute_sync

from integrations.sandbox.shopify.api import pages
from integrations.sandbox.shopify.api.resolving import Call
from integrations.sandbox.shopify.bulk import reading
from integrations.sandbox.shopify.bulk.models import RUNNING, BulkOperation
from integrations.sandbox.shopify.clock import utc

if TYPE_CHECKING:
    from integrations.sandbox.shopify.store import ShopStore

FILES = "/_bulk/"
MOST_AT_ONCE = 5
KEPT_S = 7 * 24 * 3600
_PAGE = 50


class BulkRoom:
    def __init__(self, store: ShopStore) -> None:
        self._store = store
        self.operations: dict[int, BulkOperation] = {}
        self._files: dict[str, tuple[str, bytes, int]] = {}

    # -- asking --------------------------------------------------------------------------------

    def running(self) -> list[BulkOperation]:
        return [one for one in self.operations.values() if one.status in RUNNING]

    def looked_at(self, operation: BulkOperation) -> BulkOperation:
        """As it is shown: what is kept no longer has expired."""
        over = (operation.completed_at or 0) + KEPT_S <= self._store.clock.now()
        if operation.url and over:
            operation.status, operation.url = "EXPIRED", None
        return operation

    def file(self, name: str, signature: str) -> bytes | None:
        """The content behind an address, for a week."""
        known, content, until = self._files.get(name, ("", b"", 0))
        if not known or known != signature or until <= self._store.clock.now():
            return None
        return content

    # -- running -------------------------------------------------------------------------------

    def start(
        self, query: str, call: Call, schema: GraphQLSchema, *, is_grouped: bool
    ) -> BulkOperation:
        """With the rights of the call that asks for it. Raises reading.Unfit."""
        document = reading.checked(query, schema)
        operation = BulkOperation(
            id=self._store.ids.next("BulkOperation"),
            query=query,
            created_at=self._store.clock.now(),
            is_grouped=is_grouped,
        )
        self.operations[operation.id] = operation
        own_call = Call(self._store, call.grant, call.version)
        run = _Run(self, operation, document, own_call, schema)
        self._store.later(self._store.options.bulk_s, run.step)
        return operation

    def cancel(self, operation: BulkOperation) -> None:
        operation.status = "CANCELING"

    def finish(
        self, operation: BulkOperation, status: str, rows: list[bytes], error: str | None = None
    ) -> None:
        """A result with no object in it has no file; what a failed one read is a partial one."""
        operation.status, operation.error_code = status, error
        operation.completed_at = self._store.clock.now() if status == "COMPLETED" else None
        if rows and status in ("COMPLETED", "FAILED"):
            content = b"\n".join(rows) + b"\n"
            url = self._keep(operation, content)
            operation.file_size = len(content)
            if status == "COMPLETED":
                operation.url = url
            else:
                operation.partial_data_url = url
        self._store.emit("bulk_operations/finish", operation.id)

    def _keep(self, operation: BulkOperation, content: bytes) -> str:
        name, signature = f"bulk-{operation.id}.jsonl", secrets.token_hex(12)
        self._files[name] = (signature, content, self._store.clock.now() + KEPT_S)
        return f"{self._store.url}{FILES}{name}?signature={signature}"

    # -- keeping -------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        return {"operations": msgspec.to_builtins(list(self.operations.values()))}

    def restore(self, saved: dict[str, Any]) -> None:
        """The files are gone, so what was finished has expired; what was under way has failed."""
        rows = msgspec.convert(saved["operations"], list[BulkOperation])
        for row in rows:
            if row.url or row.partial_data_url:
                row.status, row.url, row.partial_data_url = "EXPIRED", None, None
            elif row.status in RUNNING:
                row.status, row.error_code = "FAILED", "INTERNAL_SERVER_ERROR"
        self.operations = {row.id: row for row in rows}


class _Run:
    """One operation on its way: each ``step`` reads a page and puts the next off."""

    def __init__(
        self,
        room: BulkRoom,
        operation: BulkOperation,
        document: DocumentNode,
        call: Call,
        schema: GraphQLSchema,
    ) -> None:
        self._room, self._operation, self._call = room, operation, call
        self._document, self._schema = document, schema
        self._is_paged = reading.is_pageable(document, schema)
        self._after: str | None = None
        self._rows: list[bytes] = []

    def step(self, store: ShopStore) -> None:
        operation = self._operation
        if operation.status == "CANCELING":
            self._room.finish(operation, "CANCELED", [])
            return
        operation.status = "RUNNING"
        if self._rows and store.strikes("bulk_failed", operation.query):
            self._room.finish(operation, "FAILED", self._rows, "INTERNAL_SERVER_ERROR")
            return
        is_last, error = self._read()
        if error:
            self._room.finish(operation, "FAILED", self._rows, error)
        elif is_last:
            self._room.finish(operation, "COMPLETED", self._rows)
        else:
            store.later(0, self.step)

    def _read(self) -> tuple[bool, str | None]:
        """(whether it was the last page, the code of an error)."""
        document = self._document
        if self._is_paged:
            document = reading.paged(document, _PAGE, self._after)
        with pages.whole():
            result = execute_sync(self._schema, document, context_value=self._call)
        if result.errors:
            code = (result.errors[0].extensions or {}).get("code")
            return True, "ACCESS_DENIED" if code == "ACCESS_DENIED" else "INTERNAL_SERVER_ERROR"
        data = result.data or {}
        info = None
        if self._is_paged:
            info = next(iter(data.values())).pop("_page")
            self._after = info["endCursor"]
        rows, tops = reading.lines(data, is_grouped=self._operation.is_grouped)
        self._rows += rows
        self._operation.object_count += len(rows)
        self._operation.root_object_count += tops
        return info is None or not info["hasNextPage"], None


def finished(store: ShopStore, number: int) -> dict[str, Any]:
    """The body of bulk_operations/finish. Source: Shopify's sample of 2026-07."""
    one = store.bulk.operations[number]
    return {
        "admin_graphql_api_id": f"gid://shopify/BulkOperation/{one.id}",
        "completed_at": utc(one.completed_at),
        "created_at": utc(one.created_at),
        "error_code": one.error_code.lower() if one.error_code else None,
        "status": one.status.lower(),
        "type": one.type.lower(),
    }
