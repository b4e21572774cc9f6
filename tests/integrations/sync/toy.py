"""A store in memory whose lists move while they are read: the engine's counterpart in these tests.

It walks changes and windows with the kit's own tools, as real adapters do, and lets a test act
between two pages.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from integrations.base import (
    BaseEcommerceIntegration,
    Filters,
    Page,
    ReadBy,
    StoreIdentity,
    Subscription,
    Unreadable,
)
from integrations.errors import NotFound
from integrations.events import Event, RawDelivery
from integrations.kit.pagination import Fetched, keyset
from integrations.platform import Ability, AuthKind, Connection, PlatformCard, SignIn
from inventory.data import ProductData, StockResult, StockUpdate
from orders.data import OrderData, ShipmentData
from orders.status import OrderStatus

_CAN = frozenset({Ability.ORDERS, Ability.ORDER_BY_ID, Ability.PRODUCTS})
CARD = PlatformCard(
    slug="movingshop",
    name="Moving shop",
    service="tests.integrations.sync.toy.MovingShopIntegration",
    routes="",
    sign_ins=(SignIn(kind=AuthKind.API_KEYS, label="Keys"),),
    abilities=_CAN,
    exempt={ability: "not needed in tests" for ability in Ability if ability not in _CAN},
    status_words=("processing", "completed"),
)
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)

Record = OrderData | ProductData


class MovingShop:
    """What the shop holds and how it misbehaves.

    ``before`` runs before the n-th list page of all is answered (n from 1) and may raise;
    ``unreadable`` are ids whose record does not decode; ``by_id`` may raise when one record is
    asked for; ``ahead`` is how far the shop's clock is ahead of ours; ``gap`` is what each page
    says could not be read. ``exports`` are the orders as they were when the whole of them was asked
    for; ``before_export`` runs before such a read is answered, with how many there are, and may
    raise; ``waits`` times it is not ready yet.
    """

    def __init__(self) -> None:
        self.orders: dict[str, OrderData] = {}
        self.products: dict[str, ProductData] = {}
        self.page_size = 100
        self.pages = 0
        self.ahead = timedelta()
        self.asked: list[Filters] = []
        self.asked_ids: list[str] = []
        self.unreadable: set[str] = set()
        self.gap = ""
        self.tells_clock = True
        self.gives_places = True
        self.before: Callable[[int], None] = lambda page: None
        self.by_id: Callable[[str], None] = lambda external_id: None
        self.exports: list[list[OrderData]] = []
        self.before_export: Callable[[int], None] = lambda made: None
        self.waits = 1
        self.dropped: list[int] = []
        self.opened = 0
        self.open_error: Exception | None = None

    def add(self, *orders: OrderData) -> None:
        self.orders.update((order.external_id, order) for order in orders)

    def edit(self, external_id: str, at: datetime, **changes: Any) -> None:
        order = self.orders[external_id]
        self.orders[external_id] = dataclasses.replace(order, changed_at=at, **changes)

    def now(self) -> datetime | None:
        return timezone.now() + self.ahead if self.tells_clock else None

    def answer(self) -> None:
        self.pages += 1
        self.before(self.pages)

    @contextmanager
    def adapter(self, store: Any, **_options: Any) -> Iterator[MovingShopIntegration]:
        self.opened += 1
        if self.open_error:
            raise self.open_error
        yield MovingShopIntegration(
            Connection(
                store_id=str(store.pk),
                base_url=store.base_url,
                credentials={},
                http=None,  # type: ignore[arg-type]  # nothing is called over HTTP
                options={"shop": self},
            )
        )


class MovingShopIntegration(BaseEcommerceIntegration):
    card = CARD

    @property
    def shop(self) -> MovingShop:
        return self.connection.options["shop"]

    def read_orders(self, filters: Filters) -> Iterator[Page[OrderData]]:
        return self._read(self.shop.orders, filters)

    def read_products(self, filters: Filters) -> Iterator[Page[ProductData]]:
        return self._read(self.shop.products, filters)

    def _read(self, shelf: dict[str, Any], filters: Filters) -> Iterator[Page[Any]]:
        self.shop.asked.append(filters)
        if filters.number:
            self.shop.answer()
            found = [r for r in shelf.values() if r.number == filters.number]
            yield self._page(found, {}, len(found), last=True)
        elif filters.whole:
            yield from self._exported(filters)
        elif filters.by is ReadBy.PLACED:
            yield from self._by_window(shelf, filters)
        else:
            yield from self._by_change(shelf, filters)

    def _by_change(self, shelf: dict[str, Any], filters: Filters) -> Iterator[Page[Any]]:
        size = filters.page_size or self.shop.page_size

        def fetch(since: datetime, until: datetime | None, page: int) -> Fetched[Any]:
            self.shop.answer()
            rows = sorted(
                (r for r in shelf.values() if since <= r.changed_at.replace(microsecond=0)),
                key=lambda r: (r.changed_at, r.external_id),
            )
            rows = [r for r in rows if until is None or r.changed_at < until]
            return Fetched(rows[(page - 1) * size : page * size], len(rows))

        steps = keyset(
            fetch,
            since=filters.since or EPOCH,
            until=filters.until,
            page_size=size,
            identify=lambda r: (r.external_id, r.changed_at),
            position=filters.position,
        )
        for step in steps:
            yield self._page(step.items, step.position, step.total, last=step.last)

    def _by_window(self, shelf: dict[str, Any], filters: Filters) -> Iterator[Page[Any]]:
        size = filters.page_size or self.shop.page_size
        offset = (filters.position or {}).get("offset", 0)
        while True:
            self.shop.answer()
            rows = _placed_within(shelf, filters)
            found = rows[offset : offset + size]
            offset += len(found)
            last = len(found) < size
            yield self._page(found, {"offset": offset}, len(rows), last=last)
            if last:
                return

    def _exported(self, filters: Filters) -> Iterator[Page[Any]]:
        shop, place = self.shop, dict(filters.position or {})
        shop.before_export(len(shop.exports))
        if not place:
            shop.exports.append(_placed_within(shop.orders, filters))
            place = {"export": len(shop.exports) - 1, "offset": 0}
            yield Page(records=(), position=place, wait_s=0)
            return
        if shop.waits:
            shop.waits -= 1
            yield Page(records=(), position=place, wait_s=0)
            return
        rows = shop.exports[place["export"]]
        while place["offset"] < len(rows):
            shop.answer()
            found = rows[place["offset"] : place["offset"] + shop.page_size]
            place = {**place, "offset": place["offset"] + len(found)}
            yield self._page(found, place, None, last=place["offset"] == len(rows))

    def drop_whole(self, position: Any) -> None:
        self.shop.dropped.append(position["export"])

    def _page(self, rows: Sequence[Any], place: Any, total: int | None, *, last: bool) -> Page[Any]:
        bad = [r for r in rows if r.external_id in self.shop.unreadable]
        return Page(
            records=tuple(r for r in rows if r.external_id not in self.shop.unreadable),
            unreadable=tuple(
                Unreadable(
                    external_id=r.external_id,
                    reason="The total of the order is not a number.",
                    path="$.total",
                    raw=b'{"total": "many"}',
                )
                for r in bad
            ),
            position=place if self.shop.gives_places else {},
            total=total,
            store_time=self.shop.now(),
            last=last,
            gap=self.shop.gap,
        )

    def read_order(self, order_id: str) -> OrderData:
        return self._one(self.shop.orders, order_id)

    def read_product(self, product_id: str) -> ProductData:
        return self._one(self.shop.products, product_id)

    def _one(self, shelf: dict[str, Any], external_id: str) -> Any:
        self.shop.asked_ids.append(external_id)
        self.shop.by_id(external_id)
        if external_id not in shelf:
            raise NotFound(f"There is no {external_id} here.")
        return shelf[external_id]

    # -- the rest of the contract, which reading never calls
    # --------------------------------------------------

    def authenticate(self) -> bool:
        return True

    def identify(self) -> StoreIdentity:
        return StoreIdentity(name="Moving shop", base_url="", currency="EUR", timezone="UTC")

    def setup_webhooks(self, events: Sequence[str]) -> list[Subscription]:
        return []

    def handle_webhook(self, payload: RawDelivery) -> list[Event]:
        return []

    def update_order_status(
        self, order_id: str, status: OrderStatus, shipment: ShipmentData | None = None
    ) -> bool:
        return False

    def update_inventories(self, updates: Sequence[StockUpdate]) -> list[StockResult]:
        return []


def _placed_within(shelf: dict[str, Any], filters: Filters) -> list[Any]:
    since, until = filters.since or EPOCH, filters.until
    rows = [r for r in shelf.values() if since <= _placed(r) and (not until or _placed(r) < until)]
    return sorted(rows, key=lambda r: r.external_id)


def _placed(record: Any) -> datetime:
    return record.placed_at if isinstance(record, OrderData) else record.changed_at
