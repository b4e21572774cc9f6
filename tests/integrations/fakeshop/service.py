"""The adapter of FakeShop. It asks ``world.SHOPS`` instead of the network."""

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
from integrations.errors import AuthenticationFailed, NotFound
from integrations.events import Event, RawDelivery
from integrations.platform import Connection
from inventory.data import ProductData, StockResult, StockUpdate
from orders.data import OrderData, ShipmentData
from orders.status import OrderStatus
from tests.integrations.fakeshop import world
from tests.integrations.fakeshop.platform import CARD


class FakeShopIntegration(BaseEcommerceIntegration):
    card = CARD

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.learned: dict[str, Any] = {}

    def authenticate(self) -> bool:
        self._shop("authenticate")
        return True

    def identify(self) -> StoreIdentity:
        shop = self._shop("identify")
        return StoreIdentity(
            name=shop.name,
            base_url=self.connection.base_url,
            currency=shop.currency,
            timezone="Europe/Berlin",
            version="7",
            granted=("read", "write") if shop.may_write else ("read",),
            missing=() if shop.may_write else ("write",),
            features={"decimals": 2},
        )

    def setup_webhooks(self, events: Sequence[str]) -> list[Subscription]:
        shop = self._shop("setup_webhooks")
        if shop.refuses_hooks:
            raise shop.refuses_hooks
        shop.delivers_to = self.connection.callback_url
        mended = {topic: "created" for topic in events if topic not in shop.hooks}
        mended |= dict.fromkeys(shop.asleep, "switched on")
        shop.hooks = dict.fromkeys(events, self.connection.webhook_secret)
        shop.asleep = set()
        return [
            Subscription(
                external_id=f"h-{topic}",
                topic=topic,
                url=self.connection.callback_url,
                mended=mended.get(topic, ""),
            )
            for topic in events
        ]

    def drop_webhooks(self) -> None:
        self._shop("drop_webhooks").hooks = {}

    def handle_webhook(self, payload: RawDelivery) -> list[Event]:
        return []

    def read_orders(self, filters: Filters) -> Iterator[Page[OrderData]]:
        self._shop("read_orders")
        yield Page(records=(), last=True)

    def read_products(self, filters: Filters) -> Iterator[Page[ProductData]]:
        self._shop("read_products")
        yield Page(records=(), last=True)

    def update_order_status(
        self, order_id: str, status: OrderStatus, shipment: ShipmentData | None = None
    ) -> bool:
        return False

    def update_inventories(self, updates: Sequence[StockUpdate]) -> list[StockResult]:
        return []

    def _shop(self, call: str) -> world.Shop:
        shop = world.SHOPS.get(self.connection.base_url)
        if shop is None:
            raise NotFound("Nothing of FakeShop is at this address.", code="html_answer")
        shop.calls.append(call)
        shop.connections.append(self.connection)
        if shop.refuses:
            raise shop.refuses
        if self.connection.credentials["secret"] != shop.secret:
            raise AuthenticationFailed("FakeShop did not accept the credentials.")
        self.learned = dict(shop.learned)
        return shop
