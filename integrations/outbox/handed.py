"""Figures that go out in one file: the lines of a hand-over, and the lease of whoever works on it.

While a push is ``handed`` nobody else sends it, so that what the store works off late never covers
a newer figure. It comes back by its ending (``claims.keep``) or by ``put_back``.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from integrations.models import HandedFigure, Push, StockHandOver, StoreStatus
from integrations.outbox.bylocation import told_at
from integrations.outbox.claims import Claimed
from integrations.outbox.reasons import Reason
from logix.common import bulk
from logix.common.bell import ring
from logix.common.transactions import again_on

LEASE = timedelta(seconds=120)
CHUNK = 500
# A file that nothing joined for so long goes as it is: whoever gathered for it has ended.
IDLE = timedelta(seconds=60)

_DUE = 100
# What later decisions hang on, see ``brake`` and ``figures``.
_STAYS = (Reason.ZERO_CONFIRMED.value, Reason.REVERTED.value)


class Fenced(Exception):
    """Somebody else works on it by now."""


def open_of(store_id: UUID) -> StockHandOver | None:
    return StockHandOver.objects.filter(store=store_id, state__in=StockHandOver.OPEN).first()


def due() -> list[UUID]:
    """Hand-overs with something to be done now, longest due first."""
    rows = StockHandOver.objects.filter(
        state__in=StockHandOver.OPEN, next_at__lte=Now(), store__status=StoreStatus.ACTIVE
    ).exclude(lease_until__gt=Now())
    return list(rows.order_by("next_at").values_list("pk", flat=True)[:_DUE])


def ring_for(hand_over_id: UUID, *, delay_s: float = 0.0) -> None:
    task = "integrations.tasks.work_hand_over"
    ring(task, str(hand_over_id), queue="bulk", delay_s=delay_s)


def look_soon(store_id: UUID, reference: str) -> bool:
    """The store announced that it has worked off what it calls ``reference``: look at once, unless
    a look came to grief and has to wait. False for what is not ours, or not waited for any more.
    """
    hand_over = open_of(store_id)
    if hand_over is None or reference not in hand_over.handle.get("awaits", ()):
        return False
    waits = StockHandOver.objects.filter(
        pk=hand_over.pk, state=StockHandOver.State.PENDING, problem_code="", next_at__gt=Now()
    )
    if waits.update(next_at=Now()):
        ring_for(hand_over.pk)
    return True


def take(hand_over_id: UUID) -> StockHandOver | None:
    """Under a lease, if it is due and nobody else has it; the attempt is counted before anything is
    done.
    """
    mine = StockHandOver.objects.filter(
        Q(lease_until=None) | Q(lease_until__lt=Now()),
        pk=hand_over_id,
        state__in=StockHandOver.OPEN,
        next_at__lte=Now(),
        store__status=StoreStatus.ACTIVE,
    )
    counted = {"fence": F("fence") + 1, "attempts": F("attempts") + 1}
    if not mine.update(**counted, lease_until=Now() + LEASE):
        return None
    rows = StockHandOver.objects.select_related("store__data_key", "store__merchant")
    return rows.get(pk=hand_over_id)


def keep(hand_over: StockHandOver, **changes: Any) -> None:
    """Note ``changes`` and renew the lease. Raises Fenced."""
    changes = {"lease_until": Now() + LEASE, **changes}
    mine = StockHandOver.objects.filter(pk=hand_over.pk, fence=hand_over.fence)
    if not mine.update(**changes):
        raise Fenced
    for name, value in changes.items():
        if name != "lease_until":
            setattr(hand_over, name, value)


def join(hand_over: StockHandOver, found: list[tuple[Claimed, str]]) -> set[UUID] | None:
    """Give claimed pushes, each with the adapter's word, the next lines of the file; return the ids
    of those that were still ours. None where the file is closed.
    """

    def write() -> set[UUID] | None:
        mine = StockHandOver.objects.filter(pk=hand_over.pk, state=StockHandOver.State.GATHERING)
        if not mine.update(figures=F("figures") + len(found), next_at=Now() + IDLE):
            return None
        end = mine.values_list("figures", flat=True).get()
        moved = bulk.update(Push, [_handed(claim) for claim, _ in found], versioned="fence")
        rows = [
            {
                "hand_over_id": hand_over.pk,
                "push_id": claim.id,
                "number": number,
                "word": word,
                "want": claim.want,
                "units": None,
                "reversals": 0,
                "code": "",
                "problem": "",
            }
            for number, (claim, word) in enumerate(found, end - len(found) + 1)
            if claim.id in moved
        ]
        bulk.insert(HandedFigure, rows)
        return moved

    return again_on()(write)


def lines_after(hand_over: StockHandOver, number: int) -> list[HandedFigure]:
    """The next lines, with what is known of their listings."""
    rows = hand_over.lines.filter(number__gt=number).order_by("number")
    return list(rows.select_related("push__listing")[:CHUNK])


def as_held(push: Push, want: int | None = None) -> Claimed:
    """A push as it stands in the file. ``want``: what was wanted when its figure was computed."""
    return Claimed(
        id=push.pk,
        listing_id=push.listing_id,
        fence=push.fence,
        want=push.want_version if want is None else want,
        sent=push.sent_version,
        attempts=push.attempts,
        dirty_since=push.dirty_since,
        pushed_at=push.pushed_at,
        problem_code=push.problem_code,
        pushed=told_at(push),
    )


def put_back(hand_over: StockHandOver, code: str = "", problem: str = "") -> int:
    """All that is still in the file is to be sent again, as if it had never been in it. Return how
    many. What a person confirmed, and how often a figure was undone, stays noted.
    """
    back: dict[str, Any] = {
        "state": Push.State.READY,
        "fence": F("fence") + 1,
        "attempts": F("attempts") - 1,
        "next_at": Now(),
    }

    def some() -> int:
        lines = list(hand_over.lines.values_list("pk", "push_id")[:CHUNK])
        rows = Push.objects.filter(pk__in=[push for _, push in lines], state=Push.State.HANDED)
        rows.filter(problem_code="").update(**back, problem_code=code, problem=problem)
        rows.update(**back)
        HandedFigure.objects.filter(pk__in=[pk for pk, _ in lines]).delete()
        return len(lines)

    count = 0
    while found := again_on()(some):
        count += found
    return count


def drop_ended(hand_over: StockHandOver) -> None:
    """Lines whose pushes are not in the file any more."""
    gone = hand_over.lines.exclude(push__state=Push.State.HANDED)
    while ids := list(gone.values_list("pk", flat=True)[:CHUNK]):
        HandedFigure.objects.filter(pk__in=ids).delete()


def pushes_of(hand_over: StockHandOver) -> QuerySet[Push]:
    return Push.objects.filter(handed__hand_over=hand_over, state=Push.State.HANDED)


def file_of(push: Push) -> StockHandOver | None:
    """The file a push is in. One statement, unless it was selected with the push."""
    if push.state != Push.State.HANDED:
        return None
    line = getattr(push, "handed", None)
    return line.hand_over if line else None


def words_of(push: Push) -> str:
    """Where a figure is that was handed over, in words."""
    file = file_of(push)
    if file is None:
        return ""
    if file.state in (StockHandOver.State.GATHERING, StockHandOver.State.SENDING):
        return "It is gathered with many others, to be sent in one file."
    return "It was sent in a file with many others, which the store is working off."


def _handed(claim: Claimed) -> dict[str, Any]:
    is_noted = claim.problem_code.startswith(_STAYS)
    return {
        "id": claim.id,
        "state": Push.State.HANDED,
        "fence": claim.fence + 1,
        "lease_until": None,
        "next_at": None,
        "problem_code": claim.problem_code if is_noted else "",
        "problem": "",
    }
