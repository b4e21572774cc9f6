"""Webhooks on their way out, as the core sends them: in the background, once, signed, and counted.

Source: woocommerce/woocommerce, includes/class-wc-webhook.php, includes/wc-webhook-functions.php
and includes/data-stores/class-wc-webhook-data-store.php (11.1 line); the recorded requests of a
real store. Left out: the core refuses private addresses and odd ports (wp_http_validate_url),
which a store on this machine must not.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import logging
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from heapq import heappop, heappush

from integrations.sandbox.faults import Faults
from integrations.sandbox.woocommerce import hookshot, wire
from integrations.sandbox.woocommerce.models import Webhook
from integrations.sandbox.woocommerce.store import WooStore

DELAY_S = 0.1
CAPACITY = 20_000
MOST_FAILURES = 5
_KEPT = 300
_ENTITY = re.compile(r"&(?:lt|gt|amp|quot|#0*(?:34|38|39|60|62)|#x0*(?:22|26|27));")

# url, body, headers -> status code, 0 when nobody answered
Post = Callable[[str, bytes, Mapping[str, str]], int]

log = logging.getLogger("sandbox")


@dataclass(frozen=True, slots=True)
class Sent:
    """One attempt, or one that a fault took away. ``at`` is epoch seconds; ``status`` 0: no
    answer.
    """

    at: float
    webhook_id: int
    topic: str
    resource_id: int
    delivery_id: str
    status: int
    fault: str = ""


@dataclass(frozen=True, slots=True)
class _Request:
    topic: str
    url: str
    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True, slots=True, order=True)
class _Waiting:
    """``due`` is on the monotonic clock. ``request`` is there once it was built and held up."""

    due: float
    turn: int
    webhook_id: int
    resource_id: int
    request: _Request | None = None


class Deliveries:
    """One worker sends what ``note`` has queued. ``start`` and ``stop`` once."""

    STOP_S = 2.0
    _wall = staticmethod(time.time)

    def __init__(
        self,
        store: WooStore,
        faults: Faults,
        *,
        post: Post = hookshot.post,
        delay_s: float = DELAY_S,
        capacity: int = CAPACITY,
    ) -> None:
        self._store, self._faults, self._post = store, faults, post
        self._delay_s, self._capacity = delay_s, capacity
        self._queue: list[_Waiting] = []
        self._queued: set[tuple[int, int]] = set()
        self._turn = 0
        self._is_sending = self._is_stopping = False
        self._changed = threading.Condition()  # re-entrant
        self._thread = threading.Thread(target=self._run, name="sandbox-webhooks", daemon=True)
        self.sent: deque[Sent] = deque(maxlen=_KEPT)
        self.overflowed = 0
        store.subscribe(self.note)

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

    def note(self, topic: str, resource_id: int) -> None:
        """A subscriber of the store, called while it is held."""
        for webhook in self._store.webhooks.values():
            if webhook.status == "active" and webhook.topic == topic:
                self._enqueue(webhook, resource_id)

    def _enqueue(self, webhook: Webhook, resource_id: int) -> None:
        """One that waits already is not queued again (wc_webhook_execute_queue)."""
        late = self._faults.strikes("webhook_late", webhook.topic)
        with self._changed:
            if (webhook.id, resource_id) in self._queued:
                return
            if len(self._queue) >= self._capacity:
                self.overflowed += 1
                return
            self._queued.add((webhook.id, resource_id))
            self._push(self._delay_s + (late.seconds if late else 0), webhook.id, resource_id)

    def _push(
        self, delay_s: float, webhook_id: int, resource_id: int, request: _Request | None = None
    ) -> None:
        with self._changed:
            self._turn += 1
            due = time.monotonic() + delay_s
            heappush(self._queue, _Waiting(due, self._turn, webhook_id, resource_id, request))
            self._changed.notify_all()

    def _run(self) -> None:
        while (item := self._next()) is not None:
            try:
                self._deliver(item)
            except Exception:
                log.exception("Webhook %s could not be sent", item.webhook_id)
            finally:
                with self._changed:
                    self._is_sending = False
                    self._changed.notify_all()

    def _next(self) -> _Waiting | None:
        with self._changed:
            while not self._is_stopping:
                now = time.monotonic()
                if self._queue and self._queue[0].due <= now:
                    item = heappop(self._queue)
                    self._queued.discard((item.webhook_id, item.resource_id))
                    self._is_sending = True
                    return item
                self._changed.wait(self._queue[0].due - now if self._queue else None)
            return None

    def _deliver(self, item: _Waiting) -> None:
        request = item.request
        if request is None:
            request = self._built(item)
            if request is None:
                return
            if self._faults.strikes("webhook_lost", request.topic):
                self._record(item, request, 0, "webhook_lost")
                return
            if held := self._faults.strikes("webhook_shuffled", request.topic):
                wait_s = self._faults.roll(held.seconds)
                self._push(wait_s, item.webhook_id, item.resource_id, request)
                return
        self._send(item, request)
        if self._faults.strikes("webhook_duplicated", request.topic):
            self._send(item, request, "webhook_duplicated")

    def _built(self, item: _Waiting) -> _Request | None:
        """The core looks at a webhook's status when it queues, not when it sends."""
        with self._store.working():
            webhook = self._store.webhooks.get(item.webhook_id)
            if webhook is None:
                return None
            body = wire.encode(self._store.payload(webhook.topic, item.resource_id))
            return _Request(webhook.topic, webhook.delivery_url, body, self._headers(webhook, body))

    def _send(self, item: _Waiting, request: _Request, fault: str = "") -> None:
        status = self._post(request.url, request.body, request.headers)
        self._record(item, request, status, fault)
        self._count(item.webhook_id, status)

    def _record(self, item: _Waiting, request: _Request, status: int, fault: str) -> None:
        delivery_id = request.headers["X-WC-Webhook-Delivery-ID"]
        self.sent.append(
            Sent(
                time.time(),
                item.webhook_id,
                request.topic,
                item.resource_id,
                delivery_id,
                status,
                fault,
            )
        )

    def _headers(self, webhook: Webhook, body: bytes) -> dict[str, str]:
        resource, _, event = webhook.topic.partition(".")
        second = int(self._wall())
        return hookshot.headers(self._store.options.version, "application/json") | {
            "X-WC-Webhook-Source": self._store.home_url,
            "X-WC-Webhook-Topic": webhook.topic,
            "X-WC-Webhook-Resource": resource,
            "X-WC-Webhook-Event": event,
            "X-WC-Webhook-Signature": signature(webhook.secret, body),
            "X-WC-Webhook-ID": str(webhook.id),
            # wp_hash of id and second: two deliveries of one second share it.
            "X-WC-Webhook-Delivery-ID": hmac.new(
                self._store.home_url.encode(), f"{webhook.id}{second}".encode(), hashlib.md5
            ).hexdigest(),
        }

    def _count(self, webhook_id: int, status: int) -> None:
        """The core lets the counter pass 5 first, so the 7th failure in a row disables."""
        with self._store.working():
            webhook = self._store.webhooks.get(webhook_id)
            if webhook is None:
                return
            if 200 <= status < 303:
                webhook.failures = 0
            elif webhook.failures > MOST_FAILURES:
                webhook.status = "disabled"
            else:
                webhook.failures += 1
            webhook.modified = self._store.clock.now()
            is_unproven = webhook.status == "active" and webhook.is_pending
        if is_unproven:  # every save of such a webhook pings again
            ping(self._store, webhook, self._post)


def signature(secret: str, body: bytes) -> str:
    """Base64 of HMAC-SHA256. The secret's HTML entities for < > & and quotes are decoded first, and
    no others (generate_signature, wp_specialchars_decode).
    """
    key = _ENTITY.sub(lambda found: html.unescape(found[0]), secret).encode()
    return base64.b64encode(hmac.new(key, body, hashlib.sha256).digest()).decode()


def ping(store: WooStore, webhook: Webhook, post: Post = hookshot.post) -> bool:
    """The unsigned greeting of an activated webhook, which needs exactly 200 (deliver_ping)."""
    headers = hookshot.headers(store.options.version, "application/x-www-form-urlencoded")
    status = post(webhook.delivery_url, f"webhook_id={webhook.id}".encode(), headers)
    if status != 200:
        return False
    with store.working():
        webhook.is_pending = False
    return True
