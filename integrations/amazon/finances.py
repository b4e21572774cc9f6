"""Reading refunds and fees: the transactions in which Amazon books what a buyer got back, and what
it keeps of an order.

They are found by when they were posted, which may be 48 hours late, or by an order. A call tells of
180 days at most, and of nothing in the last two minutes. Source: the model
``finances_2024-06-19``, listTransactions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from integrations.amazon import fee_mapper, refund_mapper, shapes, transactions
from integrations.amazon.account import Account
from integrations.amazon.client import AmazonClient
from integrations.amazon.shapes import Camel
from integrations.amazon.values import as_iso, moment
from integrations.base import Filters, Page, Unreadable
from integrations.errors import ContractBroken
from orders.data import PartData

_UNTOLD = timedelta(minutes=2, seconds=30)
_LONGEST = timedelta(days=179)
_TOKEN_LIVES = timedelta(hours=1)
# Orders are told for two years; of older ones there is nothing that could be refunded here.
_TOLD_FOR = timedelta(days=2 * 365)


class _Payload(Camel):
    transactions: list[msgspec.Raw] = []
    next_token: str | None = None


class _Told(Camel):
    payload: _Payload


class RefundReader:
    def __init__(self, client: AmazonClient, account: Account) -> None:
        self._client, self._account = client, account

    def read(self, filters: Filters) -> Iterator[Page[PartData]]:
        """A page for each of Amazon's, spans of time oldest first. Raises any PlatformError."""
        if filters.ids:
            yield from self._by_ids(filters.ids)
            return
        span = _Span(filters)
        is_over = span.is_over()
        if is_over:
            yield Page(records=(), last=True)
        while not is_over:
            answer = self._client.transactions(span.params())
            told = shapes.decode(answer.body, _Told).payload
            span.go_on(told.next_token)
            is_over = span.is_over()
            records, unreadable = self._mapped(told.transactions)
            yield Page(
                records=tuple(records),
                unreadable=tuple(unreadable),
                position=span.position,
                store_time=answer.date,
                last=is_over,
            )

    def _by_ids(self, wanted: Sequence[str]) -> Iterator[Page[PartData]]:
        """An id begins with the order's; all of an order is asked for."""
        for name in wanted:
            params = {
                "relatedIdentifierName": "ORDER_ID",
                "relatedIdentifierValue": name.partition("/")[0],
            }
            found: list[msgspec.Raw] = []
            token = ""
            while True:
                told = shapes.decode(self._client.transactions(params).body, _Told).payload
                found += told.transactions
                token = shapes.following(told.next_token, token)
                if not token:
                    break
                params["nextToken"] = token
            records, unreadable = self._mapped(found)
            yield Page(
                records=tuple(x for x in records if x.external_id == name),
                unreadable=tuple(x for x in unreadable if x.external_id == name),
            )

    def _mapped(self, told: Sequence[msgspec.Raw]) -> tuple[list[PartData], list[Unreadable]]:
        """What those that are of orders tell; one that cannot be read costs only itself."""
        records: list[PartData] = []
        bad: list[Unreadable] = []
        for number, one in enumerate(told):
            raw, name = bytes(one), f"?/{number}"
            try:
                transaction = transactions.decode(raw)
                if not transaction.is_of_an_order:
                    continue
                name = transaction.external_id
                found = transactions.booked(raw, transaction, self._account.currencies)
                parts = (refund_mapper.to_refund(found), fee_mapper.to_fees(found))
                records += [part for part in parts if part]
            except ContractBroken as err:
                bad.append(
                    Unreadable(
                        external_id=name,
                        reason=err.message,
                        code=err.code,
                        path=err.path,
                        raw=raw,
                    )
                )
        return records, bad


class _Span:
    """Where a read stands: in which span of days, and on which of its pages. A token goes with the
    arguments that gave it, so the end of its span is kept with it. How long it lives nobody says:
    after an hour its span is begun again.
    """

    def __init__(self, filters: Filters) -> None:
        place: Mapping[str, Any] = filters.position or {}
        latest = datetime.now(UTC) - _UNTOLD
        oldest = latest - _TOLD_FOR
        self._until = min(filters.until or latest, latest).replace(microsecond=0)
        self._after = moment(place.get("after"), "$") or max(filters.since or oldest, oldest)
        self._token, self._before = "", self._end()
        given, before = (moment(place.get(name), "$") for name in ("given", "before"))
        if given and before and datetime.now(UTC) - given < _TOKEN_LIVES:
            self._token, self._before = str(place.get("token", "")), before

    def is_over(self) -> bool:
        return not self._token and self._after >= self._until

    @property
    def position(self) -> dict[str, Any]:
        place = {"after": as_iso(self._after)}
        if self._token:
            now = as_iso(datetime.now(UTC))
            place |= {"before": as_iso(self._before), "token": self._token, "given": now}
        return place

    def params(self) -> dict[str, str]:
        """The end is named even where it is the present: all pages then have the same."""
        told = {"postedAfter": as_iso(self._after), "postedBefore": as_iso(self._before)}
        return told | ({"nextToken": self._token} if self._token else {})

    def go_on(self, told: str | None) -> None:
        """Raises ContractBroken where it does not go on."""
        self._token = shapes.following(told, self._token)
        if not self._token:
            self._after = self._before
            self._before = self._end()

    def _end(self) -> datetime:
        return min(self._after.replace(microsecond=0) + _LONGEST, self._until)
