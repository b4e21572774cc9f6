"""What Amazon keeps in its own warehouses (FBA): read, never written.

``getInventorySummaries`` tells of one marketplace at a time, and of the same units in several: all
marketplaces of the European Union tell of all that lies in it
(https://github.com/amzn/selling-partner-api-models/issues/452, …/360), and where Amazon sends to
one country from another's warehouses, so may both (…/4204, …-docs/issues/294). So every marketplace
is asked, and units are counted where they are told of first: once in a network of warehouses, and
not at all in another network where they are told just the same.

All is read each time: what is on its way changes without being called changed (the model's
``startDateTime``). A page's token dies after 30 seconds (``nextToken``); a marketplace whose walk
was interrupted for longer begins again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from integrations.amazon import fba_shapes as shapes
from integrations.amazon.account import Account
from integrations.amazon.client import AmazonClient
from integrations.amazon.marketplaces import network_of
from integrations.amazon.platform import FULFILLMENT_ROLE, KEPT_AT_ONCE
from integrations.amazon.shapes import decode, following
from integrations.amazon.values import moment, text, units
from integrations.base import Filters, Page, Unreadable
from integrations.errors import (
    ContractBroken,
    PermissionMissing,
    Rejected,
    Unavailable,
)
from inventory.data import KeptPlace, KeptStock, kept_id

_LACKS_ROLE = (
    "Amazon does not let the app see the units in its warehouses. Give it the role “{role}” in "
    "Seller Central → Develop Apps → Edit App, authorise it again, and enter the new refresh "
    "token. An account that does not sell by Amazon's warehouses can leave it. {told}"
)
_LOST = "Amazon forgot twice where this reading had come to; it begins again."
_NOWHERE = "Amazon says how many units there are, but not where they are."


@dataclass(frozen=True, slots=True)
class Row:
    """One SKU as the marketplace ``place`` tells it. ``trouble`` where it cannot be read."""

    place: str
    sku: str
    raw: bytes
    stock: KeptStock | None = None
    fnsku: str = ""
    trouble: ContractBroken | None = None

    @property
    def mark(self) -> int:
        """Equal of the same units alone: no others have the same figures since the same second."""
        x = self.stock
        if x is None:
            return hash(self.raw)
        figures = (x.sellable, x.reserved, x.inbound, x.unsellable, x.researching)
        return hash((self.fnsku, x.changed_at, figures))


class KeptReader:
    """Raises any PlatformError; PermissionMissing names the role."""

    def __init__(self, client: AmazonClient, account: Account) -> None:
        self._client = client
        self._account = account
        self._store_time: datetime | None = None
        # The SKUs and marks of marketplaces that this reader walked through whole.
        self._told: dict[str, dict[str, int]] = {}

    def read(self, filters: Filters) -> Iterator[Page[KeptStock]]:
        """Marketplace by marketplace."""
        if filters.ids:
            yield self._page(self._named(filters.ids), {}, last=True)
            return
        position, places = filters.position or {}, self._account.places
        begin = places.index(position["place"]) if position.get("place") in places else 0
        for number, place in enumerate(places[begin:], begin):
            token = str(position.get("token") or "") if number == begin else ""
            yield from self._walk(place, token, places[number + 1 : number + 2])

    def _walk(self, place: str, token: str, after: Sequence[str]) -> Iterator[Page[KeptStock]]:
        """``after``: the marketplace that follows, if there is one."""
        found: dict[str, int] = {}
        places, is_whole, is_again = self._account.places, not token, False
        while True:
            try:
                rows, leads_to = self._rows(place, {"nextToken": token} if token else {})
            except Rejected as err:
                if not token:
                    raise
                if is_again:
                    raise Unavailable(f"{_LOST} {err.message}") from err
                token, found, is_whole, is_again = "", {}, True, True
                continue
            token = leads_to
            found.update((row.sku, row.mark) for row in rows)
            fresh = self._untold(rows, places[: places.index(place)])
            if token:
                # Once it was interrupted it is not again, or it might never come to its end.
                at = {} if is_again else {"place": place, "token": token}
                yield self._page(fresh, at, last=False)
                continue
            if is_whole:
                self._told[place] = found
            yield self._page(fresh, {"place": after[0]} if after else {}, last=not after)
            return

    def _named(self, ids: Sequence[str]) -> list[Row]:
        """Those of these records that are there."""
        wanted = [name.partition(":") for name in ids]
        found: list[Row] = []
        for number, place in enumerate(self._account.places):
            skus = [sku for network, _, sku in wanted if sku and network == network_of(place)]
            found += self._untold(self._look(skus, place), self._account.places[:number])
        return found

    def _untold(self, rows: Sequence[Row], earlier: Sequence[str]) -> list[Row]:
        """Those whose units no earlier marketplace told of."""
        left = list(rows)
        for place in earlier:
            known = self._told.get(place)
            if known is None:
                asked = self._look([row.sku for row in left], place)
                known = {row.sku: row.mark for row in asked}
            left = [row for row in left if not _is_told(row, place, known)]
        return left

    def _look(self, skus: Sequence[str], place: str) -> list[Row]:
        """A SKU with a comma cannot stand in a list."""
        found: list[Row] = []
        plain = [sku for sku in skus if "," not in sku]
        for start in range(0, len(plain), KEPT_AT_ONCE):
            found += self._all(place, {"sellerSkus": plain[start : start + KEPT_AT_ONCE]})
        for sku in skus:
            if "," in sku:
                found += self._all(place, {"sellerSku": sku})
        return [row for row in found if row.sku in skus]

    def _all(self, place: str, asked: Mapping[str, Any]) -> list[Row]:
        rows, token = self._rows(place, asked)
        while token:
            more, token = self._rows(place, {**asked, "nextToken": token})
            rows += more
        return rows

    def _rows(self, place: str, asked: Mapping[str, Any]) -> tuple[list[Row], str]:
        try:
            answer = self._client.inventory_summaries(place, asked)
        except PermissionMissing as err:
            raise PermissionMissing(
                _LACKS_ROLE.format(role=FULFILLMENT_ROLE, told=err.message),
                scopes=(FULFILLMENT_ROLE,),
                code=err.code,
                status=err.status,
            ) from err
        told = decode(answer.body, shapes.KeptAnswer)
        self._store_time = answer.date
        rows = [_row(bytes(raw), place) for raw in told.payload.inventory_summaries]
        token = told.pagination.next_token if told.pagination else None
        return rows, following(token, asked.get("nextToken", ""))

    def _page(
        self, rows: Sequence[Row], position: Mapping[str, Any], *, last: bool
    ) -> Page[KeptStock]:
        return Page(
            records=tuple(row.stock for row in rows if row.stock),
            unreadable=tuple(_unreadable(row) for row in rows if row.trouble),
            position=position,
            store_time=self._store_time,
            last=last,
        )


def _is_told(row: Row, place: str, known: Mapping[str, int]) -> bool:
    """Whether its units are those that a marketplace told of that knows these SKUs."""
    if row.sku not in known:
        return False
    return network_of(place) == network_of(row.place) or known[row.sku] == row.mark


def _row(raw: bytes, place: str) -> Row:
    """Raises ContractBroken where it does not even say what it is about."""
    sku = decode(raw, shapes.KeptSku).seller_sku
    try:
        told = decode(raw, shapes.KeptSummary)
        stock = to_kept(told, place, raw)
    except ContractBroken as err:
        return Row(place, sku, raw, trouble=err)
    return Row(place, sku, raw, stock, told.fn_sku or "")


def to_kept(told: shapes.KeptSummary, place: str, raw: bytes) -> KeptStock:
    """Raises ContractBroken."""
    details = told.inventory_details
    if details is None:
        if told.total_quantity:
            raise ContractBroken(_NOWHERE, path="$.inventoryDetails")
        details = shapes.Details()
    reserved = details.reserved_quantity or shapes.Reserved()
    looked_for = details.researching_quantity or shapes.Researching()
    unsellable = details.unfulfillable_quantity or shapes.Unfulfillable()
    network = network_of(place)
    return KeptStock(
        place=KeptPlace(external_id=network, name=f"Amazon FBA ({network})"),
        external_variant_id=told.seller_sku,
        sku=told.seller_sku,
        title=text(told.product_name),
        sellable=_units("fulfillableQuantity", details.fulfillable_quantity),
        reserved=_units("reservedQuantity", reserved.total_reserved_quantity),
        inbound=_units(
            "inbound…Quantity",
            details.inbound_working_quantity,
            details.inbound_shipped_quantity,
            details.inbound_receiving_quantity,
        ),
        unsellable=_units("unfulfillableQuantity", unsellable.total_unfulfillable_quantity),
        researching=_units("researchingQuantity", looked_for.total_researching_quantity),
        changed_at=moment(told.last_updated_time, "$.lastUpdatedTime"),
        raw=raw,
    )


def _units(name: str, *told: int | None) -> int:
    """What is not told is none. Raises ContractBroken."""
    path = f"$.inventoryDetails.{name}"
    return units(sum(units(one or 0, path) for one in told), path)


def _unreadable(row: Row) -> Unreadable:
    trouble = row.trouble or ContractBroken("A record cannot be read.")
    return Unreadable(
        external_id=kept_id(network_of(row.place), row.sku),
        reason=trouble.message,
        code=trouble.code,
        path=trouble.path,
        raw=row.raw,
    )
