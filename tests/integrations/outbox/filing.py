"""The toy shop as one that takes many figures in a file, and works them off when it is told to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from integrations.base import FileOutcome, StockEntry, StockLine
from integrations.platform import Ability
from inventory.data import StockResult, StockUpdate
from tests.integrations.outbox import toy

FROM = 4
CARD = replace(
    toy.CARD,
    abilities=toy.CARD.abilities | {Ability.STOCK_BULK},
    exempt={k: v for k, v in toy.CARD.exempt.items() if k is not Ability.STOCK_BULK},
    stock_batch=2,
    stock_bulk_from=FROM,
    stock_bulk_most=10_000,
)


@dataclass
class File:
    """What was handed in; ``refused`` by reference, ``lost`` in words."""

    lines: dict[str, tuple[int, int]]
    words: set[str]
    is_done: bool = False
    is_dropped: bool = False
    ended_at: datetime | None = None
    lost: str = ""


@dataclass
class FilingShop(toy.ToyShop):
    """``at`` is called with the name of each step, and may raise; ``unfit`` may not be in a file,
    ``unwanted`` is refused by it.
    """

    files: list[File] = field(default_factory=list)
    unfit: dict[str, tuple[str, str]] = field(default_factory=dict)
    unwanted: dict[str, tuple[str, str]] = field(default_factory=dict)
    at: Callable[[str], None] = lambda step: None

    def __post_init__(self) -> None:
        super().__init__()

    @contextmanager
    def adapter(self, store: Any, **options: Any) -> Iterator[FilingIntegration]:
        with super().adapter(store, **options) as bare:
            yield FilingIntegration(bare.connection)

    def work_off(self, **changes: Any) -> None:
        """The newest file ends."""
        file = self.files[-1]
        file.is_done = True
        for name, value in changes.items():
            setattr(file, name, value)
        if not file.lost:
            taken = {ref: units for ref, (_, units) in file.lines.items()}
            self.stock |= {ref: n for ref, n in taken.items() if ref not in self.unwanted}


class FilingIntegration(toy.ToyShopIntegration):
    card = CARD

    @property
    def shop(self) -> FilingShop:
        found = super().shop
        assert isinstance(found, FilingShop)
        return found

    def stock_entries(self, updates: Sequence[StockUpdate]) -> list[StockEntry]:
        self.shop.at("entries")
        return [self._entry(update.stock_ref) for update in updates]

    def _entry(self, ref: str) -> StockEntry:
        if ref in self.shop.unfit:
            return StockEntry(refused=_refusal(self.shop.unfit[ref]))
        return StockEntry(word=f"w-{ref}")

    def hand_over_stock(
        self, lines: Iterable[StockLine], keep: Callable[[Mapping[str, Any]], None]
    ) -> Mapping[str, Any]:
        self.shop.at("write")
        found, words = {}, set()
        for line in lines:
            found[line.update.stock_ref] = (line.number, line.update.quantity)
            words.add(line.word)
        self.shop.at("upload")
        keep({"file": len(self.shop.files)})
        try:
            self.shop.at("hand in")
        except toy_refusal():
            keep({})
            raise
        self.shop.files.append(File(found, words))
        self.shop.at("handed in")
        number = len(self.shop.files) - 1
        return {"file": number, "awaits": [f"F-{number}"]}

    def stock_outcome(self, handle: Mapping[str, Any]) -> FileOutcome[StockResult]:
        self.shop.at("look")
        if handle["file"] >= len(self.shop.files):
            return FileOutcome(lost="It never came.")
        file = self.shop.files[handle["file"]]
        if not file.is_done:
            return FileOutcome(wait_s=20)
        if file.lost:
            return FileOutcome(lost=file.lost)
        return FileOutcome(refused=self._refused(file), ended_at=file.ended_at)

    def _refused(self, file: File) -> Iterator[tuple[int, StockResult]]:
        for ref, (number, _) in file.lines.items():
            if ref in self.shop.unwanted:
                yield number, _refusal(self.shop.unwanted[ref])
        self.shop.at("read")

    def drop_stock(self, handle: Mapping[str, Any]) -> None:
        self.shop.files[handle["file"]].is_dropped = True


def toy_refusal() -> tuple[type[Exception], ...]:
    """Errors by which a file was surely not taken."""
    from integrations.errors import PermissionMissing, RateLimited

    return (PermissionMissing, RateLimited)


def _refusal(told: tuple[str, str]) -> StockResult:
    code, sentence = told
    return StockResult(ok=False, changed=False, error_code=code, error=sentence)
