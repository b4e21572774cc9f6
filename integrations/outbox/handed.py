"""Figures that go out in one file: the lines of a hand-over.

While a push is ``handed`` nobody else sends it, so that what the store works off late never covers
a newer figure. It comes back by its ending (``claims.keep``) or by ``put_back``.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet
from django.db.models.functions import Now

from integrations.models import HandedFigure, Push, StockHandOver
from integrations.outbox.bylocation import told_at
from integrations.outbox.claims import Claimed
from integrations.outbox.files import CHUNK
from integrations.outbox.reasons import Reason
from logix.common import bulk
from logix.common.transactions import again_on

# A file that nothing joined for so long goes as it is: whoever gathered for it has ended.
IDLE = timedelta(seconds=60)

# What later decisions hang on, see ``brake`` and ``figures``.
_STAYS = (Reason.ZERO_CONFIRMED.value, Reason.REVERTED.value)


def open_of(store_id: UUID) -> StockHandOver | None:
    return StockHandOver.objects.filter(store=store_id, state__in=StockHandOver.OPEN).first()


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
