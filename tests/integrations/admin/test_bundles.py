"""Bundles of stores in the admin: what a listing's page says, and the button that follows the
store again.
"""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from integrations.models import Store
from inventory import bundles, kits, ledger, locations
from inventory.catalogue import import_products
from inventory.data import PartData, VariantData
from inventory.models import KitPart, Listing, Variant
from logix.accounts.models import AuditEvent, Role
from tests.factories import NOW, make_product
from tests.integrations.admin.conftest import As, text, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def bundle(store: Store) -> Listing:
    parts = (PartData(external_variant_id="p1", sku="SKU-1", quantity=2),)
    told = VariantData(external_id="set", sku="SET", is_bundle=True, parts=parts)
    import_products(store, [make_product(9, variants=(told,))], observed_at=NOW, now=NOW)
    return Listing.objects.get(sku="SET")


def overview(query: str = "") -> str:
    return reverse("admin:inventory_listing_changelist") + query


def page(listing: Listing) -> str:
    return reverse("admin:inventory_listing_change", args=[listing.pk])


def act(listing: Listing) -> str:
    return reverse("admin:inventory_listing_act", args=[listing.pk, "take-over"])


def test_the_pages_of_a_bundle_say_what_it_is_made_of(boss: Client, bundle: Listing) -> None:
    said = text(boss, page(bundle))
    assert "2 × SKU-1" in said
    assert "A kit of these here." in said
    assert "The store computes what it shows of a bundle itself, from its parts." in said

    kit = reverse("admin:inventory_variant_change", args=[bundle.variant_id])
    assert f"as {bundle.store} tells it" in text(boss, kit)
    assert "no bundle" in text(boss, page(Listing.objects.get(sku="SKU-1")))


def test_a_bundle_that_is_counted_itself_says_so_where_it_is_shown_and_leads_to_its_count(
    boss: Client, bundle: Listing
) -> None:
    kit = bundle.variant
    assert kit is not None
    kits.set_parts(kit, {}, actor="user:anna")
    place = locations.default(kit.merchant_id)
    ledger.adjust(variant=kit, location=place, set_to=4, reason="Count", actor="user:anna")
    bundles.try_again([bundle.pk])
    Variant.objects.update(kit_by_hand=False)
    bundles.try_again([bundle.pk])
    variant_page = reverse("admin:inventory_variant_change", args=[kit.pk])

    assert "SET is counted itself. Count it as 0 first" in text(boss, page(bundle))
    assert f'href="{variant_page}"' in boss.get(page(bundle)).content.decode()
    said = text(boss, variant_page)
    assert "no kit; counted itself" in said
    assert f"{bundle.store} sells it as a bundle, which is no kit here" in said
    assert f'href="{page(bundle)}"' in boss.get(variant_page).content.decode()

    ledger.adjust(variant=kit, location=place, set_to=0, reason="Count", actor="user:anna")
    assert "Its stock, to count it" not in text(boss, page(bundle))
    assert "is a kit of the parts" in words(boss.post(act(bundle), {"confirmed": "1"}, follow=True))


def test_a_bundle_that_is_no_kit_is_found_on_the_list_and_follows_at_a_button(
    boss: Client, bundle: Listing
) -> None:
    kits.set_parts(Variant.objects.get(sku="SET"), {}, actor="user:anna")
    said = text(boss, overview())
    assert (
        "1 bundle of stores is no kit of the parts that are told. Each says why at its page."
        in said
    )
    assert "SET" in text(boss, overview("?look=bundles"))
    assert "Its parts were taken off by hand" in text(boss, page(bundle))

    answer = words(boss.post(act(bundle), {"confirmed": "1"}, follow=True))

    assert f"SET is a kit of the parts {bundle.store} tells. Its stores are told." in answer
    assert KitPart.objects.get(kit=bundle.variant_id).units == 2
    assert AuditEvent.objects.filter(action="kit.parts_changed").latest("pk").actor == "boss"
    assert "is no kit of the parts" not in text(boss, overview())


def test_who_may_only_look_is_not_offered_it(signed_in: As, bundle: Listing) -> None:
    kits.set_parts(Variant.objects.get(sku="SET"), {}, actor="user:anna")

    viewer = signed_in(Role.VIEWER)

    assert "Make it a kit" not in text(viewer, page(bundle))
    assert viewer.post(act(bundle), {"confirmed": "1"}).status_code == 403
    assert not KitPart.objects.exists()
