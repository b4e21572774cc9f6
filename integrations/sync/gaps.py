"""Windows that could not be read completely: noted with the page that told of them, read again
until they close.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError
from django.db.models.functions import Now
from django.utils import timezone

from integrations import authentication, policy
from integrations.base import Filters, Page
from integrations.errors import PlatformError
from integrations.kit.http import Priority
from integrations.models import Stream, SyncGap
from integrations.sync import kinds, reading

log = structlog.get_logger(__name__)

FIRST_RETRY = timedelta(minutes=5)
_MOST_ATTEMPTS = 30_000  # the column's ceiling is 32,767


def note(stream: Stream, since: datetime, until: datetime, reason: str) -> None:
    """Keep a gap. The next walk looks back and may meet the same one: it is widened, not doubled.
    Call inside the transaction that moves the place past it.
    """
    known = SyncGap.objects.filter(stream=stream, closed_at=None, reason=reason).first()
    if known is not None:
        SyncGap.objects.filter(pk=known.pk).update(
            window_from=min(known.window_from, since), window_to=max(known.window_to, until)
        )
        return
    SyncGap.objects.create(
        stream=stream,
        window_from=since,
        window_to=until,
        reason=reason,
        next_at=timezone.now() + FIRST_RETRY,
    )


def reread_gaps(limit: int = 20) -> int:
    """Read due gaps again; return how many closed. A gap that stays open comes back later, and
    stays listed. One store's trouble does not keep the others waiting.
    """
    due = SyncGap.objects.filter(
        closed_at=None, next_at__lte=Now(), stream__store__status="active"
    ).select_related("stream__store__data_key", "stream__store__merchant")
    closed = 0
    for gap in due.order_by("next_at")[:limit]:
        if not _claim(gap):
            continue
        try:
            closed += _read_again(gap)
        except (OperationalError, InterfaceError):
            raise
        except Exception as err:
            log.exception("gap_not_read", gap=gap.pk, stream=gap.stream_id)
            SyncGap.objects.filter(pk=gap.pk).update(reason=policy.decide(err).sentence)
    return closed


def _claim(gap: SyncGap) -> bool:
    """Settles the race of two clocks: who counts the attempt makes it."""
    tries = min(gap.attempts + 1, _MOST_ATTEMPTS)
    later = timezone.now() + timedelta(seconds=policy.next_delay_s(tries))
    rows = SyncGap.objects.filter(pk=gap.pk, attempts=gap.attempts, next_at=gap.next_at)
    return bool(rows.update(attempts=tries, next_at=max(later, timezone.now() + FIRST_RETRY)))


def _read_again(gap: SyncGap) -> bool:
    """By both times: what a back-fill missed was placed in the window, what a walk missed was
    changed in it. Where the store prepares what was asked for, the reading goes on later.
    """
    store, stream = gap.stream.store, gap.stream.name
    reason, place = "", gap.position or None
    try:
        with authentication.adapter_for(store, priority=Priority.BULK) as adapter:
            for by in kinds.of(stream).times:
                window = Filters(since=gap.window_from, until=gap.window_to, by=by, position=place)
                with reading.pages(adapter, stream, window) as reads:
                    for read in reads:
                        if read.page.wait_s is not None:
                            _wait(gap, read.page, read.page.wait_s)
                            return False
                        done = reading.apply_page(store, stream, read, origin="gap")
                        reading.reread(store, adapter, done, origin="gap")
                        reason = reason or read.page.gap
    except PlatformError as err:
        authentication.note_failure(store, err)
        SyncGap.objects.filter(pk=gap.pk).update(reason=str(err))
        return False
    if reason:
        SyncGap.objects.filter(pk=gap.pk).update(reason=reason, position={})
        return False
    SyncGap.objects.filter(pk=gap.pk).update(closed_at=timezone.now())
    return True


def _wait(gap: SyncGap, page: Page[Any], seconds: float) -> None:
    later = timezone.now() + timedelta(seconds=seconds)
    SyncGap.objects.filter(pk=gap.pk).update(position=dict(page.position), next_at=later)
