"""Records that could not be applied: kept with the reason in words, tried again when the cause may
be mended.
"""

from __future__ import annotations

from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from integrations import policy
from integrations.base import Unreadable
from integrations.models import ParkedRecord, Store, StreamName
from logix.accounts import audit, keys

_TABLE, _COLUMN = "integrations_parkedrecord", "raw_sealed"
RAW_KEPT = timedelta(days=30)
_MAX_TRIES = 12


def _place(store: Store, stream: str, external_id: str) -> str:
    return f"{store.pk}:{stream}:{external_id}"


def park(store: Store, *, stream: str, unreadable: Unreadable) -> None:
    """Set a record aside, or count another failed try of one that is aside already."""
    now = timezone.now()
    external_id = unreadable.external_id[:128]
    raw = None
    if unreadable.raw:
        place = _place(store, stream, external_id)
        raw = keys.vault(store.data_key_id).seal(unreadable.raw, _TABLE, _COLUMN, place)
    told = {
        "state": ParkedRecord.State.PARKED,
        "code": unreadable.code[:60],
        "reason": unreadable.reason,
        "path": unreadable.path[:200],
        "raw_sealed": raw,
        "last_at": now,
        "resolved_at": None,
        "purge_after": now + RAW_KEPT,
    }
    row, created = ParkedRecord.objects.get_or_create(
        store=store,
        stream=stream,
        external_id=external_id,
        defaults={**told, "next_at": now + timedelta(seconds=policy.next_delay_s(1))},
    )
    if not created:
        tries = row.attempts + 1
        later = now + timedelta(seconds=policy.next_delay_s(tries)) if tries < _MAX_TRIES else None
        ParkedRecord.objects.filter(pk=row.pk).update(
            **told, attempts=F("attempts") + 1, next_at=later
        )


def resolve(store: Store, *, stream: str, external_ids: list[str]) -> int:
    """Records that were applied after all."""
    if not external_ids:
        return 0
    return ParkedRecord.objects.filter(
        store=store,
        stream=stream,
        external_id__in=external_ids,
        state=ParkedRecord.State.PARKED,
    ).update(
        state=ParkedRecord.State.RESOLVED,
        resolved_at=timezone.now(),
        next_at=None,
        raw_sealed=None,
    )


def has_parked(store: Store, stream: str) -> bool:
    return ParkedRecord.objects.filter(
        store=store, stream=stream, state=ParkedRecord.State.PARKED
    ).exists()


def raw_of(parked: ParkedRecord) -> bytes | None:
    """The untouched record; None when none was kept or it expired. Raises SealBroken."""
    if not parked.raw_sealed:
        return None
    place = _place(parked.store, parked.stream, parked.external_id)
    return keys.vault(parked.store.data_key_id).open(parked.raw_sealed, _TABLE, _COLUMN, place)


def dismiss(parked: ParkedRecord, *, actor: str, reason: str) -> None:
    """A person decides that the record is not wanted. It stays listed, with who and why."""
    ParkedRecord.objects.filter(pk=parked.pk).update(
        state=ParkedRecord.State.DISMISSED, next_at=None, resolved_at=timezone.now()
    )
    audit.record(
        "parked.dismissed",
        actor=actor,
        merchant=parked.store.merchant,
        obj=parked,
        details={"reason": reason},
    )


def rearm(store: Store, stream: str = StreamName.ORDERS) -> int:
    """The cause may be mended (rule changed, product linked, store mended): try all parked ones
    now.
    """
    return ParkedRecord.objects.filter(
        store=store, stream=stream, state=ParkedRecord.State.PARKED
    ).update(next_at=timezone.now())
