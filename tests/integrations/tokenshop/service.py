"""The adapter of TokenShop: a few calls with a bearer token."""

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
from integrations.events import Event, RawDelivery
from integrations.kit.oauth2 import TokenAuth
from integrations.platform import Connection
from inventory.data import ProductData, StockResult, StockUpdate
from orders.data import OrderData, ShipmentData
from orders.status import OrderStatus
from tests.integrations.tokenshop.platform import CARD


class TokenShopIntegration(BaseEcommerceIntegration):
    card = CARD

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.http = connection.http
        assert connection.token is not None
        self.http.auth = TokenAuth("Authorization", "Bearer ", connection.token)

    @staticmethod
    def address(typed: str) -> str:
        return typed if "." in typed or "/" in typed else f"{typed}.tokenshop.example"

    def authenticate(self) -> bool:
        self.http.get("/api/shop")
        return True

    def identify(self) -> StoreIdentity:
        told = self.http.get("/api/shop").json()
        granted = tuple(told["scopes"])
        return StoreIdentity(
            name=told["name"],
            base_url=self.connection.base_url,
            currency="EUR",
            timezone="UTC",
            granted=granted,
            missing=tuple(s for s in CARD.wanted_scopes if s not in granted),
        )

    def read_orders(self, filters: Filters) -> Iterator[Page[OrderData]]:
        self.http.get("/api/orders")
        yield Page(records=(), last=True)

    def read_products(self, filters: Filters) -> Iterator[Page[ProductData]]:
        self.http.get("/api/products")
        yield Page(records=(), last=True)

    def update_inventories(self, updates: Sequence[StockUpdate]) -> list[StockResult]:
        self.http.post("/api/stock", json=[u.quantity for u in updates])
        return [StockResult(ok=True, changed=True) for _ in updates]

    def add_note(
        self, order_id: str, note: str, *, reference: str, to_customer: bool = False
    ) -> bool:
        self.http.post("/api/notes", json={"order": order_id, "note": note})
        return True

    def update_order_status(
        self, order_id: str, status: OrderStatus, shipment: ShipmentData | None = None
    ) -> bool:
        return False

    def setup_webhooks(self, events: Sequence[str]) -> list[Subscription]:
        return []

    def handle_webhook(self, payload: RawDelivery) -> list[Event]:
        return []

    @property
    def learned(self) -> dict[str, Any]:
        return {}
