"""Products coming in: listings, how they are linked by SKU, and what goes and comes back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inventory import signals
from inventory.catalogue import CatalogueImport, import_products, sku_key
from inventory.data import ProductData, VariantData
from inventory.ledger import LedgerConflict
from inventory.models import LinkProblem, Listing, Product, StockLevel, Variant
from logix.common import bulk
from tests.factories import NOW, make_merchant, make_product, make_store
from tests.orders.shop import assert_books_balance

pytestmark = pytest.mark.django_db


@pytest.fixture
def store() -> Any:
    return make_store()


def told(store: Any, *products: ProductData, minutes: int = 0, **more: Any) -> CatalogueImport:
    at = NOW + timedelta(minutes=minutes)
    return import_products(store, products, observed_at=at, now=at, **more)


def product(number: int, *skus: str, **more: Any) -> ProductData:
    variants = tuple(
        VariantData(external_id=f"p{number}-{k}", sku=sku, stock=5) for k, sku in enumerate(skus)
    )
    return make_product(number, variants=variants, **more)


def listing(external_id: str) -> Listing:
    return Listing.objects.get(external_variant_id=external_id)


@pytest.mark.parametrize(
    ("sku", "key"), [(" a  B ", "a b"), ("", ""), ("  ", ""), ("STRASSE", "strasse")]
)
def test_skus_are_compared_without_case_and_extra_blanks(sku: str, key: str) -> None:
    assert sku_key(sku) == key


def test_a_new_product_has_a_listing_a_variant_and_its_first_count(store: Any) -> None:
    done = told(store, make_product(), adopt_stock=True)

    assert (done.created, done.changed, done.unchanged) == (1, 0, 0)
    found = Listing.objects.get()
    assert (found.variant, found.seen_quantity) == (Variant.objects.get(), 10)
    assert StockLevel.objects.get().on_hand == 10
    assert_books_balance()


def test_the_same_again_changes_nothing(store: Any) -> None:
    told(store, make_product(), adopt_stock=True)
    before = list(Listing.objects.values())

    assert told(store, make_product(), minutes=1, adopt_stock=True).unchanged == 1
    assert list(Listing.objects.values()) == before


def test_a_later_figure_of_the_store_is_noted_and_our_count_stays(store: Any) -> None:
    told(store, make_product(), adopt_stock=True)
    heard: list[Any] = []

    def listen(listing_ids: Any, **_: Any) -> None:
        heard.append(listing_ids)

    signals.store_figure_changed.connect(listen)
    try:
        told(store, make_product(stock=3), minutes=1, adopt_stock=True)
    finally:
        signals.store_figure_changed.disconnect(listen)

    assert Listing.objects.get().seen_quantity == 3
    assert StockLevel.objects.get().on_hand == 10
    assert heard == [frozenset({Listing.objects.get().pk})]


def test_an_answer_older_than_what_we_saw_is_left_alone(store: Any) -> None:
    told(store, product(1, "A", "B"), minutes=5)

    done = told(store, product(1, "A", title="Old"), minutes=1)

    assert (done.changed, done.gone) == (0, 0)
    assert not Listing.objects.exclude(gone_at=None).exists()
    assert not Listing.objects.filter(title="Old").exists()


def test_a_variant_that_is_told_no_longer_is_gone_where_all_were_told(store: Any) -> None:
    told(store, product(1, "A", "B"))

    assert told(store, product(1, "A", variants_complete=False), minutes=1).gone == 0
    assert told(store, product(1, "A"), minutes=2).gone == 1
    assert listing("p1-1").gone_at is not None
    assert listing("p1-0").gone_at is None


def test_a_product_that_comes_back_is_told_our_figure_again(store: Any) -> None:
    told(store, product(1, "A"))
    told(store, product(1, "A", gone=True), minutes=1)
    assert listing("p1-0").gone_at is not None

    done = told(store, product(1, "A"), minutes=2)

    assert listing("p1-0").gone_at is None
    assert done.refigured == {listing("p1-0").pk}


def test_a_product_without_details_that_is_gone_takes_its_listings_along(store: Any) -> None:
    told(store, product(1, "A", "B"))

    told(store, make_product(1, title="", variants=(), gone=True), minutes=1)

    assert Listing.objects.filter(is_listed=False).exclude(gone_at=None).count() == 2


def test_two_stores_that_sell_one_sku_share_its_stock(store: Any) -> None:
    other = make_store(store.merchant, base_url="https://second.example")
    told(store, product(1, "Mug 1"), adopt_stock=True)

    told(other, product(9, " MUG  1"), adopt_stock=True)

    assert Variant.objects.count() == 1
    assert Listing.objects.filter(variant=Variant.objects.get()).count() == 2
    assert StockLevel.objects.get().on_hand == 5


def test_another_merchant_shares_nothing(store: Any) -> None:
    other = make_store(make_merchant("other"), base_url="https://other.example")
    told(store, product(1, "A"))
    told(other, product(1, "A"))

    assert Variant.objects.count() == 2
    assert {v.merchant_id for v in Variant.objects.all()} == {
        store.merchant_id,
        other.merchant_id,
    }


def test_products_without_a_sku_are_each_their_own(store: Any) -> None:
    told(store, product(1, "", ""), product(2, ""))

    assert Variant.objects.count() == 3
    assert Product.objects.count() == 2


def test_a_product_that_came_without_a_sku_takes_the_one_it_is_given(store: Any) -> None:
    told(store, product(1, ""))
    own = listing("p1-0").variant
    assert listing("p1-0").link_problem == LinkProblem.BLANK_SKU

    told(store, product(1, "Mug"), minutes=1)

    named = listing("p1-0")
    assert (named.variant, named.link_problem) == (own, LinkProblem.NONE)
    assert named.variant is not None
    assert (named.variant.sku, named.variant.sku_key) == ("Mug", "mug")


def test_a_sku_that_another_product_has_is_not_taken_by_one_that_came_without(store: Any) -> None:
    other = make_store(store.merchant, base_url="https://second.example")
    told(other, product(7, "Mug"))
    told(store, product(1, ""))

    told(store, product(1, "Mug"), minutes=1)

    kept = listing("p1-0")
    assert kept.link_problem == LinkProblem.BLANK_SKU, "somebody has to say whether it is that mug"
    assert kept.variant is not None
    assert kept.variant.sku == ""


def test_a_sku_used_twice_waits_for_a_person_until_the_store_makes_it_unique(store: Any) -> None:
    told(store, product(1, "A"), product(2, "A"))
    assert {(x.variant, x.link_problem) for x in Listing.objects.all()} == {
        (None, LinkProblem.DUPLICATE_SKU)
    }
    heard: list[Any] = []

    def listen(listing_ids: Any, **_: Any) -> None:
        heard.append(listing_ids)

    signals.listings_linked.connect(listen)
    try:
        told(store, product(2, "A", title="Still twice"), minutes=1)
        told(store, product(2, "B"), minutes=2)
    finally:
        signals.listings_linked.disconnect(listen)

    mended = listing("p2-0")
    assert (mended.variant.sku if mended.variant else None, mended.link_problem) == ("B", "")
    assert heard == [frozenset({mended.pk})]


def test_a_sku_that_another_product_has_already_is_not_linked_twice(store: Any) -> None:
    told(store, product(1, "A"))
    told(store, product(2, "A"))

    assert listing("p1-0").variant is not None
    assert listing("p2-0").link_problem == LinkProblem.DUPLICATE_SKU


def test_a_product_made_anew_takes_over_the_sku_of_the_one_deleted(store: Any) -> None:
    told(store, product(1, "A"))
    told(store, product(1, "A", gone=True), minutes=1)

    told(store, product(2, "A"), minutes=2)

    assert listing("p2-0").variant == listing("p1-0").variant is not None


def test_a_renamed_sku_keeps_its_link(store: Any) -> None:
    told(store, product(1, "A"))
    told(store, product(1, "B"), minutes=1)

    assert (listing("p1-0").sku, listing("p1-0").variant) == ("B", Variant.objects.get())


def test_sizes_with_one_shared_figure_are_counted_once(store: Any) -> None:
    sizes = tuple(
        VariantData(external_id=f"v{k}", sku=f"S{k}", stock=7, stock_ref="parent") for k in range(3)
    )
    told(store, make_product(1, variants=sizes[:2]), adopt_stock=True)
    told(store, make_product(1, variants=sizes), minutes=1, adopt_stock=True)

    shared = Variant.objects.get(counted_as=None)
    assert {v.counted_as for v in Variant.objects.exclude(pk=shared.pk)} == {shared}
    assert [(x.variant, x.on_hand) for x in StockLevel.objects.all()] == [(shared, 7)]


def test_what_the_store_does_not_count_is_not_counted_here(store: Any) -> None:
    told(store, make_product(stock=None), adopt_stock=True)

    assert not StockLevel.objects.exclude(counted_at=None).exists()


@pytest.mark.parametrize("model", [Listing, Variant])
def test_a_product_somebody_else_just_made_is_a_conflict_and_leaves_nothing(
    store: Any, monkeypatch: pytest.MonkeyPatch, model: Any
) -> None:
    real = bulk.insert

    def taken(table: Any, rows: Any, **more: Any) -> Any:
        return set() if table is model else real(table, rows, **more)

    monkeypatch.setattr(bulk, "insert", taken)

    with pytest.raises(LedgerConflict):
        told(store, make_product())
    assert not Product.objects.exists()


def test_statements_do_not_grow_with_the_page(store: Any) -> None:
    def cost(page: list[ProductData], minutes: int) -> int:
        with CaptureQueriesContext(connection) as queries:
            told(store, *page, minutes=minutes, adopt_stock=True)
        return len(queries)

    small = [product(n, f"A{n}") for n in range(5)]
    large = [product(n, *(f"B{n}-{k}" for k in range(4))) for n in range(10, 110)]

    few, many = cost(small, 0), cost(large, 1)
    assert many <= few + (2 if connection.vendor == "sqlite" else 0)
    assert many <= 40
    assert cost(large, 2) <= 6
    assert (
        cost([product(n, *(f"B{n}-{k}" for k in range(4)), title="New") for n in range(10, 110)], 3)
        <= 12
    )
