"""Working deliveries off: whole payloads in batches without a call, the rest one by one with the
store asked first.

Effects and the ``done`` mark are one transaction guarded by the fence, calls to a store are made
before it. Order of arrival does not matter: what is older than what we have is judged stale where
it is applied.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import structlog
from django.db.models import Q
from django.utils import timezone

from integrations import authentication, sync
from integrations.errors import PlatformError
from integrations.models import Endpoint, Store, StoreStatus
from integrations.sync.applying import CLASHES
from integrations.sync.leases import Fenced
from logix.common.transactions import again_on
from orders.data import Authority
from webhooks import always, claims, hints, many, verdicts
from webhooks import reading as things
from webhooks.asking import ORIGIN
from webhooks.claims import DATABASE_AWAY
from webhooks.models import Delivery
from webhooks.reading import Reading, disagreeing, read
from webhooks.single import apply_one, request_id, work

log = structlog.get_logger(__name__)

_SIGN_OF_LIFE = timedelta(seconds=60)


def process_ready(
    limit: int = 1000, *, budget_s: float = 20.0, ask: Callable[[UUID], None] | None = None
) -> int:
    """Work what is ready, store after store in turn, until nothing is left, ``limit`` or the time
    is reached.

    ``ask`` gets the stores that must be asked before their news are believed (a store may be slow:
    the tasks give each its own); without it they are asked here, after everything else. Return how
    many deliveries were worked.
    """
    until = time.monotonic() + budget_s
    worked = 0
    asked: set[UUID] = set()
    while worked < limit and time.monotonic() < until:
        before = worked
        worked += always.work_ready(limit - worked)
        waiting = claims.waiting_stores()
        turn = [store_id for store_id, fresh, _ in waiting if fresh]
        while turn and worked < limit and time.monotonic() < until:
            counts = {s: _batch(s, min(claims.BATCH, limit - worked)) for s in turn}
            worked += sum(counts.values())
            turn = [s for s in turn if counts[s] == claims.BATCH]
        for store_id, _, again in waiting:
            if not again or worked >= limit or time.monotonic() >= until:
                continue
            if ask is None:
                worked += process_store(store_id, limit=1)
            elif store_id not in asked:
                asked.add(store_id)
                ask(store_id)
        if worked == before:
            break
    return worked


def process_store(store_id: UUID, *, limit: int = 100, budget_s: float = 20.0) -> int:
    """Work one store's deliveries that need a call or failed before, one by one, until one of them
    has to wait. Very many news of orders may be left to the next reading.
    """
    many.leave_to_reading(store_id)
    until = time.monotonic() + budget_s
    worked = 0
    while worked < limit and time.monotonic() < until:
        delivery = claims.claim_again(store_id)
        if delivery is None:
            break
        worked += 1
        if not work(delivery):
            break
    return worked


def process_one(delivery_id: UUID) -> None:
    """Work this delivery now, whole. Does nothing when it is not waiting or its store is not
    active.
    """
    resource = claims.waiting().filter(pk=delivery_id).values_list("resource", flat=True).first()
    if resource is None:
        return
    if resource == Delivery.ALWAYS:
        always.work_one(delivery_id)
        return
    delivery = claims.claim_this(delivery_id)
    if delivery is not None:
        work(delivery)


# -- many at once, without a call
# -------------------------------------------------------------------------------------


def _batch(store_id: UUID, limit: int) -> int:
    """Claim and work fresh deliveries of one store together; what cannot be settled so is left to
    ``_work``.
    """
    rows = claims.claim_fresh(store_id, limit)
    if not rows:
        return 0
    store = Store.objects.get(pk=store_id)
    for row in rows:
        row.store = store
    _note_received(rows)
    try:
        with (
            structlog.contextvars.bound_contextvars(**request_id(rows[0])),
            authentication.adapter_for(store) as adapter,
        ):
            readings = [read(adapter.handle_webhook, row) for row in rows]
            # A store whose keys are refused is not asked again later: a goodbye tells why.
            is_refused = store.status == StoreStatus.NEEDS_MERCHANT
            others = [r for r in readings if not (is_refused and r.says_goodbye)]
            if others:
                again_on(*CLASHES)(lambda: _apply_batch(store, others))
            for reading in readings:
                if is_refused and reading.says_goodbye:
                    apply_one(store, adapter, reading)
    except DATABASE_AWAY:
        raise
    except Exception as err:
        # One by one they tell which of them it is. A fence that is lost shows here, too: release is
        # conditional.
        if not isinstance(err, (Fenced, PlatformError)):
            log.exception("batch_failed", store=str(store_id), deliveries=len(rows))
        now = timezone.now()
        claims.release([claims.outcome(row, Delivery.State.NEW, now=now) for row in rows])
    return len(rows)


def _apply_batch(store: Store, readings: list[Reading]) -> None:
    whole = [r for r in readings if not r.problem and not r.says_nothing and not r.needs_call]
    orders = [record for reading in whole for record in reading.orders]
    products = [record for reading in whole for record in reading.products]
    torn = things.orders(disagreeing(orders)) | things.products(disagreeing(products))
    parked: set[things.Thing] = set()
    observed_at = max(r.delivery.received_at for r in readings)
    if orders:
        done = sync.apply_orders(
            store, orders, authority=Authority.WEBHOOK, observed_at=observed_at, origin=ORIGIN
        )
        torn |= things.orders(done.reread)
        parked |= things.orders(done.parked)
    if store.is_stock_master:
        # Its figures become stock, so how old they are must be known: it is asked.
        torn |= things.products(record.external_id for record in products)
    elif products:
        done = sync.apply_products(store, products, observed_at=observed_at, origin=ORIGIN)
        parked |= things.products(done.parked)
    for reading in whole:
        hints.pass_on(store.pk, reading)
    now = timezone.now()
    claims.settle([verdicts.after(reading, torn, parked, now) for reading in readings])


def _note_received(rows: list[Delivery]) -> None:
    """The endpoints' sign of life, at most once a minute each; here, so that accepting stays one
    INSERT.
    """
    latest = max(row.received_at for row in rows)
    stale = Q(last_received_at=None) | Q(last_received_at__lt=latest - _SIGN_OF_LIFE)
    Endpoint.objects.filter(stale, pk__in={row.endpoint_id for row in rows}).update(
        last_received_at=latest
    )
