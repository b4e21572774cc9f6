"""By which way the orders of a store were first heard of, day by day; and stores whose webhooks
have fallen silent while polling goes on finding orders. Counted from the orders themselves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, Exists, F, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce, TruncDate

from integrations.models import Endpoint, NewsQueue, Store, StoreStatus
from logix.common.zones import zone
from orders.models import Order
from orders.status import CameBy

DAYS = 7
# A quiet hour proves nothing; so many orders that no webhook told of do.
SILENT_FOR = timedelta(hours=1)
UNTOLD = 3


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Orders placed on a ``day`` of the store's calendar: ``told`` by webhooks; ``polled`` and
    ``compared``, which no webhook had told of when polling or the comparison found them; and
    ``others``, read with all orders, by their number, or before this was kept.
    """

    day: date
    told: int
    polled: int
    compared: int
    others: int

    @property
    def rescued(self) -> int:
        return self.polled + self.compared

    def words(self, by_webhooks: bool) -> str:
        """``by_webhooks``: the store sends some, so what polling finds was missed by them."""
        words = f"polling found {self.polled}"
        if by_webhooks:
            words = f"webhooks told {self.told}, polling rescued {self.polled}"
        if self.compared:
            words += f", the comparison {self.compared}"
        return f"{words}, read otherwise {self.others}" if self.others else words


@dataclass(frozen=True, slots=True)
class Silence:
    """``since``: when a webhook came last, or when the store could first have sent one.
    ``by_queue``: it is a message of a queue that did not come.
    """

    store: Store
    since: datetime
    untold: int
    by_queue: bool = False

    @property
    def remedy(self) -> str:
        return QUEUE_REMEDY if self.by_queue else REMEDY

    def words(self, now: datetime) -> str:
        hours = int((now - self.since).total_seconds() // 3600)
        long = "an hour" if hours == 1 else f"{hours} hours"
        if hours >= 48:
            long = f"{hours // 24} days"
        news = "No news has come through the queue" if self.by_queue else "No webhook has come"
        return (
            f"{news} for {long}; {self.untold} orders that were placed meanwhile were "
            "found by polling."
        )


REMEDY = (
    "Check the webhooks. If they are in order, look at the store's own list of failed deliveries, "
    "and whether a firewall or a stopped job queue keeps them from this hub."
)
QUEUE_REMEDY = (
    "Check the webhooks. If they are in order, look whether another program takes messages out of "
    "the queue."
)


def arrivals(store: Store, now: datetime) -> list[Arrivals]:
    """The last seven days on which orders were placed, newest first. One statement."""
    rows = Order.objects.filter(store=store, placed_at__gte=now - timedelta(days=DAYS))
    by_day = rows.annotate(day=TruncDate("placed_at", tzinfo=zone(store.timezone))).order_by()
    counts: dict[date, dict[str, int]] = defaultdict(dict)
    for day, came_by, count in by_day.values_list("day", "came_by").annotate(n=Count("pk")):
        counts[day][came_by] = count
    return [_of(day, counts[day]) for day in sorted(counts, reverse=True)]


def is_quiet(endpoint: Endpoint, now: datetime) -> bool:
    """Whether it is worth asking for ``silences``. No statement."""
    return (endpoint.last_received_at or endpoint.created_at) < now - SILENT_FOR


def silences(stores: QuerySet[Store], now: datetime) -> Sequence[Silence]:
    """Stores whose webhooks should come and do not. One statement."""
    sent = Endpoint._meta.get_field("deliveries").related_model._default_manager
    found_alone = (
        Order.objects.filter(
            store=OuterRef("store"), came_by=CameBy.POLL, placed_at__gt=OuterRef("since")
        )
        .order_by()
        .values("store")
        .annotate(n=Count("pk"))
        .values("n")
    )
    rows = (
        Endpoint.objects.filter(
            store__in=stores,
            store__status=StoreStatus.ACTIVE,
            store__auto_sync=True,
            status=Endpoint.Status.ACTIVE,
            problem="",
        )
        .exclude(subscriptions=[])
        .annotate(since=Coalesce(F("last_received_at"), F("created_at")))
        .filter(since__lt=now - SILENT_FOR)
        # What waits in the inbox was not looked at yet, and is no silence.
        .filter(~Exists(sent.filter(endpoint=OuterRef("pk"), received_at__gt=OuterRef("since"))))
        .annotate(untold=Subquery(found_alone, output_field=IntegerField()))
        .filter(untold__gte=UNTOLD)
        .annotate(by_queue=Exists(NewsQueue.objects.filter(endpoint=OuterRef("pk"))))
        .select_related("store")
        .order_by("store__name", "pk")
    )
    return [Silence(row.store, row.since, row.untold, row.by_queue) for row in rows]


def _of(day: date, counts: dict[str, int]) -> Arrivals:
    told = counts.get(CameBy.WEBHOOK, 0)
    polled, compared = counts.get(CameBy.POLL, 0), counts.get(CameBy.COMPARISON, 0)
    others = sum(counts.values()) - told - polled - compared
    return Arrivals(day, told, polled, compared, others)
