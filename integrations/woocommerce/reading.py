"""Reading lists from WooCommerce: the walk along changes, windows of creation time, and pages that
do not decode.

Traps (docs/integrations/WOOCOMMERCE_INTEGRATION_GUIDE.md, sources there): filters are in the site's
zone unless ``dates_are_gmt``; ``modified_after`` and ``after`` leave their own second out; a plugin
may write a warning in front of the JSON, or break one record of a hundred.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Generic

import msgspec

from integrations.base import Filters, Page, ReadBy, Record, Unreadable
from integrations.errors import ContractBroken, Unavailable
from integrations.kit.http import Answer
from integrations.kit.pagination import Fetched, keyset
from integrations.woocommerce import shapes
from integrations.woocommerce.values import as_gmt, changed_at

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
MOST = 100
_SECOND = timedelta(seconds=1)
_DATED = "id,date_modified_gmt,date_modified,date_created_gmt,date_created"
_FIRST_ID = re.compile(rb'\s*\{\s*"id"\s*:\s*"?(\d{1,18})')
_BROKEN = "The store's record is not valid JSON. A plugin may write into its answers."

Params = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Item:
    """One raw record and what can be known of it without mapping it. ``trouble`` stands in for a
    ``raw`` that could not be had.
    """

    external_id: str
    changed_at: datetime | None
    raw: bytes
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Mapped(Generic[Record]):
    records: Sequence[Record]
    unreadable: Sequence[Unreadable] = ()


@dataclass(frozen=True, slots=True)
class Source(Generic[Record]):
    """A list of the store: how to ask for it, the parameters every question carries, and how its
    rows become records. ``timezone`` is the site's, for rows without GMT times.
    """

    ask: Callable[[Params], Answer]
    to_records: Callable[[Sequence[Item]], Mapped[Record]]
    extra: Params
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class _Batch:
    """One page as it came. ``listed`` counts the rows the store named, readable or not."""

    items: list[Item]
    listed: int
    total: int | None
    store_time: datetime | None
    last: bool = False


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


def each(to_record: Callable[[bytes], Record]) -> Callable[[Sequence[Item]], Mapped[Record]]:
    """Rows that are records one by one; those that cannot be mapped are kept with the reason."""

    def to_records(items: Sequence[Item]) -> Mapped[Record]:
        records: list[Record] = []
        bad: list[Unreadable] = []
        for item in items:
            try:
                records.append(to_record(readable(item)))
            except ContractBroken as err:
                bad.append(unreadable(item, err))
        return Mapped(records, bad)

    return to_records


def readable(item: Item) -> bytes:
    """The raw record. Raises ContractBroken for one that could not be had."""
    if item.trouble:
        raise ContractBroken(item.trouble, code="not_json")
    return item.raw


def unreadable(item: Item, err: ContractBroken) -> Unreadable:
    return Unreadable(
        external_id=item.external_id,
        reason=str(err),
        code=err.code,
        path=err.path,
        changed_at=item.changed_at,
        raw=item.raw,
    )


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
        batch = _batch(source, params)
        began = began or batch.store_time
        return Fetched(_in_time(batch.items, since), batch.total)

    steps = keyset(
        fetch,
        since=filters.since or EPOCH,
        until=filters.until,
        page_size=size,
        identify=lambda item: (item.external_id, item.changed_at or EPOCH),
        position=filters.position,
    )
    for step in steps:
        yield _page(
            source,
            step.items,
            position=step.position,
            total=step.total,
            last=step.last,
            store_time=began,
            gap=step.gap,
        )


def _in_time(items: Sequence[Item], since: datetime) -> list[Item]:
    """A record that does not show its time stands where the store put it: beside the one before."""
    found, latest = [], since
    for item in items:
        latest = item.changed_at or latest
        found.append(item if item.changed_at else replace(item, changed_at=latest))
    return found


def ids(source: Source[Any], filters: Filters) -> Iterator[str]:
    """Ids of everything created in the window; nothing else is fetched."""
    lean = replace(source, extra={**source.extra, "_fields": "id"})
    for batch, _ in _windowed(lean, filters):
        yield from (item.external_id for item in batch.items)


def _by_window(source: Source[Record], filters: Filters) -> Iterator[Page[Record]]:
    for batch, offset in _windowed(source, filters):
        yield _page(
            source,
            batch.items,
            position={"offset": offset, "total": batch.total},
            total=batch.total,
            last=batch.last,
            store_time=batch.store_time,
        )


def _windowed(source: Source[Any], filters: Filters) -> Iterator[tuple[_Batch, int]]:
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
        batch = _batch(source, {**params, "offset": offset})
        deleted = total - batch.total if total is not None and batch.total is not None else 0
        total = batch.total
        if deleted > 0 and offset > 0:
            offset = max(0, offset - deleted)
            continue
        offset += batch.listed
        last = batch.listed < size or (total is not None and offset >= total)
        yield replace(batch, last=last), offset
        if last:
            return


def _by_ids(source: Source[Record], wanted: Sequence[str]) -> Iterator[Page[Record]]:
    for start in range(0, len(wanted), MOST):
        part = wanted[start : start + MOST]
        batch = _batch(source, {"include": ",".join(part), "per_page": MOST, "orderby": "id"})
        yield _page(source, batch.items, total=batch.total, last=start + MOST >= len(wanted))


def _by_number(source: Source[Record], number: str) -> Iterator[Page[Record]]:
    """The number a buyer sees. It is the id, unless a numbering plugin changes it; then searching
    may find it.
    """
    questions: list[dict[str, Any]] = [{"search": number}]
    if number.isascii() and number.isdigit():
        questions.insert(0, {"include": number})
    for question in questions:
        items = _batch(source, {**question, "per_page": MOST}).items
        found = [r for r in source.to_records(items).records if getattr(r, "number", "") == number]
        if found:
            yield Page(records=tuple(found), last=True)
            return


# --- One page ---


def _page(
    source: Source[Record],
    items: Sequence[Item],
    *,
    position: Params | None = None,
    total: int | None = None,
    last: bool = False,
    store_time: datetime | None = None,
    gap: str = "",
) -> Page[Record]:
    mapped = source.to_records(items)
    return Page(
        records=tuple(mapped.records),
        unreadable=tuple(mapped.unreadable),
        position=position or {},
        total=total,
        store_time=store_time,
        last=last,
        gap=gap,
    )


def _batch(source: Source[Any], params: Params) -> _Batch:
    """One page as raw records. One that is no JSON is read record by record, so that only the bad
    one is set aside.
    """
    answer = source.ask({**source.extra, **params})
    rows = _rows(answer)
    if rows is not None:
        items = [_item(row, source.timezone) for row in rows]
    else:
        items = _one_by_one(source, params)
    total = answer.headers.get("X-WP-Total", "")
    return _Batch(items, len(items), int(total) if total.isdigit() else None, answer.date)


def _rows(answer: Answer) -> list[bytes] | None:
    """The records of a page, None when the page as a whole cannot be decoded. Raises Unavailable
    for a web page.
    """
    if answer.is_html:
        raise Unavailable(
            "The store answered with a web page instead of data: maintenance, a firewall or a "
            "plugin's error page. It is asked again later.",
            code="html_answer",
        )
    # A warning printed by PHP comes before the first record; the list itself is whole.
    for begin in (0, answer.body.find(b'[{"')):
        if begin >= 0:
            try:
                rows = msgspec.json.decode(answer.body[begin:], type=list[msgspec.Raw])
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                continue
            return [bytes(row) for row in rows]
    return None


def _one_by_one(source: Source[Any], params: Params) -> list[Item]:
    """The same page by its ids: those alone leave out what breaks a record, and do not move while
    the records are asked for in halves.
    """
    rows = _rows(source.ask({**source.extra, **params, "_fields": _DATED}))
    if rows is None:
        raise ContractBroken(_BROKEN, code="not_json")
    named = [_item(row, source.timezone) for row in rows]
    found: dict[str, Item] = {}
    _halve(source, [item.external_id for item in named], found)
    lost = "The record was gone when it was asked for by its id."
    return [found.get(item.external_id) or replace(item, raw=b"", trouble=lost) for item in named]


def _halve(source: Source[Any], wanted: Sequence[str], found: dict[str, Item]) -> None:
    if not wanted:
        return
    answer = source.ask({**source.extra, "include": ",".join(wanted), "per_page": len(wanted)})
    rows = _rows(answer)
    if rows is not None:
        items = (_item(row, source.timezone) for row in rows)
        found.update((item.external_id, item) for item in items)
    elif len(wanted) == 1:
        found[wanted[0]] = Item(wanted[0], None, b"", trouble=_BROKEN)
    else:
        middle = len(wanted) // 2
        _halve(source, wanted[:middle], found)
        _halve(source, wanted[middle:], found)


def _item(raw: bytes, timezone: str) -> Item:
    try:
        known = shapes.decode(raw, shapes.Dated)
        return Item(str(known.id), changed_at(known, timezone), raw)
    except ContractBroken:
        return Item(_id_of(raw), None, raw)


def _id_of(raw: bytes) -> str:
    """The id of a record that is otherwise unreadable. One without gets a mark of its own, so that
    two of them are not taken for one.
    """
    found = _FIRST_ID.match(raw)
    return found[1].decode() if found else f"unnamed-{hashlib.sha256(raw).hexdigest()[:16]}"
