"""The page that explains an item: its figures in sentences, and a way to everything they came
from.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from integrations.models import Push, Store
from inventory import kits, ledger
from inventory.catalogue import import_products
from inventory.models import (
    Listing,
    Location,
    StockLevel,
    StockMovement,
    StockRule,
    StoreLocation,
    StorePlace,
    Variant,
)
from logix.accounts import audit
from logix.accounts.models import AuditEvent, Role
from orders.data import Authority
from orders.importing import import_orders
from orders.models import Order
from tests.factories import NOW, make_line, make_merchant, make_order, make_product, make_store
from tests.integrations.admin.conftest import As, text, words
from tests.integrations.admin.test_attention import home, leads_to, shown
from tests.integrations.admin.test_by_hand import address

pytestmark = pytest.mark.django_db


@pytest.fixture
def mug(store: Store) -> Variant:
    """Ten were counted first, two of them are sold; the store keeps one back by its rule."""
    return Variant.objects.get(sku="SKU-1")


def page_of(variant: Variant) -> str:
    return reverse("admin:inventory_variant_explain", args=[variant.pk])


def test_the_page_says_each_figure_and_leads_to_what_it_came_from(
    boss: Client, store: Store, mug: Variant
) -> None:
    rule, order = StockRule.objects.get(), Order.objects.get(number="1001")
    listing, level = mug.listings.get(), mug.levels.get()
    movement = StockMovement.objects.filter(variant=mug).first()

    page = boss.get(page_of(mug))

    said = words(page)
    for sentence in (
        "10 on hand, 2 reserved: 8 free. 1 kept back.",
        "The rule of the store.",
        "1 open reservation, 2 units in all",
        "2 movements so far",
        "Reserved for order #1001",
    ):
        assert sentence in said, said
    html = page.content.decode()
    for row in (listing, listing.store, listing.push, rule, level, order, movement):
        assert f'href="{address(row, "change")}"' in html, row
    every = f"{reverse('admin:inventory_stockmovement_changelist')}?variant__id__in={mug.pk}"
    assert f'href="{every}"' in html
    assert shown(boss, every) == 2


def test_every_page_about_an_item_leads_to_its_explanation(
    boss: Client, store: Store, mug: Variant
) -> None:
    link = f'href="{page_of(mug)}"'
    order = Order.objects.get(number="1001")

    for row in (mug, mug.listings.get(), mug.levels.get()):
        assert link in boss.get(address(row, "change")).content.decode(), row
    assert link not in boss.get(address(order, "change")).content.decode()

    lines = (make_line(1, quantity=50),)
    import_orders(
        store, [make_order(9, lines=lines)], authority=Authority.BY_ID, observed_at=NOW, now=NOW
    )
    oversold = Order.objects.get(number="1009")
    assert link in boss.get(address(oversold, "change")).content.decode()
    assert "42 units wanted and not there" in text(boss, page_of(mug))


def test_what_if_shows_the_supposed_figure_beside_the_present_one(
    boss: Client, store: Store, mug: Variant
) -> None:
    assert "Would show" not in text(boss, page_of(mug))

    said = text(boss, f"{page_of(mug)}?buffer=4&percent=50&max_listed=")

    assert "Would show" in said
    assert "If so: 10 on hand, 2 reserved: 8 free. 4 kept back. 50 % of the rest is 2." in said
    assert "8 free. 1 kept back." in said
    assert StockRule.objects.get().buffer == 1
    always = text(boss, f"{page_of(mug)}?buffer=&percent=100&max_listed=&end_when=&always=77")
    assert "If so: This figure is always shown." in always
    ended = text(boss, f"{page_of(mug)}?buffer=&percent=100&max_listed=&end_when=8&always=")
    assert "8 free. 0 is shown when no more than 8 are free." in ended
    wrong = boss.get(f"{page_of(mug)}?buffer=4&percent=150&max_listed=")
    assert "less than or equal to 100" in words(wrong)
    assert "Would show" not in words(wrong)


def test_what_is_promised_and_not_there_is_said(boss: Client, mug: Variant) -> None:
    StockLevel.objects.filter(variant=mug).update(on_hand=1, held=3, damaged=2)

    said = text(boss, page_of(mug))

    assert (
        "1 on hand, 2 reserved, 3 held, 2 damaged; 6 of these not there, and not taken from other "
        "places: 0 free." in said
    )


def test_an_order_whose_number_has_its_sign_is_told_with_one(
    boss: Client, store: Store, mug: Variant
) -> None:
    Order.objects.filter(number="1001").update(number="#1001")

    said = text(boss, page_of(mug))

    assert "#1001" in said
    assert "##1001" not in said


def test_times_are_those_of_the_store_where_its_stores_share_a_zone(
    boss: Client, store: Store, mug: Variant
) -> None:
    Store.objects.filter(pk=store.pk).update(timezone="Asia/Tokyo")
    StockLevel.objects.filter(variant=mug).update(
        counted_at=datetime(2025, 10, 1, 20, 30, tzinfo=UTC)
    )
    assert "2025-10-02 05:30\u00a0JST" in boss.get(page_of(mug)).content.decode()

    other = make_store(store.merchant, base_url="https://other.example", name="Other")
    import_products(other, [make_product(1)], observed_at=NOW, now=NOW)

    assert "2025-10-01 20:30\u00a0UTC" in boss.get(page_of(mug)).content.decode()


def test_a_kit_shows_its_parts_and_they_show_it(boss: Client, store: Store, mug: Variant) -> None:
    import_products(store, [make_product(7, stock=None)], observed_at=NOW, now=NOW)
    kit = Variant.objects.get(sku="SKU-7")
    kits.set_parts(kit, {mug.pk: 3}, actor="user:boss")

    said = text(boss, page_of(kit))

    assert "It is a kit" in said
    assert "10 on hand" not in said, "in kits, not in mugs"
    assert "In whole kits: 3 on hand, 1 reserved: 2 free. 1 kept back." in said
    assert f'href="{page_of(mug)}"' in boss.get(page_of(kit)).content.decode()
    assert f'href="{page_of(kit)}"' in boss.get(page_of(mug)).content.decode()
    assert "In 1 kit" in text(boss, page_of(mug))


def test_each_location_of_a_store_has_its_own_figures(
    boss: Client, store: Store, mug: Variant
) -> None:
    at = StoreLocation.objects.create(store=store, external_id="61", name="Hauptlager")
    StorePlace.objects.create(store=store, location=Location.objects.get(), shown_at=at)
    Push.objects.filter(listing__variant=mug).update(pushed_value=8, pushed_at_places={"61": 8})
    Listing.objects.filter(variant=mug).update(seen_quantity=7, seen_at_places={"61": 7})

    said = text(boss, page_of(mug))

    assert "Hauptlager 7 8 7 Main warehouse" in said


def test_who_may_not_see_the_merchant_finds_nothing_and_a_viewer_makes_no_rule(
    store: Store, mug: Variant, signed_in: As
) -> None:
    viewer, owner = signed_in(Role.VIEWER), signed_in(Role.OWNER)
    add = reverse("admin:inventory_stockrule_add")

    assert add not in viewer.get(page_of(mug)).content.decode()
    assert f"{add}?listing=" in owner.get(page_of(mug)).content.decode()
    stranger = signed_in(None)
    assert stranger.get(page_of(mug)).status_code == 404


def test_the_page_costs_the_same_for_one_store_and_for_six(
    boss: Client, store: Store, mug: Variant
) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert boss.get(page_of(mug)).status_code == 200
        return len(captured)

    cost()  # what a process asks for once and remembers
    one = cost()
    for number in range(5):
        other = make_store(store.merchant, base_url=f"https://s{number}.example", name="S")
        import_products(other, [make_product(1)], observed_at=NOW, now=NOW)

    assert text(boss, page_of(mug)).count("is switched off") == 6
    assert cost() == one <= 35


# --- stock that does not add up ---


def _found_at_night(*variants: Variant) -> None:
    """As ``upkeep.prove_stock`` notes it."""
    for variant in variants:
        audit.record(
            "stock.differs", actor="system", merchant=variant.merchant, obj=variant, details={}
        )


def test_stock_that_does_not_add_up_is_on_the_first_page_until_it_does(
    boss: Client, store: Store, mug: Variant
) -> None:
    assert "does not add up" not in home(boss)
    StockLevel.objects.filter(variant=mug).update(on_hand=13)
    assert "does not add up" not in home(boss), "the night finds it, not every page"
    _found_at_night(mug)

    page = home(boss)

    difference = "SKU-1 at Main warehouse: on hand is 13, its movements add up to 10."
    assert leads_to(page, f"Stock that does not add up: {difference}") == page_of(mug)
    assert difference in text(boss, page_of(mug))
    StockLevel.objects.filter(variant=mug).update(on_hand=10)
    assert "does not add up" not in home(boss)


def test_several_items_that_do_not_add_up_are_shown_as_rows(boss: Client, store: Store) -> None:
    StockLevel.objects.exclude(variant__sku="SKU-3").update(on_hand=99)
    _found_at_night(*Variant.objects.order_by("sku"))

    where = leads_to(home(boss), "Stock that does not add up: 2 items.")

    assert shown(boss, where) == 2


def test_nobody_is_told_of_somebody_elses_stock(store: Store, mug: Variant, signed_in: As) -> None:
    StockLevel.objects.filter(variant=mug).update(on_hand=13)
    _found_at_night(mug)

    assert "does not add up" in home(signed_in(Role.VIEWER))
    assert "does not add up" not in home(signed_in(Role.OWNER, make_merchant("other")))


def test_a_count_by_hand_is_explained_at_once(boss: Client, store: Store, mug: Variant) -> None:
    level = mug.levels.get()
    ledger.adjust(
        variant=mug, location=level.location, set_to=5, reason="Yearly count", actor="user:boss"
    )

    said = text(boss, page_of(mug))

    assert "5 on hand, 2 reserved: 3 free." in said
    assert "Counted by hand · Yearly count" in said
    assert not AuditEvent.objects.filter(action="stock.differs").exists()
