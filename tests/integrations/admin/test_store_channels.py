"""The page “Channels” of a store, the ways that lead to it, and what other pages say of them."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from integrations import channels
from integrations.models import Store
from integrations.sync import apply_products
from inventory.models import Listing
from logix.accounts.models import Role
from orders.models import Order
from tests import factories
from tests.integrations.admin.conftest import As, words
from tests.integrations.api.client import BRITAIN, GERMANY, import_orders, make_seller, offered

pytestmark = pytest.mark.django_db


@pytest.fixture
def seller(store: Store) -> Store:
    made = make_seller(store.merchant, name="Musterhandel")
    apply_products(
        made, [factories.make_product(7, channels=offered("p7"))], observed_at=factories.NOW
    )
    return made


def body(answer: Any) -> str:
    return unescape(answer.content.decode())


def page(store: Store) -> str:
    return reverse("admin:integrations_store_channels", args=[store.pk])


def choice(**turns: Any) -> dict[str, Any]:
    """What the form sends: each that is on with its turn."""
    ids = {"de": GERMANY.external_id, "uk": BRITAIN.external_id}
    on = {f"on_{ids[name]}": "on" for name in turns}
    return on | {f"turn_{ids[name]}": turn for name, turn in turns.items()}


def test_the_page_says_of_each_channel_what_it_is_and_sells(boss: Client, seller: Store) -> None:
    shown = words(boss.get(page(seller)))

    assert "Channels of Musterhandel" in shown
    for told in (
        "Amazon.de",
        "DE · EUR · Europe/Berlin",
        "Amazon.co.uk",
        "GB · GBP · Europe/London",
        "1 listing offered · 0 orders in the last 30 days",
        "from the first on",
    ):
        assert told in shown
    store_page = words(boss.get(reverse("admin:integrations_store_change", args=[seller.pk])))
    assert "Amazon.de, Amazon.co.uk." in store_page
    assert page(seller) in body(
        boss.get(reverse("admin:integrations_store_change", args=[seller.pk]))
    )


def test_a_channel_is_switched_off_and_another_one_put_first(boss: Client, seller: Store) -> None:
    answer = boss.post(page(seller), choice(uk=1, de=2), follow=True)

    assert "The choice is kept" in body(answer)
    seller.refresh_from_db()
    assert [x.name for x in channels.on(seller)] == ["Amazon.co.uk", "Amazon.de"]

    boss.post(page(seller), choice(uk=""))

    seller.refresh_from_db()
    assert [x.name for x in channels.off(seller)] == ["Amazon.de"]
    shown = words(boss.get(reverse("admin:integrations_store_change", args=[seller.pk])))
    assert "Amazon.co.uk. Off: Amazon.de." in shown


def test_the_last_channel_stays_on(boss: Client, seller: Store) -> None:
    assert "has to stay on" in body(boss.post(page(seller), {}))

    assert "Nothing was changed" in body(boss.post(page(seller), choice(de=1, uk=2), follow=True))
    seller.refresh_from_db()
    assert seller.options == {}


@pytest.mark.parametrize("turn", ["-3", "1000", "first"])
def test_a_turn_that_is_none_says_what_to_write(boss: Client, seller: Store, turn: str) -> None:
    assert "Write 1 to 999, or nothing." in body(boss.post(page(seller), choice(de=turn, uk=2)))

    seller.refresh_from_db()
    assert seller.options == {}


def test_only_owners_choose(signed_in: As, seller: Store) -> None:
    assert signed_in(Role.OPERATOR).get(page(seller)).status_code == 403


def test_a_store_that_is_one_channel_has_no_such_page_to_go_to(boss: Client, store: Store) -> None:
    change = boss.get(reverse("admin:integrations_store_change", args=[store.pk]))

    assert page(store) not in body(change)
    assert "Itself alone." in words(change)
    assert "nothing to choose" in body(boss.get(page(store)))


def test_marketplaces_are_not_typed_among_the_options(boss: Client, seller: Store) -> None:
    shown = body(boss.get(reverse("admin:integrations_store_options", args=[seller.pk])))

    assert 'name="app_is_draft"' in shown
    assert 'name="marketplaces"' not in shown


def test_a_listing_shows_how_each_channel_offers_it(boss: Client, seller: Store) -> None:
    listing = Listing.objects.get(store=seller)

    shown = words(boss.get(reverse("admin:inventory_listing_change", args=[listing.pk])))

    for told in ("Where it is offered", "Amazon.co.uk", "9.50 GBP", "9.50 EUR", "BUYABLE", "B0MUG"):
        assert told in shown
    found = boss.get(
        reverse("admin:inventory_listing_changelist"), {"channel": BRITAIN.external_id}
    )
    assert [row.pk for row in found.context["cl"].result_list] == [listing.pk]


def test_an_orders_times_are_those_of_its_channel(boss: Client, seller: Store) -> None:
    (order,) = import_orders(
        seller, [factories.make_order(71, custom={"marketplace": "Amazon.co.uk"})]
    )
    Order.objects.filter(pk=order.pk).update(placed_at=factories.NOW)

    shown = body(boss.get(reverse("admin:orders_order_change", args=[order.pk])))

    assert "2026-11-20 12:00\u00a0GMT" in shown
