"""Parked records read again from their stores by id, when their time has come or a person asks."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import datetime, timedelta

import structlog
from django.db import InterfaceError, OperationalError
from django.db.models import Min
from django.db.models.functions import Now
from django.utils import timezone

from integrations import authentication, policy
from integrations.base import BaseEcommerceIntegration, Unreadable
from integrations.errors import NotFound, PlatformError
from integrations.kit.http import Priority
from integrations.models import ParkedRecord, Store
from integrations.sync import kinds, parking, reading
from logix.accounts import audit
from logix.common.crypto import SealBroken
from orders.data import Authority

log = structlog.get_logger(__name__)

A_STORE = 10
BUDGET_S = 30.0
# While one worker tries a record, the next sweep leaves it alone; and so long a store rests.
_HELD = timedelta(minutes=5)
# "Not found" once proves nothing; still after so long it does.
_GONE_AFTER = timedelta(minutes=10)


def retry_parked(parked: ParkedRecord, *, actor: str) -> bool:
    """Read a parked record again from the store and apply it. True when it is resolved. Raises
    PlatformError when the store as a whole says no.
    """
    store = parked.store
    audit.record("parked.retried", actor=actor, merchant=store.merchant, obj=parked)
    with authentication.adapter_for(store) as adapter:
        return _try_again(adapter, store, parked)


def retry_due_parked(limit: int = 50) -> int:
    """Try parked records whose time has come, some of each store, longest waiting first; return how
    many were resolved. A store that cannot be asked is put off and holds up no other.
    """
    due = ParkedRecord.objects.filter(
        state=ParkedRecord.State.PARKED, next_at__lte=Now(), store__status="active"
    )
    waiting = due.order_by().values("store").annotate(first=Min("next_at")).order_by("first")
    until = time.monotonic() + BUDGET_S
    resolved = 0
    for store_id in [row["store"] for row in waiting[:limit]]:
        if time.monotonic() > until:
            break
        rows = due.filter(store=store_id).select_related("store__data_key", "store__merchant")
        resolved += _retry_store(list(rows.order_by("next_at")[:A_STORE]))
    return resolved


def _retry_store(rows: list[ParkedRecord]) -> int:
    mine = [row for row in rows if _claim(row)]
    if not mine:
        return 0
    store = mine[0].store
    try:
        with authentication.adapter_for(store, priority=Priority.BULK) as adapter:
            return _each(adapter, store, mine)
    except PlatformError as err:
        authentication.note_failure(store, err)
        wait = timedelta(seconds=getattr(err, "retry_after_s", None) or 0)
        parking.put_off(store, timezone.now() + max(wait, _HELD))
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("parked_not_retried", store=str(store.pk))
        parking.put_off(store, timezone.now() + _HELD)
    return 0


def _each(adapter: BaseEcommerceIntegration, store: Store, rows: Iterable[ParkedRecord]) -> int:
    """A record that makes us stumble is parked again with that, and the next one tried."""
    resolved = 0
    for row in rows:
        try:
            resolved += _try_again(adapter, store, row)
        except (PlatformError, OperationalError, InterfaceError):
            raise
        except Exception as err:
            log.exception("retry_failed", store=str(store.pk), external_id=row.external_id)
            told = policy.decide(err)
            reason = Unreadable(external_id=row.external_id, code=told.code, reason=told.sentence)
            _park_again(store, row, reason)
    return resolved


def _claim(row: ParkedRecord) -> bool:
    """Settles the race of two sweeps, and of a sweep and a person."""
    same = ParkedRecord.objects.filter(
        pk=row.pk, state=ParkedRecord.State.PARKED, next_at=row.next_at
    )
    return bool(same.update(next_at=timezone.now() + _HELD))


def _try_again(adapter: BaseEcommerceIntegration, store: Store, parked: ParkedRecord) -> bool:
    asked_at, kind = timezone.now(), kinds.of(parked.stream)
    try:
        found = kind.read_id(adapter, parked.external_id)
        kind.apply(store, found, Authority.BY_ID, asked_at, "retry")
        if all(one.external_id != parked.external_id for one in found):
            # It had none of its own as long as it could not be read.
            parking.resolve(
                store,
                stream=parked.stream,
                external_ids=[parked.external_id],
                observed_at=asked_at,
            )
    except NotFound as err:
        if _is_gone(parked):
            _believe_gone(store, parked, asked_at)
        else:
            _park_again(store, parked, reading.refused(parked.external_id, err))
    except reading.ONLY_THIS as err:
        _park_again(store, parked, reading.refused(parked.external_id, err))
    parked.refresh_from_db()
    return parked.state == ParkedRecord.State.RESOLVED


def _is_gone(parked: ParkedRecord) -> bool:
    """Whether the store said "not found" before, long enough ago."""
    return parked.code == NotFound.code and timezone.now() - parked.first_at >= _GONE_AFTER


def _believe_gone(store: Store, parked: ParkedRecord, asked_at: datetime) -> None:
    """The record was deleted in the store: there is nothing left to apply."""
    kinds.of(parked.stream).gone(store, parked.external_id, asked_at)
    parking.resolve(
        store, stream=parked.stream, external_ids=[parked.external_id], observed_at=asked_at
    )


def _park_again(store: Store, parked: ParkedRecord, unreadable: Unreadable) -> None:
    """With the body that is kept already, as far as it can be opened."""
    try:
        raw = parking.raw_of(parked) or b""
    except SealBroken:
        raw = b""
    told = Unreadable(
        external_id=unreadable.external_id,
        code=unreadable.code,
        reason=unreadable.reason,
        path=unreadable.path,
        raw=raw,
    )
    parking.park(store, stream=parked.stream, unreadable=told, kept_until=parked.purge_after)
