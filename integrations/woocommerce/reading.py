"""Reading lists from WooCommerce: the walk along changes, windows of creation time, by ids, by
number.

Traps (docs/integrations/WOOCOMMERCE_INTEGRATION_GUIDE.md, sources there): filters are in the site's
zone unless ``dates_are_gmt``; ``modified_after`` and ``after`` leave their own second out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.base import Filters, Page, ReadBy, Record
from integrations.kit.pagination import Fetched, keyset
from integrations.woocommerce.records import Batch, Item, Source, batch, to_page
from integrations.woocommerce.values import as_gmt

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
MOST = 100
_SECOND = timedelta(seconds=1)


def read(source: Source[Record], filters: Filters) -> Iterator[Page[Record]]:
    """Pages for any filters. Raises any PlatformError."""
    if filters.ids:
        yield from _by_ids(source, filters.ids)
    elif filters.number:
        yield from _by_number(source, filters.number)
    elif filters.by is ReadBy.PLACED:
        yield from _by_window(source, filters)
    else:
        yield from _by_change(source, filters)


def in_turn(
    first: Source[Record], second: Source[Record], filters: Filters, name: str
) -> Iterator[Page[Record]]:
    """Two lists as one read: what the first leaves out stands in the second, whose place is kept
    under ``name``.
    """
    place = filters.position or {}
    if name not in place:
        for page in read(first, filters):
            yield replace(page, last=False)
    inner = replace(filters, position=place.get(name))
    for page in read(second, inner):
        yield replace(page, position={name: dict(page.position)}, total=None)


def ids(source: Source[Any], filters: Filters) -> Iterator[str]:
    """Ids of everything created in the window; nothing else is fetched."""
    lean = replace(source, extra={**source.extra, "_fields": "id"})
    for found, _ in _windowed(lean, filters):
        yield from (item.external_id for item in found.items)


# --- The four ways to read a list ---


def _by_change(source: Source[Record], filters: Filters) -> Iterator[Page[Record]]:
    size = filters.page_size or MOST
    began: datetime | None = None

    def fetch(since: datetime, until: datetime | None, page: int) -> Fetched[Item]:
        nonlocal began
        params = {
            "modified_after": as_gmt(since - _SECOND),
            "dates_are_gmt": "true",
            "orderby": "modified",
            "order": "asc",
            "per_page": size,
            "page": page,
        }
        if until:
            params["modified_before"] = as_gmt(until)
        found = batch(source, params)
        began = began or found.store_time
        return Fetched(_in_time(found.items, since), found.total)

    steps = keyset(
        fetch,
        since=filters.since or EPOCH,
        until=filters.until,
        page_size=size,
        identify=lambda item: (item.external_id, item.changed_at or EPOCH),
        position=filters.position,
    )
    for step in steps:
        yield to_page(
            source,
            step.items,
            position=step.position,
            total=step.total,
            last=step.last,
            store_time=began,
            gap=step.gap,
            known=filters.known,
        )


def _in_time(items: Sequence[Item], since: datetime) -> list[Item]:
    """A record that does not show its time stands where the store put it: beside the one before."""
    found, latest = [], since
    for item in items:
        latest = item.changed_at or latest
        found.append(item if item.changed_at else replace(item, changed_at=latest))
    return found


def _by_window(source: Source[Record], filters: Filters) -> Iterator[Page[Record]]:
    for found, offset in _windowed(source, filters):
        yield to_page(
            source,
            found.items,
            position={"offset": offset, "total": found.total},
            total=found.total,
            last=found.last,
            store_time=found.store_time,
            known=filters.known,
        )


def _windowed(source: Source[Any], filters: Filters) -> Iterator[tuple[Batch, int]]:
    """What was created in the window, by id, with the place after it. Places only move when a
    record before them is deleted for good, which the store's count tells.
    """
    size = filters.page_size or MOST
    params: dict[str, Any] = {
        "dates_are_gmt": "true",
        "orderby": "id",
        "order": "asc",
        "per_page": size,
    }
    if filters.since:
        params["after"] = as_gmt(filters.since - _SECOND)
    if filters.until:
        params["before"] = as_gmt(filters.until)
    place = filters.position or {}
    offset, total = int(place.get("offset", 0)), place.get("total")
    while True:
        found = batch(source, {**params, "offset": offset})
        deleted = total - found.total if total is not None and found.total is not None else 0
        total = found.total
        if deleted > 0 and offset > 0:
            offset = max(0, offset - deleted)
            continue
        offset += found.listed
        last = found.listed < size or (total is not None and offset >= total)
        yield replace(found, last=last), offset
        if last:
            return


def _by_ids(source: Source[Record], wanted: Sequence[str]) -> Iterator[Page[Record]]:
    """Those of these ids that exist. What cannot be an id is left out: WordPress would refuse the
    whole question, and an empty one lists everything.
    """
    numbers = [number for number in wanted if _is_id(number)]
    for start in range(0, len(numbers), MOST):
        part = numbers[start : start + MOST]
        found = batch(source, {"include": ",".join(part), "per_page": MOST, "orderby": "id"})
        is_last = start + MOST >= len(numbers)
        yield to_page(source, found.items, total=found.total, last=is_last)
    if not numbers:
        yield Page(records=(), last=True)


def _by_number(source: Source[Record], number: str) -> Iterator[Page[Record]]:
    """The number a buyer sees. It is the id, unless a numbering plugin changes it; then searching
    may find it.
    """
    questions: list[dict[str, Any]] = [{"search": number}]
    if _is_id(number):
        questions.insert(0, {"include": number})
    for question in questions:
        items = batch(source, {**question, "per_page": MOST}).items
        found = [r for r in source.to_records(items).records if getattr(r, "number", "") == number]
        if found:
            yield Page(records=tuple(found), last=True)
            return


def _is_id(word: str) -> bool:
    return word.isascii() and word.isdigit()
