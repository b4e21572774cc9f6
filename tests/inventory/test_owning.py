"""A product made for one listing: its SKU, its count, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from integrations import sync
from inventory import links
from inventory.candidates import counted_alone
from inventory.errors import LinkRefused
from inventory.models import LinkProblem, Listing, StockLevel, Variant
from inventory.owning import make_own
from logix.accounts.models import AuditEvent
from orders.models import Order, OrderLine
from tests.factories import NOW, make_line, make_order, make_store
from tests.inventory.test_candidates import bring
from tests.orders.shop import assert_books_balance
from tests.orders.shop import bring as order

pytestmark = pytest.mark.django_db


@pytest.fixture
def store() -> Any:
    return make_store()


@pytest.fixture
def pair(store: Any) -> tuple[Listing, Listing]:
    """Two listings of one SKU, neither of them linked."""
    one, other = (bring(store, number, sku="TWIN") for number in (1, 2))
    links.unlink(one, actor="user:anna")
    return Listing.objects.get(pk=one.pk), other


def test_the_first_of_two_gets_the_sku_and_the_second_none(store: Any) -> None:
    twins = [bring(store, number, sku="TWIN", barcode="4006381333931") for number in (1, 2)]
    Variant.objects.all().delete()

    made = [make_own(twin, actor="user:anna").variant for twin in twins]

    assert [(x.sku, x.sku_key, x.barcode) for x in made if x] == [
        ("TWIN", "twin", "4006381333931"),
        ("", None, "4006381333931"),
    ]
    assert not Listing.objects.exclude(link_problem=LinkProblem.NONE).exists()
    event = AuditEvent.objects.filter(action="listing.product_made").order_by("sequence")[0]
    assert event.details["from"] is None
    assert event.details["to"]["sku"] == "TWIN"


def test_it_is_counted_by_the_stores_figure_once_stock_is_open(
    store: Any, pair: tuple[Listing, Listing]
) -> None:
    store.stock_opened_at = NOW
    store.save()
    twin = Listing.objects.select_related("store").get(pk=pair[1].pk)

    made = sync.make_product(twin, actor="user:anna")

    assert StockLevel.objects.get(variant=made.variant).on_hand == 5
    assert_books_balance()


def test_orders_that_waited_for_it_go_on(store: Any, pair: tuple[Listing, Listing]) -> None:
    line = make_line(
        sku="TWIN",
        external_product_id=pair[1].external_product_id,
        external_variant_id=pair[1].external_variant_id,
    )
    order(store, make_order(1, lines=(line,)))
    assert Order.objects.get().import_state == "awaiting_mapping"

    made = make_own(pair[1], actor="user:anna")

    assert OrderLine.objects.get().variant == made.variant
    assert Order.objects.get().import_state == "accepted"


def test_a_product_of_its_own_is_beside_its_siblings_and_can_be_unlinked(
    store: Any, pair: tuple[Listing, Listing]
) -> None:
    made = make_own(pair[1], actor="user:anna")

    assert links.unlink(made, actor="user:anna").link_problem == LinkProblem.UNLINKED
    assert Variant.objects.filter(pk=made.variant_id).exists()


def test_what_is_rightly_alone_is_not_asked_about_again(store: Any) -> None:
    bare = bring(store, 5, title="Nothing")
    own = bare.variant

    kept = make_own(bare, actor="user:anna")

    assert (kept.variant, kept.link_problem) == (own, LinkProblem.NONE)
    assert not Listing.objects.filter(counted_alone()).exists()
    assert AuditEvent.objects.filter(action="listing.kept_alone").count() == 1


def test_what_has_one_of_its_own_gets_no_other(store: Any) -> None:
    listing = bring(store, 1, sku="MUG")

    with pytest.raises(LinkRefused, match="own already"):
        make_own(listing, actor="user:anna")


def test_what_the_store_has_no_longer_gets_none(pair: tuple[Listing, Listing]) -> None:
    Listing.objects.update(gone_at=NOW)

    with pytest.raises(LinkRefused, match="no longer has"):
        make_own(pair[1], actor="user:anna")
