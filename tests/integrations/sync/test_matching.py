"""What reading products links: the record of it, and the dry run that keeps nothing else."""

from __future__ import annotations

from datetime import datetime

import pytest

from integrations import sync
from integrations.models import RunState, Store, SyncRun
from integrations.sync import matching
from inventory.data import VariantData
from inventory.models import LinkProblem, Listing, Product, Variant
from logix.accounts import audit
from logix.accounts.models import AuditEvent
from tests.factories import make_product, make_store
from tests.integrations.sync.conftest import ago, run_to_end, stream_of, walk
from tests.integrations.sync.toy import MovingShop
from tests.orders.shop import stock

pytestmark = pytest.mark.django_db

MUG = "4006381333931"


@pytest.fixture
def other(new_store: Store) -> Store:
    """Another store of the merchant, which sells SKU-1 and SKU-2, the second under a barcode."""
    other = make_store(new_store.merchant, base_url="https://other.example")
    stock(other, 1, 2)
    Variant.objects.filter(sku="SKU-2").update(barcode=MUG)
    return other


def sell(shop: MovingShop, at: datetime, *skus: str, first: int = 1, barcode: str = "") -> None:
    for number, sku in enumerate(skus, start=first):
        variant = VariantData(external_id=f"n{number}", sku=sku, barcode=barcode, stock=3)
        name = f"n{number}"
        shop.products[name] = make_product(
            number, title=f"New {number}", external_id=name, variants=(variant,), changed_at=at
        )


def dry(store: Store) -> SyncRun:
    run = sync.request_run(store, stream="products", kind="backfill", dry_run=True, actor="user:a")
    assert run is not None
    return run_to_end(run)


@pytest.fixture
def full(shop: MovingShop, other: Store) -> MovingShop:
    """One of each kind; the two of one SKU are on two pages."""
    shop.page_size = 2
    sell(shop, ago(hours=1), "SKU-1", "TWIN", "", "OWN", "TWIN")
    sell(shop, ago(hours=1), "EAN", first=11, barcode=MUG)
    return shop


def test_a_dry_run_of_products_says_what_would_be_linked_and_keeps_nothing_else(
    new_store: Store, full: MovingShop
) -> None:
    before = (Product.objects.count(), Variant.objects.count(), Listing.objects.count())

    run = dry(new_store)

    assert run.state == RunState.COMPLETED
    assert run.matching is not None
    told = {"looked_at": 6, "is_all": True, "known": 0}
    assert run.matching.items() >= told.items()
    assert run.matching["counts"] == {
        "sku": 1,
        "barcode": 1,
        "own": 2,
        "blank": 1,
        "ambiguous": 0,
        "duplicate": 1,
    }
    (linked,) = run.matching["named"]["sku"]
    assert (linked["sku"], linked["title"]) == ("SKU-1", "New 1")
    assert linked["linked_to"].startswith("SKU-1 (")
    assert (run.seen, run.created) == (6, 6)
    assert before == (Product.objects.count(), Variant.objects.count(), Listing.objects.count())
    assert not AuditEvent.objects.filter(action="listings.linked_by_reading").exists()


def test_the_first_reading_does_what_its_dry_run_said(new_store: Store, full: MovingShop) -> None:
    run = dry(new_store)
    assert run.matching is not None
    counts = run.matching["counts"]

    walk(new_store, "products")

    rows = Listing.objects.filter(store=new_store)
    assert rows.filter(link_problem=LinkProblem.BLANK_SKU).count() == counts["blank"]
    assert rows.filter(link_problem=LinkProblem.DUPLICATE_SKU).count() == counts["duplicate"]
    shared = rows.filter(variant__listings__store__base_url="https://other.example")
    assert shared.count() == counts["sku"] + counts["barcode"]
    again = dry(new_store).matching
    assert again is not None
    assert (again["known"], sum(again["counts"].values())) == (6, 0)


def test_a_look_at_a_large_store_ends_and_says_so(
    new_store: Store, full: MovingShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matching, "MOST_LOOKED_AT", 4)

    found = dry(new_store).matching

    assert found is not None
    assert (found["looked_at"], found["is_all"]) == (4, False)


def test_a_dry_run_that_is_cancelled_tells_nothing(new_store: Store, full: MovingShop) -> None:
    run = sync.request_run(
        new_store, stream="products", kind="backfill", dry_run=True, actor="user:a"
    )
    assert run is not None

    def cancel(page: int) -> None:
        if page == 1:
            SyncRun.objects.filter(pk=run.pk).update(cancel_requested=True)

    full.before = cancel
    run_to_end(run)

    assert (run.state, run.matching) == (RunState.CANCELLED, None)


def test_one_reading_leaves_one_row_of_the_links_it_made(
    new_store: Store, full: MovingShop
) -> None:
    walk(new_store, "products")

    event = AuditEvent.objects.get(action="listings.linked_by_reading")
    ids = {x.sku: str(x.pk) for x in Listing.objects.filter(store=new_store)}
    assert (event.actor_kind, event.object_id) == ("system", str(new_store.pk))
    assert event.details == {
        "origin": "poll",
        "by_sku": 1,
        "by_barcode": 1,
        "listings": {"sku": [ids["SKU-1"]], "barcode": [ids["EAN"]]},
    }
    assert audit.verify(new_store.merchant)


def test_a_reading_that_fails_on_its_way_has_noted_what_it_linked(
    new_store: Store, full: MovingShop
) -> None:
    def breaks(page: int) -> None:
        if page > 1:
            raise RuntimeError

    full.before = breaks
    with pytest.raises(RuntimeError):
        sync.run_stream(stream_of(new_store, "products").pk)

    linked = Listing.objects.filter(store=new_store, variant__sku__in=["SKU-1", "SKU-2"])
    (event,) = AuditEvent.objects.filter(action="listings.linked_by_reading")
    assert event.details["by_sku"] + event.details["by_barcode"] == linked.count() > 0


def test_a_webhook_that_links_leaves_its_row(new_store: Store, other: Store) -> None:
    variant = VariantData(external_id="n1", sku="SKU-1", stock=3)
    product = make_product(1, external_id="n1", variants=(variant,))

    sync.apply_products(new_store, [product], observed_at=ago(), origin="webhook")

    event = AuditEvent.objects.get(action="listings.linked_by_reading")
    assert (event.details["origin"], event.details["by_sku"]) == ("webhook", 1)
