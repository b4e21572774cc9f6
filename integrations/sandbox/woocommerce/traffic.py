"""Life in the store: orders, edits, cancellations, refunds, completions, stock changes; seeded."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from random import Random

from integrations.sandbox.dice import dice
from integrations.sandbox.woocommerce import acts, placing
from integrations.sandbox.woocommerce.store import WooStore

# What happens, and how often among a hundred.
_WEIGHTS: dict[str, int] = {
    "order": 48,
    "edit": 10,
    "cancel": 7,
    "refund": 7,
    "complete": 7,
    "ship": 6,
    "stock": 15,
}
_RECENT = 60

log = logging.getLogger("sandbox")


class Traffic:
    """``per_minute`` things happen on average, at irregular moments; 0 is a quiet store. It may be
    changed while it runs.
    """

    def __init__(self, store: WooStore, *, per_minute: float, seed: int = 1) -> None:
        self._store = store
        # A store that goes on does not live the same minutes again.
        self._dice = dice(seed, "traffic", store.ids.post)
        self._per_minute = per_minute
        self._is_stopping = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="sandbox-traffic", daemon=True)

    @property
    def per_minute(self) -> float:
        return self._per_minute

    @per_minute.setter
    def per_minute(self, value: float) -> None:
        with self._changed:
            self._per_minute = value
            self._changed.notify_all()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def step(self) -> str:
        """One thing happens now; the word for it, or "nothing" where no order suits."""
        word = self._dice.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        return word if _ACTS[word](self._store, self._dice) else "nothing"

    def _run(self) -> None:
        while self._pause():
            try:
                self.step()
            except Exception:
                log.exception("Traffic stumbled and goes on")

    def _pause(self) -> bool:
        """Wait for the next moment; False when the store stops. A new rate starts a new wait."""
        with self._changed:
            while not self._is_stopping:
                rate = self._per_minute
                wait_s = self._dice.expovariate(rate / 60) if rate > 0 else None
                if not self._changed.wait(wait_s):
                    return True
            return False


def _one_in(store: WooStore, chance: Random, *statuses: str) -> int | None:
    """One of the newest orders in such a state."""
    recent = acts.newest(store, _RECENT, statuses)
    return chance.choice(recent) if recent else None


def _order(store: WooStore, chance: Random) -> bool:
    kind = "unicode" if chance.random() < 0.3 else "plain"
    return bool(placing.place(store, chance, kind=kind))


def _on_one(verb: str, *statuses: str) -> Callable[[WooStore, Random], bool]:
    def act(store: WooStore, chance: Random) -> bool:
        number = _one_in(store, chance, *statuses)
        if number is None:
            return False
        try:
            acts.act(store, verb, number)
        except acts.Refusal:
            return False
        return True

    return act


def _stock(store: WooStore, chance: Random) -> bool:
    counted = acts.counted_products(store)
    if not counted:
        return False
    acts.set_stock(store, chance.choice(counted), chance.randrange(0, 200))
    return True


_ACTS: dict[str, Callable[[WooStore, Random], bool]] = {
    "order": _order,
    "edit": _on_one("edit", "pending", "on-hold", "processing"),
    "cancel": _on_one("cancel", "pending", "on-hold", "processing"),
    "refund": _on_one("refund", "completed", "processing"),
    "complete": _on_one("complete", "processing"),
    "ship": _on_one("ship", "processing"),
    "stock": _stock,
}
