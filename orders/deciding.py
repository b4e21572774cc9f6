"""What a person decides on an edit that came after picking began: its lines hold from then on, and
reservations follow. The store's word is the order; who wants it otherwise changes it there.
"""

from __future__ import annotations

from django.utils import timezone

from logix.common import bulk
from orders import conflict_diff
from orders.changing import change, held_lines, lines_of, note, settle_stock
from orders.errors import OrderError
from orders.models import Conflict, Order, OrderLine
from orders.outside import stop_if_unwanted
from orders.status import Flag


def accept_edit(order: Order, *, seen: int, actor: str, request_id: str = "") -> Conflict:
    """Take the store's edit over: what it wants less of is free again, and the order goes on. Units
    that had left stay as shipped. ``seen``: the ``edits`` of the conflict the person looked at;
    another figure means that the store edited again since, and is refused. Raises OrderError.
    """

    def accept(order: Order) -> Conflict:
        found = open_conflict(order, seen=seen)
        if found is None:
            raise OrderError("nothing_to_review", "No edit of this order waits for a decision.")
        flags = order.flag_set - {Flag.EDITED_AFTER_IMPORT}
        order.flags = ",".join(sorted(flags))
        order.save(update_fields=["flags"])
        _take_over(order, found, actor=actor, request_id=request_id)
        stop_if_unwanted(order)
        return found

    return change(order, accept)


def open_conflict(order: Order, *, seen: int | None = None) -> Conflict | None:
    """Raises OrderError where another edit than the one ``seen`` is open."""
    if Flag.EDITED_AFTER_IMPORT not in order.flag_set:
        return None
    found = Conflict.objects.open().filter(order=order).first()
    if found is not None and seen is not None and seen != found.edits:
        raise OrderError(
            "edited_meanwhile",
            "The store edited this order again since you looked at it. Look at the difference "
            "again before you accept it.",
        )
    return found


def _take_over(order: Order, found: Conflict, *, actor: str, request_id: str) -> None:
    found.state, found.closed_at, found.decided_by = (
        Conflict.State.ACCEPTED,
        timezone.now(),
        actor,
    )
    found.save(update_fields=["state", "closed_at", "decided_by"])
    lines = {**held_lines(order), **lines_of(order)}
    for line in lines.values():
        line.held_quantity = 0
    bulk.update(OrderLine, [{"id": pk, "held_quantity": 0} for pk in lines])
    settle_stock(order, lines, actor=actor, request_id=request_id)
    note(
        order,
        "edit_accepted",
        f"Accepted the store’s edit: {conflict_diff.summary(found.diff)}",
        actor,
        data={"conflict": str(found.pk), **found.diff},
        request_id=request_id,
    )
