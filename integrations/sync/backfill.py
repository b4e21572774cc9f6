"""Reading a store's past: windows of creation time, newest first, so that a live store is useful
within a minute.

A run is resumable (the place is saved with each page), can be paused, cancelled, and run dry: the
same code in transactions that are taken back. The next windows are read while one is written
(``windows``).
"""

from __future__ import annotations

import contextlib
import time
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from integrations import authentication, policy
from integrations.base import BaseEcommerceIntegration, Filters, ReadBy
from integrations.errors import PlatformError
from integrations.kit.http import Priority
from integrations.models import (
    LIVE_STATES,
    RunKind,
    RunState,
    Store,
    Stream,
    StreamName,
    SyncGap,
    SyncRun,
)
from integrations.policy import What
from integrations.sync import applying, gaps, leases, opening, reading
from integrations.sync.outcome import Applied
from integrations.sync.windows import OLDEST, Plan, Window, read_ahead
from logix.common.transactions import again_on

log = structlog.get_logger(__name__)

# Well below the workers' time limit for a task, which would break off a page instead.
SLICE_S = 30.0
# Orders placed while a run is being asked for, and clocks that differ a little.
MARGIN = timedelta(minutes=10)
_GRACE = timedelta(seconds=1)
# Somebody else must act first, but may do so where we cannot see it.
_RECHECK = timedelta(minutes=15)


def begin(stream: Stream, adapter: BaseEcommerceIntegration, fence: int) -> bool:
    """The first reading of a stream with a past: changes are followed from now on by the store's
    clock, the past is read beside it. False: another run has to end first, try again soon. Raises
    Fenced.

    A back-fill of everything that somebody asked for before takes its place, and changes are then
    followed from when it was asked for. Another run that is not dry, or that is paused, gives way:
    what it was to read is read again.
    """
    skew = _skew(stream, adapter)
    now = timezone.now()
    wanted = stream.store.import_since or OLDEST
    runs = SyncRun.objects.filter(stream=stream, kind=RunKind.BACKFILL)
    whole = runs.filter(dry_run=False, window_from__lte=wanted, window_to__gte=F("created_at"))
    whole = whole.exclude(state__in=[RunState.CANCELLED, RunState.FAILED])
    try:
        with transaction.atomic():
            asked_for = whole.order_by("created_at").first()
            if asked_for is None:
                live = runs.filter(state__in=LIVE_STATES)
                _give_way(stream, live.filter(Q(dry_run=False) | Q(state=RunState.PAUSED)))
                if live.exists():
                    return False
                SyncRun.objects.create(
                    store=stream.store,
                    stream=stream,
                    kind=RunKind.BACKFILL,
                    window_from=wanted,
                    window_to=newest(now, skew),
                    requested_by="connect",
                    next_at=now,
                )
            since = asked_for.created_at if asked_for else now
            stream.read_through = since + skew - timedelta(seconds=stream.overlap_s)
            stream.skew_ms = int(skew.total_seconds() * 1000)
            told = {"read_through": stream.read_through, "skew_ms": stream.skew_ms}
            leases.keep(Stream.objects, stream.pk, fence, **told)
    except IntegrityError:
        # Somebody asked for a run in this moment.
        return False
    return True


def newest(now: datetime, skew: timedelta) -> datetime:
    """The end of a window that leaves nothing out, by the store's clock or ours, whichever is
    ahead.
    """
    return now + max(skew, timedelta()) + MARGIN


def _skew(stream: Stream, adapter: BaseEcommerceIntegration) -> timedelta:
    """How far the store's clock is ahead of ours, from its answer to a question that costs
    little.
    """
    probe = Filters(since=timezone.now(), page_size=1)
    first = next(iter(reading.stamped(adapter, stream.name, probe)), None)
    if first is None or first.page.store_time is None:
        return timedelta()
    return first.page.store_time - first.asked_at


def _give_way(stream: Stream, runs: Any) -> None:
    """A worker that is at one of them is fenced off."""
    runs.update(
        state=RunState.CANCELLED,
        problem=f"The store's first back-fill reads the same {stream.name}.",
        finished_at=Now(),
        next_at=None,
        lease_until=None,
        fence=F("fence") + 1,
    )


def run_slice(run_id: UUID, *, if_due: bool = False) -> bool:
    """Work on a run for a slice of time. True when there is more to do at once. ``if_due``: not
    before its time, so that a task that was rung for twice does not ask a store that wants rest.
    """
    due: dict[str, Any] = {"next_at__lte": Now() + _GRACE} if if_due else {}
    fence = leases.take(
        SyncRun.objects,
        run_id,
        # In the same statement: a run that is being paused stays so.
        {"state": RunState.RUNNING},
        state__in=[RunState.QUEUED, RunState.RUNNING, RunState.WAITING],
        store__status="active",
        **due,
    )
    if fence is None:
        return False
    rows = SyncRun.objects.select_related("stream", "store__data_key", "store__merchant")
    job = _Job(rows.get(pk=run_id), fence)
    try:
        if job.must_stop():
            return False
        with authentication.adapter_for(job.store, priority=Priority.BULK) as adapter:
            return job.work(adapter)
    except leases.Fenced:
        log.info("fenced", run=str(run_id))
        return False
    except PlatformError as err:
        job.wait_or_fail(err)
        return False
    except (OperationalError, InterfaceError):
        with contextlib.suppress(OperationalError, InterfaceError):
            leases.drop(SyncRun.objects, run_id, fence)
        raise
    except Exception as err:
        job.wait_or_fail(err)
        raise
    except BaseException:
        leases.drop(SyncRun.objects, run_id, fence)
        raise


class _Job:
    """One slice of a run under its lease."""

    def __init__(self, run: SyncRun, fence: int) -> None:
        self.run = run
        self.fence = fence
        self.store: Store = run.store
        self.stream: str = run.stream.name
        self.plan = Plan.of(run)
        self.gaps = False

    def work(self, adapter: BaseEcommerceIntegration) -> bool:
        """True when the slice ended before the run did."""
        self._start(adapter)
        end = time.monotonic() + SLICE_S
        known = reading.known_to(self.store, self.stream)
        steps = read_ahead(adapter, self.stream, self.plan, known=known, while_waiting=self._keep)
        with contextlib.closing(steps):
            for window, read in steps:
                if self.must_stop():
                    return False
                if read is None:
                    self._keep(checkpoint=self.plan.done(window))
                else:
                    self._page(adapter, window, read)
                # After a last page comes the window's end, or the page would be read for ever.
                may_end = read is None or (read.page.position and not read.page.last)
                if may_end and time.monotonic() > end:
                    leases.drop(SyncRun.objects, self.run.pk, self.fence, next_at=Now())
                    return True
        self._finish()
        return False

    def must_stop(self) -> bool:
        """Whether a person cancelled or paused it; the lease is then given back."""
        cancelled, state = SyncRun.objects.values_list("cancel_requested", "state").get(
            pk=self.run.pk
        )
        if cancelled:
            self._end_cancelled()
        elif state != RunState.RUNNING:
            leases.drop(SyncRun.objects, self.run.pk, self.fence)
        return cancelled or state != RunState.RUNNING

    def _end_cancelled(self) -> None:
        """The run keeps the words of whoever cancelled it."""
        ended = {"state": RunState.CANCELLED, "finished_at": Now(), "next_at": None}
        leases.drop(SyncRun.objects, self.run.pk, self.fence, **ended)

    def wait_or_fail(self, err: Exception) -> None:
        """Whoever must act, the run goes on at the same place when they have; it ends where waiting
        cannot help, or did not.
        """
        if isinstance(err, PlatformError):
            authentication.note_failure(self.store, err)
        cancelled, current = SyncRun.objects.values_list("cancel_requested", "checkpoint").get(
            pk=self.run.pk
        )
        if cancelled:
            self._end_cancelled()
            return
        tries = current.get("tries", 0) + policy.rule_for(err).counts
        decision = policy.decide(err, attempts=max(1, tries))
        gives_up = decision.what is What.REFUSE or tries >= policy.MAX_ATTEMPTS
        delay_s = decision.delay_s if decision.delay_s is not None else _RECHECK.total_seconds()
        if decision.stops_store:
            # No worker takes it while the store rests; it goes on with the store.
            gives_up, tries, delay_s = False, 0, 0.0
        told: dict[str, Any] = {
            "problem": decision.sentence,
            "checkpoint": {**current, "tries": tries},
        }
        if gives_up:
            ended = {"state": RunState.FAILED, "finished_at": Now(), "next_at": None}
            leases.drop(SyncRun.objects, self.run.pk, self.fence, **told, **ended)
            return
        told["next_at"] = timezone.now() + timedelta(seconds=delay_s)
        running = SyncRun.objects.filter(state=RunState.RUNNING)
        if not leases.drop(running, self.run.pk, self.fence, **told, state=RunState.WAITING):
            leases.drop(SyncRun.objects, self.run.pk, self.fence, **told)  # paused meanwhile

    def _start(self, adapter: BaseEcommerceIntegration) -> None:
        run = self.run
        if run.started_at is None:
            until = {"since": run.window_from, "until": run.window_to}
            known = reading.known_to(self.store, self.stream)
            probe = Filters(**until, by=ReadBy.PLACED, page_size=1, known=known)  # type: ignore[arg-type]
            first = next(iter(reading.stamped(adapter, self.stream, probe)), None)
            run.expected = first.page.total if first else None
            run.started_at = timezone.now()
        self._keep(started_at=run.started_at, expected=run.expected, problem="")

    def _finish(self) -> None:
        """Stock is opened before the run is called complete: a crash in between opens it again,
        which changes nothing, where the other order would leave it closed for good.
        """
        run = self.run
        since = SyncGap.objects.filter(stream=run.stream, opened_at__gte=run.created_at)
        if since.filter(closed_at=None).exists():
            self.gaps = True
        if not run.dry_run and self.stream == StreamName.ORDERS:
            opening.open_stock(self.store, before_batch=self._keep)
        state = RunState.COMPLETED_WITH_GAPS if self.gaps else RunState.COMPLETED
        ended = {"state": state, "finished_at": Now(), "next_at": None}
        if not leases.drop(SyncRun.objects, run.pk, self.fence, **ended):
            raise leases.Fenced

    # -- one page

    def _page(self, adapter: BaseEcommerceIntegration, window: Window, read: reading.Read) -> None:
        place = self.plan.after(window, read.page)
        done = again_on(*applying.CLASHES)(lambda: self._write(window, read, place))
        again = Applied()
        if done.reread:
            again = reading.reread(
                self.store,
                adapter,
                done,
                origin="backfill",
                before_call=self._keep,
                in_transaction=_take_back if self.run.dry_run else self._keep,
            )
        if self.run.dry_run:
            self._keep(**_counts(done + again, pages=read.pages), checkpoint=place)
        elif done.reread:
            self._keep(**_counts(again, pages=0), checkpoint=place)
        self.gaps = self.gaps or bool(read.page.gap)

    def _write(self, window: Window, read: reading.Read, place: dict[str, Any]) -> Applied:
        """The page, its gap, its counts and the place, all or nothing; a worker that lost its lease
        loses here. A dry run takes all of it back.
        """
        with transaction.atomic():
            done = reading.apply_page(self.store, self.stream, read, origin="backfill")
            if self.run.dry_run:
                _take_back()
                return done
            if read.page.gap:
                gaps.note(self.run.stream, window.since, window.until, read.page.gap)
            counts = _counts(done, pages=read.pages)
            self._keep(**counts, **({} if done.reread else {"checkpoint": place}))
        return done

    def _keep(self, **changes: Any) -> None:
        leases.keep(SyncRun.objects, self.run.pk, self.fence, **changes)


def _counts(done: Applied, *, pages: int) -> dict[str, Any]:
    return {
        "pages": F("pages") + pages,
        "seen": F("seen") + done.seen,
        "created": F("created") + done.created,
        "changed": F("changed") + done.changed,
        "unchanged": F("unchanged") + done.unchanged + done.stale,
        "parked": F("parked") + len(done.parked),
    }


def _take_back() -> None:
    transaction.set_rollback(True)
