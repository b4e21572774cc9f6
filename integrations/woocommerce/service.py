"""WooCommerce as Logix uses it: the contract of ``BaseEcommerceIntegration``, each method in a few
lines.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from integrations.base import (
    BaseEcommerceIntegration,
    Filters,
    Page,
    ReadBy,
    StoreIdentity,
    Subscription,
)
from integrations.errors import NotFound, Rejected, Unavailable
from integrations.events import Event, RawDelivery
from integrations.platform import Connection
from integrations.woocommerce import (
    catalogue,
    identity,
    mapper,
    meta,
    money,
    reading,
    records,
    refunding,
    shapes,
    shipping,
    stock,
    subscriptions,
    tracking,
    webhooks,
)
from integrations.woocommerce.access import NO_ROUTE
from integrations.woocommerce.client import WooClient
from integrations.woocommerce.features import Features
from integrations.woocommerce.platform import CARD
from integrations.woocommerce.products import ProductReader
from inventory.data import ProductData, StockResult, StockUpdate
from orders.data import OrderData, RefundOrder, ShipmentData
from orders.status import OrderStatus

# "any" leaves the trash out, and whatever stands beside it in the list is not looked at (core
# includes/rest-api/Controllers/Version3/class-wc-rest-orders-controller.php, "short-circuit"), so
# the trash is a list of its own. Amounts come with the store's own decimals, as they do in webhooks
# and single orders, where ``dp`` is not given: all must say the same of one order.
_LIVE, _TRASHED = {"status": "any"}, {"status": "trash"}
_TRASH = "trash"


class WooCommerceIntegration(BaseEcommerceIntegration):
    """Options: ``status_words`` maps a plugin's order status to one of WooCommerce's own."""

    card = CARD

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.client = WooClient(connection)
        self.features = Features.from_options(connection.options)
        zone = connection.timezone
        to_orders = records.each(self._to_order)
        self._products = ProductReader(self.client, self.features, zone)
        self._orders = records.Source(self.client.orders, to_orders, _LIVE, zone)
        self._trash = records.Source(self.client.orders, to_orders, _TRASHED, zone)

    @property
    def learned(self) -> dict[str, Any]:
        """What this use of the store found out about reaching it, to be kept in its features."""
        return self.client.access.learned

    # -- who is there --------------------------------------------------------------------------

    def authenticate(self) -> bool:
        self.client.orders(identity.ONE)
        return True

    def identify(self) -> StoreIdentity:
        return identity.identify(self.client, self.connection.base_url)

    # -- reading -------------------------------------------------------------------------------

    def read_orders(self, filters: Filters) -> Iterator[Page[OrderData]]:
        """A walk along changes and a question for ids see the trash too; a back-fill has no use for
        what was thrown away before it was known.
        """
        asked = self._askable(filters)
        walks = asked.by is ReadBy.CHANGED and asked.since and not asked.number
        if walks or asked.ids:
            yield from reading.in_turn(self._orders, self._trash, asked, _TRASH)
        else:
            yield from reading.read(self._orders, asked)

    def read_products(self, filters: Filters) -> Iterator[Page[ProductData]]:
        yield from self._products.read(self._askable(filters))

    def read_order(self, order_id: str) -> OrderData:
        raw = self.client.order(order_id).body
        order = shapes.decode(raw, shapes.Order)
        refunds = None
        if shapes.rows(order.refunds, "$.refunds"):
            refunds = [money.to_refund(row) for row in self.client.refunds(order_id)]
        parcels = self._fulfillments(order_id)
        return self._to_order(raw, order=order, refunds=refunds, fulfillments=parcels)

    def _fulfillments(self, order_id: str) -> list[ShipmentData] | None:
        """None where the store has none, or no longer has that feature."""
        if self.features.shipment_level is not tracking.Level.FULFILLMENTS:
            return None
        try:
            return [tracking.to_fulfillment(f) for f in self.client.fulfillments(order_id)]
        except Unavailable as err:
            if err.code != NO_ROUTE:
                raise
            return None

    def read_product(self, product_id: str) -> ProductData:
        return self._products.one(product_id)

    def order_ids(self, filters: Filters) -> Iterable[str]:
        return reading.ids(self._orders, filters)

    def _askable(self, filters: Filters) -> Filters:
        """A store without the filter on changes is read whole, by id: slower, nothing is missed."""
        if filters.by is ReadBy.CHANGED and not self.features.modified_filter:
            return replace(filters, by=ReadBy.PLACED, since=None, until=None)
        return filters

    def _to_order(self, raw: bytes, **details: Any) -> OrderData:
        return mapper.to_order(
            raw, timezone=self.connection.timezone, words=self._status_words(), **details
        )

    def _status_words(self) -> dict[str, str]:
        found = self.connection.options.get("status_words")
        return found if isinstance(found, dict) else {}

    # -- writing -------------------------------------------------------------------------------

    def update_order_status(
        self, order_id: str, status: OrderStatus, shipment: ShipmentData | None = None
    ) -> bool:
        """With ``shipment`` the parcel is told and the status left alone; without it the status is
        set.
        """
        if shipment is not None:
            return shipping.tell(self.client, self.features.shipment_level, order_id, shipment)
        word = mapper.from_status(status)
        if word is None:
            raise Rejected(f"WooCommerce has no status for “{status}”.", code="no_such_status")
        return self._set_status(order_id, word)

    def cancel_shipment(self, order_id: str, shipment: ShipmentData) -> bool:
        return shipping.take_back(self.client, self.features.shipment_level, order_id, shipment)

    def cancel_order(
        self, order_id: str, reason: str = "", *, notify_customer: bool = True
    ) -> bool:
        """WooCommerce puts the units back on sale itself, and mails as its own settings say."""
        changed = self._set_status(order_id, mapper.STATUS_OUT[OrderStatus.CANCELLED])
        if reason:
            self.add_note(order_id, f"Cancelled: {reason}", reference="")
        return changed

    def _set_status(self, order_id: str, word: str) -> bool:
        if shipping.live(self.client, order_id).status == word:
            return False
        self.client.update_order(order_id, {"status": word})
        return True

    def add_note(
        self, order_id: str, note: str, *, reference: str, to_customer: bool = False
    ) -> bool:
        """A note shows no reference to its reader, so an equal note that is there already counts as
        this one; only one that the customer can see does for the customer.
        """
        if shipping.is_noted(self.client, order_id, note, to_customer=to_customer):
            return False
        self.client.add_note(order_id, note, to_customer=to_customer)
        return True

    def refund_order(self, order_id: str, refund: RefundOrder, *, reference: str) -> bool:
        return refunding.refund(self.client, order_id, refund, reference=reference)

    def write_order_fields(
        self, order_id: str, fields: Mapping[str, Any], *, fill: Collection[str] = ()
    ) -> bool:
        return meta.write(self.client, order_id, fields, fill)

    def update_inventories(self, updates: Sequence[StockUpdate]) -> list[StockResult]:
        return stock.write(self.client, updates)

    def read_stock(self, updates: Sequence[StockUpdate]) -> list[StockResult]:
        return stock.read(self.client, updates)

    def find_listing(self, sku: str, quantity: int) -> StockUpdate:
        """The one product or variation with this SKU. Raises NotFound for none or several.

        The store's filter splits at commas, does not mind upper case, and finds everything for
        nothing, so what it finds is looked at.
        """
        answer = self.client.products({"sku": sku, "per_page": 20}) if sku.strip() else None
        rows = answer.decode(list[msgspec.Raw]) if answer else []
        items = [shapes.decode(bytes(row), shapes.Product) for row in rows]
        found = [item for item in items if str(item.sku).strip() == sku.strip()]
        if len(found) != 1:
            many = "more than one listing" if found else "no listing"
            raise NotFound(f"The store has {many} with SKU “{sku}”.")
        address = catalogue.address_alone(found[0])
        return StockUpdate(
            sku=sku,
            quantity=quantity,
            external_product_id=str(address.product_id),
            external_variant_id=str(found[0].id),
            stock_ref=str(address),
        )

    # -- webhooks ------------------------------------------------------------------------------

    def setup_webhooks(self, events: Sequence[str]) -> list[Subscription]:
        return subscriptions.reconcile(
            self.client,
            events,
            url=self.connection.callback_url,
            secret=self.connection.webhook_secret,
            owner=self.connection.store_id,
        )

    def drop_webhooks(self) -> None:
        subscriptions.drop(
            self.client, url=self.connection.callback_url, owner=self.connection.store_id
        )

    def handle_webhook(self, payload: RawDelivery) -> list[Event]:
        return webhooks.to_events(
            payload, timezone=self.connection.timezone, words=self._status_words()
        )

    @staticmethod
    def dedupe_key(delivery: RawDelivery) -> str:
        return webhooks.dedupe_key(delivery)

    @staticmethod
    def is_ping(body: bytes) -> bool:
        return webhooks.is_ping(body)
