"""Settlement reports. Amazon closes an account's period every two weeks, one settlement for each
currency, and makes the report by itself; it tells of it as of those that are asked for (the page
"Retrieve automatically generated reports").

The columns are those of the page "Settlement reports attributes" of the documentation; numbers and
days are written as the country does, as clients have seen it (in the euro, zloty, krona and lira
with a comma and the day first). The file says no charset (amzn/selling-partner-api-docs#2338). What
is kept back until the next settlement is assumed: a tenth of what came in.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from integrations.sandbox.amazon import files
from integrations.sandbox.amazon.clock import DAY
from integrations.sandbox.amazon.finances import events as booked
from integrations.sandbox.amazon.finances.events import Event, Part
from integrations.sandbox.amazon.marketplaces import MARKETPLACES
from integrations.sandbox.amazon.money import NOTHING, rounded
from integrations.sandbox.amazon.reports.models import Report

if TYPE_CHECKING:
    from integrations.sandbox.amazon.store import SellerStore

KIND = "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2"
ROLE = "Finance and Accounting"
_MADE_AFTER_S = 3_600
_COLUMNS = (
    "settlement-id", "settlement-start-date", "settlement-end-date", "deposit-date",
    "total-amount", "currency", "transaction-type", "order-id", "merchant-order-id",
    "adjustment-id", "shipment-id", "marketplace-name", "amount-type", "amount-description",
    "amount", "fulfillment-id", "posted-date", "posted-date-time", "order-item-code",
    "merchant-order-item-id", "merchant-adjustment-item-id", "sku", "quantity-purchased",
    "promotion-id",
)  # fmt: skip
_COMMA = frozenset({"EUR", "SEK", "PLN", "TRY", "BRL"})
_SUBSCRIPTION = Decimal("39.00")
_RESERVED = Decimal("0.1")
_Row = dict[str, str]


def begin(store: SellerStore) -> None:
    """The first period begins with the account's history."""
    days = store.options.settle_days
    if days:
        began = store.state.seeded_at - store.options.history_days * DAY
        _await(store, began)


def close(store: SellerStore, key: str, at: float) -> None:
    """``key`` is when the period began."""
    began, ended = int(key), int(at) - _MADE_AFTER_S
    happened = [e for e in booked.events(store) if began <= e.at < ended]
    currencies = dict.fromkeys(MARKETPLACES[x].currency for x in store.options.sells_in)
    for currency in currencies:
        mine = [event for event in happened if event.currency == currency]
        if mine or store.state.reserves.get(currency):
            _report(store, currency, mine, (began, ended, int(at)))
    _await(store, ended)


def _await(store: SellerStore, began: int) -> None:
    ended = began + store.options.settle_days * DAY
    store.at(ended + _MADE_AFTER_S, "settle", str(began))


def _report(
    store: SellerStore, currency: str, happened: list[Event], times: tuple[int, int, int]
) -> None:
    began, ended, made = times
    places = [x for x in store.options.sells_in if MARKETPLACES[x].currency == currency]
    report = Report(
        id=str(50_000_000_000 + store.next("report")),
        kind=KIND,
        marketplaces=places,
        created=made,
        since=began,
        until=ended,
        began=made,
        ended=made,
    )
    store.state.reports[report.id] = report
    store.post.note("REPORT_PROCESSING_FINISHED", report.id)
    if store.strikes("report_fatal", f"report {KIND}"):
        report.status = "FATAL"
        return
    text = "".join("\t".join(row) + "\r\n" for row in _file(store, currency, happened, times))
    code = "cp932" if currency == "JPY" else "utf-8"
    file = files.new_file(store, "text/plain", text.encode(code, "replace"), is_gzip=True)
    file.made_at = made
    report.status, report.document = "DONE", file.id


def _file(
    store: SellerStore, currency: str, happened: list[Event], times: tuple[int, int, int]
) -> Iterator[list[str]]:
    began, ended, _ = times
    write = _Writer(currency)
    number = str(20_000_000_000 + store.next("settlement"))
    rows = [row for event in happened for row in _of_event(event, write)]
    rows += _of_account(store, currency, ended, write, sum((r[1] for r in rows), NOTHING))
    total = sum((amount for _, amount in rows), NOTHING)
    summary = {
        "settlement-start-date": write.moment(began),
        "settlement-end-date": write.moment(ended),
        "deposit-date": write.moment(ended + 2 * DAY),
        "total-amount": write.number(total),
        "currency": currency,
    }
    yield list(_COLUMNS)
    for told in (summary, *(row for row, _ in rows)):
        told["settlement-id"] = number
        yield [told.get(name, "") for name in _COLUMNS]


def _of_event(event: Event, write: _Writer) -> Iterator[tuple[_Row, Decimal]]:
    for part in event.parts:
        for name, amount in part.amounts.items():
            yield _row(event, part, name, amount, write), amount


def _row(event: Event, part: Part, name: str, amount: Decimal, write: _Writer) -> _Row:
    kind = "ItemFees" if name in booked.FEES else "ItemPrice"
    is_sale = event.kind == "Shipment"
    return {
        "transaction-type": "Order" if is_sale else "Refund",
        "order-id": event.order.id,
        "merchant-order-id": event.order.seller_order_id,
        "adjustment-id": "" if is_sale else event.reference,
        "shipment-id": event.reference if is_sale else "",
        "marketplace-name": MARKETPLACES[event.order.marketplace].name,
        "amount-type": "Promotion" if name == booked.PROMOTION else kind,
        "amount-description": name,
        "amount": write.number(amount),
        "fulfillment-id": "AFN" if event.order.is_amazons else "MFN",
        "posted-date": write.day(event.at),
        "posted-date-time": write.moment(event.at),
        "order-item-code": part.item.id,
        "merchant-adjustment-item-id": part.adjustment,
        "sku": part.item.sku,
        "quantity-purchased": str(part.units) if is_sale and name == booked.PRINCIPAL else "",
        "promotion-id": part.item.promotion if name == booked.PROMOTION else "",
    }


def _of_account(
    store: SellerStore, currency: str, ended: int, write: _Writer, earned: Decimal
) -> list[tuple[_Row, Decimal]]:
    """The plan's price, what was kept back last time, and what is kept back now."""
    before = store.state.reserves.get(currency, NOTHING)
    kept = rounded(max(NOTHING, earned) * _RESERVED, currency)
    store.state.reserves[currency] = kept
    told = (
        ("Subscription Fee", -rounded(_SUBSCRIPTION, currency)),
        ("Previous Reserve Amount Balance", before),
        ("Current Reserve Amount", -kept),
    )
    return [
        (
            {
                "transaction-type": "ServiceFee" if "Fee" in word else "other-transaction",
                "amount-type": "other-transaction",
                "amount-description": word,
                "amount": write.number(amount),
                "posted-date": write.day(ended),
                "posted-date-time": write.moment(ended),
            },
            amount,
        )
        for word, amount in told
        if amount
    ]


class _Writer:
    """As the country of a currency writes."""

    def __init__(self, currency: str) -> None:
        self._currency = currency
        self._has_comma = currency in _COMMA

    def number(self, amount: Decimal) -> str:
        told = f"{rounded(amount, self._currency):,}"
        return told.translate(str.maketrans(",.", ".,")) if self._has_comma else told

    def day(self, moment: int) -> str:
        form = "%d.%m.%Y" if self._has_comma else "%Y-%m-%d"
        return datetime.fromtimestamp(moment, UTC).strftime(form)

    def moment(self, moment: float) -> str:
        clock = datetime.fromtimestamp(moment, UTC).strftime("%H:%M:%S UTC")
        return f"{self.day(int(moment))} {clock}"
