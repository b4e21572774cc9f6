"""Listings: a SKU of the seller, with one figure of stock for all marketplaces.

Amazon keys stock by seller and SKU, whatever marketplace a call names, as its own people say
(https://github.com/amzn/selling-partner-api-docs/issues/3167 and -models/issues/4356), so a SKU is
one product here, told by the first connected marketplace that has it. Every call tells of one
marketplace alone (…-docs/issues/2362).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from integrations.amazon import shapes
from integrations.amazon.account import Account
from integrations.amazon.client import AmazonClient
from integrations.amazon.marketplaces import name_of
from integrations.amazon.platform import LISTINGS_ON_A_PAGE
from integrations.amazon.values import as_iso, known_moment, text
from integrations.base import Filters, Page, Unreadable
from integrations.errors import ContractBroken, ItemError, NotFound
from integrations.kit.pagination import Fetched, keyset
from integrations.kit.text import parse_money
from inventory.data import ProductData, StockUpdate, VariantData

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
OWN_CHANNEL = "DEFAULT"
_PRICE = "B2C"


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
        told = self.listing.summaries if self.listing else []
        return next((one for one in told if one.marketplace_id == self.place), None)


class ListingReader:
    def __init__(self, client: AmazonClient, account: Account) -> None:
        self._client = client
        self._account = account
        self._store_time: datetime | None = None

    def read(self, filters: Filters) -> Iterator[Page[ProductData]]:
        """Marketplace by marketplace, in each along its changes. Raises any PlatformError."""
        if filters.ids:
            found = self.find(filters.ids)
            yield self._page([found[x] for x in filters.ids if x in found], {}, last=True)
            return
        position = filters.position or {}
        places = self._account.places
        begin = places.index(position["place"]) if position.get("place") in places else 0
        for number, place in enumerate(places[begin:], begin):
            at = position.get("at") if number == begin else None
            yield from self._walk(place, filters, at, is_last=number == len(places) - 1)

    def one(self, sku: str) -> ProductData:
        """Raises NotFound, ContractBroken."""
        found = self.find([sku]).get(sku)
        if found is None:
            raise NotFound(f"The store has no listing with SKU “{sku}”.")
        if found.trouble:
            raise found.trouble
        return to_product(found)

    def address(self, sku: str, quantity: int) -> StockUpdate:
        """Raises NotFound."""
        if sku not in self.find([sku]):
            raise NotFound(f"The store has no listing with SKU “{sku}”.")
        return StockUpdate(
            sku=sku,
            quantity=quantity,
            external_product_id=sku,
            external_variant_id=sku,
            stock_ref=sku,
        )

    def find(self, skus: Sequence[str], places: Sequence[str] | None = None) -> dict[str, Row]:
        """The listings of these SKUs, each as the first of the marketplaces tells it."""
        found: dict[str, Row] = {}
        for place in self._account.places if places is None else places:
            left = [sku for sku in dict.fromkeys(skus) if sku and sku not in found]
            for start in range(0, len(left), LISTINGS_ON_A_PAGE):
                part = left[start : start + LISTINGS_ON_A_PAGE]
                found |= {row.sku: row for row in self._look(part, place) if row.sku in part}
        return found

    def _look(self, skus: Sequence[str], place: str) -> Iterator[Row]:
        """A SKU with a comma cannot stand in a list."""
        plain = [sku for sku in skus if "," not in sku]
        if plain:
            asked = {
                "identifiers": plain,
                "identifiersType": "SKU",
                "pageSize": LISTINGS_ON_A_PAGE,
            }
            yield from self._rows(place, asked)[0]
        for sku in skus:
            if "," in sku:
                try:
                    yield _row(self._client.listing(sku, place).body, place)
                except ItemError:
                    continue

    def _rows(self, place: str, params: Mapping[str, Any]) -> tuple[list[Row], shapes.ListingsPage]:
        answer = self._client.search_listings(place, params)
        told = shapes.decode(answer.body, shapes.ListingsPage)
        self._store_time = answer.date
        return [_row(bytes(raw), place) for raw in told.items], told

    def _walk(
        self, place: str, filters: Filters, at: Mapping[str, Any] | None, *, is_last: bool
    ) -> Iterator[Page[ProductData]]:
        size = min(filters.page_size or LISTINGS_ON_A_PAGE, LISTINGS_ON_A_PAGE)
        tokens: dict[tuple[datetime, int], str] = {}

        def fetch(since: datetime, until: datetime | None, page: int) -> Fetched[Row]:
            params: dict[str, Any] = {
                "sortBy": "lastUpdatedDate",
                "sortOrder": "ASC",
                "lastUpdatedAfter": as_iso(since),
                "pageSize": size,
            }
            if page > 1:
                token = tokens.get((since, page))
                if not token:
                    return Fetched([])
                params["pageToken"] = token
            rows, told = self._rows(place, params)
            if told.pagination and told.pagination.next_token:
                tokens[since, page + 1] = told.pagination.next_token
            return Fetched(_in_time(rows, since))

        steps = keyset(
            fetch,
            since=filters.since or EPOCH,
            page_size=size,
            identify=lambda row: (row.sku, row.changed_at),
            position=at,
        )
        earlier = self._account.places[: self._account.places.index(place)]
        for step in steps:
            rows = self._untold(step.items, earlier, filters.since or EPOCH)
            position = {"place": place, "at": dict(step.position)}
            last = step.last and is_last
            yield self._page(rows, position, last=last, gap=step.gap)

    def _untold(self, rows: Sequence[Row], earlier: Sequence[str], since: datetime) -> list[Row]:
        """Those that no earlier marketplace has, or as it has them: it told of what changed there
        since.
        """
        sold = [row for row in rows if not row.is_parent]
        if not earlier or not sold:
            return sold
        known = self.find([row.sku for row in sold], earlier)
        found = [known.get(row.sku, row) for row in sold]
        return [row for row in found if row.place not in earlier or row.changed_at < since]

    def _page(
        self, rows: Sequence[Row], position: Mapping[str, Any], *, last: bool, gap: str = ""
    ) -> Page[ProductData]:
        records: list[ProductData] = []
        bad: list[Unreadable] = []
        for row in rows:
            try:
                records.append(to_product(row))
            except ContractBroken as err:
                bad.append(
                    Unreadable(
                        external_id=row.sku,
                        reason=err.message,
                        code=err.code,
                        path=err.path,
                        raw=row.raw,
                    )
                )
        return Page(
            records=tuple(records),
            unreadable=tuple(bad),
            position=position,
            store_time=self._store_time,
            last=last,
            gap=gap,
        )


def to_product(row: Row) -> ProductData:
    """Raises ContractBroken. What Amazon keeps itself is not counted here: it has no figure."""
    summary, listing = row.summary, row.listing
    if row.trouble or listing is None:
        raise row.trouble or ContractBroken("A listing cannot be read.")
    if summary is None:
        raise ContractBroken("A listing does not say what it is.", path="$.summaries")
    variant = VariantData(
        external_id=row.sku,
        sku=row.sku,
        price=_price(row),
        stock=figure(listing),
        stock_ref=row.sku,
    )
    return ProductData(
        external_id=row.sku,
        title=text(summary.item_name) or row.sku,
        changed_at=row.changed_at,
        raw_status=", ".join(text(word, 40) for word in summary.status)[:120],
        is_listed=bool(summary.status),
        variants=(variant,),
        custom=_custom(row, summary, listing),
        raw=row.raw,
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


def _price(row: Row) -> Any:
    for number, offer in enumerate(row.listing.offers if row.listing else ()):
        if offer.marketplace_id == row.place and offer.offer_type == _PRICE:
            try:
                return parse_money(offer.price.amount, rounded=True)
            except ValueError as err:
                raise ContractBroken(str(err), path=f"$.offers[{number}].price") from err
    return None


def _custom(row: Row, summary: shapes.Summary, listing: shapes.Listing) -> dict[str, str]:
    found = {
        "asin": text(summary.asin, 20),
        "marketplace": name_of(row.place),
        "condition": text(summary.condition_type, 40),
        "fulfilled_by": "Amazon" if is_amazons(listing) else "",
    }
    return {name: value for name, value in found.items() if value}


def _in_time(rows: Sequence[Row], since: datetime) -> list[Row]:
    """One that does not show its time stands where Amazon put it: beside the one before."""
    found, latest = [], since
    for row in rows:
        latest = row.changed_at if row.changed_at is not EPOCH else latest
        found.append(replace(row, changed_at=latest))
    return found


def _row(raw: bytes, place: str) -> Row:
    try:
        listing = shapes.decode(raw, shapes.Listing)
    except ContractBroken as err:
        return Row(_sku_of(raw), place, EPOCH, raw, trouble=err)
    row = Row(listing.sku, place, EPOCH, raw, listing)
    try:
        told = row.summary.last_updated_date if row.summary else None
        return replace(row, changed_at=known_moment(told, "$.summaries[0].lastUpdatedDate"))
    except ContractBroken as err:
        return replace(row, trouble=err)


def _sku_of(raw: bytes) -> str:
    try:
        return shapes.decode(raw, shapes.Named).sku
    except ContractBroken:
        return ""
