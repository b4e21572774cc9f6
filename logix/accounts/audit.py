"""The audit log's only writer: one chain of events per merchant, each carrying the hash of the one
before.

The hash is keyed with the pepper, so whoever can only write to the database cannot mend a chain
after changing it. Events of the hub itself (no merchant) form a chain of their own, which may fork
when two are written at once.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import structlog
from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from logix.accounts.models import AuditEvent, Merchant
from logix.common.redact import redact, redact_value

_TRIES = 8
_KINDS = ("user", "token", "system", "platform")
_SURROGATES = dict.fromkeys(range(0xD800, 0xE000), "\ufffd") | {0: ""}


def record(
    action: str,
    *,
    actor: str,
    merchant: Merchant | None = None,
    obj: models.Model | None = None,
    details: Mapping[str, Any] | None = None,
    request_id: str = "",
) -> AuditEvent:
    """Append an event, in the caller's transaction if there is one: what was rolled back was never
    done.

    ``actor`` is "user:anna", "token:abc", "system" or "platform". Secrets in ``details`` are
    masked. Call it last in a transaction: writers of one merchant's chain wait for each other until
    the commit.
    """
    kind, _, name = actor.partition(":")
    fields: dict[str, Any] = {
        "at": timezone.now(),
        "merchant": merchant,
        "actor_kind": kind if kind in _KINDS else "system",
        "actor": (name or actor)[:150],
        "action": action[:60],
        "object_type": obj._meta.label_lower[:60] if obj is not None else "",
        "object_id": str(obj.pk)[:64] if obj is not None else "",
        "object_name": _text(redact(str(obj)))[:200] if obj is not None else "",
        "details": redact_value(_plain(details or {})),
        "request_id": (request_id or _bound_request_id())[:64],
    }
    for attempt in range(1, _TRIES + 1):
        try:
            # The savepoint keeps the caller's transaction alive when another writer took the
            # number.
            with transaction.atomic():
                _wait_for_turn(merchant)
                event = _next(fields)
                event.save(force_insert=True)
            return event
        except IntegrityError:
            if attempt == _TRIES:
                raise
    raise AssertionError("unreachable")


def verify(merchant: Merchant | None) -> bool:
    """Whether nothing in the chain was changed, removed from its middle or slipped in."""
    return first_break(merchant) == ""


def first_break(merchant: Merchant | None) -> str:
    """In words, the first place where the chain does not hold; '' when it holds."""
    known: dict[str, int] = {"": 0}
    for expected, event in enumerate(_chain(merchant).iterator(chunk_size=1000), start=1):
        where = f"event {event.sequence} ({event.action}, {event.at:%Y-%m-%d %H:%M} UTC)"
        if not holds(event):
            return f"{where} was changed after it was written."
        if known.get(event.previous_hash) != event.sequence - 1:
            return f"What stood before {where} is gone or was replaced."
        if merchant is not None and event.sequence != expected:
            return f"{where} does not follow the one before it."
        if merchant is not None:
            known = {}
        known[event.hash] = event.sequence
    return ""


def newest() -> AuditEvent | None:
    return AuditEvent.objects.order_by("-id").first()


def holds(event: AuditEvent) -> bool:
    """Whether ``event`` is as it was written, under the present pepper."""
    return hmac.compare_digest(event.hash, _hash(event))


def _wait_for_turn(merchant: Merchant | None) -> None:
    """On PostgreSQL writers of one chain queue here instead of losing the race for its next number
    again and again. SQLite has one writer anyway, and the constraint decides in any case.
    """
    if merchant is not None:
        row = Merchant.objects.select_for_update(no_key=True).filter(pk=merchant.pk)
        row.values_list("pk", flat=True).first()


def _chain(merchant: Merchant | None) -> models.QuerySet[AuditEvent]:
    return AuditEvent.objects.filter(merchant=merchant).order_by("sequence", "id")


def _next(fields: Mapping[str, Any]) -> AuditEvent:
    last = _chain(fields["merchant"]).values_list("sequence", "hash").last()
    sequence, previous_hash = (last[0] + 1, last[1]) if last else (1, "")
    event = AuditEvent(**fields, sequence=sequence, previous_hash=previous_hash)
    event.hash = _hash(event)
    return event


def _hash(event: AuditEvent) -> str:
    parts = [
        event.sequence,
        event.previous_hash,
        event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        str(event.merchant_id or ""),
        event.actor_kind,
        event.actor,
        event.action,
        event.object_type,
        event.object_id,
        event.object_name,
        event.details,
        event.request_id,
    ]
    message = json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()
    return hmac.new(f"audit|{settings.LOGIX_PEPPER}".encode(), message, hashlib.sha256).hexdigest()


def _plain(value: Any) -> Any:
    """``value`` as JSON that reads back the same from both databases: no floats, no NUL, no lone
    surrogates.
    """
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, Mapping):
        return {_text(str(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    if isinstance(value, float | Decimal):
        return str(value)
    return _text(str(value))


def _text(text: str) -> str:
    return text.translate(_SURROGATES)


def _bound_request_id() -> str:
    return str(structlog.contextvars.get_contextvars().get("request_id") or "")


def breaks() -> Iterator[tuple[Merchant | None, str]]:
    """Every chain that does not hold, with the place."""
    for merchant in [None, *Merchant.objects.all()]:
        if found := first_break(merchant):
            yield merchant, found
