"""What stores still prepare for back-fills that were cancelled: they are told that nobody wants it.

A run that was cancelled keeps the place it had in its checkpoint until its store was told. A ring
that is lost is made up for by the clock, and what nobody stops ends by itself.
"""

from __future__ import annotations

from datetime import timedelta

import structlog
from django.db.models.functions import Now

from integrations import authentication
from integrations.errors import PlatformError
from integrations.kit.http import Priority
from integrations.models import RunState, SyncRun
from logix.common import bell

log = structlog.get_logger(__name__)

_TOLD_FOR = timedelta(days=1)


def ring() -> None:
    """A run was cancelled just now whose store may still be at it."""
    bell.ring("integrations.tasks.drop_prepared", queue="bulk")


def drop_prepared(limit: int = 20) -> int:
    """Return how many stores were told. One that cannot be reached is told later."""
    rows = SyncRun.objects.filter(
        state=RunState.CANCELLED,
        finished_at__gt=Now() - _TOLD_FOR,
        checkpoint__has_keys=["whole", "position"],
        store__status="active",
    ).select_related("store__data_key", "store__merchant")
    return sum(_drop(run) for run in rows.order_by("finished_at")[:limit])


def _drop(run: SyncRun) -> bool:
    try:
        with authentication.adapter_for(run.store, priority=Priority.BULK) as adapter:
            adapter.drop_whole(run.checkpoint["position"])
    except PlatformError as err:
        log.warning("prepared_not_dropped", run=str(run.pk), code=err.code)
        return False
    left = {name: value for name, value in run.checkpoint.items() if name != "position"}
    SyncRun.objects.filter(pk=run.pk).update(checkpoint=left)
    return True
