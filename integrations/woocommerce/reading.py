"""Reading lists from WooCommerce: the incremental walk, windows of creation time, and pages that do
not decode.

Traps (docs/integrations/WOOCOMMERCE_INTEGRATION_GUIDE.md, sources there): filters are in the site's
zone unless ``dates_are_gmt``; ``modified_after`` leaves its own second out; stores before 5.8
ignore it without a word.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from integrations.base import Filters, Page, ReadBy, Record, Unreadable
from integrations.errors import ContractBroken, Unavailable
from integrations.kit.http import Answer
from integrations.kit.pagination import Fetched, keyset
from integrations.woocommerce.shapes import Identified
from integrations.woocommerce.values import as_gmt, gmt

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_PAGE = 100

Ask = Callable[[Mapping[str, Any]], Answer]
Map = Callable[[bytes], Record]


@dataclass(frozen=True, slots=True)
class Item:
    """One raw record and what can be known of it without mapping it."""

    external_id: str
    changed_at: datetime
    raw: bytes
    trouble: str = ""


@dataclass(slots=True)
class _Seen:
    """What the answers said about themselves."""

    store_time: datetime | None = None
    gap: str = ""


def read(
    ask: Ask, to_record: Map[Record], filters: Filters, *, extra: Mapping[str, Any]
) -> Iterator[Page[Record]]:
    """Pages for any filters. ``extra`` are the parameters every question carries."""
    if filters.ids:
        yield from _by_ids(ask, to_record, filters.ids, extra)
    elif filters.number:
        yield from _by_number(ask, to_record, filters.number, extra)
    elif filters.by is ReadBy.PLACED:
        yield from _by_window(ask, to_record, filters, extra)
    else:
        yield from _by_change(ask, to_record, filters, extra)


def _by_change(
    ask: Ask, to_record: Map[Record], filters: Filters, extra: Mapping[str, Any]
) -> Iterator[Page[Record]]:
    size = filters.page_size or _PAGE
    seen = _Seen()

    def fetch(since: datetime, until: datetime | None, page: int) -> Fetched[Item]:
        params = {
            **extra,
            "modified_after": as_gmt(since - _SECOND),
            "dates_are_gmt": "true",
            "orderby": "modified",
            "order": "asc",
            "per_page": size,
            "page": page,
        }
        if until:
            params["modified_before"] = as_gmt(until)
        items, total = _items(ask, params, seen)
        return Fetched([i for i in items if i.changed_at >= since], total)

    steps = keyset(
        fetch,
        since=filters.since or EPOCH,
        until=filters.until,
        page_size=size,
        identify=lambda item: (item.external_id, item.changed_at),
        position=filters.position,
    )
    for step in steps:
        yield _page(
            step.items,
            to_record,
            position=step.position,
            total=step.total,
            last=step.last,
            store_time=seen.store_time,
            gap=" ".join(filter(None, (step.gap, seen.gap))),
        )


def _by_window(
    ask: Ask, to_record: Map[Record], filters: Filters, extra: Mapping[str, Any]
) -> Iterator[Page[Record]]:
    """Records created in the window, by id. Their creation does not move, so pages hold still."""
    size = filters.page_size or _PAGE
    params = {**extra, "dates_are_gmt": "true", "orderby": "id", "order": "asc", "per_page": size}
    if filters.since:
        params["after"] = as_gmt(filters.since - _SECOND)
    if filters.until:
        params["before"] = as_gmt(filters.until)
    page = 1
    while True:
        seen = _Seen()
        items, total = _items(ask, {**params, "page": page}, seen)
        last = len(items) < size or (total is not None and page * size >= total)
        yield _page(
            items,
            to_record,
            position={},
            total=total,
            last=last,
            store_time=seen.store_time,
            gap=seen.gap,
        )
        if last:
            return
        page += 1


def _by_ids(
    ask: Ask, to_record: Map[Record], ids: Sequence[str], extra: Mapping[str, Any]
) -> Iterator[Page[Record]]:
    for start in range(0, len(ids), _PAGE):
        part = ids[start : start + _PAGE]
        params = {**extra, "include": ",".join(part), "per_page": _PAGE, "orderby": "id"}
        items, total = _items(ask, params, _Seen())
        yield _page(items, to_record, position={}, total=total, last=start + _PAGE >= len(ids))


def _by_number(
    ask: Ask, to_record: Map[Record], number: str, extra: Mapping[str, Any]
) -> Iterator[Page[Record]]:
    """The number a buyer sees. It is the id, unless a numbering plugin changes it; then searching
    may find it.
    """
    questions: list[dict[str, Any]] = [{"search": number}]
    if number.isdigit():
        questions.insert(0, {"include": number})
    for question in questions:
        items, _ = _items(ask, {**extra, **question, "per_page": _PAGE}, _Seen())
        page = _page(items, to_record, position={}, last=True)
        found = tuple(r for r in page.records if getattr(r, "number", "") == number)
        if found:
            yield Page(records=found, last=True)
            return


def _items(ask: Ask, params: Mapping[str, Any], seen: _Seen) -> tuple[list[Item], int | None]:
    """One page as raw records. A page that is no JSON is asked for in halves until the bad record
    stands alone.
    """
    answer = ask(params)
    seen.store_time = seen.store_time or answer.date
    if answer.is_html:
        raise Unavailable(
            "The store answered with a web page instead of data: maintenance, a firewall or a "
            "plugin's error page. It is asked again later.",
            code="html_answer",
        )
    total = answer.headers.get("X-WP-Total", "")
    count = int(total) if total.isdigit() else None
    rows = _rows(answer)
    if rows is not None:
        return [_item(row) for row in rows], count
    start = (int(params["page"]) - 1) * int(params["per_page"]) if "page" in params else 0
    asked = {k: v for k, v in params.items() if k != "page"}
    return _halved(ask, asked, start, int(params["per_page"]), seen), count


def _rows(answer: Answer) -> list[bytes] | None:
    """The records of a page, None when the page as a whole cannot be decoded."""
    try:
        return [bytes(r) for r in msgspec.json.decode(answer.body, type=list[msgspec.Raw])]
    except msgspec.DecodeError:
        return None


def _halved(ask: Ask, params: Mapping[str, Any], start: int, size: int, seen: _Seen) -> list[Item]:
    """The same records in smaller questions. One that cannot be decoded even alone is named by its
    id.
    """
    if size == 1:
        return [_named(ask, params, start)]
    found: list[Item] = []
    half = size // 2
    for begin, count in ((start, half), (start + half, size - half)):
        rows = _rows(ask({**params, "offset": begin, "per_page": count}))
        if rows is None:
            found += _halved(ask, params, begin, count, seen)
        else:
            found += [_item(row) for row in rows]
    return found


def _named(ask: Ask, params: Mapping[str, Any], offset: int) -> Item:
    """Who the undecodable record is: its id and time alone are asked for, which leaves out what
    breaks it.
    """
    trouble = "The store's record is not valid JSON. A plugin may write into its answers."
    answer = ask({**params, "offset": offset, "per_page": 1, "_fields": "id,date_modified_gmt"})
    rows = _rows(answer)
    if not rows:
        raise ContractBroken(trouble, code="not_json")
    return dataclasses.replace(_item(rows[0]), raw=b"", trouble=trouble)


def _item(raw: bytes) -> Item:
    try:
        known = msgspec.json.decode(raw, type=Identified, strict=False)
        changed = gmt(known.date_modified_gmt, "$.date_modified_gmt")
    except (msgspec.DecodeError, ContractBroken):
        known, changed = _loosely(raw), None
    return Item(str(known.id), changed or datetime.now(UTC), raw)


def _loosely(raw: bytes) -> Identified:
    """The id of a record that is otherwise unreadable; 0 when even that is missing."""
    found = re.match(rb'\s*\{\s*"id"\s*:\s*"?(\d{1,18})', raw)
    return Identified(id=int(found.group(1)) if found else 0)


def _page(
    items: Sequence[Item],
    to_record: Map[Record],
    *,
    position: Mapping[str, Any],
    total: int | None = None,
    last: bool = False,
    store_time: datetime | None = None,
    gap: str = "",
) -> Page[Record]:
    """Map what can be mapped; keep the rest with its reason."""
    records: list[Record] = []
    unreadable: list[Unreadable] = []
    for item in items:
        try:
            if item.trouble:
                raise ContractBroken(item.trouble, code="not_json")
            records.append(to_record(item.raw))
        except ContractBroken as err:
            unreadable.append(
                Unreadable(
                    external_id=item.external_id,
                    reason=str(err),
                    code=err.code,
                    path=err.path,
                    changed_at=item.changed_at,
                    raw=item.raw,
                )
            )
    return Page(
        records=tuple(records),
        unreadable=tuple(unreadable),
        position=position,
        total=total,
        store_time=store_time,
        last=last,
        gap=gap,
    )
