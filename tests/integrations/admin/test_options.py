"""The page where staff choose what a platform's own card offers for a store."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from integrations.models import Store, Stream, StreamName
from logix.accounts.models import Role
from tests.factories import make_store
from tests.integrations.admin.conftest import As

pytestmark = pytest.mark.django_db


@pytest.fixture
def boutique(store: Store) -> Store:
    """A Shopify store of the same merchant, read once already."""
    made = make_store(
        store.merchant, platform="shopify", name="Boutique", base_url="https://b.myshopify.com"
    )
    Stream.objects.filter(store=made).update(read_through=made.created_at)
    return made


def page(store: Store) -> str:
    return reverse("admin:integrations_store_options", args=[store.pk])


def test_metafields_are_chosen_and_the_products_are_read_for_them(
    boss: Client, boutique: Store
) -> None:
    assert "Metafields of orders" in boss.get(page(boutique)).content.decode()
    metafields = " custom.gift\r\n\r\napp.note"
    told = {
        "order_metafields": metafields,
        "refunds": "off",
        "returns": "record",
        "reserve_from": "ranked",
    }

    answer = boss.post(page(boutique), told, follow=True)

    boutique.refresh_from_db()
    assert boutique.options["order_metafields"] == ["custom.gift", "app.note"]
    assert "its products are read again now" in answer.content.decode()
    assert Stream.objects.get(store=boutique, name=StreamName.PRODUCTS).read_through is None
    assert "custom.gift\napp.note" in boss.get(page(boutique)).content.decode()


def test_what_cannot_be_right_stands_beside_its_field_and_nothing_is_kept(
    boss: Client, boutique: Store
) -> None:
    told = {
        "order_metafields": "custom.gift\nx",
        "refunds": "off",
        "returns": "record",
        "reserve_from": "ranked",
    }
    answer = boss.post(page(boutique), told)

    assert answer.status_code == 200
    assert "It cannot be “x”" in answer.content.decode()
    boutique.refresh_from_db()
    assert not boutique.options


def test_left_empty_they_are_none_and_the_same_again_is_no_change(
    boss: Client, boutique: Store
) -> None:
    told = {
        "order_metafields": "custom.gift",
        "refunds": "off",
        "returns": "record",
        "reserve_from": "ranked",
    }
    boss.post(page(boutique), told)
    answer = boss.post(page(boutique), told, follow=True)
    assert "Nothing was changed" in answer.content.decode()

    boss.post(page(boutique), {**told, "order_metafields": ""})

    boutique.refresh_from_db()
    assert "order_metafields" not in boutique.options


def test_refunds_are_allowed_as_far_as_the_platform_can(
    boss: Client, store: Store, boutique: Store
) -> None:
    assert "no money moves" in boss.get(page(store)).content.decode()
    assert "no money moves" not in boss.get(page(boutique)).content.decode()

    answer = boss.post(
        page(store),
        {"refunds": "record", "returns": "record", "reserve_from": "ranked"},
        follow=True,
    )

    assert "The options are kept." in answer.content.decode()
    assert "products are read again" not in answer.content.decode()
    store.refresh_from_db()
    assert store.refunds == "record"
    boss.post(
        page(boutique),
        {
            "refunds": "record",
            "returns": "record",
            "reserve_from": "ranked",
            "order_metafields": "",
        },
    )
    boutique.refresh_from_db()
    assert boutique.refunds == "off"


def test_only_owners_choose(boss: Client, boutique: Store, signed_in: As) -> None:
    assert signed_in(Role.OPERATOR).get(page(boutique)).status_code == 403
    change = reverse("admin:integrations_store_change", args=[boutique.pk])
    assert page(boutique) in boss.get(change).content.decode()


def test_what_becomes_of_goods_that_come_back_is_chosen_for_any_store(
    boss: Client, store: Store
) -> None:
    assert "goes on the shelf here at once" in boss.get(page(store)).content.decode()

    told = {"refunds": "off", "returns": "automatic", "reserve_from": "ranked"}
    answer = boss.post(page(store), told, follow=True).content.decode()

    store.refresh_from_db()
    assert (store.returns, store.options["returns"]) == ("automatic", "automatic")
    assert "The options are kept." in answer
    assert "products are read again" not in answer


def test_where_orders_take_their_units_from_is_chosen_and_nothing_is_read_for_it(
    boss: Client, boutique: Store
) -> None:
    shown = boss.get(page(boutique)).content.decode()
    assert "One place for all of an order; what is not there is short" in shown
    told = {"refunds": "off", "returns": "record", "reserve_from": "no_split"}

    answer = boss.post(page(boutique), {**told, "order_metafields": ""}, follow=True)

    boutique.refresh_from_db()
    assert boutique.options["reserve_from"] == "no_split"
    assert "The options are kept." in answer.content.decode()
    assert Stream.objects.get(store=boutique, name=StreamName.PRODUCTS).read_through is not None


def test_buyers_are_kept_for_fewer_days_than_the_platform_allows_and_never_more(
    boss: Client, store: Store
) -> None:
    seller = make_store(store.merchant, platform="amazon", name="Musterhandel")
    told = {"returns": "record", "reserve_from": "ranked"}
    assert "Empty: 30, as Amazon allows." in boss.get(page(seller)).content.decode()

    refused = boss.post(page(seller), {**told, "keep_buyers_days": "31"})
    assert "less than or equal to 30" in refused.content.decode()
    seller.refresh_from_db()
    assert "keep_buyers_days" not in seller.options

    for typed, kept, days, allowed in (("14", 14, 13, 14), ("", None, 29, 30)):
        answer = boss.post(page(seller), {**told, "keep_buyers_days": typed}, follow=True)
        assert "The options are kept." in answer.content.decode()
        seller.refresh_from_db()
        assert seller.options.get("keep_buyers_days") == kept
        assert (
            f"Erased {days} days after an order was sent or cancelled, a day before the {allowed} "
            "that are allowed are over."
        ) in answer.content.decode()
