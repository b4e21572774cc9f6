"""One page of a list as raw records, each decoded on its own, so that one that cannot be read costs
only itself.

A plugin may break one record of a hundred, and with it the JSON of the page; PHP may stop at one
(or run out of memory over a hundred long ones); a page may be larger than is taken. Such a page is
asked for again by ids, in halves, until the bad record stands alone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic

import msgspec

from integrations.base import Known, Page, Record, Unreadable
from integrations.errors import ContractBroken, PlatformError, Unavailable
from integrations.kit.http import Answer
from integrations.woocommerce import shapes
from integrations.woocommerce.values import changed_at

_DATED = "id,date_modified_gmt,date_modified,date_created_gmt,date_created"
_FIRST_ID = re.compile(rb'\s*\{\s*"id"\s*:\s*"?(\d{1,18})')
_BROKEN = "The store's record is not valid JSON. A plugin may write into its answers."
_TOO_LARGE = "too_large"
# More records that PHP stops at are no bad records but a store in trouble.
_MOST_STOPS = 3

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
class Batch:
    """One page as it came. ``listed`` counts the rows the store named, readable or not."""

    items: list[Item]
    listed: int
    total: int | None
    store_time: datetime | None
    last: bool = False


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


def to_page(
    source: Source[Record],
    items: Sequence[Item],
    *,
    position: Params | None = None,
    total: int | None = None,
    last: bool = False,
    store_time: datetime | None = None,
    gap: str = "",
    known: Known | None = None,
) -> Page[Record]:
    """What is ``known`` is left unmapped: that is most of what a store lists."""
    stored = known({item.external_id: item.raw for item in items if item.raw}) if known else ()
    mapped = source.to_records([x for x in items if x.external_id not in stored])
    return Page(
        records=tuple(mapped.records),
        unreadable=tuple(mapped.unreadable),
        known=tuple(x.external_id for x in items if x.external_id in stored),
        position=position or {},
        total=total,
        store_time=store_time,
        last=last,
        gap=gap,
    )


def batch(source: Source[Any], params: Params) -> Batch:
    """One page as raw records. One that cannot be had whole is read record by record, so that only
    the bad one is set aside. Raises any PlatformError.
    """
    try:
        answer = source.ask({**source.extra, **params})
        rows = _rows(answer)
    except (Unavailable, ContractBroken) as err:
        if not _is_pages_fault(err):
            raise
        rows = None
    if rows is None:
        return _one_by_one(source, params)
    return _batch(answer, [_item(row, source.timezone) for row in rows])


def _is_pages_fault(err: PlatformError) -> bool:
    """Whether less of the same may succeed. 502 to 504 come from what stands before the store."""
    return err.status == 500 or err.code == _TOO_LARGE


def _batch(answer: Answer, items: list[Item]) -> Batch:
    total = answer.headers.get("X-WP-Total", "")
    return Batch(items, len(items), int(total) if total.isdecimal() else None, answer.date)


def _rows(answer: Answer) -> list[bytes] | None:
    """The records of a page, None when the page as a whole cannot be decoded."""
    try:
        rows = msgspec.json.decode(answer.body, type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return [bytes(row) for row in rows]


def _one_by_one(source: Source[Any], params: Params) -> Batch:
    """The same page by its ids: those alone leave out what breaks a record, and do not move while
    the records are asked for in halves.
    """
    answer = source.ask({**source.extra, **params, "_fields": _DATED})
    rows = _rows(answer)
    if rows is None:
        raise ContractBroken(_BROKEN, code="not_json")
    named = [_item(row, source.timezone) for row in rows]
    found: dict[str, Item] = {}
    _halve(source, [item.external_id for item in named if item.external_id.isdecimal()], found)
    lost = "The record was gone when it was asked for by its id."
    items = [_known_by(item, found.get(item.external_id), lost) for item in named]
    return _batch(answer, items)


def _known_by(named: Item, found: Item | None, lost: str) -> Item:
    """What was found, at the time by which the store listed it: the broken ones show none."""
    if found is None:
        return replace(named, raw=b"", trouble=lost)
    return found if found.changed_at else replace(found, changed_at=named.changed_at)


def _halve(source: Source[Any], wanted: Sequence[str], found: dict[str, Item]) -> None:
    """Put into ``found`` what can be had of ``wanted``. Both halves are asked for before either is
    cut again: the one that can be had shows the breaker that the store is well.
    """
    middle = len(wanted) // 2
    halves = [half for half in (wanted[:middle], wanted[middle:]) if half]
    for half in [half for half in halves if not _is_had(source, half, found)]:
        _halve(source, half, found)


def _is_had(source: Source[Any], wanted: Sequence[str], found: dict[str, Item]) -> bool:
    """Whether nothing is left to do for ``wanted``. Raises what the store said of the last record
    when it stops at too many.
    """
    rows, trouble = None, _BROKEN
    try:
        asked = {**source.extra, "include": ",".join(wanted), "per_page": len(wanted)}
        rows = _rows(source.ask(asked))
    except (Unavailable, ContractBroken) as err:
        stops = sum(bool(item.trouble) for item in found.values())
        if not _is_pages_fault(err) or stops >= _MOST_STOPS:
            raise
        trouble = f"The store cannot give this record: {err.message}"
    if rows is not None:
        items = (_item(row, source.timezone) for row in rows)
        found.update((item.external_id, item) for item in items)
    elif len(wanted) == 1:
        found[wanted[0]] = Item(wanted[0], None, b"", trouble=trouble)
    else:
        return False
    return True


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
