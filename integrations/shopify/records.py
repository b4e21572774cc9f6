"""One page of a list as raw nodes, each decoded on its own, so that one that cannot be read costs
only itself.

Shopify answers a page with nothing but an error when it stumbles over one node of it. Such a page
is asked for again by ids, in halves, until the bad node stands alone.
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
from integrations.errors import ContractBroken, NotFound, Unavailable
from integrations.shopify import refusals, shapes
from integrations.shopify.client import MOST, Reply, ShopifyClient
from integrations.shopify.values import gid, moment

NULL = b"null"
PAGE = 50
# The list of ids may be asked for what the list itself is asked for: it is cheaper.
_NUMBER = re.compile(rb'"legacyResourceId"\s*:\s*"(\d{1,20})"')
_TOO_LARGE = "too_large"
# More nodes that it stumbles over are no bad nodes but a platform in trouble.
_MOST_STUMBLES = 3

Variables = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Item:
    """One raw node and what can be known of it without mapping it. ``trouble`` stands in for a
    ``raw`` that could not be had.
    """

    external_id: str
    raw: bytes
    created_at: datetime | None = None
    updated_at: datetime | None = None
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Source(Generic[Record]):
    """A list of the store: its operations, and how a node becomes a record. ``variables`` go with
    ``pages`` and ``by_ids``; ``ids`` takes none but the question. ``term`` is part of every search.
    ``page`` is how many nodes are asked for at a time.
    """

    client: ShopifyClient
    kind: str
    root: str
    pages: str
    ids: str
    by_ids: str
    variables: Variables
    to_record: Callable[[bytes], Record]
    term: str = ""
    page: int = PAGE


@dataclass(frozen=True, slots=True)
class Batch:
    """One page as it came. ``rest`` is the cursor after it, None at the end."""

    items: list[Item]
    rest: str | None
    store_time: datetime | None


@dataclass(frozen=True, slots=True)
class Question:
    """What a list is asked: a search term and an order; ``after`` is a cursor within it."""

    query: str
    sort_key: str
    after: str | None = None

    @property
    def variables(self) -> dict[str, Any]:
        return {"query": self.query, "sortKey": self.sort_key, "after": self.after}


def batch(source: Source[Any], question: Question, wanted: int) -> Batch:
    """At most ``wanted`` nodes. Raises any PlatformError."""
    asked = {**source.variables, **question.variables}
    try:
        reply, _ = source.client.page(source.pages, asked, wanted)
        return _batch(source, reply)
    except (Unavailable, ContractBroken) as err:
        if err.code not in (refusals.INTERNAL, _TOO_LARGE):
            raise
    return _one_by_one(source, question, wanted)


def lean_batch(source: Source[Any], question: Question, wanted: int) -> Batch:
    """The same list with nothing but ids and times."""
    reply, _ = source.client.page(source.ids, question.variables, wanted)
    return _batch(source, reply)


def by_ids(source: Source[Any], numbers: Sequence[str]) -> list[Item]:
    """Those of these ids that exist. What cannot be an id is in no store."""
    wanted = [gid(source.kind, n) for n in numbers if n.isascii() and n.isdigit() and len(n) <= 20]
    found: list[Item] = []
    for _, reply in source.client.by_ids(source.by_ids, wanted, source.variables):
        found += _nodes(reply)
    return found


def halved(source: Source[Any], numbers: Sequence[str]) -> dict[str, Item]:
    """Likewise, by their ids; where the store stumbles over one of them, that one has a trouble."""
    found: dict[str, Item] = {}
    if numbers and not _is_had(source, numbers, found):
        _halve(source, numbers, found)
    return found


def to_page(
    source: Source[Record],
    items: Sequence[Item],
    *,
    position: Variables | None = None,
    last: bool = False,
    store_time: datetime | None = None,
    gap: str = "",
    known: Known | None = None,
) -> Page[Record]:
    """What is ``known`` is left unmapped: that is most of what a store lists."""
    stored = known({x.external_id: x.raw for x in items if x.raw}) if known else ()
    records: list[Record] = []
    bad: list[Unreadable] = []
    for item in items:
        if item.external_id in stored:
            continue
        try:
            records.append(source.to_record(_readable(item)))
        except (ContractBroken, NotFound) as err:
            bad.append(_unreadable(item, err))
    return Page(
        records=tuple(records),
        unreadable=tuple(bad),
        known=tuple(x.external_id for x in items if x.external_id in stored),
        position=position or {},
        store_time=store_time,
        last=last,
        gap=gap,
    )


def item_of(raw: bytes) -> Item:
    try:
        told = shapes.decode(raw, shapes.Dated)
        return Item(
            told.legacy_resource_id,
            raw,
            moment(told.created_at or told.issued_at, "$.createdAt"),
            moment(told.updated_at, "$.updatedAt"),
        )
    except ContractBroken:
        return Item(_id_of(raw), raw)


def _readable(item: Item) -> bytes:
    if item.trouble:
        raise ContractBroken(item.trouble, code=refusals.INTERNAL)
    return item.raw


def _unreadable(item: Item, err: ContractBroken | NotFound) -> Unreadable:
    return Unreadable(
        external_id=item.external_id,
        reason=str(err),
        code=err.code,
        path=getattr(err, "path", "$"),
        changed_at=item.updated_at,
        raw=item.raw,
    )


def as_batch(
    source: Source[Any], found: shapes.Connection[msgspec.Raw], store_time: datetime | None
) -> Batch:
    if found.page_info is None:
        raise ContractBroken("A list lacks its page info.", path=f"$.data.{source.root}.pageInfo")
    return Batch([item_of(bytes(raw)) for raw in found.nodes], found.rest, store_time)


def _batch(source: Source[Any], reply: Reply) -> Batch:
    found = reply.at(source.root, shapes.Connection[msgspec.Raw])
    return as_batch(source, found, reply.store_time)


def _nodes(reply: Reply) -> list[Item]:
    found = (bytes(raw) for raw in reply.at("nodes", list[msgspec.Raw]))
    return [item_of(raw) for raw in found if raw != NULL]


def _one_by_one(source: Source[Any], question: Question, wanted: int) -> Batch:
    listed = lean_batch(source, question, min(wanted, MOST))
    numbers = [item.external_id for item in listed.items if item.external_id.isdigit()]
    found: dict[str, Item] = {}
    _halve(source, numbers, found)
    lost = "The record was gone when it was asked for by its id."
    items = [found.get(x.external_id) or replace(x, raw=b"", trouble=lost) for x in listed.items]
    timed = [
        replace(x, created_at=y.created_at, updated_at=y.updated_at) if x.updated_at is None else x
        for x, y in zip(items, listed.items, strict=True)
    ]
    return Batch(timed, listed.rest, listed.store_time)


def _halve(source: Source[Any], wanted: Sequence[str], found: dict[str, Item]) -> None:
    """Put into ``found`` what can be had of ``wanted``. Both halves are asked for before either is
    cut again: the one that can be had shows the breaker that the store is well.
    """
    middle = len(wanted) // 2
    halves = [half for half in (wanted[:middle], wanted[middle:]) if half]
    for half in [half for half in halves if not _is_had(source, half, found)]:
        _halve(source, half, found)


def _is_had(source: Source[Any], wanted: Sequence[str], found: dict[str, Item]) -> bool:
    """Whether nothing is left to do for ``wanted``. Raises what the store said of the last node
    when it stumbles over too many.
    """
    try:
        found.update((item.external_id, item) for item in by_ids(source, wanted))
        return True
    except (Unavailable, ContractBroken) as err:
        stumbles = sum(bool(item.trouble) for item in found.values())
        if err.code not in (refusals.INTERNAL, _TOO_LARGE) or stumbles >= _MOST_STUMBLES:
            raise
        if len(wanted) > 1:
            return False
        trouble = f"The store cannot give this record: {err.message}"
        found[wanted[0]] = Item(wanted[0], b"", trouble=trouble)
        return True


def _id_of(raw: bytes) -> str:
    """The id of a node that is otherwise unreadable. One without gets a mark of its own, so that
    two of them are not taken for one.
    """
    found = _NUMBER.search(raw)
    return found[1].decode() if found else f"unnamed-{hashlib.sha256(raw).hexdigest()[:16]}"
