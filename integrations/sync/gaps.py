"""Windows that could not be read completely, read again until they close."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from integrations import authentication, policy
from integrations.base import Filters
from integrations.errors import PlatformError
from integrations.kit.http import Priority
from integrations.models import SyncGap
from integrations.sync import reading


def reread_gaps(limit: int = 20) -> int:
    """Read due gaps again; return how many closed. A gap that stays open comes back later, and
    stays listed.
    """
    now = timezone.now()
    due = SyncGap.objects.filter(
        closed_at=None, next_at__lte=now, stream__store__status="active"
    ).select_related("stream__store__data_key")[:limit]
    return sum(_read_again(gap) for gap in due)


def _read_again(gap: SyncGap) -> bool:
    store = gap.stream.store
    delay = timedelta(seconds=policy.next_delay_s(gap.attempts + 1))
    SyncGap.objects.filter(pk=gap.pk).update(
        attempts=F("attempts") + 1, next_at=timezone.now() + delay
    )
    filters = Filters(since=gap.window_from, until=gap.window_to)
    reason = ""
    try:
        with (
            authentication.adapter_for(store, priority=Priority.BULK) as adapter,
            reading.pages(adapter, gap.stream.name, filters) as reads,
        ):
            for read in reads:
                done = reading.apply_page(store, gap.stream.name, read, origin="gap")
                reading.reread(store, adapter, done.reread, origin="gap")
                reason = reason or read.page.gap
    except PlatformError as err:
        authentication.note_failure(store, err)
        reason = str(err)
    if reason:
        SyncGap.objects.filter(pk=gap.pk).update(reason=reason)
        return False
    SyncGap.objects.filter(pk=gap.pk).update(closed_at=timezone.now())
    return True
