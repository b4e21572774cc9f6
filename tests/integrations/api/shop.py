"""A store that answers from memory, in place of a platform's adapter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from integrations.base import (
    BaseEcommerceIntegration,
    Filters,
    Page,
    StoreIdentity,
    Subscription,
)
from integrations.errors import AuthenticationFailed, NotFound, PlatformError
from integrations.events import Event, RawDelivery
from integrations.platform import Connection
from integrations.woocommerce.platform import CARD
from inventory.data import ProductData, StockResult, StockUpdate
from orders.data import OrderData, ShipmentData
from orders.data_outside import Offer, OutsideOrder, Speed
from orders.status import OrderStatus

KEYS = {"consumer_key": "ck_0123456789abcdef", "consumer_secret": "cs_0123456789abcdef"}


class Shop:
    """What the store holds and how it feels: set ``fails`` and every call raises it."""

    def __init__(self) -> None:
        self.orders: dict[str, OrderData] = {}
        self.products: dict[str, ProductData] = {}
        self.fails: PlatformError | None = None
        self.missing: tuple[str, ...] = ()
        self.topics: tuple[str, ...] = ()
        self.secret = KEYS["consumer_secret"]

    def adapter(self, slug: str) -> Any:
        shop = self

        class Mine(ShopAdapter):
            def __init__(self, connection: Connection) -> None:
                super().__init__(connection, shop)

        return Mine


class ShopAdapter(BaseEcommerceIntegration):
    card = CARD

    def __init__(self, connection: Connection, shop: Shop) -> None:
        super().__init__(connection)
        self.shop = shop

    def _answer(self) -> None:
        if self.shop.fails is not None:
            raise self.shop.fails
        if self.connection.credentials.get("consumer_secret") != self.shop.secret:
            raise AuthenticationFailed("The store does not know this key.")

    def authenticate(self) -> bool:
        self._answer()
        return True

    def identify(self) -> StoreIdentity:
        self._answer()
        return StoreIdentity(
            name="Pottery",
            base_url=self.connection.base_url,
            currency="EUR",
            timezone="Europe/Berlin",
            version="11.0.1",
            granted=("read_write",),
            missing=self.shop.missing,
            clock_skew_s=0.4,
        )

    def read_order(self, order_id: str) -> OrderData:
        self._answer()
        try:
            return self.shop.orders[order_id]
        except KeyError as err:
            raise NotFound(f"The store has no order {order_id}.") from err

    def read_product(self, product_id: str) -> ProductData:
        self._answer()
        return self.shop.products[product_id]

    def read_orders(self, filters: Filters) -> Iterator[Page[OrderData]]:
        self._answer()
        found = [
            order
            for order in self.shop.orders.values()
            if not filters.number or order.number == filters.number
        ]
        yield Page(records=tuple(found), last=True)

    def read_products(self, filters: Filters) -> Iterator[Page[ProductData]]:
        self._answer()
        yield Page(records=tuple(self.shop.products.values()), last=True)

    def update_order_status(
        self, order_id: str, status: OrderStatus, shipment: ShipmentData | None = None
    ) -> bool:
        raise self._exempt("being written to in these tests")

    def preview_fulfillment(self, order: OutsideOrder) -> tuple[Offer, ...]:
        return (Offer(speed=Speed.STANDARD, can_send=True),)

    def update_inventories(self, updates: Sequence[StockUpdate]) -> list[StockResult]:
        raise self._exempt("being written to in these tests")

    def setup_webhooks(self, events: Sequence[str]) -> list[Subscription]:
        self._answer()
        self.shop.topics = tuple(events)
        url = self.connection.callback_url
        return [Subscription(external_id=t, topic=t, url=url) for t in events]

    def drop_webhooks(self) -> None:
        self._answer()
        self.shop.topics = ()

    def handle_webhook(self, payload: RawDelivery) -> list[Event]:
        return []
