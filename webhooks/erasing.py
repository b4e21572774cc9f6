"""What the inbox holds of orders whose buyer was erased: bodies. The rows stay, for the count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Exists, F, OuterRef, QuerySet
from django.db.models.functions import Now

from integrations.models import Store
from orders.models import Order
from webhooks.models import Delivery

_State = Delivery.State
ERASED = "erased"
_BATCH = 1000


def on_buyer_erased(order: Order, **_: Any) -> dict[str, int]:
    """Heard when a buyer is erased (``orders.signals``)."""
    about = Delivery.objects.filter(
        store=order.store_id, resource="order", resource_id=order.external_id[:128]
    )
    return {"deliveries": forget(about)}


def on_erased(store: Store, external_ids: Sequence[str] | None, **_: Any) -> dict[str, int]:
    """Heard when a privacy request is carried out (``integrations.privacy.signals``). Requests that
    wait are left: they are read without the store, and their bodies go then.
    """
    rows = Delivery.objects.filter(store=store)
    if external_ids is not None:
        return {"deliveries": forget(rows.filter(resource="order", resource_id__in=external_ids))}
    waiting = rows.filter(resource=Delivery.ALWAYS, state__in=[_State.NEW, _State.BUSY])
    others = rows.exclude(resource=Delivery.ALWAYS, state__in=[_State.NEW, _State.BUSY])
    return {"deliveries": forget(others), "deliveries_waiting": waiting.count()}


def forget_late() -> int:
    """Stores go on telling of an erased buyer, and what came is named only when it is read: empty
    that, too, once it is worked. Call it hourly.
    """
    erased = Order.objects.filter(
        store=OuterRef("store_id"),
        external_id=OuterRef("resource_id"),
        erased_at__isnull=False,
    )
    worked = Delivery.objects.filter(
        Exists(erased), resource="order", state__in=[_State.DONE, _State.IGNORED, _State.PARKED]
    )
    return forget(worked)


def forget(rows: QuerySet[Delivery]) -> int:
    """Empty these bodies; return how many. What waits is settled by that: the next reading of the
    store brings its news, without the buyer. A worker that is at one ends it by itself.
    """
    total = 0
    rows = rows.filter(body_sealed__isnull=False).order_by()
    while ids := list(rows.values_list("pk", flat=True)[:_BATCH]):
        total += Delivery.objects.filter(pk__in=ids).update(body_sealed=None)
        Delivery.objects.filter(pk__in=ids, state__in=[_State.NEW, _State.PARKED]).update(
            state=_State.IGNORED,
            outcome=ERASED,
            fence=F("fence") + 1,
            done_at=Now(),
            problem_code="",
            problem="",
        )
    return total
