"""WooCommerce as Logix uses it: the contract of ``BaseEcommerceIntegration``, each method in a few
lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
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
from integrations.errors import NotFound, PermissionMissing, Rejected
from integrations.events import Event, RawDelivery
from integrations.platform import Connection
from integrations.woocommerce import (
    catalogue,
    mapper,
    reading,
    shapes,
    shipping,
    stock,
    subscriptions,
    tracking,
    webhooks,
)
from integrations.woocommerce.client import WooClient
from integrations.woocommerce.features import Features
from integrations.woocommerce.platform import CARD
from inventory.data import ProductData, StockResult, StockUpdate
from orders.data import OrderData, ShipmentData
from orders.status import OrderStatus

# The highest precision a store can be set to is used for every read, so nothing is rounded on the
# way.
_DECIMALS = {"dp": 6}
_ALL_ORDERS = {"status": "any,trash", **_DECIMALS}
_ALL_PRODUCTS = {"status": "any"}


class WooCommerceIntegration(BaseEcommerceIntegration):
    card = CARD

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.client = WooClient(connection)
        self.features = Features.from_options(connection.options)

    @property
    def learned(self) -> dict[str, Any]:
        """What this use of the store found out about reaching it, to be kept in its features."""
        return self.client.learned

    # -- who is there --------------------------------------------------------------------------

    def authenticate(self) -> bool:
        self.client.orders({"per_page": 1, "_fields": "id"})
        return True

    def identify(self) -> StoreIdentity:
        site = self.client.site()
        answer = self.client.orders({"per_page": 1, "_fields": "id"})
        features = Features.of_store(self.client.routes(), site.get("namespaces", []))
        status = self.client.system_status()
        environment = status.get("environment", {})
        settings = status.get("settings", {})
        skew = (answer.date - datetime.now(UTC)).total_seconds() if answer.date else None
        missing = self._missing_permissions()
        return StoreIdentity(
            name=str(site.get("name") or self.connection.base_url),
            base_url=self.connection.base_url,
            currency=str(settings.get("currency") or self.client.currency().get("code", "")),
            timezone=_timezone(site),
            version=str(environment.get("version", "")),
            granted=("read",) if missing else ("read", "write"),
            missing=missing,
            clock_skew_s=skew,
            features={
                **features.as_options(),
                "hpos": bool(settings.get("HPOS_enabled", False)),
                "decimals": settings.get("number_of_decimals", 2),
                **self.client.learned,
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
        to_order = partial(mapper.to_order, timezone=self.connection.timezone)
        yield from reading.read(
            self.client.orders, to_order, self._readable(filters), extra=_ALL_ORDERS
        )

    def read_products(self, filters: Filters) -> Iterator[Page[ProductData]]:
        yield from reading.read(
            self.client.products, self._to_product, self._readable(filters), extra=_ALL_PRODUCTS
        )

    def read_order(self, order_id: str) -> OrderData:
        raw = self.client.order(order_id).body
        summary = mapper.to_order(raw, timezone=self.connection.timezone)
        refunds = (
            [mapper.to_refund(r) for r in self.client.refunds(order_id)]
            if summary.refunds
            else None
        )
        fulfillments = None
        if self.features.shipment_level is tracking.Level.FULFILLMENTS:
            fulfillments = [tracking.to_fulfillment(f) for f in self.client.fulfillments(order_id)]
        return mapper.to_order(
            raw, timezone=self.connection.timezone, refunds=refunds, fulfillments=fulfillments
        )

    def read_product(self, product_id: str) -> ProductData:
        return self._to_product(self.client.product(product_id).body)

    def order_ids(self, filters: Filters) -> Iterable[str]:
        for page in reading.read(
            self.client.orders,
            lambda raw: str(msgspec.json.decode(raw, type=shapes.Identified).id),  # type: ignore[arg-type,return-value]
            Filters(since=filters.since, until=filters.until, by=ReadBy.PLACED),
            extra={**_ALL_ORDERS, "_fields": "id"},
        ):
            yield from page.records  # type: ignore[misc]

    def _readable(self, filters: Filters) -> Filters:
        """A store without the filter on changes is read whole, by id: slower, and nothing is
        missed.
        """
        if filters.by is ReadBy.CHANGED and not self.features.modified_filter:
            return Filters(by=ReadBy.PLACED, page_size=filters.page_size, ids=filters.ids)
        return filters

    def _to_product(self, raw: bytes) -> ProductData:
        product = shapes.decode(raw, shapes.Product)
        variations: list[shapes.Product] = []
        if product.type == "variable" and product.variations:
            variations = self._variations(product.id)
        return catalogue.to_product(
            product,
            variations,
            timezone=self.connection.timezone,
            weight_unit=self.features.weight_unit,
            raw=raw,
        )

    def _variations(self, product_id: int) -> list[shapes.Product]:
        found: list[shapes.Product] = []
        page = 1
        while True:
            params = {"per_page": 100, "page": page, "orderby": "id", "order": "asc"}
            rows = self.client.variations(product_id, params).decode(list[msgspec.Raw])
            found += [shapes.decode(bytes(r), shapes.Product) for r in rows]
            if len(rows) < 100:
                return found
            page += 1

    # -- writing -------------------------------------------------------------------------------

    def update_order_status(
        self, order_id: str, status: OrderStatus, shipment: ShipmentData | None = None
    ) -> bool:
        """With ``shipment`` the parcel is told and the status left alone; without it the status is
        set.
        """
        if shipment is not None:
            return shipping.tell(self.client, self.features.shipment_level, order_id, shipment)
        word = mapper.STATUS_OUT.get(status)
        if word is None:
            raise Rejected(f"WooCommerce has no status for “{status}”.", code="no_such_status")
        return self._set_status(order_id, word)

    def cancel_order(self, order_id: str, reason: str = "") -> bool:
        changed = self._set_status(order_id, mapper.STATUS_OUT[OrderStatus.CANCELLED])
        if changed and reason:
            self.client.add_note(order_id, f"Cancelled: {reason}", to_customer=False)
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
        rows = self.client.products({"sku": sku, "per_page": 2}).decode(list[msgspec.Raw])
        if len(rows) != 1:
            many = "more than one listing" if rows else "no listing"
            raise NotFound(f"The store has {many} with SKU “{sku}”.")
        item = shapes.decode(bytes(rows[0]), shapes.Product)
        parent = item.parent_id or item.id
        return StockUpdate(
            sku=sku,
            quantity=quantity,
            external_product_id=str(parent),
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
        return webhooks.to_events(payload, timezone=self.connection.timezone)

    @staticmethod
    def dedupe_key(delivery: RawDelivery) -> str:
        return webhooks.dedupe_key(delivery)

    @staticmethod
    def is_ping(body: bytes) -> bool:
        return webhooks.is_ping(body)


def _timezone(site: dict[str, Any]) -> str:
    """The site's zone; WordPress gives a bare offset where none was named."""
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
