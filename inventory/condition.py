"""Units that lie there and are not sold: held back to be looked at, or damaged."""

from __future__ import annotations

from django.db import transaction

from inventory import byhand, reserving
from inventory.entries import Level
from inventory.errors import LedgerRefused
from inventory.models import Bucket, Location, MovementKind, StockMovement, Variant
from logix.common.ids import uuid7

UNSOLD = (Bucket.HELD, Bucket.DAMAGED)
_KINDS = {
    Bucket.HELD: (MovementKind.HOLD, MovementKind.UNHOLD),
    Bucket.DAMAGED: (MovementKind.DAMAGE, MovementKind.REPAIR),
}


@transaction.atomic
def keep_back(
    *,
    variant: Variant,
    location: Location,
    bucket: Bucket,
    delta: int | None = None,
    set_to: int | None = None,
    reason: str,
    actor: str,
    cause: str = "",
    request_id: str = "",
) -> StockMovement:
    """Hold back (or find damaged) ``delta`` units more, fewer where negative, or ``set_to`` in all,
    of those that lie there. Orders keep what they hold; what is let go of serves those that wait.

    The same ``cause`` twice changes stock once and returns the first movement. Raises
    LedgerRefused, LedgerConflict.
    """
    if bucket not in UNSOLD:
        raise LedgerRefused("Units are held back or damaged; anything else is counted.")
    if (delta is None) == (set_to is None):
        raise LedgerRefused("Give either a change or a number, not both.")
    cause = cause or f"condition:{uuid7()}"
    found = byhand.opened(variant, location, actor=actor, cause=cause, request_id=request_id)
    if isinstance(found, StockMovement):
        return found
    book, level = found
    before: int = getattr(level, bucket.value)
    after = set_to if set_to is not None else before + (delta or 0)
    _check(level, bucket, before, after)
    more, fewer = _KINDS[bucket]
    kind = more if after >= before else fewer
    pk = book.move(level, bucket, after - before, kind, cause, reason=reason)
    reserving.serve_waiting(book)
    book.write()
    return StockMovement.objects.get(pk=pk)


@transaction.atomic
def write_off(
    *,
    variant: Variant,
    location: Location,
    units: int,
    reason: str,
    actor: str,
    cause: str = "",
    request_id: str = "",
) -> StockMovement:
    """Damaged units are thrown away: neither damaged nor on hand any more, so what can be sold
    stays as it is. Returns the movement of what was on hand. Raises LedgerRefused, LedgerConflict.
    """
    cause = cause or f"writeoff:{uuid7()}"
    found = byhand.opened(variant, location, actor=actor, cause=cause, request_id=request_id)
    if isinstance(found, StockMovement):
        return found
    book, level = found
    if not 1 <= units <= level.damaged:
        raise LedgerRefused(f"{level.damaged} are damaged there: write off between 1 and as many.")
    kind = MovementKind.WRITE_OFF
    book.move(level, Bucket.DAMAGED, -units, kind, f"{cause}:damaged", reason=reason)
    pk = book.move(level, Bucket.ON_HAND, -units, kind, cause, reason=reason)
    book.write()
    return StockMovement.objects.get(pk=pk)


def _check(level: Level, bucket: Bucket, before: int, after: int) -> None:
    if after < 0:
        raise LedgerRefused(f"{before} are {bucket.label.lower()} there, so no more can be let go.")
    others = level.held + level.damaged - before
    if after > before and after + others > level.on_hand:
        raise LedgerRefused(
            f"{level.on_hand} lie there, {others + before} of them held back or damaged already. "
            "Count it first if there are more."
        )
