"""Taking a verified delivery in: one INSERT, committed before anybody is answered; then the
worker's bell is rung. What a queue gave is taken in alike, many at once.

The endpoint of a delivery that was taken is remembered by its address. The next one needs no
question before its INSERT, because the INSERT itself looks whether what is remembered still holds:
a secret that was rotated, an endpoint closed or a store disconnected counts at once, everywhere.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID
from weakref import WeakSet

import msgspec
import structlog
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import BinaryField, Case, DateTimeField, F, Q, Value, When
from django.db.models.functions import Now

from integrations.events import RawDelivery
from integrations.models import Endpoint, Store, StoreStatus
from logix.accounts import keys
from logix.common import bell, bulk, crypto
from logix.common.ids import uuid7
from webhooks.models import Delivery
from webhooks.sealing import seal_body

PROCESS = "webhooks.tasks.process"

# A repeat of something finished longer ago than this is worked again: stores do send the same bytes
# with a new meaning (deleted, restored, deleted), and working a delivery twice changes nothing.
OLD_NEWS = timedelta(minutes=10)

_FIELDS = {field.name: field for field in Delivery._meta.concrete_fields}

# How every delivery begins, whatever it holds.
_FRESH: dict[str, Any] = {
    "resource": "",
    "resource_id": "",
    "state": Delivery.State.NEW.value,
    "attempts": 0,
    "fence": 0,
    "duplicates": 0,
    "outcome": "",
    "problem_code": "",
    "problem": "",
}

# One ring serves many deliveries: it is put off until this time after the last, and until it has
# arrived nobody rings again.
_RING_GAP_S = 0.1
_rung_at = -1.0

# The sender waits for us: PostgreSQL gives up before it does. Sent along with each statement, so it
# costs no trip.
_LIMITS = "SET LOCAL statement_timeout = 1500; SET LOCAL lock_timeout = 500; "


@dataclass(frozen=True, slots=True)
class Known:
    """What is remembered of an endpoint: enough to verify and to keep a delivery. The sealed secret
    stands for the rest: whatever is sealed opens in its own row and under its own store's key only.
    """

    endpoint_id: UUID
    store_id: UUID
    data_key_id: UUID
    token_digest: str
    secret_sealed: bytes
    account: str

    @classmethod
    def of(cls, endpoint: Endpoint) -> Known:
        """``endpoint.store`` must be loaded."""
        store = endpoint.store
        sealed = bytes(endpoint.secret_sealed)
        place = (endpoint.pk, store.pk, store.data_key_id)
        return cls(*place, endpoint.token_digest, sealed, endpoint.account)


_KNOWN_MOST = 4096
_known: dict[tuple[str, str], Known] = {}
_known_lock = threading.Lock()


def recall(platform: str, token: str) -> Known | None:
    return _known.get((platform, crypto.digest(token)))


def remember(endpoint: Endpoint) -> None:
    """``endpoint.store`` must be loaded. What listens no more is not worth remembering; beyond a
    bound the oldest is forgotten.
    """
    if not _listens(endpoint):
        return
    known = Known.of(endpoint)
    with _known_lock:
        _known[endpoint.store.platform, known.token_digest] = known
        if len(_known) > _KNOWN_MOST:
            del _known[next(iter(_known))]


def forget() -> None:
    """Remember nothing, as a fresh process would."""
    with _known_lock:
        _known.clear()


def accept_known(
    known: Known, *, topic: str, headers: Mapping[str, str], body: bytes, dedupe_key: str
) -> bool:
    """Keep a verified delivery in one statement. False: nothing was kept, because ``known`` does
    not hold any more or because we have the delivery already; look the endpoint up.
    """
    values = [
        _FIELDS["id"].get_db_prep_value(uuid7(), connection),
        dedupe_key,
        topic,
        msgspec.json.encode(headers).decode(),
        seal_body(keys.vault(known.data_key_id), known.endpoint_id, dedupe_key, body),
        len(body),
        _request_id(),
        known.token_digest,
        known.secret_sealed,
        known.account,
    ]
    with connection.cursor() as cursor:
        cursor.execute(_insert_if_known(cursor), values)
        kept = cursor.rowcount == 1
    if kept:
        ring()
    return kept


def _insert_if_known(cursor: CursorWrapper) -> str:
    """The statement with its ten places. PostgreSQL plans it once per connection: that takes
    longer than the INSERT itself.
    """
    if connection.vendor != "postgresql":
        return _INSERT_IF_KNOWN.format(*["%s"] * 10)
    if connection.connection not in _prepared:
        places = [f"${number}" for number in range(1, 11)]
        cursor.execute("PREPARE logix_accept AS " + _INSERT_IF_KNOWN.format(*places))
        _prepared.add(connection.connection)
    return _EXECUTE


# The ids, and whether what was known still holds, are read from the rows as they are now.
_INSERT_IF_KNOWN = (
    f"INSERT INTO {Delivery._meta.db_table} (id, dedupe_key, topic, headers, body_sealed, "  # noqa: S608 - names come from models
    f"body_length, request_id, endpoint_id, store_id, {', '.join(_FRESH)}) "
    "SELECT {}, {}, {}, {}, {}, {}, {}, e.id, e.store_id, "
    f"{', '.join(map(repr, _FRESH.values()))} "
    f"FROM {Endpoint._meta.db_table} e JOIN {Store._meta.db_table} s ON s.id = e.store_id "
    "WHERE e.token_digest = {} AND e.secret_sealed = {} AND e.account = {} "
    f"AND e.status <> '{Endpoint.Status.CLOSED}' AND s.status <> '{StoreStatus.DISCONNECTED}' "
    "ON CONFLICT DO NOTHING"
)
_EXECUTE = f"EXECUTE logix_accept ({', '.join(['%s'] * 10)})"
# Connections to PostgreSQL that know the statement; a new one has to be told.
_prepared: WeakSet[Any] = WeakSet()


def accept(
    endpoint: Endpoint,
    *,
    topic: str,
    headers: Mapping[str, str],
    body: bytes,
    dedupe_key: str,
    tried: Known | None = None,
    always: bool = False,
) -> tuple[Delivery | None, bool]:
    """Keep a verified delivery. (row, True) when it is new, (None, False) when we have it already.

    ``endpoint.store`` must be loaded. A repeat of a parked delivery, or of old news, is worked
    again. ``tried`` is what was known in vain: where it still holds, this is most likely a repeat.
    ``always``: it is of a topic that is worked whatever state the store is in. Database errors are
    raised: without a row nobody may be told that it was taken.
    """
    listens = always or _listens(endpoint)
    row = _row(endpoint, topic, headers, body, dedupe_key, always=always)
    repeated = tried == Known.of(endpoint) and _repeat(endpoint, dedupe_key, row["body_sealed"]) > 0
    created = not repeated and bool(bulk.insert(Delivery, [row], ignore_conflicts=True))
    if not repeated and not created:
        _repeat(endpoint, dedupe_key, row["body_sealed"])
    if listens:
        ring()
    return (Delivery(**row), True) if created else (None, False)


def accept_all(endpoint: Endpoint, news: Sequence[tuple[str, RawDelivery]]) -> int:
    """Keep what a queue gave, each with its dedupe key; how much of it is new. ``endpoint.store``
    must be loaded. Nothing may be taken out of the queue before this is committed.
    """
    rows = [_row(endpoint, x.topic, x.headers, x.body, key) for key, x in news]
    made = bulk.insert(Delivery, rows, ignore_conflicts=True)
    for row in rows:
        if row["id"] not in made:
            _repeat(endpoint, row["dedupe_key"], row["body_sealed"])
    ring()
    return len(made)


def _row(
    endpoint: Endpoint,
    topic: str,
    headers: Mapping[str, str],
    body: bytes,
    dedupe_key: str,
    *,
    always: bool = False,
) -> dict[str, Any]:
    store = endpoint.store
    row: dict[str, Any] = {
        "id": uuid7(),
        "endpoint_id": endpoint.pk,
        "store_id": store.pk,
        "dedupe_key": dedupe_key,
        "topic": topic,
        "headers": dict(headers),
        "body_sealed": None,
        "body_length": len(body),
        "request_id": _request_id(),
        **_FRESH,
        "resource": Delivery.ALWAYS if always else "",
    }
    if always or _listens(endpoint):
        vault = keys.vault(store.data_key_id)
        row["body_sealed"] = seal_body(vault, endpoint.pk, dedupe_key, body)
    else:
        row |= {
            "state": Delivery.State.IGNORED.value,
            "outcome": "disconnected",
            "problem": f"{store.name} is disconnected; what it still sends is not kept.",
        }
    return row


def _listens(endpoint: Endpoint) -> bool:
    is_closed = endpoint.status == Endpoint.Status.CLOSED
    return not is_closed and endpoint.store.status != StoreStatus.DISCONNECTED


def _request_id() -> str:
    request_id: str = structlog.contextvars.get_contextvars().get("request_id", "")
    return request_id[:64]


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
    transaction.on_commit(_ring, robust=True)


def _ring() -> None:
    """Nothing where a ring is on its way: when it arrives, what was committed by now is found."""
    global _rung_at
    now = time.monotonic()
    if now < _rung_at:
        return
    delay_s = _RING_GAP_S if now - _rung_at < _RING_GAP_S else 0.0
    _rung_at = now + delay_s
    bell.publish(PROCESS, (), queue="live", delay_s=delay_s)


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
