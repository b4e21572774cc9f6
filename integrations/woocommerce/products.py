"""Reading products with their variations, which WooCommerce keeps in lists of their own.

A variation that changes does not always change its product, so where the store has one list of all
variations (11.0, not yet 8.9) a walk along changes goes through both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from integrations.base import Filters, Page, ReadBy, Unreadable
from integrations.errors import ContractBroken, NotFound
from integrations.woocommerce import catalogue, reading, records, shapes
from integrations.woocommerce.client import MOST, WooClient
from integrations.woocommerce.features import Features
from integrations.woocommerce.records import Item, Mapped
from integrations.woocommerce.values import ident
from inventory.data import ProductData

Products = records.Source[ProductData]
_LISTED = {"status": "any"}
_SECOND_LIST = "variations"


class ProductReader:
    def __init__(self, client: WooClient, features: Features, timezone: str) -> None:
        self._client = client
        self._features = features
        self._timezone = timezone
        self._products = records.Source(client.products, self._to_records, _LISTED, timezone)

    def read(self, filters: Filters) -> Iterator[Page[ProductData]]:
        """Pages for any filters; a walk along changes also meets products whose variations alone
        changed. The first reading of all meets every product anyway.
        """
        walks = filters.by is ReadBy.CHANGED and not filters.ids and not filters.number
        if walks and filters.since and self._features.all_variations:
            yield from reading.in_turn(*self._both_lists(), filters, _SECOND_LIST)
        else:
            yield from reading.read(self._products, filters)

    def _both_lists(self) -> tuple[Products, Products]:
        """Products, and those of changed variations that were not just read with that change."""
        told: dict[str, datetime] = {}

        def noted(items: Sequence[Item]) -> Mapped[ProductData]:
            mapped = self._to_records(items)
            told.update((r.external_id, r.changed_at) for r in mapped.records)
            return mapped

        def parents(items: Sequence[Item]) -> Mapped[ProductData]:
            return self._to_parents(items, told)

        first = replace(self._products, to_records=noted)
        return first, replace(self._products, ask=self._client.variations, to_records=parents)

    def one(self, product_id: str) -> ProductData:
        """The product, or the one whose variation ``product_id`` is: the API answers for both.
        Raises NotFound; ContractBroken when it or one of its variations cannot be read.
        """
        raw = self._client.product(product_id).body
        if shapes.decode(raw, shapes.Thin).type == catalogue.VARIATION:
            product_id = str(_parent_of(raw))
            raw = self._client.product(product_id).body
        mapped = self._to_records([Item(product_id, None, raw)])
        for bad in mapped.unreadable:
            raise ContractBroken(bad.reason, path=bad.path, code=bad.code)
        return mapped.records[0]

    def _to_records(self, items: Sequence[Item]) -> Mapped[ProductData]:
        read: list[tuple[Item, shapes.Product]] = []
        bad: list[Unreadable] = []
        varied: list[int] = []
        for item in items:
            try:
                product = shapes.decode(records.readable(item), shapes.Product)
                varied += [product.id] if catalogue.named(product) else []
                read.append((item, product))
            except ContractBroken as err:
                bad.append(records.unreadable(item, err))
        variations = self._variations(varied) if varied else {}
        mapped: list[ProductData] = []
        for item, product in read:
            try:
                record, broken = self._to_record(item, product, variations.get(product.id, []))
                mapped.append(record)
            except ContractBroken as err:
                broken = records.unreadable(item, err)
            if broken:
                bad.append(broken)
        return Mapped(mapped, bad)

    def _to_record(
        self, item: Item, product: shapes.Product, raws: Sequence[bytes]
    ) -> tuple[ProductData, Unreadable | None]:
        """The product with those variations that can be read; one that cannot is told beside it.

        It is complete only when all came that it names: a hiccup of the list of variations must not
        look like variations that went, whose stock nobody would write any more.
        """
        variations: list[shapes.Product] = []
        broken: Unreadable | None = None
        for raw in raws:
            try:
                variations.append(shapes.decode(raw, shapes.Product))
            except ContractBroken as err:
                reason = f"One of its variations cannot be read: {err.message}"
                broken = replace(
                    records.unreadable(item, err), reason=reason, raw=raw, path=err.path
                )
        record = catalogue.to_product(
            product,
            variations,
            timezone=self._timezone,
            weight_unit=self._features.weight_unit,
            complete=broken is None and catalogue.named(product) <= {v.id for v in variations},
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

    def _to_parents(
        self, items: Sequence[Item], told: Mapping[str, datetime]
    ) -> Mapped[ProductData]:
        """The products of these variations, each read anew; ``told`` says up to which change they
        were read before.
        """
        parents: dict[str, None] = {}
        bad: list[Unreadable] = []
        for item in items:
            try:
                parent = str(_parent_of(records.readable(item)))
                if parent not in told or item.changed_at is None or item.changed_at > told[parent]:
                    parents[parent] = None
            except ContractBroken as err:
                bad.append(records.unreadable(item, err))
        mapped: list[ProductData] = []
        for page in reading.read(self._products, Filters(ids=tuple(parents))) if parents else ():
            mapped += page.records
            bad += page.unreadable
        return Mapped(mapped, bad)


def _parent_of(raw: bytes) -> int:
    """Raises ContractBroken."""
    parent = ident(shapes.decode(raw, shapes.Thin).parent_id)
    if not parent.isdecimal():
        raise ContractBroken("The variation does not name its product.", path="$.parent_id")
    return int(parent)
