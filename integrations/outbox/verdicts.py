"""Whether a store shows what it should, was told it, or will be; and if not, what stands in the
way.
"""

from __future__ import annotations

from enum import StrEnum

from integrations.models import Push, StoreStatus
from integrations.outbox import handed
from integrations.outbox.bylocation import is_shown, seen_at, told_at
from inventory.availability import Target
from inventory.models import Listing


class Verdict(StrEnum):
    IN_STEP = "in_step"
    LEFT_ALONE = "left_alone"
    WAITING = "waiting"
    BLOCKED = "blocked"
    TOLD = "told"
    DIFFERS = "differs"


def judge(listing: Listing, push: Push | None, target: Target) -> tuple[Verdict, str]:
    """With a sentence for people. ``listing`` has its store. Where the store takes something off
    its figure by itself, that is part of what it shows.
    """
    if target.value is None:
        return Verdict.LEFT_ALONE, target.reason
    wanted = sum(target.told.values()) if target.added else target.value
    if push is not None and push.state == Push.State.BLOCKED:
        return Verdict.BLOCKED, push.problem
    if push is not None and push.state != Push.State.IDLE:
        return Verdict.WAITING, _waiting(listing, push, wanted)
    is_told = push is not None and is_shown(target.told, told_at(push))
    if is_shown(target.told, seen_at(listing)):
        return Verdict.IN_STEP, f"The store shows {wanted}, as it should."
    if is_told and not _seen_since(listing, push):
        return Verdict.TOLD, f"The store was told {wanted} and was not read since."
    return Verdict.DIFFERS, (
        f"The store shows {_units(listing.seen_quantity)} instead of {wanted}, and nothing "
        "waits to be sent. Press “Send again” at its stock push."
    )


def _waiting(listing: Listing, push: Push, wanted: int) -> str:
    said = (
        f"The store is about to be told {wanted}; so far it was told {_units(push.pushed_value)}."
    )
    if listing.store.status != StoreStatus.ACTIVE:
        said += (
            f" Nothing is sent: {listing.store} is {listing.store.get_status_display().lower()}."
        )
    return f"{said} {handed.words_of(push) or push.problem}".strip()


def _seen_since(listing: Listing, push: Push | None) -> bool:
    if push is None or push.pushed_at is None or listing.seen_at is None:
        return False
    return listing.seen_at > push.pushed_at


def _units(figure: int | None) -> str:
    return "nothing" if figure is None else str(figure)
