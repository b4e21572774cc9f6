"""Connections: a page of a list by opaque cursors, forwards and backwards.

Source: shopify.dev/api/usage/pagination-graphql and api/usage/limits, read 2026-11: pages of 250 at
most, lists end after 25,000, counts are exact up to 25,000.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from integrations.sandbox.shopify.api.errors import bad_request

LARGEST_PAGE = 250
LONGEST_LIST = 25_000

Key = tuple[Any, ...]

_is_whole = ContextVar("is_whole", default=False)


@contextmanager
def whole() -> Iterator[None]:
    """Within, a list that is asked for without a page's size is read to its end: bulk operations
    know no pages.
    """
    mark = _is_whole.set(True)
    try:
        yield
    finally:
        _is_whole.reset(mark)


def connection(
    keys: Sequence[Key],
    load: Callable[[Key], Any],
    *,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
    reverse: bool = False,
) -> dict[str, Any]:
    """A page of a list given by its sorted keys, the last part of each its number. ``load`` makes
    the node of a key, for the page alone. A cursor holds its node's key, so that a row that has
    moved on is not met twice, and none is passed over because another has gone.
    """
    _check(first, last)
    rows = list(reversed(keys)) if reverse else list(keys)
    if not _is_whole.get():
        rows = rows[:LONGEST_LIST]
    start, end = 0, len(rows)
    if after is not None:
        start = _place(rows, read_cursor(after), reverse, is_after=True)
    if before is not None:
        end = _place(rows, read_cursor(before), reverse, is_after=False)
    low, high = start, max(start, end)
    if first is not None:
        high = min(high, low + first)
    elif last is not None:
        low = max(low, high - last)
    chosen = rows[low:high]
    nodes = [load(key) for key in chosen]
    cursors = [cursor(key) for key in chosen]
    return {
        "edges": [
            {"cursor": mark, "node": node} for mark, node in zip(cursors, nodes, strict=True)
        ],
        "nodes": nodes,
        "pageInfo": {
            "hasNextPage": high < (end if before is None else len(rows)),
            "hasPreviousPage": low > 0,
            "startCursor": cursors[0] if cursors else None,
            "endCursor": cursors[-1] if cursors else None,
        },
    }


def listed(things: Sequence[Any], **page: Any) -> dict[str, Any]:
    """A page of things that are at hand, in the order they stand in."""
    return connection(
        [(place,) for place in range(len(things))], lambda key: things[key[0]], **page
    )


def count(number: int, limit: int | None = 10_000) -> dict[str, Any]:
    """A Count: exact up to ``limit`` (null: without end)."""
    if limit is None or number <= limit:
        return {"count": number, "precision": "EXACT"}
    return {"count": limit, "precision": "AT_LEAST"}


def cursor(key: Key) -> str:
    text = json.dumps(list(key), separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode()


def read_cursor(text: str) -> Key:
    try:
        found = json.loads(base64.urlsafe_b64decode(text.encode()))
    except ValueError as err:
        raise _bad_cursor(text) from err
    if not isinstance(found, list):
        raise _bad_cursor(text)
    return tuple(found)


def _bad_cursor(text: str) -> Exception:
    return bad_request(f"Invalid cursor for current pagination sort. {text}", "INVALID_CURSOR")


def _check(first: int | None, last: int | None) -> None:
    if first is None and last is None and not _is_whole.get():
        raise bad_request("you must provide one of first or last")
    for name, value in (("first", first), ("last", last)):
        if value is not None and not 0 <= value <= LARGEST_PAGE:
            raise bad_request(f"{name} must be between 0 and {LARGEST_PAGE}, not {value}")


def _place(rows: Sequence[Key], mark: Key, reverse: bool, *, is_after: bool) -> int:
    """Where the list goes on behind a mark, or ends before it, also when its row has gone."""
    low, high = 0, len(rows)
    try:
        while low < high:
            middle = (low + high) // 2
            row = rows[middle]
            is_behind = row > mark if not reverse else row < mark
            if is_behind or (row == mark and not is_after):
                high = middle
            else:
                low = middle + 1
    except TypeError as err:  # a cursor of a list with another sort
        raise _bad_cursor(cursor(mark)) from err
    return low
