"""Who does a thing to an order: the living store, whose stock moves and whose webhooks go out, or
the seed, which tells a past that moved nothing and that nobody hears of.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from integrations.sandbox.shopify.catalogue import stock
from integrations.sandbox.shopify.orders.models import LineItem

if TYPE_CHECKING:
    from integrations.sandbox.shopify.store import ShopStore


class Hand(Protocol):
    """``now`` is when it happens (epoch seconds)."""

    @property
    def now(self) -> int: ...

    def number(self, kind: str) -> int:
        """A new id of this type."""

    def commit(self, line: LineItem, location_id: int, quantity: int) -> None: ...

    def uncommit(self, line: LineItem, location_id: int, quantity: int) -> None: ...

    def ship(self, line: LineItem, location_id: int, quantity: int) -> None: ...

    def restock(self, line: LineItem, location_id: int, quantity: int) -> None: ...

    def tell(self, topic: str, number: int, body: Mapping[str, Any] | None = None) -> None: ...

    def local(self, moment: int) -> str | None:
        """As a webhook writes it."""


class StoreHand:
    def __init__(self, store: ShopStore) -> None:
        self._store = store

    @property
    def now(self) -> int:
        return self._store.clock.now()

    def number(self, kind: str) -> int:
        return self._store.ids.next(kind)

    def commit(self, line: LineItem, location_id: int, quantity: int) -> None:
        if line.item_id is not None:
            stock.commit(self._store, line.item_id, location_id, quantity)

    def uncommit(self, line: LineItem, location_id: int, quantity: int) -> None:
        if line.item_id is not None:
            stock.uncommit(self._store, line.item_id, location_id, quantity)

    def ship(self, line: LineItem, location_id: int, quantity: int) -> None:
        if line.item_id is not None:
            stock.ship(self._store, line.item_id, location_id, quantity)

    def restock(self, line: LineItem, location_id: int, quantity: int) -> None:
        if line.item_id is not None:
            stock.restock(self._store, line.item_id, location_id, quantity)

    def tell(self, topic: str, number: int, body: Mapping[str, Any] | None = None) -> None:
        self._store.emit(topic, number, None if body is None else dict(body))

    def local(self, moment: int) -> str | None:
        return self._store.clock.local(moment)


class SeedHand:
    """Numbers follow ``first``, the same for an order however often it is made."""

    def __init__(self, first: int, now: int) -> None:
        self._first, self._given = first, dict[str, int]()
        self.now = now

    def number(self, kind: str) -> int:
        given = self._given.get(kind, 0)
        self._given[kind] = given + 1
        return self._first + given

    def commit(self, line: LineItem, location_id: int, quantity: int) -> None:
        """The seed's stock is as the catalogue has it."""

    def uncommit(self, line: LineItem, location_id: int, quantity: int) -> None:
        """See commit."""

    def ship(self, line: LineItem, location_id: int, quantity: int) -> None:
        """See commit."""

    def restock(self, line: LineItem, location_id: int, quantity: int) -> None:
        """See commit."""

    def tell(self, topic: str, number: int, body: Mapping[str, Any] | None = None) -> None:
        """Nobody listened."""

    def local(self, moment: int) -> str | None:
        """Nothing is written."""
        return None
