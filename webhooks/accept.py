"""Taking a verified delivery in: one INSERT, committed before anybody is answered; then the
worker's bell is rung.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError, connection
from django.db.models import BinaryField, Case, DateTimeField, F, Q, Value, When
from django.db.models.functions import Now

from integrations.models import Endpoint, StoreStatus
from logix.accounts import keys
from logix.common import bell, bulk
from logix.common.ids import uuid7
from webhooks.models import Delivery
from webhooks.sealing import seal_body

PROCESS = "webhooks.tasks.process"

# A repeat of something finished longer ago than this is worked again: stores do send the same bytes
# with a new meaning (deleted, restored, deleted), and working a delivery twice changes nothing.
OLD_NEWS = timedelta(minutes=10)

_FIELDS = {field.name: field for field in Delivery._meta.concrete_fields}

# One ring serves many deliveries: within this time of the last, the next ring is put off and
# shared.
_RING_GAP_S = 0.05
_rung_at = -1.0

# The sender waits for us: PostgreSQL gives up before it does. Sent along with each statement, so it
# costs no trip.
_LIMITS = "SET LOCAL statement_timeout = 1500; SET LOCAL lock_timeout = 500; "


def accept(
    endpoint: Endpoint,
    *,
    topic: str,
    headers: Mapping[str, str],
    body: bytes,
    dedupe_key: str,
) -> tuple[Delivery | None, bool]:
    """Keep a verified delivery. (row, True) when it is new, (None, False) when we have it already.

    ``endpoint.store`` must be loaded. A repeat of a parked delivery, or of old news, is worked
    again. Database errors are raised: without a row nobody may be told that it was taken.
    """
    store = endpoint.store
    listens = endpoint.status != Endpoint.Status.CLOSED and store.status != StoreStatus.DISCONNECTED
    row: dict[str, Any] = {
        "id": uuid7(),
        "endpoint_id": endpoint.pk,
        "store_id": store.pk,
        "dedupe_key": dedupe_key,
        "topic": topic,
        "resource": "",
        "resource_id": "",
        "headers": dict(headers),
        "body_sealed": None,
        "body_length": len(body),
        "state": Delivery.State.NEW.value,
        "attempts": 0,
        "fence": 0,
        "duplicates": 0,
        "outcome": "",
        "problem_code": "",
        "problem": "",
        "request_id": structlog.contextvars.get_contextvars().get("request_id", "")[:64],
    }
    if listens:
        vault = keys.vault(store.data_key_id)
        row["body_sealed"] = seal_body(vault, endpoint.pk, dedupe_key, body)
    else:
        row |= {
            "state": Delivery.State.IGNORED.value,
            "outcome": "disconnected",
            "problem": f"{store.name} is disconnected; what it still sends is not kept.",
        }
    if not bulk.insert(Delivery, [row], ignore_conflicts=True):
        if _repeat(endpoint, dedupe_key, row["body_sealed"]) and listens:
            ring()
        return None, False
    if listens:
        ring()
    return Delivery(**row), True


def _repeat(endpoint: Endpoint, dedupe_key: str, sealed: bytes | None) -> int:
    """Count a repeat; put it to work again where that may help. The body comes along: the first may
    have expired.
    """
    again = Q(state=Delivery.State.PARKED) | Q(
        state__in=[Delivery.State.DONE, Delivery.State.IGNORED], done_at__lt=Now() - OLD_NEWS
    )
    fresh: dict[str, Any] = {
        "state": Value(Delivery.State.NEW.value),
        "attempts": Value(0),
        "next_at": Now(),
        "fence": F("fence") + 1,
        "body_sealed": Value(sealed, output_field=BinaryField()),
        "done_at": Value(None, output_field=DateTimeField()),
        "outcome": Value(""),
        "problem_code": Value(""),
        "problem": Value(""),
    }
    told: dict[str, Any] = {"duplicates": F("duplicates") + 1}
    if sealed is not None:
        for name, value in fresh.items():
            told[name] = Case(When(again, then=value), default=F(name), output_field=_FIELDS[name])
    rows = Delivery.objects.filter(endpoint=endpoint, dedupe_key=dedupe_key)
    return rows.update(**told)


def ring() -> None:
    """Wake a worker once the present transaction is committed. Losing the ring costs seconds, not
    deliveries.
    """
    global _rung_at
    now = time.monotonic()
    if now - _rung_at < _RING_GAP_S:
        bell.ring(PROCESS, queue="live", delay_s=_RING_GAP_S)
        return
    _rung_at = now
    bell.ring(PROCESS, queue="live")


def twice_if_lost(work: Callable[[], None]) -> None:
    """Do ``work``, and once more on a new connection when the database had hung up.

    Django would ask before each request whether the connection lives: one more trip, and a
    connection lost after it would still cost the delivery. Doing the work again is safe: nothing
    was committed, or its key finds it.
    """
    connection.health_check_done = True  # type: ignore[attr-defined]  # not in the stubs
    try:
        work()
    except (OperationalError, InterfaceError):
        if not connection.in_atomic_block:
            connection.close()
        work()


@contextmanager
def bounded() -> Iterator[None]:
    """On PostgreSQL no statement in here takes over 1.5 s. SQLite waits as its settings say."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.execute_wrapper(_limited):
        yield


def _limited(
    execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    result = execute(_LIMITS + sql, params, many, context)
    cursor = context["cursor"].cursor
    for _ in range(2):  # past the answers to the two SETs
        cursor.nextset()
    return result
