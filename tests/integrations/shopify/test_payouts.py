"""What a payout of Shopify Payments is, with the lines it is made of."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from integrations.shopify import payout_mapper
from orders.data import PayoutData, PayoutLineData, PayoutLineKind, PayoutStatus
from tests.integrations.sandbox.shopify.official import official
from tests.integrations.shopify.bank import EVERYTHING, START, Bank, amount, line, only, payout
from tests.integrations.shopify.shop import Shop, adapter_for


def test_a_payout_comes_with_the_lines_it_is_made_of(shop: Shop) -> None:
    found = only(shop, payout(), line(1), line(2, 77, "-10.00", "0.00", "-10.00", type="REFUND"))

    assert found == PayoutData(
        external_id="77",
        status=PayoutStatus.PAID,
        raw_status="PAID",
        currency="EUR",
        amount=Decimal("95.00"),
        issued_at=START + timedelta(days=77),
        lines=(
            PayoutLineData(
                external_id="1",
                kind=PayoutLineKind.CHARGE,
                raw_kind="CHARGE",
                currency="EUR",
                amount=Decimal("100.00"),
                fee=Decimal("5.00"),
                net=Decimal("95.00"),
                at=datetime(2026, 11, 1, 9, 30, tzinfo=UTC),
                external_order_id="5001",
                external_transaction_id="9001",
            ),
            PayoutLineData(
                external_id="2",
                kind=PayoutLineKind.REFUND,
                raw_kind="REFUND",
                currency="EUR",
                amount=Decimal("-10.00"),
                fee=Decimal("0.00"),
                net=Decimal("-10.00"),
                at=datetime(2026, 11, 1, 9, 30, tzinfo=UTC),
                external_order_id="5001",
                external_transaction_id="9001",
            ),
        ),
    )


def test_the_raw_record_is_the_payouts_own_without_its_lines(shop: Shop) -> None:
    found = only(shop, payout(), line(1))

    assert json.loads(found.raw) == payout()


def test_the_payment_to_the_bank_is_no_line_of_the_payout(shop: Shop) -> None:
    paid = line(3, 77, "-95.00", "0.00", "-95.00", type="TRANSFER", associatedOrder=None)

    found = only(shop, payout(), line(1), paid)

    assert [x.external_id for x in found.lines] == ["1"]


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("SCHEDULED", PayoutStatus.SCHEDULED),
        ("IN_TRANSIT", PayoutStatus.IN_TRANSIT),
        ("PAID", PayoutStatus.PAID),
        ("FAILED", PayoutStatus.FAILED),
        ("CANCELED", PayoutStatus.CANCELLED),
    ],
)
def test_every_status_has_one_of_ours(shop: Shop, word: str, status: PayoutStatus) -> None:
    found = only(shop, payout(status=word))

    assert (found.status, found.raw_status) == (status, word)


def test_a_status_nobody_knows_sets_its_payout_aside_alone(shop: Shop) -> None:
    Bank(shop, [payout(1), payout(2, status="ON_ITS_WAY"), payout(3)])

    (page,) = adapter_for(shop).read_payouts(EVERYTHING)

    assert [record.external_id for record in page.records] == ["1", "3"]
    (aside,) = page.unreadable
    assert (aside.external_id, aside.code, aside.path) == ("2", "unknown_status", "$.status")
    assert "ON_ITS_WAY" in aside.reason
    assert json.loads(aside.raw)["legacyResourceId"] == "2"


@pytest.mark.parametrize("told", ["40.00", "-40.00"])
def test_a_withdrawal_goes_out_whatever_sign_it_is_told_with(shop: Shop, told: str) -> None:
    found = only(shop, payout(net=told, transactionType="WITHDRAWAL"))

    assert found.amount == Decimal("-40.00")


@pytest.mark.parametrize(("currency", "value"), [("JPY", "9500.0"), ("KWD", "9.500")])
def test_amounts_are_in_the_payouts_currency(shop: Shop, currency: str, value: str) -> None:
    sums = {
        "amount": amount(value, currency),
        "fee": amount("0", currency),
        "net": amount(value, currency),
    }

    found = only(shop, payout(net=value) | {"net": amount(value, currency)}, line(1) | sums)

    assert (found.currency, found.amount) == (currency, Decimal(value))
    assert (found.lines[0].currency, found.lines[0].net) == (currency, Decimal(value))


def test_a_movement_of_a_kind_nobody_knows_is_kept_with_its_word(shop: Shop) -> None:
    found = only(shop, payout(), line(1, type="SHIPPING_LABEL"), line(2, type="MOON_FEE"))

    told = [(x.kind, x.raw_kind) for x in found.lines]
    assert told == [
        (PayoutLineKind.OTHER, "SHIPPING_LABEL"),
        (PayoutLineKind.OTHER, "MOON_FEE"),
    ]


def test_a_movement_without_an_order_names_none(shop: Shop) -> None:
    bare = {"associatedOrder": None, "sourceOrderTransactionId": None, "associatedPayout": None}

    found = only(shop, payout(), line(1, type="ADJUSTMENT", **bare))

    assert found.lines[0].kind is PayoutLineKind.ADJUSTMENT
    assert (found.lines[0].external_order_id, found.lines[0].external_transaction_id) == ("", "")


def test_words_in_the_tables_are_those_of_the_official_schema(shared: Path) -> None:
    types = official(shared).type_map

    statuses = types["ShopifyPaymentsPayoutStatus"].values  # type: ignore[attr-defined]
    assert set(payout_mapper.STATUS_IN) == set(statuses)
    kinds = types["ShopifyPaymentsTransactionType"].values  # type: ignore[attr-defined]
    assert set(payout_mapper.KIND_IN) <= set(kinds)


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (line(1, of=78), "filter_ignored"),
        (line(1, 77, "100.00", "5.00", "94.00"), "contract_broken"),
        (line(1, id="gid://shopify/Unknown"), "contract_broken"),
        (line(1, associatedOrder={"id": "5001"}), "contract_broken"),
    ],
)
def test_lines_that_cannot_be_so_set_their_payout_aside(
    shop: Shop, row: dict[str, Any], code: str
) -> None:
    Bank(shop, [payout()], {"77": [row]})

    (page,) = adapter_for(shop).read_payouts(EVERYTHING)

    assert page.records == ()
    assert [(x.external_id, x.code) for x in page.unreadable] == [("77", code)]
