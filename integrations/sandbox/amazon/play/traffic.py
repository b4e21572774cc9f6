"""Life in the account: orders, payments, parcels, cancellations, stock counts; seeded."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from integrations.sandbox.amazon.orders import acts, placing
from integrations.sandbox.amazon.orders.kinds import KINDS
from integrations.sandbox.amazon.play.acts import set_stock
from integrations.sandbox.amazon.refusals import Refusal
from integrations.sandbox.dice import dice

if TYPE_CHECKING:
    from integrations.sandbox.amazon.store import SellerStore

# What happens, and how often among a hundred.
_WEIGHTS: dict[str, int] = {
    "order": 46,
    "pay": 8,
    "edit": 4,
    "ask_cancel": 4,
    "cancel": 5,
    "cancel_item": 1,
    "ship": 10,
    "ship_one": 4,
    "deliver": 4,
    "return": 3,
    "arrive": 2,
    "touch": 1,
    "stock": 8,
}
_RECENT, _TRIES = 60, 8

log = logging.getLogger("sandbox")


class Traffic:
    """``per_minute`` things happen on average, at irregular moments; 0 is a quiet account. It may
    be changed while it runs.
    """

    def __init__(self, store: SellerStore, *, per_minute: float, seed: int = 1) -> None:
        self._store = store
        # An account that goes on does not live the same minutes again.
        self._dice = dice(seed, "traffic", store.state.last.get("order", 0))
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
        """Wait for the next moment; False when the account stops. A new rate starts a new wait."""
        with self._changed:
            while not self._is_stopping:
                rate = self._per_minute
                wait_s = self._dice.expovariate(rate / 60) if rate > 0 else None
                if not self._changed.wait(wait_s):
                    return True
            return False


def _order(store: SellerStore, chance: Random) -> bool:
    kind = chance.choices(list(KINDS), [kind.share for kind in KINDS.values()])[0]
    try:
        return bool(placing.place(store, chance, kind=kind))
    except Refusal:
        return False


def _on_one(verb: str) -> Callable[[SellerStore, Random], bool]:
    """To one of the newest orders that the verb suits."""

    def happen(store: SellerStore, chance: Random) -> bool:
        recent = acts.newest(store, _RECENT)
        for order_id in chance.sample(recent, min(_TRIES, len(recent))):
            try:
                acts.act(store, verb, order_id)
            except Refusal:
                continue
            return True
        return False

    return happen


def _stock(store: SellerStore, chance: Random) -> bool:
    """Somebody counted a shelf."""
    with store.working():
        own = [row.sku for row in store.state.listings.values() if row.quantity is not None]
    if not own:
        return False
    set_stock(store, chance.choice(own), chance.randrange(0, 200))
    return True


_ACTS: dict[str, Callable[[SellerStore, Random], bool]] = {"order": _order, "stock": _stock}
