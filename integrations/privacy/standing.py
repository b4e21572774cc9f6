"""How long buyers' data are kept by each store that has a bound, and whether it holds: for people,
metrics and the compliance report. Counts and times, no buyer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Subquery

from integrations import keeping, registry
from integrations.models import Store
from orders import ending
from orders.models import Order

# So short before the bound nothing should be left: they go a day before it.
NEAR = timedelta(hours=12)
REMEDY = (
    "They are erased every hour: see that worker and clock run and that a worker serves the lane "
    "bulk. The log says buyer_not_purged where an order could not be."
)


@dataclass(frozen=True, slots=True)
class Kept:
    """``since``: when the order ended whose buyer has been kept longest since; None: no order that
    ended has one. Of a store that is not asked any more it counts from then.
    """

    store: Store
    kept_for: timedelta | None
    since: datetime | None

    def age(self, now: datetime) -> timedelta:
        return max(timedelta(), now - self.since) if self.since else timedelta()

    def is_near(self, now: datetime) -> bool:
        return self.kept_for is not None and self.age(now) > self.kept_for - NEAR

    def is_broken(self, now: datetime) -> bool:
        return self.kept_for is not None and self.age(now) > self.kept_for

    def words(self, now: datetime) -> str:
        bound = self.kept_for.days if self.kept_for else 0
        kept = f"Buyers' data are kept {self.age(now).days} days after an order had ended"
        return f"{kept}, where {bound} are allowed."


def standing(stores: QuerySet[Store]) -> Iterator[Kept]:
    """One statement."""
    mine: QuerySet[Order] = Order.objects.filter(store=OuterRef("pk"), erased_at=None)
    ended = mine.filter(ending.OVER, ended_at__isnull=False).order_by("ended_at")
    rows: Any = stores.annotate(
        kept_since=Subquery(ended.values("ended_at")[:1]), keeps_some=Exists(mine)
    )
    for store in rows:
        try:
            card = registry.card(store.platform)
        except registry.UnknownPlatform:
            continue
        kept_for, since = keeping.kept_for(card, store), [store.kept_since]
        end = keeping.silence_ends(card, store) if store.keeps_some else None
        if end is not None and kept_for is not None:
            since.append(end - kept_for)
        yield Kept(store, kept_for, min((at for at in since if at), default=None))


def near(stores: QuerySet[Store], now: datetime) -> list[Kept]:
    """Those that need somebody, the longest kept first."""
    found = [kept for kept in standing(stores) if kept.is_near(now)]
    return sorted(found, key=lambda kept: kept.age(now), reverse=True)
