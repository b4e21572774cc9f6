"""Edits that a store makes after picking began, while the order is drafted: what the conflict is,
and when it is over. Builds rows, touches no database. Rules: docs/ORDER_STATES.md.

Several edits add up against the order as it was when picking began. One that brings it back there
ends the conflict by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from logix.common.ids import uuid7
from orders import conflict_diff, timeline
from orders.data import OrderData
from orders.lines import Lines
from orders.models import Conflict, Order, OrderLine
from orders.status import Flag, FulfillmentStatus, OrderStatus

if TYPE_CHECKING:
    from orders.details import Before

Row = dict[str, Any]
_State = Conflict.State

_OVER = {
    _State.RETURNED: "The store took its edit back: the order is as it was when picking began",
    _State.OVERTAKEN: "The edit needs no decision any more: nothing of the order is left to send",
}


@dataclass(slots=True)
class Drafted:
    """Rows to write. ``is_open`` None: there is no conflict, and was none. ``held``: units wanted
    before the edit, by the line's external id, where that was more.
    """

    new: list[Row] = field(default_factory=list)
    changed: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    held: dict[str, int] = field(default_factory=dict)
    is_open: bool | None = None


def draft(
    order_id: UUID,
    data: OrderData,
    known: Order | None,
    status: OrderStatus,
    stored: Mapping[str, OrderLine],
    lines: Lines,
    before: Before,
    found: Conflict | None,
    now: datetime,
) -> Drafted:
    """``status`` is the order's to be; ``found`` its open conflict. ``stored`` and ``before`` are
    what was known of it until now.
    """
    done = Drafted()
    if known is None or (found is None and not _may_open(known, status, lines)):
        return done
    baseline = found.baseline if found else conflict_diff.baseline_of(known, stored, before)
    differs = conflict_diff.between(baseline, data, lines, known)
    has_left = any(x.requires_shipping and x.required > x.shipped for x in lines.all)
    holds = differs.holds_lines or (has_left and differs.holds_fields)
    if holds and status is not OrderStatus.CANCELLED:
        done.is_open, done.held = True, differs.held
        _open(done, order_id, data, found, baseline, differs.as_data, now)
    elif found:
        done.is_open = False
        is_back = not (differs.holds_lines or differs.holds_fields)
        _close(done, order_id, found, _State.RETURNED if is_back else _State.OVERTAKEN, now)
    return done


def _may_open(known: Order, status: OrderStatus, lines: Lines) -> bool:
    """Picking began when a person said so, when a unit left, when another store's warehouse was
    asked to send some, or when the store says that somebody is at it. A cancelled order is a matter
    of its own, and one that the platform sends the platform's.
    """
    if Flag.PLATFORM_FULFILLED in known.flag_set:
        return False
    begun = known.picking_since is not None
    begun = begun or known.fulfillment_status == FulfillmentStatus.IN_PROGRESS
    begun = begun or any(x.in_parcels or x.outside for x in lines.all)
    return begun and status is not OrderStatus.CANCELLED


def _open(
    done: Drafted,
    order_id: UUID,
    data: OrderData,
    found: Conflict | None,
    baseline: Row,
    diff: Row,
    now: datetime,
) -> None:
    if found and found.diff == diff:
        return
    told = {"diff": diff, "edited_at": data.changed_at, "source_version": data.version}
    closed = {"state": _State.OPEN, "closed_at": None}
    if found:
        done.changed.append({"id": found.pk, "edits": found.edits + 1, **told, **closed})
    else:
        ids = {"id": uuid7(), "order_id": order_id, "baseline": baseline, "edits": 1}
        done.new.append({**ids, **told, **closed, "opened_at": now, "decided_by": ""})
    again = "again " if found else ""
    title = f"Edited {again}after picking began, a person must look: {conflict_diff.summary(diff)}"
    done.events.append(timeline.row(order_id, "conflict", title, now, data=diff))


def _close(done: Drafted, order_id: UUID, found: Conflict, state: _State, now: datetime) -> None:
    """The difference stays for the record."""
    done.changed.append(
        {
            "id": found.pk,
            "edits": found.edits,
            "diff": found.diff,
            "edited_at": found.edited_at,
            "source_version": found.source_version,
            "state": state,
            "closed_at": now,
        }
    )
    done.events.append(timeline.row(order_id, "conflict_over", _OVER[state], now))
