"""A store's own figures as first counts: which place of ours each is a count of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from inventory.ledger import OpeningCount
from inventory.shelves import Shelf


@dataclass(frozen=True, slots=True)
class Seen:
    """What a store showed of one item; ``at`` by its locations, where it keeps a figure for
    each.
    """

    item_id: UUID
    quantity: int
    at: Mapping[str, int]
    seen_at: datetime


def first_counts(
    seen: Iterable[Seen], shelves: Sequence[Shelf], *, holds_open: bool = False
) -> list[OpeningCount]:
    """One for each figure; of listings that share one, the last. A shelf that shows several of our
    places is counted at the first of them. ``holds_open``: the store takes its open orders off when
    it sells, not off its figure.
    """
    counts: dict[tuple[UUID, UUID | None], OpeningCount] = {}
    for told in seen:
        for shelf in shelves:
            quantity = told.at.get(shelf.at) if shelf.at else told.quantity
            if quantity is not None:
                place = shelf.places[0] if shelf.places else None
                counts[told.item_id, place] = OpeningCount(
                    variant_id=told.item_id,
                    location_id=place,
                    quantity=quantity,
                    seen_at=told.seen_at,
                    holds_open=holds_open,
                )
    return list(counts.values())
