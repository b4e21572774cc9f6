"""Payouts in the admin: is each explained, line by line to the orders; and nothing is written."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from integrations import registry
from integrations.models import Store
from logix.accounts.models import Role
from orders.data import PayoutData, PayoutLineKind
from orders.models import Order, Payout
from orders.payouts import import_payouts
from tests.factories import NOW, make_merchant, make_payout, make_payout_line, make_store
from tests.integrations.admin.conftest import As, text
from tests.integrations.sync import paying

pytestmark = pytest.mark.django_db

LIST = reverse("admin:orders_payout_changelist")


def pay(store: Store, record: PayoutData) -> str:
    """The address of the payout's page."""
    import_payouts(store, [record], observed_at=NOW, now=NOW)
    payout = Payout.objects.get(store=store, external_id=record.external_id)
    return reverse("admin:orders_payout_change", args=[payout.pk])


def lines(count: int) -> tuple[Any, ...]:
    one = {"amount": Decimal(1), "fee": Decimal(0), "net": Decimal(1)}
    return tuple(make_payout_line(n, **one) for n in range(count))


def test_the_list_says_that_every_payout_is_explained(boss: Client, store: Store) -> None:
    html = boss.get(LIST).content.decode()

    assert "Every payout is the sum of its lines." in html
    assert "27.60 EUR" in html


def test_the_list_and_the_first_page_name_what_is_not(boss: Client, store: Store) -> None:
    pay(store, make_payout(50, amount=Decimal("30.00")))
    said = "1 payout not explained by the lines"

    html = boss.get(LIST).content.decode()

    assert said in html
    assert "The lines add up to 27.60 EUR, 2.40 EUR less than the payout." in html
    assert said in boss.get(reverse("admin:index")).content.decode()
    assert "po50" in boss.get(LIST, {"problem__isempty": "0"}).content.decode()
    assert "po50" not in boss.get(LIST, {"problem__isempty": "1"}).content.decode()


def test_one_payout_shows_its_lines_and_leads_to_their_orders(boss: Client, store: Store) -> None:
    order = Order.objects.get(number="1001")
    told = (
        make_payout_line(1),
        make_payout_line(99, kind=PayoutLineKind.DISPUTE),
        make_payout_line(3, external_order_id=""),
    )

    html = boss.get(pay(store, make_payout(50, lines=told))).content.decode()

    assert reverse("admin:orders_order_change", args=[order.pk]) in html
    assert "1099, not here yet" in html
    assert "dispute" in html
    for amount in ("28.75 EUR", "1.15 EUR", "82.80 EUR", "-55.20 EUR"):
        assert amount in html
    assert "55.20 EUR more than the payout" in html


def test_fees_that_are_lines_of_their_own_are_counted_as_fees(boss: Client, store: Store) -> None:
    fee = {"kind": PayoutLineKind.FEE, "raw_kind": "ServiceFee / Subscription Fee"}
    told = (
        make_payout_line(1, amount=Decimal("20.00"), fee=Decimal(0), net=Decimal("20.00")),
        make_payout_line(2, amount=Decimal("-3.00"), fee=Decimal(0), net=Decimal("-3.00"), **fee),
        make_payout_line(3, amount=Decimal("-1.50"), fee=Decimal(0), net=Decimal("-1.50"), **fee),
    )

    page = text(boss, pay(store, make_payout(50, lines=told, amount=Decimal("15.50"))))
    taken_off = text(boss, pay(store, make_payout(51)))

    assert "By kind charge: 20.00 EUR, 1 line fee: -4.50 EUR, 2 lines Net 15.50 EUR" in page
    assert "fee ServiceFee / Subscription Fee" in page
    assert "charge: 28.75 EUR, 1 line fees taken off them: -1.15 EUR Net 27.60 EUR" in taken_off


def test_a_payout_nobody_knows_the_arrival_of_shows_no_empty_day(
    boss: Client, store: Store
) -> None:
    assert "Paid at" in text(boss, pay(store, make_payout(50)))
    assert "Paid at" not in text(boss, pay(store, make_payout(51, paid_at=None)))


def test_a_payout_whose_lines_are_incomplete_says_so(boss: Client, store: Store) -> None:
    html = boss.get(pay(store, make_payout(50, lines_complete=False))).content.decode()

    assert "has not told all lines" in html
    assert "not known" in html


def test_a_payout_costs_the_same_whatever_its_lines(boss: Client, store: Store) -> None:
    few = pay(store, make_payout(50, amount=Decimal(3), lines=lines(3)))
    many = pay(store, make_payout(51, amount=Decimal(120), lines=lines(120)))
    boss.get(few)
    counts = []

    for url in (few, many):
        with CaptureQueriesContext(connection) as captured:
            assert boss.get(url).status_code == 200
        counts.append(len(captured))

    assert counts[0] == counts[1] <= 20


def test_nobody_changes_a_payout(store: Store, signed_in: As) -> None:
    url = pay(store, make_payout(50))
    owner = signed_in(Role.OWNER)

    assert owner.post(url, {"amount": "1"}).status_code == 403
    assert owner.get(f"{LIST}add/").status_code == 403
    assert b"po50" in owner.get(LIST).content


def test_a_stranger_sees_no_payout(store: Store, signed_in: As) -> None:
    stranger = signed_in(Role.OWNER, make_merchant("other"))

    assert b"po1" not in stranger.get(LIST).content
    assert stranger.get(pay(store, make_payout(50))).status_code == 302


def test_the_sidebar_leads_to_payouts_where_there_are_some_or_may_be(
    signed_in: As, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_merchant("other")
    make_store(other, base_url="https://other.example")
    home = reverse("admin:index")

    assert LIST in signed_in(Role.OWNER).get(home).content.decode()
    stranger = signed_in(Role.VIEWER, other)
    assert LIST not in stranger.get(home).content.decode()

    monkeypatch.setitem(registry.BUILT_IN, "payingshop", "tests.integrations.sync.paying.CARD")
    make_store(other, platform=paying.CARD.slug, base_url="https://paying.example")
    assert LIST in stranger.get(home).content.decode()
