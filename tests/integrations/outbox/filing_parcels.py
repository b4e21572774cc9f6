"""The toy shop as one that takes many parcels in a file, and works them off when it is told to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from integrations.base import FileOutcome, Keep, ParcelLine, ParcelRefusal
from tests.integrations.outbox import toy
from tests.integrations.outbox.filing import toy_refusal

FROM = 4
CARD = replace(toy.CARD, parcels_bulk_from=FROM, parcels_bulk_most=1_000)


@dataclass
class File:
    """What was handed in; ``lost`` in words."""

    lines: list[ParcelLine]
    is_done: bool = False
    is_dropped: bool = False
    lost: str = ""


@dataclass
class ParcelShop(toy.ToyShop):
    """``at`` is called with the name of each step, and may raise; ``unfit`` and ``unwanted`` are by
    reference.
    """

    files: list[File] = field(default_factory=list)
    unfit: set[str] = field(default_factory=set)
    unwanted: dict[str, ParcelRefusal] = field(default_factory=dict)
    at: Callable[[str], None] = lambda step: None

    def __post_init__(self) -> None:
        super().__init__()

    @contextmanager
    def adapter(self, store: Any, **options: Any) -> Iterator[ParcelIntegration]:
        with super().adapter(store, **options) as bare:
            yield ParcelIntegration(bare.connection)

    def work_off(self, *, lost: str = "", first: int = 1_000) -> None:
        """The newest file ends, after so many of its parcels."""
        file = self.files[-1]
        file.is_done, file.lost = True, lost
        for line in file.lines[:first]:
            if line.shipment.reference not in self.unwanted:
                self.parcels.append(line.shipment)


class ParcelIntegration(toy.ToyShopIntegration):
    card = CARD

    @property
    def shop(self) -> ParcelShop:
        found = super().shop
        assert isinstance(found, ParcelShop)
        return found

    def fits_file(self, parcel: ParcelLine) -> bool:
        return parcel.shipment.reference not in self.shop.unfit

    def hand_over_parcels(self, lines: Iterable[ParcelLine], keep: Keep) -> Mapping[str, Any]:
        self.shop.at("write")
        found = list(lines)
        self.shop.at("upload")
        keep({"file": len(self.shop.files)})
        try:
            self.shop.at("hand in")
        except toy_refusal():
            keep({})
            raise
        self.shop.files.append(File(found))
        self.shop.at("handed in")
        return {"file": len(self.shop.files) - 1}

    def parcels_outcome(self, handle: Mapping[str, Any]) -> FileOutcome[ParcelRefusal]:
        self.shop.at("look")
        if handle["file"] >= len(self.shop.files):
            return FileOutcome(lost="It never came.")
        file = self.shop.files[handle["file"]]
        if not file.is_done:
            return FileOutcome(wait_s=20)
        if file.lost:
            return FileOutcome(lost=file.lost)
        return FileOutcome(refused=self._refused(file))

    def _refused(self, file: File) -> Iterator[tuple[int, ParcelRefusal]]:
        for line in file.lines:
            if found := self.shop.unwanted.get(line.shipment.reference):
                yield line.number, found
        self.shop.at("read")

    def drop_parcels(self, handle: Mapping[str, Any]) -> None:
        self.shop.files[handle["file"]].is_dropped = True
