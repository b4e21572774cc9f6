"""News of what a platform does in the background: whatever waits for it here is looked at soon.

Nothing of them is believed; whoever looks asks the store. One that comes twice or late, or is about
what nobody waits for, changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from uuid import UUID

from integrations import outbox, sync
from integrations.events import Event, EventKind
from integrations.platform import Ability
from webhooks.reading import Reading


def pass_on(store_id: UUID, reading: Reading) -> None:
    """Tell those who wait, and note on the reading whether anybody does. Call it in the transaction
    that settles the delivery: what it rings for rings when that is committed.
    """
    told = [_LOOKS[event.kind](store_id, event) for event in reading.hints]
    reading.is_awaited = any(told)


def _outside(store_id: UUID, event: Event) -> bool:
    return outbox.look_outside_soon(store_id, event.external_id)


def _file(store_id: UUID, event: Event) -> bool:
    return outbox.look_file_soon(store_id, event.external_id)


def _report(store_id: UUID, event: Event) -> bool:
    return sync.read_soon(store_id, event.external_id, event.ability)


def _kept(store_id: UUID, _: Event) -> bool:
    """All units there are read together."""
    return sync.read_soon(store_id, "", Ability.PLATFORM_STOCK)


_LOOKS: Mapping[EventKind, Callable[[UUID, Event], bool]] = {
    EventKind.OUTSIDE: _outside,
    EventKind.FILE: _file,
    EventKind.REPORT: _report,
    EventKind.KEPT: _kept,
}
