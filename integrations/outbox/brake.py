"""The brake on selling a store out by mistake: where far more figures would fall to 0 at once than
its orders explain, they wait for a person. A rule, a closed place or a wrong count does that; what
was sold goes out at once, however much it is.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from integrations.models import Push, Store
from integrations.outbox import claims, dirty
from integrations.outbox.bylocation import Figures, seen_at
from integrations.outbox.compensating import targets
from integrations.outbox.gate import Closed
from integrations.outbox.reasons import SENTENCES, Reason
from integrations.outbox.taken import taken
from inventory import plenty
from inventory.models import Listing
from logix.accounts import audit
from logix.common.garbage import collect_young

log = structlog.get_logger(__name__)

# So many figures, or this share of a store's if that is more, may fall to 0 unasked.
MOST = 50
SHARE = 5
# Looked at again by itself: the mistake may have been mended.
LOOK_AGAIN = timedelta(minutes=5)
# A look that computes more than so many takes seconds, so what it allowed holds for the tasks that
# follow: they would do nothing but look.
LARGE = 5_000
_HOLDS_S = 120.0

_CHUNK = 1_000
_State = Push.State


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found: figures that were ``held`` back, how many may fall to 0 before the next
    look is due, and how many figures it ``computed``.
    """

    held: int
    allowed: int
    computed: int = 0


class Allowances:
    """How many figures of each store may fall to 0 before it has to be looked at again."""

    def __init__(self) -> None:
        self._left: dict[UUID, tuple[int, float]] = {}

    def look(self, store: Store, now: datetime, closed: Closed | None) -> None:
        """Unless the last look was a large one and is not long ago."""
        _, until = self._left.get(store.pk, (0, 0.0))
        if time.monotonic() < until:
            return
        found = hold_back(store, now, closed)
        holds_s = _HOLDS_S if found.computed > LARGE else 0.0
        self._left[store.pk] = (found.allowed, time.monotonic() + holds_s)

    def take(self, store: Store, zeros: int) -> bool:
        """Let so many fall. False where fewer may: it is looked again first."""
        left, until = self._left[store.pk]
        is_allowed = zeros <= left
        self._left[store.pk] = (left - zeros, until) if is_allowed else (0, 0.0)
        return is_allowed


def hold_back(store: Store, now: datetime, closed: Closed | None = None) -> Look:
    """Block what would sell the store out, if it is too much. One statement while little is due.
    ``closed``: the gate, before which most of it may have to wait.
    """
    return _held(store, claims.due(store.pk, now, closed), now)


def hold_back_handed(store: Store, pushes: QuerySet[Push], now: datetime) -> Look:
    """The same for figures that are about to be handed over: nothing of them was sent yet."""
    return _held(store, pushes, now)


def _held(store: Store, pushes: QuerySet[Push], now: datetime) -> Look:
    due = pushes.exclude(problem_code=Reason.ZERO_CONFIRMED)
    if due.count() <= MOST:
        return Look(held=0, allowed=MOST)
    live = Listing.objects.filter(store=store, variant__isnull=False, gone_at=None).count()
    most = max(MOST, live // SHARE)
    scarce = plenty.may_show_nothing(store.pk, store.merchant_id).values("pk")
    falling_from = due.filter(listing__in=scarce, listing__seen_quantity__gt=0)
    ids = list(falling_from.order_by("pk").values_list("listing_id", flat=True))
    waiting = held_back(store.pk)
    if len(ids) + waiting <= most:
        return Look(held=0, allowed=most)
    falling, zeros = 0, list[UUID]()
    for start in range(0, len(ids), _CHUNK):
        fall, unexplained = _zeros(ids[start : start + _CHUNK])
        falling += fall
        zeros += unexplained
        collect_young()
    if len(zeros) + waiting <= most:
        return Look(held=0, allowed=falling + MOST, computed=len(ids))
    unsent = (_State.READY, _State.HANDED)
    rows = Push.objects.filter(store=store, listing__in=zeros, state__in=unsent)
    held = rows.update(
        state=_State.BLOCKED,
        fence=F("fence") + 1,
        next_at=now + LOOK_AGAIN,
        problem_code=Reason.MASS_ZERO,
        problem=SENTENCES[Reason.MASS_ZERO].format(count=len(zeros) + waiting, live=live),
    )
    log.warning("push_brake", store=str(store.pk), held=held, live=live)
    return Look(held=held, allowed=falling - len(zeros) + MOST, computed=len(ids))


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


def _zeros(listing_ids: Sequence[UUID]) -> tuple[int, list[UUID]]:
    """How many of these should sell 0 and show more than that; and those of which orders took less
    since than they are to fall.
    """
    live = Listing.objects.filter(pk__in=listing_ids, gone_at=None)
    listings = list(live.select_related("push", "store"))
    wanted = targets(listings)
    falls = {x: _units(seen_at(x)) - _units(wanted[x.pk].told) for x in listings}
    zeros = [x for x, fall in falls.items() if fall > 0 and wanted[x.pk].value == 0]
    sold = taken(zeros)
    return len(zeros), [x.pk for x in zeros if sold[x.pk] < falls[x]]
