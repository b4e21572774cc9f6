"""A simulated seller account put together and running: its API, its troubles, its traffic, the
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
from integrations.sandbox.amazon.app import App
from integrations.sandbox.amazon.clock import Now
from integrations.sandbox.amazon.login import room
from integrations.sandbox.amazon.options import AccountOptions
from integrations.sandbox.amazon.play import control
from integrations.sandbox.amazon.play.faults import KINDS
from integrations.sandbox.amazon.play.spoiling import Spoiler, asked_for
from integrations.sandbox.amazon.play.traffic import Traffic
from integrations.sandbox.amazon.store import SellerStore
from integrations.sandbox.amazon.wire import Answer, Request
from integrations.sandbox.dice import dice
from integrations.sandbox.faults import Faults
from integrations.sandbox.server import Incoming

_SECRETS = re.compile(
    r"((?:spapi_oauth_code|amazon_state|state|X-Amz-Signature)=)[^&]*", re.IGNORECASE
)
_KEPT = 500


@dataclass(frozen=True, slots=True)
class Logged:
    """One request that was answered. ``at`` is epoch seconds of our clock; ``asked`` the operation;
    ``status`` 0: the connection was dropped.
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
    """A ``server.Site``. What ``state_file`` holds wins over ``options``, but for how fast the
    clock runs: an account that goes on is the account it was. Raises state.StateBroken.
    """

    def __init__(
        self,
        options: AccountOptions | None = None,
        *,
        per_minute: float = 0,
        state_file: Path | None = None,
        now: Now | None = None,
        has_control: bool = True,
    ) -> None:
        options = options or AccountOptions()
        self.store, self.resumed = _store(options, state_file, now)
        self.chance = dice(options.seed, "control", dict(self.store.state.last))
        self.faults = Faults(KINDS, seed=options.seed)
        self.traffic = Traffic(self.store, per_minute=per_minute, seed=options.seed)
        self.requests: deque[Logged] = deque(maxlen=_KEPT)
        self._spoiler = Spoiler(self.store, self.faults, App(self.store).answer)
        self._control = control.Control(self) if has_control else None
        self._keeper = state.Keeper(state_file, self.snapshot) if state_file else None

    @property
    def refresh_token(self) -> str:
        """One that is good now; empty where the app is not authorised."""
        return room.authorised_token(self.store)

    def open(self, url: str) -> None:
        self.store.url = url
        if self._keeper:
            self._keeper.start()
        self.traffic.start()

    def handle(self, incoming: Incoming) -> Answer:
        request = Request(
            method=incoming.method,
            path=incoming.raw_path,
            raw_query=incoming.raw_query,
            headers=incoming.headers,
            body=incoming.body,
        )
        if self._control and incoming.path.startswith(control.ROOT):
            return self._control.answer(request, incoming.path.removeprefix(control.ROOT))
        began = time.perf_counter()
        answer, faults = self._spoiler.answer(request)
        self.requests.append(
            Logged(
                time.time(),
                request.method,
                request.path,
                _SECRETS.sub(r"\1…", request.raw_query),
                asked_for(request).partition(" ")[2],
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
        if self._keeper:
            self._keeper.stop()

    def snapshot(self) -> dict[str, Any]:
        options = msgspec.to_builtins(self.store.options)
        return {"format": 1, "options": options, "store": self.store.snapshot()}

    def log(self, limit: int = _KEPT) -> list[dict[str, Any]]:
        """The last requests, newest first."""
        return [asdict(row) for row in list(self.requests)[::-1][:limit]]


def _store(
    options: AccountOptions, state_file: Path | None, now: Now | None
) -> tuple[SellerStore, bool]:
    """The account, and whether it goes on from its file."""
    saved = state.load(state_file) if state_file else None
    if saved is None:
        return SellerStore(options, now=now), False
    try:
        before = msgspec.convert(saved["options"], AccountOptions)
        before = msgspec.structs.replace(before, time_scale=options.time_scale)
        return SellerStore.restore(before, saved["store"], now=now), True
    except (KeyError, msgspec.ValidationError) as err:
        raise state.StateBroken(
            f"{state_file} was written by another version ({err}). Remove it to start with a fresh"
            " account."
        ) from err
