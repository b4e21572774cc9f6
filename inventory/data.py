"""Plain records by which products and stock are told about. No Django here, so that adapters may
use them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

# The largest figure a person may give for units of one item: every column and sum has room for it.
MOST_UNITS = 100_000_000


class ProductKind(StrEnum):
    SIMPLE = "simple"
    VARIABLE = "variable"
    GROUPED = "grouped"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartData:
    """``quantity`` units of another variant of the same store in one bundle."""

    external_variant_id: str
    sku: str = ""
    quantity: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantData:
    """What can be bought and counted. A simple product has exactly one, whose ids are the product's
    own.

    ``stock`` is the store's own figure in whole units, None where the store does not count this
    item. ``stock_at`` is that figure by the store's location, where it keeps one for each: of the
    locations that count here alone, and of those the item is kept at. ``stock_ref`` names where the
    store keeps the figure: two variants with one ``stock_ref`` share one count (WooCommerce: stock
    managed at the parent). It is what ``update_inventories`` addresses. ``kept_back`` are units
    that the store itself takes off its figure, by its location, or under "" off all together: a
    threshold, a safety stock. They count where the platform's card says so (``compensation``).

    ``backorders``: the store goes on selling it below zero.

    ``is_bundle``: the store itself computes what can be sold of it, from ``parts``; these are all
    of them, or none where the store does not tell.
    """

    external_id: str
    sku: str = ""
    barcode: str = ""
    title: str = ""
    price: Decimal | None = None
    weight_g: Decimal | None = None
    stock: int | None = None
    stock_at: Mapping[str, int] = field(default_factory=dict)
    stock_ref: str = ""
    kept_back: Mapping[str, int] = field(default_factory=dict)
    backorders: bool = False
    is_bundle: bool = False
    parts: tuple[PartData, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingChannelData:
    """What one ``channel`` of a store, by its id, says of a variant: ``external_id`` is the name it
    has there, ``raw_status`` the channel's own words, ``is_buyable`` whether shoppers can buy it
    there now. ``currency`` is ``price``'s.
    """

    channel: str
    external_variant_id: str
    external_id: str = ""
    title: str = ""
    price: Decimal | None = None
    currency: str = ""
    raw_status: str = ""
    is_buyable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductData:
    """``changed_at`` is aware UTC; ``variants_complete`` is False when an answer held only some of
    them. ``categories`` are the store's own names of what it belongs to, the narrowest first where
    the store tells. ``currency`` of its prices where they are not in the store's own. ``channels``
    is what each of the store's channels that offers it says; none of a store without channels.
    """

    external_id: str
    title: str
    changed_at: datetime
    kind: ProductKind = ProductKind.SIMPLE
    raw_status: str = ""
    is_listed: bool = True
    variants: tuple[VariantData, ...] = ()
    variants_complete: bool = True
    gone: bool = False
    currency: str = ""
    channels: tuple[ListingChannelData, ...] = ()
    categories: tuple[str, ...] = ()
    custom: Mapping[str, Any] = field(default_factory=dict)
    raw: bytes = field(default=b"", repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StockUpdate:
    """Set the store's figure for one listing to ``quantity`` (absolute, ≥ 0), at one of its
    locations where it keeps a figure for each.
    """

    sku: str
    quantity: int
    external_product_id: str
    external_variant_id: str
    stock_ref: str = ""
    external_location_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StockResult:
    """Answer for one ``StockUpdate``, same order as sent. ``observed`` is the figure the store
    reports afterwards.
    """

    ok: bool
    changed: bool = True
    observed: int | None = None
    error_code: str = ""
    error: str = ""


def kept_id(place: str, external_variant_id: str) -> str:
    """What a record of a listing's units at a place is called. A place's id has no colon."""
    return f"{place}:{external_variant_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPlace:
    """Warehouses of a platform's own whose units it counts as one."""

    external_id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptStock:
    """Units of one listing that the platform keeps at ``place`` and counts there itself. All of
    them but ``inbound``, which are still on their way, lie there; only the ``sellable`` can be
    bought. ``reserved``: for its own orders and moves, ``researching``: it looks for them.
    ``changed_at`` (aware UTC) is the platform's own word, None where it gives none.
    """

    place: KeptPlace
    external_variant_id: str
    sku: str
    title: str = ""
    sellable: int = 0
    reserved: int = 0
    inbound: int = 0
    unsellable: int = 0
    researching: int = 0
    changed_at: datetime | None = None
    raw: bytes = field(default=b"", repr=False, compare=False)

    @property
    def external_id(self) -> str:
        return kept_id(self.place.external_id, self.external_variant_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreLocationData:
    """A place as the store knows it. ``is_online``: online orders are sent from there."""

    external_id: str
    name: str
    is_active: bool = True
    is_online: bool = True
