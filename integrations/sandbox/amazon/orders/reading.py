"""``searchOrders`` and ``getOrder`` (Orders 2026-01-01)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from integrations.sandbox.amazon import tokens
from integrations.sandbox.amazon.api.call import Call
from integrations.sandbox.amazon.api.params import Query
from integrations.sandbox.amazon.clock import DAY, iso, parsed
from integrations.sandbox.amazon.marketplaces import MARKETPLACES
from integrations.sandbox.amazon.orders import bodies
from integrations.sandbox.amazon.orders.models import STATUSES, Order
from integrations.sandbox.amazon.wire import Answer, Refused, invalid

MOST_ON_A_PAGE = 100
TOKEN_S = 24 * 3600.0
BEFORE_S = 120
"""An upper bound lies at least two minutes back."""

_TOLD_S = 2 * 365 * DAY
_SINCE_2016 = parsed("2016-01-01")
_FREE = frozenset({"maxResultsPerPage", "includedData", "paginationToken"})
"""What may differ from page to page."""


def get(call: Call) -> Answer:
    included = set(call.query().texts("includedData", bodies.DATA))
    made = call.store.state.orders.get(call.words["orderId"])
    if made is None or not _is_told(call, made):
        if not _is_id(call.words["orderId"]):
            raise invalid()
        raise Refused(404, "NotFound", "The requested order was not found.")
    return Answer(200, {"order": bodies.order(call.store, made, included)})


def search(call: Call) -> Answer:
    """Sorted by the date that was asked for, oldest first (assumed: v0 and its forerunner did so).

    Pages go on after the last order's date and id, up to a bound fixed by the first page: what
    changes meanwhile leaves the list and is found by the next search.
    """
    query = call.query()
    by, after, before = _window(call, query)
    most = query.number("maxResultsPerPage", least=1, most=MOST_ON_A_PAGE, usual=MOST_ON_A_PAGE)
    included = set(query.texts("includedData", bodies.DATA))
    digest = _digest(query)
    start: tuple[float, str] = (after, "")
    if token := query.text("paginationToken"):
        place = tokens.opened(token, "orders", call.store.clock.exact())
        if place is None or place["digest"] != digest:
            raise invalid()
        start, before = (place["moment"], place["id"]), place["before"]
    bound = min(before, call.store.clock.exact() - call.store.options.lag_s)
    rows = sorted(
        (getattr(row, by), row.id, row)
        for row in _matching(call, query)
        if start < (getattr(row, by), row.id) and getattr(row, by) <= bound
    )
    page = [row for _, _, row in rows[:most]]
    document: dict[str, Any] = {"orders": [bodies.order(call.store, row, included) for row in page]}
    if len(rows) > most:
        last = rows[most - 1]
        document["pagination"] = {
            "nextToken": tokens.sealed(
                "orders",
                call.store.clock.exact() + TOKEN_S,
                digest=digest,
                moment=last[0],
                id=last[1],
                before=before,
            )
        }
    document["createdBefore" if by == "created" else "lastUpdatedBefore"] = iso(before)
    return Answer(200, document)


def _window(call: Call, query: Query) -> tuple[str, float, float]:
    """Which date, from when, until when. Raises Refused; that a search cannot begin in the future
    is assumed.
    """
    created = (query.moment("createdAfter"), query.moment("createdBefore"))
    updated = (query.moment("lastUpdatedAfter"), query.moment("lastUpdatedBefore"))
    if (created[0] is None) == (updated[0] is None):
        raise invalid()
    by, (after, before), other = (
        ("created", created, updated) if created[0] is not None else ("updated", updated, created)
    )
    now = call.store.clock.exact()
    if other != (None, None) or after is None or after > now:
        raise invalid()
    if before is not None and (before < after or before > now - BEFORE_S):
        raise invalid()
    return by, after, now - call.store.options.lag_s if before is None else before


def _matching(call: Call, query: Query) -> Iterator[Order]:
    places = call.sells_in(query.texts("marketplaceIds", most=50))
    statuses = query.texts("fulfillmentStatuses", STATUSES)
    parties = query.texts("fulfilledBy", ("MERCHANT", "AMAZON"))
    for made in call.store.state.orders.values():
        if (
            (not places or made.marketplace in places)
            and (not statuses or made.status in statuses)
            and (not parties or made.fulfilled_by in parties)
            and _is_told(call, made)
        ):
            yield made


def _is_told(call: Call, made: Order) -> bool:
    """Two years of history; in Singapore, Japan and Australia from 2016 on (the page "Orders
    API").
    """
    if MARKETPLACES[made.marketplace].keeps_old:
        return made.created >= _SINCE_2016
    return made.created >= call.store.clock.now() - _TOLD_S


def _is_id(name: str) -> bool:
    parts = name.split("-")
    return [len(part) for part in parts] == [3, 7, 7] and all(part.isalnum() for part in parts)


def _digest(query: Query) -> str:
    """Of what must be the same on every page."""
    kept = sorted((name, value) for name, value in query.given.items() if name not in _FREE)
    return hashlib.sha256(repr(kept).encode()).hexdigest()[:16]
