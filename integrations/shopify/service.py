"""Shopify as Logix uses it: the contract of ``BaseEcommerceIntegration``, each method in a few
lines.
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from integrations.base import (
    BaseEcommerceIntegration,
    Filters,
    Page,
    StoreIdentity,
    Subscription,
)
from integrations.events import Event, RawDelivery
from integrations.platform import Ability, Connection
from integrations.shopify import (
    desk,
    identity,
    leaving,
    own_fields,
    privacy,
    refunding,
    shipping,
    stock,
    subscriptions,
    webhooks,
)
from integrations.shopify.client import ShopifyClient
from integrations.shopify.orders import OrderReader
from integrations.shopify.payouts import PayoutReader
from integrations.shopify.platform import CARD
from integrations.shopify.products import ProductReader
from inventory.data import ProductData, StockResult, StockUpdate
from orders.data import OrderData, PayoutData, RefundOrder, ShipmentData
from orders.status import OrderStatus

_SEES_WORK = "read_merchant_managed_fulfillment_orders"
_HANDLE = re.compile(r"[a-z0-9][a-z0-9-]*")
_ADMIN = re.compile(r"(?:https?://)?admin\.shopify\.com/store/([a-z0-9][a-z0-9-]*)(?:[/?#].*)?")
_SHOP = re.compile(r"(?:https?://)?([a-z0-9][a-z0-9-]*\.myshopify\.com)(?:[/?#].*)?")


class ShopifyIntegration(BaseEcommerceIntegration):
    """Options: ``order_metafields`` (``namespace.key``, read with each order), ``status_words``
    (which of Shopify's statuses a newer one counts as), ``returns`` (where it is ``automatic``, it
    is asked what came back is on sale again).
    """

    card = CARD

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        options = connection.options
        words, keys = options.get("status_words"), options.get("order_metafields")
        self.client = ShopifyClient(connection)
        self.pause = time.sleep
        self._products = ProductReader(self.client, connection.locations)
        self._payouts = PayoutReader(self.client)
        self._orders = OrderReader(
            self.client,
            sees_customers="read_customers" not in connection.missing,
            sees_returns=self.can(Ability.RETURNS),
            sees_all=bool(options.get("all_orders")),
            assigned=len(connection.locations) > 1 and _SEES_WORK not in connection.missing,
            fields=[str(key) for key in keys] if isinstance(keys, list) else (),
            words=words if isinstance(words, dict) else None,
            asks_back=options.get("returns") == "automatic",
        )

    @staticmethod
    def address(typed: str) -> str:
        """``acme``, or what the browser shows of its admin: ``acme.myshopify.com``."""
        word = typed.strip().lower()
        if found := _ADMIN.fullmatch(word):
            return f"{found[1]}.myshopify.com"
        if found := _SHOP.fullmatch(word):
            return found[1]
        return f"{word}.myshopify.com" if _HANDLE.fullmatch(word) else typed

    @property
    def learned(self) -> dict[str, Any]:
        """What this use of the store found out about its points, to be kept in its features."""
        ledger = self.client.ledger
        found = {"costs": ledger.news(), "rate": ledger.rate}
        return {name: value for name, value in found.items() if value}

    # -- who is there --------------------------------------------------------------------------

    def authenticate(self) -> bool:
        identity.check(self.client)
        return True

    def identify(self) -> StoreIdentity:
        return identity.identify(self.client, self.connection.base_url)

    def remove_app(self) -> None:
        leaving.remove(self.client)

    # -- reading -------------------------------------------------------------------------------

    def read_orders(self, filters: Filters) -> Iterator[Page[OrderData]]:
        yield from self._orders.read(filters)

    def drop_whole(self, position: Mapping[str, Any]) -> None:
        self._orders.drop(position)

    def read_order(self, order_id: str) -> OrderData:
        return self._orders.one(order_id)

    def withheld(self, filters: Filters) -> str:
        return self._orders.withheld(filters)

    def order_ids(self, filters: Filters) -> Iterable[str]:
        return self._orders.ids(filters)

    def read_products(self, filters: Filters) -> Iterator[Page[ProductData]]:
        yield from self._products.read(filters)

    def read_product(self, product_id: str) -> ProductData:
        return self._products.one(product_id)

    def find_listing(self, sku: str, quantity: int) -> StockUpdate:
        return self._products.find(sku, quantity)

    def read_payouts(self, filters: Filters) -> Iterator[Page[PayoutData]]:
        yield from self._payouts.read(filters)

    def read_stock(self, updates: Sequence[StockUpdate]) -> list[StockResult]:
        return stock.read(self.client, updates)

    # -- writing -------------------------------------------------------------------------------

    def update_inventories(self, updates: Sequence[StockUpdate]) -> list[StockResult]:
        return stock.write(self.client, updates)

    def update_order_status(
        self, order_id: str, status: OrderStatus, shipment: ShipmentData | None = None
    ) -> bool:
        """With ``shipment`` the parcel is told and the status left alone."""
        if shipment is not None:
            return shipping.tell(self.client, order_id, shipment)
        return desk.set_status(self.client, order_id, status, pause=self.pause)

    def cancel_shipment(self, order_id: str, shipment: ShipmentData) -> bool:
        return shipping.take_back(self.client, order_id, shipment)

    def cancel_order(
        self, order_id: str, reason: str = "", *, notify_customer: bool = True
    ) -> bool:
        return desk.cancel(
            self.client, order_id, reason, notify_customer=notify_customer, pause=self.pause
        )

    def add_note(
        self, order_id: str, note: str, *, reference: str, to_customer: bool = False
    ) -> bool:
        """A note shows no reference to its reader, so an equal one that is there counts as this."""
        return desk.add_note(self.client, order_id, note, to_customer=to_customer)

    def refund_order(self, order_id: str, refund: RefundOrder, *, reference: str) -> bool:
        return refunding.refund(self.client, order_id, refund, reference=reference)

    def write_order_fields(
        self, order_id: str, fields: Mapping[str, Any], *, fill: Collection[str] = ()
    ) -> bool:
        return own_fields.write(self.client, order_id, fields, fill)

    # -- webhooks ------------------------------------------------------------------------------

    def setup_webhooks(self, events: Sequence[str]) -> list[Subscription]:
        """Without those on returns where the app may not see any: Shopify would refuse them."""
        """Without those of topics that take a scope the app was not granted."""
        missing = self.connection.missing
        return subscriptions.reconcile(
            self.client,
            [topic for topic in events if webhooks.scope_of(topic) not in missing],
            url=self.connection.callback_url,
            owner=self.connection.store_id,
        )

    def drop_webhooks(self) -> None:
        subscriptions.drop(
            self.client, url=self.connection.callback_url, owner=self.connection.store_id
        )

    def handle_webhook(self, payload: RawDelivery) -> list[Event]:
        return webhooks.to_events(payload)

    @staticmethod
    def read_always(payload: RawDelivery) -> list[Event]:
        return privacy.to_events(payload)
