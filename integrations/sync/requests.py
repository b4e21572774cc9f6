"""What people ask of the engine: a run, its pause or cancellation, one order again, a parked record
again.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from integrations import authentication
from integrations.base import Filters, Unreadable
from integrations.errors import ContractBroken, ItemError, NotFound
from integrations.models import (
    LIVE_STATES,
    ParkedRecord,
    RunKind,
    RunState,
    Store,
    Stream,
    StreamName,
    SyncRun,
)
from integrations.sync import applying, backfill, parking
from integrations.sync.outcome import Applied
from logix.accounts import audit
from orders.data import Authority


class RunRefused(Exception):
    """A run that cannot start or change, with the reason for the person who asked."""


def request_run(
    store: Store,
    *,
    stream: str = StreamName.ORDERS,
    kind: str = RunKind.DELTA,
    since: datetime | None = None,
    until: datetime | None = None,
    dry_run: bool = False,
    actor: str,
) -> SyncRun | None:
    """Ask for changes to be read now (None: the stream is due at once) or for a back-fill of a
    window (its run).

    Raises RunRefused while another run of the stream is live.
    """
    if not store.is_active:
        raise RunRefused(f"{store.name} is not active: {store.get_status_display().lower()}.")
    row = Stream.objects.get(store=store, name=stream)
    now = timezone.now()
    audit.record(
        "sync.requested",
        actor=actor,
        merchant=store.merchant,
        obj=store,
        details={"stream": stream, "kind": kind, "since": str(since or ""), "dry_run": dry_run},
    )
    if kind == RunKind.DELTA and since is None and not dry_run:
        Stream.objects.filter(pk=row.pk).update(next_at=now)
        return None
    try:
        with transaction.atomic():
            return SyncRun.objects.create(
                store=store,
                stream=row,
                kind=RunKind.BACKFILL,
                dry_run=dry_run,
                window_from=since or store.import_since or backfill.OLDEST,
                window_to=until or now + timedelta(minutes=10),
                requested_by=actor,
                next_at=now,
            )
    except IntegrityError as err:
        raise RunRefused(
            f"Another run of {store.name}'s {stream} is under way. Wait for it, or cancel it first."
        ) from err


def cancel_run(run: SyncRun, *, actor: str) -> None:
    """Stop a run at the next page; what it wrote stays. Raises RunRefused."""
    _change(run, actor, "cancel", cancel_requested=True)
    idle = SyncRun.objects.filter(pk=run.pk, lease_until=None, state__in=LIVE_STATES)
    idle.update(state=RunState.CANCELLED, finished_at=timezone.now(), next_at=None)


def pause_run(run: SyncRun, *, actor: str) -> None:
    """Hold a run; ``resume_run`` goes on at the same place. Raises RunRefused."""
    _change(run, actor, "pause", state=RunState.PAUSED)


def resume_run(run: SyncRun, *, actor: str) -> None:
    """Go on with a paused or failed run. Raises RunRefused."""
    resumable = (RunState.PAUSED, RunState.FAILED, RunState.WAITING)
    changed = SyncRun.objects.filter(pk=run.pk, state__in=resumable).update(
        state=RunState.QUEUED, next_at=timezone.now(), problem="", finished_at=None
    )
    if not changed:
        raise RunRefused("Only a paused, waiting or failed run can go on.")
    audit.record("sync.resumed", actor=actor, merchant=run.store.merchant, obj=run)


def _change(run: SyncRun, actor: str, verb: str, **changes: object) -> None:
    changed = SyncRun.objects.filter(pk=run.pk, state__in=LIVE_STATES).update(**changes)
    if not changed:
        raise RunRefused(f"The run has ended already; there is nothing to {verb}.")
    audit.record(f"sync.{verb}", actor=actor, merchant=run.store.merchant, obj=run)


def refetch_order(
    store: Store, *, external_id: str = "", number: str = "", actor: str, dry_run: bool = False
) -> Applied:
    """Read one order again by id (or by the number the buyer sees) and apply it. Raises NotFound,
    PlatformError.
    """
    with authentication.adapter_for(store) as adapter:
        if not external_id:
            found = next(iter(adapter.sync_orders(Filters(number=number))), None)
            if found is None:
                raise NotFound(f"{store.name} has no order with number {number}.")
            external_id = found.external_id
        observed_at = timezone.now()
        record = adapter.read_order(external_id)
    with transaction.atomic():
        done = applying.apply_orders(
            store,
            [record],
            authority=Authority.BY_ID,
            observed_at=observed_at,
            origin=actor,
        )
        if dry_run:
            transaction.set_rollback(True)
    return done


def retry_parked(parked: ParkedRecord, *, actor: str) -> bool:
    """Read a parked record again from the store and apply it. True when it is resolved."""
    store = parked.store
    audit.record("parked.retried", actor=actor, merchant=store.merchant, obj=parked)
    return _try_again(store, parked)


def retry_due_parked(limit: int = 50) -> int:
    """Try parked records whose time has come; return how many were resolved."""
    rows = ParkedRecord.objects.filter(
        state=ParkedRecord.State.PARKED, next_at__lte=timezone.now(), store__status="active"
    ).select_related("store", "store__data_key")[:limit]
    return sum(_try_again(row.store, row) for row in rows)


def _try_again(store: Store, parked: ParkedRecord) -> bool:

    try:
        with authentication.adapter_for(store) as adapter:
            observed_at = timezone.now()
            if parked.stream == StreamName.ORDERS:
                order = adapter.read_order(parked.external_id)
                applying.apply_orders(
                    store,
                    [order],
                    authority=Authority.BY_ID,
                    observed_at=observed_at,
                    origin="retry",
                )
            else:
                product = adapter.read_product(parked.external_id)
                applying.apply_products(store, [product], observed_at=observed_at, origin="retry")
    except (ItemError, ContractBroken) as err:
        parking.park(
            store,
            stream=parked.stream,
            unreadable=Unreadable(
                external_id=parked.external_id,
                code=err.code,
                reason=str(err),
                path=getattr(err, "path", "$"),
                raw=parking.raw_of(parked) or b"",
            ),
        )
    parked.refresh_from_db()
    return parked.state == ParkedRecord.State.RESOLVED
