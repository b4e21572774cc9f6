"""How the reading of a stream with a past begins: changes are followed from this moment on, and
what was before is left to a back-fill beside them (``backfill``).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from integrations.base import BaseEcommerceIntegration, Filters
from integrations.models import (
    LIVE_STATES,
    RunKind,
    RunState,
    Store,
    Stream,
    StreamName,
    SyncRun,
)
from integrations.sync import leases, reading
from integrations.sync.windows import OLDEST
from logix.accounts import audit
from logix.common import bell

# Orders placed while a run is being asked for, and clocks that differ a little.
MARGIN = timedelta(minutes=10)


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
                whose = live.filter(Q(dry_run=False) | Q(state=RunState.PAUSED))
                _give_way(whose, f"The store's first back-fill reads the same {stream.name}.")
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


def read_past_anew(store: Store, *, actor: str) -> None:
    """The past of the store's orders holds more than was read of it: a back-fill of all of it takes
    the place of any that is under way. One that has not begun yet reads it by itself.
    """
    stream = Stream.objects.filter(store=store, name=StreamName.ORDERS).first()
    if stream is None or stream.read_through is None:
        return
    now = timezone.now()
    with transaction.atomic():
        live = SyncRun.objects.filter(stream=stream, kind=RunKind.BACKFILL).live()
        wanted = live.values_list("window_from", flat=True)
        begins = [store.import_since or OLDEST, *filter(None, wanted)]
        _give_way(live, "One that reads all channels of the store takes its place.")
        run = SyncRun.objects.create(
            store=store,
            stream=stream,
            kind=RunKind.BACKFILL,
            window_from=min(begins),
            window_to=newest(now, timedelta(milliseconds=stream.skew_ms)),
            requested_by=actor,
            next_at=now,
        )
        audit.record(
            "sync.requested",
            actor=actor,
            merchant=store.merchant,
            obj=store,
            details={"stream": stream.name, "kind": run.kind},
        )
    bell.ring("integrations.tasks.run_backfill", str(run.pk), queue="bulk")


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


def _give_way(runs: Any, why: str) -> None:
    """A worker that is at one of them is fenced off."""
    runs.update(
        state=RunState.CANCELLED,
        problem=why,
        finished_at=Now(),
        next_at=None,
        lease_until=None,
        fence=F("fence") + 1,
    )
