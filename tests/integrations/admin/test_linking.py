"""What a listing is counted as, on the pages: what it might be, a product of its own, and the links
made and undone at once.
"""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from integrations.models import RunState, Store, SyncRun
from inventory import links
from inventory.candidates import link_all
from inventory.models import LinkProblem, Listing, Variant
from logix.accounts.models import Role
from tests.factories import make_store
from tests.integrations.admin.conftest import As
from tests.integrations.admin.test_acts import press
from tests.inventory.test_candidates import bring

pytestmark = pytest.mark.django_db

MUG = "4006381333931"


@pytest.fixture
def second(store: Store) -> Store:
    """A store that sells one thing without a SKU, under a barcode of the first store's mug, and two
    things under one SKU.
    """
    bring(store, 90, sku="MUG", barcode="")
    second = make_store(store.merchant, base_url="https://second.example", name="Second")
    bring(second, 1, title="Bare mug", barcode=MUG)
    for number in (2, 3):
        bring(second, number, sku="TWIN", title=f"Twin {number}")
    first = Listing.objects.get(store=second, external_product_id="p2")
    links.unlink(first, actor="user:anna")
    Variant.objects.filter(sku="MUG").update(barcode=MUG)
    return second


def of(second: Store, product: str) -> Listing:
    return Listing.objects.get(store=second, external_product_id=product)


def page(client: Client, listing: Listing, name: str = "link") -> str:
    url = reverse(f"admin:inventory_listing_{name}", args=[listing.pk])
    return client.get(url).content.decode()


@pytest.mark.parametrize(
    ("look", "words", "product"),
    [
        ("blank", "1 listing without a SKU is counted alone.", "p1"),
        ("unlinked", "2 listings not counted here", "p3"),
    ],
)
def test_what_is_not_well_with_links_has_a_look_of_its_own(
    boss: Client, second: Store, look: str, words: str, product: str
) -> None:
    lists = reverse("admin:inventory_listing_changelist")

    assert words in boss.get(lists).content.decode()
    found = boss.get(lists, {"look": look}).context["cl"].result_list
    assert of(second, product) in list(found)
    assert all(x.store == second for x in found)


def test_the_link_page_offers_what_it_might_be(boss: Client, second: Store) -> None:
    bare, mug = of(second, "p1"), Variant.objects.get(sku="MUG")
    shown = page(boss, bare)
    assert "MUG · Thing 90: It has the same barcode." in shown
    assert "It is counted alone so far; if that is right" in shown

    url = reverse("admin:inventory_listing_link", args=[bare.pk])
    neither = boss.post(url, {"likely": "", "sku": ""}).content.decode()
    both = boss.post(url, {"likely": str(mug.pk), "sku": "SKU-1"}).content.decode()
    assert "Choose one of the products, or give the SKU of another." in neither
    assert "Choose one of the products, or give the SKU of another." in both
    said = boss.post(url, {"likely": str(mug.pk), "sku": ""}, follow=True).content.decode()

    assert "is counted as MUG from now on." in said
    assert (of(second, "p1").variant, of(second, "p1").link_problem) == (mug, LinkProblem.NONE)


def test_the_link_page_names_the_twin(boss: Client, second: Store) -> None:
    shown = page(boss, of(second, "p3"))

    assert "Another listing of this store has the same SKU: Twin 2 (not linked)." in shown
    assert "Make a product of its own" in shown


def test_a_twin_is_made_a_product_of_its_own(boss: Client, second: Store) -> None:
    said = press(boss, "inventory_listing", of(second, "p3"), "make-product")

    own = of(second, "p3").variant
    assert own is not None
    assert "is counted as a product of its own" in said
    assert "act/make-product" not in page(boss, of(second, "p3"), "change")


def test_what_is_rightly_alone_is_kept_so(boss: Client, second: Store) -> None:
    own = of(second, "p1").variant

    press(boss, "inventory_listing", of(second, "p1"), "keep-alone")

    assert (of(second, "p1").variant, of(second, "p1").link_problem) == (own, LinkProblem.NONE)
    assert "act/keep-alone" not in page(boss, of(second, "p1"), "change")


def test_links_made_at_once_are_undone_at_once(boss: Client, second: Store) -> None:
    before = (of(second, "p1").variant, of(second, "p1").link_problem)
    store_page = reverse("admin:integrations_store_change", args=[second.pk])
    assert "act/undo-links" not in boss.get(store_page).content.decode()
    assert link_all(second.pk, actor="user:anna").linked == 1
    url = reverse("admin:integrations_store_act", args=[second.pk, "undo-links"])
    assert "1 listing would be put back as before." in boss.get(url).content.decode()

    assert "1 listing of Second put back as before." in press(
        boss, "integrations_store", second, "undo-links"
    )

    assert (of(second, "p1").variant, of(second, "p1").link_problem) == before
    assert "act/undo-links" not in boss.get(store_page).content.decode()


def test_a_dry_run_of_products_is_asked_for_and_shown(boss: Client, second: Store) -> None:
    said = press(boss, "integrations_store", second, "rehearse-products")
    assert "nothing is kept" in said
    run = SyncRun.objects.get(dry_run=True, stream__name="products")
    named = {
        "external_product_id": "7",
        "external_variant_id": "7",
        "sku": "<b>S</b>",
        "title": "Mug",
        "linked_to": "MUG (Thing 90)",
    }
    counts = {"sku": 4, "barcode": 0, "own": 2, "blank": 1, "ambiguous": 0, "duplicate": 3}
    SyncRun.objects.filter(pk=run.pk).update(
        state=RunState.COMPLETED,
        checkpoint={
            "matching": {
                "looked_at": 9,
                "is_all": True,
                "known": 0,
                "counts": counts,
                "named": {"sku": [named]},
            }
        },
    )

    shown = boss.get(reverse("admin:integrations_syncrun_change", args=[run.pk])).content.decode()
    assert "9 products looked at, all that the store has." in shown
    assert "Linked by SKU to a product that is here: <b>4</b>" in shown
    assert "Mug (&lt;b&gt;S&lt;/b&gt;) → MUG (Thing 90)" in shown
    store_page = reverse("admin:integrations_store_change", args=[second.pk])
    assert "How products match" in boss.get(store_page).content.decode()


@pytest.mark.parametrize("verb", ["make-product", "keep-alone"])
def test_who_may_only_look_changes_no_link(second: Store, signed_in: As, verb: str) -> None:
    url = reverse("admin:inventory_listing_act", args=[of(second, "p3").pk, verb])

    assert signed_in(Role.VIEWER).post(url).status_code == 403
    assert of(second, "p3").variant is None
