"""Whom a request is about: sealed while it is open, and found again among the store's orders."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from integrations.models import PrivacyRequest, Store
from integrations.privacy import marks
from logix.accounts import keys
from orders.models import Order

# The columns of a request that is done: nobody is found by them.
FORGOTTEN: dict[str, Any] = {"customer_sealed": None, "email_index": ""}

_PLACE = ("integrations_privacyrequest", "customer_sealed")


def seal_customer(store: Store, kind: str, reference: str, customer_id: str) -> bytes | None:
    """Raises SealBroken."""
    if not customer_id:
        return None
    vault = keys.vault(store.data_key_id)
    return vault.seal(customer_id.encode(), *_PLACE, _row(store, kind, reference))


def customer_of(request: PrivacyRequest) -> str:
    """The platform's id of the buyer; '' when none was told or the request is done. Raises
    SealBroken.
    """
    if not request.customer_sealed:
        return ""
    row = _row(request.store, request.kind, request.reference)
    sealed = bytes(request.customer_sealed)
    return keys.vault(request.store.data_key_id).open(sealed, *_PLACE, row).decode()


def orders_of(request: PrivacyRequest) -> QuerySet[Order]:
    """The orders a request about a buyer reaches, erased ones too. Raises SealBroken."""
    bound = marks.bearing(
        request.order_ids, customer_of(request), request.email_index, request.asked_at
    )
    return Order.objects.filter(bound, store=request.store_id).order_by("placed_at", "pk")


def _row(store: Store, kind: str, reference: str) -> str:
    return f"{store.pk}:{kind}:{reference}"
