"""Tombstones beyond the orders we have: of orders that were named and are not here yet, and of
buyers, whose orders may still be on their way. What they bought after asking is theirs again.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q

from integrations.models import ErasureMark, Store
from integrations.privacy.buyers import erase_buyer
from logix.common import crypto
from orders.models import Order

_COLUMNS = ("pk", "external_id", "external_customer_id", "email_index", "placed_at")


def leave(
    store: Store,
    *,
    order_ids: Collection[str],
    customer_id: str,
    email_index: str,
    until: datetime,
) -> None:
    """Leave marks: for good on orders, on a buyer's for what was placed up to ``until``. Call in a
    transaction.
    """
    wanted: dict[str, datetime | None] = {_of_order(store.merchant_id, x): None for x in order_ids}
    wanted |= dict.fromkeys(_of_buyer(store.merchant_id, customer_id, email_index), until)
    rows = [ErasureMark(store=store, mark=mark, until=at) for mark, at in wanted.items()]
    ErasureMark.objects.bulk_create(rows, ignore_conflicts=True)
    again = ErasureMark.objects.filter(store=store, until__lt=until)
    again.filter(mark__in=[mark for mark, at in wanted.items() if at]).update(until=until)


def obey(store: Store, order_ids: Collection[UUID]) -> int:
    """Erase those of these orders that bear a mark, which were just imported. Return how many. Call
    in the importing transaction.
    """
    marks = ErasureMark.objects.filter(store_id=store.pk)
    if not marks.exists():
        return 0
    rows = list(Order.objects.filter(pk__in=order_ids, erased_at=None).values(*_COLUMNS))
    borne = {row["pk"]: _borne(store.merchant_id, row) for row in rows}
    every = {mark for found in borne.values() for mark in found}
    until = dict(marks.filter(mark__in=every).values_list("mark", "until"))
    bound = [
        row["pk"]
        for row in rows
        if any(
            mark in until and _reaches(until[mark], row["placed_at"]) for mark in borne[row["pk"]]
        )
    ]
    for order in Order.objects.filter(pk__in=bound).select_related("store"):
        erase_buyer(order, actor="platform")
    return len(bound)


def bearing(order_ids: Collection[str], customer_id: str, email_index: str, until: datetime) -> Q:
    """The orders a request is about, as a condition."""
    bound = Q(external_id__in=list(order_ids))
    if customer_id:
        bound |= Q(external_customer_id=customer_id, placed_at__lte=until)
    if email_index:
        bound |= Q(email_index=email_index, placed_at__lte=until)
    return bound


def _borne(merchant_id: Any, row: dict[str, Any]) -> list[str]:
    return [
        _of_order(merchant_id, row["external_id"]),
        *_of_buyer(merchant_id, row["external_customer_id"], row["email_index"]),
    ]


def _reaches(until: datetime | None, placed_at: datetime) -> bool:
    return until is None or placed_at <= until


def _of_order(merchant_id: Any, external_id: str) -> str:
    return f"o:{crypto.blind_index(merchant_id, f'order:{external_id}')}"


def _of_buyer(merchant_id: Any, customer_id: str, email_index: str) -> list[str]:
    found = []
    if customer_id:
        found.append(f"c:{crypto.blind_index(merchant_id, f'customer:{customer_id}')}")
    if email_index:
        found.append(f"e:{email_index}")
    return found
