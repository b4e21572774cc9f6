"""Reading products with their variations, which WooCommerce keeps in lists of their own.

A variation that changes does not always change its product, so where the store has one list of all
variations (11.0, not yet 8.9) a walk along changes goes through both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from integrations.base import Filters, Page, ReadBy, Unreadable
from integrations.errors import ContractBroken, NotFound
from integrations.woocommerce import catalogue, reading, shapes
from integrations.woocommerce.client import MOST, WooClient
from integrations.woocommerce.features import Features
from integrations.woocommerce.reading import Item, Mapped
from integrations.woocommerce.values import ident
from inventory.data import ProductData

_LISTED = {"status": "any"}
_SECOND_LIST = "variations"


class ProductReader:
    def __init__(self, client: WooClient, features: Features, timezone: str) -> None:
        self._client = client
        self._features = features
        self._timezone = timezone
        self._products = reading.Source(client.products, self._to_records, _LISTED, timezone)
        self._parents = reading.Source(client.variations, self._to_parents, _LISTED, timezone)

    def read(self, filters: Filters) -> Iterator[Page[ProductData]]:
        """Pages for any filters; a walk along changes also meets products whose variations alone
        changed. The first reading of all meets every product anyway.
        """
        walks = filters.by is ReadBy.CHANGED and not filters.ids and not filters.number
        if not (walks and filters.since and self._features.all_variations):
            yield from reading.read(self._products, filters)
            return
        place = filters.position or {}
        if _SECOND_LIST not in place:
            for page in reading.read(self._products, filters):
                yield replace(page, last=False)
        inner = replace(filters, position=place.get(_SECOND_LIST))
        for page in reading.read(self._parents, inner):
            yield replace(page, position={_SECOND_LIST: dict(page.position)})

    def one(self, product_id: str) -> ProductData:
        """Raises NotFound; ContractBroken when it or one of its variations cannot be read."""
        raw = self._client.product(product_id).body
        mapped = self._to_records([Item(product_id, None, raw)])
        for bad in mapped.unreadable:
            raise ContractBroken(bad.reason, path=bad.path, code=bad.code)
        return mapped.records[0]

    def _to_records(self, items: Sequence[Item]) -> Mapped[ProductData]:
        read: list[tuple[Item, shapes.Product]] = []
        bad: list[Unreadable] = []
        for item in items:
            try:
                read.append((item, shapes.decode(reading.readable(item), shapes.Product)))
            except ContractBroken as err:
                bad.append(reading.unreadable(item, err))
        varied = [product.id for _, product in read if catalogue.has_variations(product)]
        variations = self._variations(varied) if varied else {}
        records: list[ProductData] = []
        for item, product in read:
            try:
                record, broken = self._to_record(item, product, variations.get(product.id, []))
                records.append(record)
            except ContractBroken as err:
                broken = reading.unreadable(item, err)
            if broken:
                bad.append(broken)
        return Mapped(records, bad)

    def _to_record(
        self, item: Item, product: shapes.Product, raws: Sequence[bytes]
    ) -> tuple[ProductData, Unreadable | None]:
        """The product with those variations that can be read; one that cannot is told beside it."""
        variations: list[shapes.Product] = []
        broken: Unreadable | None = None
        for raw in raws:
            try:
                variations.append(shapes.decode(raw, shapes.Product))
            except ContractBroken as err:
                reason = f"One of its variations cannot be read: {err.message}"
                broken = replace(
                    reading.unreadable(item, err), reason=reason, raw=raw, path=err.path
                )
        record = catalogue.to_product(
            product,
            variations,
            timezone=self._timezone,
            weight_unit=self._features.weight_unit,
            complete=broken is None,
            raw=item.raw,
        )
        return record, broken

    def _variations(self, product_ids: Sequence[int]) -> dict[int, list[bytes]]:
        """Raw variations by product. A product that went meanwhile has none."""
        found: dict[int, list[bytes]] = defaultdict(list)
        if self._features.all_variations:
            for start in range(0, len(product_ids), MOST):
                for raw in self._client.variations_of_all(product_ids[start : start + MOST]):
                    found[_parent_of(raw)].append(raw)
            return found
        for product_id in product_ids:
            try:
                found[product_id] = list(self._client.variations_of(product_id))
            except NotFound:
                continue
        return found

    def _to_parents(self, items: Sequence[Item]) -> Mapped[ProductData]:
        """The products of these variations, each read anew."""
        parents: dict[str, None] = {}
        bad: list[Unreadable] = []
        for item in items:
            try:
                parents[str(_parent_of(reading.readable(item)))] = None
            except ContractBroken as err:
                bad.append(reading.unreadable(item, err))
        records: list[ProductData] = []
        for page in reading.read(self._products, Filters(ids=tuple(parents))) if parents else ():
            records += page.records
            bad += page.unreadable
        return Mapped(records, bad)


def _parent_of(raw: bytes) -> int:
    """Raises ContractBroken."""
    parent = ident(shapes.decode(raw, shapes.Thin).parent_id)
    if not parent.isdecimal():
        raise ContractBroken("The variation does not name its product.", path="$.parent_id")
    return int(parent)
