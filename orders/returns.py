"""Returns while their order is drafted: which of those the store tells we know, and what is new in
them. Builds rows, touches no database. What was put back by them is ``restocking``'s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from logix.common.ids import uuid7
from orders.data import ReturnData, ReturnLineData
from orders.models import Return, ReturnLine
from orders.status import Handling, ReturnStatus

Row = dict[str, Any]
# A return's notes as they are to be stored, given those that are.
Seal = Callable[[ReturnData, bytes | None], bytes | None]


@dataclass(frozen=True, slots=True)
class Look:
    """A return as people read it: its status, and how many units come back and have."""

    status: ReturnStatus
    units: int
    received: int


@dataclass(frozen=True, slots=True)
class News:
    """``before`` None: a new return; ``after`` None: one that the store tells no longer."""

    name: str
    before: Look | None
    after: Look | None
    raw_status: str = ""


@dataclass(slots=True)
class Rows:
    """Rows to write, and ``news``: what people read otherwise now."""

    new: list[Row] = field(default_factory=list)
    changed: list[Row] = field(default_factory=list)
    removed: list[UUID] = field(default_factory=list)
    new_lines: list[Row] = field(default_factory=list)
    changed_lines: list[Row] = field(default_factory=list)
    removed_lines: list[UUID] = field(default_factory=list)
    news: list[News] = field(default_factory=list)

    @property
    def is_reworded(self) -> bool:
        """Whether a return we know is described otherwise: a name, a reason, a note."""
        return bool(self.changed or self.changed_lines)


def draft(
    order_id: UUID,
    told: tuple[ReturnData, ...] | None,
    stored: Mapping[str, Return],
    line_ids: Mapping[str, UUID],
    seal: Seal,
    handling: str = Handling.RECORD,
) -> Rows:
    """``line_ids``: the order's lines by external id. ``told`` None changes nothing. What the store
    tells no longer is removed, unless units were put back by it: that is a fact of ours.
    ``handling``: the store's option, which a new return keeps.
    """
    done = Rows()
    if told is None:
        return done
    for news in told:
        before = stored.get(news.external_id)
        columns = {
            "name": news.name[:64],
            "status": news.status,
            "raw_status": news.raw_status[:60],
            "notes_sealed": seal(news, _bytes(before.notes_sealed) if before else None),
            "created_at": news.created_at or (before.created_at if before else None),
        }
        if before is None:
            pk = uuid7()
            ids = {"id": pk, "order_id": order_id, "external_id": news.external_id}
            done.new.append({**ids, **columns, "handling": handling})
            _lines(done, pk, news, {}, line_ids)
        else:
            if any(_plain(getattr(before, name)) != value for name, value in columns.items()):
                done.changed.append({"id": before.pk, **columns})
            lines = {x.external_id: x for x in before.lines.all()}
            _lines(done, before.pk, news, lines, line_ids)
        was, is_ = _look_of(before) if before else None, _look(news)
        if was != is_:
            done.news.append(News(news.name, was, is_, news.raw_status))
    gone = set(stored).difference(news.external_id for news in told)
    for before in (stored[external_id] for external_id in sorted(gone)):
        if not any(line.restocked for line in before.lines.all()):
            done.removed.append(before.pk)
            done.news.append(News(before.name, _look_of(before), None))
    return done


def _lines(
    done: Rows,
    parent_id: UUID,
    told: ReturnData,
    stored: Mapping[str, ReturnLine],
    line_ids: Mapping[str, UUID],
) -> None:
    named = {line.external_id: line for line in told.lines}
    for external_id, line in named.items():
        columns = _columns(line, line_ids)
        before = stored.get(external_id)
        if before is None:
            ids = {"id": uuid7(), "parent_id": parent_id, "external_id": external_id}
            done.new_lines.append({**ids, **columns, "restocked": 0})
        elif any(getattr(before, name) != value for name, value in columns.items()):
            kept = {"external_id": external_id, "restocked": before.restocked}
            done.changed_lines.append({"id": before.pk, **kept, **columns})
    done.removed_lines += [
        line.pk
        for external_id, line in stored.items()
        if external_id not in named and not line.restocked
    ]


def _columns(line: ReturnLineData, line_ids: Mapping[str, UUID]) -> Row:
    return {
        "line_id": line_ids.get(line.line_external_id),
        "quantity": line.quantity,
        "received": line.received,
        "reason": line.reason[:120],
    }


def _look(told: ReturnData) -> Look:
    lines = {line.external_id: line for line in told.lines}.values()
    units, received = sum(x.quantity for x in lines), sum(x.received for x in lines)
    return Look(told.status, units, received)


def _look_of(stored: Return) -> Look:
    lines = stored.lines.all()
    units, received = sum(x.quantity for x in lines), sum(x.received for x in lines)
    return Look(ReturnStatus(stored.status), units, received)


def _plain(value: Any) -> Any:
    return _bytes(value) if isinstance(value, memoryview) else value


def _bytes(sealed: bytes | memoryview | None) -> bytes | None:
    return bytes(sealed) if sealed is not None else None
