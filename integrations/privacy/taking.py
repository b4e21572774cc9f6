"""A request comes in: kept once, its tombstones left with it, its due date set."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from integrations.events import PrivacyAsk, PrivacyKind
from integrations.models import PrivacyRequest, Store
from integrations.privacy import marks, subjects
from logix.accounts import audit
from logix.common import bell
from orders import privacy as sealed_parts

# GDPR art. 12 (3) gives a month; Shopify asks for 30 days.
# https://shopify.dev/docs/apps/build/compliance/privacy-law-compliance
DUE_AFTER = timedelta(days=30)
CARRY_OUT = "integrations.tasks.carry_out_privacy"


@transaction.atomic
def take(
    store: Store, ask: PrivacyAsk, *, reference: str, asked_at: datetime
) -> tuple[PrivacyRequest, bool]:
    """Keep a request; (row, False) when it is here already. ``reference`` stands in where the
    platform gives none. Whatever state the store is in. Raises SealBroken.
    """
    kind, reference = ask.kind.value, (ask.reference or reference)[:128]
    order_ids = list(dict.fromkeys(ask.order_ids))
    email_index = sealed_parts.email_index(store.merchant_id, ask.email)
    by_itself = ask.kind is not PrivacyKind.EXPORT
    request, created = PrivacyRequest.objects.get_or_create(
        store=store,
        kind=kind,
        reference=reference,
        defaults={
            "order_ids": order_ids,
            "customer_sealed": subjects.seal_customer(store, kind, reference, ask.customer_id),
            "email_index": email_index,
            "asked_at": asked_at,
            "due_at": asked_at + DUE_AFTER,
            "next_at": timezone.now() if by_itself else None,
        },
    )
    if not created:
        return request, False
    if ask.kind is PrivacyKind.ERASE_BUYER:
        marks.leave(
            store,
            order_ids=order_ids,
            customer_id=ask.customer_id,
            email_index=email_index,
            until=asked_at,
        )
    audit.record(
        "privacy.asked",
        actor="platform",
        merchant=store.merchant,
        obj=request,
        details={"kind": kind, "orders_named": len(order_ids)},
    )
    if by_itself:
        bell.ring(CARRY_OUT, str(request.pk), queue="admin")
    return request, True
