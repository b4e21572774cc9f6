"""Reading products with their variants, and finding what a SKU or an inventory item belongs to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from integrations.base import Filters, Page
from integrations.errors import NotFound
from integrations.shopify import catalogue, product_shapes, reading, records, shapes
from integrations.shopify.client import ShopifyClient
from integrations.shopify.records import Source
from integrations.shopify.shapes import Camel, Owner
from integrations.shopify.values import gid, quoted, text
from inventory.data import ProductData, StockUpdate

# Left to itself the search shows active products alone: one that was hidden would go unnoticed.
_ANY_STATUS = "status:active,archived,draft,unlisted"
# News of stock name the item that is counted, not the product it is sold as.
ITEM = "item:"
_ANY = "gid://shopify/Location/0"


class _Sold(Camel):
    product: Owner


class _Item(Camel):
    variants: shapes.Connection[_Sold] | None = None


class _Listing(Camel):
    legacy_resource_id: shapes.Number
    product: Owner
    inventory_item: Owner
    sku: str | None = None


class ProductReader:
    """``locations`` are those whose figures are read, by their numbers."""

    def __init__(self, client: ShopifyClient, locations: Sequence[str] = ()) -> None:
        self.client = client
        self.locations = locations
        self.figures: dict[str, Any] = {
            "location": gid("Location", locations[0]) if locations else _ANY,
            "atOne": len(locations) == 1,
            "atSeveral": len(locations) > 1,
        }
        self.source: Source[ProductData] = Source(
            client=client,
            kind="Product",
            root="products",
            pages="products",
            ids="product_ids",
            by_ids="products_by_id",
            variables=self.figures,
            to_record=self._to_product,
            term=_ANY_STATUS,
        )

    def read(self, filters: Filters) -> Iterator[Page[ProductData]]:
        yield from reading.read(self.source, filters)

    def one(self, product_id: str) -> ProductData:
        """By its number, or by that of an inventory item (``item:…``). Raises NotFound."""
        if product_id.startswith(ITEM):
            product_id = self._product_of(product_id.removeprefix(ITEM))
        gid("Product", product_id)
        found = records.by_ids(self.source, [product_id])
        if not found:
            raise NotFound("The store does not have this product (any more).")
        return self._to_product(found[0].raw)

    def find(self, sku: str, quantity: int) -> StockUpdate:
        """The one variant with this SKU, at the store's location if there is but one. Raises
        NotFound for no variant or several. The search looks for words in any case, so what it finds
        is looked at.
        """
        wanted = sku.strip()
        found: list[_Listing] = []
        if wanted:
            reply = self.client.ask("listings_by_sku", {"query": f"sku:{quoted(wanted)}"})
            listed = reply.at("productVariants", shapes.Connection[_Listing])
            found = [row for row in listed.nodes if text(row.sku, 128).strip() == wanted]
        if len(found) != 1:
            many = "more than one listing" if found else "no listing"
            raise NotFound(f"The store has {many} with SKU “{sku}”.")
        (row,) = found
        return StockUpdate(
            sku=sku,
            quantity=quantity,
            external_product_id=row.product.legacy_resource_id,
            external_variant_id=row.legacy_resource_id,
            stock_ref=row.inventory_item.legacy_resource_id,
            external_location_id=self.locations[0] if len(self.locations) == 1 else "",
        )

    def _product_of(self, item_id: str) -> str:
        reply = self.client.ask("product_of_item", {"id": gid("InventoryItem", item_id)})
        sold = reply.at("inventoryItem", _Item).variants
        if sold is None or not sold.nodes:
            raise NotFound("The store sells this item as no product (any more).")
        return sold.nodes[0].product.legacy_resource_id

    def _to_product(self, raw: bytes) -> ProductData:
        product = shapes.decode(raw, product_shapes.Product)
        if rest := product.variants.rest:
            product.variants.nodes += self.client.connection(
                "product_variants",
                {"id": product.id, **self.figures},
                "product",
                "variants",
                product_shapes.Variant,
                rest,
            )
            product.variants.page_info = None
        for variant in product.variants.nodes:
            self._complete(variant.inventory_item)
        self._put_together([x for x in product.variants.nodes if x.requires_components])
        return catalogue.to_product(raw, product=product, locations=self.locations)

    def _complete(self, item: product_shapes.InventoryItem) -> None:
        """Read on where the item is kept at more locations than shown and one of ours is not among
        those.
        """
        levels = item.inventory_levels
        shown = {level.location.legacy_resource_id for level in levels.nodes if level.location}
        if levels.rest and item.tracked and not shown.issuperset(self.locations):
            levels.nodes += self.client.connection(
                "item_levels",
                {"id": item.id},
                "inventoryItem",
                "inventoryLevels",
                product_shapes.Level,
                levels.rest,
            )

    def _put_together(self, variants: Sequence[product_shapes.Variant]) -> None:
        """Read what bundles are made of. In the list of products it would more than double what
        each costs, in every store. Raises NotFound.
        """
        found: dict[str, shapes.Connection[product_shapes.Part]] = {}
        for _, reply in self.client.by_ids("bundles", [x.id for x in variants]):
            for bundle in reply.at("nodes", list[product_shapes.Bundle | None]):
                if bundle:
                    found[bundle.id] = bundle.product_variant_components
        for variant in variants:
            if variant.id not in found:
                raise NotFound("The store does not have this bundle any more.")
            parts = found[variant.id]
            variant.parts = list(parts.nodes)
            if parts.rest:
                variant.parts += self.client.connection(
                    "bundle_parts",
                    {"id": variant.id},
                    "productVariant",
                    "productVariantComponents",
                    product_shapes.Part,
                    parts.rest,
                )
