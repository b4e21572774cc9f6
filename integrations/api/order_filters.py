"""The filters of ``GET /orders``: how they are asked for, and the query each becomes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from rest_framework import serializers

from integrations.api.fields import Query, When, Words
from inventory.catalogue import sku_key
from inventory.models import Variant
from orders import privacy
from orders.models import Order, OrderLine
from orders.status import Flag, FulfillmentStatus, ImportState, OrderStatus, PaymentStatus

_AXES = ("order_status", "payment_status", "fulfillment_status", "import_state")
_RANGES = {
    "placed_after": "placed_at__gte",
    "placed_before": "placed_at__lt",
    "changed_after": "changed_at__gte",
    "changed_before": "changed_at__lt",
}


class OrderQuery(Query):
    store = serializers.UUIDField(required=False)
    order_status = Words(OrderStatus)
    payment_status = Words(PaymentStatus)
    fulfillment_status = Words(FulfillmentStatus)
    import_state = Words(ImportState)
    flag = Words(Flag, help_text=f"Orders with any of these: {', '.join(Flag)}.")
    number = serializers.CharField(required=False, help_text="Exactly, as the buyer sees it.")
    external_id = serializers.CharField(required=False, help_text="The order's id in the store.")
    email = serializers.CharField(
        required=False, help_text="The buyer's address, in full. Needs the scope `pii`."
    )
    sku = serializers.CharField(required=False, help_text="Orders with a line of this SKU.")
    placed_after = When(required=False, help_text="At or after.")
    placed_before = When(required=False)
    changed_after = When(required=False, help_text="Changed at the store at or after.")
    changed_before = When(required=False)


def apply(rows: QuerySet[Order], merchant_id: UUID, asked: dict[str, Any]) -> QuerySet[Order]:
    """``asked`` is what ``OrderQuery`` validated."""
    if "store" in asked:
        rows = rows.filter(store_id=asked["store"])
    for axis in _AXES:
        if words := asked.get(axis):
            rows = rows.filter(**{axis: words[0]} if len(words) == 1 else {f"{axis}__in": words})
    if words := asked.get("flag"):
        flagged = Q()
        for word in words:
            flagged |= Q(flags__contains=word)
        rows = rows.exclude(flags="").filter(flagged)
    for name in ("number", "external_id"):
        if name in asked:
            rows = rows.filter(**{name: asked[name]})
    if "email" in asked:
        rows = rows.filter(email_index=privacy.email_index(merchant_id, asked["email"]))
    for name, lookup in _RANGES.items():
        if name in asked:
            rows = rows.filter(**{lookup: asked[name]})
    if "sku" in asked:
        rows = rows.filter(pk__in=_orders_with(merchant_id, asked["sku"]))
    return rows


def _orders_with(merchant_id: UUID, sku: str) -> QuerySet[OrderLine, Any]:
    """Lines of the variant that has this SKU here, and lines whose SKU nobody knows yet. Both are
    read by an index.
    """
    key = sku_key(sku)
    variants = Variant.objects.filter(merchant_id=merchant_id, sku_key=key).values("pk")
    known = OrderLine.objects.filter(variant__in=variants).order_by().values("order_id")
    unknown = (
        OrderLine.objects.filter(
            variant=None, removed_at=None, sku=sku.strip(), order__merchant_id=merchant_id
        )
        .order_by()
        .values("order_id")
    )
    return known.union(unknown, all=True) if key else unknown
