"""``searchListingsItems`` and ``getListingsItem``."""

from __future__ import annotations

from collections.abc import Iterable

from integrations.sandbox.amazon import tokens
from integrations.sandbox.amazon.api.call import Call, denied
from integrations.sandbox.amazon.api.params import Query
from integrations.sandbox.amazon.clock import DAY
from integrations.sandbox.amazon.listings import bodies
from integrations.sandbox.amazon.listings.models import Listing
from integrations.sandbox.amazon.wire import Answer, Refused, invalid

MOST_PAGED = 1_000
"""A search tells no more than so many, however many it finds."""

_PAGE, _FOR = 20, "listings"
_IDENTIFIERS = ("ASIN", "EAN", "FNSKU", "GTIN", "ISBN", "JAN", "MINSAN", "SKU", "UPC")
_STATUSES = ("BUYABLE", "DISCOVERABLE")
_SORTS = ("sku", "createdDate", "lastUpdatedDate")


def get(call: Call) -> Answer:
    query = call.query()
    places, included = _asked(call, query)
    row = call.store.state.listings.get(call.words["sku"])
    if row is None or not _is_in(row, places):
        raise Refused(
            404,
            "NOT_FOUND",
            f"SKU '{call.words['sku']}' not found in marketplace {', '.join(places)}",
        )
    return Answer(200, bodies.item(row, places, included))


def search(call: Call) -> Answer:
    query = call.query()
    places, included = _asked(call, query)
    size = query.number("pageSize", least=1, most=_PAGE, usual=10)
    found = [row for row in _named(query, call.store.state.listings) if _is_in(row, places)]
    found = _filtered(query, found, places)
    start = _start(call, query)
    last = min(len(found), MOST_PAGED)
    pages = {}
    until = call.store.clock.exact() + DAY
    if start + size < last:
        pages["nextToken"] = tokens.sealed(_FOR, until, start=start + size)
    if start:
        pages["previousToken"] = tokens.sealed(_FOR, until, start=max(0, start - size))
    document = {
        "numberOfResults": len(found),
        "items": [
            bodies.item(row, places, included) for row in found[start : min(start + size, last)]
        ],
    }
    return Answer(200, document | ({"pagination": pages} if pages else {}))


def _asked(call: Call, query: Query) -> tuple[list[str], set[str]]:
    """The marketplaces, and the data sets. Raises Refused."""
    if call.words["sellerId"] != call.store.options.seller_id:
        raise denied()
    query.needed("marketplaceIds")
    places = call.sells_in(query.texts("marketplaceIds", least=1))
    return places, set(query.texts("includedData", bodies.DATA) or ["summaries"])


def _is_in(row: Listing, places: list[str]) -> bool:
    """A parent is wherever its children may be."""
    return bool(row.children) or any(name in row.offers for name in places)


def _start(call: Call, query: Query) -> int:
    token = query.text("pageToken")
    if not token:
        return 0
    place = tokens.opened(token, _FOR, call.store.clock.exact())
    if place is None:
        raise invalid("The pageToken is not valid.")
    return int(place["start"])


def _named(query: Query, listings: dict[str, Listing]) -> Iterable[Listing]:
    """Those the search names, all where it names none; only SKUs are found without a look at each.
    Raises Refused.
    """
    parent, kit = query.text("variationParentSku"), query.text("packageHierarchySku")
    identifiers, kind = (
        query.texts("identifiers", most=20),
        query.text("identifiersType", _IDENTIFIERS),
    )
    if bool(identifiers) != bool(kind) or sum(map(bool, (parent, kit, identifiers))) > 1:
        raise invalid()
    if kit:
        return ()  # nothing is packed in anything here
    if kind == "SKU":
        return [listings[sku] for sku in set(identifiers) if sku in listings]
    if identifiers:
        return [row for row in listings.values() if _known_as(row, kind) in identifiers]
    if parent:
        return [row for row in listings.values() if row.parent == parent]
    return listings.values()


def _filtered(query: Query, rows: list[Listing], places: list[str]) -> list[Listing]:
    """Sorted, too; equal moments by SKU."""
    rows = _in_time(query, rows, places)
    with_, without = query.texts("withStatus", _STATUSES), query.texts("withoutStatus", _STATUSES)
    severities = query.texts("withIssueSeverity", ("WARNING", "ERROR"))
    rows = [
        row
        for row in rows
        if set(with_) <= set(bodies.statuses(row))
        and not set(without) & set(bodies.statuses(row))
        and (not severities or any(one.severity in severities for one in row.issues))
    ]
    by, order = query.text("sortBy", _SORTS), query.text("sortOrder", ("ASC", "DESC"))
    rows.sort(key=lambda row: _key(row, by or "lastUpdatedDate", places), reverse=order != "ASC")
    return rows


def _in_time(query: Query, rows: list[Listing], places: list[str]) -> list[Listing]:
    for name, moment in (("created", _created), ("lastUpdated", _updated)):
        after, before = query.moment(f"{name}After"), query.moment(f"{name}Before")
        if after is not None:
            rows = [row for row in rows if moment(row, places) >= after]
        if before is not None:
            rows = [row for row in rows if moment(row, places) <= before]
    return rows


def _created(row: Listing, places: list[str]) -> int:
    return min(
        (row.offers[name].created for name in places if name in row.offers), default=row.created
    )


def _updated(row: Listing, places: list[str]) -> int:
    return max(
        (row.offers[name].updated for name in places if name in row.offers), default=row.updated
    )


def _key(row: Listing, by: str, places: list[str]) -> tuple[int, str]:
    if by == "sku":
        return 0, row.sku
    return (_created if by == "createdDate" else _updated)(row, places), row.sku


def _known_as(row: Listing, kind: str) -> str:
    if kind in ("EAN", "GTIN"):
        return row.ean
    return {"ASIN": row.asin, "FNSKU": row.fnsku}.get(kind, "")
