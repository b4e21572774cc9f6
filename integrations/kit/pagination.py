"""Walking lists that move while they are read, cutting the past into windows, reading one page
ahead.

Page numbers over a list ordered by change time skip records: one that is edited leaves its place
and everything behind it moves up. So the walk asks for the first page again and again, from the
last second it saw.
"""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

from integrations.errors import ContractBroken

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

SECOND = timedelta(seconds=1)
MOST_PASSES = 10
WAIT_S = 20.0


@dataclass(frozen=True, slots=True)
class Fetched(Generic[T_co]):
    """One page as it came. ``total`` is how many the platform says match the whole question, None
    if it does not.
    """

    items: Sequence[T_co]
    total: int | None = None


class Fetch(Protocol[T_co]):
    def __call__(self, since: datetime, until: datetime | None, page: int) -> Fetched[T_co]:
        """Page ``page`` (from 1) of what changed in ``since`` ≤ t < ``until`` (aware UTC), oldest
        change first.

        Both ends are whole seconds; an API with an exclusive lower end is asked from one second
        before.
        """


@dataclass(frozen=True, slots=True)
class Step(Generic[T]):
    """What one fetch brought that was new. ``position`` resumes after it; ``total`` is the first
    count the platform gave; ``gap`` says in words what could not be made sure.
    """

    items: tuple[T, ...]
    position: Mapping[str, Any]
    total: int | None = None
    last: bool = False
    gap: str = ""


def keyset(
    fetch: Fetch[T],
    *,
    since: datetime,
    page_size: int,
    identify: Callable[[T], tuple[str, datetime]],
    until: datetime | None = None,
    position: Mapping[str, Any] | None = None,
) -> Iterator[Step[T]]:
    """Walk everything that changed in ``since`` ≤ t < ``until``, oldest change first, over a list
    that moves meanwhile.

    ``identify`` gives a record's mark and its change time. The mark is what is remembered within
    one second: the id, or id and version where the platform has versions. ``position`` is one an
    earlier ``Step`` carried.

    A record edited during the walk is met again at its new time, unless that lies at or after
    ``until``: then the next walk, which begins there, meets it. What changes twice within the
    second that is being read shows the same time both times; end the walk before the store's
    present second to be sure of it. Only the marks of one second are kept in memory. Raises
    ContractBroken when the platform ignores the filter or the order.
    """
    end = _floor(until) if until else None
    return _Walk(fetch, identify, page_size, _floor(since), end, position).steps()


def windows(
    since: datetime, until: datetime, size: timedelta, *, newest_first: bool = True
) -> Iterator[tuple[datetime, datetime]]:
    """Half-open windows of at most ``size`` that cover ``since`` ≤ t < ``until`` without gap or
    overlap.

    Newest first, a store is useful after the first window; the odd-sized window then is the oldest.
    """
    if size <= timedelta(0):
        raise ValueError("A window must have a size.")
    if newest_first:
        end = until
        while end > since:
            start = max(since, end - size)
            yield start, end
            end = start
        return
    start = since
    while start < until:
        end = min(until, start + size)
        yield start, end
        start = end


def ahead(
    source: Iterable[T],
    depth: int = 1,
    *,
    at_end: Callable[[], None] | None = None,
    while_waiting: Callable[[], None] | None = None,
) -> Iterator[T]:
    """The items of ``source``, fetched by one thread up to ``depth`` ahead of the one being used.

    Errors of ``source`` are raised at the place where the item would have come. The thread sees the
    caller's context variables, closes ``source``, and calls ``at_end`` before it ends (a place to
    close its database connections). ``while_waiting`` is called by the caller's own thread every
    ``WAIT_S`` seconds that an item is late, to renew what it holds meanwhile. Leaving early waits
    for the fetch that is under way, so that nothing is closed beneath it.
    """
    reader = _Reader(iter(source), depth, at_end, while_waiting)
    try:
        yield from reader
    finally:
        reader.stop()


_Marked = tuple[str, datetime, T]


class _Walk(Generic[T]):
    """``second`` is the newest seen so far and ``seen`` the marks met in it: together the
    position.
    """

    def __init__(
        self,
        fetch: Fetch[T],
        identify: Callable[[T], tuple[str, datetime]],
        page_size: int,
        since: datetime,
        until: datetime | None,
        position: Mapping[str, Any] | None,
    ) -> None:
        self.fetch = fetch
        self.identify = identify
        self.page_size = page_size
        self.until = until
        self.second = since
        self.seen: set[str] = set()
        self.total: int | None = None
        if position and position.get("second"):
            self.second = _floor(datetime.fromisoformat(str(position["second"])))
            self.seen = {str(mark) for mark in position.get("seen", ())}

    def steps(self) -> Iterator[Step[T]]:
        ask = self.second
        while self.until is None or ask < self.until:
            page = self.fetch(ask, self.until, 1)
            self.total = page.total if self.total is None else self.total
            is_full = len(page.items) >= self.page_size
            marked = self._marked(page, ask)
            if is_full and not marked:
                raise ContractBroken(
                    "The store lists records that changed before the time that was asked for.",
                    code="filter_ignored",
                )
            fresh = self._remember(marked)
            if not is_full:
                yield self._step(fresh, last=True)
                return
            if fresh:
                yield self._step(fresh)
            ask = self.second
            if marked[0][1] == marked[-1][1]:
                yield from self._inside()
                ask = self.second + SECOND
        yield self._step((), last=True)

    def _inside(self) -> Iterator[Step[T]]:
        """Read a second that fills whole pages, by page numbers, until a pass was undisturbed.

        Nothing enters a second that is over; what is edited leaves it and moves the rest up. So a
        pass during which the count stayed the same, and which met that many records, has met them
        all. Without a count, two passes that met the same records have to do.
        """
        sure: set[str] = set()
        before: tuple[int | None, set[str]] | None = None
        for _ in range(MOST_PASSES):
            met, counts = yield from self._pass()
            if None in counts:
                if before == (None, met):
                    return
                before = None, met
                continue
            count = counts.pop() if len(counts) == 1 else None
            # Nobody left while the count stayed, so what the passes before met is still there.
            sure = sure | met if count is not None and before and before[0] == count else met
            if len(sure) == count:
                return
            if count is not None and before == (count, met):
                # The platform gives out no more of them than these.
                break
            before = count if count is not None else -1, met
        yield self._step(
            (),
            gap="More records changed in the second "
            f"{self.second.isoformat()} than could be read for sure.",
        )

    def _pass(self) -> Generator[Step[T], None, tuple[set[str], set[int | None]]]:
        """All pages of the second once: the marks met, the counts the platform gave meanwhile."""
        met: set[str] = set()
        counts: set[int | None] = set()
        number = 0
        while True:
            number += 1
            page = self.fetch(self.second, self.second + SECOND, number)
            inside = [entry for entry in self._marked(page, self.second) if entry[1] == self.second]
            # A store that ignores the upper end counts more than this second.
            counts.add(page.total if len(inside) == len(page.items) else None)
            known = len(met)
            met.update(mark for mark, _, _ in inside)
            if fresh := self._remember(inside):
                yield self._step(fresh)
            is_end = len(page.items) < self.page_size or len(inside) < len(page.items)
            if is_end or len(met) == known:
                return met, counts

    def _marked(self, page: Fetched[T], since: datetime) -> list[_Marked[T]]:
        """The page's records since ``since`` with mark and second. Raises when out of order."""
        marked: list[_Marked[T]] = []
        for item in page.items:
            mark, changed = self.identify(item)
            second = _floor(changed)
            if second < since:
                continue
            if marked and second < marked[-1][1]:
                raise ContractBroken(
                    "The store lists changed records in another order than was asked for.",
                    code="order_ignored",
                )
            marked.append((mark, second, item))
        return marked

    def _remember(self, marked: Sequence[_Marked[T]]) -> tuple[T, ...]:
        """What of ``marked`` is new. Moves the position to the newest second among it."""
        fresh = tuple(
            item for mark, second, item in marked if second != self.second or mark not in self.seen
        )
        if marked and marked[-1][1] > self.second:
            self.second = marked[-1][1]
            self.seen = set()
        self.seen.update(mark for mark, second, _ in marked if second == self.second)
        return fresh

    def _step(self, items: tuple[T, ...], *, last: bool = False, gap: str = "") -> Step[T]:
        position = {"second": self.second.isoformat(), "seen": sorted(self.seen)}
        return Step(items, position, self.total, last, gap)


class _Reader(Generic[T]):
    """The thread behind ``ahead``. A token is the right to fetch one item; taking an item gives a
    token back.
    """

    def __init__(
        self,
        source: Iterator[T],
        depth: int,
        at_end: Callable[[], None] | None,
        while_waiting: Callable[[], None] | None,
    ) -> None:
        self._source = source
        self._at_end = at_end
        self._while_waiting = while_waiting
        self._tokens = threading.Semaphore(max(1, depth))
        self._items: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._is_stopped = threading.Event()
        context = contextvars.copy_context()
        self._thread = threading.Thread(
            target=context.run, args=(self._read,), name="read-ahead", daemon=True
        )
        self._thread.start()

    def __iter__(self) -> Iterator[T]:
        while True:
            kind, value = self._next()
            if kind == "end":
                return
            if kind == "error":
                raise value
            self._tokens.release()
            yield value

    def _next(self) -> tuple[str, Any]:
        if self._while_waiting is None:
            return self._items.get()
        while True:
            try:
                return self._items.get(timeout=WAIT_S)
            except queue.Empty:
                self._while_waiting()

    def stop(self) -> None:
        self._is_stopped.set()
        self._tokens.release()
        self._thread.join()

    def _read(self) -> None:
        try:
            self._items.put(self._fetch_all())
        finally:
            if self._at_end is not None:
                self._at_end()

    def _fetch_all(self) -> tuple[str, Any]:
        """Fetch until the end, a stop or an error; the word to end the queue with."""
        try:
            while True:
                self._tokens.acquire()
                if self._is_stopped.is_set():
                    close = getattr(self._source, "close", None)
                    if close is not None:
                        close()
                    return "end", None
                try:
                    item = next(self._source)
                except StopIteration:
                    return "end", None
                self._items.put(("item", item))
        except BaseException as error:  # handed over: whoever asks for the item gets it
            return "error", error


def _floor(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)
