"""What a batch came to, the same for every kind of record, and for one as for a thousand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from inventory.linking import LinkedBy


@dataclass(slots=True)
class Applied:
    """Counts of records. ``reread``: external ids that only a read by id can decide or complete;
    ``incomplete``: those of them that are counted here already; ``parked``: those set aside.
    ``left_out``: orders that stay out, with why. ``ways``: of listings that are new or linked anew,
    how they came by their variant.
    """

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    stale: int = 0
    reread: tuple[str, ...] = ()
    incomplete: tuple[str, ...] = ()
    parked: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    ways: Mapping[UUID, LinkedBy] = field(default_factory=dict)

    def __add__(self, other: Applied) -> Applied:
        return Applied(
            created=self.created + other.created,
            changed=self.changed + other.changed,
            unchanged=self.unchanged + other.unchanged,
            stale=self.stale + other.stale,
            reread=self.reread + other.reread,
            incomplete=self.incomplete + other.incomplete,
            parked=self.parked + other.parked,
            left_out={**self.left_out, **other.left_out},
            ways={**self.ways, **other.ways},
        )

    @property
    def seen(self) -> int:
        return self.created + self.changed + self.unchanged + self.stale + len(self.parked)
