"""A store's own figures as the count of its items, for a store that counts its stock by itself.

Like ``reserving`` a part of the ledger: what is changed is a movement with its cause, and what
orders hold stays held.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from inventory import kits, reserving
from inventory.book import Book
from inventory.entries import Level
from inventory.models import Bucket, MovementKind, Reservation
from inventory.shelves import Shelf


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """``units`` that a store showed of one item on one of its shelves, at ``read_at`` by the
    store's own clock, which its orders are placed by.
    """

    item_id: UUID
    shelf: Shelf
    units: int
    read_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a figure would do: units on hand at the shelf's places that are too many or too few
    (``delta``), and what could be sold there before. ``is_first``: nobody had counted the item.
    """

    figure: Figure
    delta: int
    free: int
    is_first: bool

    @property
    def is_news(self) -> bool:
        return self.is_first or self.delta != 0

    @property
    def sells_out(self) -> bool:
        return self.free > 0 and self.free + self.delta <= 0


class Taking:
    """Figures of one store weighed against what is counted here. Make it, look at ``changes``, and
    ``write`` those that are believed, in one transaction.
    """

    def __init__(
        self,
        merchant_id: UUID,
        store_id: UUID,
        figures: Sequence[Figure],
        *,
        actor: str,
        request_id: str = "",
    ) -> None:
        """Kits are left out: what is counted are their parts. Raises LedgerConflict."""
        assembled = kits.recipes(figure.item_id for figure in figures)
        counted = [figure for figure in figures if figure.item_id not in assembled]
        self.store_id = store_id
        items = {figure.item_id for figure in counted}
        self._book = Book.open(merchant_id, items, actor=actor, request_id=request_id)
        self._orders = _of_its_orders(store_id, items)
        self.changes = [found for figure in counted if (found := self._weigh(figure))]

    def write(self, chosen: Collection[Change], *, reason: str) -> list[Change]:
        """Count what they say; orders that wait for the items are served. Return what was changed.
        ``reason`` may name the figure as ``{units}``. Raises LedgerConflict.
        """
        news = [change for change in chosen if change.is_news]
        for change in news:
            levels = self._levels(change.figure)
            self._book.count(levels[0])
            said = reason.replace("{units}", str(change.figure.units))[:200]
            for level, delta in _spread(levels, change.delta):
                # A level's next version is written once, so the cause is unique.
                cause = f"told:{self.store_id.hex}:{level.id.hex}:{level.version + 1}"
                self._book.move(
                    level, Bucket.ON_HAND, delta, MovementKind.COUNT, cause, reason=said
                )
        if news:
            reserving.serve_waiting(self._book)
            self._book.write()
        return news

    def _weigh(self, figure: Figure) -> Change | None:
        """The store lowers its figure when it sells, Logix lowers what is on hand when it ships:
        what orders from before the figure hold or lack is still on hand, and what orders after it
        have shipped is not any more. Orders of other stores are not in the figure; they hold their
        units as well.
        """
        levels = self._levels(figure)
        if not levels:
            return None
        on_hand = figure.units
        for placed_at, location_id, open_units, shipped in self._orders[figure.item_id]:
            if any(level.location_id == location_id for level in levels):
                on_hand += open_units if placed_at <= figure.read_at else -shipped
        return Change(
            figure=figure,
            delta=on_hand - sum(level.on_hand for level in levels),
            free=sum(level.free for level in levels),
            is_first=all(level.counted_at is None for level in levels),
        )

    def _levels(self, figure: Figure) -> list[Level]:
        """At the open places that the shelf shows, first choice first."""
        if figure.shelf.places is None:
            return self._book.levels_of(figure.item_id)
        places = self._book.open_places(figure.shelf.places)
        return [self._book.level_at(figure.item_id, place) for place in places]


def _spread(levels: Sequence[Level], delta: int) -> list[tuple[Level, int]]:
    """More is counted at the first place. Less is taken where units are free, first place first;
    what none has free is the first one's.
    """
    if delta >= 0:
        return [(levels[0], delta)] if delta else []
    taken: dict[UUID, int] = {}
    left = -delta
    for level in levels:
        taken[level.id] = min(left, max(0, level.free))
        left -= taken[level.id]
    taken[levels[0].id] += left
    return [(level, -taken[level.id]) for level in levels if taken[level.id]]


def _of_its_orders(
    store_id: UUID, item_ids: set[UUID]
) -> dict[UUID, list[tuple[datetime, UUID, int, int]]]:
    """By item: when each order line was placed, where its units are, how many it holds or lacks,
    and how many it has shipped.
    """
    found: dict[UUID, list[tuple[datetime, UUID, int, int]]] = defaultdict(list)
    rows = Reservation.objects.filter(store_id=store_id, variant_id__in=item_ids).values_list(
        "variant_id", "placed_at", "location_id", "quantity", "short", "shipped"
    )
    for item_id, placed_at, location_id, quantity, short, shipped in rows:
        found[item_id].append((placed_at, location_id, quantity + short, shipped))
    return found
