"""What a claimed delivery says, sorted by what it takes to believe it: nothing, its own content, or
a call to the store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from integrations.errors import ContractBroken
from integrations.events import IN_BACKGROUND, Event, EventKind, RawDelivery
from inventory.data import ProductData
from logix.common.crypto import SealBroken
from orders.data import OrderData
from webhooks.models import Delivery
from webhooks.sealing import open_body

_NOTHING = frozenset({EventKind.IGNORED, EventKind.PING})
# Orders and products count their ids separately: 12 may be either.
Thing = tuple[EventKind, str]

_ABOUT = {
    EventKind.ORDER: "order",
    EventKind.PRODUCT: "product",
    **{kind: kind.value for kind in IN_BACKGROUND},
}


@dataclass(slots=True)
class Reading:
    """One delivery and its events. ``problem`` (code, sentence) when it cannot be read at all.
    ``is_awaited``: something here waits for what its hints tell (``webhooks.hints``).
    """

    delivery: Delivery
    events: list[Event] = field(default_factory=list)
    problem: tuple[str, str] | None = None
    is_awaited: bool = False

    @property
    def says_nothing(self) -> bool:
        return all(event.kind in _NOTHING for event in self.events)

    @property
    def hints(self) -> list[Event]:
        return [event for event in self.events if event.kind in IN_BACKGROUND]

    @property
    def only_hints(self) -> bool:
        return bool(self.events) and len(self.hints) == len(self.events)

    @property
    def needs_call(self) -> bool:
        return any(must_ask(event) for event in self.events)

    @property
    def says_goodbye(self) -> bool:
        return any(event.kind is EventKind.STORE_GONE for event in self.events)

    @property
    def orders(self) -> list[OrderData]:
        return [e.order for e in self.events if e.order is not None and not must_ask(e)]

    @property
    def products(self) -> list[ProductData]:
        return [e.product for e in self.events if e.product is not None and not must_ask(e)]

    @property
    def why_nothing(self) -> str:
        return "; ".join(dict.fromkeys(e.reason for e in self.events if e.reason))

    def concerns(self, things: set[Thing]) -> bool:
        return any((event.kind, event.external_id) in things for event in self.events)


def must_ask(event: Event) -> bool:
    """Whether the store has to be asked before anything is done: its word is destructive, or not
    the whole story.
    """
    if event.kind in _NOTHING or event.kind in IN_BACKGROUND:
        return False
    return event.confirm or (event.order is None and event.product is None)


def read(handle: Callable[[RawDelivery], Sequence[Event]], delivery: Delivery) -> Reading:
    """Open one delivery and have an adapter's ``handle`` parse it. Notes on the row (in memory)
    what it is about. Makes no call.
    """
    try:
        body = open_body(delivery)
    except SealBroken as err:
        return Reading(delivery, problem=("seal_broken", str(err)))
    if body is None:
        sentence = "The body has expired. Fetch the order or product again instead."
        return Reading(delivery, problem=("body_expired", sentence))
    raw = RawDelivery(
        topic=delivery.topic,
        body=body,
        headers=delivery.headers,
        received_at=delivery.received_at,
    )
    try:
        events = handle(raw)
    except ContractBroken as err:
        return Reading(delivery, problem=(err.code, f"{err.message} ({err.path})"))
    if any(event.kind is EventKind.PRIVACY for event in events) and not _is_always(delivery):
        sentence = "A privacy request came on a topic that the platform's card does not name."
        return Reading(delivery, problem=(ContractBroken.code, sentence))
    _note_subject(delivery, events)
    return Reading(delivery, events=list(events))


def _is_always(delivery: Delivery) -> bool:
    return delivery.resource == Delivery.ALWAYS


def _note_subject(delivery: Delivery, events: Sequence[Event]) -> None:
    """A delivery about one thing carries its kind and id, for people and for coalescing."""
    about = {(_ABOUT[e.kind], e.external_id) for e in events if e.kind in _ABOUT}
    if len(about) == 1:
        delivery.resource, resource_id = about.pop()
        delivery.resource_id = resource_id[:128]
    if not delivery.topic and events:
        delivery.topic = events[0].topic[:80]


def orders(ids: Iterable[str]) -> set[Thing]:
    return {(EventKind.ORDER, external_id) for external_id in ids}


def products(ids: Iterable[str]) -> set[Thing]:
    return {(EventKind.PRODUCT, external_id) for external_id in ids}


def disagreeing(records: Sequence[OrderData] | Sequence[ProductData]) -> set[str]:
    """Ids told twice, at the same time, with different content: only the store knows the last."""
    told: dict[tuple[str, Any, Any], Any] = {}
    torn: set[str] = set()
    for record in records:
        key = (record.external_id, record.changed_at, getattr(record, "version", None))
        if told.setdefault(key, record) != record:
            torn.add(record.external_id)
    return torn
