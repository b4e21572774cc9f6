"""Figures before they are sent: what turning writing on would have each listing show, and what a
stock rule would. The code that computes and brakes real pushes, in a transaction that is taken
back; no store is opened here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from django.db.models import Count
from django.db.models.functions import Now

from integrations.models import Push, Store
from integrations.outbox import brake, claims, figures, hands
from integrations.outbox.claims import Claimed
from integrations.outbox.compensating import targets
from integrations.outbox.figures import Plan
from inventory.availability import Target
from inventory.errors import LedgerConflict
from inventory.models import Listing, StockRule
from inventory.ruling import listings_in_scope, listings_under
from logix.common.transactions import again_on, rehearsed

# Lines of one answer; how many there are is told beside them.
MOST_LINES = 200
MOST_NAMED = 10

_CHUNK = 500
_State = Push.State


class Outcome(StrEnum):
    WRITE = "write"
    EQUAL = "equal"
    LEFT_ALONE = "left_alone"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """``shows`` and ``would_show`` are the listing's figure in the store, now and then; by location
    in ``at`` where it keeps several. ``reason``: why it is left alone or blocked.
    """

    listing: Listing
    outcome: Outcome
    shows: int | None
    would_show: int | None = None
    at: Mapping[str, int] = field(default_factory=dict)
    reason: str = ""

    @property
    def sells_out(self) -> bool:
        return self.outcome is Outcome.WRITE and self.would_show == 0 and self.shows != 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstPush:
    """``counts`` by outcome, ``reasons`` by sentence; ``zeros`` of those written would show 0 and
    do not now. ``lines`` are those after ``after``, ``next`` is where the rest begins.
    """

    counts: Mapping[Outcome, int]
    reasons: Mapping[str, int]
    zeros: int
    lines: tuple[Line, ...]
    next: UUID | None


def first_push(
    store: Store,
    *,
    outcome: Outcome | None = None,
    after: UUID | None = None,
    limit: int = MOST_LINES,
) -> FirstPush:
    """What is sent to the store when writing is turned on now; nothing is kept and nothing sent.
    Lines in the order of the listings' ids, of one outcome or of all.
    """
    found = rehearsed(lambda: list(_sent(store)))
    fitting = [x for x in found if outcome in (None, x.outcome)]
    fitting.sort(key=lambda line: line.listing.pk)
    rest = [x for x in fitting if after is None or x.listing.pk > after]
    counted = Counter(line.outcome for line in found)
    return FirstPush(
        counts={one: counted[one] for one in Outcome},
        reasons=Counter(line.reason for line in found if line.reason),
        zeros=sum(line.sells_out for line in found),
        lines=tuple(rest[:limit]),
        next=rest[limit - 1].listing.pk if len(rest) > limit else None,
    )


def _sent(store: Store) -> Iterator[Line]:
    """As if writing were on, and everything that waits were due."""
    Store.objects.filter(pk=store.pk).update(writes_enabled=True)
    hands.unblock_store(store, actor="rehearsal")
    rows = Push.objects.filter(store=store)
    rows.filter(state__in=Push.UNSENT).update(state=_State.READY, next_at=Now())
    now: datetime = Store.objects.values_list(Now(), flat=True).get(pk=store.pk)
    brake.hold_back(store, now)
    ids = list(rows.filter(state=_State.READY).order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(ids), _CHUNK):
        due = list(rows.filter(pk__in=ids[start : start + _CHUNK]))
        yield from _planned([claims.as_claimed(push) for push in due], now)
    for push in rows.filter(state=_State.BLOCKED).select_related("listing__store"):
        shows = push.listing.seen_quantity
        yield Line(listing=push.listing, outcome=Outcome.BLOCKED, shows=shows, reason=push.problem)


def _planned(claimed: Sequence[Claimed], now: datetime) -> Iterator[Line]:
    plan = figures.plan(claimed, now)
    rows = Listing.objects.select_related("store")
    listings = rows.in_bulk([claim.listing_id for claim in claimed])
    written = _written(plan)
    for claim in claimed:
        listing = listings[claim.listing_id]
        ending = plan.endings.get(claim)
        if ending is None:
            at = written[claim]
            yield Line(
                listing=listing,
                outcome=Outcome.WRITE,
                shows=listing.seen_quantity,
                would_show=sum(at.values()),
                at={place: units for place, units in at.items() if place},
            )
            continue
        outcome = Outcome.LEFT_ALONE if ending.code else Outcome.EQUAL
        yield Line(
            listing=listing,
            outcome=Outcome.BLOCKED if ending.blocked else outcome,
            shows=listing.seen_quantity,
            would_show=listing.seen_quantity if outcome is Outcome.EQUAL else None,
            reason=ending.problem,
        )


def _written(plan: Plan) -> dict[Claimed, dict[str, int]]:
    """What shares its figure with another listing shows what is written for both."""
    found = {claim: dict(wanted) for claim, wanted in plan.wanted.items()}
    for group in plan.groups:
        for claim in group.claimed:
            found[claim][group.update.external_location_id] = group.update.quantity
    return found


# -- what a stock rule would do


@dataclass(frozen=True, slots=True, kw_only=True)
class Refigured:
    """A listing's figure as it should be now, and under the rule; None: left alone."""

    listing: Listing
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SoldOut:
    """So many ``listings`` of one store that would fall to 0."""

    store: Store
    listings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTried:
    """Of the listings it may hold for, those whose figure would be another (``changed``), and of
    them those that would show 0. The first are ``named``. ``sold_out``: stores of which so many
    would fall to 0 that it is to be asked first.
    """

    listings: int
    changed: int
    zeros: int
    named: tuple[Refigured, ...]
    sold_out: tuple[SoldOut, ...]


def try_rule(change: Callable[[], StockRule]) -> RuleTried:
    """What making, changing or removing a stock rule would do to the figures of its listings:
    ``change`` does it and answers the rule, and all of it is taken back. Raises what it raises.
    """

    def work() -> tuple[dict[UUID, UUID], dict[UUID, int | None]]:
        rows = listings_under(change()).filter(gone_at=None)
        stores = dict(rows.values_list("pk", "store_id"))
        return stores, _targets(list(stores))

    stores, then = again_on(LedgerConflict)(lambda: rehearsed(work))
    now = _targets(list(then))
    changed = sorted(pk for pk in then if now[pk] != then[pk])
    zeros = [pk for pk in changed if then[pk] == 0]
    listings = Listing.objects.select_related("store").in_bulk(changed[:MOST_NAMED])
    return RuleTried(
        listings=len(then),
        changed=len(changed),
        zeros=len(zeros),
        named=tuple(
            Refigured(listing=listings[pk], before=now[pk], after=then[pk])
            for pk in changed[:MOST_NAMED]
        ),
        sold_out=_sold_out(Counter(stores[pk] for pk in zeros)),
    )


def sells_out(rule: StockRule, change: Callable[[], StockRule]) -> RuleTried | None:
    """What ``change`` of ``rule``, saved or not, would do, where that is to let more listings of a
    store fall to 0 than go out unasked; None where it may be done.
    """
    live = listings_in_scope(rule).filter(gone_at=None).order_by()
    by_store = live.values("store").annotate(listings=Count("pk"))
    if not by_store.filter(listings__gt=brake.MOST).exists():
        return None
    tried = try_rule(change)
    return tried if tried.sold_out else None


def sold_out_words(tried: RuleTried) -> str:
    """For the person who is asked."""
    stores = ", ".join(f"{one.listings} of {one.store}" for one in tried.sold_out)
    return (
        f"Of {tried.listings} listings, {tried.changed} would be told another figure and "
        f"{tried.zeros} would show 0: {stores}."
    )


def _sold_out(zeros: Mapping[UUID, int]) -> tuple[SoldOut, ...]:
    many = {pk: listings for pk, listings in zeros.items() if listings > brake.MOST}
    stores = Store.objects.in_bulk(many)
    found = [SoldOut(store=stores[pk], listings=listings) for pk, listings in many.items()]
    return tuple(sorted(found, key=lambda one: (one.store.name, one.store.pk)))


def _targets(listing_ids: Sequence[UUID]) -> dict[UUID, int | None]:
    found: dict[UUID, int | None] = {}
    for start in range(0, len(listing_ids), _CHUNK):
        part = listing_ids[start : start + _CHUNK]
        rows = list(Listing.objects.filter(pk__in=part).select_related("store"))
        found |= {pk: _told(target) for pk, target in targets(rows).items()}
    return found


def _told(target: Target) -> int | None:
    return None if target.value is None else sum(target.told.values())
