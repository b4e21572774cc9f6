"""From claimed pushes to the figures to write, and from a store's answers to how each push ends."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from integrations import policy
from integrations.outbox import claims, compensating, sales
from integrations.outbox.bylocation import Figures, is_shown, seen_at
from integrations.outbox.claims import Claimed, Ending
from integrations.outbox.dirty import ECHO
from integrations.outbox.reasons import SENTENCES, Reason
from integrations.outbox.seeing import note_seen, stock_update
from integrations.policy import Decision, What
from inventory import sharing
from inventory.data import StockResult, StockUpdate
from inventory.models import Listing, StoreLocation

# The third time within ECHO that somebody undid our write, we stop.
REVERSALS = 3


@dataclass(frozen=True, slots=True)
class Group:
    """One figure in the store and the pushes that share it."""

    update: StockUpdate
    claimed: tuple[Claimed, ...]


@dataclass(frozen=True, slots=True)
class _Due:
    """A push that is to be written, with all the figures its store is to be told of the
    listing.
    """

    claim: Claimed
    listing: Listing
    wanted: Figures


@dataclass(slots=True)
class Plan:
    """What to write (``groups``), and how those end that need no write. A push whose listing has
    figures at several locations is in a group for each that is not in step. ``zeros`` of those to
    be written sell out what shows more, and nobody said that it is meant. ``sharers`` are, by
    listing, the others whose figure is the same one.
    """

    groups: list[Group] = field(default_factory=list)
    endings: dict[Claimed, Ending] = field(default_factory=dict)
    reversals: dict[Claimed, int] = field(default_factory=dict)
    wanted: dict[Claimed, Figures] = field(default_factory=dict)
    sharers: Mapping[UUID, Sequence[UUID]] = field(default_factory=dict)
    zeros: int = 0
    orders_unread: bool = False


def plan(claimed: Sequence[Claimed], now: datetime, *, orders_unread: bool = False) -> Plan:
    """Compute the figures as they should be now. Six statements, ten where a figure changed after
    our write; two more where listings share a figure. ``orders_unread``: the gate is closed, and
    these pushes have waited for it long enough; their end says so.
    """
    listings = Listing.objects.select_related("store").in_bulk([c.listing_id for c in claimed])
    done = Plan(orders_unread=orders_unread, sharers=_sharers(list(listings.values())))
    targets = compensating.targets(list(listings.values()))
    due: list[_Due] = []
    for claim in claimed:
        listing = listings.get(claim.listing_id)
        if listing is None or listing.gone_at:
            done.endings[claim] = _settled(Reason.LISTING_GONE, SENTENCES[Reason.LISTING_GONE])
            continue
        target = targets[listing.pk]
        if target.value is None:
            done.endings[claim] = _settled(Reason.NOT_WRITTEN, target.reason)
            continue
        wanted = target.told
        if _is_known(listing, claim) and is_shown(wanted, seen_at(listing)):
            done.endings[claim] = Ending(settled=True)
            continue
        due.append(_Due(claim, listing, wanted))
    undone = _undone(due, now)
    shared: dict[tuple[str, ...], list[_Due]] = defaultdict(list)
    for one in due:
        count = _reversals(one.claim) if one.claim in undone else 0
        if count >= REVERSALS:
            done.endings[one.claim] = Ending(
                blocked=True, code=Reason.FROZEN, problem=SENTENCES[Reason.FROZEN]
            )
            continue
        done.reversals[one.claim] = count
        done.wanted[one.claim] = one.wanted
        done.zeros += _sells_out(one)
        for at in _out_of_step(one):
            shared[at, *_place(one.listing)].append(one)
    done.groups = [_group(at, alike) for (at, *_), alike in shared.items()]
    return done


def _sells_out(due: _Due) -> bool:
    falls = any(seen_at(due.listing).values()) and not any(due.wanted.values())
    return falls and due.claim.problem_code != Reason.ZERO_CONFIRMED


def _is_known(listing: Listing, claim: Claimed) -> bool:
    """Whether what was seen last is no older than what was told last."""
    if listing.seen_at is None:
        return False
    return claim.pushed_at is None or listing.seen_at >= claim.pushed_at


def _out_of_step(due: _Due) -> list[str]:
    """The locations whose figure is to be written."""
    if not _is_known(due.listing, due.claim):
        return list(due.wanted)
    seen = seen_at(due.listing)
    return [at for at, units in due.wanted.items() if seen.get(at) != units]


def keep_answers(
    plan: Plan,
    answers: Sequence[tuple[Group, StockResult]],
    now: datetime,
    *,
    told: datetime | None = None,
    shown: datetime | None = None,
) -> dict[Claimed, Ending]:
    """Note what the store showed, and say how each answered push ends. ``told``: when the figures
    were computed, ``shown``: when the store took them; both now, unless its word came later.
    """
    seen: dict[UUID, dict[str, int]] = defaultdict(dict)
    found: dict[Claimed, list[_Answer]] = defaultdict(list)
    for group, result in answers:
        answer = _Answer(group.update, result)
        for claim in group.claimed:
            found[claim].append(answer)
            if not answer.is_refused:
                seen[claim.listing_id][group.update.external_location_id] = answer.shown
    names = _names([(c, x) for c, said in found.items() for x in said if x.is_refused])
    endings = {
        claim: _ending(plan, claim, said, names, now, told or now) for claim, said in found.items()
    }
    seen |= {
        other: figures
        for pk, figures in seen.items()
        for other in plan.sharers.get(pk, ())
        if other not in seen
    }
    note_seen(seen, shown or now)
    written = {c.listing_id: x.pushed for c, x in endings.items() if x.pushed is not None}
    claims.note_told(
        {
            other: pushed
            for pk, pushed in written.items()
            for other in plan.sharers.get(pk, ())
            if other not in written
        },
        told or now,
    )
    return endings


def _sharers(listings: Sequence[Listing]) -> dict[UUID, list[UUID]]:
    found = sharing.with_sharers(listings).values()
    return {x.pk: [other.pk for other in alike if other != x] for alike in found for x in alike}


def _names(refused: Sequence[tuple[Claimed, _Answer]]) -> dict[str, str]:
    """Of the locations where something was refused, as the store calls them."""
    at_places = {x.update.external_location_id for _, x in refused} - {""}
    if not at_places:
        return {}
    rows = StoreLocation.objects.filter(
        store__listings=refused[0][0].listing_id, external_id__in=at_places
    )
    return dict(rows.values_list("external_id", "name"))


@dataclass(frozen=True, slots=True)
class _Answer:
    update: StockUpdate
    result: StockResult

    @property
    def is_refused(self) -> bool:
        return not self.result.ok and self.result.observed is None

    @property
    def shown(self) -> int:
        observed = self.result.observed
        return self.update.quantity if observed is None else observed


def _ending(
    plan: Plan,
    claim: Claimed,
    answers: Sequence[_Answer],
    names: Mapping[str, str],
    now: datetime,
    told: datetime,
) -> Ending:
    """The worst answer is that of the push."""
    for answer in answers:
        if answer.is_refused:
            name = names.get(answer.update.external_location_id, "")
            said = f"{name}: {answer.result.error}" if name else answer.result.error
            return ending_of(
                policy.decide_line(answer.result.error_code, said, attempts=claim.attempts), now
            )
    for answer in answers:
        if answer.shown != answer.update.quantity:
            return _not_kept(plan, claim, answer, now)
    return _written(plan, claim, answers, told)


def ending_of(decision: Decision, now: datetime) -> Ending:
    """A claim that ends by a decision of the policy."""
    return Ending(
        blocked=decision.what is not What.WAIT,
        next_at=later(now, decision.delay_s),
        counted=decision.counts,
        code=decision.code,
        problem=decision.sentence,
    )


def later(now: datetime, delay_s: float | None) -> datetime | None:
    return None if delay_s is None else now + timedelta(seconds=delay_s)


def _settled(reason: Reason, sentence: str) -> Ending:
    return Ending(settled=True, code=reason, problem=sentence)


def _place(listing: Listing) -> tuple[str, ...]:
    """Where the store keeps the figure: listings with one ``stock_ref`` share one."""
    if listing.stock_ref:
        return (listing.stock_ref,)
    return (listing.external_product_id, listing.external_variant_id)


def _group(at: str, alike: Sequence[_Due]) -> Group:
    """One write for all. Should they want different figures, the smallest cannot oversell."""
    listing = alike[0].listing
    update = stock_update(listing, at, min(one.wanted[at] for one in alike))
    return Group(update, tuple(one.claim for one in alike))


def _undone(due: Sequence[_Due], now: datetime) -> set[Claimed]:
    """Whose last write was changed back at the store a moment ago, other than by its own orders:
    those of an item that is sold out here, but not there, lower its figure again and again, and
    one of them that is cancelled raises it.
    """
    changed = [one for one in due if _differs(one, now)]
    moved = sales.since([(x.listing, x.claim.pushed_at) for x in changed if x.claim.pushed_at])
    return {
        one.claim
        for one in changed
        if not _is_explained(one, moved.get(one.listing.pk, sales.Moved()))
    }


def _is_explained(due: _Due, moved: sales.Moved) -> bool:
    """What was ordered and cancelled meanwhile may be seen between the two."""
    seen = seen_at(due.listing)
    apart = [seen.get(at, 0) - units for at, units in due.wanted.items()]
    rises = sum(by for by in apart if by > 0)
    falls = -sum(by for by in apart if by < 0)
    return bool(seen) and rises <= moved.given_back and falls <= moved.taken + moved.given_back


def _differs(due: _Due, now: datetime) -> bool:
    """Whether the store shows something else than what we wrote a moment ago and want to write
    again.
    """
    return (
        due.claim.pushed == due.wanted
        and due.claim.pushed_at is not None
        and now - due.claim.pushed_at <= ECHO
        and _is_known(due.listing, due.claim)
        and not is_shown(due.wanted, seen_at(due.listing))
    )


def _reversals(claim: Claimed) -> int:
    """How often in a row our write was undone at the store, this time included."""
    before, _, count = claim.problem_code.partition(":")
    return (int(count) if before == Reason.REVERTED and count.isdigit() else 0) + 1


def _written(plan: Plan, claim: Claimed, answers: Sequence[_Answer], told: datetime) -> Ending:
    """What shares its figure with another listing shows what was written for both."""
    at_places = {x.update.external_location_id: x.update.quantity for x in answers}
    pushed = {**plan.wanted[claim], **at_places}
    code, problem = "", ""
    count = plan.reversals.get(claim, 0)
    if count:
        code = f"{Reason.REVERTED}:{count}"
        value = ", ".join(str(units) for units in at_places.values())
        problem = f"The figure was changed at the store after our write; {value} was written again."
    elif plan.orders_unread:
        code, problem = Reason.GATE_SKIPPED, SENTENCES[Reason.GATE_SKIPPED]
    return Ending(settled=True, pushed=pushed, pushed_at=told, code=code, problem=problem)


def _not_kept(plan: Plan, claim: Claimed, answer: _Answer, now: datetime) -> Ending:
    """Sold in between, or the store would not take it. Its orders are read and the figure computed
    anew; when that never helps, a person must look.
    """
    again = claim.attempts < policy.MAX_ATTEMPTS
    wait_s = policy.next_delay_s(claim.attempts, at_least_s=1) if again else None
    said = f"{answer.update.quantity} was written and the store shows {answer.shown}."
    return Ending(
        pushed=plan.wanted[claim] if answer.result.ok else None,
        pushed_at=now,
        blocked=not again,
        next_at=later(now, wait_s),
        code=Reason.NOT_KEPT,
        problem=answer.result.error or said,
    )
