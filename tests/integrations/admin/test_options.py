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


def test_a_stock_location_is_chosen_and_the_products_are_read_for_it(
    boss: Client, boutique: Store
) -> None:
    shown = boss.get(page(boutique)).content.decode()
    assert "Stock location" in shown
    told = {"stock_location": " 61000001 ", "order_metafields": "custom.gift\r\n\r\napp.note"}

    answer = boss.post(page(boutique), told, follow=True)

    boutique.refresh_from_db()
    assert boutique.options["stock_location"] == "61000001"
    assert boutique.options["order_metafields"] == ["custom.gift", "app.note"]
    assert "its products are read again now" in answer.content.decode()
    assert Stream.objects.get(store=boutique, name=StreamName.PRODUCTS).read_through is None
    again = boss.get(page(boutique)).content.decode()
    assert "61000001" in again
    assert "custom.gift\napp.note" in again


def test_what_cannot_be_right_stands_beside_its_field_and_nothing_is_kept(
    boss: Client, boutique: Store
) -> None:
    answer = boss.post(page(boutique), {"stock_location": "Köln", "order_metafields": "x"})

    assert answer.status_code == 200
    assert "It cannot be “Köln”" in answer.content.decode()
    assert "It cannot be “x”" in answer.content.decode()
    boutique.refresh_from_db()
    assert not boutique.options


def test_left_empty_they_are_none_and_the_same_again_is_no_change(
    boss: Client, boutique: Store
) -> None:
    boss.post(page(boutique), {"stock_location": "7"})
    answer = boss.post(page(boutique), {"stock_location": "7"}, follow=True)
    assert "Nothing was changed" in answer.content.decode()

    boss.post(page(boutique), {"stock_location": ""})

    boutique.refresh_from_db()
    assert "stock_location" not in boutique.options


def test_only_owners_choose_and_only_where_there_is_a_choice(
    boss: Client, store: Store, boutique: Store, signed_in: As
) -> None:
    assert signed_in(Role.OPERATOR).get(page(boutique)).status_code == 403
    change = reverse("admin:integrations_store_change", args=[boutique.pk])
    assert page(boutique) in boss.get(change).content.decode()
    other = reverse("admin:integrations_store_change", args=[store.pk])
    assert page(store) not in boss.get(other).content.decode()
