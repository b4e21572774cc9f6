"""Erasing a buyer from an order for good. What lies outside the floor of orders is emptied by those
who hear ``signals.buyer_erased``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Any

from django.utils import timezone

from inventory import ledger
from logix.common.crypto import SealBroken
from orders import privacy, signals
from orders.models import Conflict, Order, OrderEvent, OrderPayload, Payment, Refund, Return

_MASK = "•••"
# Shorter words stand in too many sentences that are not about the buyer.
_SHORTEST = 4
# The reason a person gave follows a colon.
_GIVES_REASON = "cancel_requested"


def erase(order: Order, lasting: Collection[str] = ()) -> dict[str, int]:
    """Leave the tombstone (``erased_at``) that every later import obeys, then empty what names the
    buyer, here and wherever it is heard; the names in ``custom`` that are ``lasting`` stay. Return
    how many rows that were, by kind: none the second time. Call through ``services.erase_buyer``,
    which guards against a running import.
    """
    words = _words_of(order)
    for name, value in privacy.EMPTY.items():
        setattr(order, name, value)
    order.external_customer_id = ""
    order.custom = privacy.lasting_of(order.custom, lasting)
    order.erased_at = order.erased_at or timezone.now()
    order.save(update_fields=[*privacy.EMPTY, "external_customer_id", "custom", "erased_at"])
    payments = Payment.objects.filter(order=order).exclude(reference="")
    refunds = Refund.objects.filter(order=order).exclude(reason="")
    returns = Return.objects.filter(order=order).exclude(notes_sealed=None)
    counts = {
        "lines": order.lines.exclude(attributes={}).update(attributes={}),
        "payments": payments.update(reference=""),
        "refunds": refunds.update(reason=""),
        "returns": returns.update(notes_sealed=None),
        "payloads": OrderPayload.objects.filter(order=order).delete()[0],
        "movements": ledger.erase_reasons(order.pk),
        "conflicts": _forget_marks(order),
        "events": _mask_timeline(order, words),
    }
    answers: Any = signals.buyer_erased.send(sender=Order, order=order)
    for _, found in answers:
        counts |= found
    return counts


def _forget_marks(order: Order) -> int:
    """What an address or a note is known again by: an edit of it is then no news any more."""
    found = [x for x in Conflict.objects.filter(order=order) if x.baseline.get("address")]
    for one in found:
        one.baseline |= {"address": "", "note": ""}
        one.save(update_fields=["baseline"])
    return len(found)


def _words_of(order: Order) -> list[str]:
    """What names the buyer, longest first; nothing when the block is empty or does not open."""
    if not order.buyer_sealed:
        return []
    sealed = bytes(order.buyer_sealed)
    try:
        buyer = privacy.open_buyer(
            order.store.data_key_id, order.store_id, order.external_id, sealed
        )
    except SealBroken:
        return []
    told = {buyer.name, buyer.email, buyer.phone, buyer.company, buyer.note}
    for place in (buyer.billing, buyer.shipping):
        told |= {place.name, place.company, place.line1, place.line2, place.phone}
    return sorted((word for word in told if len(word) >= _SHORTEST), key=len, reverse=True)


def _mask_timeline(order: Order, words: list[str]) -> int:
    """A timeline holds no personal data of its own, but a person or the store may have written some
    into a sentence of it.
    """
    names = re.compile("|".join(map(re.escape, words)), re.IGNORECASE) if words else None
    masked = 0
    for event in OrderEvent.objects.filter(order=order):
        title, data = event.title, json.dumps(event.data, ensure_ascii=False)
        if event.kind == _GIVES_REASON:
            title = title.partition(":")[0]
        if names is not None:
            title, data = names.sub(_MASK, title), names.sub(_MASK, data)
        told = {"title": title, "data": json.loads(data)}
        if told != {"title": event.title, "data": event.data}:
            masked += OrderEvent.objects.filter(pk=event.pk).update(**told)
    return masked
