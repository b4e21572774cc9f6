"""What a store says it put back on sale, while the order is drafted: what of that is news, and
whether it goes on the shelf here at once. Builds records, touches no database; ``restocking`` acts
on them.

Money is not its matter: a refund without a return changes money alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any
from uuid import UUID

from orders.data import OrderData, RestockData
from orders.lines import DraftLine, Lines
from orders.models import Order, Refund, Return
from orders.returns import Rows as ReturnRows
from orders.status import CALLED_OFF, Handling

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Come:
    """Units that go on the shelf now. ``cause`` is theirs alone."""

    item_id: UUID
    name: str
    units: int
    at: str
    cause: str


@dataclass(slots=True)
class Drafted:
    """``told`` is what to remember of the store's word, None for nothing new. ``waits``: what a
    person has to decide, in words.
    """

    told: dict[str, int] | None = None
    comes: list[Come] = field(default_factory=list)
    waits: list[str] = field(default_factory=list)


def draft(
    data: OrderData,
    known: Order | None,
    store: Any,
    lines: Lines,
    refunds: Mapping[str, Refund],
    stored: Mapping[str, Return],
    returns: ReturnRows,
    *,
    moves_stock: bool,
    lacks_refund_lines: bool,
) -> Drafted:
    """Only what is new is acted on, by the store's option as it is now; a later choice changes
    nothing of what was told before. Where lines of a refund are still to be read, that is waited
    for.
    """
    done = Drafted()
    before = known.told_restocks if known else {}
    if lacks_refund_lines:
        done.told = before
        return done
    told = _by_key(data.restocks)
    sums = {key: sum(row.quantity for row in rows) for key, rows in told.items()}
    done.told = {**(before or {}), **sums}
    if not told or before is None or not moves_stock or store.stock_since is None:
        return done
    if known is None and not _is_counted(data, store):
        return done
    mode, back = handling_of(store), _Back(lines, stored, returns)
    returned = _returned_anew(data, refunds)
    for key, rows in told.items():
        line = back.lines.get(rows[0].line_external_id)
        if line is None:
            continue
        for row, news in _news(rows, before.get(key, 0)):
            taken = back.take(row, line, news, returned) if mode is Handling.AUTOMATIC else 0
            if taken and line.item_id:
                cause = f"store:{line.id.hex}:{_short(key)}:{len(done.comes)}:{done.told[key]}"
                at = row.external_location_id
                done.comes.append(Come(line.item_id, back.names[line.id], taken, at, cause))
            rest = news - taken
            if rest and mode is not Handling.OFF and back.needs_word(row, line, returned):
                done.waits.append(f"{rest} × {back.names[line.id]}")
    return done


def handling_of(store: Any) -> Handling:
    """As its owner chose. A store that counts its stock itself has counted what came back."""
    chosen = Handling(store.returns)
    counts_itself = chosen is Handling.AUTOMATIC and getattr(store, "is_stock_master", False)
    return Handling.RECORD if counts_itself else chosen


class _Back:
    """How many units of each line may still go back."""

    def __init__(self, lines: Lines, stored: Mapping[str, Return], returns: ReturnRows) -> None:
        self.lines: dict[str, DraftLine] = {x.external_id: x for x in lines.all}
        self.names = _names(lines)
        self.returns = returns
        self.parents = {x.pk: x for x in stored.values()}
        self.return_lines = {
            line.external_id: line for x in stored.values() for line in x.lines.all()
        }
        off = {x.pk for x in stored.values() if x.status in CALLED_OFF}
        off -= {row["id"] for row in returns.changed if row["status"] not in CALLED_OFF}
        self.by_return = {
            line.line_id
            for x in stored.values()
            if x.pk not in off
            for line in x.lines.all()
            if line.line_id
        }
        self.by_return |= {row["line_id"] for row in returns.new_lines}
        self.taken: dict[UUID, int] = defaultdict(int)

    def take(
        self, row: RestockData, line: DraftLine, news: int, returned: Mapping[str, int]
    ) -> int:
        """How many of the ``news`` go back by the store's word; the rest waits for a person."""
        if line.item_id is None:
            return 0
        if row.return_line_external_id:
            return self._take_return(row.return_line_external_id, news)
        if line.id in self.by_return:
            return 0
        most = line.shipped - self.taken[line.id]
        if not row.had_left:
            most = min(most, returned.get(line.external_id, 0))
        units = max(0, min(news, most))
        self.taken[line.id] += units
        return units

    def _take_return(self, external_id: str, news: int) -> int:
        """The line's row says how many are back then."""
        for rows in (self.returns.new_lines, self.returns.changed_lines):
            for row in rows:
                if row["external_id"] == external_id:
                    return self._add(row, row["quantity"], news, row.get("parent_id"))
        line = self.return_lines.get(external_id)
        if line is None:
            return 0
        row = {
            "id": line.pk,
            "external_id": external_id,
            "line_id": line.line_id,
            "quantity": line.quantity,
            "received": line.received,
            "reason": line.reason,
            "restocked": line.restocked,
        }
        units = self._add(row, line.quantity, news, line.parent_id)
        if units:
            self.returns.changed_lines.append(row)
        return units

    def _add(self, row: Row, quantity: int, news: int, parent_id: UUID | None) -> int:
        known = self.return_lines.get(row["external_id"])
        parent = self.parents.get(known.parent_id if known else parent_id)  # type: ignore[arg-type]
        if parent is not None and parent.handling != Handling.AUTOMATIC:
            return 0
        units = max(0, min(news, quantity - row["restocked"]))
        row["restocked"] += units
        return units

    def needs_word(self, row: RestockData, line: DraftLine, returned: Mapping[str, int]) -> bool:
        """Units of a return are decided on there; those that never left are free by themselves."""
        if row.return_line_external_id or line.id in self.by_return or not line.shipped:
            return False
        return row.had_left or bool(returned.get(line.external_id))


def _by_key(told: Iterable[RestockData]) -> dict[str, list[RestockData]]:
    found: dict[str, list[RestockData]] = defaultdict(list)
    for row in told:
        parts = (row.line_external_id, row.return_line_external_id, row.reference)
        found["|".join(parts)].append(row)
    return found


def _news(rows: Iterable[RestockData], known: int) -> Iterator[tuple[RestockData, int]]:
    """Rows with the units that were not told before."""
    for row in rows:
        units = max(0, row.quantity - known)
        known = max(0, known - row.quantity)
        if units:
            yield row, units


def _short(key: str) -> str:
    return blake2b(key.encode(), digest_size=8).hexdigest()


def _returned_anew(data: OrderData, refunds: Mapping[str, Refund]) -> dict[str, int]:
    """Units by line that refunds told for the first time gave back after the order was complete."""
    units: dict[str, int] = defaultdict(int)
    done_at: datetime | None = data.completed_at
    for refund in data.refunds or ():
        before = refunds.get(refund.external_id)
        is_new = before is None or not before.lines
        if refund.lines and is_new and refund.created_at and done_at:
            for line in refund.lines if refund.created_at > done_at else ():
                units[line.line_external_id] += line.quantity
    return units


def _is_counted(data: OrderData, store: Any) -> bool:
    """Whether all of it happened since the store's stock is counted here."""
    times = [x.created_at for x in data.refunds or ()] + [x.created_at for x in data.returns or ()]
    return all(at is not None and at >= store.stock_since for at in times)


def _names(lines: Lines) -> dict[UUID, str]:
    rows = {row["id"]: row for row in lines.new + lines.changed}
    names = {}
    for line in lines.all:
        row = rows.get(line.id)
        sku, name = (row["sku"], row["name"]) if row else ("", "")
        if line.before and not row:
            sku, name = line.before.sku, line.before.name
        names[line.id] = sku or name
    return names
