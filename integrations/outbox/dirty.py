"""Marks listings whose figure in a store may no longer be right. Set-based and cheap: it runs
inside the transaction that changed the stock; the pusher later computes what to write.

An isolated change is due at once. Changes that follow closely are gathered: each waits ``DEBOUNCE``
after the last one, at most ``MAX_WAIT`` after the first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import F, Q
from django.db.models.fields.json import KeyTransform
from django.db.models.functions import Now

from integrations import mastery
from integrations.models import Push, Store, StoreStatus
from integrations.outbox.bylocation import Figures, is_shown, seen_at, told_at
from integrations.outbox.reasons import OF_THE_STORE, SENTENCES, Reason
from inventory.kits import kits_with
from inventory.models import Listing
from logix.common import bulk
from logix.common.bell import ring
from logix.common.ids import uuid7
from logix.common.transactions import again_on

DEBOUNCE = timedelta(seconds=1)
MAX_WAIT = timedelta(seconds=10)
# A listing last written longer ago than this is not in a burst.
QUIET = timedelta(seconds=2)
# A store's figure that equals our last push within this time is our own echo.
ECHO = timedelta(minutes=10)

_CHUNK = 5_000
_LOOKED_AT = (
    "listing_id",
    "store_id",
    "state",
    "pushed_at",
    "next_at",
    "dirty_since",
    "problem_code",
)
_State = Push.State
# Who counts the stock of a listing's store, and where that stands in the row of one
# (a path that names the key would keep the callers' frames, see ``shelves.sources``).
_MASTER, _OF_MASTER = KeyTransform("stock_master", "store__options"), 4


def mark_dirty(variant_ids: Iterable[UUID], *, store_id: UUID | None = None) -> int:
    """Mark every listing, in every store not disconnected, that sells one of these variants, is
    counted as one or is a kit with one in it.

    ``store_id`` narrows it to one store. Five statements for up to 5,000 variants. Return how many
    were marked.
    """
    marked = 0
    for part in _chunks(variant_ids):
        part = [*part, *kits_with(part)]
        sold = Q(variant_id__in=part) | Q(variant__counted_as_id__in=part)
        marked += _mark(Listing.objects.filter(sold), store_id)
    return marked


def mark_listings(listing_ids: Iterable[UUID]) -> int:
    """Mark these listings: newly linked, mode changed, figure changed at the store."""
    return sum(_mark(Listing.objects.filter(pk__in=part)) for part in _chunks(listing_ids))


def mark_store(store_id: UUID) -> int:
    """Mark all linked listings of a store: its rules changed."""
    linked = Listing.objects.filter(store_id=store_id, variant__isnull=False)
    return mark_listings(linked.values_list("pk", flat=True))


def note_store_figures(listing_ids: Iterable[UUID]) -> int:
    """The store shows another figure for these listings than when we last looked. Our own echo is
    dropped; the rest is compared with what it should be, and written again if need be (the hub is
    master). Return how many.
    """
    doubtful: set[UUID] = set()
    for part in _chunks(listing_ids):
        rows = Listing.objects.filter(pk__in=part).select_related("push").annotate(now=Now())
        strangers = [x for x in rows if not (hasattr(x, "push") and _is_own(x))]
        doubtful |= {x.pk for x in strangers}
        # What was refused for this line may be mended at the store: this is a good moment to try
        # again.
        Push.objects.filter(listing__in=[x.pk for x in strangers], state=_State.BLOCKED).exclude(
            problem_code__in=[*OF_THE_STORE, Reason.FROZEN]
        ).update(state=_State.READY, next_at=Now(), attempts=0, problem_code="", problem="")
    return mark_listings(doubtful)


def settle_unlinked(listing_ids: Iterable[UUID]) -> int:
    """These listings are counted as nothing any more: there is no figure to be told, so what waited
    to be sent is settled. One that is under way ends by itself. Return how many.
    """
    return _settle(listing_ids, "Not linked to a product of Logix.")


def settle_mastered(store: Store) -> int:
    """The store counts its stock by itself from now on: what waited to be told to it is settled.
    Return how many.
    """
    listings = mastery.mastered(store.listings.select_related("store"))
    return sum(_settle(part, mastery.left_alone(store)) for part in _chunks(listings))


def _settle(listing_ids: Iterable[UUID], why: str) -> int:
    behind = Push.objects.filter(listing_id__in=list(listing_ids)).exclude(state__in=Push.UNDER_WAY)
    return behind.update(
        state=_State.IDLE,
        sent_version=F("want_version"),
        fence=F("fence") + 1,
        next_at=None,
        dirty_since=None,
        attempts=0,
        problem_code=Reason.NOT_WRITTEN,
        problem=why,
    )


def is_echo(push: Push, seen: Figures, now: datetime) -> bool:
    """Whether figures told by the store are only our own last push coming back."""
    told = told_at(push)
    return (
        bool(told)
        and push.pushed_at is not None
        and is_shown(told, seen)
        and now - push.pushed_at <= ECHO
    )


def _is_own(listing: Listing) -> bool:
    return is_echo(listing.push, seen_at(listing), listing.now)  # type: ignore[attr-defined]


def _mark(listings: models.QuerySet[Listing], store_id: UUID | None = None) -> int:
    """In the caller's transaction, or in one of its own that is run again when it clashes."""
    if store_id:
        listings = listings.filter(store_id=store_id)
    return again_on()(lambda: _mark_once(listings))


def _mark_once(listings: models.QuerySet[Listing]) -> int:
    rows = listings.filter(gone_at=None).exclude(store__status=StoreStatus.DISCONNECTED)
    found = _without_mastered(
        list(
            rows.values_list(
                "pk", "store_id", "store__status", "store__writes_enabled", _MASTER, Now()
            )
        )
    )
    if not found:
        return 0
    now: datetime = found[0][-1]
    writable = {store for _, store, _, writes, *_ in found if writes}
    # Locked in one order where the database can, so that two marking transactions do not clash.
    known = list(
        Push.objects.filter(listing_id__in=[pk for pk, *_ in found])
        .order_by("pk")
        .select_for_update()
        .only(*_LOOKED_AT)
    )
    if not _raise_known(known, writable, now):
        return _mark_once(listings)
    have = {push.listing_id for push in known}
    new = {pk: store for pk, store, *_ in found if pk not in have}
    if new and not _insert(new, writable, now):
        return _mark_once(listings)

    live = {s for _, s, status, writes, *_ in found if writes and status == StoreStatus.ACTIVE}
    idle = [push for push in known if push.state == _State.IDLE]
    woken = {push.store_id for push in idle if not _recent(push, now)} | set(new.values())
    later = {push.store_id for push in idle if _recent(push, now)}
    for store in woken & live:
        ring_pushes(store)
    for store in (later - woken) & live:
        ring_pushes(store, delay_s=DEBOUNCE.total_seconds())
    return len(found)


def _without_mastered(found: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """What its own store counts is not told to it. No statement where no store is a master."""
    doubtful = [row[0] for row in found if row[_OF_MASTER] == "store"]
    if not doubtful:
        return found
    rows = Listing.objects.filter(pk__in=doubtful).select_related("store")
    counted_there = mastery.mastered(rows)
    return [row for row in found if row[0] not in counted_there]


def ring_pushes(store_id: UUID, *, delay_s: float = 0.0) -> None:
    ring("integrations.tasks.send_pushes", str(store_id), queue="push", delay_s=delay_s)


def _recent(push: Push, now: datetime) -> bool:
    return push.pushed_at is not None and push.pushed_at > now - QUIET


class _Change(Enum):
    """What a mark does to a push: due now, due in a moment, due a moment after this change again,
    off until writing is on, or nothing but falling behind.
    """

    WAKE = auto()
    WAKE_SOON = auto()
    GATHER = auto()
    BLOCK = auto()
    FALL_BEHIND = auto()


def _raise_known(pushes: Sequence[Push], writable: set[UUID], now: datetime) -> bool:
    """Raise the wanted version of pushes that exist: one statement for those that change alike.
    False when one was changed since it was read; raising some of them twice does no harm.
    """
    alike: dict[tuple[_Change, str, bool], list[UUID]] = defaultdict(list)
    for push in pushes:
        alike[_change(push, writable, now), push.state, _reverted(push)].append(push.pk)
    as_read = True
    for (change, state, reverted), keys in alike.items():
        columns = _columns(change, now)
        if reverted and change is not _Change.BLOCK:
            columns = {k: v for k, v in columns.items() if not k.startswith("problem")}
        rows = Push.objects.filter(pk__in=keys, state=state)
        as_read &= rows.update(want_version=F("want_version") + 1, **columns) == len(keys)
    return as_read


def _change(push: Push, writable: set[UUID], now: datetime) -> _Change:
    """What is under way stays so and is found behind when its answer is kept; ready rows that wait
    for a reason (a store's limit, a failed attempt) keep their time.
    """
    if push.state == _State.IDLE:
        if push.store_id not in writable:
            return _Change.BLOCK
        return _Change.WAKE_SOON if _recent(push, now) else _Change.WAKE
    gathering = (
        push.state == _State.READY
        and (not push.problem_code or _reverted(push))
        and push.next_at is not None
        and push.next_at > now
        and push.dirty_since is not None
        and push.dirty_since > now - MAX_WAIT + DEBOUNCE
    )
    return _Change.GATHER if gathering else _Change.FALL_BEHIND


def _columns(change: _Change, now: datetime) -> dict[str, Any]:
    woken = {"state": _State.READY, "dirty_since": now, "problem_code": "", "problem": ""}
    off = {
        "state": _State.BLOCKED,
        "dirty_since": now,
        "next_at": None,
        "problem_code": Reason.WRITES_OFF,
        "problem": SENTENCES[Reason.WRITES_OFF],
    }
    table: dict[_Change, dict[str, Any]] = {
        _Change.WAKE: {**woken, "next_at": now},
        _Change.WAKE_SOON: {**woken, "next_at": now + DEBOUNCE},
        _Change.GATHER: {"next_at": now + DEBOUNCE},
        _Change.BLOCK: off,
        _Change.FALL_BEHIND: {},
    }
    return table[change]


def _reverted(push: Push) -> bool:
    """The note of a figure that was changed back counts on, see ``figures``."""
    return push.problem_code.startswith(Reason.REVERTED)


def _insert(new: dict[UUID, UUID], writable: set[UUID], now: datetime) -> bool:
    """First pushes of listings. False when another transaction inserted one of them first."""
    rows = []
    for listing_id, store_id in sorted(new.items()):  # in one order, or two inserts may deadlock
        change = _Change.WAKE if store_id in writable else _Change.BLOCK
        rows.append(
            {
                "id": uuid7(),
                "store_id": store_id,
                "listing_id": listing_id,
                "want_version": 1,
                "sent_version": 0,
                "attempts": 0,
                "fence": 0,
                **_columns(change, now),
            }
        )
    return len(bulk.insert(Push, rows, ignore_conflicts=True)) == len(rows)


def _chunks(ids: Iterable[UUID]) -> Iterable[list[UUID]]:
    ordered = sorted(set(ids))
    for start in range(0, len(ordered), _CHUNK):
        yield ordered[start : start + _CHUNK]
