"""Working deliveries again because a person asks for it. Idempotent: what is already so stays so.
Every replay is audited.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from integrations.models import Store
from logix.accounts import audit
from orders.models import Order
from webhooks.accept import ring
from webhooks.models import Delivery

_OVER = (Delivery.State.DONE, Delivery.State.IGNORED, Delivery.State.PARKED)


def replay(delivery: Delivery, *, actor: str) -> bool:
    """Put one delivery back to work. False when it is waiting or being worked already, or its body
    has expired.
    """
    return replay_all(Delivery.objects.filter(pk=delivery.pk), actor=actor) == 1


def replay_range(
    store: Store,
    *,
    since: datetime,
    until: datetime,
    actor: str,
    states: Sequence[str] = _OVER,
) -> int:
    """Put everything a store sent from ``since`` (inclusive) to ``until`` (exclusive) back to work.
    Return how many.
    """
    return replay_all(chosen(store=store, since=since, until=until, states=states), actor=actor)


def chosen(
    *,
    store: Store | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    states: Sequence[str] = _OVER,
    topic: str = "",
    order_number: str = "",
) -> QuerySet[Delivery]:
    """Deliveries by what people know of them; all conditions hold together. Times are aware."""
    rows = Delivery.objects.filter(state__in=states)
    if store is not None:
        rows = rows.filter(store=store)
    if since is not None:
        rows = rows.filter(received_at__gte=since)
    if until is not None:
        rows = rows.filter(received_at__lt=until)
    if topic:
        rows = rows.filter(topic__istartswith=topic)
    if order_number:
        rows = rows.filter(_about_order(store, order_number))
    return rows


def _about_order(store: Store | None, number: str) -> Q:
    """By the order's number where we have the order, by the platform's id in any case."""
    orders = Order.objects.filter(number=number)
    if store is not None:
        orders = orders.filter(store=store)
    about = Q(resource="order", resource_id=number)
    for store_id, external_id in orders.values_list("store_id", "external_id"):
        about |= Q(store_id=store_id, resource="order", resource_id=external_id)
    return about


def replayable(rows: QuerySet[Delivery]) -> QuerySet[Delivery]:
    """Those that are over and still have their body."""
    return rows.filter(state__in=_OVER, body_sealed__isnull=False)


@transaction.atomic
def replay_all(rows: QuerySet[Delivery], *, actor: str) -> int:
    """Put these back to work as far as ``replayable``, audited per store. Return how many."""
    total = 0
    rows = replayable(rows).order_by()
    store_ids = set(rows.values_list("store_id", flat=True))
    for store in Store.objects.filter(pk__in=store_ids).select_related("merchant"):
        mine = rows.filter(store=store)
        sample = list(mine.values_list("pk", flat=True)[:20])
        count = mine.update(
            state=Delivery.State.NEW,
            attempts=0,
            next_at=Now(),
            lease_until=None,
            fence=F("fence") + 1,
            done_at=None,
            outcome="",
            problem_code="",
            problem="",
        )
        total += count
        if count:
            audit.record(
                "deliveries.replayed",
                actor=actor,
                merchant=store.merchant,
                obj=store,
                details={"count": count, "first": [str(pk) for pk in sample]},
            )
    if total:
        ring()
    return total
