"""Bulk operations as GraphQL shows and starts them."""

from __future__ import annotations

from typing import Any

from integrations.sandbox.shopify import ids
from integrations.sandbox.shopify.api import search
from integrations.sandbox.shopify.api.errors import refuse
from integrations.sandbox.shopify.api.filtering import by_sort, found
from integrations.sandbox.shopify.api.pages import connection
from integrations.sandbox.shopify.api.resolving import Call, Fields
from integrations.sandbox.shopify.bulk.models import RUNNING, BulkOperation
from integrations.sandbox.shopify.bulk.reading import Unfit
from integrations.sandbox.shopify.bulk.room import MOST_AT_ONCE

_SORTS = {
    "CREATED_AT": lambda row: row.created_at,
    "COMPLETED_AT": lambda row: row.completed_at or 0,
}


def _row(_: Call) -> dict[str, search.Value]:
    return {
        "id": lambda row: row.id,
        "status": lambda row: row.status,
        "operation_type": lambda row: row.type,
        "created_at": lambda row: row.created_at,
        "completed_at": lambda row: row.completed_at,
    }


def operation(_: Any, info: Any, *, id: str) -> BulkOperation | None:
    room = info.context.store.bulk
    one = room.operations.get(ids.number_of(id, "BulkOperation"))
    return room.looked_at(one) if one is not None else None


def operations(
    _: Any, info: Any, *, query: str | None = None, sort_key: str = "CREATED_AT", **page: Any
) -> Any:
    rows = info.context.store.bulk.operations
    chosen = found(info.context, rows.values(), query, _row(info.context), "bulkOperations")
    return connection(by_sort(chosen, _SORTS, sort_key), lambda key: rows[key[-1]], **page)


def current(_: Any, info: Any, *, type: str = "QUERY") -> BulkOperation | None:
    """The newest of its type."""
    rows = [one for one in info.context.store.bulk.operations.values() if one.type == type]
    return rows[-1] if rows else None


def run_query(_: Any, info: Any, *, query: str, group_objects: bool = False) -> dict[str, Any]:
    call = info.context
    room = call.store.bulk
    if len(room.running()) >= MOST_AT_ONCE:
        raise refuse(
            "The maximum number of concurrent bulk query operations is already running.",
            code="LIMIT_REACHED",
        )
    try:
        started = room.start(query, call, info.schema, is_grouped=group_objects)
    except Unfit as unfit:
        raise refuse(str(unfit), "query", code="INVALID") from unfit
    return {"bulkOperation": started}


def cancel(_: Any, info: Any, *, id: str) -> dict[str, Any]:
    one = operation(None, info, id=id)
    if one is None:
        raise refuse("Bulk operation does not exist", "id")
    if one.status not in RUNNING:
        raise refuse(f"A bulk operation cannot be canceled when it is {one.status.lower()}", "id")
    info.context.store.bulk.cancel(one)
    return {"bulkOperation": one}


FIELDS: Fields = {
    "QueryRoot": {
        "bulkOperation": operation,
        "bulkOperations": operations,
        "currentBulkOperation": current,
    },
    "Mutation": {"bulkOperationRunQuery": run_query, "bulkOperationCancel": cancel},
}
