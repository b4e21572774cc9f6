"""Reading a store's past: windows of creation time, newest first, so that a live store is useful
within a minute.

A run is resumable (each window's end is saved with its records), can be paused, cancelled, and run
dry: the same code in a transaction that is rolled back. Two windows are read ahead while one is
written.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from django.db import connections, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from integrations import authentication, policy
from integrations.base import BaseEcommerceIntegration, Filters, ReadBy
from integrations.errors import PlatformError, RateLimited, Wait
from integrations.kit.http import Priority
from integrations.models import (
    RunKind,
    RunState,
    Store,
    Stream,
    StreamName,
    SyncGap,
    SyncRun,
)
from integrations.sync import leases, opening, reading
from integrations.sync.outcome import Applied

log = structlog.get_logger(__name__)

SLICE_S = 60.0
OLDEST = datetime(2000, 1, 1, tzinfo=UTC)
_SMALLEST, _LARGEST = timedelta(hours=1), timedelta(days=365)
_FEW, _MANY = 100, 1000
_MAX_TRIES = 12


@transaction.atomic
def begin(stream: Stream) -> SyncRun | None:
    """The first back-fill of an order stream: changes are followed from now on, the past is read
    beside it.
    """
    now = timezone.now()
    through = now - timedelta(seconds=stream.overlap_s)
    Stream.objects.filter(pk=stream.pk).update(read_through=through)
    stream.read_through = through
    if SyncRun.objects.filter(stream=stream, kind=RunKind.BACKFILL).exists():
        return None
    return SyncRun.objects.create(
        store=stream.store,
        stream=stream,
        kind=RunKind.BACKFILL,
        window_from=stream.store.import_since or OLDEST,
        window_to=now + timedelta(minutes=10),
        requested_by="connect",
        next_at=now,
    )


def run_slice(run_id: object) -> bool:
    """Work on a run for a slice of time. True when there is more to do at once."""
    fence = leases.take(
        SyncRun.objects,
        run_id,
        state__in=[RunState.QUEUED, RunState.RUNNING, RunState.WAITING],
        store__status="active",
    )
    if fence is None:
        return False
    run = SyncRun.objects.select_related("stream", "store", "store__data_key").get(pk=run_id)
    job = _Job(run, fence)
    try:
        with authentication.adapter_for(run.store, priority=Priority.BULK) as adapter:
            return job.work(adapter)
    except leases.Fenced:
        log.info("fenced", run=str(run.pk))
        return False
    except PlatformError as err:
        job.wait_or_fail(err)
        return False
    except BaseException:
        leases.drop(SyncRun.objects, run.pk, fence)
        raise


@dataclass(frozen=True, slots=True)
class Window:
    since: datetime
    until: datetime


class _Job:
    def __init__(self, run: SyncRun, fence: int) -> None:
        self.run = run
        self.fence = fence
        self.store: Store = run.store
        self.size = timedelta(seconds=run.checkpoint.get("window_s", 86_400))
        self.down_to = _when(run.checkpoint.get("down_to")) or run.window_to or timezone.now()

    def work(self, adapter: BaseEcommerceIntegration) -> bool:
        self._start(adapter)
        end = time.monotonic() + SLICE_S
        for window, reads in _read_ahead(adapter, self.run.stream.name, self._windows()):
            if self._stop_requested():
                return False
            self._write(adapter, window, reads)
            if time.monotonic() > end:
                leases.drop(SyncRun.objects, self.run.pk, self.fence, next_at=Now())
                return True
        self._finish()
        return False

    def _start(self, adapter: BaseEcommerceIntegration) -> None:
        if self.run.started_at is None:
            probe = Filters(
                since=self.run.window_from,
                until=self.run.window_to,
                by=ReadBy.PLACED,
                page_size=1,
            )
            first = next(iter(reading.stamped(adapter, self.run.stream.name, probe)), None)
            self.run.expected = first.page.total if first else None
        leases.keep(
            SyncRun.objects,
            self.run.pk,
            self.fence,
            state=RunState.RUNNING,
            started_at=self.run.started_at or timezone.now(),
            expected=self.run.expected,
            problem="",
        )

    def _windows(self) -> Iterator[Window]:
        """Newest first; the size follows how full the last ones were."""
        until, since = self.down_to, self.run.window_from or OLDEST
        while until > since:
            start = max(since, until - self.size)
            yield Window(start, until)
            until = start

    def _write(
        self, adapter: BaseEcommerceIntegration, window: Window, reads: list[reading.Read]
    ) -> None:
        """One window in one transaction per page; the place is saved with the last one."""
        count = 0
        for number, read in enumerate(reads, start=1):
            last = number == len(reads)
            with transaction.atomic():
                done = reading.apply_page(self.store, self.run.stream.name, read, origin="backfill")
                self._save(done, window if last and not done.reread else None)
                if self.run.dry_run:
                    transaction.set_rollback(True)
            if self.run.dry_run:
                self._save(done, window if last else None)
            elif done.reread:
                again = reading.reread(self.store, adapter, done.reread, origin="backfill")
                self._save(again, window if last else None)
            if read.page.gap:
                self._gap(window, read.page.gap)
            count += len(read.page.records)
        if not reads:
            self._save(Applied(), window)
        if count < _FEW:
            self.size = min(self.size * 2, _LARGEST)
        elif count > _MANY:
            self.size = max(self.size / 2, _SMALLEST)

    def _save(self, done: Applied, window: Window | None) -> None:
        changes: dict[str, object] = {
            "pages": F("pages") + 1,
            "seen": F("seen") + done.seen,
            "created": F("created") + done.created,
            "changed": F("changed") + done.changed,
            "unchanged": F("unchanged") + done.unchanged + done.stale,
            "parked": F("parked") + len(done.parked),
        }
        if window:
            changes["checkpoint"] = {
                "down_to": window.since.isoformat(),
                "window_s": int(self.size.total_seconds()),
            }
        leases.keep(SyncRun.objects, self.run.pk, self.fence, **changes)

    def _gap(self, window: Window, reason: str) -> None:
        SyncGap.objects.create(
            stream=self.run.stream,
            window_from=window.since,
            window_to=window.until,
            reason=reason,
            next_at=timezone.now() + timedelta(minutes=5),
        )

    def _stop_requested(self) -> bool:
        now = SyncRun.objects.values_list("cancel_requested", "state").get(pk=self.run.pk)
        if now == (False, RunState.RUNNING):
            return False
        state = RunState.CANCELLED if now[0] else now[1]
        finished = {"finished_at": Now()} if now[0] else {}
        leases.drop(SyncRun.objects, self.run.pk, self.fence, state=state, **finished)
        return True

    def _finish(self) -> None:
        gaps = SyncGap.objects.filter(
            stream=self.run.stream, closed_at=None, opened_at__gte=self.run.created_at
        ).exists()
        state = RunState.COMPLETED_WITH_GAPS if gaps else RunState.COMPLETED
        leases.drop(
            SyncRun.objects, self.run.pk, self.fence, state=state, finished_at=Now(), next_at=None
        )
        if not self.run.dry_run and self.run.stream.name == StreamName.ORDERS:
            opening.open_stock(self.store)

    def wait_or_fail(self, err: PlatformError) -> None:
        """Nobody must act: wait and go on at the same place. Somebody must: stop and say who."""
        authentication.note_failure(self.store, err)
        tries = self.run.checkpoint.get("tries", 0) + (0 if isinstance(err, RateLimited) else 1)
        wait = isinstance(err, Wait) and tries < _MAX_TRIES
        delay = getattr(err, "retry_after_s", None) or policy.next_delay_s(max(1, tries))
        current = SyncRun.objects.values_list("checkpoint", flat=True).get(pk=self.run.pk)
        leases.drop(
            SyncRun.objects,
            self.run.pk,
            self.fence,
            state=RunState.WAITING if wait else RunState.FAILED,
            problem=str(err),
            checkpoint={**current, "tries": tries},
            next_at=timezone.now() + timedelta(seconds=delay) if wait else None,
            finished_at=None if wait else Now(),
        )


def _read_ahead(
    adapter: BaseEcommerceIntegration, stream: str, windows: Iterator[Window]
) -> Iterator[tuple[Window, list[reading.Read]]]:
    """Windows in order with their pages; as many reads in flight as the card allows."""
    depth = adapter.card.parallel_reads
    pending: deque[tuple[Window, Future[list[reading.Read]]]] = deque()
    with ThreadPoolExecutor(max_workers=depth, thread_name_prefix="backfill") as pool:
        try:
            while True:
                while len(pending) < depth and (window := next(windows, None)):
                    filters = Filters(since=window.since, until=window.until, by=ReadBy.PLACED)
                    read = copy_context().run
                    pending.append((window, pool.submit(read, _read_all, adapter, stream, filters)))
                if not pending:
                    return
                window, future = pending.popleft()
                yield window, future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _read_all(
    adapter: BaseEcommerceIntegration, stream: str, filters: Filters
) -> list[reading.Read]:
    try:
        return list(reading.stamped(adapter, stream, filters))
    finally:
        connections.close_all()


def _when(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
