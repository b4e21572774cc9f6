"""What platforms take of orders, as they booked it. The only writer of ``OrderFee``.

It is found by the order's id at the store, so it may come before the order, and reading one costs
no statement more. A payout that settles the order carries the same money: the two are compared,
never added.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from logix.common import bulk
from logix.common.ids import uuid7
from orders.apart import StoreLike, Told
from orders.data import ZERO, FeesData, PartData, PayoutLineKind
from orders.models import Order, OrderFee, PayoutLine


@dataclass(frozen=True, slots=True)
class Sums:
    """What is in the order's currency of what was ``booked``, and ``settled`` in its payouts; None
    where nothing was yet.
    """

    booked: Decimal | None
    settled: Decimal | None

    @property
    def difference(self) -> Decimal:
        """What payouts took less than was booked; 0 as long as one of the two is not known."""
        if self.booked is None or self.settled is None:
            return ZERO
        return self.booked - self.settled


@transaction.atomic
def tell(store: StoreLike, records: Sequence[PartData], *, observed_at: datetime) -> Told:
    """Keep what ``records`` said at ``observed_at``. Three statements at most. Raises ValueError,
    ArithmeticError, DataError, IntegrityError for one that cannot be stored; nothing is written
    then.
    """
    done = Told()
    newest = {(x.external_order_id, x.told.external_id): x for x in records}
    rows = OrderFee.objects.filter(
        store_id=store.pk, external_order_id__in=sorted({order for order, _ in newest})
    )
    known = {(row.external_order_id, row.external_id): row for row in rows}
    new, changed = [], []
    for key, record in newest.items():
        before, told = known.get(key), _columns(record)
        row = {**told, "observed_at": observed_at}
        if before is None:
            order, external_id = key
            ids = {"external_order_id": order, "external_id": external_id}
            new.append({"id": uuid7(), "store_id": store.pk, **ids, **row})
        elif all(getattr(before, name) == value for name, value in told.items()):
            done.unchanged += 1
        elif before.observed_at > observed_at:
            done.stale += 1
        else:
            changed.append({"id": before.pk, **row})
    # One that another process told of in this moment is there then.
    done.created = len(bulk.insert(OrderFee, new, ignore_conflicts=True))
    done.unchanged += len(new) - done.created
    done.changed = len(bulk.update(OrderFee, changed))
    return done


def are_told() -> Exists:
    """Whether there are fees of an order, for a query of orders that asks it by the way."""
    return Exists(
        OrderFee.objects.filter(
            store_id=OuterRef("store_id"), external_order_id=OuterRef("external_id")
        )
    )


def of(order: Order) -> QuerySet[OrderFee]:
    """Oldest first."""
    return OrderFee.objects.filter(store_id=order.store_id, external_order_id=order.external_id)


def sums(order: Order, booked: Iterable[OrderFee], paid_out: Iterable[PayoutLine]) -> Sums:
    """``paid_out``: the order's lines of payouts. What is in another currency is in no sum."""
    mine = [row.total for row in booked if row.currency == order.currency]
    lines = [line for line in paid_out if line.currency == order.currency]
    return Sums(
        booked=sum(mine, ZERO) if mine else None,
        settled=sum(map(_taken, lines), ZERO) if lines else None,
    )


def _taken(line: PayoutLine) -> Decimal:
    """A fee is taken off a line, or is a line of its own."""
    return line.fee - (line.amount if line.kind == PayoutLineKind.FEE else ZERO)


def _columns(record: PartData) -> Mapping[str, Any]:
    told = record.told
    if not isinstance(told, FeesData):
        raise TypeError(f"{record.kind} is kept by another module.")
    if not all(line.amount.is_finite() for line in told.amounts):
        raise ValueError("An amount is no number.")
    return {
        "currency": record.currency,
        "total": sum((line.amount for line in told.amounts), ZERO),
        "amounts": [{"word": line.word, "amount": str(line.amount)} for line in told.amounts],
        "posted_at": told.posted_at,
    }
