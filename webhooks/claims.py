"""Taking deliveries to work on and giving them back: conditional updates with a fence, attempts
counted beforehand.

The fence settles the race of a worker that slept past its lease: ``settle`` finds another fence and
writes nothing. Claims are committed before the work starts, so a delivery that kills its worker has
been counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import InterfaceError, OperationalError, connection
from django.db.models import Count, Min, Q, QuerySet
from django.db.models.functions import Now

from integrations.models import StoreStatus
from integrations.sync.leases import Fenced
from logix.common import bulk
from webhooks.models import Delivery

LEASE = timedelta(seconds=60)
# Nothing can be written down now: the lease runs out and the sweeper brings the delivery back.
DATABASE_AWAY = (OperationalError, InterfaceError)
# One worker at a time asks a store, unless it has been silent for so long that it may be gone.
_ALONE = timedelta(seconds=30)
BATCH = 50

# What a paused store sends waits until it is resumed. One whose credentials are dead cannot be
# asked, but its own word is still good: orders go on flowing in, or its stock would be sold
# elsewhere.
# What is always worked is worked on its own (``webhooks.always``).
_ALWAYS = Q(resource=Delivery.ALWAYS)
TAKEN = ~_ALWAYS & (
    Q(store__status=StoreStatus.ACTIVE) | Q(store__status=StoreStatus.NEEDS_MERCHANT, attempts=0)
)
WORKED = TAKEN | _ALWAYS

_NOW = {
    "postgresql": "STATEMENT_TIMESTAMP()",
    "sqlite": "STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW')",
}
_LATER = {
    "postgresql": "(STATEMENT_TIMESTAMP() + INTERVAL '{s} seconds')",
    "sqlite": "STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW', '+{s} seconds')",
}

_FRESH = "d.store_id = %s AND d.attempts = 0 AND d.next_at <= {now} AND d.resource <> 'always'"
# The store is named in the inner part as well: looked up for every row of the outer one, a burst of
# thousands would take a minute a claim.
_AGAIN = (
    "d.store_id = %s AND d.attempts > 0 AND d.next_at <= {now} AND d.resource <> 'always' "
    "AND NOT EXISTS ("
    "SELECT 1 FROM webhooks_delivery b WHERE b.store_id = %s AND b.state = 'busy' "
    "AND b.attempts > 1 AND b.lease_until > {alone})"
)
_THIS = "d.id = %s"
# Orders hold stock, and a shop may tell of thousands of products at once.
_ORDERS_FIRST = "CASE WHEN d.resource = 'product' THEN 1 ELSE 0 END"


def waiting() -> QuerySet[Delivery]:
    """Deliveries that will be worked, now or when they are due."""
    return Delivery.objects.filter(WORKED, state=Delivery.State.NEW)


def ready() -> QuerySet[Delivery]:
    """Deliveries that may be worked now, those of their stores."""
    return Delivery.objects.filter(TAKEN, state=Delivery.State.NEW, next_at__lte=Now())


def ready_always() -> QuerySet[Delivery]:
    """Deliveries that may be worked now whatever state their stores are in."""
    return Delivery.objects.filter(_ALWAYS, state=Delivery.State.NEW, next_at__lte=Now())


def waiting_stores() -> list[tuple[UUID, bool, bool]]:
    """Stores with something to do, longest waiting first: (id, has fresh ones, has ones to be tried
    again).
    """
    rows = (
        ready()
        .order_by()
        .values("store_id")
        .annotate(
            fresh=Count("pk", filter=Q(attempts=0)),
            again=Count("pk", filter=Q(attempts__gt=0)),
            oldest=Min("received_at"),
        )
        .order_by("oldest")
    )
    return [(row["store_id"], row["fresh"] > 0, row["again"] > 0) for row in rows]


def claim_fresh(store_id: UUID, limit: int = BATCH) -> list[Delivery]:
    """Take the oldest deliveries nobody has touched yet."""
    return _claim(_FRESH, store_id, limit)


def claim_again(store_id: UUID) -> Delivery | None:
    """Take one delivery that needs a call or failed before; None while another worker is at this
    store.
    """
    return next(iter(_claim(_AGAIN, store_id, 1)), None)


def claim_this(delivery_id: UUID) -> Delivery | None:
    """Take this one, due or not. None when it is not waiting."""
    return next(iter(_claim(_THIS, delivery_id, 1)), None)


def _claim(condition: str, key: UUID, limit: int) -> list[Delivery]:
    """One statement picks, marks, counts and returns. Two workers never get the same row: ``state``
    is asked again when the row is written, and the fence is raised with it.
    """
    vendor = connection.vendor
    now = _NOW[vendor]
    skip = "FOR UPDATE SKIP LOCKED" if connection.features.has_select_for_update_skip_locked else ""
    where = condition.format(now=now, alone=_later(_ALONE))
    # Materialized: PostgreSQL may otherwise run the pick again for every row and take more than
    # LIMIT.
    sql = (
        "WITH picked AS MATERIALIZED ("  # noqa: S608 - all parts are constants of this file
        f"SELECT d.id FROM webhooks_delivery d WHERE d.state = 'new' AND {where} "
        f"ORDER BY {_ORDERS_FIRST}, d.received_at, d.id LIMIT {limit:d} {skip}) "
        "UPDATE webhooks_delivery SET state = 'busy', attempts = attempts + 1, fence = fence + 1, "
        f"lease_until = {_later(LEASE)} "
        "WHERE state = 'new' AND id IN (SELECT id FROM picked) RETURNING *"
    )
    field = Delivery._meta.pk
    param = field.get_db_prep_value(key, connection)
    rows = list(Delivery.objects.raw(sql, [param] * condition.count("%s")))
    return sorted(rows, key=lambda row: (row.received_at, row.pk))


def _later(span: timedelta) -> str:
    return _LATER[connection.vendor].format(s=int(span.total_seconds()))


def keep(delivery: Delivery) -> None:
    """Renew the lease before a call to the store. Raises Fenced."""
    kept = Delivery.objects.filter(
        pk=delivery.pk, state=Delivery.State.BUSY, fence=delivery.fence
    ).update(lease_until=Now() + LEASE)
    if not kept:
        raise Fenced


def outcome(
    delivery: Delivery,
    state: str,
    *,
    now: datetime,
    outcome: str = "",
    code: str = "",
    problem: str = "",
    next_at: datetime | None = None,
    counts: bool = True,
) -> dict[str, Any]:
    """What a claimed delivery is to become, as a row for ``settle``. ``next_at`` for one that is
    tried again; ``counts`` False takes the attempt back.
    """
    over = state in (Delivery.State.DONE, Delivery.State.IGNORED)
    return {
        "id": delivery.pk,
        "fence": delivery.fence + 1,
        "state": str(state),
        "outcome": outcome[:40],
        "problem_code": code[:60],
        "problem": problem,
        "topic": delivery.topic,
        "resource": delivery.resource,
        "resource_id": delivery.resource_id,
        "attempts": delivery.attempts if counts else max(1, delivery.attempts - 1),
        "next_at": next_at or delivery.next_at,
        "lease_until": None,
        "done_at": now if over else None,
    }


def settle(rows: Sequence[dict[str, Any]]) -> None:
    """Write outcomes, all or none. Raises Fenced when any of the rows is somebody else's by now:
    call it inside the transaction that holds the effects.
    """
    if len(bulk.update(Delivery, rows, versioned="fence")) != len(rows):
        raise Fenced


def release(rows: Sequence[dict[str, Any]]) -> None:
    """Write outcomes of those that are still ours; the others are in good hands."""
    bulk.update(Delivery, rows, versioned="fence")
