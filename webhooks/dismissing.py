"""Putting away a delivery that was set aside: a person decides that it needs no work. Replaying it
undoes that while its body is kept.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from logix.accounts import audit
from webhooks.models import Delivery

DISMISSED = "dismissed"


@transaction.atomic
def dismiss(delivery: Delivery, *, actor: str, reason: str) -> bool:
    """Put one delivery away; what was wrong with it stays on its row. False when it was worked, put
    away or taken up again meanwhile.
    """
    changed = Delivery.objects.filter(pk=delivery.pk, state=Delivery.State.PARKED).update(
        state=Delivery.State.IGNORED,
        outcome=DISMISSED,
        done_at=Now(),
        fence=F("fence") + 1,
    )
    if changed:
        audit.record(
            "delivery.dismissed",
            actor=actor,
            merchant=delivery.store.merchant,
            obj=delivery,
            details={"reason": reason},
        )
    return bool(changed)
