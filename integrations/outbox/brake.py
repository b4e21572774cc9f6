"""The brake on selling a store out by mistake: where far more figures would fall to 0 at once than
its orders explain, they wait for a person. A rule, a closed place or a wrong count does that; what
was sold goes out at once, however much it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from integrations.models import Push, Store
from integrations.outbox import claims, dirty
from integrations.outbox.bylocation import Figures, seen_at
from integrations.outbox.compensating import targets
from integrations.outbox.gate import Closed
from integrations.outbox.reasons import SENTENCES, Reason
from inventory import kits
from inventory.models import Listing, StockMovement, Variant
from logix.accounts import audit

log = structlog.get_logger(__name__)

# So many figures, or this share of a store's if that is more, may fall to 0 unasked.
MOST = 50
SHARE = 5
# Looked at again by itself: the mistake may have been mended.
LOOK_AGAIN = timedelta(minutes=5)

_CHUNK = 1_000
_State = Push.State


def hold_back(store: Store, now: datetime, closed: Closed | None = None) -> int:
    """Block what would sell the store out, if it is too much; return how many. One statement while
    little is due. ``closed``: the gate, before which most of it may have to wait.
    """
    due = claims.due(store.pk, now, closed).exclude(problem_code=Reason.ZERO_CONFIRMED)
    if due.count() <= MOST:
        return 0
    live = Listing.objects.filter(store=store, variant__isnull=False, gone_at=None).count()
    most = max(MOST, live // SHARE)
    ids = list(due.order_by("pk").values_list("listing_id", flat=True))
    waiting = held_back(store.pk)
    if len(ids) + waiting <= most:
        return 0
    zeros: list[UUID] = []
    for start in range(0, len(ids), _CHUNK):
        zeros += _unexplained(ids[start : start + _CHUNK])
    if len(zeros) + waiting <= most:
        return 0
    rows = Push.objects.filter(store=store, listing__in=zeros, state=_State.READY)
    held = rows.update(
        state=_State.BLOCKED,
        fence=F("fence") + 1,
        next_at=now + LOOK_AGAIN,
        problem_code=Reason.MASS_ZERO,
        problem=SENTENCES[Reason.MASS_ZERO].format(count=len(zeros) + waiting, live=live),
    )
    log.warning("push_brake", store=str(store.pk), held=held, live=live)
    return held


def held_back(store_id: UUID) -> int:
    """How many figures wait for somebody to say that they are meant."""
    rows = Push.objects.filter(store=store_id, state=_State.BLOCKED, problem_code=Reason.MASS_ZERO)
    return rows.count()


@transaction.atomic
def go_on(store: Store, *, actor: str) -> int:
    """They are meant: send them. Return how many."""
    rows = Push.objects.filter(store=store, state=_State.BLOCKED, problem_code=Reason.MASS_ZERO)
    freed = rows.update(
        state=_State.READY,
        fence=F("fence") + 1,
        next_at=Now(),
        attempts=0,
        problem_code=Reason.ZERO_CONFIRMED,
        problem="",
    )
    if freed:
        audit.record(
            "outbox.zeros_confirmed",
            actor=actor,
            merchant=store.merchant,
            obj=store,
            details={"listings": freed},
        )
        dirty.ring_pushes(store.pk)
    return freed


def _units(figures: Figures) -> int:
    return sum(figures.values(), start=0)


def _unexplained(listing_ids: Sequence[UUID]) -> list[UUID]:
    """Those that should sell 0 and show more than that, and of whose items no order has taken or
    held a unit since the store was told last.
    """
    live = Listing.objects.filter(pk__in=listing_ids, gone_at=None)
    listings = list(live.select_related("push", "store"))
    wanted = targets(listings)
    zeros = [
        x
        for x in listings
        if wanted[x.pk].value == 0 and _units(seen_at(x)) > _units(wanted[x.pk].told)
    ]
    items = _items(zeros)
    sold: dict[UUID, datetime] = {}
    rows = StockMovement.objects.filter(
        variant__in={item for found in items.values() for item in found}, order_ref__isnull=False
    )
    for item, at in rows.order_by("at").values_list("variant_id", "at"):
        sold[item] = at
    return [x.pk for x in zeros if not _is_sold(x, items[x.pk], sold)]


def _items(listings: Sequence[Listing]) -> dict[UUID, set[UUID]]:
    """What is counted for each: its item, or the parts of a kit."""
    rows = Variant.objects.filter(pk__in={x.variant_id for x in listings if x.variant_id})
    counted = {pk: item or pk for pk, item in rows.values_list("pk", "counted_as_id")}
    recipes = kits.recipes(set(counted.values()))
    found: dict[UUID, set[UUID]] = defaultdict(set)
    for listing in listings:
        if item := counted.get(listing.variant_id):  # type: ignore[arg-type]
            found[listing.pk] = set(recipes.get(item, {item: 1}))
    return found


def _is_sold(listing: Listing, items: set[UUID], sold: dict[UUID, datetime]) -> bool:
    told_at = listing.push.pushed_at
    return any(item in sold and (told_at is None or sold[item] > told_at) for item in items)
