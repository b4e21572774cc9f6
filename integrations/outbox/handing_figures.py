"""Stock figures in a file: computed anew when it is written, each settled by the store's word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import chain

from integrations.base import BaseEcommerceIntegration, FileOutcome, StockLine
from integrations.models import HandedFigure, StockHandOver
from integrations.outbox import brake, claims, dirty, figures, gathering, handed
from integrations.outbox.figures import Group, Plan
from integrations.outbox.files import keep
from integrations.outbox.gate import Closed
from integrations.outbox.handing import Job, now_of
from integrations.outbox.reasons import SENTENCES, Reason
from integrations.outbox.seeing import stock_update
from integrations.platform import Ability
from inventory.data import StockResult
from logix.common import bulk
from logix.common.garbage import collect_young


class _LookAgain(Exception):
    """More would fall to 0 than the brake has looked at."""


class FigureJob(Job[StockHandOver]):
    needs = Ability.STOCK_BULK

    def go_on(self) -> bool:
        if self.file.state == StockHandOver.State.GATHERING:
            gathering.shut(self.file)
            return False
        return super().go_on()

    def _hand_over(
        self, adapter: BaseEcommerceIntegration, now: datetime, closed: Closed | None
    ) -> bool:
        keep(self.file, orders_unread=closed is not None, handed_at=now)
        looked = brake.hold_back_handed(self.store, handed.pushes_of(self.file), now)
        handed.drop_ended(self.file)
        lines = self._lines(now, looked.allowed)
        try:
            first = next(lines, None)
            if first is None:
                return self._done(figures=0)
            handle = adapter.hand_over_stock(chain([first], lines), self._keep_handle)
        except _LookAgain:
            return True
        return self._handed(handle, figures=self.file.lines.count())

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
        rows = handed.lines_after(self.file, after)
        if not rows:
            return None
        keep(self.file)
        by_claim = {handed.as_held(row.push): row for row in rows}
        plan = figures.plan(list(by_claim), now, orders_unread=self.file.orders_unread)
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

    def _outcome(self, adapter: BaseEcommerceIntegration) -> FileOutcome[StockResult]:
        return adapter.stock_outcome(self.file.handle)

    def _drop(self, adapter: BaseEcommerceIntegration) -> None:
        adapter.drop_stock(self.file.handle)

    def _note(self, refused: Mapping[int, StockResult]) -> None:
        ids = self.file.lines.filter(number__in=refused).values_list("pk", "number")
        rows = [
            {
                "id": pk,
                "code": (refused[number].error_code or "rejected")[:60],
                "problem": refused[number].error,
            }
            for pk, number in ids
        ]
        bulk.update(HandedFigure, rows)

    def _end_some(self) -> bool:
        keep(self.file)
        rows = handed.lines_after(self.file, 0)
        if not rows:
            return False
        now = now_of(self.store)
        plan = Plan(orders_unread=self.file.orders_unread)
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
        told = self.file.handed_at or now
        shown = max(told, min(self.file.ended_at or now, now))
        claims.keep(figures.keep_answers(plan, answers, now, told=told, shown=shown), now)
        HandedFigure.objects.filter(pk__in=[row.pk for row in rows]).delete()
        return True

    def _put_back(self, why: str) -> None:
        handed.put_back(self.file, Reason.FILE_LOST, SENTENCES[Reason.FILE_LOST].format(why=why))

    def _ring(self) -> None:
        dirty.ring_pushes(self.store.pk)


def _result(row: HandedFigure) -> StockResult:
    if row.code:
        return StockResult(ok=False, changed=False, error_code=row.code, error=row.problem)
    return StockResult(ok=True)
