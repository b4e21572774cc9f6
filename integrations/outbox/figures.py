"""From claimed pushes to the figures to write, and from a store's answers to how each push ends."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from integrations import policy
from integrations.outbox import sales
from integrations.outbox.claims import Claimed, Ending
from integrations.outbox.dirty import ECHO
from integrations.outbox.reasons import SENTENCES, Reason
from integrations.policy import Decision, What
from inventory import availability
from inventory.data import StockResult, StockUpdate
from inventory.models import Listing
from logix.common import bulk
from logix.common.transactions import again_on

# The third time within ECHO that somebody undid our write, we stop.
REVERSALS = 3


@dataclass(frozen=True, slots=True)
class Group:
    """One figure in the store and the pushes that share it."""

    update: StockUpdate
    claimed: tuple[Claimed, ...]


@dataclass(slots=True)
class Plan:
    """What to write (``groups``), and how those end that need no write."""

    groups: list[Group] = field(default_factory=list)
    endings: dict[Claimed, Ending] = field(default_factory=dict)
    reversals: dict[Claimed, int] = field(default_factory=dict)
    listings: dict[UUID, Listing] = field(default_factory=dict)
    orders_unread: bool = False


def plan(claimed: Sequence[Claimed], now: datetime, *, orders_unread: bool = False) -> Plan:
    """Compute the figures as they should be now. Four statements, seven where a figure fell
    after our write. ``orders_unread``: the gate is closed, and these pushes have waited for it long
    enough; their end says so.
    """
    done = Plan(
        listings=Listing.objects.in_bulk([c.listing_id for c in claimed]),
        orders_unread=orders_unread,
    )
    wanted = availability.targets(list(done.listings.values()))
    shared: dict[tuple[str, ...], list[tuple[Claimed, int]]] = defaultdict(list)
    due: list[tuple[Claimed, Listing, int]] = []
    for claim in claimed:
        listing = done.listings.get(claim.listing_id)
        if listing is None or listing.gone_at:
            done.endings[claim] = _settled(Reason.LISTING_GONE, SENTENCES[Reason.LISTING_GONE])
            continue
        target = wanted[listing.pk]
        if target.value is None:
            done.endings[claim] = _settled(Reason.NOT_WRITTEN, target.reason)
            continue
        value = max(0, target.value)
        if is_in_step(listing, claim, value):
            done.endings[claim] = Ending(settled=True)
            continue
        due.append((claim, listing, value))
    undone = _undone(due, now)
    for claim, listing, value in due:
        count = _reversals(claim) if claim in undone else 0
        if count >= REVERSALS:
            done.endings[claim] = Ending(
                blocked=True, code=Reason.FROZEN, problem=SENTENCES[Reason.FROZEN]
            )
            continue
        done.reversals[claim] = count
        shared[_place(listing)].append((claim, value))
    done.groups = [_group(done, pairs) for pairs in shared.values()]
    return done


def is_in_step(listing: Listing, claim: Claimed, value: int) -> bool:
    """Whether what was last told, or seen after that, is ``value`` already."""
    if listing.seen_quantity != value or listing.seen_at is None:
        return False
    return claim.pushed_at is None or listing.seen_at >= claim.pushed_at


def keep_answers(
    plan: Plan, answers: Sequence[tuple[Group, StockResult]], now: datetime
) -> dict[Claimed, Ending]:
    """Note what the store showed, and say how each answered push ends."""
    seen: dict[UUID, int] = {}
    endings: dict[Claimed, Ending] = {}
    for group, result in answers:
        value = group.update.quantity
        shown = value if result.observed is None else result.observed
        for claim in group.claimed:
            if not result.ok and result.observed is None:
                decision = policy.decide_line(
                    result.error_code, result.error, attempts=claim.attempts
                )
                endings[claim] = ending_of(decision, now)
                continue
            seen[claim.listing_id] = shown
            if shown == value:
                endings[claim] = _written(plan, claim, value, now)
            else:
                endings[claim] = _not_kept(claim, value, shown, result, now)
    _note_seen(seen, now)
    return endings


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


def _group(plan: Plan, pairs: Sequence[tuple[Claimed, int]]) -> Group:
    """One write for all. Should they want different figures, the smallest cannot oversell."""
    listing = plan.listings[pairs[0][0].listing_id]
    update = StockUpdate(
        sku=listing.sku,
        quantity=min(value for _, value in pairs),
        external_product_id=listing.external_product_id,
        external_variant_id=listing.external_variant_id,
        stock_ref=listing.stock_ref,
    )
    return Group(update, tuple(claim for claim, _ in pairs))


def _undone(due: Sequence[tuple[Claimed, Listing, int]], now: datetime) -> set[Claimed]:
    """Whose last write was changed back at the store a moment ago, other than by its sales: those
    of an item that is sold out here, but not there, lower its figure again and again.
    """
    changed = [(c, listing, value) for c, listing, value in due if _differs(c, listing, value, now)]
    lower = [(c, listing) for c, listing, value in changed if _below(listing, value)]
    sold = sales.since([(listing, c.pushed_at) for c, listing in lower if c.pushed_at])
    return {
        claim
        for claim, listing, value in changed
        if not _below(listing, value)
        or value - (listing.seen_quantity or 0) > sold.get(listing.pk, 0)
    }


def _differs(claim: Claimed, listing: Listing, value: int, now: datetime) -> bool:
    """Whether the store shows something else than what we wrote a moment ago and want to write
    again.
    """
    return (
        claim.pushed_value == value
        and claim.pushed_at is not None
        and now - claim.pushed_at <= ECHO
        and listing.seen_at is not None
        and listing.seen_at >= claim.pushed_at
        and listing.seen_quantity != value
    )


def _below(listing: Listing, value: int) -> bool:
    return listing.seen_quantity is not None and listing.seen_quantity < value


def _reversals(claim: Claimed) -> int:
    """How often in a row our write was undone at the store, this time included."""
    before, _, count = claim.problem_code.partition(":")
    return (int(count) if before == Reason.REVERTED and count.isdigit() else 0) + 1


def _written(plan: Plan, claim: Claimed, value: int, now: datetime) -> Ending:
    code, problem = "", ""
    count = plan.reversals.get(claim, 0)
    if count:
        code = f"{Reason.REVERTED}:{count}"
        problem = f"The figure was changed at the store after our write; {value} was written again."
    elif plan.orders_unread:
        code, problem = Reason.GATE_SKIPPED, SENTENCES[Reason.GATE_SKIPPED]
    return Ending(settled=True, pushed=value, pushed_at=now, code=code, problem=problem)


def _not_kept(claim: Claimed, value: int, shown: int, result: StockResult, now: datetime) -> Ending:
    """Sold in between, or the store would not take it. Its orders are read and the figure computed
    anew; when that never helps, a person must look.
    """
    again = claim.attempts < policy.MAX_ATTEMPTS
    wait_s = policy.next_delay_s(claim.attempts, at_least_s=1) if again else None
    return Ending(
        pushed=value if result.ok else None,
        pushed_at=now,
        blocked=not again,
        next_at=later(now, wait_s),
        code=Reason.NOT_KEPT,
        problem=result.error or f"{value} was written and the store shows {shown}.",
    )


def _note_seen(seen: dict[UUID, int], now: datetime) -> None:
    """What the store answered is an observation like any other, whoever keeps the claim; a newer
    one stays.

    The digest is emptied where the figure changed: the next import compares the record as if it
    were new, else a store that goes back to the figure before our write would look unchanged.
    """

    def write() -> set[UUID]:
        current = (
            Listing.objects.filter(pk__in=seen)
            .order_by("pk")
            .select_for_update()
            .values_list("pk", "seen_at", "seen_quantity", "digest")
        )
        rows = [
            {
                "id": pk,
                "seen_quantity": seen[pk],
                "seen_at": now,
                "digest": digest if seen[pk] == before else "",
            }
            for pk, seen_at, before, digest in current
            if seen_at is None or seen_at <= now
        ]
        return bulk.update(Listing, rows)

    again_on()(write)
