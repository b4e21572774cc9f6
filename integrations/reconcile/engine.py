"""Works on a comparison for a slice of time: phase by phase, step by step, each step one
transaction with the place to go on from. A run that was killed goes on where its last step ended.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError
from django.db.models.functions import Now
from django.utils import timezone

from integrations import authentication, policy
from integrations.base import Filters, ReadBy
from integrations.errors import PlatformError
from integrations.kit.http import Priority
from integrations.models import Phase, Reconciliation, ReconciliationState
from integrations.policy import What
from integrations.reconcile import channels, hooks, orders, sample, stock
from integrations.reconcile.desk import Desk, TooMuch
from integrations.sync import leases

log = structlog.get_logger(__name__)

SLICE_S = 30.0
# The next night tries anew, so a store that is down is not waited for longer than this.
MOST_TRIES = 6
_GRACE = timedelta(seconds=1)
# Somebody else must act first, but may do so where we cannot see it.
_RECHECK = timedelta(minutes=15)

_STEPS: Mapping[str, Callable[[Desk], None]] = {
    Phase.LISTS: orders.lists,
    Phase.MISSING: orders.missing,
    Phase.UNLISTED: orders.unlisted,
    Phase.GONE: orders.gone,
    Phase.SAMPLE: sample.sample,
    Phase.STOCK: stock.stock,
    Phase.ZEROS: stock.zeros,
    Phase.CHANNELS: channels.listings,
    Phase.PRODUCTS: stock.products,
}


def compare_slice(run_id: UUID, *, if_due: bool = False) -> bool:
    """Work on a comparison for half a minute. True when there is more to do at once. ``if_due``:
    not before its time, so that a task that was rung for twice does not ask a store that wants
    rest.
    """
    due: dict[str, Any] = {"next_at__lte": Now() + _GRACE} if if_due else {}
    rows = Reconciliation.objects
    due |= {"state": ReconciliationState.RUNNING, "store__status": "active"}
    fence = leases.take(rows, run_id, **due)
    if fence is None:
        return False
    run = rows.select_related("store__data_key", "store__merchant").get(pk=run_id)
    try:
        with authentication.adapter_for(run.store, priority=Priority.BULK) as adapter:
            return _work(Desk(run, fence, adapter))
    except leases.Fenced:
        log.info("fenced", reconciliation=str(run_id))
        return False
    except PlatformError as err:
        authentication.note_failure(run.store, err)
        _wait_or_fail(run, fence, err)
        return False
    except (OperationalError, InterfaceError):
        with contextlib.suppress(OperationalError, InterfaceError):
            leases.drop(rows, run_id, fence)
        raise
    except Exception as err:
        _wait_or_fail(run, fence, err)
        raise
    except BaseException:
        leases.drop(rows, run_id, fence)
        raise


def _work(desk: Desk) -> bool:
    hooks.count(desk)
    end = time.monotonic() + SLICE_S
    while desk.report.phase != Phase.DONE:
        try:
            _STEPS[desk.report.phase](desk)
        except TooMuch as err:
            _end(desk, ReconciliationState.STOPPED, str(err))
            return False
        if time.monotonic() > end:
            desk.drop(next_at=Now())
            return True
    window = Filters(by=ReadBy.PLACED, since=desk.run.window_from, until=desk.run.window_to)
    _end(desk, ReconciliationState.COMPLETE, desk.adapter.withheld(window))
    return False


def _end(desk: Desk, state: str, problem: str) -> None:
    ended = {"state": state, "problem": problem, "finished_at": Now(), "next_at": None}
    if not desk.drop(**ended):
        raise leases.Fenced
    log.info("reconciled", store=str(desk.store.pk), state=str(state), **desk.report.counts)


def _wait_or_fail(run: Reconciliation, fence: int, err: Exception) -> None:
    """Whoever must act, the run goes on at the same place when they have; it ends where waiting
    cannot help, or did not.
    """
    rows = Reconciliation.objects.filter(pk=run.pk)
    tries = rows.values_list("attempts", flat=True).get() + policy.rule_for(err).counts
    decision = policy.decide(err, attempts=max(1, tries))
    told: dict[str, Any] = {"problem": decision.sentence, "attempts": tries}
    if decision.stops_store:
        # No worker takes it while the store rests; it goes on with the store.
        told |= {"next_at": timezone.now(), "attempts": 0}
    elif decision.what is What.REFUSE or tries >= MOST_TRIES:
        told |= {"state": ReconciliationState.FAILED, "finished_at": Now(), "next_at": None}
    else:
        delay_s = decision.delay_s if decision.delay_s is not None else _RECHECK.total_seconds()
        told["next_at"] = timezone.now() + timedelta(seconds=delay_s)
    leases.drop(Reconciliation.objects, run.pk, fence, **told)
