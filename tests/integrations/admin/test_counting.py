"""Who counts a store's stock, the first push, acts on lists: each is tried before it is done."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from integrations.models import Push, Store, ToldFigure
from inventory.models import LinkProblem, Listing, StockLevel
from logix.accounts.models import Role
from tests.factories import NOW
from tests.integrations.admin.conftest import As, text
from tests.integrations.admin.test_acts import press

pytestmark = pytest.mark.django_db


@pytest.fixture
def counted(store: Store) -> Store:
    """Its stock is open, and it shows 4 of what is counted as 10 here, of which an order holds
    2.
    """
    Store.objects.filter(pk=store.pk).update(stock_opened_at=NOW)
    Listing.objects.filter(sku="SKU-2").update(seen_quantity=4)
    return store


def page_of(store: Store, name: str = "change", *more: str) -> str:
    return reverse(f"admin:integrations_store_{name}", args=[store.pk, *more])


def test_letting_the_store_count_asks_with_what_it_would_do(boss: Client, counted: Store) -> None:
    before = list(StockLevel.objects.values_list("on_hand", flat=True))

    asks = text(boss, page_of(counted, "act", "store-counts"))

    assert "Of 3 listings, " in asks
    assert "would be counted anew by the store's figure" in asks
    assert list(StockLevel.objects.values_list("on_hand", flat=True)) == before
    page = press(boss, "integrations_store", counted, "store-counts")
    assert "counts its stock now" in page
    assert "Stock is counted by" in text(boss, page_of(counted))
    asks = text(boss, page_of(counted, "act", "hub-counts"))
    assert "would be told another figure than the store shows" in asks
    assert "counts the stock of" in press(boss, "integrations_store", counted, "hub-counts")


def test_held_zeros_ask_on_the_first_page_and_are_believed(boss: Client, counted: Store) -> None:
    press(boss, "integrations_store", counted, "store-counts")
    listing = Listing.objects.get(sku="SKU-1")
    Listing.objects.filter(pk=listing.pk).update(seen_quantity=0)
    ToldFigure.objects.create(store=counted, listing=listing, was=8, state="held")
    assert "shows 0 for far more listings than orders explain" in text(boss, reverse("admin:index"))

    assert "1 zero of" in press(boss, "integrations_store", counted, "believe-zeros")

    assert not ToldFigure.objects.exists()
    assert StockLevel.objects.get(variant__sku="SKU-1").free == 0


def test_the_first_push_is_a_page_and_a_sentence_before_the_switch(
    boss: Client, counted: Store
) -> None:
    before = list(Push.objects.order_by("pk").values())

    page = text(boss, page_of(counted, "first_push"))
    asks = text(boss, page_of(counted, "act", "writes-on"))

    assert "Would be written" in page
    assert "SKU-2" in page
    assert "would be written now" in asks
    assert "First push" in text(boss, page_of(counted))
    assert list(Push.objects.order_by("pk").values()) == before
    only = text(boss, f"{page_of(counted, 'first_push')}?outcome=blocked&after=nonsense")
    assert "No listing is among these." in only


def test_linking_all_says_first_how_many(boss: Client, store: Store) -> None:
    listing = Listing.objects.get(sku="SKU-1")
    Listing.objects.filter(pk=listing.pk).update(
        variant=None, link_problem=LinkProblem.DUPLICATE_SKU
    )

    asks = text(boss, page_of(store, "act", "link-all"))

    listing.refresh_from_db()
    assert "1 listing would be linked." in asks
    assert listing.variant is None


def test_an_act_on_a_list_can_be_tried_first(boss: Client, store: Store) -> None:
    rows = list(Push.objects.order_by("pk"))
    Push.objects.filter(pk=rows[0].pk).update(state=Push.State.BUSY)
    before = list(Push.objects.order_by("pk").values())
    url = reverse("admin:integrations_push_changelist")
    chosen = {"action": "try-retry", "_selected_action": [str(row.pk) for row in rows]}

    page = boss.post(url, chosen, follow=True).content.decode()

    assert f"tried on {len(rows)}: {len(rows) - 1} would be done. Nothing was changed." in page
    assert "1 would be left alone: It does not apply there." in page
    assert list(Push.objects.order_by("pk").values()) == before


def test_only_an_owner_switches_who_counts(signed_in: As, counted: Store) -> None:
    operator = signed_in(Role.OPERATOR)

    assert operator.post(page_of(counted, "act", "store-counts")).status_code == 403
    assert operator.get(page_of(counted, "first_push")).status_code == 200
