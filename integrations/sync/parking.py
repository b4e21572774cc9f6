"""Records that could not be applied: kept with the reason in words, tried again when the cause may
be mended.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from integrations import keeping, policy, registry
from integrations.base import Unreadable
from integrations.kit.text import clean_text
from integrations.models import ParkedRecord, Store, StreamName
from logix.accounts import audit, keys
from orders.models import Order

_TABLE, _COLUMN = "integrations_parkedrecord", "raw_sealed"
RAW_KEPT = timedelta(days=30)
_MAX_TRIES = 12
_MOST_ATTEMPTS = 30_000  # the column's ceiling is 32,767


def _place(store: Store, stream: str, external_id: str) -> str:
    return f"{store.pk}:{stream}:{external_id}"


def park(
    store: Store, *, stream: str, unreadable: Unreadable, kept_until: datetime | None = None
) -> None:
    """Set a record aside, or count another failed try of one that is aside already. One that was
    dismissed stays so. ``kept_until``: as it was said of this content before.
    """
    now = timezone.now()
    external_id = clean_text(unreadable.external_id, 128)
    raw, purge_after = None, _kept_until(store, stream, unreadable, kept_until, now)
    if unreadable.raw and purge_after > now and not _is_erased(store, stream, external_id):
        place = _place(store, stream, external_id)
        raw = keys.vault(store.data_key_id).seal(unreadable.raw, _TABLE, _COLUMN, place)
    told: dict[str, object] = {
        "state": ParkedRecord.State.PARKED,
        "code": unreadable.code[:60],
        "reason": unreadable.reason,
        "path": unreadable.path[:200],
        "raw_sealed": raw,
        "last_at": now,
        "resolved_at": None,
        "purge_after": purge_after,
    }
    row, created = ParkedRecord.objects.get_or_create(
        store=store,
        stream=stream,
        external_id=external_id,
        defaults={**told, "next_at": now + timedelta(seconds=policy.next_delay_s(1))},
    )
    if created:
        return
    same = ParkedRecord.objects.filter(pk=row.pk)
    if row.state == ParkedRecord.State.DISMISSED:
        # A person decided; that the store goes on telling of it is no reason to ask again.
        same.update(last_at=now)
        return
    tries = min(row.attempts + 1, _MOST_ATTEMPTS)
    if row.state == ParkedRecord.State.RESOLVED:
        tries, told["first_at"] = 1, now
    later = now + timedelta(seconds=policy.next_delay_s(tries)) if tries < _MAX_TRIES else None
    same.update(**told, attempts=tries, next_at=later)


def _kept_until(
    store: Store, stream: str, unreadable: Unreadable, before: datetime | None, now: datetime
) -> datetime:
    """When an order was sent is not known of one that cannot be read: where buyers' data are kept
    for a while only, it counts from when the order was placed, and one that does not say is not
    kept.
    """
    kept_for = keeping.kept_for(registry.known_card(store.platform), store)
    if stream != StreamName.ORDERS or kept_for is None:
        return now + RAW_KEPT
    bound = unreadable.placed_at + kept_for if unreadable.placed_at else before or now
    return min(now + RAW_KEPT, bound)


def _is_erased(store: Store, stream: str, external_id: str) -> bool:
    erased = Order.objects.filter(store=store, external_id=external_id, erased_at__isnull=False)
    return stream == StreamName.ORDERS and erased.exists()


def resolve(
    store: Store,
    *,
    stream: str,
    external_ids: Sequence[str],
    observed_at: datetime,
    certain: bool = True,
) -> int:
    """Records that were applied after all, as the store told them at ``observed_at``.

    What was asked for before a record was parked, or came unasked (``certain`` is False), may be
    older than what was parked: it is then tried again now, and that decides.
    """
    if not external_ids:
        return 0
    now = timezone.now()
    rows = ParkedRecord.objects.filter(
        store=store,
        stream=stream,
        external_id__in=external_ids,
        state=ParkedRecord.State.PARKED,
    )
    if not certain:
        rows.update(next_at=now)
        return 0
    return rows.filter(last_at__lte=observed_at).update(
        state=ParkedRecord.State.RESOLVED, resolved_at=now, next_at=None, raw_sealed=None
    )


def forget_buyer(store_id: UUID, external_id: str) -> int:
    """The buyer of this order was erased: what is parked of it keeps no content. It is tried again
    like any other, by asking the store.
    """
    rows = ParkedRecord.objects.filter(
        store_id=store_id, stream=StreamName.ORDERS, external_id=external_id[:128]
    )
    return rows.filter(raw_sealed__isnull=False).update(raw_sealed=None)


def put_off(store: Store, until: datetime) -> int:
    """The store as a whole cannot be asked: none of its records is tried before ``until``."""
    return ParkedRecord.objects.filter(
        store=store, state=ParkedRecord.State.PARKED, next_at__lt=until
    ).update(next_at=until)


def has_parked(store: Store, stream: str) -> bool:
    return ParkedRecord.objects.filter(
        store=store, stream=stream, state=ParkedRecord.State.PARKED
    ).exists()


def parked_ids(store: Store, stream: str) -> set[str]:
    """The store's own ids of those that are set aside."""
    rows = ParkedRecord.objects.filter(store=store, stream=stream, state=ParkedRecord.State.PARKED)
    return set(rows.values_list("external_id", flat=True))


def raw_of(parked: ParkedRecord) -> bytes | None:
    """The untouched record; None when none was kept or it expired. Raises SealBroken."""
    if not parked.raw_sealed:
        return None
    place = _place(parked.store, parked.stream, parked.external_id)
    sealed = bytes(parked.raw_sealed)
    return keys.vault(parked.store.data_key_id).open(sealed, _TABLE, _COLUMN, place)


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
    # A database's clock may count no microseconds, and this is due for it at once.
    now = timezone.now().replace(microsecond=0)
    rows = ParkedRecord.objects.filter(store=store, stream=stream, state=ParkedRecord.State.PARKED)
    return rows.update(next_at=now)
