"""The state of one account: what it keeps, its clock, the lock around both, and what happens in
time.

What the rest of the sandbox relies on::

    store = SellerStore(AccountOptions(seed=7, orders=1_000), now=None)  # now() -> epoch seconds
    with store.working(): ...           # the lock; what was due until now is done first
    store.later(seconds, kind, key)     # DUE[kind](store, key) when the account's clock says so
    store.next(kind) -> int             # a number nobody has yet
    store.post.note(kind, key)          # tell the app's queue of it when the work is done
    store.snapshot() -> dict            # JSON-able
    SellerStore.restore(options, snapshot, now=None) -> SellerStore
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from heapq import heappop, heappush
from typing import Any

import msgspec

from integrations.sandbox.amazon.api.quotas import Quotas
from integrations.sandbox.amazon.clock import Clock, Now
from integrations.sandbox.amazon.due import DUE
from integrations.sandbox.amazon.listings.seed import listings
from integrations.sandbox.amazon.login.models import Login, Refresh
from integrations.sandbox.amazon.notifications.sending import Letter, Post
from integrations.sandbox.amazon.options import AccountOptions
from integrations.sandbox.amazon.orders.seed import seeded
from integrations.sandbox.amazon.reports import settlements
from integrations.sandbox.amazon.state import Due, State


class SellerStore:
    def __init__(
        self, options: AccountOptions, *, now: Now | None = None, state: State | None = None
    ) -> None:
        self.options = options
        self.clock = Clock(now, scale=options.time_scale)
        self.url = "https://sellingpartnerapi.invalid"
        self.quotas = Quotas(self.clock)
        self.appstore_states: set[str] = set()
        self.strikes: Callable[[str, str], object] = lambda _kind, _where: None
        self.post = Post(self)
        self._lock = threading.RLock()
        self._depth = 0
        self.state = state or self._begun()
        if state is None:
            seeded(self)
            settlements.begin(self)

    def _begun(self) -> State:
        options, now = self.options, self.options.seeded_at or self.clock.now()
        refreshes = {}
        if options.refresh_token:
            refreshes[options.refresh_token] = Refresh(options.refresh_token, now)
        login = Login(options.client_secret, now, options.roles, refreshes)
        return State(seeded_at=now, login=login, listings=listings(options, now))

    # -- work ----------------------------------------------------------------------------------

    @contextmanager
    def working(self) -> Iterator[None]:
        """Hold the account, brought up to now. What is to be told of it is sent afterwards."""
        letters: list[Letter] = []
        try:
            with self._lock:
                self._depth += 1
                try:
                    if self._depth == 1:
                        self._do_due()
                    yield
                finally:
                    self._depth -= 1
                    if self._depth == 0:
                        letters = self.post.collected()
        finally:
            self.post.send(letters)

    def later(self, seconds: float, kind: str, key: str) -> None:
        self.at(self.clock.exact() + seconds, kind, key)

    def at(self, moment: float, kind: str, key: str) -> None:
        heappush(self.state.due, Due(moment, self.next("due"), kind, key))

    def _do_due(self) -> None:
        """In the order of their times. What one of them puts off may be due as well."""
        until = self.clock.exact()
        while self.state.due and self.state.due[0].at <= until:
            due = heappop(self.state.due)
            DUE[due.kind](self, due.key, due.at)

    def next(self, kind: str) -> int:
        number = self.state.last.get(kind, 0) + 1
        self.state.last[kind] = number
        return number

    # -- keeping -------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """JSON-able; holds the tokens of this invented account."""
        with self.working():
            return {"now": self.clock.exact(), "state": msgspec.to_builtins(self.state)}

    @classmethod
    def restore(
        cls, options: AccountOptions, saved: dict[str, Any], *, now: Now | None = None
    ) -> SellerStore:
        """Raises KeyError, msgspec.ValidationError."""
        store = cls(options, now=now, state=msgspec.convert(saved["state"], State))
        store.clock.go_on_from(saved["now"])
        return store
