"""Stock for people: items are named, causes lead somewhere, and nothing is a dead end."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from integrations.models import Push, Store
from inventory import ledger
from inventory.catalogue import import_products
from inventory.data import VariantData
from inventory.models import Listing, StockLevel, StockMovement, StockRule, Variant
from orders import services
from orders.models import Order, OrderLine
from tests.factories import NOW, make_product
from tests.integrations.admin.conftest import listed, text
from tests.integrations.admin.test_by_hand import address

pytestmark = pytest.mark.django_db


def test_a_movement_names_its_item_and_leads_to_its_cause(boss: Client, store: Store) -> None:
    order = Order.objects.get(number="1001")
    services.add_shipment(order, actor="user:boss")
    level = StockLevel.objects.get(variant__sku="SKU-1")
    ledger.adjust(
        variant=level.variant,
        location=level.location,
        set_to=7,
        reason="Yearly count",
        actor="user:boss",
    )
    where = reverse("admin:inventory_stockmovement_changelist")

    page = boss.get(f"{where}?q=SKU-1").content.decode()

    link = f'href="{address(order, "change")}"'
    assert page.count(link) == 3, "reserved once, shipped from two buckets"
    said = listed(boss, "inventory_stockmovement", "?q=SKU-1")
    for cause in (
        "Reserved for order #1001",
        "Shipped in a parcel of order #1001",
        "Counted by hand",
        "First count, taken from the store's figure",
    ):
        assert cause in said
    for movement in StockMovement.objects.filter(variant=level.variant):
        one = text(boss, address(movement, "change"))
        assert f"SKU-1 · {level.variant.product.title}" in one
        assert movement.cause not in one
    assert "Shipped in a parcel of order #1001" in text(boss, address(level, "change"))


def test_an_item_without_a_sku_is_known_by_its_title(boss: Client, store: Store) -> None:
    sizes = tuple(
        VariantData(external_id=f"v{size}", title=size, stock=4, stock_ref="parent")
        for size in ("S", "M")
    )
    product = make_product(70, title="Shirt", variants=sizes)
    import_products(store, [product], observed_at=NOW, now=NOW, adopt_stock=True)
    shared = Variant.objects.get(title="shared stock")

    for name in ("inventory_stockmovement", "inventory_stocklevel"):
        page = listed(boss, name, "?q=Shirt")
        assert "no SKU Shirt – shared stock" in page, name
        assert str(shared.pk) not in page, name


def test_products_stock_and_listings_lead_to_one_another(boss: Client, store: Store) -> None:
    variant = Variant.objects.get(sku="SKU-1")
    level, listing = variant.levels.get(), variant.listings.get()
    stock = f"{reverse('admin:inventory_stocklevel_changelist')}?variant__id__exact={variant.pk}"
    sold = f"{reverse('admin:inventory_listing_changelist')}?variant__id__exact={variant.pk}"

    for row, leads in (
        (variant.product, (address(variant, "change"), stock, sold)),
        (variant, (address(level, "change"), address(listing, "change"), stock, sold)),
        (level, (address(variant, "change"), address(listing, "change"))),
        (listing, (address(variant, "change"),)),
    ):
        page = boss.get(address(row, "change")).content.decode()
        for url in leads:
            assert f'href="{url}"' in page, (row, url)
    for url in (stock, sold):
        assert boss.get(url).context["cl"].result_count == 1


def test_a_line_with_an_unknown_sku_leads_to_its_listing_or_to_the_search(
    boss: Client, store: Store
) -> None:
    OrderLine.objects.filter(order__number="1001").update(variant=None)
    line = OrderLine.objects.get(order__number="1001")
    url = address(line.order, "change")
    listing = Listing.objects.get(sku="SKU-1")
    OrderLine.objects.filter(pk=line.pk).update(
        external_product_id=listing.external_product_id,
        external_variant_id=listing.external_variant_id,
    )
    page = boss.get(url).content.decode()
    assert f'href="{address(listing, "change")}"' in page
    assert "not linked: link its listing" in page

    OrderLine.objects.filter(pk=line.pk).update(external_product_id="gone", sku="A&B")

    page = boss.get(url).content.decode()
    assert f'href="{reverse("admin:inventory_listing_changelist")}?q=A%26B"' in page


def test_a_weight_ends_with_no_zeros(boss: Client, store: Store) -> None:
    Variant.objects.filter(sku="SKU-1").update(weight_g="250.000")
    Variant.objects.filter(sku="SKU-2").update(weight_g="0.500")

    assert "250 g" in text(boss, address(Variant.objects.get(sku="SKU-1"), "change"))
    second = Variant.objects.get(sku="SKU-2")
    assert "0.5 g" in text(boss, address(second.product, "change"))


def test_a_stock_rule_that_cannot_be_is_refused_in_words(boss: Client, store: Store) -> None:
    rule = StockRule.objects.get(store=store)
    fields = {"buffer": "1", "percent": "150", "end_when": "0"}
    page = boss.post(address(rule, "change"), fields).content.decode()
    assert "A share is from 0 to 100 percent." in page
    assert "Constraint" not in page

    StockRule.objects.create(merchant=store.merchant)
    add = reverse("admin:inventory_stockrule_add")
    told = {"merchant": store.merchant.pk, "buffer": 1, "percent": 100, "end_when": 0}
    page = boss.post(add, told).content.decode()
    assert "There is a rule for all stores of Acme already. Change that one instead." in page
    assert "Constraint" not in page


def test_a_figure_logix_leaves_alone_is_not_called_in_step(boss: Client, store: Store) -> None:
    Push.objects.filter(listing__sku="SKU-1").update(
        state=Push.State.IDLE,
        problem_code="not_written",
        problem="Not linked to a product of Logix yet.",
    )

    page = listed(boss, "integrations_push", "?q=SKU-1")

    assert "Left alone" in page
    for plain in ("Told the store", "Waiting since"):
        assert plain in page
    for odd in ("Dirty since", "Pushed value"):
        assert odd not in page
