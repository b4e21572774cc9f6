"""Kit parts are set on a page with a row for each, in SKUs and units."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from integrations.models import Push, Store
from inventory import kits
from inventory.catalogue import import_products
from inventory.models import KitPart, Product, Variant
from logix.accounts.models import AuditEvent, Role
from tests.factories import NOW, make_merchant, make_product
from tests.integrations.admin.conftest import As, text, words
from tests.integrations.admin.test_by_hand import address
from tests.inventory.test_ledger import make_item

pytestmark = pytest.mark.django_db


@pytest.fixture
def kit(store: Store) -> Variant:
    import_products(store, [make_product(7, stock=None)], observed_at=NOW, now=NOW)
    Push.objects.all().delete()
    return Variant.objects.get(sku="SKU-7")


def page_of(kit: Variant) -> str:
    return reverse("admin:inventory_variant_parts", args=[kit.pk])


def keep(client: Client, kit: Variant, *rows: tuple[str, Any]) -> str:
    """Fill the form in and read the page that answers."""
    filled = {}
    for number, (sku, units) in enumerate(rows):
        filled |= {f"sku_{number}": sku, f"units_{number}": units}
    return words(client.post(page_of(kit), filled, follow=True))


def made_of(kit: Variant) -> dict[str, int]:
    return dict(KitPart.objects.filter(kit=kit).values_list("part__sku", "units"))


def test_a_kit_is_made_changed_and_taken_apart_by_hand(
    boss: Client, store: Store, kit: Variant
) -> None:
    assert "no kit; counted itself" in text(boss, address(kit, "change"))

    said = keep(boss, kit, ("sku-1", 2), ("", ""), ("SKU-2", 1))

    assert "SKU-7 is a kit of these parts from now on. Its stores are told." in said
    assert "2 × SKU-1 1 × SKU-2" in said
    assert made_of(kit) == {"SKU-1": 2, "SKU-2": 1}
    assert Push.objects.filter(listing__variant=kit).exists()
    page = boss.get(page_of(kit)).content.decode()
    assert 'value="SKU-1"' in page
    assert 'name="sku_5"' in page, "two parts, and four empty rows"

    keep(boss, kit, ("SKU-3", 1))
    assert made_of(kit) == {"SKU-3": 1}
    said = keep(boss, kit, ("", ""))
    assert "SKU-7 is no kit; count it to sell it from now on." in said
    assert made_of(kit) == {}
    told = AuditEvent.objects.filter(action="kit.parts_changed")
    assert [event.actor for event in told] == ["boss"] * 3


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([("SKU-404", 1)], "There is no product with the SKU SKU-404."),
        ([("SKU-1", "")], "Say how many are in one."),
        ([("SKU-1", 0)], "greater than or equal to 1"),
        ([("", 3)], "Say of what."),
        ([("SKU-1", 1), ("sku-1", 2)], "It is named above already. Add its units up there."),
        ([("SKU-7", 1)], "SKU-7 cannot be a part of itself."),
        ([("FOREIGN", 1)], "There is no product with the SKU FOREIGN."),
    ],
)
def test_what_makes_no_kit_is_refused_in_words_and_kept_in_the_form(
    boss: Client, kit: Variant, rows: list[tuple[str, Any]], sentence: str
) -> None:
    make_item(make_merchant("other"), "FOREIGN")

    said = keep(boss, kit, *rows)

    assert sentence in said
    assert made_of(kit) == {}


def test_what_is_counted_says_what_to_do_first(boss: Client, kit: Variant) -> None:
    counted = Variant.objects.get(sku="SKU-1")

    assert "Count it as 0 first" in keep(boss, counted, ("SKU-2", 1))


def test_a_part_without_a_sku_stays_a_part(boss: Client, store: Store, kit: Variant) -> None:
    product = Product.objects.create(merchant=store.merchant, title="Ribbon", kind="simple")
    ribbon = Variant.objects.create(merchant=store.merchant, product=product, title="Ribbon")
    kits.set_parts(kit, {ribbon.pk: 1}, actor="user:boss")

    assert f'value="{ribbon.pk}"' in boss.get(page_of(kit)).content.decode()
    keep(boss, kit, (str(ribbon.pk), 2), ("SKU-1", 1))

    assert made_of(kit) == {"": 2, "SKU-1": 1}


def test_rows_that_were_sent_count_whatever_the_kit_is_meanwhile(
    boss: Client, kit: Variant
) -> None:
    rows = [(f"SKU-{number}", number) for number in (1, 2, 3)]

    keep(boss, kit, *[("", "")] * 6, *rows)

    assert made_of(kit) == {"SKU-1": 1, "SKU-2": 2, "SKU-3": 3}


def test_setting_parts_takes_an_operator_of_the_merchant(
    store: Store, kit: Variant, signed_in: As
) -> None:
    viewer, operator = signed_in(Role.VIEWER), signed_in(Role.OPERATOR)

    assert viewer.get(page_of(kit)).status_code == 403
    assert page_of(kit) not in viewer.get(address(kit, "change")).content.decode()
    assert operator.get(page_of(kit)).status_code == 200
    assert page_of(kit) in operator.get(address(kit, "change")).content.decode()
    stranger = signed_in(None)
    assert stranger.post(page_of(kit), {"sku_0": "SKU-1", "units_0": 1}).status_code == 404
    assert made_of(kit) == {}
