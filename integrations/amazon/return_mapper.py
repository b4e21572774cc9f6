"""Rows of Amazon's two reports on returns as ``ReturnData``. Pure.

The seller's report has a row for each item that a buyer asked to send back, under Amazon's number
of the return (RMA); Amazon's own has a row for each unit that its warehouse took in, under the
number on its label. What buyers wrote is not kept. Sources: the page "Returns Reports" of
https://developer-docs.amazon.com/sp-api for the columns, published files for the words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from integrations.amazon.documents import BEYOND, TOO_WIDE
from integrations.amazon.values import day, text
from integrations.base import Unreadable
from integrations.errors import ContractBroken
from orders.data import PartData, ReturnData, ReturnLineData
from orders.status import ReturnStatus

BY_SELLER = "GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE"
BY_AMAZON = "GET_FBA_FULFILLMENT_CUSTOMER_RETURNS_DATA"
Row = Mapping[str, str]

STATUS_IN: Mapping[str, ReturnStatus] = {
    "pending": ReturnStatus.REQUESTED,
    "pendingapproval": ReturnStatus.REQUESTED,
    "pending approval": ReturnStatus.REQUESTED,
    "approved": ReturnStatus.OPEN,
    "completed": ReturnStatus.CLOSED,
    "closed": ReturnStatus.CLOSED,
    "declined": ReturnStatus.DECLINED,
    "denied": ReturnStatus.DECLINED,
    "rejected": ReturnStatus.DECLINED,
    "cancelled": ReturnStatus.CANCELLED,
    "canceled": ReturnStatus.CANCELLED,
}
_NEEDED = {
    BY_SELLER: (
        "Order ID",
        "Return request date",
        "Return request status",
        "Amazon RMA ID",
        "Merchant SKU",
        "Return quantity",
        "Return Reason",
        "Return delivery date",
    ),
    # In some countries it has no status: abuzuhri/Amazon-SP-API-CSharp#126.
    BY_AMAZON: ("return-date", "order-id", "sku", "quantity", "reason"),
}
# A label is on one unit, which may be told of on several days: amzn/selling-partner-api-docs#2459.
_LABEL = "license-plate-number"
_MOST_UNITS = 10**6
_ID = re.compile(r"[\w.-]{1,60}", re.ASCII)


class Returns:
    """Those of one report, put together row by row."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._found: dict[tuple[str, str], ReturnData] = {}
        self.unreadable: list[Unreadable] = []

    def add(self, row: Row) -> None:
        """A row that cannot be read costs its return's line, which is set aside. Raises
        ContractBroken for a file without the columns.
        """
        if lacking := [name for name in _NEEDED[self._kind] if name not in row]:
            raise ContractBroken(
                f"A report on returns lacks the column “{lacking[0]}”.", path=f"$.{lacking[0]}"
            )
        read = _of_seller if self._kind == BY_SELLER else _of_amazon
        try:
            if BEYOND in row:
                raise ContractBroken(TOO_WIDE)
            order_id, told = read(row)
        except ContractBroken as err:
            self.unreadable.append(
                Unreadable(
                    external_id=_named(row),
                    reason=err.message,
                    code=err.code,
                    path=err.path,
                )
            )
            return
        key = (order_id, told.external_id)
        before = self._found.get(key)
        if before is None:
            self._found[key] = told
        elif not row.get(_LABEL):
            self._found[key] = _joined(before, told)

    def parts(self) -> list[PartData]:
        return [
            PartData(external_order_id=order_id, told=told, by_sku=True)
            for (order_id, _), told in self._found.items()
        ]


def _named(row: Row) -> str:
    """Order and return of a row whose cells may have slipped: what a buyer wrote names neither."""
    order_id = row.get("Order ID") or row.get("order-id") or ""
    number = row.get("Amazon RMA ID") or row.get(_LABEL) or ""
    return "/".join(x if _ID.fullmatch(x) else "?" for x in (order_id, number))


def _of_seller(row: Row) -> tuple[str, ReturnData]:
    sku, units = row["Merchant SKU"], _units(row["Return quantity"], "$.Return quantity")
    asked = _day(row["Return request date"], "$.Return request date")
    number = row["Amazon RMA ID"] or row.get("Merchant RMA ID", "") or f"{asked:%Y-%m-%d}"
    word = row["Return request status"]
    return _order(row["Order ID"]), ReturnData(
        external_id=text(number, 100),
        name=text(number, 64),
        status=STATUS_IN.get(word.lower(), ReturnStatus.UNKNOWN),
        raw_status=text(word, 60),
        created_at=asked,
        lines=(
            _line(sku, units, units if row["Return delivery date"] else 0, row["Return Reason"]),
        ),
    )


def _of_amazon(row: Row) -> tuple[str, ReturnData]:
    """It is told once the unit is in Amazon's warehouse: there is nothing left to do."""
    came, units = _day(row["return-date"], "$.return-date"), _units(row["quantity"], "$.quantity")
    number = row.get(_LABEL, "") or f"{row['sku']} {came:%Y-%m-%d %H:%M:%S}"
    return _order(row["order-id"]), ReturnData(
        external_id=text(number, 100),
        name=text(number, 64),
        status=ReturnStatus.CLOSED,
        raw_status=text(row.get("status"), 60),
        created_at=came,
        lines=(_line(row["sku"], units, units, row["reason"]),),
    )


def _line(sku: str, units: int, received: int, reason: str) -> ReturnLineData:
    name = text(sku, 128)
    return ReturnLineData(
        external_id=name,
        line_external_id=name,
        quantity=units,
        received=received,
        reason=text(reason, 120),
    )


def _joined(before: ReturnData, more: ReturnData) -> ReturnData:
    """Rows of one SKU are one line."""
    lines = {line.external_id: line for line in before.lines}
    for line in more.lines:
        known = lines.get(line.external_id)
        lines[line.external_id] = (
            replace(
                known,
                quantity=known.quantity + line.quantity,
                received=known.received + line.received,
            )
            if known
            else line
        )
    return replace(before, lines=tuple(lines.values()))


def _order(told: str) -> str:
    if not _ID.fullmatch(told):
        raise ContractBroken("A return names no order.", path="$.Order ID")
    return told


def _units(told: str, path: str) -> int:
    if not told.isdecimal() or int(told) > _MOST_UNITS:
        raise ContractBroken(f"A quantity cannot be. Path: {path}.", path=path, code="bad_units")
    return int(told)


def _day(told: str, path: str) -> datetime:
    """``10-Jul-2025``, or as in other reports."""
    try:
        return datetime.strptime(f"{told}Z", "%d-%b-%Y%z").astimezone(UTC)
    except ValueError:
        when = day(told, path)
    if when is None:
        raise ContractBroken(f"A time is missing. Path: {path}.", path=path, code="bad_time")
    return when
