"""All orders of a store: made from the seed when read, kept once changed, found by columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from integrations.sandbox.woocommerce.models import Order, Product
from integrations.sandbox.woocommerce.moments import MomentIndex
from integrations.sandbox.woocommerce.seed_orders import SeedOrders

TRASH = "trash"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderQuery:
    """What a list asks for. Moments are epoch seconds and exclusive; empty ``statuses`` means all
    but the trash; ``limit`` counts orders.
    """

    after: int | None = None
    before: int | None = None
    modified_after: int | None = None
    modified_before: int | None = None
    statuses: frozenset[str] = frozenset()
    customer: int | None = None
    product: int | None = None
    created_via: frozenset[str] = frozenset()
    parents: frozenset[int] = frozenset()
    not_parents: frozenset[int] = frozenset()
    include: tuple[int, ...] = ()
    exclude: frozenset[int] = frozenset()
    search: str = ""
    order_by: str = "date"
    is_descending: bool = True
    shuffles_ties: bool = False
    offset: int = 0
    limit: int = 10

    @property
    def reads_columns_only(self) -> bool:
        return not (
            self.product or self.search or self.created_via or self.parents or self.not_parents
        )

    @property
    def is_plain(self) -> bool:
        """Nothing but moments narrows it."""
        return (
            self.reads_columns_only
            and not self.statuses
            and self.customer is None
            and not self.include
            and not self.exclude
            and not self.shuffles_ties
        )


class OrderBook:
    """Not locked: the store's lock is held by whoever calls."""

    def __init__(self, seed: SeedOrders, products: Mapping[int, Product]) -> None:
        self._seed, self._products = seed, products
        self.changed: dict[int, Order] = {}
        self.gone: set[int] = set()
        self._trash: set[int] = set()
        self._moments: dict[int, tuple[int, int]] = {}
        numbered = [seed.id_of(number) for number in range(len(seed))]
        self._by_created = MomentIndex(zip(seed.created, numbered, strict=True))
        self._by_modified = MomentIndex(zip(seed.modified, numbered, strict=True))

    def __len__(self) -> int:
        return len(self._by_created)

    def ids(self) -> Iterator[int]:
        """By date of creation; the trash is left out."""
        return self._by_created.ids(0, len(self._by_created))

    def get(self, order_id: int) -> Order | None:
        """The order, also out of the trash. A change counts only once it is ``put`` back."""
        kept = self.changed.get(order_id)
        if kept is not None or order_id in self.gone:
            return kept
        number = self._seed.number_of(order_id)
        return None if number is None else self._seed.make(number, self._products)

    def put(self, order: Order) -> None:
        """Keep a new or changed order."""
        self._unlist(order.id)
        self.changed[order.id] = order
        self._moments[order.id] = order.created, order.modified
        if order.status == TRASH:
            self._trash.add(order.id)
            return
        self._by_created.add(order.created, order.id)
        self._by_modified.add(order.modified, order.id)

    def drop(self, order_id: int) -> None:
        """Gone for good."""
        self._unlist(order_id)
        self.changed.pop(order_id, None)
        self._moments.pop(order_id, None)
        if self._seed.number_of(order_id) is not None:
            self.gone.add(order_id)

    def _unlist(self, order_id: int) -> None:
        self._trash.discard(order_id)
        moments = self._moments_of(order_id)
        if moments is not None:
            self._by_created.remove(moments[0], order_id)
            self._by_modified.remove(moments[1], order_id)

    def _moments_of(self, order_id: int) -> tuple[int, int] | None:
        kept = self._moments.get(order_id)
        if kept is not None:
            return kept
        number = self._seed.number_of(order_id)
        if number is None or order_id in self.gone:
            return None
        return self._seed.created[number], self._seed.modified[number]

    def _status_and_customer(self, order_id: int) -> tuple[str, int]:
        kept = self.changed.get(order_id)
        if kept is not None:
            return kept.status, kept.customer_id
        number = self._seed.number_of(order_id)
        if number is None:
            return TRASH, 0
        return self._seed.statuses[number], self._seed.customers[number]

    # -- lists ---------------------------------------------------------------------------------

    def select(self, query: OrderQuery) -> tuple[list[int], int]:
        """The ids of one page in order, and how many match in all."""
        index, low, high = self._widest(query)
        sorts_by_index = index is self._index_of(query.order_by)
        if query.is_plain and sorts_by_index and not self._second_filter(query, index):
            return _cut(index, low, high, query), high - low
        found = [
            order_id for order_id in self._candidates(query, index, low, high)
            if self._fits(query, order_id)
        ]  # fmt: skip
        found = self._sorted(query, found)
        return found[query.offset : query.offset + query.limit], len(found)

    def _index_of(self, order_by: str) -> MomentIndex | None:
        return {"modified": self._by_modified, "date": self._by_created}.get(order_by)

    def _widest(self, query: OrderQuery) -> tuple[MomentIndex, int, int]:
        """The index to walk: the one filtered by, else the one sorted by."""
        by_modified = query.modified_after is not None or query.modified_before is not None
        by_created = query.after is not None or query.before is not None
        if by_modified or (query.order_by == "modified" and not by_created):
            span = self._by_modified.span(query.modified_after, query.modified_before)
            return self._by_modified, *span
        return self._by_created, *self._by_created.span(query.after, query.before)

    def _second_filter(self, query: OrderQuery, walked: MomentIndex) -> bool:
        return walked is self._by_modified and (query.after is not None or query.before is not None)

    def _candidates(
        self, query: OrderQuery, index: MomentIndex, low: int, high: int
    ) -> Iterable[int]:
        if query.include:
            return [n for n in dict.fromkeys(query.include) if self._moments_of(n) is not None]
        if query.statuses == {TRASH}:
            return list(self._trash)
        walked = index.ids(low, high)
        return [*walked, *self._trash] if TRASH in query.statuses else walked

    def _fits(self, query: OrderQuery, order_id: int) -> bool:
        moments = self._moments_of(order_id)
        if moments is None or order_id in query.exclude:
            return False
        status, customer = self._status_and_customer(order_id)
        if query.customer is not None and customer != query.customer:
            return False
        if status not in query.statuses if query.statuses else status == TRASH:
            return False
        if not (
            _within(moments[0], query.after, query.before)
            and _within(moments[1], query.modified_after, query.modified_before)
        ):
            return False
        return query.reads_columns_only or self._reads_well(query, order_id)

    def _reads_well(self, query: OrderQuery, order_id: int) -> bool:
        order = self.get(order_id)
        if order is None:
            return False
        if query.product and query.product not in {line.product_id for line in order.lines}:
            return False
        if query.created_via and order.created_via not in query.created_via:
            return False
        if query.parents and order.parent_id not in query.parents:
            return False
        if query.not_parents and order.parent_id in query.not_parents:
            return False
        return not query.search or _mentions(order, query.search.casefold())

    def _sorted(self, query: OrderQuery, found: list[int]) -> list[int]:
        if query.order_by == "include" and query.include:
            return found

        def place(order_id: int) -> tuple[int, int]:
            created, modified = self._moments_of(order_id) or (0, 0)
            if query.order_by == "modified":
                tie = order_id
                if query.shuffles_ties:
                    tie = (order_id + query.offset) * 2_654_435_761 % 2**32
                return modified, tie
            return (0 if query.order_by == "id" else created), order_id

        return sorted(found, key=place, reverse=query.is_descending)


def _cut(index: MomentIndex, low: int, high: int, query: OrderQuery) -> list[int]:
    if query.is_descending:
        last = max(low, high - query.offset)
        return list(index.ids(max(low, last - query.limit), last))[::-1]
    first = min(high, low + query.offset)
    return list(index.ids(first, min(high, first + query.limit)))


def _within(moment: int, after: int | None, before: int | None) -> bool:
    return (after is None or moment > after) and (before is None or moment < before)


def _mentions(order: Order, wanted: str) -> bool:
    """Where the core looks: number, addresses, and the names of what was bought."""
    places: Sequence[str] = (
        str(order.id), order.number, *order.billing.values(), *order.shipping.values(),
        *(line.name for line in order.lines),
    )  # fmt: skip
    return any(wanted in place.casefold() for place in places)
