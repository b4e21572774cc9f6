"""Payouts read by the time they were issued; at a scripted store and at the simulated one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from integrations.base import Filters, ReadBy
from integrations.errors import PermissionMissing, Unsupported
from integrations.platform import Ability
from integrations.shopify import payout_mapper
from integrations.shopify.payouts import PAGE
from integrations.sync import applying, inbound
from orders.models import Payout
from tests.factories import make_store
from tests.integrations.conformance.world import adapter_of
from tests.integrations.shopify.bank import EVERYTHING, START, Bank, line, payout, read
from tests.integrations.shopify.shop import Shop, adapter_for, data, error, errors
from tests.integrations.shopify.world import ShopifyWorld, shopify_world

NOW = datetime(2026, 11, 26, tzinfo=UTC)


@pytest.mark.parametrize("by", list(ReadBy))
def test_payouts_are_read_by_the_time_they_were_issued(shop: Shop, by: ReadBy) -> None:
    Bank(shop, [payout(number) for number in range(6)])
    window = Filters(since=START + timedelta(days=2), until=START + timedelta(days=4), by=by)

    assert [record.external_id for record in read(shop, window)] == ["2", "3"]

    (call,) = shop.asked("Payouts")
    assert call.variables["query"] == (
        "issued_at:>='2026-11-03T00:00:00Z' issued_at:<'2026-11-05T00:00:00Z'"
    )
    assert call.variables["sortKey"] == "ISSUED_AT"
    assert call.variables["first"] == PAGE


def test_pages_go_on_where_the_last_one_ended(shop: Shop) -> None:
    Bank(shop, [payout(number) for number in range(7)])
    adapter = adapter_for(shop)
    pages = list(adapter.read_payouts(Filters(since=EVERYTHING.since, page_size=3)))

    assert [len(page.records) for page in pages] == [3, 3, 1]
    assert [page.last for page in pages] == [False, False, True]
    assert all(page.store_time for page in pages)
    again = Filters(since=EVERYTHING.since, page_size=3, position=pages[0].position)
    rest = [r.external_id for page in adapter.read_payouts(again) for r in page.records]
    assert rest == ["3", "4", "5", "6"]


def test_payouts_are_read_by_their_numbers(shop: Shop) -> None:
    Bank(shop, [payout(1), payout(2), payout(3)], {"2": [line(9, of=2)]})

    found = read(shop, Filters(ids=("2", "44", "no-number")))

    assert [record.external_id for record in found] == ["2"]
    assert len(found[0].lines) == 1


def test_lines_of_a_payout_that_is_known_are_not_fetched(shop: Shop) -> None:
    Bank(shop, [payout(1), payout(2)], {"2": [line(9, of=2)]})
    met: dict[str, bytes] = {}

    def known(raws: Any) -> set[str]:
        met.update(raws)
        return {"1"}

    (page,) = adapter_for(shop).read_payouts(Filters(since=EVERYTHING.since, known=known))

    assert page.known == ("1",)
    assert [record.external_id for record in page.records] == ["2"]
    assert json.loads(met["1"]) == payout(1)
    asked = [call.variables["query"] for call in shop.asked("PayoutLines")]
    assert asked == ["payments_transfer_id:2"]


def test_a_payout_of_many_lines_is_read_to_its_end(shop: Shop) -> None:
    lines = [line(number) for number in range(1, 421)]
    bank = Bank(shop, [payout()], {"77": lines})

    (found,) = read(shop)

    assert [x.external_id for x in found.lines] == [str(number) for number in range(1, 421)]
    assert found.lines_complete
    assert len(bank.shop.asked("PayoutLines")) > 1


def test_lines_beyond_what_one_list_gives_are_said_to_be_missing(shop: Shop) -> None:
    found = payout_mapper.to_payout(
        b"", payout_mapper.decode(json.dumps(payout()).encode()), [], complete=False
    )

    assert not found.lines_complete


def test_a_store_that_does_not_use_shopify_payments_is_told_so(shop: Shop) -> None:
    shop.on("Payouts", data(shopifyPaymentsAccount=None))

    with pytest.raises(Unsupported, match="does not use Shopify Payments"):
        read(shop)


def test_without_the_scope_it_is_named(shop: Shop) -> None:
    told = "Access denied for shopifyPaymentsAccount field."
    access = "`read_shopify_payments` or `read_shopify_payments_accounts` access scope."
    denied = error("ACCESS_DENIED", told, "shopifyPaymentsAccount", requiredAccess=access)
    shop.on("Payouts", errors(denied, data={"shopifyPaymentsAccount": None}))

    with pytest.raises(PermissionMissing) as caught:
        read(shop)

    assert caught.value.scopes == ("read_shopify_payments_accounts",)


def test_the_ability_is_off_where_the_scope_was_not_granted(shop: Shop) -> None:
    assert adapter_for(shop).can(Ability.PAYOUTS)
    assert not adapter_for(shop, missing=("read_shopify_payments_accounts",)).can(Ability.PAYOUTS)


# -- At the simulated store --------------------------------------------------------------------


@pytest.fixture(scope="module")
def world() -> Iterator[ShopifyWorld]:
    with shopify_world(orders=150) as made:
        yield made


def test_every_payout_is_the_sum_of_its_lines_and_they_name_orders(world: ShopifyWorld) -> None:
    with adapter_of(world) as adapter:
        pages = list(adapter.read_payouts(EVERYTHING))

    found = [record for page in pages for record in page.records]
    assert len(pages) > 1
    assert [x for page in pages for x in page.unreadable] == []
    assert all(record.amount == sum(x.net for x in record.lines) for record in found)
    named = {x.external_order_id for record in found for x in record.lines}
    assert named <= world.order_ids()
    assert len(named) > 20


def test_a_window_holds_what_was_issued_in_it(world: ShopifyWorld) -> None:
    with adapter_of(world) as adapter:
        every = [r for page in adapter.read_payouts(EVERYTHING) for r in page.records]
        since, until = every[5].issued_at, every[11].issued_at
        window = Filters(since=since, until=until, by=ReadBy.PLACED)
        inside = [r for page in adapter.read_payouts(window) for r in page.records]
        (one,) = adapter.read_payouts(Filters(ids=(every[7].external_id,)))

    assert inside == [r for r in every if since <= r.issued_at < until]
    assert one.records == (every[7],)


@pytest.mark.django_db
def test_what_was_written_once_adds_up_and_is_not_read_again(world: ShopifyWorld) -> None:
    store = make_store(platform="shopify", base_url="https://acme.myshopify.com")
    known = partial(inbound.known_payouts, store)
    with adapter_of(world) as adapter:
        for page in adapter.read_payouts(EVERYTHING):
            applying.apply_payouts(store, page.records, observed_at=NOW, origin="test")
        again = list(adapter.read_payouts(replace(EVERYTHING, known=known)))

    payouts = Payout.objects.filter(store=store)
    assert payouts.count() > PAGE
    assert not payouts.exclude(problem="").exists()
    assert {name for page in again for name in page.known} == {
        payout.external_id for payout in payouts
    }
    assert [record for page in again for record in page.records] == []


def test_a_simulated_store_without_shopify_payments_is_told_so() -> None:
    with (
        shopify_world(uses_shopify_payments=False) as bare,
        adapter_of(bare) as adapter,
        pytest.raises(Unsupported),
    ):
        list(adapter.read_payouts(EVERYTHING))
