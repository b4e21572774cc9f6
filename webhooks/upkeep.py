"""Keeping the inbox moving: what dead workers held comes back, what can be worked again is, what is
old is emptied.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db.models import Count, F, Min, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric

from integrations import policy
from integrations.models import Store, StoreStatus
from webhooks import claims, erasing
from webhooks.accept import ring
from webhooks.models import Delivery
from webhooks.verdicts import WAITS_FOR_MERCHANT

log = structlog.get_logger(__name__)

WORKER_LOST = "worker_lost"
# A delivery whose worker disappeared this often, the last two times in a row, is what kills it.
_LOST_TIMES = 4

BODY_KEPT = timedelta(days=7)
PARKED_BODY_KEPT = timedelta(days=30)
ROW_KEPT = timedelta(days=35)
_BATCH = 1000

_OVER = (Delivery.State.DONE, Delivery.State.IGNORED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """How the inbox is. ``oldest_ready_age_s`` is the one to watch: it stays small while workers
    work.
    """

    ready: int
    busy: int
    later: int
    held: int
    parked: int
    oldest_ready_age_s: float
    taken_back: int = 0


def sweep() -> Numbers:
    """Every few seconds: take back expired claims, set aside what kills workers, bring back what
    may work now.
    """
    taken_back = _take_back()
    _drop_disconnected()
    for store_id in _reconnected():
        rearm_store(store_id)
    found = numbers(taken_back=taken_back)
    if found.ready:
        ring()
    return found


def _take_back() -> int:
    expired = Delivery.objects.filter(state=Delivery.State.BUSY, lease_until__lt=Now())
    taken = 0
    for row in expired.only("pk", "fence", "attempts", "problem_code")[:_BATCH]:
        kills = row.problem_code == WORKER_LOST and row.attempts >= _LOST_TIMES
        times = f"{row.attempts} times" if row.attempts > 1 else "once"
        told: dict[str, Any] = {
            "fence": F("fence") + 1,
            "lease_until": None,
            "problem_code": WORKER_LOST,
        }
        if kills:
            told["state"] = Delivery.State.PARKED
            told["problem"] = (
                f"The worker disappeared while it worked on this ({times}). It is set aside so "
                "that it stops harming others; the server's log has more."
            )
        else:
            delay = timedelta(seconds=policy.next_delay_s(row.attempts))
            told["state"] = Delivery.State.NEW
            told["next_at"] = Now() + delay
            told["problem"] = f"The worker disappeared while it worked on this ({times})."
        taken += expired.filter(pk=row.pk, fence=row.fence).update(**told)
    if taken:
        log.warning("claims_expired", count=taken)
    return taken


def _drop_disconnected() -> None:
    Delivery.objects.filter(
        state=Delivery.State.NEW, store__status=StoreStatus.DISCONNECTED
    ).exclude(resource=Delivery.ALWAYS).update(
        state=Delivery.State.IGNORED,
        outcome="disconnected",
        body_sealed=None,
        done_at=Now(),
        fence=F("fence") + 1,
    )


def _reconnected() -> list[UUID]:
    parked = Delivery.objects.filter(
        state=Delivery.State.PARKED,
        outcome=WAITS_FOR_MERCHANT,
        store__status=StoreStatus.ACTIVE,
    )
    return list(parked.order_by().values_list("store_id", flat=True).distinct())


def on_store_opened(store: Store, **_: Any) -> None:
    """Connected, resumed, or given new credentials."""
    rearm_store(store)


def rearm_store(store: Store | UUID) -> int:
    """The merchant mended the connection: work what waited for that, and what was to wait longer,
    now.
    """
    store_id = store.pk if isinstance(store, Store) else store
    mine = Delivery.objects.filter(store_id=store_id)
    count = mine.filter(state=Delivery.State.PARKED, outcome=WAITS_FOR_MERCHANT).update(
        state=Delivery.State.NEW,
        attempts=1,
        next_at=Now(),
        fence=F("fence") + 1,
        outcome="",
        problem_code="",
        problem="",
    )
    count += mine.filter(state=Delivery.State.NEW, next_at__gt=Now()).update(next_at=Now())
    if count:
        ring()
    return count


def numbers(rows: QuerySet[Delivery] | None = None, *, taken_back: int = 0) -> Numbers:
    """Counted in one statement. ``held`` belong to stores that are not active, ``later`` wait for
    their next try.
    """
    new = Q(state=Delivery.State.NEW)
    worked = new & claims.WORKED
    is_ready = worked & Q(next_at__lte=Now())
    found = (
        (Delivery.objects.all() if rows is None else rows)
        .exclude(state__in=_OVER)
        .order_by()
        .aggregate(
            ready=Count("pk", filter=is_ready),
            oldest=Min("next_at", filter=is_ready),
            later=Count("pk", filter=worked & Q(next_at__gt=Now())),
            held=Count("pk", filter=new & ~claims.WORKED),
            busy=Count("pk", filter=Q(state=Delivery.State.BUSY)),
            parked=Count("pk", filter=Q(state=Delivery.State.PARKED)),
        )
    )
    oldest = found.pop("oldest")
    age = max(0.0, (timezone.now() - oldest).total_seconds()) if oldest else 0.0
    return Numbers(**found, oldest_ready_age_s=age, taken_back=taken_back)


def metrics() -> Iterator[Metric]:
    """For ``/metrics``."""
    now = numbers()
    yield GaugeMetricFamily(
        "logix_webhooks_oldest_ready_age_seconds",
        "How long the oldest delivery that could be worked has been waiting.",
        value=now.oldest_ready_age_s,
    )
    states = GaugeMetricFamily("logix_webhooks", "Deliveries not done yet.", labels=["state"])
    for name in ("ready", "busy", "later", "held", "parked"):
        states.add_metric([name], getattr(now, name))
    yield states


def has_unapplied_orders(store_id: UUID) -> bool:
    """Whether orders of this store are about to be applied: stock computed now would give back what
    they sold.
    """
    soon = Q(state=Delivery.State.BUSY) | Q(state=Delivery.State.NEW, next_at__lte=Now())
    return Delivery.objects.filter(soon, store_id=store_id, topic__istartswith="order").exists()


def purge() -> dict[str, int]:
    """Empty bodies 7 days after the work was done (parked: 30 days after arrival), delete rows
    after 35, and at once the bodies of orders whose buyer was erased. Parked rows stay until
    somebody decides. Return the counts.
    """
    done = Delivery.objects.filter(state__in=_OVER)
    parked = Delivery.objects.filter(state=Delivery.State.PARKED)
    return {
        "bodies": _empty(done.filter(done_at__lt=Now() - BODY_KEPT))
        + _empty(parked.filter(received_at__lt=Now() - PARKED_BODY_KEPT))
        + erasing.forget_late(),
        "rows": _delete(done.filter(done_at__lt=Now() - ROW_KEPT)),
    }


def _empty(rows: Any) -> int:
    total = 0
    rows = rows.filter(body_sealed__isnull=False).order_by()
    while ids := list(rows.values_list("pk", flat=True)[:_BATCH]):
        total += rows.filter(pk__in=ids).update(body_sealed=None)
    return total


def _delete(rows: Any) -> int:
    total = 0
    while ids := list(rows.order_by().values_list("pk", flat=True)[:_BATCH]):
        total += rows.filter(pk__in=ids).delete()[0]
    return total
