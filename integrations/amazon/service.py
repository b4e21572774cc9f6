"""Amazon as Logix uses it: the contract of ``BaseEcommerceIntegration`` in a few lines a method."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from integrations.amazon import (
    feed_files,
    identity,
    marketplaces,
    notifications,
    outbound,
    outbound_preview,
    parcel_feed,
    shipping,
    stock,
    stock_feed,
    subscriptions,
)
from integrations.amazon.account import Account
from integrations.amazon.client import AmazonClient
from integrations.amazon.fba import KeptReader
from integrations.amazon.finances import RefundReader
from integrations.amazon.listings import ListingReader
from integrations.amazon.orders import OrderReader
from integrations.amazon.payouts import PayoutReader
from integrations.amazon.platform import CARD
from integrations.amazon.queue import Address, Queue
from integrations.amazon.returns import ReturnReader
from integrations.base import (
    BaseEcommerceIntegration,
    FileOutcome,
    Filters,
    Keep,
    Page,
    ParcelLine,
    ParcelRefusal,
    QueuedNews,
    StockEntry,
    StockLine,
    StoreIdentity,
    Subscription,
)
from integrations.errors import Unsupported
from integrations.events import Event, RawDelivery
from integrations.platform import Connection
from inventory.data import KeptStock, ProductData, StockResult, StockUpdate
from orders.data import OrderData, PartData, PayoutData, ShipmentData
from orders.data_outside import Offer, OutsideNews, OutsideOrder
from orders.status import OrderStatus


class AmazonIntegration(BaseEcommerceIntegration):
    """Options: ``marketplaces`` (those to connect, all where none is named), ``status_words``
    (which of Amazon's statuses a newer one counts as).
    """

    card = CARD

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        words = connection.options.get("status_words")
        self.client = AmazonClient(connection)
        self._account = account = Account(self.client, connection.options)
        self._orders = OrderReader(
            self.client, account, words=words if isinstance(words, dict) else None
        )
        self._listings = ListingReader(self.client, account)
        self._payouts = PayoutReader(self.client)
        self._refunds = RefundReader(self.client, account)
        self._returns = ReturnReader(self.client, account)
        self._kept = KeptReader(self.client, account)

    @staticmethod
    def address(typed: str) -> str:
        """A region or country by a word, a marketplace's address, or what the browser shows of
        Seller Central: the host of the region.
        """
        return marketplaces.host_of(typed) or typed

    # -- who is there --------------------------------------------------------------------------

    def authenticate(self) -> bool:
        self.client.participations()
        return True

    def identify(self) -> StoreIdentity:
        return identity.identify(self.client, self.connection.base_url, self.connection.options)

    # -- reading -------------------------------------------------------------------------------

    def read_orders(self, filters: Filters) -> Iterator[Page[OrderData]]:
        yield from self._orders.read(filters)

    def read_order(self, order_id: str) -> OrderData:
        return self._orders.one(order_id)

    def order_ids(self, filters: Filters) -> Iterable[str]:
        return self._orders.ids(filters)

    def withheld(self, filters: Filters) -> str:
        return self._orders.withheld(filters)

    def read_products(self, filters: Filters) -> Iterator[Page[ProductData]]:
        yield from self._listings.read(filters)

    def read_product(self, product_id: str) -> ProductData:
        return self._listings.one(product_id)

    def read_payouts(self, filters: Filters) -> Iterator[Page[PayoutData]]:
        yield from self._payouts.read(filters)

    def read_refunds(self, filters: Filters) -> Iterator[Page[PartData]]:
        yield from self._refunds.read(filters)

    def read_returns(self, filters: Filters) -> Iterator[Page[PartData]]:
        yield from self._returns.read(filters)

    def find_listing(self, sku: str, quantity: int) -> StockUpdate:
        return self._listings.address(sku, quantity)

    def read_stock(self, updates: Sequence[StockUpdate]) -> list[StockResult]:
        return stock.read(self._listings, updates)

    def read_kept(self, filters: Filters) -> Iterator[Page[KeptStock]]:
        yield from self._kept.read(filters)

    # -- writing -------------------------------------------------------------------------------

    def update_inventories(self, updates: Sequence[StockUpdate]) -> list[StockResult]:
        return stock.write(self.client, self._listings, updates)

    def stock_entries(self, updates: Sequence[StockUpdate]) -> list[StockEntry]:
        return stock_feed.entries(self._listings, updates)

    def hand_over_stock(self, lines: Iterable[StockLine], keep: Keep) -> Mapping[str, Any]:
        return stock_feed.hand_over(self.client, lines, keep)

    def stock_outcome(self, handle: Mapping[str, Any]) -> FileOutcome[StockResult]:
        return stock_feed.outcome(self.client, handle)

    def drop_stock(self, handle: Mapping[str, Any]) -> None:
        feed_files.drop(self.client, handle)

    def fits_file(self, parcel: ParcelLine) -> bool:
        return parcel_feed.fits(self._account, parcel)

    def hand_over_parcels(self, lines: Iterable[ParcelLine], keep: Keep) -> Mapping[str, Any]:
        return parcel_feed.hand_over(self.client, self._account, lines, keep)

    def parcels_outcome(self, handle: Mapping[str, Any]) -> FileOutcome[ParcelRefusal]:
        return parcel_feed.outcome(self.client, handle)

    def drop_parcels(self, handle: Mapping[str, Any]) -> None:
        feed_files.drop(self.client, handle)

    def update_order_status(
        self, order_id: str, status: OrderStatus, shipment: ShipmentData | None = None
    ) -> bool:
        """Amazon sets a status itself, by the parcels it is told of."""
        if shipment is None:
            raise self._exempt("setting an order's status")
        return shipping.tell(self.client, order_id, shipment)

    # -- sending orders of other stores ------------------------------------------------------------

    def preview_fulfillment(self, order: OutsideOrder) -> tuple[Offer, ...]:
        return outbound_preview.preview(self.client, self._account, order)

    def request_fulfillment(self, order: OutsideOrder) -> bool:
        return outbound.request(self.client, self._account, order)

    def read_fulfillment(self, reference: str) -> OutsideNews:
        return outbound.read(self.client, reference)

    def cancel_fulfillment(self, reference: str) -> bool:
        return outbound.cancel(self.client, reference)

    # -- news, through the seller's own queue ---------------------------------------------------

    def setup_webhooks(self, events: Sequence[str]) -> list[Subscription]:
        owner = self.connection.store_id
        return subscriptions.reconcile(self.client, self._queue(), events, owner=owner)

    def drop_webhooks(self) -> None:
        subscriptions.drop(self.client, self._queue(), CARD.topics)

    def receive_news(self, *, wait_s: float) -> list[QueuedNews]:
        return self._queue().receive(wait_s=wait_s)

    def acknowledge_news(self, receipts: Sequence[str]) -> None:
        self._queue().delete(receipts)

    def handle_webhook(self, payload: RawDelivery) -> list[Event]:
        seller = self.connection.credentials.get("seller_id", "")
        return notifications.to_events(payload, seller=seller, places=self._account.places_known)

    @staticmethod
    def dedupe_key(payload: RawDelivery) -> str:
        """A message may come twice, with the same id."""
        _, number = notifications.told(payload.body)
        return f"n:{number}" if number else ""

    def _queue(self) -> Queue:
        values = self.connection.credentials
        if not CARD.queue_of(values):
            raise Unsupported(
                "This store has no queue. Enter one at AWS with the keys of the store, or leave it "
                "to polling."
            )
        return Queue(Address.of(values), self.connection.http.guard)
