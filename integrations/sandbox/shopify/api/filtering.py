"""Lists that are at hand: the rows a query fits, and their sorted keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from integrations.sandbox.shopify.api import search
from integrations.sandbox.shopify.api.pages import Key
from integrations.sandbox.shopify.api.resolving import Call

Sorts = Mapping[str, Callable[[Any], Any]]
"""Sort key, as in the schema → the value of a row."""


def found(
    call: Call,
    rows: Iterable[Any],
    text: str | None,
    fields: Mapping[str, search.Value],
    list_name: str,
) -> list[Any]:
    """The rows a query fits; what it names and the list does not know is told as a warning."""
    fits = search.predicate(text, fields, call.store.clock)
    if unknown := search.unknown_fields(text, fields):
        call.warnings.append(
            {
                "path": [list_name],
                "query": text,
                "warnings": [
                    {"field": name, "message": f"Invalid search field for this query: {name}"}
                    for name in unknown
                ],
            }
        )
    return [row for row in rows if fits(row)]


def by_sort(rows: list[Any], sorts: Sorts, sort_key: str | None) -> list[Key]:
    """Sorted keys that end in the row's id; no sort of that name: by id alone."""
    value = sorts.get(sort_key or "")
    return sorted((value(row), row.id) if value else (row.id,) for row in rows)
