"""A simulated store put together and running: its API, its webhooks, its troubles, its traffic, the
control page, and its state on disk. ``server.Server`` serves it.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections import deque
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from integrations.sandbox import state
from integrations.sandbox.dice import dice
from integrations.sandbox.faults import Faults
from integrations.sandbox.server import Incoming
from integrations.sandbox.shopify.app import App
from integrations.sandbox.shopify.clock import Now
from integrations.sandbox.shopify.hooks.deliveries import DELAY_S, Deliveries
from integrations.sandbox.shopify.options import StoreOptions
from integrations.sandbox.shopify.play import control
from integrations.sandbox.shopify.play.faults import KINDS
from integrations.sandbox.shopify.play.spoiling import Spoiler, asked_for
from integrations.sandbox.shopify.play.traffic import Traffic
from integrations.sandbox.shopify.store import ShopStore
from integrations.sandbox.shopify.wire import Answer, Request

_SECRETS = re.compile(r"((?:code|hmac|signature|client_secret)=)[^&]*", re.IGNORECASE)
_KEPT = 500
_TICK_S = 0.05
_FINISH_S = 60.0

log = logging.getLogger("sandbox")


@dataclass(frozen=True, slots=True)
class Logged:
    """One request that was answered. ``at`` is epoch seconds; ``asked`` are the fields a GraphQL
    request asked for; ``status`` 0: the connection was dropped.
    """

    at: float
    method: str
    path: str
    query: str
    asked: str
    status: int
    took_ms: float
    faults: list[str] = field(default_factory=list)


class Shop:
    """A ``server.Site``. What ``state_file`` holds wins over ``options``: a store that goes on is
    the store it was; only the token asked for is let in, too. Raises state.StateBroken.
    """

    def __init__(
        self,
        options: StoreOptions | None = None,
        *,
        per_minute: float = 0,
        state_file: Path | None = None,
        now: Now | None = None,
        webhook_delay_s: float = DELAY_S,
        has_control: bool = True,
    ) -> None:
        options = options or StoreOptions()
        self.store, self.resumed = _store(options, state_file, now)
        self.token = options.access_token
        self.chance = dice(options.seed, "control", dict(self.store.ids.last))
        self.faults = Faults(KINDS, seed=options.seed)
        self.deliveries = Deliveries(self.store, self.faults, delay_s=webhook_delay_s)
        self.traffic = Traffic(self.store, per_minute=per_minute, seed=options.seed)
        self.requests: deque[Logged] = deque(maxlen=_KEPT)
        self._spoiler = Spoiler(self.store, self.faults, App(self.store).answer)
        self._control = control.Control(self) if has_control else None
        self._keeper = state.Keeper(state_file, self.snapshot) if state_file else None
        self._stopping = threading.Event()
        self._ticker = threading.Thread(target=self._tick, name="sandbox-later", daemon=True)

    def open(self, url: str) -> None:
        self.store.url = url
        if self._keeper:
            self._keeper.start()
        self._ticker.start()
        self.deliveries.start()
        self.traffic.start()

    def handle(self, incoming: Incoming) -> Answer:
        request = Request(
            method=incoming.method,
            path=incoming.path,
            raw_query=incoming.raw_query,
            headers=incoming.headers,
            body=incoming.body,
        )
        if self._control and request.path.startswith(control.ROOT):
            return self._control.answer(request, request.path.removeprefix(control.ROOT))
        began = time.perf_counter()
        answer, faults = self._spoiler.answer(request)
        self.requests.append(
            Logged(
                time.time(),
                request.method,
                request.path,
                _SECRETS.sub(r"\1…", request.raw_query),
                asked_for(request)[0].partition(" ")[2],
                0 if answer.fate == "drop" else answer.status,
                round((time.perf_counter() - began) * 1000, 1),
                faults,
            )
        )
        return answer

    def let_go(self) -> None:
        self.faults.let_go()

    def close(self) -> None:
        self.traffic.stop()
        self._stopping.set()
        if self._ticker.is_alive():
            self._ticker.join()
        self.store.finish(_FINISH_S)
        self.deliveries.stop()
        if self._keeper:
            self._keeper.stop()

    def snapshot(self) -> dict[str, Any]:
        options = msgspec.to_builtins(self.store.options)
        return {"format": 1, "options": options, "store": self.store.snapshot()}

    def log(self, limit: int = _KEPT) -> list[dict[str, Any]]:
        """The last requests, newest first."""
        return [asdict(row) for row in list(self.requests)[::-1][:limit]]

    def _tick(self) -> None:
        """What was put off is done in time, also when nobody calls."""
        while not self._stopping.wait(_TICK_S):
            try:
                if self.store.puts_off:
                    with self.store.working():
                        pass
            except Exception:
                log.exception("What was put off stumbled")


def _store(
    options: StoreOptions, state_file: Path | None, now: Now | None
) -> tuple[ShopStore, bool]:
    """The store, and whether it goes on from its file."""
    saved = state.load(state_file) if state_file else None
    if saved is None:
        return ShopStore(options, now=now), False
    try:
        before = msgspec.convert(saved["options"], StoreOptions)
        store = ShopStore.restore(before, saved["store"], now=now)
    except (KeyError, msgspec.ValidationError) as err:
        raise state.StateBroken(
            f"{state_file} was written by another version ({err}). Remove it to start with a fresh"
            " store."
        ) from err
    if options.access_token and store.access.is_installed:
        store.access.admit(options.access_token)
    return store, True
