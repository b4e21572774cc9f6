"""What Shopify pays out, as it says it, and a bank that a test fills."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.base import Filters
from orders.data import PayoutData
from tests.integrations.shopify.shop import Call, Shop, adapter_for, data, nodes

START = datetime(2026, 11, 1, tzinfo=UTC)
EVERYTHING = Filters(since=datetime(2020, 1, 1, tzinfo=UTC))
SUMMARY = [
    "adjustmentsFee",
    "adjustmentsGross",
    "chargesFee",
    "chargesGross",
    "refundsFee",
    "refundsFeeGross",
]


def amount(value: str, currency: str = "EUR") -> dict[str, str]:
    return {"amount": value, "currencyCode": currency}


def payout(number: int = 77, net: str = "95.00", **changes: Any) -> dict[str, Any]:
    issued = START + timedelta(days=number)
    return {
        "id": f"gid://shopify/ShopifyPaymentsPayout/{number}",
        "legacyResourceId": str(number),
        "issuedAt": issued.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "status": "PAID",
        "transactionType": "DEPOSIT",
        "net": amount(net),
        "summary": {name: amount("0.00") for name in SUMMARY},
        **changes,
    }


def line(number: int, of: int = 77, *sums: str, **changes: Any) -> dict[str, Any]:
    gross, fee, net = sums or ("100.00", "5.00", "95.00")
    return {
        "id": f"gid://shopify/ShopifyPaymentsBalanceTransaction/{number}",
        "type": "CHARGE",
        "transactionDate": "2026-11-01T09:30:00Z",
        "sourceOrderTransactionId": "9001",
        "amount": amount(gross),
        "fee": amount(fee),
        "net": amount(net),
        "associatedOrder": {"id": "gid://shopify/Order/5001"},
        "associatedPayout": {"id": f"gid://shopify/ShopifyPaymentsPayout/{of}"},
        **changes,
    }


@dataclass
class Bank:
    """A shop's payouts and, by the number of each, its lines."""

    shop: Shop
    payouts: list[dict[str, Any]]
    lines: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.shop.on("Payouts", self._list)
        self.shop.on("PayoutLines", self._lines)
        self.shop.on("PayoutsById", self._by_id)

    def _list(self, call: Call) -> bytes:
        rows = sorted(self.payouts, key=lambda row: row["issuedAt"])
        for term in call.variables["query"].split(" "):
            name, _, wanted = term.partition(":")
            if name == "issued_at" and wanted.startswith(">="):
                rows = [row for row in rows if row["issuedAt"] >= wanted[2:].strip("'")]
            elif name == "issued_at":
                rows = [row for row in rows if row["issuedAt"] < wanted[1:].strip("'")]
        return self._page(call, "payouts", rows)

    def _lines(self, call: Call) -> bytes:
        _, _, number = call.variables["query"].partition("payments_transfer_id:")
        return self._page(call, "balanceTransactions", self.lines.get(number, []))

    def _by_id(self, call: Call) -> bytes:
        found = {row["id"]: row for row in self.payouts}
        return data(nodes=[found.get(wanted) for wanted in call.variables["ids"]])

    def _page(self, call: Call, name: str, rows: list[dict[str, Any]]) -> bytes:
        start = int(call.variables["after"] or 0)
        end = start + call.variables["first"]
        rest = str(end) if end < len(rows) else None
        return data(shopifyPaymentsAccount={name: nodes(rows[start:end], rest)})


def read(shop: Shop, filters: Filters = EVERYTHING, **about: Any) -> list[PayoutData]:
    pages = adapter_for(shop, **about).read_payouts(filters)
    return [record for page in pages for record in page.records]


def only(shop: Shop, row: dict[str, Any], *lines: dict[str, Any]) -> PayoutData:
    Bank(shop, [row], {row["legacyResourceId"]: list(lines)})
    (found,) = read(shop)
    return found
