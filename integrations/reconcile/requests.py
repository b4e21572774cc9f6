"""What people and the clock ask of the comparisons: a run, and that a stopped one goes on."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from integrations.models import (
    Reconciliation,
    ReconciliationState,
    Store,
    Stream,
    StreamName,
    SyncRun,
)
from integrations.sync import RunRefused
from logix.accounts import audit
from logix.common import bell

DAYS = 30
MOST_DAYS = 365
# Younger orders may be on their way here by webhook or poll.
FRESH = timedelta(minutes=15)
TOO_OLD = timedelta(days=2)


def request(
    store: Store, *, days: int | None = None, dry_run: bool = False, actor: str
) -> Reconciliation:
    """Compare the store now, its orders placed in so many ``days`` (the store's option
    ``reconcile_days``, else 30). Raises RunRefused while that makes no sense.
    """
    _refuse(store)
    now = timezone.now()
    wanted = days or store.options.get("reconcile_days") or DAYS
    since, until = _window(store, now, int(wanted))
    try:
        with transaction.atomic():
            _give_up_old(store, now)
            run = Reconciliation.objects.create(
                store=store,
                dry_run=dry_run,
                window_from=since,
                window_to=until,
                requested_by=actor,
                next_at=now,
            )
            if actor != "system":
                audit.record(
                    "reconciliation.requested",
                    actor=actor,
                    merchant=store.merchant,
                    obj=store,
                    details={"days": int(wanted), "dry_run": dry_run},
                )
    except IntegrityError as err:
        raise RunRefused(f"{store.name} is being compared already. Wait for that to end.") from err
    ring(run)
    return run


def go_on(run: Reconciliation, *, actor: str) -> None:
    """A person says that so much is to be changed all the same. Raises RunRefused."""
    if not run.store.is_active:
        raise RunRefused(f"{run.store.name} is not active. Resume it first.")
    newest = Reconciliation.objects.filter(store=run.store_id).first()
    if newest is None or newest.pk != run.pk:
        raise RunRefused("The store was compared again since. Let the newest comparison go on.")
    told = {"state": ReconciliationState.RUNNING, "go_on": True, "problem": ""}
    with transaction.atomic():
        stopped = Reconciliation.objects.filter(pk=run.pk, state=ReconciliationState.STOPPED)
        if not stopped.update(**told, finished_at=None, next_at=timezone.now()):
            raise RunRefused("Only a comparison that stopped to ask can go on.")
        audit.record(
            "reconciliation.gone_on",
            actor=actor,
            merchant=run.store.merchant,
            obj=run.store,
            details={"asked": run.problem},
        )
    ring(run)


def ring(run: Reconciliation) -> None:
    bell.ring("integrations.tasks.compare", str(run.pk), queue="bulk")


def _refuse(store: Store) -> None:
    if not store.is_active:
        raise RunRefused(f"{store.name} is not active: {store.get_status_display().lower()}.")
    orders = Stream.objects.filter(store=store, name=StreamName.ORDERS)
    if not orders.filter(read_through__isnull=False).exists():
        raise RunRefused(f"The orders of {store.name} were not read yet. Wait for that first.")
    runs = SyncRun.objects.filter(store=store, stream__name=StreamName.ORDERS, dry_run=False)
    if runs.live().exists():
        raise RunRefused(
            f"All orders of {store.name} are being read. Wait for that to end, or cancel it first."
        )


def _give_up_old(store: Store, now: datetime) -> None:
    """One that the store's rest, or ours, kept from its end compares days that are long past."""
    old = Reconciliation.objects.filter(
        Q(lease_until=None) | Q(lease_until__lt=now),
        store=store,
        state=ReconciliationState.RUNNING,
        created_at__lt=now - TOO_OLD,
    )
    old.update(
        state=ReconciliationState.FAILED,
        problem="It did not come to its end for two days; a newer comparison takes its place.",
        finished_at=now,
        next_at=None,
        fence=F("fence") + 1,
    )


def _window(store: Store, now: datetime, days: int) -> tuple[datetime, datetime]:
    """Not before the day from which the merchant wants orders here. Whole seconds, as stores
    count. Raises RunRefused.
    """
    until = (now - FRESH).replace(microsecond=0)
    since = until - timedelta(days=days)
    if store.import_since is not None:
        since = max(since, store.import_since.replace(microsecond=0))
    if since >= until:
        raise RunRefused(f"{store.name} has no orders to compare yet. Try again in an hour.")
    return since, until
