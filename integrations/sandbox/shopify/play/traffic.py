"""Life in the store: orders, edits, cancellations, parcels, refunds, returns, stock; seeded."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from integrations.sandbox.dice import dice
from integrations.sandbox.shopify.catalogue import stock
from integrations.sandbox.shopify.orders import acts, placing
from integrations.sandbox.shopify.orders.kinds import KINDS

if TYPE_CHECKING:
    from integrations.sandbox.shopify.store import ShopStore

# What happens, and how often among a hundred.
_WEIGHTS: dict[str, int] = {
    "order": 45,
    "edit": 6,
    "remove": 3,
    "cancel": 5,
    "refund": 5,
    "pay": 4,
    "ship": 8,
    "ship_one": 3,
    "number": 2,
    "hold": 2,
    "release": 1,
    "return": 2,
    "arrive": 1,
    "touch": 3,
    "stock": 10,
}
_RECENT, _TRIES = 60, 8

log = logging.getLogger("sandbox")


class Traffic:
    """``per_minute`` things happen on average, at irregular moments; 0 is a quiet store. It may be
    changed while it runs.
    """

    def __init__(self, store: ShopStore, *, per_minute: float, seed: int = 1) -> None:
        self._store = store
        # A store that goes on does not live the same minutes again.
        self._dice = dice(seed, "traffic", store.ids.last.get("OrderNumber", 0))
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

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def step(self) -> str:
        """One thing happens now; the word for it, or "nothing" where no order suits."""
        word = self._dice.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        happen = _ACTS.get(word) or _on_one(word)
        return word if happen(self._store, self._dice) else "nothing"

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


def _order(store: ShopStore, chance: Random) -> bool:
    kind = chance.choices(list(KINDS), [kind.share for kind in KINDS.values()])[0]
    try:
        return bool(placing.place(store, chance, kind=kind))
    except acts.Refusal:
        return False


def _on_one(verb: str) -> Callable[[ShopStore, Random], bool]:
    """To one of the newest orders that the verb suits."""

    def happen(store: ShopStore, chance: Random) -> bool:
        recent = acts.newest(store, _RECENT)
        for number in chance.sample(recent, min(_TRIES, len(recent))):
            try:
                acts.act(store, verb, number)
            except acts.Refusal:
                continue
            return True
        return False

    return happen


def _stock(store: ShopStore, chance: Random) -> bool:
    """Somebody counted a shelf."""
    with store.working():
        tracked = store.catalogue.items
        levels = [
            level
            for level in store.catalogue.levels.values()
            if level.is_active and tracked[level.item_id].tracked
        ]
        if not levels:
            return False
        level = chance.choice(levels)
        stock.change(store, level, available=chance.randrange(0, 200) - level.available)
    return True


_ACTS: dict[str, Callable[[ShopStore, Random], bool]] = {"order": _order, "stock": _stock}
