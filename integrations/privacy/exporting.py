"""What is kept of a buyer who asks: one JSON document of their orders, for staff to pass on."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from django.db import transaction
from django.utils import timezone

from integrations.lifecycle import ConnectError
from integrations.models import PrivacyRequest
from integrations.privacy import subjects
from logix.accounts import audit
from orders import services
from orders.models import Order, OrderEvent
from orders.shapes import PARTS, event, in_full


@transaction.atomic
def bundle(request: PrivacyRequest, *, actor: str) -> bytes:
    """The document, UTF-8 JSON; who took it stands in the audit log. Raises SealBroken, and
    ConnectError once the request is done: whom it was about is forgotten then.
    """
    _refuse_unless_open(request)
    orders = subjects.orders_of(request).select_related("store", "payload")
    rows = list(orders.prefetch_related(*PARTS))
    store = request.store
    document = {
        "request": {"reference": request.reference, "asked_at": request.asked_at},
        "store": {"name": store.name, "platform": store.platform, "address": store.base_url},
        "orders": [_order(order) for order in rows],
    }
    PrivacyRequest.objects.filter(pk=request.pk).update(orders_done=len(rows))
    audit.record(
        "privacy.bundle_taken",
        actor=actor,
        merchant=store.merchant,
        obj=request,
        details={"orders": len(rows)},
    )
    return msgspec.json.format(msgspec.json.encode(document))


@transaction.atomic
def mark_done(request: PrivacyRequest, *, actor: str) -> None:
    """The buyer has what they asked for. Raises ConnectError when it is done already."""
    rows = PrivacyRequest.objects.open().filter(pk=request.pk, kind=PrivacyRequest.Kind.EXPORT)
    done = {"state": PrivacyRequest.State.DONE, "done_at": timezone.now(), "done_by": actor[:150]}
    if not rows.update(**subjects.FORGOTTEN, **done):
        raise ConnectError("This request is done already.", code="wrong_state")
    audit.record(
        "privacy.done",
        actor=actor,
        merchant=request.store.merchant,
        obj=request,
        details={"kind": request.kind},
    )


def _refuse_unless_open(request: PrivacyRequest) -> None:
    is_export = request.kind == PrivacyRequest.Kind.EXPORT
    if not is_export or request.state != PrivacyRequest.State.OPEN:
        raise ConnectError("Nothing is told for this request any more.", code="wrong_state")


def _order(order: Order) -> dict[str, Any]:
    shape = in_full(order, services.buyer_of(order))
    shape["timeline"] = [event(x) for x in OrderEvent.objects.filter(order=order).order_by("pk")]
    raw = services.payload_of(order)
    return {**shape, "as_the_store_sent_it": json.loads(raw) if raw else None}
