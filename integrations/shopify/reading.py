"""Reading lists from Shopify: the walk along a time, by ids, by number.

Lists are sorted by the time they are filtered by, so a cursor names a place in time: what is edited
meanwhile moves to the end and is met again there. A cursor lives within one walk; a walk that is
taken up again begins at the last second it saw. One list ends after 25,000 nodes; then it is asked
for anew, from the last second on. Source: https://shopify.dev/docs/api/usage/limits
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.base import Filters, Page, ReadBy, Record
from integrations.errors import ContractBroken
from integrations.shopify import records
from integrations.shopify.records import Batch, Item, Question, Source
from integrations.shopify.values import as_term, quoted

MOST_LISTED = 25_000
SECOND = timedelta(seconds=1)
Ask = Callable[[Source[Any], Question, int], Batch]


@dataclass(frozen=True, slots=True)
class Way:
    """A time that lists are walked along, in the words of the search and of the sort key."""

    term: str
    sort_key: str
    time_of: Callable[[Item], datetime | None]
    overlap: timedelta


# The index may lag behind the second it shows, so changes are looked for from a second before.
CHANGED = Way("updated_at", "UPDATED_AT", lambda item: item.updated_at, SECOND)
PLACED = Way("created_at", "CREATED_AT", lambda item: item.created_at, timedelta(0))


def read(
    source: Source[Record], filters: Filters, *, way: Way | None = None, ask: Ask = records.batch
) -> Iterator[Page[Record]]:
    """Pages for any filters. ``way``: the one time the list is walked along, whatever the filters
    say. Raises any PlatformError.
    """
    if filters.ids:
        yield from _by_ids(source, filters.ids)
    elif filters.number:
        yield _by_number(source, filters.number)
    else:
        for step in Walk(source, filters, way or way_of(filters), ask).steps():
            yield records.to_page(
                source,
                step.items,
                position=step.position,
                last=step.last,
                store_time=step.store_time,
                gap=step.gap,
                known=filters.known,
            )


def way_of(filters: Filters) -> Way:
    return CHANGED if filters.by is ReadBy.CHANGED else PLACED


def term(source: Source[Any], way: Way, since: datetime | None, until: datetime | None) -> str:
    """The search for what of a list has its time in a window."""
    terms = [source.term] if source.term else []
    if since:
        terms.append(f"{way.term}:>={as_term(since)}")
    if until:
        terms.append(f"{way.term}:<{as_term(until)}")
    return " ".join(terms)


def ids(source: Source[Any], filters: Filters) -> Iterator[str]:
    """Ids of everything created in the window; nothing else is fetched."""
    window = replace(filters, by=ReadBy.PLACED, position=None, page_size=records.MOST)
    for step in Walk(source, window, PLACED, records.lean_batch).steps():
        yield from (item.external_id for item in step.items)


@dataclass(frozen=True, slots=True)
class Step:
    """What one page brought that was new. ``position`` resumes after it."""

    items: Sequence[Item]
    position: dict[str, Any]
    last: bool
    store_time: datetime | None
    gap: str = ""


@dataclass(slots=True)
class Walk:
    """``second`` is the newest seen so far and ``seen`` the ids met in it: together the
    position.
    """

    source: Source[Any]
    filters: Filters
    way: Way
    ask: Ask
    most_listed: int = MOST_LISTED
    second: datetime | None = None
    seen: set[str] = field(default_factory=set)
    began: datetime | None = None
    reached: datetime | None = None

    def steps(self) -> Iterator[Step]:
        place = self.filters.position or {}
        if place.get("second"):
            self.second = datetime.fromisoformat(str(place["second"])).astimezone(UTC)
            self.seen = {str(mark) for mark in place.get("seen", ())}
        # Searches know whole seconds.
        since = self.filters.since.replace(microsecond=0) if self.filters.since else None
        start = self.second or (since - self.way.overlap if since else None)
        while True:
            yield from self._list(start)
            if self.reached is None:
                return
            start = self.reached

    def _list(self, start: datetime | None) -> Iterator[Step]:
        """One list to its end, or to the most it gives; ``reached`` then says where the next
        begins.
        """
        self.reached = None
        query = term(self.source, self.way, start, self.filters.until)
        question = Question(query, self.way.sort_key)
        listed = 0
        while True:
            wanted = min(self.filters.page_size or self.source.page, self.most_listed - listed)
            found = self.ask(self.source, question, wanted)
            self._check(found, start)
            self.began = self.began or found.store_time
            listed += len(found.items)
            fresh = self._remember(found.items)
            is_cut = found.rest is not None and listed >= self.most_listed
            gap = ""
            if is_cut:
                self.reached, gap = self._next_start(start)
            yield self._step(fresh, last=found.rest is None, gap=gap)
            if found.rest is None or is_cut:
                return
            question = replace(question, after=found.rest)

    def _check(self, found: Batch, start: datetime | None) -> None:
        """A filter whose name is not known is ignored without a word. Raises ContractBroken."""
        times = [time for item in found.items if (time := self.way.time_of(item))]
        if start and times and found.rest and max(times) < start:
            raise ContractBroken(
                "The store lists records from before the time that was asked for.",
                code="filter_ignored",
            )

    def _remember(self, items: Sequence[Item]) -> list[Item]:
        """What of ``items`` is new. A node that does not show its time stands where the store put
        it: beside the one before.
        """
        fresh = []
        for item in items:
            when = self.way.time_of(item) or self.second
            second = when.replace(microsecond=0) if when else None
            if second == self.second and item.external_id in self.seen:
                continue
            fresh.append(item)
            if second and (self.second is None or second > self.second):
                self.second, self.seen = second, set()
            if second == self.second:
                self.seen.add(item.external_id)
        return fresh

    def _next_start(self, start: datetime | None) -> tuple[datetime, str]:
        """Where the next list begins, and in words what had to be left out."""
        assert self.second is not None  # noqa: S101 - a list that is cut has shown nodes
        if start is None or self.second > start:
            return self.second, ""
        return start + SECOND, (
            f"More records than one list gives share the second {self.second.isoformat()}."
        )

    def _step(self, items: Sequence[Item], *, last: bool, gap: str) -> Step:
        position: dict[str, Any] = {}
        if self.second:
            position = {"second": self.second.isoformat(), "seen": sorted(self.seen)}
        return Step(items, position, last, self.began, gap)


def _by_ids(source: Source[Record], wanted: Sequence[str]) -> Iterator[Page[Record]]:
    for start in range(0, len(wanted), source.page):
        part = wanted[start : start + source.page]
        last = start + source.page >= len(wanted)
        yield records.to_page(source, records.by_ids(source, part), last=last)


def _by_number(source: Source[Record], number: str) -> Page[Record]:
    """The number a buyer sees, with or without the sign before it. The search looks for words, so
    what it finds is looked at.
    """
    question = Question(f"name:{quoted(number)}", "ID")
    found = records.batch(source, question, records.PAGE)
    page = records.to_page(source, found.items, last=True)
    bare = number.lstrip("#")
    same = [r for r in page.records if getattr(r, "number", "").lstrip("#") == bare]
    return replace(page, records=tuple(same), unreadable=())
