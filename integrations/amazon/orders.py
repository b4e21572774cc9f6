"""Reading orders: the walk along changes, windows of creation, by id.

``searchOrders`` gives back one call in three minutes, so a page is as large as it may be and no
page is asked for twice. Its ``…Before`` must lie two minutes back; where it is not given, it is
that. A page's token lives for 24 hours, and holds for the very parameters it was given for. Source:
the model ``orders_2026-01-01``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.amazon import mapper, shapes
from integrations.amazon.account import Account
from integrations.amazon.client import ORDER_DATA, AmazonClient
from integrations.amazon.platform import ORDERS_ON_A_PAGE
from integrations.amazon.values import as_iso, moment
from integrations.base import Filters, Page, ReadBy, Unreadable
from integrations.errors import ContractBroken, NotFound, Rejected, Unavailable
from orders.data import OrderData

EPOCH = datetime(2015, 1, 1, tzinfo=UTC)
# With a little for clocks that differ.
_UNTOLD = timedelta(minutes=2, seconds=30)
_TOKEN_LIVES = timedelta(hours=23)
# A walk whose token Amazon does not know begins again; not twice in so short a time, or a token
# that is never taken would have the same page read for ever.
_AGAIN_AFTER = timedelta(hours=1)
# In Singapore, Japan and Australia orders are told from 2016 on: the page "Orders API".
_TOLD_FOR, _TOLD_IN_FAR_EAST_FROM = timedelta(days=2 * 366), datetime(2016, 1, 1, tzinfo=UTC)
_ID = re.compile(r"[0-9A-Z]{3}-[0-9A-Z]{7}-[0-9A-Z]{7}")
_FIRST_ID = re.compile(rb'"orderId"\s*:\s*"([0-9A-Za-z-]{1,40})"')
_LOST = "Amazon forgot twice where this reading had come to. {}"
_REFUSED = "Amazon does not take the question for order {}, which is left as it is. {}"
_KEPT_BACK = "Amazon tells of orders of the last two years only; older ones are in its reports."


@dataclass(frozen=True, slots=True)
class Item:
    """One raw order and what can be known of it without mapping it. ``is_elsewhere``: it was sold
    in another shop of the seller's.
    """

    external_id: str
    raw: bytes
    placed_at: datetime | None = None
    changed_at: datetime | None = None
    is_elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """``before``: until when this search tells; ``token``: there is more."""

    items: Sequence[Item]
    token: str
    before: datetime | None
    store_time: datetime | None


class OrderReader:
    def __init__(
        self,
        client: AmazonClient,
        account: Account,
        *,
        words: Mapping[str, str] | None = None,
    ) -> None:
        self._client = client
        self._account = account
        self._words = words

    def read(self, filters: Filters) -> Iterator[Page[OrderData]]:
        """Pages for any filters. Raises any PlatformError."""
        if filters.ids:
            yield from self._by_ids(filters.ids)
        elif filters.number:
            yield from self._by_ids((filters.number,))
        else:
            yield from self._searched(filters)

    def one(self, order_id: str) -> OrderData:
        return self._to_order(self._raw(order_id))

    def ids(self, filters: Filters) -> Iterator[str]:
        search = _Search("created", filters)
        while True:
            found = self._ask(search, filters.page_size, included=())
            yield from (x.external_id for x in found.items if search.is_in(x))
            if not search.goes_on(found):
                return

    def withheld(self, filters: Filters) -> str:
        if filters.by is not ReadBy.PLACED or filters.since is None or self._is_far_east:
            return ""
        return _KEPT_BACK if filters.since < self._told_from else ""

    @property
    def _is_far_east(self) -> bool:
        return "-fe." in self._client.http.base_url

    @property
    def _told_from(self) -> datetime:
        return _TOLD_IN_FAR_EAST_FROM if self._is_far_east else datetime.now(UTC) - _TOLD_FOR

    # -- searching -----------------------------------------------------------------------------

    def _searched(self, filters: Filters) -> Iterator[Page[OrderData]]:
        """A window of which Amazon tells nothing costs no search: the past of a store is read to
        its very beginning, year by year.
        """
        is_placed = filters.by is ReadBy.PLACED
        if is_placed and filters.until and filters.until <= self._told_from:
            return
        by = "created" if is_placed else "lastUpdated"
        search = _Search(by, filters)
        while True:
            found = self._ask(search, filters.page_size, included=ORDER_DATA)
            items = [x for x in found.items if search.is_in(x)]
            is_more = search.goes_on(found)
            yield self._page(items, found, filters, search.position, last=not is_more)
            if not is_more:
                return

    def _ask(self, search: _Search, size: int | None, *, included: Sequence[str]) -> Found:
        try:
            return self._answer(search, size, included)
        except Rejected as err:
            if not search.token:
                raise
            if not search.begin_again():
                raise Unavailable(_LOST.format(err.message)) from err
            return self._answer(search, size, included)

    def _answer(self, search: _Search, size: int | None, included: Sequence[str]) -> Found:
        places = self._account.places_asked_for
        params = {
            **search.params(),
            "maxResultsPerPage": min(size or ORDERS_ON_A_PAGE, ORDERS_ON_A_PAGE),
            **({"includedData": included} if included else {}),
            **({"marketplaceIds": places} if places else {}),
        }
        answer = self._client.search_orders(params)
        told = shapes.decode(answer.body, shapes.OrdersPage)
        before = told.last_updated_before or told.created_before
        return Found(
            items=[_item(bytes(raw)) for raw in told.orders],
            token=(told.pagination and told.pagination.next_token) or "",
            before=moment(before, "$.lastUpdatedBefore"),
            store_time=answer.date,
        )

    def _page(
        self,
        items: Sequence[Item],
        found: Found,
        filters: Filters,
        position: Mapping[str, Any],
        *,
        last: bool,
    ) -> Page[OrderData]:
        raws = {x.external_id: x.raw for x in items}
        stored = filters.known(raws) if filters.known else ()
        records, unreadable = self._mapped([x for x in items if x.external_id not in stored])
        return Page(
            records=tuple(records),
            unreadable=tuple(unreadable),
            known=tuple(x.external_id for x in items if x.external_id in stored),
            position=position,
            store_time=found.store_time,
            last=last,
        )

    # -- by id ---------------------------------------------------------------------------------

    def _by_ids(self, wanted: Sequence[str]) -> Iterator[Page[OrderData]]:
        """Those of these ids that exist."""
        for place, order_id in enumerate(wanted, 1):
            items = []
            with suppress(NotFound):
                items = [_item(self._raw(order_id))]
            records, unreadable = self._mapped(items)
            yield Page(
                records=tuple(records),
                unreadable=tuple(unreadable),
                last=place == len(wanted),
            )

    def _raw(self, order_id: str) -> bytes:
        """Raises NotFound, for what cannot be an id as well."""
        return raw_order(self._client, order_id, ORDER_DATA)

    def _mapped(self, items: Sequence[Item]) -> tuple[list[OrderData], list[Unreadable]]:
        """Oldest change first; an order that cannot be read costs only itself."""
        records: list[OrderData] = []
        bad: list[Unreadable] = []
        for item in items:
            try:
                records.append(self._to_order(item.raw))
            except ContractBroken as err:
                bad.append(
                    Unreadable(
                        external_id=item.external_id,
                        reason=err.message,
                        code=err.code,
                        path=err.path,
                        changed_at=item.changed_at,
                        placed_at=item.placed_at,
                        raw=item.raw,
                    )
                )
        return sorted(records, key=lambda x: x.changed_at), bad

    def _to_order(self, raw: bytes) -> OrderData:
        return mapper.to_order(raw, currencies=self._account.currencies, words=self._words)


class _Search:
    """One search after another until all is read: where it stands is its ``position``.

    What changes while pages are read leaves the list that is read, and what is placed meanwhile is
    not in it. So what took several pages ends with a search from where the first one ended: a short
    one, for which a reading of one page has no need.
    """

    token: str
    _given: datetime | None
    _before: datetime | None

    def __init__(self, by: str, filters: Filters) -> None:
        self._by = by
        self._since, self._until = filters.since, filters.until
        place = filters.position or {}
        begun = filters.since or EPOCH
        self._after = moment(place.get("after"), "$") or min(begun, datetime.now(UTC) - _UNTOLD)
        self._begun_again = moment(place.get("again"), "$")
        given = moment(place.get("given"), "$")
        if given and datetime.now(UTC) - given < _TOKEN_LIVES:
            self.token, self._given = str(place.get("token", "")), given
            self._before = moment(place.get("before"), "$")
        else:
            self._begin()
        self._is_paged = bool(self.token)
        self._is_endless = False

    @property
    def position(self) -> dict[str, Any]:
        times: dict[str, datetime | None] = {"after": self._after, "again": self._begun_again}
        if self.token:
            times |= {"given": self._given, "before": self._before}
        place = {name: as_iso(when) for name, when in times.items() if when}
        return place | ({"token": self.token} if self.token else {})

    def params(self) -> dict[str, str]:
        """The same for all pages of one search. Raises ContractBroken where the last one led to
        itself.
        """
        if self._is_endless:
            raise shapes.endless()
        found = {f"{self._by}After": as_iso(self._after)}
        if self._before:
            found[f"{self._by}Before"] = as_iso(self._before)
        if self.token:
            found["paginationToken"] = self.token
        return found

    def begin_again(self) -> bool:
        """From where this search began. False where it did so a moment ago."""
        now = datetime.now(UTC)
        if self._begun_again and now - self._begun_again < _AGAIN_AFTER:
            return False
        self._begun_again = now
        self._begin()
        return True

    def goes_on(self, found: Found) -> bool:
        """Whether there is more to be asked for; then this stands there, or at the beginning again
        where the page leads to itself.
        """
        self._is_endless = bool(found.token) and found.token == self.token
        self.token = "" if self._is_endless else found.token
        if found.token:
            self._given = datetime.now(UTC)
            self._is_paged = True
            return True
        ended, was_paged, self._is_paged = found.before, self._is_paged, False
        if not was_paged or self._before or ended is None:
            return False
        if self._until is None or ended < self._until:
            self._after = ended
            self._begin()
            return True
        return False

    def is_in(self, item: Item) -> bool:
        """Of a window of creation both ends are ours to keep: Amazon's are inclusive. What was sold
        elsewhere is in no list.
        """
        if item.is_elsewhere:
            return False
        if self._by != "created" or item.placed_at is None:
            return True
        if self._since and item.placed_at < self._since:
            return False
        return self._until is None or item.placed_at < self._until

    def _begin(self) -> None:
        """A search without a token. Where it ends is said for all of its pages."""
        self.token, self._given = "", None
        latest = datetime.now(UTC) - _UNTOLD
        ends = self._until is not None and self._after < self._until <= latest
        self._before = self._until if ends else None


def raw_order(client: AmazonClient, order_id: str, included: Sequence[str]) -> bytes:
    """Raises NotFound, for what cannot be an id as well; ContractBroken where Amazon does not take
    the question: that says nothing of the order.
    """
    if not _ID.fullmatch(order_id):
        raise NotFound(f"“{order_id[:40]}” is not the id of an Amazon order.")
    try:
        answer = client.order(order_id, included)
    except Rejected as err:
        told = _REFUSED.format(order_id, err.message)
        raise ContractBroken(told, code="order_refused", status=err.status) from err
    return bytes(shapes.decode(answer.body, shapes.OneOrder).order)


def _item(raw: bytes) -> Item:
    try:
        known = shapes.decode(raw, shapes.Dated)
        return Item(
            known.order_id,
            raw,
            moment(known.created_time, "$.createdTime"),
            moment(known.last_updated_time, "$.lastUpdatedTime"),
            is_elsewhere=known.sales_channel.is_elsewhere,
        )
    except ContractBroken:
        found = _FIRST_ID.search(raw)
        return Item(found[1].decode() if found else "", raw)
