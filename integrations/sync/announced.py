"""What a store announces that it has prepared, made by itself, or counted anew, is read soon.

An announcement is a hint: it brings a reading forward and says nothing of what will be read. One
that comes twice, late or for nobody changes nothing; without any the reading is due at its own
time.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from integrations.models import RunState, Stream, StreamName, SyncRun
from integrations.platform import Ability
from logix.common import bell

# So long after a reading the next one comes at the earliest: a store that made several things tells
# of each, and of units it keeps with every sale; what a reading costs may be scarce there.
BETWEEN = timedelta(minutes=15)
_STREAMS: Mapping[Ability, StreamName] = {
    Ability.PAYOUTS: StreamName.PAYOUTS,
    Ability.REFUNDS_READ: StreamName.REFUNDS,
    Ability.RETURNS: StreamName.RETURNS,
    Ability.PLATFORM_STOCK: StreamName.KEPT,
}
_IS_READ = Q(store__auto_sync=True) | Q(asked_at__isnull=False)


def read_soon(store_id: UUID, reference: str, ability: Ability | None = None) -> bool:
    """Go on at once with what waits for that which the store calls ``reference``. Where nothing
    does, read soon what comes unasked and is read with ``ability``. False where it concerns nobody.

    A reading that rests after trouble is left to rest.
    """
    streams = Stream.objects.filter(_IS_READ, store=store_id, enabled=True, last_error="")
    runs = SyncRun.objects.filter(store=store_id, state=RunState.WAITING, problem="")
    walks = _go_on(streams, "position", reference)
    for stream_id in walks:
        bell.ring("integrations.tasks.run_stream", stream_id, queue="live")
    pasts = _go_on(runs, "checkpoint", reference)
    for run_id in pasts:
        bell.ring("integrations.tasks.run_backfill", str(run_id), queue="bulk")
    if walks or pasts or ability is None:
        return bool(walks or pasts)
    return _bring_forward(streams.filter(name=_STREAMS[ability]))


def _go_on(rows: QuerySet[Any], place: str, reference: str) -> list[Any]:
    """Those that wait for it, due now. One that a worker has taken since then looks by itself: the
    fence is another.
    """
    found = []
    for pk, fence, kept in rows.values_list("pk", "fence", place):
        if reference in kept.get("awaits", ()):
            found.append(pk)
            rows.filter(pk=pk, fence=fence, next_at__gt=Now()).update(next_at=Now())
    return found


def _bring_forward(streams: QuerySet[Stream]) -> bool:
    """A worker that is at it may have looked already: it is read once more afterwards."""
    stream = streams.first()
    if stream is None:
        return False
    now = timezone.now()
    if streams.filter(lease_until__gt=now).update(asked_at=now):
        return True
    last = stream.last_success_at
    soon = max(now, last + BETWEEN) if last else now
    if streams.filter(next_at__gt=soon).update(next_at=soon) and soon == now:
        bell.ring("integrations.tasks.run_stream", stream.pk, queue="live")
    return True
