"""What is set aside for stores of the items of an open book: how much of it an order takes, and
what goes back there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from uuid import UUID

from inventory import entries
from inventory.entries import Aside, Held
from inventory.models import Allocation


class Asides:
    """Empty until ``know`` was called: most items have nothing set aside, and cost no statement."""

    def __init__(self) -> None:
        self._found: dict[tuple[UUID, UUID, UUID], Aside] | None = None
        self._changed: dict[UUID, Aside] = {}

    def know(self, variant_ids: Collection[UUID]) -> None:
        """Read what stands of these, the first time. Whoever writes it holds their levels."""
        if self._found is None:
            rows = Allocation.objects.filter(variant_id__in=variant_ids, ended_at=None)
            found = [Aside(*values) for values in rows.values_list(*entries.ASIDE)]
            self._found = {(x.store_id, x.variant_id, x.location_id): x for x in found}

    @property
    def changed(self) -> Iterable[Aside]:
        return self._changed.values()

    def at(self, store_id: UUID, variant_id: UUID, location_id: UUID) -> Aside | None:
        return (self._found or {}).get((store_id, variant_id, location_id))

    def of(self, variant_id: UUID) -> list[Aside]:
        """Those of which something is left."""
        return [x for x in (self._found or {}).values() if x.left and x.variant_id == variant_id]

    def named(self, allocation_id: UUID) -> Aside | None:
        """None where it has ended."""
        return next((x for x in (self._found or {}).values() if x.id == allocation_id), None)

    def change(self, aside: Aside, units: int) -> None:
        """``units`` more of it are left, or, negative, fewer."""
        aside.left += units
        self._changed[aside.id] = aside

    def draw(self, row: Held, units: int) -> int:
        """How many of the ``units`` that a row takes are its store's own."""
        aside = self.at(row.store_id, row.variant_id, row.location_id)
        taken = min(units, aside.left) if aside else 0
        if aside is None or not taken:
            return 0
        if row.allocation_id != aside.id:
            row.allocation_id, row.drawn = aside.id, 0
        row.drawn += taken
        self.change(aside, -taken)
        return taken

    def hand_back(self, row: Held) -> int:
        """How many of what a row gave up are its store's own again: what was free to all goes back
        first, and what has ended gets nothing.
        """
        back = max(0, row.drawn - row.quantity - row.shipped)
        row.drawn -= back
        aside = self.at(row.store_id, row.variant_id, row.location_id)
        if aside is None or not back or aside.id != row.allocation_id:
            return 0
        self.change(aside, back)
        return back
