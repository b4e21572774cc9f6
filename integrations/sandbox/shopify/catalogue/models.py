"""What the catalogue and the stock keep. Class names are the schema's type names."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from integrations.sandbox.shopify.models import Metafield

QUANTITIES = ("available", "committed", "reserved", "damaged", "safety_stock", "quality_control")
"""What lies at a place; ``on_hand`` is their sum, ``incoming`` is on its way."""


class Location(Struct):
    """``service`` names the fulfilment service whose location this is; empty: the merchant's."""

    id: int
    name: str
    address1: str
    city: str
    zip: str
    created_at: int
    updated_at: int
    country: str = "Germany"
    country_code: str = "DE"
    is_active: bool = True
    deactivated_at: int | None = None
    ships_inventory: bool = True
    fulfills_online_orders: bool = True
    service: str = ""


class InventoryItem(Struct):
    id: int
    variant_id: int
    sku: str
    created_at: int
    updated_at: int
    tracked: bool = True
    requires_shipping: bool = True
    cost: Decimal | None = None
    weight_kg: float = 0.0
    country_code_of_origin: str | None = None
    province_code_of_origin: str | None = None
    harmonized_system_code: str | None = None


class InventoryLevel(Struct):
    """An item at a location. ``touched`` is when each quantity last changed."""

    id: int
    item_id: int
    location_id: int
    created_at: int
    updated_at: int
    available: int = 0
    committed: int = 0
    reserved: int = 0
    damaged: int = 0
    safety_stock: int = 0
    quality_control: int = 0
    incoming: int = 0
    is_active: bool = True
    touched: dict[str, int] = {}

    @property
    def on_hand(self) -> int:
        return sum(getattr(self, name) for name in QUANTITIES)


class ProductVariant(Struct):
    """``components`` are (variant id, quantity) of a bundle."""

    id: int
    product_id: int
    item_id: int
    sku: str
    price: Decimal
    position: int
    created_at: int
    updated_at: int
    options: list[str] = []
    barcode: str | None = None
    compare_at_price: Decimal | None = None
    taxable: bool = True
    inventory_policy: str = "DENY"
    components: list[tuple[int, int]] = []
    metafields: list[Metafield] = []

    @property
    def title(self) -> str:
        return " / ".join(self.options) or "Default Title"


class Product(Struct):
    """``options`` are (name, values)."""

    id: int
    title: str
    handle: str
    vendor: str
    product_type: str
    created_at: int
    updated_at: int
    published_at: int | None
    status: str = "ACTIVE"
    description_html: str = ""
    tags: list[str] = []
    options: list[tuple[str, list[str]]] = []
    variant_ids: list[int] = []
    is_gift_card: bool = False
    metafields: list[Metafield] = []


class DeletedVariant(Struct, frozen=True):
    """Sold once, gone since: order lines still name it."""

    product_id: int
    variant_id: int
    title: str
    sku: str
    price: Decimal


class Change(Struct, frozen=True):
    """One quantity of one level, changed. Served as InventoryChange."""

    item_id: int
    location_id: int
    name: str
    delta: int
    after: int
    ledger_document_uri: str | None = None


class InventoryAdjustmentGroup(Struct):
    id: int
    created_at: int
    reason: str
    reference_document_uri: str | None
    rows: list[Change]
