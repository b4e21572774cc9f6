"""Hands a file of figures over, looks what became of it, and keeps the store's word on each.

Every step may be broken off anywhere and is begun again. Until the handle is kept nothing has
reached the store, so the file is written anew, with newer figures; afterwards it is only looked
after. What came to nothing, or never ends, goes out again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import Any
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError
from django.db.models.functions import Now

from integrations import authentication, policy
from integrations.base import BaseEcommerceIntegration, StockLine
from integrations.errors import PlatformError
from integrations.kit.http import Priority
from integrations.models import HandedFigure, StockHandOver, Store
from integrations.outbox import brake, claims, dirty, figures, gate, gathering, handed
from integrations.outbox.figures import Group, Plan
from integrations.outbox.handed import Fenced, keep
from integrations.outbox.reasons import SENTENCES, Reason
from integrations.outbox.seeing import stock_update
from integrations.platform import Ability
from integrations.policy import What
from inventory.data import StockResult
from logix.common import bulk
from logix.common.garbage import collect_young

log = structlog.get_logger(__name__)

# A store that has not worked a file off by then is not waited for.
PATIENCE = timedelta(hours=12)
# A file that could not be handed over by then is not kept waiting: calls can.
_LATEST = timedelta(hours=1)
_MOST_TRIES = 3
# After one that came to nothing, figures go out by calls for a while.
_REST = timedelta(minutes=15)
_FIRST_LOOK_S = 30.0
_RECHECK_S = 900.0
_State = StockHandOver.State


class _LookAgain(Exception):
    """More would fall to 0 than the brake has looked at."""


def work_hand_over(hand_over_id: UUID) -> None:
    """Do what is due. Safe to run twice or beside itself."""
    hand_over = handed.take(hand_over_id)
    if hand_over is None:
        return
    job = _Job(hand_over)
    try:
        while job.go_on():
            pass
        job.rest()
    except Fenced:
        log.info("hand_over_fenced", hand_over=str(hand_over_id))


class _Job:
    """One hand-over under its lease."""

    def __init__(self, hand_over: StockHandOver) -> None:
        self.hand_over = hand_over
        self.store: Store = hand_over.store
        # Whether nothing of it can take effect any more.
        self.is_over = not hand_over.handle or hand_over.state == _State.SETTLING

    def go_on(self) -> bool:
        """The next step. False where nothing more is to be done at once."""
        state = self.hand_over.state
        if state == _State.GATHERING:
            gathering.shut(self.hand_over)
            return False
        most = policy.MAX_ATTEMPTS if self.hand_over.handle else _MOST_TRIES
        if self.hand_over.attempts > most and (self.is_over or self._is_late()):
            return self._give_up("The workers that were at it ended before it was done.")
        if state == _State.SETTLING:
            return self._settle()
        step = self._send if state == _State.SENDING else self._look
        try:
            with authentication.adapter_for(self.store, priority=Priority.BULK) as adapter:
                return step(adapter)
        except (Fenced, OperationalError, InterfaceError):
            raise
        except Exception as err:
            return self._failed(err)

    def rest(self) -> None:
        """Give the lease back."""
        mine = StockHandOver.objects.filter(pk=self.hand_over.pk, fence=self.hand_over.fence)
        mine.update(lease_until=None)

    # -- the file

    def _send(self, adapter: BaseEcommerceIntegration) -> bool:
        if self.hand_over.handle:
            # Whoever handed it over ended before it heard of it.
            return self._wait(_FIRST_LOOK_S, state=_State.PENDING)
        if not self.store.writes_enabled:
            return self._give_up(SENTENCES[Reason.WRITES_OFF], timedelta())
        now = _now(self.store)
        closed = gate.look(self.store, now)
        if closed and (self.hand_over.gathered_at or now) > closed.waited_since:
            return self._wait(closed.look_again.total_seconds())
        adapter.require(Ability.STOCK_BULK)
        keep(self.hand_over, orders_unread=closed is not None, handed_at=now)
        looked = brake.hold_back_handed(self.store, handed.pushes_of(self.hand_over), now)
        handed.drop_ended(self.hand_over)
        lines = self._lines(now, looked.allowed)
        try:
            first = next(lines, None)
            if first is None:
                return self._done(figures=0)
            handle = adapter.hand_over_stock(chain([first], lines), self._keep_handle)
        except _LookAgain:
            return True
        count = self.hand_over.lines.count()
        log.info("handed_over", store=str(self.store.pk), figures=count)
        return self._wait(_FIRST_LOOK_S, state=_State.PENDING, handle=dict(handle), figures=count)

    def _keep_handle(self, handle: Mapping[str, Any]) -> None:
        keep(self.hand_over, handle=dict(handle))
        self.is_over = not handle

    def _lines(self, now: datetime, allowed: int) -> Iterator[StockLine]:
        """The figures as they should be now, some at a time."""
        number = zeros = 0
        while (found := self._figured(number, now)) is not None:
            lines, number, falling = found
            zeros += falling
            if zeros > allowed:
                raise _LookAgain
            collect_young()
            yield from lines

    def _figured(self, after: int, now: datetime) -> tuple[list[StockLine], int, int] | None:
        """The next lines, the number of the last, and how many of them sell out. Those that need no
        write end here.
        """
        rows = handed.lines_after(self.hand_over, after)
        if not rows:
            return None
        keep(self.hand_over)
        by_claim = {handed.as_held(row.push): row for row in rows}
        plan = figures.plan(list(by_claim), now, orders_unread=self.hand_over.orders_unread)
        updates = {c: group.update for group in plan.groups for c in group.claimed}
        bulk.update(
            HandedFigure,
            [
                {
                    "id": by_claim[claim].pk,
                    "want": claim.want,
                    "units": update.quantity,
                    "reversals": plan.reversals[claim],
                }
                for claim, update in updates.items()
            ],
        )
        claims.keep(plan.endings, now)
        ended = [by_claim[claim].pk for claim in plan.endings]
        HandedFigure.objects.filter(pk__in=ended).delete()
        lines = [
            StockLine(number=row.number, update=updates[claim], word=row.word)
            for claim, row in by_claim.items()
            if claim in updates
        ]
        return lines, rows[-1].number, plan.zeros

    # -- the store's word

    def _look(self, adapter: BaseEcommerceIntegration) -> bool:
        outcome = adapter.stock_outcome(self.hand_over.handle)
        if outcome.wait_s is not None:
            if not self._is_late():
                return self._wait(outcome.wait_s)
            adapter.drop_stock(self.hand_over.handle)
            hours = PATIENCE // timedelta(hours=1)
            return self._give_up(f"The store had not worked it off after {hours} hours.")
        self.is_over = True
        if outcome.lost:
            return self._give_up(outcome.lost)
        refused = iter(outcome.refused)
        while some := dict(islice(refused, handed.CHUNK)):
            keep(self.hand_over)
            self._note(some)
        count = self.hand_over.lines.exclude(code="").count()
        settling = {"state": _State.SETTLING, "attempts": 1}
        keep(self.hand_over, **settling, ended_at=outcome.ended_at, refused=count)
        return True

    def _note(self, refused: Mapping[int, StockResult]) -> None:
        ids = self.hand_over.lines.filter(number__in=refused).values_list("pk", "number")
        rows = [
            {
                "id": pk,
                "code": (refused[number].error_code or "rejected")[:60],
                "problem": refused[number].error,
            }
            for pk, number in ids
        ]
        bulk.update(HandedFigure, rows)

    def _settle(self) -> bool:
        while self._end_some():
            collect_young()
        return self._done()

    def _end_some(self) -> bool:
        """As what a call answered. A line whose push has ended already is left alone. False where
        none is left.
        """
        keep(self.hand_over)
        rows = handed.lines_after(self.hand_over, 0)
        if not rows:
            return False
        now = _now(self.store)
        plan = Plan(orders_unread=self.hand_over.orders_unread)
        answers: list[tuple[Group, StockResult]] = []
        for row in rows:
            if row.push.state != row.push.State.HANDED:
                continue
            units = row.units or 0
            claim = handed.as_held(row.push, row.want)
            plan.wanted[claim] = {"": units}
            plan.reversals[claim] = row.reversals
            group = Group(stock_update(row.push.listing, "", units), (claim,))
            answers.append((group, _result(row)))
        told = self.hand_over.handed_at or now
        shown = max(told, min(self.hand_over.ended_at or now, now))
        claims.keep(figures.keep_answers(plan, answers, now, told=told, shown=shown), now)
        HandedFigure.objects.filter(pk__in=[row.pk for row in rows]).delete()
        return True

    # -- how it goes on

    def _wait(self, seconds: float, **changes: Any) -> bool:
        next_at = _now(self.store) + timedelta(seconds=seconds)
        well = {"attempts": 0, "problem_code": "", "problem": ""}
        keep(self.hand_over, next_at=next_at, **well, **changes)
        return False

    def _done(self, **changes: Any) -> bool:
        ended = {"state": _State.DONE, "done_at": Now(), "next_at": None, **changes}
        keep(self.hand_over, **ended, problem_code="", problem="")
        dirty.ring_pushes(self.store.pk)
        return False

    def _give_up(self, why: str, rest: timedelta = _REST, code: str = Reason.FILE_LOST) -> bool:
        """All that is in it goes out again."""
        sentence = SENTENCES[Reason.FILE_LOST].format(why=why)
        handed.put_back(self.hand_over, Reason.FILE_LOST, sentence)
        ended = {"state": _State.FAILED, "done_at": Now(), "next_at": _now(self.store) + rest}
        keep(self.hand_over, **ended, problem_code=code[:60], problem=why)
        log.warning("hand_over_failed", store=str(self.store.pk), code=code)
        dirty.ring_pushes(self.store.pk)
        return False

    def _is_late(self) -> bool:
        handed_at = self.hand_over.handed_at
        return handed_at is not None and _now(self.store) - handed_at > PATIENCE

    def _failed(self, err: Exception) -> bool:
        """Wait where that helps. What may still take effect is looked after as long as there is
        patience; what cannot goes out by calls soon.
        """
        hand_over = self.hand_over
        if isinstance(err, PlatformError):
            authentication.note_failure(self.store, err)
        else:
            log.error("hand_over_stopped", store=str(self.store.pk), exc_info=err)
        tries = hand_over.attempts - (not policy.rule_for(err).counts)
        decision = policy.decide(err, attempts=max(1, tries))
        log.info("hand_over_waits", store=str(self.store.pk), code=decision.code)
        waits = decision.what is What.WAIT or decision.stops_store
        if hand_over.handle:
            ends = self._is_late() or (self.is_over and not waits)
        else:
            since = hand_over.gathered_at
            is_old = since is not None and _now(self.store) - since > _LATEST
            ends = is_old or tries >= _MOST_TRIES or not waits
        delay_s = _RECHECK_S if decision.delay_s is None else decision.delay_s
        if decision.counts:
            delay_s = min(delay_s, _RECHECK_S)
        if ends:
            rest = max(_REST, timedelta(seconds=decision.delay_s or 0))
            return self._give_up(decision.sentence, rest, decision.code)
        state = _State.PENDING if hand_over.handle else hand_over.state
        keep(
            hand_over,
            state=state,
            attempts=tries,
            next_at=_now(self.store) + timedelta(seconds=delay_s),
            problem_code=decision.code[:60],
            problem=decision.sentence,
        )
        return False


def _result(row: HandedFigure) -> StockResult:
    if row.code:
        return StockResult(ok=False, changed=False, error_code=row.code, error=row.problem)
    return StockResult(ok=True)


def _now(store: Store) -> datetime:
    """The database's clock."""
    return Store.objects.values_list(Now(), flat=True).get(pk=store.pk)
