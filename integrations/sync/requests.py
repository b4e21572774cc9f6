"""What people ask of the engine: a run, its pause or cancellation, one order again."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from integrations import authentication
from integrations.base import Filters
from integrations.errors import NotFound, Rejected
from integrations.models import (
    LIVE_STATES,
    RunKind,
    RunState,
    Store,
    Stream,
    StreamName,
    SyncRun,
)
from integrations.sync import applying, beginning, changes, dropping, kinds, opening
from integrations.sync.outcome import Applied
from integrations.sync.windows import OLDEST
from logix.accounts import audit
from logix.common import bell
from logix.common.transactions import again_on
from orders.data import Authority, OrderData


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
    """Ask for changes to be read now (None: the stream is due at once, also where the store is not
    read by itself) or for a back-fill of a window of creation times (its run).

    Raises RunRefused while another run of the stream is live.
    """
    if not store.is_active:
        raise RunRefused(f"{store.name} is not active: {store.get_status_display().lower()}.")
    row = Stream.objects.filter(store=store, name=stream).first()
    if row is None:
        raise RunRefused(f"{store.name} has no {stream} that Logix could read.")
    now = timezone.now()
    # Where reading begins is said of orders; products are read as they are.
    begins = None if stream == StreamName.PRODUCTS else store.import_since
    start = since or begins or OLDEST
    end = until or beginning.newest(now, timedelta(milliseconds=row.skew_ms))
    if start >= end:
        raise RunRefused("The window ends before it begins. Choose an earlier start.")
    told = {"stream": stream, "kind": kind, "since": str(since or ""), "dry_run": dry_run}
    if kind == RunKind.DELTA and since is None and not dry_run:
        if not row.enabled:
            raise RunRefused(f"Reading {stream} of {store.name} is switched off.")
        with transaction.atomic():
            _ask(store, row, now)
            audit.record(
                "sync.requested", actor=actor, merchant=store.merchant, obj=store, details=told
            )
        return None
    if not kinds.of(stream).has_past:
        raise RunRefused(
            f"The {stream} units of {store.name} are read whole each time, so there is no past to "
            "read. Ask for a reading without a date."
        )
    try:
        with transaction.atomic():
            run = SyncRun.objects.create(
                store=store,
                stream=row,
                kind=RunKind.BACKFILL,
                dry_run=dry_run,
                window_from=start,
                window_to=end,
                requested_by=actor,
                next_at=now,
            )
            audit.record(
                "sync.requested", actor=actor, merchant=store.merchant, obj=store, details=told
            )
    except IntegrityError as err:
        raise RunRefused(
            f"Another run of {store.name}'s {stream} is under way. Wait for it, or cancel it first."
        ) from err
    bell.ring("integrations.tasks.run_backfill", str(run.pk), queue="bulk")
    return run


def _ask(store: Store, row: Stream, now: datetime) -> None:
    """Have the stream read at once, and the products that its orders have to wait for."""
    wanted = [row.name]
    if row.name == StreamName.ORDERS and not changes.products_known(store):
        wanted = [StreamName.PRODUCTS, row.name]
    rows = Stream.objects.filter(store=store, name__in=wanted, enabled=True)
    rows.update(asked_at=now, next_at=now)
    for stream_id in rows.order_by("-name").values_list("pk", flat=True):
        bell.ring("integrations.tasks.run_stream", stream_id, queue="live")


def cancel_run(run: SyncRun, *, actor: str) -> None:
    """Stop a run at the next page; what it wrote stays. Raises RunRefused.

    Stock that was to open at its end stays closed, and the run says so: a reading that is complete
    opens it, or somebody's word (``open_stock``).
    """
    with transaction.atomic():
        if not SyncRun.objects.filter(pk=run.pk).stop(opening.left_closed(run)):
            raise RunRefused("The run has ended already; there is nothing to cancel.")
        audit.record("sync.cancel", actor=actor, merchant=run.store.merchant, obj=run)
    if run.checkpoint.get("whole"):
        dropping.ring()


def open_stock(store: Store, *, actor: str) -> int:
    """Take the store's figures as first count now, though its past was not read to the end; return
    how many items were opened. Raises RunRefused.
    """
    if not store.is_active:
        raise RunRefused(f"{store.name} is not active: {store.get_status_display().lower()}.")
    if not opening.is_closed(store):
        raise RunRefused(f"The stock of {store.name} is open already, or is not to be taken over.")
    runs = SyncRun.objects.filter(store=store, stream__name=StreamName.ORDERS, dry_run=False)
    if runs.live().exists():
        raise RunRefused(
            f"The orders of {store.name} are being read. Stock opens when that is complete; cancel "
            "it first to open stock now."
        )
    opened = opening.open_stock(store, before_batch=lambda: None)
    audit.record(
        "stock.opened", actor=actor, merchant=store.merchant, obj=store, details={"items": opened}
    )
    return opened


def pause_run(run: SyncRun, *, actor: str) -> None:
    """Hold a run; ``resume_run`` goes on at the same place. Raises RunRefused."""
    _change(run, actor, "pause", state=RunState.PAUSED)


def resume_run(run: SyncRun, *, actor: str) -> None:
    """Go on with a paused or failed run. Raises RunRefused."""
    resumable = (RunState.PAUSED, RunState.FAILED, RunState.WAITING)
    told = {"state": RunState.QUEUED, "next_at": timezone.now(), "problem": "", "finished_at": None}
    try:
        with transaction.atomic():
            rows = SyncRun.objects.filter(pk=run.pk, state__in=resumable)
            if not rows.update(**told):
                raise RunRefused("Only a paused, waiting or failed run can go on.")
            _forget_tries(run)
            audit.record("sync.resumed", actor=actor, merchant=run.store.merchant, obj=run)
    except IntegrityError as err:
        raise RunRefused(
            f"Another run of {run.store.name}'s {run.stream.name} is under way. "
            "Wait for it, or cancel it first."
        ) from err
    bell.ring("integrations.tasks.run_backfill", str(run.pk), queue="bulk")


def _forget_tries(run: SyncRun) -> None:
    kept = SyncRun.objects.values_list("checkpoint", flat=True).get(pk=run.pk)
    kept.pop("tries", None)
    SyncRun.objects.filter(pk=run.pk).update(checkpoint=kept)


def _change(run: SyncRun, actor: str, verb: str, **changes: object) -> None:
    changed = SyncRun.objects.filter(pk=run.pk, state__in=LIVE_STATES).update(**changes)
    if not changed:
        raise RunRefused(f"The run has ended already; there is nothing to {verb}.")
    audit.record(f"sync.{verb}", actor=actor, merchant=run.store.merchant, obj=run)


def refetch_order(
    store: Store, *, external_id: str = "", number: str = "", actor: str, dry_run: bool = False
) -> Applied:
    """Read one order again by id (or by the number the buyer sees) and apply it. Raises NotFound,
    Rejected for one that stays out, PlatformError.
    """
    with authentication.adapter_for(store) as adapter:
        if not external_id:
            found = next(iter(adapter.sync_orders(Filters(number=number))), None)
            if found is None:
                raise NotFound(f"{store.name} has no order with number {number}.")
            external_id = found.external_id
        observed_at = timezone.now()
        record = adapter.read_order(external_id)
    done = again_on(*applying.CLASHES)(
        lambda: _apply_one(store, record, observed_at, actor, dry_run=dry_run)
    )
    if done.left_out:
        why = done.left_out[record.external_id]
        raise Rejected(f"Order {record.external_id} was left out. {why}", code="left_out")
    return done


def _apply_one(
    store: Store, record: OrderData, observed_at: datetime, actor: str, *, dry_run: bool
) -> Applied:
    with transaction.atomic():
        done = applying.apply_orders(
            store, [record], authority=Authority.BY_ID, observed_at=observed_at, origin=actor
        )
        if dry_run:
            transaction.set_rollback(True)
    return done
