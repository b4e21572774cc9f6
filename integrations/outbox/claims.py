"""Claiming due pushes and keeping what came of them. Every change out of READY or BUSY raises the
fence, so whoever slept past its lease finds another fence and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, QuerySet

from integrations import policy
from integrations.models import Push
from integrations.outbox.bylocation import Figures, told_at, told_columns
from integrations.outbox.dirty import DEBOUNCE
from integrations.outbox.gate import Closed
from integrations.outbox.reasons import SENTENCES, Reason
from logix.common import bulk
from logix.common.transactions import again_on

LEASE = timedelta(seconds=60)
# Claims of one store at a time; more workers for it would only wait for its limiter.
IN_FLIGHT = 2

_State = Push.State


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """One push as it stood when it was claimed. ``want`` was read before the figure is computed, so
    a change that comes between makes the push behind again rather than lost. ``pushed`` is what the
    store was told last.
    """

    id: UUID
    listing_id: UUID
    fence: int
    want: int
    sent: int
    attempts: int
    dirty_since: datetime | None
    pushed_at: datetime | None
    problem_code: str
    pushed: Figures = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How one claim ends. ``settled``: what was wanted is so. ``pushed``: the figures the store was
    told.
    """

    settled: bool = False
    pushed: Figures | None = None
    pushed_at: datetime | None = None
    blocked: bool = False
    next_at: datetime | None = None
    counted: bool = True
    code: str = ""
    problem: str = ""


def due(store_id: UUID, now: datetime, closed: Closed | None = None) -> QuerySet[Push]:
    """What may be sent now: all that is due; before a closed gate, what has waited long enough."""
    rows = Push.objects.filter(store_id=store_id, state=_State.READY, next_at__lte=now)
    if closed:
        rows = rows.filter(problem_code=Reason.GATE, dirty_since__lte=closed.waited_since)
    return rows


def take(
    store_id: UUID, now: datetime, limit: int, closed: Closed | None = None
) -> list[Claimed] | None:
    """Claim up to ``limit`` of what is ``due``, longest dirty first, with the attempt counted
    before anything is done.

    A batch whose worker died is tried again in halves, so a push that kills workers stands alone in
    the end and is parked. Empty when nothing is due; None when enough is under way, and whoever is
    at it goes on with what is left.
    """
    with transaction.atomic():
        if _under_way(store_id, now) >= IN_FLIGHT:
            return None
        found = list(
            due(store_id, now, closed)
            .order_by("dirty_since", "pk")
            .select_for_update(skip_locked=connection.features.has_select_for_update_skip_locked)[
                :limit
            ]
        )
        worn = [p for p in found if p.attempts >= policy.MAX_ATTEMPTS]
        batch = _batch([p for p in found if p.attempts < policy.MAX_ATTEMPTS], limit)
        _give_up(worn)
        rows = [
            {
                "id": p.pk,
                "state": _State.BUSY,
                "fence": p.fence + 1,
                "attempts": p.attempts + 1,
                "lease_until": now + LEASE,
            }
            for p in batch
        ]
        mine = bulk.update(Push, rows, versioned="fence")
    return [as_claimed(p) for p in batch if p.pk in mine]


def keep(endings: Mapping[Claimed, Ending], now: datetime) -> set[UUID]:
    """Write how claims ended, also of what was handed over; return the ids written. Those another
    worker has taken since are left alone.
    """
    by_id = {claim.id: claim for claim in endings}

    def write() -> set[UUID]:
        current = (
            Push.objects.filter(pk__in=by_id, state__in=Push.UNDER_WAY)
            .order_by("pk")
            .select_for_update()
            .values_list("pk", "fence", "want_version")
        )
        rows = [
            _ended(by_id[pk], endings[by_id[pk]], want, now)
            for pk, fence, want in current
            if fence == by_id[pk].fence
        ]
        return bulk.update(Push, rows, versioned="fence")

    # A transaction that marks several times locks in its own order: if the two clash, again.
    return again_on()(write)


def note_told(told: Mapping[UUID, Figures], now: datetime) -> None:
    """By listing, what its store was told under another one's name: the figure is the same one.
    Whether anything waits for it is left as it is.
    """

    def write() -> None:
        rows = Push.objects.filter(listing__in=told).order_by("pk").select_for_update()
        bulk.update(
            Push,
            [
                {"id": pk, **told_columns(told[listing]), "pushed_at": now}
                for pk, listing in rows.values_list("pk", "listing_id")
            ],
        )

    if told:
        again_on()(write)


def put_back(claimed: Sequence[Claimed]) -> None:
    """Nothing was done with them: they are as they were before they were taken."""
    rows = [
        {
            "id": claim.id,
            "state": _State.READY,
            "fence": claim.fence + 1,
            "attempts": claim.attempts - 1,
            "lease_until": None,
        }
        for claim in claimed
    ]
    again_on()(lambda: bulk.update(Push, rows, versioned="fence"))


def hold_ready(store_id: UUID, until: datetime, code: str, problem: str) -> int:
    """The store asked us to wait: everything ready for it waits, in its place."""
    ready = Push.objects.filter(store_id=store_id, state=_State.READY, next_at__lt=until)
    return again_on()(lambda: ready.update(next_at=until, problem_code=code[:60], problem=problem))


def block_ready(store_id: UUID, code: str, problem: str, recheck_at: datetime | None) -> int:
    """Nothing may be written to the store until somebody acted."""
    ready = Push.objects.filter(store_id=store_id, state=_State.READY)
    return again_on()(
        lambda: ready.update(
            state=_State.BLOCKED,
            fence=F("fence") + 1,
            next_at=recheck_at,
            problem_code=code[:60],
            problem=problem,
        )
    )


def _under_way(store_id: UUID, now: datetime) -> int:
    """Claims in work: the rows of one claim share their lease. A bound, not a lock: two may pass it
    at once.
    """
    return (
        Push.objects.filter(store_id=store_id, state=_State.BUSY, lease_until__gt=now)
        .values("lease_until")
        .distinct()
        .count()
    )


def _batch(due: list[Push], limit: int) -> list[Push]:
    """What is claimed together: all of it, or a shrinking part of what a worker died on."""
    if not due:
        return []
    first = due[0]
    died = first.problem_code == Reason.LEASE_EXPIRED
    alike = [p for p in due if (p.problem_code == Reason.LEASE_EXPIRED) == died]
    return alike[: max(1, limit >> first.attempts)] if died else alike


def _give_up(worn: list[Push]) -> None:
    Push.objects.filter(pk__in=[p.pk for p in worn], state=_State.READY).update(
        state=_State.BLOCKED,
        fence=F("fence") + 1,
        next_at=None,
        problem_code=Reason.TOO_MANY_ATTEMPTS,
        problem=SENTENCES[Reason.TOO_MANY_ATTEMPTS],
    )


def as_claimed(push: Push) -> Claimed:
    """A push as it stands when it is claimed next."""
    return Claimed(
        id=push.pk,
        listing_id=push.listing_id,
        fence=push.fence + 1,
        want=push.want_version,
        sent=push.sent_version,
        attempts=push.attempts + 1,
        dirty_since=push.dirty_since,
        pushed_at=push.pushed_at,
        problem_code=push.problem_code,
        pushed=told_at(push),
    )


def _ended(claim: Claimed, ending: Ending, want: int, now: datetime) -> dict[str, Any]:
    """The columns of a push after its claim ended; ``want`` is the version wanted by now."""
    next_at: datetime | None
    dirty_since: datetime | None
    behind = ending.settled and want > claim.want
    if behind:
        state, next_at, dirty_since = _State.READY, now + DEBOUNCE, now
    elif ending.settled:
        state, next_at, dirty_since = _State.IDLE, None, None
    else:
        state = _State.BLOCKED if ending.blocked else _State.READY
        next_at, dirty_since = ending.next_at, claim.dirty_since
    pushed = claim.pushed if ending.pushed is None else ending.pushed
    told = {"pushed_value": None, "pushed_at_places": {}} if not pushed else told_columns(pushed)
    return {
        "id": claim.id,
        "state": state,
        "fence": claim.fence + 1,
        "sent_version": claim.want if ending.settled else claim.sent,
        "dirty_since": dirty_since,
        "next_at": next_at,
        **told,
        "pushed_at": claim.pushed_at if ending.pushed is None else ending.pushed_at,
        "attempts": 0 if ending.settled else claim.attempts - (not ending.counted),
        "lease_until": None,
        "problem_code": ending.code[:60],
        "problem": ending.problem,
    }
