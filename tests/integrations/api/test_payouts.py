"""Payouts over the API: what was paid, from which lines, and what no line explains."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from integrations.api import payouts as views
from integrations.api.order_schema import PayoutLineSerializer
from integrations.api.payout_shapes import PayoutSerializer, PayoutSummarySerializer
from integrations.models import Store
from logix.accounts.models import Merchant, Scope
from orders.data import PayoutLineKind, PayoutStatus
from orders.models import Order, Payout
from tests import factories
from tests.factories import NOW
from tests.integrations.api.client import Api, api_for, import_payouts


def line(number: int, net: str, **changes: Any) -> Any:
    told = {"amount": Decimal(net), "fee": Decimal(0), "net": Decimal(net), **changes}
    return factories.make_payout_line(number, **told)


@pytest.fixture
def payout(store: Store, order: Order) -> Payout:
    """Of a sale that is here, a refund of an order that is not, and a fee; 0.05 is missing."""
    lines = (
        factories.make_payout_line(1),
        line(2, "-10.00", kind=PayoutLineKind.REFUND, raw_kind="REFUND"),
        line(3, "-0.65", kind=PayoutLineKind.FEE, external_order_id=""),
    )
    record = factories.make_payout(1, amount=Decimal("17.00"), lines=lines)
    return import_payouts(store, [record])[0]


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [row["external_id"] for row in answer.json()["results"]]


def test_one_payout_shows_its_lines_and_what_they_leave(
    api: Api, payout: Payout, order: Order
) -> None:
    found = api.get(f"/payouts/{payout.pk}").json()

    assert found["amount"] == "17.00"
    sums = [found[f"{name}_total"] for name in ("gross", "fee", "net")]
    assert sums == ["18.10", "1.15", "16.95"]
    assert (found["remainder"], found["adds_up"]) == ("0.05", False)
    assert found["problem"] == (
        "The lines add up to 16.95 EUR, 0.05 EUR less than the payout. No line explains it."
    )
    assert (found["line_count"], found["more_lines"]) == (3, None)
    told = [(x["kind"], x["net"], x["order_id"], x["external_order_id"]) for x in found["lines"]]
    assert told == [
        ("charge", "27.60", str(order.pk), "1001"),
        ("refund", "-10.00", None, "1002"),
        ("fee", "-0.65", None, ""),
    ]


@pytest.mark.parametrize(
    ("currency", "amount", "shown"), [("JPY", "12000", "12000"), ("KWD", "1.235", "1.235")]
)
def test_amounts_have_the_decimals_of_their_currency(
    api: Api, store: Store, currency: str, amount: str, shown: str
) -> None:
    lines = (line(1, amount, currency=currency),)
    record = factories.make_payout(1, currency=currency, amount=Decimal(amount), lines=lines)
    payout = import_payouts(store, [record])[0]

    found = api.get(f"/payouts/{payout.pk}").json()

    assert (found["amount"], found["lines"][0]["net"]) == (shown, shown)
    assert (found["adds_up"], Decimal(found["remainder"])) == (True, 0)


def test_a_payout_whose_lines_cannot_be_added_has_no_remainder(api: Api, store: Store) -> None:
    payout = import_payouts(store, [factories.make_payout(1, lines_complete=False)])[0]

    found = api.get(f"/payouts/{payout.pk}").json()

    assert (found["remainder"], found["lines_complete"], found["adds_up"]) == (None, False, False)
    assert "has not told all lines" in found["problem"]


def test_the_list_is_chosen_from_by_store_status_sum_and_time(
    api: Api, store: Store, merchant: Merchant
) -> None:
    other = factories.make_store(merchant, base_url="https://other.example")
    paid = factories.make_payout(1)
    failed = factories.make_payout(
        2,
        status=PayoutStatus.FAILED,
        raw_status="FAILED",
        issued_at=NOW - timedelta(days=9),
        amount=Decimal("99.00"),
    )
    import_payouts(store, [paid, failed])
    import_payouts(other, [factories.make_payout(3, issued_at=NOW - timedelta(days=5))])

    assert ids(api.get("/payouts")) == ["po1", "po3", "po2"]
    assert ids(api.get("/payouts", {"store": str(other.pk)})) == ["po3"]
    assert ids(api.get("/payouts", {"status": "failed,scheduled"})) == ["po2"]
    assert ids(api.get("/payouts", {"adds_up": "false"})) == ["po2"]
    assert ids(api.get("/payouts", {"adds_up": "true"})) == ["po1", "po3"]
    since, until = NOW - timedelta(days=5), NOW - timedelta(days=1)
    asked = {"issued_after": since.isoformat(), "issued_before": until.isoformat()}
    assert ids(api.get("/payouts", asked)) == ["po3"]


@pytest.mark.parametrize("query", [{"status": "vanished"}, {"issued_after": "x"}, {"stat": "paid"}])
def test_a_filter_that_means_nothing_is_refused(api: Api, query: dict[str, str]) -> None:
    assert api.get("/payouts", query).status_code == 400


def test_the_list_is_followed_page_by_page(api: Api, store: Store) -> None:
    import_payouts(store, [factories.make_payout(n) for n in range(5)])

    first = api.get("/payouts", {"page_size": 2})
    second = api.follow(first.json()["next"])
    third = api.follow(second.json()["next"])

    assert len({*ids(first), *ids(second), *ids(third)}) == 5
    assert third.json()["next"] is None


def test_of_many_lines_the_first_are_shown_and_all_are_a_link_away(
    api: Api, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "LINES_SHOWN", 3)
    kinds = [PayoutLineKind.CHARGE, PayoutLineKind.FEE]
    lines = tuple(line(n, "1.00", kind=kinds[n % 2]) for n in range(5))
    payout = import_payouts(store, [factories.make_payout(1, amount=Decimal(5), lines=lines)])[0]

    found = api.get(f"/payouts/{payout.pk}").json()
    everything = api.follow(found["more_lines"])

    assert [x["external_id"] for x in found["lines"]] == ["t0", "t1", "t2"]
    assert ids(everything) == ["t0", "t1", "t2", "t3", "t4"]
    first = api.get(f"/payouts/{payout.pk}/lines", {"kind": "fee", "page_size": 1})
    assert (ids(first), ids(api.follow(first.json()["next"]))) == (["t1"], ["t3"])


def test_an_order_says_how_it_was_paid_out(api: Api, payout: Payout, order: Order) -> None:
    told = api.get(f"/orders/{order.pk}").json()["payout_lines"]

    assert told == api.get(f"/payouts/{payout.pk}").json()["lines"][:1]
    assert told[0]["payout_id"] == str(payout.pk)


def test_another_merchants_payout_does_not_exist(
    api: Api, payout: Payout, stranger: Api, store: Store
) -> None:
    for path in (f"/payouts/{payout.pk}", f"/payouts/{payout.pk}/lines"):
        assert api.get(path).status_code == 200
        assert stranger.get(path).status_code == 404
    assert ids(stranger.get("/payouts")) == []
    assert ids(stranger.get("/payouts", {"store": str(store.pk)})) == []


def test_looking_at_payouts_takes_the_scope_read_and_nothing_is_written_here(
    merchant: Merchant, payout: Payout
) -> None:
    writer = api_for(merchant, Scope.ORDERS_WRITE, Scope.STORES_WRITE)

    for path in ("/payouts", f"/payouts/{payout.pk}", f"/payouts/{payout.pk}/lines"):
        assert writer.get(path).json()["code"] == "scope_missing"
        assert api_for(merchant, Scope.READ).get(path).status_code == 200
        assert api_for(merchant).post(path).status_code == 405


def test_answers_look_as_the_description_says(api: Api, payout: Payout) -> None:
    row = api.get("/payouts").json()["results"][0]
    full = api.get(f"/payouts/{payout.pk}").json()

    assert set(row) == set(PayoutSummarySerializer().fields)
    assert set(full) == set(PayoutSerializer().fields)
    assert {name: full[name] for name in row} == row
    for told in full["lines"]:
        assert set(told) == set(PayoutLineSerializer().fields)


def test_one_payout_takes_the_same_statements_whatever_it_holds(
    merchant: Merchant, store: Store
) -> None:
    many = tuple(line(n, "1.00") for n in range(150))
    records = [factories.make_payout(1), factories.make_payout(2, lines=many)]
    reader = api_for(merchant, Scope.READ)
    reader.get("/platforms")
    counts = []

    for payout in import_payouts(store, records):
        with CaptureQueriesContext(connection) as captured:
            assert reader.get(f"/payouts/{payout.pk}").status_code == 200
        counts.append(len(captured))

    assert counts[0] == counts[1] <= 4
