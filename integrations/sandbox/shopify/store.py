"""The state of one store: its rooms, ids and clock, the lock around them, and whom to tell.

What the rest of the sandbox relies on::

    store = ShopStore(StoreOptions(seed=7, orders=1_000), now=None)   # now() -> epoch seconds
    with store.working(): ...          # the lock; events leave when it closes, each once
    store.emit(topic, number, body)    # while working; body None: built from PAYLOADS as it closes
    store.subscribe(callback)          # callback(Event), called while the store is held
    store.touched(thing)               # it was changed in place: its date, its webhook
    store.later(seconds, act)          # act(store) while it is held, when that time has come
    store.nodes[type_name](store, number)                             # a thing by its id, or None
    store.snapshot() -> dict           # JSON-able, only what differs from the seed
    ShopStore.restore(options, snapshot, now=None) -> ShopStore

The rooms: ``catalogue`` (products, items, locations, levels), ``orders``, ``access`` (app, tokens),
``hooks`` (subscriptions), ``bulk``, ``payments``. Topics are Shopify's (``orders/create``).
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Any, Protocol

import msgspec

from integrations.sandbox.shopify.access.room import AccessRoom
from integrations.sandbox.shopify.api.bucket import RATES, Bucket
from integrations.sandbox.shopify.bulk.room import BulkRoom
from integrations.sandbox.shopify.catalogue.room import CatalogueRoom
from integrations.sandbox.shopify.clock import Clock, Now
from integrations.sandbox.shopify.hooks.room import HookRoom
from integrations.sandbox.shopify.ids import Ids
from integrations.sandbox.shopify.models import Job
from integrations.sandbox.shopify.options import StoreOptions
from integrations.sandbox.shopify.orders.room import OrderRoom
from integrations.sandbox.shopify.payments.room import PaymentRoom
from integrations.sandbox.shopify.rooms import NODES, PAYLOADS, TOUCHED


class Room(Protocol):
    def snapshot(self) -> dict[str, Any]: ...

    def restore(self, saved: dict[str, Any]) -> None: ...


@dataclass(frozen=True, slots=True)
class Event:
    """``id`` is shared by all that happened in one piece of work. ``body`` builds what is sent."""

    id: str
    topic: str
    number: int
    body: Callable[[], dict[str, Any]]


class ShopStore:
    def __init__(self, options: StoreOptions, *, now: Now | None = None) -> None:
        self.options = options
        self.clock = Clock(options.timezone, now)
        self.seeded_at = options.seeded_at or self.clock.now()
        self.url = f"https://{options.domain}"
        self.nodes = NODES
        self.ids = Ids()
        self.jobs: dict[str, Job] = {}
        self.idempotency: dict[str, tuple[str, dict[str, Any] | None, int]] = {}
        self.strikes: Callable[[str, str], object] = lambda _kind, _where: False
        self.buckets: dict[str, Bucket] = {}
        self._lock = threading.RLock()
        self._depth = 0
        self._events: dict[tuple[str, int], dict[str, Any] | None] = {}
        self._subscribers: list[Callable[[Event], None]] = []
        self._later: list[tuple[float, int, Callable[[ShopStore], object]]] = []
        self._turn = 0
        self.access: AccessRoom = AccessRoom(self)
        self.catalogue: CatalogueRoom = CatalogueRoom(self)
        self.orders: OrderRoom = OrderRoom(self)
        self.hooks: HookRoom = HookRoom(self)
        self.bulk: BulkRoom = BulkRoom(self)
        self.payments: PaymentRoom = PaymentRoom(self)

    @property
    def rooms(self) -> dict[str, Room]:
        return {
            "access": self.access,
            "catalogue": self.catalogue,
            "orders": self.orders,
            "hooks": self.hooks,
            "bulk": self.bulk,
            "payments": self.payments,
        }

    # -- work and events -----------------------------------------------------------------------

    @contextmanager
    def working(self) -> Iterator[None]:
        """Hold the store. What was put off until now is done first; what was emitted is told last,
        each thing once, with its body as it is then.
        """
        with self._lock:
            self._depth += 1
            try:
                if self._depth == 1:
                    self._do_due(self.clock.exact())
                yield
            finally:
                if self._depth == 1:
                    self._tell()
                self._depth -= 1

    def later(self, seconds: float, act: Callable[[ShopStore], object]) -> None:
        self._turn += 1
        heappush(self._later, (self.clock.exact() + seconds, self._turn, act))

    def finish(self, within_s: float) -> None:
        """Do now what would come within so many seconds: a file holds no work that is put off."""
        with self.working():
            self._do_due(self.clock.exact() + within_s)

    @property
    def puts_off(self) -> bool:
        """Whether something waits for its time."""
        return bool(self._later)

    def _do_due(self, until: float) -> None:
        while self._later and self._later[0][0] <= until:
            heappop(self._later)[2](self)
            self._tell()

    def _tell(self) -> None:
        """What a subscriber emits in turn is told, too."""
        while self._events:
            events, self._events = self._events, {}
            event_id = str(uuid.uuid4())
            for (topic, number), body in events.items():
                event = Event(event_id, topic, number, self._body_of(topic, number, body))
                for subscriber in self._subscribers:
                    subscriber(event)

    def _body_of(
        self, topic: str, number: int, body: dict[str, Any] | None
    ) -> Callable[[], dict[str, Any]]:
        return lambda: PAYLOADS[topic](self, number) if body is None else body

    def subscribe(self, callback: Callable[[Event], None]) -> None:
        """``callback`` runs while the store is held: it notes the event and returns."""
        self._subscribers.append(callback)

    def emit(self, topic: str, number: int, body: dict[str, Any] | None = None) -> None:
        """Once per piece of work and thing, at its end; the body is as of then unless given."""
        self._events[topic, number] = body

    def touched(self, thing: Any) -> None:
        TOUCHED[type(thing)](self, thing)

    # -- what calls ask ------------------------------------------------------------------------

    def bucket(self, client_id: str) -> Bucket:
        """The app's points in this store."""
        if client_id not in self.buckets:
            self.buckets[client_id] = Bucket(RATES[self.options.plan], self.clock.exact)
        return self.buckets[client_id]

    def new_job(self) -> Job:
        job = Job(str(uuid.uuid4()))
        self.jobs[job.number] = job
        return job

    # -- keeping -------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """JSON-able; holds the tokens of this invented store."""
        with self.working():
            return {
                "seeded_at": self.seeded_at,
                "ahead_s": self.clock.ahead_s,
                "ids": dict(self.ids.last),
                "rooms": {name: room.snapshot() for name, room in self.rooms.items()},
            }

    @classmethod
    def restore(
        cls, options: StoreOptions, saved: dict[str, Any], *, now: Now | None = None
    ) -> ShopStore:
        """The same seed, then what had changed. Raises KeyError, msgspec.ValidationError."""
        store = cls(msgspec.structs.replace(options, seeded_at=saved["seeded_at"]), now=now)
        store.clock.ahead_s = saved["ahead_s"]
        for name, room in store.rooms.items():
            room.restore(saved["rooms"][name])
        store.ids = Ids(dict(saved["ids"]))
        return store
