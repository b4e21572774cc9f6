"""A simulated store put together and running: its API, its webhooks, its troubles, its traffic, the
control page, and its state on disk. ``server.Server`` serves it.
"""

from __future__ import annotations

import re
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
from integrations.sandbox.woocommerce import control, hookshot, wire
from integrations.sandbox.woocommerce.app import App
from integrations.sandbox.woocommerce.clock import Now
from integrations.sandbox.woocommerce.deliveries import DELAY_S, Deliveries
from integrations.sandbox.woocommerce.faults import KINDS
from integrations.sandbox.woocommerce.options import StoreOptions
from integrations.sandbox.woocommerce.spoiling import Spoiler
from integrations.sandbox.woocommerce.store import WooStore
from integrations.sandbox.woocommerce.traffic import Traffic

_SECRETS = re.compile(r"((?:consumer_(?:key|secret)|oauth_\w+)=)[^&]*", re.IGNORECASE)
_KEPT = 500


@dataclass(frozen=True, slots=True)
class Logged:
    """One request that was answered. ``at`` is epoch seconds; ``status`` 0: the connection was
    dropped.
    """

    at: float
    method: str
    path: str
    query: str
    status: int
    took_ms: float
    faults: list[str] = field(default_factory=list)


class Shop:
    """A ``server.Site``. What ``state_file`` holds wins over ``options``: a store that goes on is
    the store it was; only a new API key is added to it. Raises state.StateBroken.
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
        self.key, self.secret = options.consumer_key, options.consumer_secret
        self.store, self.resumed = _store(options, state_file, now)
        self.chance = dice(options.seed, "control", self.store.ids.post)
        self.faults = Faults(KINDS, seed=options.seed)
        self.deliveries = Deliveries(self.store, self.faults, delay_s=webhook_delay_s)
        self.traffic = Traffic(self.store, per_minute=per_minute, seed=options.seed)
        self.requests: deque[Logged] = deque(maxlen=_KEPT)
        self._app = App(self.store, post=hookshot.post)
        self._spoiler = Spoiler(self.store, self.faults, self._app.answer)
        self._control = control.Control(self) if has_control else None
        self._keeper = state.Keeper(state_file, self.snapshot) if state_file else None

    def open(self, url: str) -> None:
        self.store.home_url = f"{url}/"
        if self._keeper:
            self._keeper.start()
        self.deliveries.start()
        self.traffic.start()

    def handle(self, incoming: Incoming) -> wire.Answer:
        request = wire.Request(
            method=incoming.method,
            path=incoming.path,
            raw_path=incoming.raw_path,
            raw_query=incoming.raw_query,
            headers=incoming.headers,
            body=incoming.body,
            is_tls=incoming.is_tls,
        )
        own = f"{self.store.home_path}{control.ROOT}"
        if self._control and request.path.startswith(own):
            return self._control.answer(request, request.path.removeprefix(own))
        began = time.perf_counter()
        answer, faults = self._spoiler.answer(request)
        self.requests.append(
            Logged(
                time.time(),
                request.method,
                request.path,
                _SECRETS.sub(r"\1…", request.raw_query),
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
        self.deliveries.stop()
        if self._keeper:
            self._keeper.stop()

    def snapshot(self) -> dict[str, Any]:
        options = msgspec.to_builtins(self.store.options)
        return {"format": 1, "options": options, "store": self.store.snapshot()}

    def log(self, limit: int = _KEPT) -> list[dict[str, Any]]:
        """The last requests, newest first."""
        return [asdict(row) for row in list(self.requests)[::-1][:limit]]


def _store(
    options: StoreOptions, state_file: Path | None, now: Now | None
) -> tuple[WooStore, bool]:
    """The store, and whether it goes on from its file."""
    saved = state.load(state_file) if state_file else None
    if saved is None:
        return WooStore(options, now=now), False
    try:
        before = msgspec.convert(saved["options"], StoreOptions)
        store = WooStore.restore(before, saved["store"], now=now)
    except (KeyError, msgspec.ValidationError) as err:
        raise state.StateBroken(
            f"{state_file} was written by another version ({err}). Remove it to start with a fresh"
            " store."
        ) from err
    _admit(store, options)
    return store, True


def _admit(store: WooStore, options: StoreOptions) -> None:
    """The key that was asked for opens a store that goes on, too."""
    for key in store.keys.values():
        if key.consumer_key == options.consumer_key:
            key.consumer_secret, key.permissions = options.consumer_secret, options.permissions
            return
    store.add_key(options.consumer_key, options.consumer_secret, options.permissions, "Sandbox")
