"""Reading a store's past: windows of creation time, newest first, so that a live store is useful
within a minute.

A run is resumable (the place is saved with each page), can be paused, cancelled, and run dry: the
same code in transactions that are taken back. The next windows are read while one is written
(``windows``).
"""

from __future__ import annotations

import contextlib
import time
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from integrations import authentication, policy
from integrations.base import BaseEcommerceIntegration, Filters, Page, ReadBy
from integrations.errors import PlatformError, Unsupported
from integrations.kit.http import Priority
from integrations.models import RunState, Store, StreamName, SyncGap, SyncRun
from integrations.policy import What
from integrations.sync import applying, dropping, gaps, leases, matching, opening, reading
from integrations.sync.linking import note_links
from integrations.sync.outcome import Applied
from integrations.sync.windows import Plan, Window, read_ahead
from inventory.linking import LinkedBy
from logix.common.transactions import again_on

log = structlog.get_logger(__name__)

# Well below the workers' time limit for a task, which would break off a page instead.
SLICE_S = 30.0
_GRACE = timedelta(seconds=1)
# An export that cannot be had after some minutes is not waited for: pages can.
_MOST_TRIES_AT_ONCE = 6
# Somebody else must act first, but may do so where we cannot see it.
_RECHECK = timedelta(minutes=15)


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
    finally:
        # Pages that were written stay written, however the slice ended.
        note_links(job.store, job.ways, origin="backfill")


class _Job:
    """One slice of a run under its lease."""

    def __init__(self, run: SyncRun, fence: int) -> None:
        self.run = run
        self.fence = fence
        self.store: Store = run.store
        self.stream: str = run.stream.name
        self.plan = Plan.of(run)
        self.gaps = False
        self.ways: dict[UUID, LinkedBy] = {}

    def work(self, adapter: BaseEcommerceIntegration) -> bool:
        """True when the slice ended before the run did. What the store does not prepare as a whole
        is read by pages from then on.
        """
        self._start(adapter)
        if self.run.dry_run and self.stream == StreamName.PRODUCTS:
            self._rehearse(adapter)
            return False
        try:
            has_more = self._read(adapter)
        except Unsupported as err:
            if not self.plan.whole:
                raise
            self._go_by_pages(err.message)
            return True
        if has_more is None:
            self._finish(adapter)
        return bool(has_more)

    def _rehearse(self, adapter: BaseEcommerceIntegration) -> None:
        """A dry run of products is one look, from the start each time: what a product is linked to
        depends on all that came before it.
        """
        since, until = self.run.window_from, self.run.window_to
        asked = Filters(since=since, until=until, by=ReadBy.PLACED)
        found = matching.rehearse(
            self.store, adapter, asked, keep=self._keep, must_stop=self.must_stop
        )
        if found is not None:
            done, pages, report = found
            self._keep(**_counts(done, pages=pages), checkpoint={"matching": report})
            self._finish(adapter)

    def _read(self, adapter: BaseEcommerceIntegration) -> bool | None:
        """None when all is read. False: nothing is to be done at once."""
        end = time.monotonic() + SLICE_S
        known = reading.known_to(self.store, self.stream)
        steps = read_ahead(adapter, self.stream, self.plan, known=known, while_waiting=self._keep)
        with contextlib.closing(steps):
            for window, read in steps:
                if self.must_stop():
                    return False
                if read is not None and read.page.wait_s is not None:
                    self._leave_to_store(window, read.page, read.page.wait_s)
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
        return None

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
        if self.plan.whole:
            dropping.ring()

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
        most = _MOST_TRIES_AT_ONCE if self.plan.whole else policy.MAX_ATTEMPTS
        gives_up = decision.what is What.REFUSE or tries >= most
        delay_s = decision.delay_s if decision.delay_s is not None else _RECHECK.total_seconds()
        if decision.stops_store:
            # No worker takes it while the store rests; it goes on with the store.
            gives_up, tries, delay_s = False, 0, 0.0
        told: dict[str, Any] = {
            "problem": decision.sentence,
            "checkpoint": {**current, "tries": tries},
        }
        if gives_up and self.plan.whole:
            self._go_by_pages(decision.sentence)
            return
        if gives_up:
            ended = {"state": RunState.FAILED, "finished_at": Now(), "next_at": None}
            leases.drop(SyncRun.objects, self.run.pk, self.fence, **told, **ended)
            return
        self._rest(delay_s, **told)

    def _rest(self, seconds: float, **told: Any) -> None:
        told["next_at"] = timezone.now() + timedelta(seconds=seconds)
        running = SyncRun.objects.filter(state=RunState.RUNNING)
        if not leases.drop(running, self.run.pk, self.fence, **told, state=RunState.WAITING):
            leases.drop(SyncRun.objects, self.run.pk, self.fence, **told)  # paused meanwhile

    def _leave_to_store(self, window: Window, page: Page[Any], seconds: float) -> None:
        """The store prepares what was asked for. What was read of it before is read again."""
        place = self.plan.after(window, page)
        whole = {"expected": F("seen") + self.plan.whole} if self.plan.whole else {}
        self._rest(seconds, checkpoint=place, **whole)

    def _go_by_pages(self, why: str) -> None:
        """From the beginning: nobody knows which part of it was here."""
        note = f"{why} So the store's orders are read page by page."
        expected = F("seen") + self.plan.whole
        place = self.plan.by_pages(note)
        told = {"checkpoint": place, "expected": expected, "problem": note, "next_at": Now()}
        leases.drop(SyncRun.objects, self.run.pk, self.fence, **told)

    def _start(self, adapter: BaseEcommerceIntegration) -> None:
        run, begun = self.run, {}
        if run.started_at is None:
            until = {"since": run.window_from, "until": run.window_to}
            known = reading.known_to(self.store, self.stream)
            probe = Filters(**until, by=ReadBy.PLACED, counted=True, page_size=1, known=known)  # type: ignore[arg-type]
            first = next(iter(reading.stamped(adapter, self.stream, probe)), None)
            run.expected = first.page.total if first else None
            run.started_at = timezone.now()
            begun = self._at_once(adapter, run.expected or 0)
        told = {"started_at": run.started_at, "expected": run.expected}
        self._keep(**told, **begun, problem=self.plan.note)

    def _at_once(self, adapter: BaseEcommerceIntegration, count: int) -> dict[str, Any]:
        """Whether the store is to prepare so many orders as a whole, kept before it is asked to."""
        if self.stream != StreamName.ORDERS or not 0 < adapter.card.whole_from <= count:
            return {}
        return {"checkpoint": self.plan.at_once(count)}

    def _finish(self, adapter: BaseEcommerceIntegration) -> None:
        """Stock is opened before the run is called complete: a crash in between opens it again,
        which changes nothing, where the other order would leave it closed for good.
        """
        run, withheld = self.run, ""
        since = SyncGap.objects.filter(stream=run.stream, opened_at__gte=run.created_at)
        if since.filter(closed_at=None).exists():
            self.gaps = True
        if self.stream == StreamName.ORDERS:
            asked = Filters(since=run.window_from, until=run.window_to, by=ReadBy.PLACED)
            withheld = adapter.withheld(asked)
            if not run.dry_run:
                opening.open_stock(self.store, before_batch=self._keep)
        is_all = not self.gaps and not withheld
        state = RunState.COMPLETED if is_all else RunState.COMPLETED_WITH_GAPS
        problem = f"{self.plan.note} {withheld}".strip()
        ended = {"state": state, "problem": problem, "finished_at": Now(), "next_at": None}
        if not leases.drop(SyncRun.objects, run.pk, self.fence, **ended):
            raise leases.Fenced

    # -- one page

    def _page(self, adapter: BaseEcommerceIntegration, window: Window, read: reading.Read) -> None:
        place = self.plan.after(window, read.page)
        done = again_on(*applying.CLASHES)(lambda: self._write(window, read, place))
        self.ways |= {} if self.run.dry_run else done.ways
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
