"""The push gate: no stock goes to a store while orders of it are known to be unread, or a push
would give back units that were just sold. DOMAIN rule: pull first, then push; the wait is bounded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from integrations.models import Store, Stream, StreamName
from logix.common import bell

# Told True when the store has something unapplied that may hold orders (webhooks register their
# inbox here).
Source = Callable[[UUID], bool]

LOOK_AGAIN = timedelta(seconds=1.5)
# While a first read goes on, which takes minutes.
LOOK_AGAIN_FIRST = timedelta(seconds=10)
# Longest wait of one push for orders that are late, and for a first read that has not ended.
LONGEST_WAIT = timedelta(seconds=30)
LONGEST_FIRST_WAIT = timedelta(minutes=10)
# A poll that is this late counts as missed.
GRACE = timedelta(seconds=60)

_sources: list[Source] = []


@dataclass(frozen=True, slots=True)
class Closed:
    """Pushes that stand here since after ``waited_since`` must wait; older ones have waited long
    enough.
    """

    waited_since: datetime
    look_again: timedelta = LOOK_AGAIN


def add_source(source: Source) -> None:
    """Register who else may know of unapplied orders. The same source twice counts once."""
    if source not in _sources:
        _sources.append(source)


def remove_source(source: Source) -> None:
    if source in _sources:
        _sources.remove(source)


def look(store: Store, now: datetime) -> Closed | None:
    """None: open. When closed, the store's orders are asked to be read at once.

    The stream's place is on the store's clock, ``now`` on ours; the measured skew is taken off. How
    old the last read may be is the stream's interval, unless the store's options say
    ``orders_read_within_s``.
    """
    if any(source(store.pk) for source in _sources):
        return Closed(now - LONGEST_WAIT)
    stream = Stream.objects.filter(store=store, name=StreamName.ORDERS, enabled=True).first()
    if stream is None or not store.auto_sync:
        return None
    if stream.read_through is None:
        pull_orders(store.pk, now)
        return Closed(now - LONGEST_FIRST_WAIT, LOOK_AGAIN_FIRST)
    told = store.options.get("orders_read_within_s")
    allowed = timedelta(seconds=told) if told else timedelta(seconds=stream.every_s) + GRACE
    read = stream.read_through - timedelta(milliseconds=stream.skew_ms)
    if read + allowed + timedelta(seconds=stream.lag_s) >= now:
        return None
    pull_orders(store.pk, now)
    return Closed(now - LONGEST_WAIT)


def pull_orders(store_id: UUID, now: datetime, *, after: timedelta = timedelta()) -> None:
    """Have the store's orders read now or ``after`` a while, unless that is about to happen. A
    stream that is failing keeps its own time.
    """
    soon = now + after
    due = Stream.objects.filter(
        store_id=store_id, name=StreamName.ORDERS, enabled=True, failures=0, next_at__gt=soon
    )
    for stream_id in list(due.values_list("pk", flat=True)):
        if Stream.objects.filter(pk=stream_id, next_at__gt=soon).update(next_at=soon):
            bell.ring(
                "integrations.tasks.run_stream",
                stream_id,
                queue="live",
                delay_s=after.total_seconds(),
            )
