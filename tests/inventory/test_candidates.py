"""Links by barcode, what an unlinked listing might be, and linking all that leave no doubt."""

from __future__ import annotations

from typing import Any

import pytest

from inventory import links
from inventory.candidates import candidates, counted_alone, link_all, promising, twins
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


def test_a_name_in_two_parts_is_a_hint(first: Any, second: Any) -> None:
    variants = (
        VariantData(external_id="m", sku="SHIRT-M", title="Medium", stock=1),
        VariantData(external_id="l", sku="SHIRT-L", title="Large", stock=1),
    )
    shirt = make_product(4, title="Shirt", external_id="p4", variants=variants)
    import_products(first, [shirt], observed_at=NOW, now=NOW)
    listing = bring(second, 7, title="shirt –  medium")

    assert [(x.variant.sku, x.is_sure) for x in candidates(listing)] == [("SHIRT-M", False)]


def test_a_sku_that_the_store_has_twice_is_not_sure(second: Any) -> None:
    one, other = (bring(second, number, sku="MUG") for number in (1, 2))
    links.unlink(one, actor="user:anna")

    (found,) = candidates(other)

    assert (found.is_sure, found.reason) == (
        False,
        "It has the same SKU. Another listing of the store has it too.",
    )
    assert list(twins(other)) == [one]


def test_what_came_without_a_sku_is_counted_alone_and_says_so(first: Any, second: Any) -> None:
    bare = bring(second, 5, title="Nothing")

    assert bare.variant is not None
    assert bare.link_problem == LinkProblem.BLANK_SKU
    assert list(Listing.objects.filter(counted_alone())) == [bare]

    links.link(bring(first, 6, sku="CUP"), bare.variant, actor="user:anna")
    assert not Listing.objects.filter(counted_alone()).exists(), "it is counted with another"


def test_a_barcode_of_several_products_leaves_a_listing_alone(first: Any, second: Any) -> None:
    bring(first, 2, sku="MUG-NEW", barcode=MUG)

    listing = bring(second, 7, sku="BECHER", barcode=MUG)

    assert listing.link_problem == LinkProblem.AMBIGUOUS
    assert list(Listing.objects.filter(counted_alone())) == [listing]
    assert {(x.variant.sku, x.is_sure) for x in candidates(listing)} == {
        ("MUG", False),
        ("MUG-NEW", False),
    }


def test_one_that_is_counted_alone_is_linked_when_another_product_has_its_barcode(
    first: Any, second: Any
) -> None:
    bare = bring(second, 5, barcode="4006381333948")
    Variant.objects.filter(sku="MUG").update(barcode="4006381333948")
    assert list(promising(second.pk)) == [bare]

    done = link_all(second.pk, actor="user:anna")

    bare.refresh_from_db()
    assert (done.linked, bare.link_problem) == (1, LinkProblem.NONE)
    assert bare.variant == Variant.objects.get(sku="MUG")


def test_doubtful_ones_in_front_hold_nobody_up(
    first: Any, second: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (2, 3):
        bring(first, number, sku=f"TWO-{number}", barcode="4006381333948")
    doubtful = [bring(second, n, sku=f"D{n}", barcode="4006381333948") for n in (11, 12, 13)]
    Variant.objects.filter(sku__startswith="D").delete()
    sure = [bring(second, n, sku=f"S{n}") for n in range(21, 29)]
    Listing.objects.filter(store=second).update(variant=None)
    monkeypatch.setattr("inventory.candidates.MOST_AT_ONCE", 3)
    monkeypatch.setattr("inventory.candidates._BATCH", 2)

    done = [link_all(second.pk, actor="user:anna") for _ in range(4)]

    assert [(x.linked, x.doubtful, x.more) for x in done] == [
        (3, 3, True),
        (3, 3, True),
        (2, 3, False),
        (0, 3, False),
    ]
    assert {pk for pk, _ in done[0].left} == {x.pk for x in doubtful}
    assert done[3].run_id is None
    linked = Listing.objects.filter(pk__in=[x.pk for x in sure], variant__isnull=False)
    assert linked.count() == len(sure)


def test_two_listings_of_one_barcode_are_not_linked_to_one_product(second: Any) -> None:
    for number in (1, 2):
        bring(second, number, sku=f"B{number}")
    Variant.objects.exclude(sku="MUG").delete()
    Listing.objects.filter(store=second).update(barcode=MUG)

    done = link_all(second.pk, actor="user:anna")

    assert (done.linked, done.doubtful) == (0, 2)


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
