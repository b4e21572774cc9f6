"""Webhooks on their way out: in the background, any 2xx is done, else eight more attempts with the
same body within four hours. One that fails to the end takes its subscription with it.

Source: shopify.dev changelog on the retry mechanism, read 2026-11. How the four hours are divided
is not told; here each wait is twice the one before.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from heapq import heappop, heappush

from integrations.sandbox.faults import Faults
from integrations.sandbox.shopify.hooks.post import post as real_post
from integrations.sandbox.shopify.hooks.room import Delivery
from integrations.sandbox.shopify.store import ShopStore

DELAY_S = 0.1
CAPACITY = 20_000
RETRIES = 8
_RETRY_H = 4
_KEPT = 300

Post = Callable[[str, bytes, Mapping[str, str]], int]


@dataclass(frozen=True, slots=True)
class Sent:
    """One attempt, or one that a fault took away. ``at`` is epoch seconds; ``status`` 0: no
    answer.
    """

    at: float
    topic: str
    number: int
    webhook_id: str
    attempt: int
    status: int
    fault: str = ""


@dataclass(frozen=True, slots=True, order=True)
class _Waiting:
    """``due`` is on the monotonic clock; ``attempt`` counts from 1."""

    due: float
    turn: int
    delivery: Delivery
    attempt: int


class Deliveries:
    """One worker sends what the room hands over. ``start`` and ``stop`` once."""

    STOP_S = 2.0

    def __init__(
        self,
        store: ShopStore,
        faults: Faults,
        *,
        post: Post = real_post,
        delay_s: float = DELAY_S,
        capacity: int = CAPACITY,
    ) -> None:
        self._store, self._faults, self._post = store, faults, post
        self._delay_s, self._capacity = delay_s, capacity
        self._queue: list[_Waiting] = []
        self._turn = 0
        self._is_sending = self._is_stopping = False
        self._changed = threading.Condition()  # re-entrant
        self._thread = threading.Thread(target=self._run, name="sandbox-webhooks", daemon=True)
        self.sent: deque[Sent] = deque(maxlen=_KEPT)
        self.overflowed = 0
        store.hooks.send = self.take

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """What waits is not sent. A receiver that keeps the worker hanging is left behind."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(self.STOP_S)

    @property
    def waiting(self) -> int:
        with self._changed:
            return len(self._queue) + self._is_sending

    def settle(self, within_s: float) -> bool:
        """Wait until everything queued was sent; False when that took too long."""
        with self._changed:
            return self._changed.wait_for(
                lambda: not self._queue and not self._is_sending, within_s
            )

    def take(self, delivery: Delivery) -> None:
        """Queue it, or lose, delay or overtake it where a fault says so."""
        if self._faults.strikes("webhook_lost", delivery.topic):
            self._record(delivery, 1, 0, "webhook_lost")
            return
        wait_s = self._delay_s
        if late := self._faults.strikes("webhook_late", delivery.topic):
            wait_s += late.seconds
        if held := self._faults.strikes("webhook_shuffled", delivery.topic):
            wait_s += self._faults.roll(held.seconds)
        self._push(wait_s, delivery, 1)
        if self._faults.strikes("webhook_duplicated", delivery.topic):
            self._push(wait_s, delivery, 1)

    def _push(self, wait_s: float, delivery: Delivery, attempt: int) -> None:
        with self._changed:
            if len(self._queue) >= self._capacity:
                self.overflowed += 1
                return
            self._turn += 1
            due = time.monotonic() + wait_s
            heappush(self._queue, _Waiting(due, self._turn, delivery, attempt))
            self._changed.notify_all()

    def _run(self) -> None:
        while (item := self._next()) is not None:
            self._send(item)
            with self._changed:
                self._is_sending = False
                self._changed.notify_all()

    def _next(self) -> _Waiting | None:
        with self._changed:
            while not self._is_stopping:
                wait_s = self._queue[0].due - time.monotonic() if self._queue else None
                if wait_s is not None and wait_s <= 0:
                    self._is_sending = True
                    return heappop(self._queue)
                self._changed.wait(wait_s)
            return None

    def _send(self, item: _Waiting) -> None:
        delivery = item.delivery
        if delivery.subscription_id and not self._is_wanted(delivery):
            return
        status = self._post(delivery.uri, delivery.body, delivery.headers)
        self._record(delivery, item.attempt, status)
        if 200 <= status < 300:
            return
        if item.attempt <= RETRIES:
            self._push(self._wait_s(item.attempt), delivery, item.attempt + 1)
            return
        with self._store.working():
            self._store.hooks.drop(delivery.subscription_id)

    def _is_wanted(self, delivery: Delivery) -> bool:
        """What was deleted meanwhile hears no more; the last word of an app does go out."""
        if delivery.topic == "app/uninstalled":
            return True
        with self._store.working():
            return delivery.subscription_id in self._store.hooks.subscriptions

    def _wait_s(self, attempt: int) -> float:
        share = float(2 ** (attempt - 1)) / (2**RETRIES - 1)
        return _RETRY_H * self._store.options.hour_s * share

    def _record(self, delivery: Delivery, attempt: int, status: int, fault: str = "") -> None:
        row = (delivery.topic, delivery.number, delivery.id, attempt, status, fault)
        self.sent.append(Sent(time.time(), *row))
