"""Cutting a store's past into windows of creation time, newest first, and reading the next while
one is written.

What is held in memory does not depend on how much a window holds: so many pages are read ahead, and
the rest of a full window only as it is written.
"""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connections

from integrations.base import BaseEcommerceIntegration, Filters, Known, Page, ReadBy
from integrations.errors import PlatformError
from integrations.kit.pagination import WAIT_S
from integrations.models import SyncRun
from integrations.sync import reading

OLDEST = datetime(2000, 1, 1, tzinfo=UTC)
HELD_PAGES = 3
_FIRST_SIZE = timedelta(days=1)
_SMALLEST, _LARGEST = timedelta(minutes=1), timedelta(days=365)
# A window with fewer records is too small, with more too large: one of the right size is held as a
# whole.
_FEW, _MANY = 150, 300
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Window:
    """``since`` ≤ placed < ``until``, whole seconds. ``position``: where to go on within it."""

    since: datetime
    until: datetime
    position: Mapping[str, Any] | None = None


class Plan:
    """The windows a run still has to read. What it returns as a checkpoint, ``of`` takes up.

    ``whole`` is the number of records of a run that is one window, prepared by the store; 0 for one
    that is read page by page. ``note`` says why it is not, where it might have been.
    """

    def __init__(
        self, since: datetime, until: datetime, size: timedelta, opened: Window | None
    ) -> None:
        self.since = since
        self.until = until
        self.size = size
        self.opened = opened
        self.count = 0
        self.whole = 0
        self.note = ""

    @classmethod
    def of(cls, run: SyncRun) -> Plan:
        kept = run.checkpoint
        until = _when(kept.get("down_to")) or _ceil(run.window_to or run.created_at)
        size = timedelta(seconds=kept.get("window_s", _FIRST_SIZE.total_seconds()))
        start = _when(kept.get("since"))
        opened = Window(start, until, kept.get("position")) if start else None
        plan = cls(_floor(run.window_from or OLDEST), until, size, opened)
        plan.whole, plan.note = kept.get("whole", 0), kept.get("note", "")
        return plan

    def windows(self) -> Iterator[Window]:
        """Newest first; the size follows how full the last ones were."""
        until = self.until
        if self.opened is not None:
            yield self.opened
            until = self.opened.since
        while until > self.since:
            start = self.since if self.whole else max(self.since, until - self.size)
            yield Window(start, until)
            until = start

    def after(self, window: Window, page: Page[Any]) -> dict[str, Any]:
        """The checkpoint after a page of ``window``: within it, where the platform gives a
        place.
        """
        self.count += len(page.records) + len(page.known)
        place: dict[str, Any] = {}
        if page.position:
            place = {"since": window.since.isoformat(), "position": dict(page.position)}
        if page.awaits:
            place["awaits"] = list(page.awaits)
        return self._checkpoint(window.until) | place

    def done(self, window: Window) -> dict[str, Any]:
        """The checkpoint after the whole window."""
        if self.count < _FEW:
            self.size = min(self.size * 2, _LARGEST)
        elif self.count > _MANY:
            self.size = max(_floor_s(self.size / 2), _SMALLEST)
        self.count = 0
        return self._checkpoint(window.since)

    def at_once(self, whole: int) -> dict[str, Any]:
        """The checkpoint of a run that has so many records and begins as one window."""
        self.whole = whole
        return self._checkpoint(self.until)

    def by_pages(self, note: str) -> dict[str, Any]:
        """The checkpoint of a run that was to be one window and begins anew without."""
        self.whole, self.note, self.opened = 0, note, None
        return self._checkpoint(self.until)

    def _checkpoint(self, down_to: datetime) -> dict[str, Any]:
        told = {"down_to": down_to.isoformat(), "window_s": int(self.size.total_seconds())}
        told |= {"whole": self.whole} if self.whole else {}
        return told | ({"note": self.note} if self.note else {})


def read_ahead(
    adapter: BaseEcommerceIntegration,
    stream: str,
    plan: Plan,
    *,
    known: Known | None,
    while_waiting: Callable[[], None],
) -> Generator[tuple[Window, reading.Read | None], None, None]:
    """The pages of the plan's windows in order, None after the last of each; as many windows in
    flight as the card allows. ``while_waiting`` is called while the store is slow.
    """
    windows, depth = plan.windows(), adapter.card.parallel_reads
    pending: deque[tuple[Window, Future[_Start]]] = deque()
    stop = threading.Event()
    with ThreadPoolExecutor(max_workers=depth, thread_name_prefix="backfill") as pool:
        try:
            while True:
                while len(pending) < depth and (window := next(windows, None)):
                    filters = Filters(
                        since=window.since,
                        until=window.until,
                        by=ReadBy.PLACED,
                        position=window.position,
                        whole=bool(plan.whole),
                        known=known,
                    )
                    run = copy_context().run
                    future = pool.submit(run, _read_start, adapter, stream, filters, stop)
                    pending.append((window, future))
                if not pending:
                    return
                window, future = pending.popleft()
                start = _result(future, while_waiting)
                if start.first is not None:
                    yield window, start.first
                if start.trouble is not None:
                    raise start.trouble
                if start.rest is not None:
                    with reading.one_ahead(start.rest, while_waiting=while_waiting) as rest:
                        for read in rest:
                            yield window, read
                yield window, None
        finally:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)


@dataclass(frozen=True, slots=True)
class _Start:
    """The first pages of a window, joined: what a batch costs whatever its size is then paid once
    for all of them. ``rest`` goes on where they end, None where they are all. ``trouble`` ended
    them: what was read before it is kept, or a store that tires would never be read to its end.
    """

    first: reading.Read | None
    rest: Iterator[reading.Read] | None = None
    trouble: PlatformError | None = None


def _read_start(
    adapter: BaseEcommerceIntegration, stream: str, filters: Filters, stop: threading.Event
) -> _Start:
    reads: list[reading.Read] = []
    source = reading.stamped(adapter, stream, filters)
    try:
        for read in source:
            if reads and read.page.wait_s is not None:
                # It brings nothing, and what is joined to it would be lost.
                return _Start(reading.joined(reads), itertools.chain([read], source))
            reads.append(read)
            if len(reads) >= HELD_PAGES or stop.is_set():
                return _Start(reading.joined(reads), None if read.page.last else source)
        return _Start(reading.joined(reads) if reads else None)
    except PlatformError as err:
        if not reads:
            raise
        return _Start(reading.joined(reads), trouble=err)
    finally:
        connections.close_all()


def _result(future: Future[_Start], while_waiting: Callable[[], None]) -> _Start:
    while not wait([future], timeout=WAIT_S).done:
        while_waiting()
    return future.result()


def _when(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _floor(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)


def _floor_s(size: timedelta) -> timedelta:
    return timedelta(seconds=int(size.total_seconds()))


def _ceil(moment: datetime) -> datetime:
    floor = _floor(moment)
    return floor if floor == moment else floor + _SECOND
