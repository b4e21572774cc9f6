"""What a listing is: one SKU, offered in some marketplaces, kept by the seller or by Amazon."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec import Struct

MERCHANT_CHANNEL = "DEFAULT"


class Offer(Struct):
    """In one marketplace, in its currency. Moments are epoch seconds."""

    price: Decimal
    created: int
    updated: int
    business_price: Decimal | None = None


class Stock(Struct):
    """Units in or on their way to Amazon's warehouses, as ``getInventorySummaries`` tells them."""

    fulfillable: int
    updated: int
    inbound_working: int = 0
    inbound_shipped: int = 0
    inbound_receiving: int = 0
    pending_orders: int = 0
    transshipment: int = 0
    processing: int = 0
    customer_damaged: int = 0
    warehouse_damaged: int = 0
    researching: int = 0

    @property
    def total(self) -> int:
        inbound = self.inbound_working + self.inbound_shipped + self.inbound_receiving
        reserved = self.pending_orders + self.transshipment + self.processing
        damaged = self.customer_damaged + self.warehouse_damaged
        return self.fulfillable + inbound + reserved + damaged + self.researching


class Issue(Struct, frozen=True):
    code: str
    message: str
    severity: str = "ERROR"
    attributes: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    suppresses: bool = False


class Listing(Struct):
    """``quantity`` is what shoppers can buy now, None where Amazon keeps it; ``attributes`` is what
    the seller has submitted. The two are told apart (amzn/selling-partner-api-models#5327): a sale
    lowers the first and leaves the second. One quantity serves all marketplaces (assumed).
    ``stock`` is Amazon's, by the units, the same for all marketplaces but those that are served
    from warehouses of their own, which ``piles`` has; ``parent`` and ``children`` are SKUs of a
    variation.
    """

    sku: str
    asin: str
    listing_id: str
    product_type: str
    title: str
    ean: str
    created: int
    updated: int
    channel: str = MERCHANT_CHANNEL
    condition: str = "new_new"
    fnsku: str = ""
    quantity: int | None = None
    stock: Stock | None = None
    piles: dict[str, Stock] = {}
    offers: dict[str, Offer] = {}
    attributes: dict[str, list[dict[str, Any]]] = {}
    issues: list[Issue] = []
    parent: str = ""
    children: list[str] = []

    @property
    def is_amazons(self) -> bool:
        return self.channel != MERCHANT_CHANNEL

    @property
    def for_sale(self) -> int:
        """Units that can be bought now."""
        return self.stock.fulfillable if self.stock else self.quantity or 0

    @property
    def is_suppressed(self) -> bool:
        return any(issue.suppresses for issue in self.issues)


class Submission(Struct):
    """A change that was accepted and is not seen yet. ``patches`` are as they were sent."""

    sku: str
    marketplaces: list[str]
    patches: list[dict[str, Any]]
