"""The incremental walk of one stream: lease, read what changed, write page by page with the cursor,
close the window.

The cursor moves only with the page it belongs to, in one transaction, and ``read_through`` never
passes the store's own clock at the start of the walk less its lag. Killed anywhere, the next walk
reads again and skips nothing.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from integrations import authentication, policy
from integrations.base import BaseEcommerceIntegration, Filters
from integrations.errors import ContractBroken, PlatformError, RateLimited
from integrations.models import (
    RunKind,
    RunState,
    Store,
    Stream,
    StreamName,
    SyncGap,
    SyncRun,
)
from integrations.sync import backfill, leases, reading
from integrations.sync.outcome import Applied

log = structlog.get_logger(__name__)

SLICE_S = 60.0
SLICE_PAGES = 50
GAP_RETRY = timedelta(minutes=5)
FIRST_WAIT = timedelta(seconds=1)


def run_stream(stream_id: int) -> bool:
    """Read one stream's changes, at most a slice of time. True when there is more to read at once.

    Does nothing when another worker is at it, the store is not active, or a first back-fill of
    products is needed before orders can be understood.
    """
    fence = leases.take(Stream.objects, stream_id, enabled=True, store__status="active")
    if fence is None:
        return False
    stream = Stream.objects.select_related("store", "store__data_key").get(pk=stream_id)
    walk = _Walk(stream, fence)
    try:
        if stream.name == StreamName.ORDERS and not products_known(stream.store):
            leases.drop(Stream.objects, stream_id, fence, next_at=timezone.now() + FIRST_WAIT)
            return False
        if stream.name == StreamName.ORDERS and stream.read_through is None:
            backfill.begin(stream)
        with authentication.adapter_for(stream.store) as adapter:
            more = walk.read(adapter)
    except leases.Fenced:
        log.info("fenced", stream=stream_id)
        return False
    except PlatformError as err:
        walk.fail(err)
        return False
    except BaseException:
        leases.drop(Stream.objects, stream_id, fence, next_at=_soon(stream.failures + 1))
        raise
    return more


class _Walk:
    """One walk of a stream under its lease."""

    def __init__(self, stream: Stream, fence: int) -> None:
        self.stream = stream
        self.store: Store = stream.store
        self.fence = fence
        self.done = Applied()
        self.pages = 0
        self.started_at = timezone.now()
        self.asked_first: datetime | None = None
        self.gaps: list[str] = []

    def read(self, adapter: BaseEcommerceIntegration) -> bool:
        """Walk to the end or to the end of the slice. True when the slice ended first."""
        through = self.stream.read_through
        since = through - timedelta(seconds=self.stream.overlap_s) if through else None
        filters = Filters(since=since, position=self.stream.position or None)
        end = time.monotonic() + SLICE_S
        with reading.pages(adapter, self.stream.name, filters) as reads:
            for read in reads:
                self._page(adapter, read)
                if read.page.last:
                    break
                if self.pages >= SLICE_PAGES or time.monotonic() > end:
                    self._close(finished=False)
                    return True
        self._close(finished=True)
        return False

    def _page(self, adapter: BaseEcommerceIntegration, read: reading.Read) -> None:
        page = read.page
        if self.asked_first is None:
            self.asked_first = self._store_clock(read)
        with transaction.atomic():
            done = reading.apply_page(self.store, self.stream.name, read, origin="poll")
            if not done.reread:
                self._move_cursor(page.position)
        if done.reread:
            again = reading.reread(self.store, adapter, done.reread, origin="poll")
            done = done + again
            self._move_cursor(page.position)
        if page.gap:
            self.gaps.append(page.gap)
        self.pages += 1
        self.done = self.done + done

    def _store_clock(self, read: reading.Read) -> datetime:
        """When the walk began by the store's clock, from its first answer; ours where it does not
        say.
        """
        told = read.page.store_time
        if told is None:
            return read.asked_at
        self.stream.skew_ms = int((told - read.asked_at).total_seconds() * 1000)
        return told

    def _move_cursor(self, position: object) -> None:
        leases.keep(
            Stream.objects,
            self.stream.pk,
            self.fence,
            position=position,
            skew_ms=self.stream.skew_ms,
        )

    def _close(self, *, finished: bool) -> None:
        now = timezone.now()
        changes: dict[str, object] = {
            "next_at": now + timedelta(seconds=self.stream.every_s) if finished else now,
            "last_success_at": Now(),
            "failures": 0,
            "last_error": "",
        }
        if finished:
            changes["position"] = {}
            if self.asked_first is not None:
                through = self.asked_first - timedelta(seconds=self.stream.lag_s)
                before = self.stream.read_through
                changes["read_through"] = max(through, before) if before else through
        for gap in self.gaps:
            SyncGap.objects.create(
                stream=self.stream,
                window_from=self.stream.read_through or self.started_at,
                window_to=now,
                reason=gap,
                next_at=now + GAP_RETRY,
            )
        leases.drop(Stream.objects, self.stream.pk, self.fence, **changes)
        self._record(RunState.COMPLETED_WITH_GAPS if self.gaps else RunState.COMPLETED, "")
        authentication.note_success(self.store)

    def fail(self, err: PlatformError) -> None:
        """Keep the place, say why, come back when the policy says."""
        failures = self.stream.failures + (0 if isinstance(err, RateLimited) else 1)
        wait = getattr(err, "retry_after_s", None) or policy.next_delay_s(max(1, failures))
        leases.drop(
            Stream.objects,
            self.stream.pk,
            self.fence,
            failures=failures,
            last_error=str(err),
            next_at=timezone.now() + timedelta(seconds=wait),
        )
        authentication.note_failure(self.store, err)
        if isinstance(err, ContractBroken):
            log.error("contract_broken", stream=self.stream.pk, path=err.path)
        self._record(RunState.FAILED, str(err))

    def _record(self, state: RunState, problem: str) -> None:
        """Walks that found nothing are not kept: the stream itself says when it was last read."""
        done = self.done
        if not (done.created or done.changed or done.parked or problem):
            return
        SyncRun.objects.create(
            store=self.store,
            stream=self.stream,
            kind=RunKind.DELTA,
            state=state,
            window_from=self.stream.read_through,
            window_to=self.asked_first,
            pages=self.pages,
            seen=done.seen,
            created=done.created,
            changed=done.changed,
            unchanged=done.unchanged + done.stale,
            parked=len(done.parked),
            problem=problem,
            requested_by="clock",
            started_at=self.started_at,
            finished_at=timezone.now(),
        )


def _soon(failures: int) -> datetime:
    return timezone.now() + timedelta(seconds=policy.next_delay_s(failures))


def products_known(store: Store) -> bool:
    """Orders are read after the first complete reading of products, so that their lines find what
    they name.
    """
    stream = Stream.objects.filter(store=store, name=StreamName.PRODUCTS).first()
    return stream is None or not stream.enabled or stream.read_through is not None
