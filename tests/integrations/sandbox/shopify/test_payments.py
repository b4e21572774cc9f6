"""Shopify Payments: payouts add up to what the orders brought in."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from integrations.sandbox.shopify.store import ShopStore
from tests.integrations.sandbox.shopify.client import NOW, Client
from tests.integrations.sandbox.shopify.conftest import Make

PAYOUTS = """query($q: String, $type: ShopifyPaymentsPayoutTransactionType) {
    shopifyPaymentsAccount { payouts(first: 100, query: $q, transactionType: $type) { nodes { id
    legacyResourceId issuedAt status transactionType net { amount currencyCode } gross { amount
    } summary { chargesGross { amount } chargesFee { amount } refundsFeeGross { amount }
    refundsFee { amount } adjustmentsGross { amount } } } } } }"""
ROWS = """query($q: String) { shopifyPaymentsAccount { balanceTransactions(first: 250, query:
    $q) { nodes { id type test amount { amount } fee { amount } net { amount } transactionDate
    sourceType sourceId sourceOrderTransactionId associatedOrder { id name } associatedPayout {
    id status } adjustmentReason } } } }"""


@pytest.fixture
def shop(make_store: Make) -> Client:
    return make_store(orders=150)


def payouts(shop: Client, **asked: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shop.ask(PAYOUTS, **asked)["shopifyPaymentsAccount"]["payouts"][
        "nodes"
    ]
    return found


def rows(shop: Client, query: str | None = None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shop.ask(ROWS, q=query)["shopifyPaymentsAccount"][
        "balanceTransactions"
    ]["nodes"]
    return found


def money(shown: dict[str, str]) -> Decimal:
    return Decimal(shown["amount"])


def test_every_payout_is_the_sum_of_its_transactions(shop: Client) -> None:
    for payout in payouts(shop):
        below = rows(shop, f"payments_transfer_id:{payout['legacyResourceId']}")

        assert below
        assert {row["associatedPayout"]["id"] for row in below} == {payout["id"]}
        assert {row["associatedPayout"]["status"] for row in below} == {payout["status"]}
        assert money(payout["net"]) == sum(money(row["net"]) for row in below)
        assert money(payout["gross"]) == sum(money(row["amount"]) for row in below)
        summary = payout["summary"]
        assert money(payout["net"]) == (
            money(summary["chargesGross"])
            + money(summary["refundsFeeGross"])
            - money(summary["chargesFee"])
            - money(summary["refundsFee"])
        )


def test_a_transaction_names_its_order_and_its_fee(shop: Client) -> None:
    found = rows(shop)

    assert {row["type"] for row in found} == {"CHARGE", "REFUND"}
    for row in found:
        assert money(row["net"]) == money(row["amount"]) - money(row["fee"])
        assert (money(row["amount"]) < 0) == (row["type"] == "REFUND")
        assert row["associatedOrder"]["name"].startswith("#")
        assert row["sourceType"] == row["type"]


def test_payouts_are_told_apart_by_status_and_date(shop: Client) -> None:
    every = payouts(shop)

    scheduled = payouts(shop, q="status:scheduled")
    since = payouts(shop, q="issued_at:>=2026-11-01")

    assert {row["status"] for row in every} >= {"PAID", "SCHEDULED"}
    assert scheduled == [row for row in every if row["status"] == "SCHEDULED"]
    assert since == [row for row in every if row["issuedAt"] >= "2026-10-31T23:00:00Z"]
    assert payouts(shop, type="WITHDRAWAL") == [row for row in every if money(row["net"]) < 0]
    assert every == sorted(every, key=lambda row: row["issuedAt"])


def test_what_is_not_paid_out_is_the_balance(shop: Client) -> None:
    query = """{ shopifyPaymentsAccount { activated balance { amount currencyCode }
        defaultCurrency payoutSchedule { interval } } }"""

    account = shop.ask(query)["shopifyPaymentsAccount"]

    open_ones = [row for row in payouts(shop) if row["status"] != "PAID"]
    assert account["balance"] == [
        {"amount": account["balance"][0]["amount"], "currencyCode": "EUR"}
    ]
    assert money(account["balance"][0]) == sum(money(row["net"]) for row in open_ones)


def test_a_scheduled_payout_is_paid_when_its_day_has_come(shop: Client) -> None:
    before = [row["id"] for row in payouts(shop, q="status:scheduled")]
    assert before

    shop.clock.moment = NOW + 3 * 24 * 3600

    assert {row["id"] for row in payouts(shop) if row["status"] in ("PAID", "FAILED")} >= set(
        before
    )


def test_a_shop_without_shopify_payments_has_no_account(make_store: Make) -> None:
    shop = make_store(uses_shopify_payments=False)

    assert shop.ask("{ shopifyPaymentsAccount { id } }") == {"shopifyPaymentsAccount": None}


def test_payouts_need_their_own_scope(make_store: Make) -> None:
    shop = make_store(scopes=("read_orders",))

    error = shop.error("{ shopifyPaymentsAccount { id } }")

    assert error["extensions"]["code"] == "ACCESS_DENIED"
    assert "read_shopify_payments_accounts" in error["extensions"]["requiredAccess"]


def test_a_payout_is_found_by_its_id(shop: Client) -> None:
    payout, row = payouts(shop)[0], rows(shop)[0]

    found = shop.ask(
        """query($a: ID!, $b: ID!) { a: node(id: $a) { id ... on ShopifyPaymentsPayout { status } }
        b: node(id: $b) { id __typename } }""",
        a=payout["id"],
        b=row["id"],
    )

    assert found["a"] == {"id": payout["id"], "status": payout["status"]}
    assert found["b"] == {"id": row["id"], "__typename": "ShopifyPaymentsBalanceTransaction"}


def test_what_shopify_adjusts_is_paid_out_for_no_order_and_kept(shop: Client) -> None:
    before = payouts(shop)[-1]
    with shop.store.working():
        shop.store.payments.adjust(Decimal("-4.20"))

    (row,) = [one for one in rows(shop) if one["type"] == "ADJUSTMENT"]

    assert (row["associatedOrder"], row["sourceOrderTransactionId"]) == (None, None)
    assert [money(row[name]) for name in ("amount", "fee", "net")] == [
        Decimal("-4.20"),
        0,
        Decimal("-4.20"),
    ]
    (payout,) = [one for one in payouts(shop) if one["id"] == row["associatedPayout"]["id"]]
    assert money(payout["summary"]["adjustmentsGross"]) == Decimal("-4.20")
    was = money(before["net"]) if before["id"] == payout["id"] else Decimal(0)
    assert money(payout["net"]) == was - Decimal("4.20")
    again = ShopStore.restore(shop.store.options, shop.store.snapshot(), now=shop.clock)
    assert again.payments.adjustments == shop.store.payments.adjustments


def test_a_line_of_a_payout_may_be_lost(shop: Client) -> None:
    payout = payouts(shop)[0]
    query = f"payments_transfer_id:{payout['legacyResourceId']}"
    listed = rows(shop, query)

    shop.store.strikes = lambda kind, _: kind == "payout_line_lost"

    assert rows(shop, query) == listed[1:]
    assert payouts(shop)[0] == payout


def test_a_payout_keeps_its_lines_while_the_day_goes_on(make_store: Make) -> None:
    """The oldest one leaves with a day, whole: its lines do not grow too old one by one."""
    shop = make_store(orders=400, history_days=90)
    oldest = payouts(shop)[0]

    for _ in range(20):
        shop.wait(3600)
        found = {one["id"]: one for one in payouts(shop)}
        assert found.get(oldest["id"], oldest) == oldest
