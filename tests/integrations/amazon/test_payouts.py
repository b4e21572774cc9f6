"""Settlement reports as payouts: every amount once, in the words and numbers of its country."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from integrations.amazon import payouts, settlements, values
from integrations.amazon.service import AmazonIntegration
from integrations.base import Filters, Page, ReadBy
from integrations.errors import ContractBroken, PermissionMissing, RateLimited
from integrations.kit.ratelimit import MemoryLimiter
from integrations.platform import RateLimit
from integrations.sandbox.amazon import files
from integrations.sandbox.amazon.finances import events
from integrations.sandbox.amazon.play import acts as account
from integrations.sandbox.amazon.reports.models import Report
from orders.data import PayoutData, PayoutLineKind, PayoutStatus
from tests.integrations.amazon.conftest import MakeAdapter, MakeWorld
from tests.integrations.amazon.world import AmazonWorld
from tests.integrations.sandbox.amazon.client import DE, FR, UK

K = PayoutLineKind
DAY = 24 * 3600


@pytest.fixture
def world(make_world: MakeWorld) -> AmazonWorld:
    """Its last periods are closed, with something that was sent back."""
    world = make_world(orders=30, marketplaces=(DE, FR, UK))
    with world.shop.store.working():
        sent = [x for x in world.shop.store.state.orders.values() if x.status == "SHIPPED"]
    for order in sent[-4:]:
        world.refund_a_unit(order.id)
    account.move_clock(world.shop.store, 9 * DAY)
    return world


def read(adapter: AmazonIntegration, **asked: Any) -> list[Page[PayoutData]]:
    filters = {"since": datetime(2000, 1, 1, tzinfo=UTC), "by": ReadBy.PLACED, **asked}
    return list(adapter.read_payouts(Filters(**filters)))


def payouts_of(pages: list[Page[PayoutData]]) -> list[PayoutData]:
    assert not [page.unreadable for page in pages if page.unreadable]
    return [record for page in pages for record in page.records]


def settled(world: AmazonWorld) -> list[Report]:
    with world.shop.store.working():
        rows = world.shop.store.state.reports.values()
        return [row for row in rows if row.kind == payouts.KIND]


def content(world: AmazonWorld, report: Report) -> bytes:
    with world.shop.store.working():
        return world.shop.store.state.files[report.document].plain()


def rewrite(world: AmazonWorld, report: Report, new: bytes) -> None:
    with world.shop.store.working():
        old = world.shop.store.state.files[report.document]
        report.document = files.new_file(world.shop.store, old.content_type, new, is_gzip=True).id


def test_every_settlement_is_a_payout_whose_lines_come_to_it(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    pages = read(adapter)
    found = payouts_of(pages)

    assert len(found) == len(settled(world)) > 8
    assert [page.last for page in pages] == [False] * (len(pages) - 1) + [True]
    assert {payout.currency for payout in found} == {"EUR", "GBP"}
    for payout in found:
        assert sum(line.net for line in payout.lines) == payout.amount
        assert {line.currency for line in payout.lines} == {payout.currency}
        assert len({line.external_id for line in payout.lines}) == len(payout.lines)
        assert payout.status is PayoutStatus.PAID
        assert payout.issued_at.tzinfo is UTC
        assert b"total-amount" in payout.raw
    # Nothing that was booked until then is missing, and nothing is there twice.
    with world.shop.store.working():
        ended = max(report.until or 0 for report in settled(world))
        booked = [e for e in events.events(world.shop.store) if e.at < ended]
    told = Counter(line.external_order_id for payout in found for line in payout.lines)
    amounts = Counter[str]()
    for event in booked:
        amounts[event.order.id] += sum(len(part.amounts) for part in event.parts)
    assert told - Counter({"": told[""]}) == amounts
    total = sum(e.total for e in booked)
    of_orders = [x for payout in found for x in payout.lines if x.external_order_id]
    assert sum(line.amount for line in of_orders) == total


def test_lines_say_what_they_are_in_amazons_words_too(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    lines = [line for payout in payouts_of(read(adapter)) for line in payout.lines]

    kinds = Counter((line.kind, line.raw_kind) for line in lines)
    assert kinds[K.CHARGE, "Order / ItemPrice / Principal"]
    assert kinds[K.FEE, "Order / ItemFees / Commission"]
    assert kinds[K.REFUND, "Refund / ItemPrice / Principal"] == 4
    assert kinds[K.FEE, "Refund / ItemFees / Commission"] == 4
    assert kinds[K.RESERVE, "other-transaction / Current Reserve Amount"]
    assert kinds[K.RESERVE, "other-transaction / Previous Reserve Amount Balance"]
    assert kinds[K.FEE, "ServiceFee / other-transaction / Subscription Fee"]
    assert not [kind for kind, _ in kinds if kind is K.OTHER]
    for line in lines:
        below = line.kind is K.REFUND and line.raw_kind.endswith("Principal")
        assert not below or (line.amount < 0 and line.external_transaction_id)
        assert line.at is not None


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (("Order", "ItemWithheldTax", "MarketplaceFacilitatorTax-Principal"), K.CHARGE),
        (("Chargeback Refund", "ItemPrice", "Principal"), K.DISPUTE),
        (("A-to-z Guarantee Refund", "ItemPrice", "Principal"), K.DISPUTE),
        (("other-transaction", "other-transaction", "Transfer of funds unsuccessful"), K.TRANSFER),
        (("other-transaction", "FBA Inventory Reimbursement", "WAREHOUSE_LOST"), K.ADJUSTMENT),
        (("other-transaction", "other-transaction", "Storage Fee"), K.FEE),
        (("ServiceFee", "Cost of Advertising", "TransactionTotalAmount"), K.FEE),
        (("Order_Retrocharge", "ItemPrice", "Tax"), K.ADJUSTMENT),
        (("Something", "new", "Unheard"), K.OTHER),
    ],
)
def test_the_words_of_published_files_are_known(words: tuple[str, ...], kind: K) -> None:
    assert settlements.kind_of(words) is kind


@pytest.mark.parametrize(
    ("told", "amount"),
    [
        ("1,234.56", "1234.56"),
        ("1.234,56", "1234.56"),
        ("-4,05", "-4.05"),
        ("(55.00)", "-55"),
        ("12,345", "12345"),
        ("-1\u00a0234,5", "-1234.5"),
        ("1.234.567,80", "1234567.8"),
        ("0", "0"),
    ],
)
def test_numbers_are_read_as_the_country_writes_them(told: str, amount: str) -> None:
    assert settlements.number(told, "$") == Decimal(amount)


@pytest.mark.parametrize("told", ["", "abc", "0.475", "1,2345", "12.34.56,7", "1e5", "9" * 19])
def test_a_number_that_could_be_two_is_refused(told: str) -> None:
    with pytest.raises(ContractBroken, match="not a number"):
        settlements.number(told, "$")


@pytest.mark.parametrize(
    "told",
    [
        "2026-11-03 08:24:51 UTC",
        "03.11.2026 08:24:51 UTC",
        "03/11/2026 08:24:51 UTC",
        "2026/11/03 08:24:51 UTC",
        "2026-11-03T08:24:51+00:00",
    ],
)
def test_days_are_read_as_the_country_writes_them(told: str) -> None:
    assert values.day(told, "$") == datetime(2026, 11, 3, 8, 24, 51, tzinfo=UTC)


def test_what_is_known_is_opened_and_not_read_on(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    found = payouts_of(read(adapter))
    raws = {payout.external_id: payout.raw for payout in found}

    pages = read(adapter, known=lambda told: [x for x in told if raws.get(x) == told[x]])

    assert payouts_of(pages) == []
    assert sorted(name for page in pages for name in page.known) == sorted(raws)


def test_a_read_goes_on_behind_the_last_page_that_was_kept(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    everything = read(adapter)
    kept = everything[2]
    asked = world.calls("getReportDocument")

    rest = read(adapter, position=kept.position)

    assert [x.external_id for x in payouts_of(rest)] == [
        x.external_id for x in payouts_of(everything[3:])
    ]
    assert world.calls("getReportDocument") - asked == len(rest)


def test_the_quota_of_files_ends_a_read_and_the_rest_is_read_later(
    make_world: MakeWorld, make_adapter: MakeAdapter
) -> None:
    """One address a minute: fifteen at once, then the read has to rest. Our own limiter keeps to
    the account's clock.
    """
    world = make_world(orders=30, is_hurried=True, settle_days=5.0, marketplaces=(DE, UK))
    adapter = make_adapter(world, retries=0)
    limit = RateLimit(rate=10_000, burst=10_000)
    rested = [0.0]
    adapter.client.http.limiter = MemoryLimiter(
        {"default": limit}, clock=lambda: time.time() + sum(rested)
    )
    to_find = len(settled(world))
    found: list[str] = []
    position: Any = None
    is_last = False
    while not is_last:
        filters = Filters(since=datetime(2000, 1, 1, tzinfo=UTC), position=position)
        try:
            for page in adapter.read_payouts(filters):
                found += [record.external_id for record in page.records]
                position, is_last = page.position, page.last
        except RateLimited as err:
            rested.append(err.retry_after_s + 1)
            account.move_clock(world.shop.store, rested[-1])

    assert len(rested) > 3
    # What was settled meanwhile may be among them.
    assert len(found) == len(set(found))
    assert to_find <= len(found) <= len(settled(world))


def test_a_report_that_amazon_could_not_make_is_set_aside_alone(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    first, second, third = settled(world)[:3]
    first.status, second.status, third.status = "FATAL", "CANCELLED", "IN_PROGRESS"

    pages = read(adapter)

    (told,) = [x for page in pages for x in page.unreadable]
    assert (told.external_id, told.code) == (first.id, "report_fatal")
    assert "Seller Central" in told.reason
    assert len([x for page in pages for x in page.records]) == len(settled(world)) - 3
    # Somebody asks again: it is what it is; then Amazon has made it.
    (page,) = adapter.read_payouts(Filters(ids=(first.id,)))
    assert page.unreadable[0].code == "report_fatal"
    first.status = "DONE"
    (page,) = adapter.read_payouts(Filters(ids=(first.id,)))
    (payout,) = page.records
    (page,) = adapter.read_payouts(Filters(ids=(payout.external_id,)))
    assert page.records == (payout,)
    (page,) = adapter.read_payouts(Filters(ids=("404",)))
    assert page.records == ()


def test_a_file_that_breaks_its_columns_is_set_aside_with_the_place(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    whole = settled(world)
    lacking, odd, two = whole[-3:]
    rewrite(world, lacking, content(world, lacking).replace(b"amount-description", b"other"))
    rewrite(world, odd, content(world, odd).replace(b"Commission\t", b"Commission\tx", 1))
    lines = content(world, two).split(b"\r\n")
    lines[2] = lines[2].replace(lines[2].split(b"\t")[0], b"123", 1)
    rewrite(world, two, b"\r\n".join(lines))

    told = {x.code: x for page in read(adapter) for x in page.unreadable}

    assert "amount-description" in told["contract_broken"].path or len(told) == 2
    reasons = " ".join(x.reason for page in read(adapter) for x in page.unreadable)
    assert "lacks the column amount-description" in reasons
    assert "An amount is not a number" in reasons
    assert "two settlements" in reasons


def test_only_the_last_ninety_days_are_there_and_older_ones_cost_no_call(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    before = world.calls("getReports")

    old = datetime.now(UTC) - timedelta(days=120)
    (page,) = read(adapter, since=old - timedelta(days=300), until=old)

    assert (page.records, page.last) == ((), True)
    assert world.calls("getReports") == before


def test_an_app_without_the_role_is_told_so(
    make_world: MakeWorld, make_adapter: MakeAdapter
) -> None:
    roles = ("Inventory and Order Tracking", "Product Listing", "Amazon Fulfillment")
    world = make_world(orders=0, roles=roles)
    adapter = make_adapter(world)

    assert adapter.identify().missing == ("Finance and Accounting",)
    with pytest.raises(PermissionMissing, match="lacks a role"):
        read(adapter)
