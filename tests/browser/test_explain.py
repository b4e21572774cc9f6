"""Explaining an item, its rule and its parts in a real browser, on a screen and on a phone."""

from __future__ import annotations

import pytest
from django.urls import reverse

from integrations import upkeep
from inventory import kits, ledger
from inventory.catalogue import import_products
from inventory.models import (
    Listing,
    Location,
    StockLevel,
    StockRule,
    StoreLocation,
    StorePlace,
    Variant,
)
from tests.browser.conftest import Watched
from tests.browser.hub import ACTOR, Hub
from tests.factories import NOW, make_product

pytestmark = pytest.mark.browser

LONG = "Donaudampfschifffahrtsgesellschaftslagerhaus am Güterbahnhof"


def _item(hub: Hub, sku: str) -> Variant:
    return Variant.objects.get(merchant=hub.merchant, sku=sku)


def test_a_figure_is_explained_and_another_rule_tried(window: Watched, hub: Hub) -> None:
    mug = _item(hub, "MUG-BLAU-300")
    at = StoreLocation.objects.create(store=hub.store, external_id="61", name=LONG)
    main = Location.objects.get(merchant=hub.merchant)
    StorePlace.objects.create(store=hub.store, location=main, shown_at=at)
    window.sign_in("anna")
    window.open(reverse("admin:inventory_variant_change", args=[mug.pk]))
    window.press("Explain")
    assert "The rule of the store." in window.text()
    window.look("explain")

    window.page.fill("#id_buffer", "20")
    window.page.fill("#id_max_listed", "30")
    window.confirm("Show")
    assert "Would show" in window.text()
    assert "20 kept back." in window.text()
    window.look("explain-what-if")


def test_an_oversold_order_leads_to_why(window: Watched, hub: Hub) -> None:
    pot = _item(hub, "KANNE-12")
    StockLevel.objects.filter(variant=pot).update(on_hand=2)
    window.sign_in("anna")
    window.open(reverse("admin:inventory_variant_explain", args=[pot.pk]))
    assert "Does not add up" in window.text()
    window.look("explain-oversold")


def test_a_kit_is_put_together_and_explained(window: Watched, hub: Hub) -> None:
    import_products(
        hub.store, [make_product(77, title="Frühstücksset", stock=None)], observed_at=NOW, now=NOW
    )
    kit = _item(hub, "SKU-77")
    window.sign_in("olaf")
    window.open(reverse("admin:inventory_variant_change", args=[kit.pk]))
    window.press("Kit parts")
    window.page.fill("#id_sku_0", "mug-rot-300")
    window.page.fill("#id_units_0", "2")
    window.page.fill("#id_sku_1", "TELLER-28")
    window.page.fill("#id_units_1", "1")
    window.confirm("Keep")
    assert "There is no product with the SKU TELLER-28." in window.text()
    window.look("kit-parts-refused")

    window.page.fill("#id_sku_1", "TELLER-27")
    window.confirm("Keep")
    assert "is a kit of these parts from now on" in window.text()
    window.look("kit-on-its-page")
    parts = {_item(hub, "MUG-ROT-300").pk: 2, _item(hub, "TELLER-27").pk: 1}
    assert kits.recipes([kit.pk]) == {kit.pk: parts}

    window.press("Explain")
    assert "It is a kit" in window.text()
    window.look("kit-explained")


def test_a_rule_is_made_for_a_listing_and_for_a_category(window: Watched, hub: Hub) -> None:
    listing = Listing.objects.get(store=hub.store, sku="MUG-BLAU-300")
    Listing.objects.filter(store=hub.store).update(categories=["Becher"])
    window.sign_in("anna")
    window.open(reverse("admin:inventory_listing_change", args=[listing.pk]))
    window.press("Stock rule")
    window.page.fill("#id_buffer", "5")
    window.look("rule-for-a-listing")
    _save(window)

    window.open(reverse("admin:inventory_stockrule_add"))
    window.page.select_option("#id_merchant", label="Nordlicht Keramik")
    window.page.select_option("#id_store", value=str(hub.store.pk))
    window.page.fill("#id_category", "Tassen")
    window.page.fill("#id_max_listed", "10")
    window.look("rule-for-a-category")
    _save(window)
    assert "has nothing in the category “Tassen”" in window.text()
    window.look("rules")

    scopes = StockRule.objects.filter(store=hub.store).values_list("listing", "category")
    assert {(listing.pk, ""), (None, "Tassen")} <= set(scopes)


def test_a_level_that_does_not_add_up_is_on_the_first_page(window: Watched, hub: Hub) -> None:
    mug = _item(hub, "MUG-BLAU-300")
    level = StockLevel.objects.get(variant=mug)
    ledger.adjust(
        variant=mug, location=level.location, set_to=30, reason="Yearly count", actor=ACTOR
    )
    StockLevel.objects.filter(pk=level.pk).update(on_hand=31)
    upkeep.prove_stock()
    window.sign_in("anna")

    window.page.get_by_text("Stock that does not add up").click()

    assert "on hand is 31, its movements add up to 30" in window.text()


def _save(window: Watched) -> None:
    with window.page.expect_navigation():
        window.page.locator("[name=_save]").first.click()
