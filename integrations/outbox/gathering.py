"""Where so much is due for a store that calls would take long, it is gathered for one file.

Whoever sends pushes (``push``) claims and plans them as always; what is to be written joins the
file in place of a call. When nothing more is due the file is closed, and ``handing`` takes over.
"""

from __future__ import annotations

from datetime import datetime

import structlog
from django.db.models.functions import Now

from integrations import registry
from integrations.models import Push, StockHandOver, Store
from integrations.outbox import claims, files, handed
from integrations.outbox.gate import Closed
from integrations.outbox.reasons import Reason
from integrations.platform import Ability
from logix.common import bulk
from logix.common.ids import uuid7

log = structlog.get_logger(__name__)

# Claimed together: the store is asked about them in its own batches.
BATCH = 200
_State = StockHandOver.State


def under_way(store: Store, now: datetime, closed: Closed | None) -> StockHandOver | None:
    """The file that figures of the store are gathered for, begun where enough of them may be sent
    now and no file of it is under way.
    """
    card = registry.card(store.platform)
    if not card.can(Ability.STOCK_BULK):
        return None
    found = handed.open_of(store.pk)
    if found is not None:
        return found if found.state == _State.GATHERING else None
    due = claims.due(store.pk, now, closed).exclude(problem_code=Reason.LEASE_EXPIRED)
    if due[: card.stock_bulk_from].count() < card.stock_bulk_from:
        return None
    resting = StockHandOver.objects.filter(store=store, state=_State.FAILED, next_at__gt=now)
    if resting.exists():
        return None
    row = {
        "id": uuid7(),
        "store_id": store.pk,
        "state": _State.GATHERING,
        "handle": {},
        "figures": 0,
        "refused": 0,
        "orders_unread": False,
        "next_at": now + handed.IDLE,
        "attempts": 0,
        "fence": 0,
        "problem_code": "",
        "problem": "",
    }
    # Two that begin in the same moment: the constraint lets one.
    bulk.insert(StockHandOver, [row], ignore_conflicts=True)
    log.info("hand_over_begun", store=str(store.pk))
    found = handed.open_of(store.pk)
    return found if found and found.state == _State.GATHERING else None


def is_full(hand_over: StockHandOver) -> bool:
    figures = StockHandOver.objects.values_list("figures", flat=True).get(pk=hand_over.pk)
    return figures + BATCH > registry.card(hand_over.store.platform).stock_bulk_most


def close(store: Store) -> bool:
    """Nothing more is due, or fits: the file is handed over next. Not while others gather for it,
    or figures stand before the gate. Where too few came together they go out by calls. True where
    some do.
    """
    if not registry.card(store.platform).can(Ability.STOCK_BULK):
        return False
    hand_over = handed.open_of(store.pk)
    if hand_over is None or hand_over.state != _State.GATHERING:
        return False
    busy = Push.objects.filter(store=store, state=Push.State.BUSY, lease_until__gt=Now())
    gated = Push.objects.filter(store=store, state=Push.State.READY, problem_code=Reason.GATE)
    if busy.exists() or gated.exists():
        return False
    return shut(hand_over)


def shut(hand_over: StockHandOver) -> bool:
    """Close the file as it is. True where its figures go out by calls instead."""
    mine = StockHandOver.objects.filter(pk=hand_over.pk, state=_State.GATHERING)
    if not mine.update(state=_State.SENDING, gathered_at=Now(), next_at=Now()):
        return False
    few = registry.card(hand_over.store.platform).stock_bulk_from // 2
    if hand_over.lines.count() < few:
        # Most of what was due was in step already.
        handed.put_back(hand_over)
        hand_over.delete()
        return True
    files.ring_for(hand_over.pk)
    return False
