"""Listings: a SKU of the seller, with one figure of stock for all marketplaces.

Amazon keys stock by seller and SKU, whatever marketplace a call names, as its own people say
(https://github.com/amzn/selling-partner-api-docs/issues/3167 and -models/issues/4356), so a SKU is
one product here, told by the first connected marketplace that has it; each says by itself how it
offers it. Every call tells of one marketplace alone (…-docs/issues/2362).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from integrations.amazon import shapes
from integrations.amazon.account import Account
from integrations.amazon.client import AmazonClient
from integrations.amazon.listing_mapper import EPOCH, Row, to_product, to_row
from integrations.amazon.platform import LISTINGS_ON_A_PAGE
from integrations.amazon.values import as_iso
from integrations.base import Filters, Page, Unreadable
from integrations.errors import ContractBroken, ItemError, NotFound
from integrations.kit.pagination import SECOND, Fetched, keyset
from inventory.data import ProductData, StockUpdate

_Ask = Callable[[str, Mapping[str, Any]], tuple[list[Row], shapes.ListingsPage]]


class ListingReader:
    def __init__(self, client: AmazonClient, account: Account) -> None:
        self._client = client
        self._account = account
        self._store_time: datetime | None = None

    def read(self, filters: Filters) -> Iterator[Page[ProductData]]:
        """Marketplace by marketplace, in each along its changes. Raises any PlatformError."""
        if filters.ids:
            found = self._everywhere(filters.ids)
            told = [found[sku] for sku in filters.ids if sku in found]
            yield self._page(told, {}, last=True)
            return
        position = filters.position or {}
        places = self._account.places
        begin = places.index(position["place"]) if position.get("place") in places else 0
        for number, place in enumerate(places[begin:], begin):
            at = position.get("at") if number == begin else None
            yield from self._walk(place, filters, at, is_last=number == len(places) - 1)

    def one(self, sku: str) -> ProductData:
        """Raises NotFound, ContractBroken."""
        found = self._everywhere([sku]).get(sku)
        if found is None:
            raise NotFound(f"The store has no listing with SKU “{sku}”.")
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
            found |= self._at(place, left)
        return found

    def _everywhere(
        self, skus: Sequence[str], known: Mapping[str, Mapping[str, Row]] | None = None
    ) -> dict[str, list[Row]]:
        """The listings of these SKUs as each of the marketplaces tells them; ``known`` is what some
        of these told already.
        """
        found: dict[str, list[Row]] = {}
        wanted = [sku for sku in dict.fromkeys(skus) if sku]
        for place in self._account.places:
            told = known[place] if known and place in known else self._at(place, wanted)
            for sku in wanted:
                if sku in told:
                    found.setdefault(sku, []).append(told[sku])
        return found

    def _at(self, place: str, skus: Sequence[str]) -> dict[str, Row]:
        found: dict[str, Row] = {}
        for start in range(0, len(skus), LISTINGS_ON_A_PAGE):
            part = skus[start : start + LISTINGS_ON_A_PAGE]
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
                    yield to_row(self._client.listing(sku, place).body, place)
                except ItemError:
                    continue

    def _rows(self, place: str, params: Mapping[str, Any]) -> tuple[list[Row], shapes.ListingsPage]:
        answer = self._client.search_listings(place, params)
        told = shapes.decode(answer.body, shapes.ListingsPage)
        self._store_time = answer.date
        return [to_row(bytes(raw), place) for raw in told.items], told

    def _walk(
        self, place: str, filters: Filters, at: Mapping[str, Any] | None, *, is_last: bool
    ) -> Iterator[Page[ProductData]]:
        size = min(filters.page_size or LISTINGS_ON_A_PAGE, LISTINGS_ON_A_PAGE)
        steps = keyset(
            _Search(self._rows, place, size),
            since=filters.since or EPOCH,
            until=filters.until,
            page_size=size,
            identify=lambda row: (row.sku, row.changed_at),
            position=at,
        )
        earlier = self._account.places[: self._account.places.index(place)]
        for step in steps:
            told = self._untold(step.items, place, earlier, filters.since or EPOCH)
            position = {"place": place, "at": dict(step.position)}
            yield self._page(told, position, last=step.last and is_last, gap=step.gap)

    def _untold(
        self, rows: Sequence[Row], place: str, earlier: Sequence[str], since: datetime
    ) -> list[list[Row]]:
        """Each as every marketplace has it, without those that an earlier one told of since."""
        sold = {row.sku: row for row in rows if row.sku and not row.is_parent}
        before = self.find(list(sold), earlier)
        new = [x for x in sold if x not in before or before[x].changed_at < since]
        without = earlier if before.keys().isdisjoint(new) else ()
        found = self._everywhere(new, {place: sold, **{one: {} for one in without}})
        nameless = [[row] for row in rows if not row.sku]
        return [*nameless, *(found[sku] for sku in new)]

    def _page(
        self,
        told: Sequence[Sequence[Row]],
        position: Mapping[str, Any],
        *,
        last: bool,
        gap: str = "",
    ) -> Page[ProductData]:
        records: list[ProductData] = []
        bad: list[Unreadable] = []
        for rows in told:
            try:
                records.append(to_product(rows))
            except ContractBroken as err:
                bad.append(
                    Unreadable(
                        external_id=rows[0].sku,
                        reason=err.message,
                        code=err.code,
                        path=err.path,
                        raw=rows[0].raw,
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


class _Search:
    """Pages of what changed in a marketplace (``kit.pagination.Fetch``). A search says how many it
    found, and gives out a thousand of them at most: the model's `numberOfResults`.
    """

    def __init__(self, ask: _Ask, place: str, size: int) -> None:
        self._ask, self._place, self._size = ask, place, size
        self._tokens: dict[tuple[datetime, int], str] = {}
        self._total: int | None = None

    def __call__(self, since: datetime, until: datetime | None, page: int) -> Fetched[Row]:
        params: dict[str, Any] = {
            "sortBy": "lastUpdatedDate",
            "sortOrder": "ASC",
            "lastUpdatedAfter": as_iso(since),
            "pageSize": self._size,
        }
        if until:
            # Amazon's end is inclusive, to the millisecond.
            params["lastUpdatedBefore"] = as_iso(until - SECOND).replace("Z", ".999Z")
        if page > 1:
            token = self._tokens.get((since, page))
            if not token:
                return Fetched([], self._total)
            params["pageToken"] = token
        rows, told = self._ask(self._place, params)
        self._total = told.number_of_results
        if told.pagination and told.pagination.next_token:
            self._tokens[since, page + 1] = told.pagination.next_token
        return Fetched(_in_time(rows, since), self._total)


def _in_time(rows: Sequence[Row], since: datetime) -> list[Row]:
    """One that does not show its time stands where Amazon put it: beside the one before."""
    found, latest = [], since
    for row in rows:
        latest = row.changed_at if row.changed_at is not EPOCH else latest
        found.append(replace(row, changed_at=latest))
    return found
