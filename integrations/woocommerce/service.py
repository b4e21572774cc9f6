"""WooCommerce as Logix uses it: the contract of ``BaseEcommerceIntegration``, each method in a few
lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from integrations.base import (
    BaseEcommerceIntegration,
    Filters,
    Page,
    ReadBy,
    StoreIdentity,
    Subscription,
)
from integrations.errors import ContractBroken, NotFound, PermissionMissing, Rejected
from integrations.events import Event, RawDelivery
from integrations.platform import Connection
from integrations.woocommerce import (
    mapper,
    money,
    reading,
    shapes,
    shipping,
    stock,
    subscriptions,
    tracking,
    webhooks,
)
from integrations.woocommerce.client import WooClient
from integrations.woocommerce.features import Features, lists_statuses
from integrations.woocommerce.platform import CARD
from integrations.woocommerce.products import ProductReader
from integrations.woocommerce.values import ident, text
from inventory.data import ProductData, StockResult, StockUpdate
from orders.data import OrderData, ShipmentData
from orders.status import OrderStatus

T = TypeVar("T")

# The highest precision a store can be set to is asked for in every read, so nothing is rounded on
# the way. "any" leaves the trash out.
_ALL_ORDERS = {"status": "any,trash", "dp": 6}
_ONE = {"per_page": 1, "_fields": "id"}


class WooCommerceIntegration(BaseEcommerceIntegration):
    """Options: ``status_words`` maps a plugin's order status to one of WooCommerce's own."""

    card = CARD

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.client = WooClient(connection)
        self.features = Features.from_options(connection.options)
        self._products = ProductReader(self.client, self.features, connection.timezone)
        self._orders = reading.Source(
            self.client.orders, reading.each(self._to_order), _ALL_ORDERS, connection.timezone
        )

    @property
    def learned(self) -> dict[str, Any]:
        """What this use of the store found out about reaching it, to be kept in its features."""
        return self.client.access.learned

    # -- who is there --------------------------------------------------------------------------

    def authenticate(self) -> bool:
        self.client.orders(_ONE)
        return True

    def identify(self) -> StoreIdentity:
        site = self.client.access.discover()
        answer = self.client.orders(_ONE)
        routes = self.client.routes()
        status: dict[str, Any] = _allowed(self.client.system_status, {})
        settings = status.get("settings", {})
        unit = _allowed(self.client.weight_unit, "")
        features = Features.of_store(routes, site["namespaces"], weight_unit=unit)
        missing = self._missing_permissions()
        statuses: list[str] = (
            _allowed(self.client.order_statuses, []) if lists_statuses(routes) else []
        )
        return StoreIdentity(
            name=text(site.get("name")) or self.connection.base_url,
            base_url=self.connection.base_url,
            currency=str(settings.get("currency") or _allowed(self.client.currency, "")),
            timezone=_timezone(site),
            version=text(status.get("environment", {}).get("version"), 40),
            granted=("read",) if missing else ("read", "write"),
            missing=missing,
            clock_skew_s=(answer.date - datetime.now(UTC)).total_seconds() if answer.date else None,
            features={
                **features.as_options(),
                "hpos": bool(settings.get("HPOS_enabled", False)),
                "decimals": settings.get("number_of_decimals", 2),
                "statuses": [word for word in statuses if word not in mapper.STATUS_IN],
            },
            warnings=_warnings(missing, features),
        )

    def _missing_permissions(self) -> tuple[str, ...]:
        try:
            self.client.probe_write()
        except PermissionMissing:
            return ("write",)
        return ()

    # -- reading -------------------------------------------------------------------------------

    def read_orders(self, filters: Filters) -> Iterator[Page[OrderData]]:
        yield from reading.read(self._orders, self._askable(filters))

    def read_products(self, filters: Filters) -> Iterator[Page[ProductData]]:
        yield from self._products.read(self._askable(filters))

    def read_order(self, order_id: str) -> OrderData:
        raw = self.client.order(order_id).body
        order = shapes.decode(raw, shapes.Order)
        refunds = fulfillments = None
        if shapes.rows(order.refunds, "$.refunds"):
            refunds = [money.to_refund(row) for row in self.client.refunds(order_id)]
        if self.features.shipment_level is tracking.Level.FULFILLMENTS:
            fulfillments = [tracking.to_fulfillment(f) for f in self.client.fulfillments(order_id)]
        return self._to_order(raw, order=order, refunds=refunds, fulfillments=fulfillments)

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

    def cancel_order(self, order_id: str, reason: str = "") -> bool:
        """WooCommerce puts the units back on sale itself."""
        changed = self._set_status(order_id, mapper.STATUS_OUT[OrderStatus.CANCELLED])
        if reason:
            self.add_note(order_id, f"Cancelled: {reason}", reference="")
        return changed

    def _set_status(self, order_id: str, word: str) -> bool:
        now = shapes.decode(self.client.order(order_id).body, shapes.Order).status
        if now == word:
            return False
        self.client.update_order(order_id, {"status": word})
        return True

    def add_note(
        self, order_id: str, note: str, *, reference: str, to_customer: bool = False
    ) -> bool:
        """A note shows no reference to its reader, so an equal note that is there already counts as
        this one.
        """
        if any(n.get("note") == note for n in self.client.notes(order_id)):
            return False
        self.client.add_note(order_id, note, to_customer=to_customer)
        return True

    def update_inventories(self, updates: Sequence[StockUpdate]) -> list[StockResult]:
        return stock.write(self.client, updates)

    def read_stock(self, updates: Sequence[StockUpdate]) -> list[StockResult]:
        return stock.read(self.client, updates)

    def find_listing(self, sku: str, quantity: int) -> StockUpdate:
        """The one product or variation with this SKU. Raises NotFound for none or several."""
        rows = self.client.products({"sku": sku, "per_page": 2}).decode(list[msgspec.Raw])
        if len(rows) != 1:
            many = "more than one listing" if rows else "no listing"
            raise NotFound(f"The store has {many} with SKU “{sku}”.")
        item = shapes.decode(bytes(rows[0]), shapes.Product)
        parent = ident(item.parent_id) if item.type == "variation" else ""
        return StockUpdate(
            sku=sku,
            quantity=quantity,
            external_product_id=parent or str(item.id),
            external_variant_id=str(item.id),
        )

    # -- webhooks ------------------------------------------------------------------------------

    def setup_webhooks(self, events: Sequence[str]) -> list[Subscription]:
        return subscriptions.reconcile(
            self.client,
            events,
            url=self.connection.callback_url,
            secret=self.connection.webhook_secret,
        )

    def drop_webhooks(self) -> None:
        subscriptions.drop(self.client, url=self.connection.callback_url)

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


def _allowed(call: Callable[[], T], default: T) -> T:
    """What a key of less rank, or an older store, may not tell."""
    try:
        return call()
    except (PermissionMissing, NotFound, ContractBroken):
        return default


def _timezone(site: Mapping[str, Any]) -> str:
    """The site's zone; WordPress gives a bare offset in hours where none was named."""
    name = str(site.get("timezone_string") or "")
    if name:
        return name
    try:
        offset = float(site.get("gmt_offset") or 0)
    except ValueError:
        return "UTC"
    # Etc/GMT zones have their signs the other way round.
    return f"Etc/GMT{-int(offset):+d}" if offset and offset == int(offset) else "UTC"


def _warnings(missing: tuple[str, ...], features: Features) -> tuple[str, ...]:
    found = []
    if missing:
        found.append(
            "The key may only read: orders come in, but no stock, status or tracking can be sent. "
            "Make a key with permission Read/Write to change that."
        )
    if not features.modified_filter:
        found.append(
            "This store's version cannot be asked for changes only; every poll reads all orders. "
            "Update WooCommerce to 5.8 or later."
        )
    return tuple(found)
