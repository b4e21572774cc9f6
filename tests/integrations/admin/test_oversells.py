"""Oversells in the admin; the store's acts that link all sure listings and confirm a sell-out."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from integrations.models import Push, Store
from integrations.outbox.reasons import Reason
from inventory.models import LinkProblem, Listing
from orders.data import Authority
from orders.importing import import_orders
from orders.models import Oversell
from tests.factories import NOW, make_line, make_order
from tests.integrations.admin.conftest import As, text
from tests.integrations.admin.test_acts import press

pytestmark = pytest.mark.django_db


@pytest.fixture
def oversell(store: Store) -> Oversell:
    order = make_order(50, lines=(make_line(1, quantity=99),))
    import_orders(store, [order], authority=Authority.LIST_PAGE, observed_at=NOW, now=NOW)
    return Oversell.objects.unresolved().get()


def test_the_list_says_what_is_missing_and_the_page_how_it_came(
    boss: Client, oversell: Oversell
) -> None:
    shown = text(boss, reverse("admin:orders_oversell_changelist"))
    assert "1 line of orders sold what is not there" in shown
    assert "SKU-1" in shown

    page = text(boss, reverse("admin:orders_oversell_change", args=[oversell.pk]))
    assert "missing" in page
    assert "Example shop had not been told a figure by Logix when this order came in." in page
    assert "should have shown" not in page
    assert "3600 s" in page


def test_what_a_store_sells_on_back_order_is_named_and_alarms_nobody(
    boss: Client, store: Store
) -> None:
    Listing.objects.filter(store=store, sku="SKU-1").update(backorders=True)
    order = make_order(50, lines=(make_line(1, quantity=99),))
    import_orders(store, [order], authority=Authority.LIST_PAGE, observed_at=NOW, now=NOW)
    found = Oversell.objects.unresolved().get()

    shown = text(boss, reverse("admin:orders_oversell_changelist"))
    assert "on back-order" in shown
    assert "of orders sold what is not there" not in shown
    assert "1 line sold on back-order, which the stores allow; nothing else is missing." in shown
    page = text(boss, reverse("admin:orders_oversell_change", args=[found.pk]))
    assert "Sold on back-order: Example shop allows it to be sold below zero." in page
    page = text(boss, reverse("admin:orders_order_change", args=[found.order_id]))
    assert "sold on back-order, which the store allows" in page
    listing = Listing.objects.get(store=store, sku="SKU-1")
    page = text(boss, reverse("admin:inventory_listing_change", args=[listing.pk]))
    assert "yes, on back-order" in page


def test_others_people_see_none_of_it(oversell: Oversell, signed_in: As) -> None:
    stranger = signed_in(None)

    assert "SKU-1" not in text(stranger, reverse("admin:orders_oversell_changelist"))
    url = reverse("admin:orders_oversell_change", args=[oversell.pk])
    assert stranger.get(url).status_code in (302, 403, 404)


def test_a_sell_out_is_sent_when_its_owner_says_that_it_is_meant(
    boss: Client, store: Store
) -> None:
    listing = Listing.objects.filter(store=store)[0]
    push, _ = Push.objects.get_or_create(listing=listing, defaults={"store": store})
    Push.objects.filter(pk=push.pk).update(state="blocked", problem_code=Reason.MASS_ZERO)
    page = reverse("admin:integrations_store_change", args=[store.pk])
    assert "Send the zeros" in text(boss, page)

    assert "is told 1 zero now" in press(boss, "integrations_store", store, "send-zeros", "yes")

    push.refresh_from_db()
    assert (push.state, push.problem_code) == ("ready", Reason.ZERO_CONFIRMED)
    assert "Send the zeros" not in text(boss, page)


def test_all_sure_links_are_made_by_one_act(boss: Client, store: Store) -> None:
    listing = Listing.objects.get(store=store, sku="SKU-1")
    Listing.objects.filter(pk=listing.pk).update(
        variant=None, link_problem=LinkProblem.DUPLICATE_SKU
    )
    page = reverse("admin:integrations_store_change", args=[store.pk])
    assert "Link all sure" in text(boss, page)

    assert "1 listing linked" in press(boss, "integrations_store", store, "link-all")

    listing.refresh_from_db()
    assert listing.variant is not None
    assert "Link all sure" not in text(boss, page)
