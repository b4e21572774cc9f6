"""The incremental walk of one stream: lease, read what changed, write page by page with the cursor,
close the window.

The cursor moves only with the page it belongs to, in one transaction, and ``read_through`` never
passes the store's own clock at the start of the walk less its lag, however many slices and failures
the walk went through. Killed anywhere, the next walk reads again and skips nothing.
"""

from __future__ import annotations

import contextlib
import time
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.db.models.functions import Now
from django.utils import timezone

from integrations import authentication, policy
from integrations.base import BaseEcommerceIntegration, Filters
from integrations.errors import ContractBroken, PlatformError
from integrations.models import RunKind, RunState, Store, Stream, StreamName, SyncRun
from integrations.policy import Decision, What
from integrations.sync import applying, beginning, gaps, kinds, leases, reading
from integrations.sync.linking import note_links
from integrations.sync.outcome import Applied
from integrations.sync.windows import OLDEST
from logix.common.transactions import again_on

log = structlog.get_logger(__name__)

# Well below the workers' time limit for a task, which would break off a page instead.
SLICE_S = 30.0
SLICE_PAGES = 50
MOST_OWED = 100
FIRST_WAIT = timedelta(seconds=2)
# A store that comes back is read again soon, however long it was away.
LONGEST_WAIT_S = 900.0
# What a store lacks, it may have one day: somebody grants it, or begins to use it.
LOOK_AGAIN_S = 86_400.0
# So many failures in a row, and orders no longer wait for products.
PRODUCTS_PATIENCE = 3
# A ring that was set off by a clock slightly ahead of the database's is not lost.
_GRACE = timedelta(seconds=1)


def run_stream(stream_id: int, *, if_due: bool = False) -> bool:
    """Read one stream's changes, at most a slice of time. True when there is more to read at once.

    Does nothing when another worker is at it, the store is not active, or a first back-fill of
    products is needed before orders can be understood. ``if_due``: nor when its time has not come,
    so that a task that was rung for twice reads once.
    """
    due: dict[str, Any] = {"next_at__lte": Now() + _GRACE} if if_due else {}
    fence = leases.take(Stream.objects, stream_id, enabled=True, store__status="active", **due)
    if fence is None:
        return False
    stream = Stream.objects.select_related("store__data_key", "store__merchant").get(pk=stream_id)
    walk, kind = _Walk(stream, fence), kinds.of(stream.name)
    try:
        if kind.after_products and not products_known(stream.store):
            walk.put_off()
            return False
        with authentication.adapter_for(stream.store) as adapter:
            begins = kind.past_beside and stream.read_through is None
            if begins and not beginning.begin(stream, adapter, fence):
                walk.put_off()
                return False
            walk = _Walk(stream, fence)
            return walk.read(adapter)
    except leases.Fenced:
        log.info("fenced", stream=stream_id)
        return False
    except PlatformError as err:
        walk.fail(err)
        return False
    except (OperationalError, InterfaceError):
        with contextlib.suppress(OperationalError, InterfaceError):
            walk.put_off()
        raise
    except Exception as err:
        walk.fail(err)
        raise
    except BaseException:
        leases.drop(Stream.objects, stream_id, fence, next_at=Now())
        raise
    finally:
        # Pages that were written stay written, however the walk ended.
        note_links(walk.store, walk.done.ways, origin="poll")


def products_known(store: Store) -> bool:
    """Orders are read after the first complete reading of products, so that their lines find what
    they name. Products that cannot be read do not hold them up for long: lines find theirs later.
    """
    stream = Stream.objects.filter(store=store, name=StreamName.PRODUCTS).first()
    return (
        stream is None
        or not stream.enabled
        or stream.read_through is not None
        or stream.failures >= PRODUCTS_PATIENCE
    )


class _Walk:
    """One walk of a stream under its lease, or a slice of it."""

    def __init__(self, stream: Stream, fence: int) -> None:
        self.stream = stream
        self.store: Store = stream.store
        self.fence = fence
        self.done = Applied()
        self.pages = 0
        self.gaps = False
        self.started_at = timezone.now()
        through = stream.read_through
        self.since = through - timedelta(seconds=stream.overlap_s) if through else None
        self.at = stream.position.get("at") or None
        # By the store's clock; ours where it does not tell.
        self.began = _when(stream.position.get("began")) if self.at else None
        # By our own clock, as what was read is marked with.
        self.asked_at = _when(stream.position.get("asked")) if self.at else None

    def read(self, adapter: BaseEcommerceIntegration) -> bool:
        """Walk to the end or to the end of the slice. True when there is more to read at once."""
        known = reading.known_to(self.store, self.stream.name)
        filters = Filters(since=self.since, position=self.at, known=known)
        end = time.monotonic() + SLICE_S
        source = reading.pages(adapter, self.stream.name, filters, while_waiting=self._keep)
        with source as reads:
            for read in reads:
                self.asked_at = self.asked_at or read.asked_at
                if self.pages == 0 and self._look_at_clock(read):
                    return True
                self._page(adapter, read)
                if read.page.wait_s is not None:
                    self._read_owed(adapter, end)
                    self._close(finished=False, wait_s=read.page.wait_s)
                    return False
                if read.page.last:
                    break
                # Where the platform gives no place to resume from, the walk has to go on.
                is_over = self.pages >= SLICE_PAGES or time.monotonic() > end
                if is_over and read.page.position:
                    self._close(finished=False)
                    return True
        owes = self._read_owed(adapter, end)
        self._close(finished=True, wait_s=0 if owes else self.stream.every_s)
        return owes

    def _read_owed(self, adapter: BaseEcommerceIntegration, end: float) -> bool:
        """Read the orders again that do not show yet what was told of them apart. True when some
        are left. What they wait with is in the database: nothing is lost if this ends halfway.
        """
        owed = kinds.of(self.stream.name).owed
        if owed is None:
            return False
        waiting = owed(self.store, MOST_OWED)
        for external_id in waiting:
            if time.monotonic() > end:
                return True
            # Counted by what was told of it.
            one = Applied(reread=(external_id,), incomplete=(external_id,))
            self.done += reading.reread(
                self.store,
                adapter,
                one,
                origin="poll",
                before_call=self._keep,
                in_transaction=self._keep,
            )
        return len(waiting) == MOST_OWED

    def put_off(self) -> None:
        next_at = timezone.now() + FIRST_WAIT
        leases.drop(Stream.objects, self.stream.pk, self.fence, next_at=next_at)

    def fail(self, err: Exception) -> None:
        """Keep the place, say why, come back when the policy says."""
        decision = policy.decide(err)
        if kinds.of(self.stream.name).may_lack and _says_no(decision):
            self._leave_out(decision)
            return
        counts = policy.rule_for(err).counts
        failures = self.stream.failures + counts
        sentence = decision.sentence
        leases.drop(
            Stream.objects,
            self.stream.pk,
            self.fence,
            failures=failures,
            last_error=sentence,
            next_at=timezone.now() + timedelta(seconds=self._wait_s(err, failures)),
        )
        if isinstance(err, PlatformError):
            authentication.note_failure(self.store, err)
        if isinstance(err, ContractBroken):
            log.error("contract_broken", stream=self.stream.pk, path=err.path)
        if not counts:
            # A store that wants rest has failed nobody; the rest is read when it has rested.
            self._record(RunState.COMPLETED, "")
            return
        # The same words again and again are on the stream already.
        is_news = sentence != self.stream.last_error
        self._record(RunState.FAILED, sentence if is_news else "")

    def _leave_out(self, decision: Decision) -> None:
        """The store has none of these, or does not let us see them: the stream rests and says why.
        The rest of the store goes on; nobody is told of a failure.
        """
        wait = timedelta(seconds=decision.delay_s or LOOK_AGAIN_S)
        leases.drop(
            Stream.objects,
            self.stream.pk,
            self.fence,
            failures=0,
            last_error=f"{decision.sentence} Logix looks again by itself.",
            position={},
            asked_at=None,
            next_at=timezone.now() + wait,
        )
        log.info("stream_left_out", stream=self.stream.pk, code=decision.code)

    def _wait_s(self, err: Exception, failures: int) -> float:
        longest = max(LONGEST_WAIT_S, self.stream.every_s)
        ours = min(policy.next_delay_s(max(1, failures)), longest)
        return getattr(err, "retry_after_s", None) or ours

    # -- one page

    def _page(self, adapter: BaseEcommerceIntegration, read: reading.Read) -> None:
        done = again_on(*applying.CLASHES)(lambda: self._write(read))
        if done.reread:
            done += reading.reread(
                self.store,
                adapter,
                done,
                origin="poll",
                before_call=self._keep,
                in_transaction=self._keep,
            )
            self._keep(position=self._place(read))
        self.gaps = self.gaps or bool(read.page.gap)
        self.pages += 1
        self.done += done

    def _write(self, read: reading.Read) -> Applied:
        """The page, its gap and the cursor, all or nothing; a worker that lost its lease loses
        here. What has to be re-read keeps the cursor back until it was.
        """
        page = read.page
        with transaction.atomic():
            done = reading.apply_page(self.store, self.stream.name, read, origin="poll")
            if page.gap:
                since = self.since or OLDEST
                seen = max(read.asked_at, page.store_time or read.asked_at)
                gaps.note(self.stream, since, seen + timedelta(minutes=1), page.gap)
            self._keep(**({} if done.reread else {"position": self._place(read)}))
        return done

    def _place(self, read: reading.Read) -> dict[str, Any]:
        began = self.began.isoformat() if self.began else None
        asked = self.asked_at.isoformat() if self.asked_at else None
        place = {"began": began, "asked": asked, "at": dict(read.page.position)}
        return place | ({"awaits": list(read.page.awaits)} if read.page.awaits else {})

    def _keep(self, **changes: Any) -> None:
        leases.keep(Stream.objects, self.stream.pk, self.fence, **changes)

    def _look_at_clock(self, read: reading.Read) -> bool:
        """Note when the walk began. True when the store's clock was set back by more than we look
        back: what it changed since then shows earlier times than were asked for, so the walk has to
        begin again, from the moment of the last one on the clock as it goes now.
        """
        told = read.page.store_time
        if self.began is None:
            self.began = told or read.asked_at
        if told is None:
            return False
        before, skew_ms = self.stream.skew_ms, _skew_ms(told, read.asked_at)
        self.stream.skew_ms = skew_ms
        moved, through = timedelta(milliseconds=skew_ms - before), self.stream.read_through
        if through is None or moved >= -timedelta(seconds=self.stream.overlap_s):
            self._keep(skew_ms=skew_ms)
            return False
        log.warning("store_clock_set_back", stream=self.stream.pk, seconds=moved.total_seconds())
        changes = {"position": {}, "read_through": through + moved, "next_at": Now()}
        leases.drop(Stream.objects, self.stream.pk, self.fence, skew_ms=skew_ms, **changes)
        return True

    # -- the end

    def _close(self, *, finished: bool, wait_s: float = 0) -> None:
        """``wait_s``: when there is something to do again."""
        changes: dict[str, Any] = {"last_success_at": Now(), "failures": 0, "last_error": ""}
        if finished:
            changes["position"] = {}
            if self.began is not None:
                through = self.began - timedelta(seconds=self.stream.lag_s)
                changes["read_through"] = max(through, self.stream.read_through or through)
        changes["next_at"] = timezone.now() + timedelta(seconds=wait_s) if wait_s else Now()
        if not leases.drop(Stream.objects, self.stream.pk, self.fence, **changes):
            raise leases.Fenced
        if finished:
            self._answer_asker()
            at_end = kinds.of(self.stream.name).at_end
            if at_end and self.asked_at:
                at_end(self.store, self.asked_at)
        self._record(RunState.COMPLETED_WITH_GAPS if self.gaps else RunState.COMPLETED, "")
        authentication.note_success(self.store)

    def _answer_asker(self) -> None:
        """Who asked before this walk began has been served; who asked since is served next."""
        asked = Stream.objects.filter(pk=self.stream.pk, asked_at__isnull=False)
        asked.filter(asked_at__lte=self.started_at).update(asked_at=None)
        asked.filter(asked_at__gt=self.started_at).update(next_at=Now())

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
            window_to=self.began,
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


def _says_no(decision: Decision) -> bool:
    """Whether the store answered, and the answer is no."""
    return decision.what in (What.MERCHANT, What.REFUSE) and not decision.stops_store


def _skew_ms(told: datetime, asked_at: datetime) -> int:
    return int((told - asked_at).total_seconds() * 1000)


def _when(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
