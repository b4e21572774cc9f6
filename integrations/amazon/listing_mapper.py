"""A listing as Amazon's marketplaces tell it, made into ``ProductData``. Pure. Source: the model
``listingsItems_2021-08-01``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

from integrations.amazon import shapes
from integrations.amazon.marketplaces import name_of
from integrations.amazon.values import known_moment, text
from integrations.errors import ContractBroken
from integrations.kit.text import parse_money
from inventory.data import ListingChannelData, ProductData, VariantData

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
OWN_CHANNEL = "DEFAULT"
_PRICE = "B2C"
# The model's `status` of a summary.
_BUYABLE = "BUYABLE"
_NO_SUMMARY = shapes.Summary(marketplace_id="")


@dataclass(frozen=True, slots=True)
class Row:
    """One listing as ``place`` has it. ``trouble`` where it cannot be read."""

    sku: str
    place: str
    changed_at: datetime
    raw: bytes
    listing: shapes.Listing | None = None
    trouble: ContractBroken | None = None

    @property
    def is_parent(self) -> bool:
        """The head of a family of variations: it is not sold itself, its children are listings."""
        told = self.listing.relationships if self.listing else []
        return any(one.child_skus for row in told for one in row.relationships)

    @property
    def summary(self) -> shapes.Summary | None:
        """None of a listing that has never been for sale there."""
        told = self.listing.summaries if self.listing else []
        return next((one for one in told if one.marketplace_id == self.place), None)


def to_row(raw: bytes, place: str) -> Row:
    try:
        listing = shapes.decode(raw, shapes.Listing)
    except ContractBroken as err:
        return Row(_sku_of(raw), place, EPOCH, raw, trouble=err)
    row = Row(listing.sku, place, EPOCH, raw, listing)
    if row.summary is None:
        return row
    try:
        told = row.summary.last_updated_date
        return replace(row, changed_at=known_moment(told, "$.summaries[0].lastUpdatedDate"))
    except ContractBroken as err:
        return replace(row, trouble=err)


def to_product(rows: Sequence[Row]) -> ProductData:
    """One SKU as all connected marketplaces that have it tell it, the first its title and price.
    Raises ContractBroken. What Amazon keeps itself is not counted here: it has no figure.
    """
    first = rows[0]
    if first.trouble or first.listing is None:
        raise first.trouble or ContractBroken("A listing cannot be read.")
    channels = tuple(_channel(row) for row in rows if row.listing and not row.trouble)
    told = channels[0]
    variant = VariantData(
        external_id=first.sku,
        sku=first.sku,
        price=told.price,
        stock=figure(first.listing),
        stock_ref=first.sku,
    )
    return ProductData(
        external_id=first.sku,
        title=told.title,
        changed_at=first.changed_at,
        raw_status=told.raw_status,
        is_listed=bool(told.raw_status),
        variants=(variant,),
        currency=told.currency,
        channels=channels,
        custom=_custom(first, first.listing),
        raw=first.raw,
    )


def is_amazons(listing: shapes.Listing) -> bool:
    """Whether the units lie in Amazon's warehouses: then nobody but Amazon counts them."""
    return any(
        one.fulfillment_channel_code != OWN_CHANNEL for one in listing.fulfillment_availability
    )


def figure(listing: shapes.Listing) -> int | None:
    """What shoppers can buy of what the seller keeps; None of what Amazon keeps."""
    if is_amazons(listing):
        return None
    own = listing.fulfillment_availability
    return (own[0].quantity or 0) if own else None


def _channel(row: Row) -> ListingChannelData:
    summary = row.summary or _NO_SUMMARY
    price, currency = _price(row)
    return ListingChannelData(
        channel=row.place,
        external_variant_id=row.sku,
        external_id=text(summary.asin, 20),
        title=text(summary.item_name) or row.sku,
        price=price,
        currency=currency,
        raw_status=", ".join(text(word, 40) for word in summary.status)[:120],
        is_buyable=_BUYABLE in summary.status,
    )


def _price(row: Row) -> tuple[Decimal | None, str]:
    """With its currency."""
    for number, offer in enumerate(row.listing.offers if row.listing else ()):
        if offer.marketplace_id == row.place and offer.offer_type == _PRICE:
            try:
                amount = parse_money(offer.price.amount, rounded=True)
            except ValueError as err:
                raise ContractBroken(str(err), path=f"$.offers[{number}].price") from err
            return amount, text(offer.price.currency_code, 3)
    return None, ""


def _custom(row: Row, listing: shapes.Listing) -> dict[str, str]:
    summary = row.summary or _NO_SUMMARY
    found = {
        "asin": text(summary.asin, 20),
        "marketplace": name_of(row.place),
        "condition": text(summary.condition_type, 40),
        "fulfilled_by": "Amazon" if is_amazons(listing) else "",
    }
    return {name: value for name, value in found.items() if value}


def _sku_of(raw: bytes) -> str:
    try:
        return shapes.decode(raw, shapes.Named).sku
    except ContractBroken:
        return ""
