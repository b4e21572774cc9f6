"""Sends wanted stock figures to one store: claim, gate, compute, one absolute write per shared
figure, keep per line. Where very many are due they are gathered for a file instead (``gathering``).

The store is called outside of any transaction. A crash after the call sends the same absolute
figure again, which is harmless; a stale worker is fenced off when it wants to keep its result.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

import structlog
from django.db.models.functions import Now

from integrations import authentication, policy, registry
from integrations.base import BaseEcommerceIntegration, StockEntry
from integrations.errors import ContractBroken, ItemError, PlatformError
from integrations.models import Push, StockHandOver, Store
from integrations.outbox import brake, claims, dirty, figures, gate, gathering, handed
from integrations.outbox.claims import Claimed, Ending
from integrations.outbox.figures import Group
from integrations.outbox.gate import Closed
from integrations.outbox.reasons import SENTENCES, Reason
from integrations.platform import Ability
from integrations.policy import What
from inventory.data import StockResult, StockUpdate
from inventory.models import Listing
from logix.common.garbage import collect_young

log = structlog.get_logger(__name__)

# What the store says to one figure.
A = TypeVar("A", StockResult, StockEntry)

# One task ends well before its soft time limit; what is left is rung for again.
BUDGET_S = 40.0
# Work that ripens within this time is rung for; later work is found by the clock.
RIPENS_S = 15.0
# Before another look for what is due and could not be had.
_PAUSE = timedelta(seconds=0.2)
_allowances = brake.Allowances()


def send_pushes(store_id: UUID) -> int:
    """Send what is due for one store and return how many listings were settled. Safe to run twice
    or beside itself.

    Stops at the first trouble that concerns the whole store, so a slow or broken store costs only
    itself.
    """
    settled, pause = 0, _PAUSE
    with ExitStack() as stack:
        sender = _Sender(stack)
        while sender.may_go_on():
            store = _callable(store_id)
            if store is None:
                return settled
            now = _now(store)
            if not claims.due(store_id, now).exists():
                if gathering.close(store):
                    sender.file = None
                    continue
                break
            closed = _stand_at_gate(store, now)
            pause = closed.look_again if closed else _PAUSE
            if sender.must_look:
                sender.must_look = False
                _allowances.look(store, now, closed)
            if sender.file is None:
                sender.file = gathering.under_way(store, now, closed)
            batch = registry.card(store.platform).stock_batch
            claimed = claims.take(store_id, now, gathering.BATCH if sender.file else batch, closed)
            if claimed is None:
                return settled
            if not claimed:
                break
            settled += sender.send(store, claimed, orders_unread=closed is not None)
    _ring_for_rest(store_id, pause)
    return settled


def _callable(store_id: UUID) -> Store | None:
    """The store with ``now`` by the database's clock, or None when nothing may be written to it."""
    store = (
        Store.objects.live()
        .select_related("data_key", "merchant")
        .annotate(now=Now())
        .filter(pk=store_id)
        .first()
    )
    if store and not store.writes_enabled:
        claims.block_ready(store_id, Reason.WRITES_OFF, SENTENCES[Reason.WRITES_OFF], None)
        return None
    return store


def _ring_for_rest(store_id: UUID, pause: timedelta) -> None:
    """Ring for what is or gets ripe soon, after ``pause`` at least: what is due now is in other
    hands, or stands before the gate.
    """
    rest = Push.objects.filter(
        store_id=store_id, state=Push.State.READY, store__writes_enabled=True
    )
    found = rest.order_by("next_at").values_list("next_at", Now()).first()
    if found is None:
        return
    first, now = found
    delay_s = max(pause, first - now).total_seconds()
    if delay_s <= RIPENS_S:
        dirty.ring_pushes(store_id, delay_s=delay_s)


def _now(store: Store) -> datetime:
    return store.now  # type: ignore[attr-defined]


def _stand_at_gate(store: Store, now: datetime) -> Closed | None:
    """None while the gate is open. Before a closed one what is due stands in line, written once:
    its wait is counted from the first time it came here.
    """
    closed = gate.look(store, now)
    if closed:
        claims.due(store.pk, now).exclude(problem_code=Reason.GATE).update(
            next_at=now + closed.look_again,
            dirty_since=now,
            problem_code=Reason.GATE,
            problem=SENTENCES[Reason.GATE],
        )
    return closed


@dataclass(slots=True)
class _Clock:
    """The database's clock, carried on by this process between statements."""

    at: datetime
    since: float

    def now(self) -> datetime:
        return self.at + timedelta(seconds=time.monotonic() - self.since)


class _Sender:
    """One task's sending: the adapter is opened once, when there is something to call for. Where
    more would fall to 0 than the brake has looked at, it ``must_look`` again first. ``file``: what
    is to be written is gathered for this one.
    """

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._adapter: BaseEcommerceIntegration | None = None
        self._end = time.monotonic() + BUDGET_S
        self.must_look = True
        self.stopped = False
        self.file: StockHandOver | None = None

    def may_go_on(self) -> bool:
        return not self.stopped and time.monotonic() < self._end

    def send(self, store: Store, claimed: Sequence[Claimed], *, orders_unread: bool) -> int:
        clock = _Clock(_now(store), time.monotonic())
        plan = figures.plan(claimed, clock.now(), orders_unread=orders_unread)
        if not _allowances.take(store, plan.zeros):
            claims.put_back(claimed)
            self.must_look = True
            return 0
        endings = dict(plan.endings)
        if plan.groups:
            answers, failed, error = self._tell(store, plan.groups)
            endings |= figures.keep_answers(plan, answers, clock.now())
            if error is not None:
                endings |= self._failed(store, failed, error, clock.now())
        if any(ending.code == Reason.NOT_KEPT for ending in endings.values()):
            gate.pull_orders(store.pk, clock.now())
        kept = claims.keep(endings, clock.now())
        lost = [c.listing_id for c in endings if c.id not in kept]
        if lost:
            # We slept past our lease, and our late write may have covered a newer one: what the
            # store shows now is anybody's guess.
            log.warning("push_fenced", store=str(store.pk), lost=len(lost))
            Listing.objects.filter(pk__in=lost).update(seen_at=None)
            dirty.mark_listings(lost)
        return sum(1 for c, ending in endings.items() if ending.settled and c.id in kept)

    def _tell(
        self, store: Store, groups: Sequence[Group]
    ) -> tuple[list[tuple[Group, StockResult]], list[Group], Exception | None]:
        """Answers, then what was not answered and why. Of what joins a file only refusals are
        known now.
        """
        if self.file is None:
            return self._ask(
                store, groups, lambda ups: self._open(store).update_inventories(ups), _refusal
            )
        told, failed, error = self._ask(
            store,
            groups,
            lambda updates: self._open(store).stock_entries(updates),
            lambda err: StockEntry(refused=_refusal(err)),
        )
        self._join([(c, e.word) for group, e in told if not e.refused for c in group.claimed])
        return [(group, e.refused) for group, e in told if e.refused], failed, error

    def _join(self, found: list[tuple[Claimed, str]]) -> None:
        if self.file is None or not found:
            return
        if handed.join(self.file, found) is None:
            # It was closed meanwhile.
            claims.put_back([claim for claim, _ in found])
            self.file = None
        elif gathering.is_full(self.file):
            gathering.shut(self.file)
            self.file = None
        collect_young()

    def _ask(
        self,
        store: Store,
        groups: Sequence[Group],
        ask: Callable[[list[StockUpdate]], Sequence[A]],
        refusal: Callable[[ItemError], A],
    ) -> tuple[list[tuple[Group, A]], list[Group], Exception | None]:
        """A refusal of a whole call is traced to its line by halving."""
        answers: list[tuple[Group, A]] = []
        waiting: list[list[Group]] = [list(groups)]
        while waiting:
            part = waiting.pop()
            try:
                results = ask([g.update for g in part])
                if len(results) != len(part):
                    raise ContractBroken(
                        f"{len(part)} stock figures were sent and {len(results)} answers came."
                    )
                answers += zip(part, results, strict=True)
            except ItemError as err:
                if len(part) == 1:
                    answers.append((part[0], refusal(err)))
                else:
                    middle = len(part) // 2
                    waiting += [part[middle:], part[:middle]]
            except Exception as err:
                if not isinstance(err, PlatformError):
                    log.exception("push_failed", store=str(store.pk))
                return answers, [g for p in (part, *waiting) for g in p], err
        return answers, [], None

    def _open(self, store: Store) -> BaseEcommerceIntegration:
        if self._adapter is None:
            adapter = self._stack.enter_context(authentication.adapter_for(store))
            adapter.require(Ability.STOCK_WRITE)
            self._adapter = adapter
        return self._adapter

    def _failed(
        self, store: Store, groups: Sequence[Group], error: Exception, now: datetime
    ) -> dict[Claimed, Ending]:
        """The endings after an error of the whole call; the rest of the store's pushes share the
        store's fate.
        """
        self.stopped = True
        claimed = [c for g in groups for c in g.claimed]
        decisions = {c: policy.decide(error, attempts=c.attempts) for c in claimed}
        worst = decisions[claimed[0]]
        if isinstance(error, PlatformError):
            authentication.note_failure(store, error)
        if worst.what is What.WAIT and worst.delay_s is not None:
            until = now + timedelta(seconds=worst.delay_s)
            claims.hold_ready(store.pk, until, worst.code, worst.sentence)
        elif worst.what in (What.MERCHANT, What.STAFF):
            recheck_at = figures.later(now, worst.delay_s)
            claims.block_ready(store.pk, worst.code, worst.sentence, recheck_at)
        log.info("push_stopped", store=str(store.pk), code=worst.code, what=worst.what)
        return {c: figures.ending_of(d, now) for c, d in decisions.items()}


def _refusal(err: ItemError) -> StockResult:
    return StockResult(ok=False, changed=False, error_code=err.code, error=err.message)
