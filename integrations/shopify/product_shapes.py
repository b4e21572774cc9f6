"""Products, variants and what is counted of them, as Shopify tells them: the part of ``shapes``
that orders have no use for.
"""

from __future__ import annotations

from msgspec import field

from integrations.shopify.shapes import Amount, Camel, Connection, Number, Owner


class Quantity(Camel):
    quantity: int


class Level(Camel):
    """What is kept of an item at a location, which is named where several are told."""

    updated_at: str = ""
    location: Owner | None = None
    quantities: list[Quantity] = field(default_factory=list)


class Weight(Camel):
    unit: str
    value: float


class Measurement(Camel):
    weight: Weight | None = None


class InventoryItem(Camel):
    id: str
    legacy_resource_id: Number
    tracked: bool
    updated_at: str = ""
    inventory_level: Level | None = None
    inventory_levels: Connection[Level] = field(default_factory=Connection)
    measurement: Measurement | None = None


class Option(Camel):
    name: str
    value: str


class Sold(Camel):
    legacy_resource_id: Number
    sku: str | None = None


class Part(Camel):
    """``quantity`` units of another variant in one bundle."""

    quantity: int
    product_variant: Sold


class Bundle(Camel):
    id: str
    product_variant_components: Connection[Part]


class Variant(Camel):
    """``parts`` are asked for where it is a bundle: few are."""

    id: str
    legacy_resource_id: Number
    inventory_item: InventoryItem
    title: str | None = None
    sku: str | None = None
    barcode: str | None = None
    price: Amount = None
    inventory_policy: str = ""
    requires_components: bool = False
    selected_options: list[Option] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)


class Product(Camel):
    id: str
    legacy_resource_id: Number
    title: str
    status: str
    updated_at: str
    vendor: str | None = None
    product_type: str | None = None
    tags: list[str] = field(default_factory=list)
    has_only_default_variant: bool = False
    variants: Connection[Variant] = field(default_factory=Connection)
