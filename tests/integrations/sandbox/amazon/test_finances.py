"""What the simulated account books, tells in its finances and settles."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from integrations.sandbox.amazon.clock import DAY, iso
from integrations.sandbox.amazon.orders import acts, placing
from integrations.sandbox.amazon.store import SellerStore
from tests.integrations.sandbox.amazon.client import DE, NOW, Client
from tests.integrations.sandbox.amazon.conftest import Make
from tests.integrations.sandbox.amazon.test_reports import REPORTS, rows

TRANSACTIONS = "/finances/2024-06-19/transactions"
SETTLEMENT = "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2"


def of_time(client: Client, **asked: Any) -> list[Any]:
    client.token = ""
    client.store.quotas.fill()
    found: list[Any] = []
    query = {"postedAfter": iso(NOW - 170 * DAY), **asked}
    while True:
        payload = client.get(TRANSACTIONS, **query)["payload"]
        found += payload["transactions"]
        if "nextToken" not in payload:
            return found
        query["nextToken"] = payload["nextToken"]


def sum_of(tree: list[Any]) -> Decimal:
    return sum((Decimal(str(x["breakdownAmount"]["currencyAmount"])) for x in tree), Decimal(0))


def test_every_amount_is_the_sum_of_its_parts(account: Client) -> None:
    found = of_time(account)

    assert len(found) > 20
    assert len({x["transactionId"] for x in found}) == len(found)
    for one in found:
        total = Decimal(str(one["totalAmount"]["currencyAmount"]))
        assert sum_of(one["breakdowns"]) == total
        assert sum(Decimal(str(x["totalAmount"]["currencyAmount"])) for x in one["items"]) == total
        for item in one["items"]:
            for group in item["breakdowns"]:
                own = Decimal(str(group["breakdownAmount"]["currencyAmount"]))
                assert sum_of(group["breakdowns"]) == own


def test_transactions_are_found_by_time_order_and_state(account: Client) -> None:
    everything = of_time(account)
    names = {x["relatedIdentifierName"]: x for x in everything[0]["relatedIdentifiers"]}
    order = names["ORDER_ID"]["relatedIdentifierValue"]

    of_order = account.get(
        TRANSACTIONS, relatedIdentifierName="ORDER_ID", relatedIdentifierValue=order
    )["payload"]["transactions"]

    assert everything[0] in of_order
    half = iso(NOW - 20 * DAY)
    early = of_time(account, postedBefore=half)
    late = of_time(account, postedAfter=half)
    assert [x["transactionId"] for x in late + early] == [x["transactionId"] for x in everything]
    states = {x["transactionStatus"] for x in everything}
    assert states >= {"RELEASED"}
    assert all(x in everything for x in of_time(account, transactionStatus="RELEASED"))
    assert of_time(account, marketplaceId="A2NODRKZP88ZB9") == []


def test_what_cannot_be_asked_for_is_refused(account: Client) -> None:
    def refused(**asked: Any) -> tuple[int, str]:
        return account.refused("GET", TRANSACTIONS, **asked)

    wrong = (400, "InvalidInput")
    assert refused() == wrong
    assert refused(relatedIdentifierName="ORDER_ID") == wrong
    assert refused(relatedIdentifierName="REFUND_ID", relatedIdentifierValue="1") == wrong
    assert refused(postedAfter=iso(NOW - 60)) == wrong
    assert refused(postedAfter=iso(NOW - 500), postedBefore=iso(NOW - 600)) == wrong
    assert refused(postedAfter=iso(NOW - 5 * DAY), nextToken="made-up") == wrong
    page = account.get(TRANSACTIONS, postedAfter=iso(NOW - 100 * DAY))["payload"]
    other = {"postedAfter": iso(NOW - 99 * DAY), "nextToken": page["nextToken"]}
    assert refused(**other) == wrong
    long_ago = account.get(TRANSACTIONS, postedAfter=iso(NOW - 200 * DAY))["payload"]
    assert long_ago == {"transactions": []}
    account.store.state.login.roles = ("Product Listing",)
    assert account.refused("GET", TRANSACTIONS, postedAfter=iso(NOW - DAY)) == (403, "Unauthorized")
    assert account.refused("GET", REPORTS, reportTypes=SETTLEMENT) == (403, "Unauthorized")


def test_a_refund_gives_a_part_of_the_fee_back_and_is_told_when_its_time_has_come(
    make_store: Make,
) -> None:
    account = make_store(orders=0, posted_lag_s=3_600)
    (order_id,) = placing.place(account.store, account.chance, kind="plain")
    for verb in ("ship", "return", "arrive"):
        acts.act(account.store, verb, order_id)
    account.later(1_800)
    assert of_time(account) == []
    account.later(3_600)

    refund, sale = of_time(account)

    assert (sale["transactionType"], refund["transactionType"]) == ("Shipment", "Refund")
    groups = {x["breakdownType"]: x for x in refund["items"][0]["breakdowns"]}
    back = account.store.state.returns[0].refunded
    assert Decimal(str(-sum_of([x for n, x in groups.items() if n != "AmazonFees"]))) == back
    assert sum_of([groups["AmazonFees"]]) > 0


def settlements(client: Client) -> list[Any]:
    client.store.quotas.fill()
    client.token = ""
    found: list[Any] = client.get(REPORTS, reportTypes=SETTLEMENT, pageSize=100)["reports"]
    return found


def test_amazon_settles_by_itself_every_two_weeks_and_nobody_can_ask_for_it(
    make_store: Make,
) -> None:
    account = make_store(orders=40, marketplaces=(DE,))
    before = settlements(account)
    account.later(14 * DAY)

    after = settlements(account)

    assert len(before) == 6
    assert len(after) == len(before) + 1
    assert {x["processingStatus"] for x in after} == {"DONE"}
    body = {"reportType": SETTLEMENT, "marketplaceIds": [DE]}
    assert account.refused("POST", REPORTS, body) == (400, "InvalidInput")
    assert settlements(make_store(orders=10, settle_days=0)) == []


def test_a_settlement_comes_to_its_total_and_goes_on_from_the_last(make_store: Make) -> None:
    account = make_store(orders=40, marketplaces=(DE,))
    kept = Decimal(0)
    for report in reversed(settlements(account)):
        account.store.quotas.fill()
        summary, *lines = rows(account, report)
        assert summary["currency"] == "EUR"
        assert (summary["transaction-type"], summary["settlement-end-date"][2]) == ("", ".")
        amounts = {number(x["amount"]) for x in lines if "Previous" in x["amount-description"]}
        assert amounts == ({kept} if kept else set())
        assert sum(number(x["amount"]) for x in lines) == number(summary["total-amount"])
        now = [number(x["amount"]) for x in lines if "Current" in x["amount-description"]]
        kept = -sum(now, Decimal(0))
    assert kept


def number(told: str) -> Decimal:
    return Decimal(told.replace(".", "").replace(",", "."))


def test_an_account_that_goes_on_settles_where_it_stood(make_store: Make) -> None:
    account = make_store(orders=20, marketplaces=(DE,))
    saved = account.store.snapshot()

    again = SellerStore.restore(account.store.options, saved, now=account.clock)

    assert again.state.reserves == account.store.state.reserves
    assert {x.id for x in again.state.reports.values()} == set(account.store.state.reports)
