"""One settlement report as a payout with its lines. Pure.

The first row has the settlement's own facts, every other one amount: of what kind of event
(``transaction-type``), what it is (``amount-type``, ``amount-description``), and whose order. All
amounts are in the settlement's currency, whatever marketplace they come from. Numbers and days are
written as in the country of the account. Source of the columns: the page "Settlement reports
attributes" of https://developer-docs.amazon.com/sp-api; of words, numbers and days: published files
and the clients that read them, read 2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal

import msgspec

from integrations.amazon.values import currency, day, text
from integrations.errors import ContractBroken
from orders.data import PayoutData, PayoutLineData, PayoutLineKind, PayoutStatus

Row = Mapping[str, str]
_K = PayoutLineKind
_SUMMARY = (
    "settlement-id",
    "settlement-start-date",
    "settlement-end-date",
    "deposit-date",
    "total-amount",
    "currency",
)
_WORDS = ("transaction-type", "amount-type", "amount-description")
_NEEDED = frozenset({*_SUMMARY, *_WORDS, "amount", "order-id"})
# Groups of three digits parted by one sign, then one or two decimals behind another.
_NUMBER = re.compile(r"(?:([1-9]\d{0,2})(?:([.,'])\d{3})(?:\2\d{3})*|\d+)(?:(?!\2)[.,]\d{1,2})?")
_SPACES = re.compile(r"[\s\u00a0\u202f]")

# The first word found in a row's three decides; in lower case.
_BY_WORD: tuple[tuple[str, PayoutLineKind], ...] = (
    ("reserve amount", _K.RESERVE),
    ("transfer of funds", _K.TRANSFER),
    ("payable to amazon", _K.TRANSFER),
    ("successful charge", _K.TRANSFER),
    ("chargeback refund", _K.DISPUTE),
    ("a-to-z", _K.DISPUTE),
    ("itemfees", _K.FEE),
    ("servicefee", _K.FEE),
    ("cost of advertising", _K.FEE),
)
_BY_EVENT: Mapping[str, PayoutLineKind] = {
    "order": _K.CHARGE,
    "refund": _K.REFUND,
    "transfer": _K.TRANSFER,
    "debt": _K.TRANSFER,
}
_LATER_WORDS: tuple[tuple[str, PayoutLineKind], ...] = (
    ("reimbursement", _K.ADJUSTMENT),
    ("adjustment", _K.ADJUSTMENT),
    ("retrocharge", _K.ADJUSTMENT),
    ("warehouse_", _K.ADJUSTMENT),
    ("fee", _K.FEE),
    ("commission", _K.FEE),
)


class Settlement:
    """A report that is opened: its summary is read, its lines are not."""

    def __init__(self, rows: Iterator[Row]) -> None:
        """Raises ContractBroken for a file that is no settlement report."""
        first = next(rows, None)
        if first is None:
            raise ContractBroken("A settlement report is empty.", code="empty_report")
        if lacking := sorted(_NEEDED - set(first)):
            raise ContractBroken(
                f"A settlement report lacks the column {lacking[0]}.", path=f"$.{lacking[0]}"
            )
        self._first, self._rows = first, rows
        self.external_id = first["settlement-id"]
        if not self.external_id.isalnum() or len(self.external_id) > 60:
            raise ContractBroken("A settlement has no id.", path="$.settlement-id")

    @property
    def raw(self) -> bytes:
        """The settlement's own facts. It is told once it is closed, so they do not change."""
        return msgspec.json.encode({name: self._first[name] for name in _SUMMARY})

    def payout(self, *, raw_status: str) -> PayoutData:
        """With all its lines. Raises ContractBroken, and whatever reading on raises."""
        first = self._first
        code = currency(first["currency"], "$.currency")
        amount = number(first["total-amount"], "$.total-amount")
        ended = day(first["settlement-end-date"], "$.settlement-end-date")
        issued = day(first["deposit-date"], "$.deposit-date") or ended
        if issued is None:
            raise ContractBroken("A settlement has no date.", path="$.deposit-date")
        return PayoutData(
            external_id=self.external_id,
            status=PayoutStatus.PAID,
            raw_status=raw_status,
            currency=code,
            amount=amount,
            issued_at=issued,
            lines=tuple(self._lines(code, amount)),
            raw=self.raw,
        )

    def _lines(self, code: str, total: Decimal) -> Iterator[PayoutLineData]:
        known: dict[tuple[str, ...], tuple[PayoutLineKind, str]] = {}
        for place, row in enumerate(self._amounts(), 1):
            path = f"$[{place}]"
            if not row["amount"]:
                # It moves nothing.
                continue
            if row["settlement-id"] != self.external_id:
                raise ContractBroken(
                    "A report holds two settlements.", path=f"{path}.settlement-id"
                )
            words = tuple(row[name] for name in _WORDS)
            if words not in known:
                known[words] = (kind_of(words), _told(words))
            kind, raw_kind = known[words]
            amount = number(row["amount"], f"{path}.amount")
            if words[0].lower() == "transfer" and amount == -total:
                # The payment to the bank: the payout itself, and no line of it.
                continue
            yield PayoutLineData(
                external_id=str(place),
                kind=kind,
                raw_kind=raw_kind,
                currency=code,
                amount=amount,
                net=amount,
                at=_posted(row, path),
                external_order_id=text(row["order-id"], 128),
                external_transaction_id=text(row.get("adjustment-id"), 128),
            )

    def _amounts(self) -> Iterator[Row]:
        if self._first["amount"]:
            yield self._first
        yield from self._rows


def kind_of(words: Iterable[str]) -> PayoutLineKind:
    """``words`` are a row's transaction-type, amount-type and amount-description. What nothing is
    known of is OTHER.
    """
    event, *more = (word.lower() for word in words)
    told = " / ".join((event, *more))
    for word, kind in _BY_WORD:
        if word in told:
            return kind
    if event in _BY_EVENT:
        return _BY_EVENT[event]
    return next((kind for word, kind in _LATER_WORDS if word in told), _K.OTHER)


def number(told: str, path: str) -> Decimal:
    """An amount as it is written in any country: 1,234.56 and 1.234,56 and 1234. Raises
    ContractBroken.
    """
    plain = _SPACES.sub("", told).replace("\u2212", "-")
    is_below = plain.startswith("-") or (plain.startswith("(") and plain.endswith(")"))
    plain = plain.strip("()").removeprefix("-").removeprefix("+")
    if not _NUMBER.fullmatch(plain) or len(plain) > 18:
        raise ContractBroken(
            f"An amount is not a number. Path: {path}.", path=path, code="bad_amount"
        )
    whole, mark, decimals = plain.rpartition(_mark(plain)) if _mark(plain) else (plain, "", "")
    digits = re.sub(r"\D", "", whole) + (f".{decimals}" if mark else "")
    return -Decimal(digits) if is_below else Decimal(digits)


def _mark(plain: str) -> str:
    """What stands before the decimals, "" where there are none."""
    found = re.search(r"([.,])\d{1,2}$", plain)
    return found[1] if found else ""


def _posted(row: Row, path: str) -> datetime | None:
    return day(row.get("posted-date-time", "") or row.get("posted-date", ""), f"{path}.posted-date")


def _told(words: Iterable[str]) -> str:
    """Amazon's own words, each once."""
    return text(" / ".join(dict.fromkeys(word for word in words if word)), 60)
