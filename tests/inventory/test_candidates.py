"""Links by barcode, what an unlinked listing might be, and linking all that leave no doubt."""

from __future__ import annotations

from typing import Any

import pytest

from inventory import links
from inventory.candidates import candidates, link_all, promising
from inventory.catalogue import import_products
from inventory.data import VariantData
from inventory.linking import barcode_key
from inventory.models import LinkProblem, Listing, Variant
from tests.factories import NOW, make_product, make_store

pytestmark = pytest.mark.django_db

MUG = "4006381333931"


@pytest.fixture
def first() -> Any:
    """A store whose mug has a SKU and a barcode."""
    store = make_store()
    bring(store, 1, sku="MUG", barcode=MUG)
    return store


@pytest.fixture
def second(first: Any) -> Any:
    return make_store(first.merchant, base_url="https://second.example", name="Second")


def bring(store: Any, number: int, *, title: str = "", **told: str) -> Listing:
    variant = VariantData(external_id=f"v{number}", stock=5, **told)
    product = make_product(
        number, title=title or f"Thing {number}", external_id=f"p{number}", variants=(variant,)
    )
    import_products(store, [product], observed_at=NOW, now=NOW)
    return Listing.objects.get(store=store, external_product_id=f"p{number}")


@pytest.mark.parametrize(
    ("one", "other"),
    [("036000291452", "0036000291452"), (" 4006381333931 ", "4006381333931"), ("ab-1", "AB-1")],
)
def test_barcodes_are_compared_as_codes(one: str, other: str) -> None:
    assert barcode_key(one) == barcode_key(other)


@pytest.mark.parametrize("sku", ["", "becher"])
def test_a_barcode_that_one_product_has_links_what_has_no_known_sku(second: Any, sku: str) -> None:
    listing = bring(second, 7, sku=sku, barcode="0" + MUG)

    assert listing.variant == Variant.objects.get(sku="MUG")
    assert Variant.objects.count() == 1


def test_a_known_sku_comes_before_a_barcode(first: Any, second: Any) -> None:
    bring(first, 2, sku="CUP", barcode="")

    assert bring(second, 7, sku="cup", barcode=MUG).variant == Variant.objects.get(sku="CUP")


def test_a_barcode_that_leaves_a_doubt_links_nothing(first: Any, second: Any) -> None:
    bring(first, 2, sku="MUG-NEW", barcode=MUG)
    assert Variant.objects.filter(barcode=MUG).count() == 2, "the store sells it once already"

    assert bring(second, 7, sku="", barcode=MUG).variant not in set(
        Variant.objects.filter(sku__startswith="MUG")
    )


def test_two_of_one_barcode_in_a_store_are_two_products(second: Any) -> None:
    variants = tuple(VariantData(external_id=f"v{n}", barcode=MUG, stock=5) for n in (1, 2))
    import_products(second, [make_product(9, variants=variants)], observed_at=NOW, now=NOW)

    linked = set(Listing.objects.filter(store=second).values_list("variant__sku", flat=True))
    assert linked == {""}


def test_candidates_come_with_their_reasons(first: Any, second: Any) -> None:
    bring(first, 2, sku="CUP", title="Blue cup")
    listing = bring(second, 7, sku="MUG", barcode=MUG, title="Blue cup")
    links.unlink(listing, actor="user:anna")
    listing.refresh_from_db()

    assert [(x.variant.sku, x.reason, x.is_sure) for x in candidates(listing)] == [
        ("MUG", "It has the same SKU.", True),
        ("CUP", "It has the same title.", False),
    ]


def test_what_is_sold_under_another_listing_is_not_sure(first: Any) -> None:
    twin = bring(first, 3, sku="MUG")
    assert (twin.variant, twin.link_problem) == (None, LinkProblem.DUPLICATE_SKU)

    (found,) = candidates(twin)

    assert (found.is_sure, found.reason) == (
        False,
        "It has the same SKU. The store sells it under another listing.",
    )


def test_all_that_leave_no_doubt_are_linked_at_once(first: Any, second: Any) -> None:
    twins = [bring(second, n, sku="TWIN") for n in (1, 2)]
    plain = bring(second, 3, sku="MUG")
    by_hand = bring(second, 4, sku="HAND")
    bare = bring(second, 5, sku="", title="Nothing")
    bring(first, 8, sku="BOX", barcode="4006381333948")
    bring(first, 9, sku="CUP")
    torn = bring(second, 6, sku="CUP", barcode="4006381333948")
    links.unlink(by_hand, actor="user:anna")
    Listing.objects.filter(pk__in=[plain.pk, bare.pk, torn.pk]).update(
        variant=None, link_problem=LinkProblem.BLANK_SKU
    )

    assert set(promising(second.pk)) == {plain, torn}
    done = link_all(second.pk, actor="user:anna")

    plain.refresh_from_db()
    assert (done.linked, plain.variant) == (1, Variant.objects.get(sku="MUG"))
    assert [pk for pk, _ in done.left] == [torn.pk]
    assert "Several products could be meant" in done.left[0][1]
    assert twins[1].variant is None
    links.unlink(plain, actor="user:anna")
    assert link_all(second.pk, actor="user:anna").linked == 0, "what a person took off stays off"
