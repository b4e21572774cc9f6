"""Parcels in a file, each told, refused or told again by the store's word.

No order is looked at before: the store's orders are read up to now first, and a parcel whose order
changed there after it was made goes out by a call, which looks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from integrations import policy, registry
from integrations.base import BaseEcommerceIntegration, FileOutcome, ParcelLine, ParcelRefusal
from integrations.errors import Rejected
from integrations.models import HandedParcel, ParcelHandOver
from integrations.outbox import commands, gate, parcels, superseding, telling
from integrations.outbox.files import keep
from integrations.outbox.gate import Closed
from integrations.outbox.handing import Job, now_of
from integrations.outbox.reasons import SENTENCES, Reason
from integrations.platform import Ability
from logix.common import bulk
from logix.common.garbage import collect_young
from orders.models import Order

# Each is written with its order's timeline.
_TOGETHER = 100
_UNREAD = "The store's newest orders could not be read in time."
Lines = list[tuple[HandedParcel, ParcelLine]]


class ParcelJob(Job[ParcelHandOver]):
    needs = Ability.SHIPMENTS

    def _hand_over(
        self, adapter: BaseEcommerceIntegration, now: datetime, closed: Closed | None
    ) -> bool:
        if closed is not None:
            return self._give_up(_UNREAD, code=Reason.GATE)
        count = sum(1 for _ in self._lines(adapter))
        if count < registry.card(self.store.platform).parcels_bulk_from // 2:
            keep(self.file)
            parcels.put_back_all(self.file, was_sent=False)
            return self._done(parcels=0)
        keep(self.file, handed_at=now)
        handle = adapter.hand_over_parcels(self._lines(adapter), self._keep_handle)
        return self._handed(handle, parcels=self.file.lines.count())

    def _lines(self, adapter: BaseEcommerceIntegration) -> Iterator[ParcelLine]:
        """Some at a time; what is not to be in the file is left out of it."""
        number = 0
        while (found := self._some_lines(adapter, number)) is not None:
            lines, number = found
            collect_young()
            yield from lines

    def _some_lines(
        self, adapter: BaseEcommerceIntegration, after: int
    ) -> tuple[list[ParcelLine], int] | None:
        """The next lines, and the number of the last that was looked at."""
        rows = parcels.lines_after(self.file, after)
        if not rows:
            return None
        keep(self.file)
        lines = {row.pk: line for row, line in self._unchanged(rows) if adapter.fits_file(line)}
        if unfit := [row for row in rows if row.pk not in lines]:
            code = Reason.TOLD_BY_CALL
            parcels.put_back(unfit, was_sent=False, code=code, problem=SENTENCES[code])
        return list(lines.values()), rows[-1].number

    def _unchanged(self, rows: Sequence[HandedParcel]) -> Lines:
        """Those whose orders stand as they stood when the parcels were made."""
        wanted = {row.command.order_ref for row in rows}
        known = Order.objects.filter(pk__in=wanted, gone_at=None, cancelled_at=None)
        orders = {order.pk: order for order in known.only("placed_at", "custom", "applied_at")}
        back = superseding.taken_back([row.command for row in rows])
        found: Lines = []
        for row in rows:
            command, order = row.command, orders.get(row.command.order_ref)
            if order is None or order.applied_at > command.created_at or command.pk in back:
                continue
            line = ParcelLine(
                number=row.number,
                order_id=command.external_order_id,
                shipment=telling.shipment_of(command.payload),
                placed_at=order.placed_at,
                custom=order.custom,
            )
            found.append((row, line))
        return found

    def _outcome(self, adapter: BaseEcommerceIntegration) -> FileOutcome[ParcelRefusal]:
        return adapter.parcels_outcome(self.file.handle)

    def _drop(self, adapter: BaseEcommerceIntegration) -> None:
        adapter.drop_parcels(self.file.handle)

    def _note(self, refused: Mapping[int, ParcelRefusal]) -> None:
        ids = self.file.lines.filter(number__in=refused).values_list("pk", "number")
        rows = [
            {
                "id": pk,
                "code": (refused[number].code or "rejected")[:60],
                "problem": refused[number].error,
                "is_unsure": refused[number].is_unsure,
            }
            for pk, number in ids
        ]
        bulk.update(HandedParcel, rows)

    def _end_some(self) -> bool:
        keep(self.file)
        rows = parcels.lines_after(self.file, 0, _TOGETHER)
        for row in rows:
            self._end(row)
        if not rows:
            self.file.lines.filter(code="").delete()
        return bool(rows)

    def _put_back(self, why: str) -> None:
        code = Reason.PARCELS_LOST
        problem = SENTENCES[code].format(why=why)
        parcels.put_back_all(self.file, was_sent=bool(self.file.handle), code=code, problem=problem)

    def _ring(self) -> None:
        """And read what became of the orders."""
        if self.file.handle:
            gate.pull_orders(self.store.pk, now_of(self.store))
        commands.ring_commands(self.store.pk)

    def _end(self, row: HandedParcel) -> None:
        command = row.command
        if row.is_unsure:
            parcels.put_back([row], was_sent=True, code=row.code, problem=row.problem)
        elif row.code:
            decision = policy.decide(Rejected(row.problem, code=row.code))
            commands.refuse(command, self.store, decision.code, decision.sentence)
        else:
            said = telling.said_of(telling.shipment_of(command.payload))
            commands.done(command, changed=True, title=f"The store took {said}")
