"""Bundles that stores tell of become kits; what a person decided stands, and who was first."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations.models import Push
from integrations.outbox import claims, figures
from inventory import bundles, kits, ledger, links, locations
from inventory.availability import targets
from inventory.catalogue import CatalogueImport, import_products
from inventory.data import PartData, ProductData, VariantData
from inventory.errors import KitRefused
from inventory.models import KitPart, Listing, Reservation, Variant
from logix.accounts.models import AuditEvent
from orders.models import Order
from tests.factories import NOW, make_merchant, make_order, make_product, make_store
from tests.inventory.test_ledger import make_item
from tests.orders.shop import assert_books_balance, bring

pytestmark = pytest.mark.django_db

PARTS = {"MUG": 2, "BOX": 1}


@pytest.fixture
def store() -> Any:
    return make_store(name="Boutique")


def item(sku: str, **more: Any) -> ProductData:
    variant = VariantData(external_id=f"v-{sku}", sku=sku, stock=10)
    return make_product(1, external_id=f"p-{sku}", variants=(variant,), **more)


def bundle(sku: str = "SET", parts: dict[str, int] = PARTS, **more: Any) -> ProductData:
    told = tuple(
        PartData(external_variant_id=f"v-{part}", sku=part, quantity=units)
        for part, units in parts.items()
    )
    variant = VariantData(external_id=f"v-{sku}", sku=sku, is_bundle=True, parts=told)
    return make_product(1, external_id=f"p-{sku}", variants=(variant,), **more)


def told(store: Any, *products: ProductData, minutes: int = 0, **more: Any) -> CatalogueImport:
    at = NOW + timedelta(minutes=minutes)
    return import_products(store, products, observed_at=at, now=at, **more)


def of(sku: str) -> Variant:
    return Variant.objects.get(sku=sku)


def listing(sku: str, store: Any = None) -> Listing:
    rows = Listing.objects.filter(sku=sku)
    return (rows.filter(store=store) if store else rows).get()


def made_of(sku: str) -> dict[str, int]:
    return dict(KitPart.objects.filter(kit=of(sku)).values_list("part__sku", "units"))


def test_a_bundle_whose_parts_are_linked_becomes_a_kit_of_them(store: Any) -> None:
    told(store, bundle(), item("MUG"), item("BOX"), adopt_stock=True)

    assert made_of("SET") == PARTS
    found = listing("SET")
    assert (found.is_bundle, found.kit_problem) == (True, "")
    assert [part["sku"] for part in found.bundle_parts] == ["MUG", "BOX"]
    event = AuditEvent.objects.get(action="kit.parts_changed")
    assert (event.actor_kind, event.actor) == ("platform", "Boutique")
    assert event.details["to"] == {str(of("MUG").pk): 2, str(of("BOX").pk): 1}
    assert bundles.told_by(of("SET")) == found


def test_the_store_itself_is_left_alone_and_another_shows_the_scarcest_part(store: Any) -> None:
    told(store, bundle(), item("MUG"), item("BOX"), adopt_stock=True)
    other = make_store(store.merchant, base_url="https://other.example")
    told(other, make_product(5, variants=(VariantData(external_id="x", sku="SET", stock=99),)))

    found = targets([listing("SET", store), listing("SET", other)])

    own = found[listing("SET", store).pk]
    assert own.value is None
    assert own.reason == "The store computes what it shows of a bundle itself, from its parts."
    assert found[listing("SET", other).pk].value == 5


@pytest.mark.parametrize("mode", ["paused", "fixed"])
def test_a_bundle_is_left_alone_however_its_listing_is_set(store: Any, mode: str) -> None:
    told(store, bundle(), item("MUG"), item("BOX"), adopt_stock=True)
    Listing.objects.filter(sku="SET").update(mode=mode, fixed_quantity=3)

    assert targets([listing("SET")])[listing("SET").pk].value is None


def test_a_figure_that_was_refused_because_of_the_bundle_is_not_sent_again(store: Any) -> None:
    told(store, item("MUG"), item("BOX"), item("SET"), adopt_stock=True)
    Push.objects.update(state="blocked", problem_code="bundle", problem="Shopify computes it.")
    ledger.adjust(
        variant=of("SET"),
        location=locations.default(store.merchant_id),
        set_to=0,
        reason="They are counted as their parts",
        actor="user:anna",
    )

    told(store, bundle(), minutes=1)

    push = Push.objects.get(listing=listing("SET"))
    assert (push.state, push.problem) == ("ready", "")
    own = [x for x in claims.take(store.pk, timezone.now(), 10) or () if x.id == push.pk]
    plan = figures.plan(own, NOW)
    assert ([x.code for x in plan.endings.values()], plan.groups) == (["not_written"], [])


def test_the_same_catalogue_once_more_changes_nothing(store: Any) -> None:
    catalogue = (bundle(), item("MUG"), item("BOX"))
    told(store, *catalogue)
    before = list(KitPart.objects.values_list("pk", flat=True))

    again = told(store, *catalogue, minutes=1)

    assert (again.created, again.changed, again.unchanged) == (0, 0, 3)
    assert list(KitPart.objects.values_list("pk", flat=True)) == before
    assert AuditEvent.objects.filter(action="kit.parts_changed").count() == 1


def test_parts_that_come_later_are_waited_for_and_named(store: Any) -> None:
    told(store, bundle())
    assert made_of("SET") == {}
    assert listing("SET").kit_problem == (
        "Not linked to a product yet: MUG, BOX. Link them at their listings."
    )

    told(store, item("MUG"), minutes=1)
    assert listing("SET").kit_problem == (
        "Not linked to a product yet: BOX. Link them at their listings."
    )
    why = targets([listing("SET")])[listing("SET").pk].reason
    assert why.endswith("Not linked to a product yet: BOX. Link them at their listings.")

    told(store, item("BOX"), minutes=2)
    assert (made_of("SET"), listing("SET").kit_problem) == (PARTS, "")


def test_a_part_that_is_linked_by_hand_completes_the_bundle(store: Any) -> None:
    told(store, item("MUG"), item("BOX"))
    mug = of("MUG")
    links.unlink(listing("MUG"), actor="user:anna")
    told(store, bundle(), minutes=1)
    assert "MUG" in listing("SET").kit_problem

    links.link(listing("MUG"), mug, actor="user:anna")

    assert (made_of("SET"), listing("SET").kit_problem) == (PARTS, "")


def test_a_bundle_that_is_linked_by_hand_becomes_a_kit(store: Any) -> None:
    told(store, item("MUG"), item("BOX"), bundle(sku=""))
    found = Listing.objects.get(is_bundle=True)
    links.unlink(found, actor="user:anna")
    found.refresh_from_db()
    assert found.kit_problem == "It is not linked to a product itself."
    gift = make_item(store.merchant, "GIFT")

    links.link(found, gift, actor="user:anna")

    found.refresh_from_db()
    assert (made_of("GIFT"), found.kit_problem) == (PARTS, "")


def test_two_parts_that_are_counted_as_one_item_add_up(store: Any) -> None:
    told(store, item("MUG"), item("BOX"))
    links.link(listing("BOX"), of("MUG"), actor="user:anna")

    told(store, bundle(), minutes=1)

    assert made_of("SET") == {"MUG": 3}


def test_other_parts_in_the_store_are_followed(store: Any) -> None:
    told(store, bundle(), item("MUG"), item("BOX"))

    told(store, bundle(parts={"MUG": 3}), minutes=1)

    assert made_of("SET") == {"MUG": 3}


def test_what_a_person_made_it_of_stands_and_the_listing_says_so(store: Any) -> None:
    told(store, item("MUG"), item("BOX"), item("SET"))
    kits.set_parts(of("SET"), {of("MUG").pk: 1}, actor="user:anna")

    told(store, bundle(), minutes=1)

    assert made_of("SET") == {"MUG": 1}
    assert listing("SET").kit_problem == "Its parts were chosen by hand and differ: 1 × MUG."
    kits.set_parts(of("SET"), {of("MUG").pk: 2, of("BOX").pk: 1}, actor="user:anna")
    assert listing("SET").kit_problem == "", "now they agree"


@pytest.mark.parametrize("minutes", [1, 2])
def test_what_a_person_took_off_is_not_made_again(store: Any, minutes: int) -> None:
    told(store, bundle(), item("MUG"), item("BOX"))
    kits.set_parts(of("SET"), {}, actor="user:anna")
    problem = "Its parts were taken off by hand, so it is not made a kit again."
    assert listing("SET").kit_problem == problem

    told(store, bundle(parts={"MUG": minutes}), minutes=minutes)

    assert (made_of("SET"), listing("SET").kit_problem) == ({}, problem)


def test_a_person_gives_the_say_back_to_the_store(store: Any) -> None:
    told(store, bundle(), item("MUG"), item("BOX"))
    kits.set_parts(of("SET"), {}, actor="user:anna")

    taken = bundles.take_over(listing("SET"), actor="user:anna", request_id="r1")

    assert (made_of("SET"), taken.kit_problem) == (PARTS, "")
    told(store, bundle(parts={"BOX": 4}), minutes=1)
    assert made_of("SET") == {"BOX": 4}
    with pytest.raises(KitRefused, match="MUG is no bundle of its store"):
        bundles.take_over(listing("MUG"), actor="user:anna")


def test_what_is_counted_itself_stays_so_until_it_is_counted_as_none(store: Any) -> None:
    other = make_store(store.merchant, base_url="https://other.example")
    variant = VariantData(external_id="x", sku="SET", stock=7)
    told(other, make_product(5, variants=(variant,)), adopt_stock=True)

    told(store, bundle(), item("MUG"), item("BOX"))
    assert made_of("SET") == {}
    assert listing("SET", store).kit_problem.startswith("SET is counted itself. Count it as 0")

    ledger.adjust(
        variant=of("SET"),
        location=locations.default(store.merchant_id),
        set_to=0,
        reason="They are counted as their parts",
        actor="user:anna",
    )
    told(store, bundle(), minutes=1)
    assert (made_of("SET"), listing("SET", store).kit_problem) == (PARTS, "")


def test_one_that_is_counted_as_none_is_a_kit_when_it_is_tried_again(store: Any) -> None:
    other = make_store(store.merchant, base_url="https://other.example")
    variant = VariantData(external_id="x", sku="SET", stock=7)
    told(other, make_product(5, variants=(variant,)), adopt_stock=True)
    told(store, bundle(), item("MUG"), item("BOX"))
    found = listing("SET", store)
    assert found.kit_problem.endswith(
        "It becomes a kit in the night after that, or at once with “Make it a kit of the store's "
        "parts”."
    )
    assert bundles.try_again([found.pk]) == 0
    assert made_of("SET") == {}

    place = locations.default(store.merchant_id)
    ledger.adjust(variant=of("SET"), location=place, set_to=0, reason="x", actor="user:anna")

    assert list(bundles.waiting()) == [found]
    assert bundles.try_again([found.pk]) == 1
    assert (made_of("SET"), listing("SET", store).kit_problem) == (PARTS, "")
    assert not bundles.waiting().exists()


def test_trying_again_leaves_alone_what_a_person_decided(store: Any) -> None:
    told(store, item("MUG"), item("BOX"), bundle())
    kits.set_parts(of("SET"), {of("BOX").pk: 3}, actor="user:anna")

    assert bundles.try_again([listing("SET").pk]) == 0
    assert made_of("SET") == {"BOX": 3}


def test_a_circle_is_refused_and_breaks_nothing_else(store: Any) -> None:
    told(store, item("MUG"), item("BOX"), item("SET"))
    kits.set_parts(of("BOX"), {of("SET").pk: 1}, actor="user:anna")

    told(store, bundle(), bundle("OTHER", {"MUG": 4}), minutes=1)

    assert listing("SET").kit_problem == (
        "SET would contain itself. Take it out of its part first."
    )
    assert (made_of("SET"), made_of("OTHER")) == ({}, {"MUG": 4})


def test_of_two_stores_the_first_holds_and_the_second_is_told_so(store: Any) -> None:
    other = make_store(store.merchant, base_url="https://other.example")
    goods = (item("MUG"), item("BOX"))
    told(store, bundle(), *goods)

    told(other, bundle(parts={"MUG": 9}), *goods)

    assert made_of("SET") == PARTS
    assert listing("SET", store).kit_problem == ""
    assert listing("SET", other).kit_problem == (
        "Boutique tells other parts, and came first: 1 × BOX, 2 × MUG."
    )
    told(store, bundle(parts={"MUG": 9}), minutes=1)
    assert listing("SET", other).kit_problem == "", "now they agree"


def test_the_second_store_has_the_say_once_the_first_sells_it_no_more(store: Any) -> None:
    other = make_store(store.merchant, base_url="https://other.example")
    goods = (item("MUG"), item("BOX"))
    told(store, bundle(), *goods)
    told(other, bundle(parts={"MUG": 9}), *goods)
    told(store, bundle(gone=True), minutes=1)

    told(other, bundle(parts={"MUG": 9}), minutes=1)

    assert (made_of("SET"), listing("SET", other).kit_problem) == ({"MUG": 9}, "")


def test_stores_of_another_merchant_are_nobodys_business(store: Any) -> None:
    told(store, item("MUG"), item("BOX"))
    stranger = make_store(make_merchant("other"), base_url="https://stranger.example")

    told(stranger, bundle())

    assert "Not linked to a product yet" in listing("SET").kit_problem


def test_a_bundle_that_is_none_any_more_stays_a_kit_and_says_so(store: Any) -> None:
    told(store, bundle(), item("MUG"), item("BOX"))

    told(store, item("SET"), minutes=1, adopt_stock=True)

    assert made_of("SET") == PARTS
    assert listing("SET").kit_problem.startswith("The store does not sell it as a bundle any more")
    kits.set_parts(of("SET"), {}, actor="user:anna")
    assert listing("SET").kit_problem == ""


def test_a_bundle_whose_parts_the_store_does_not_tell_is_named(store: Any) -> None:
    told(store, bundle(parts={}))

    assert listing("SET").kit_problem == (
        "The store does not tell what it is made of. Choose its parts by hand."
    )


def test_open_orders_of_it_hold_its_parts_from_then_on(store: Any) -> None:
    told(store, make_product(1, stock=None))
    bring(store, make_order(1))
    told(store, item("MUG"), item("BOX"), minutes=1, adopt_stock=True)
    variant = VariantData(
        external_id="p1", sku="SKU-1", is_bundle=True, parts=bundle().variants[0].parts
    )

    told(store, make_product(1, variants=(variant,)), minutes=2)

    units = Order.objects.get().lines.get().quantity
    rows = Reservation.objects.filter(quantity__gt=0)
    assert dict(rows.values_list("variant__sku", "quantity")) == {"MUG": 2 * units, "BOX": units}
    assert_books_balance()


def test_statements_do_not_grow_with_bundles_that_wait(store: Any) -> None:
    def cost(page: list[ProductData], minutes: int) -> int:
        with CaptureQueriesContext(connection) as queries:
            told(store, *page, minutes=minutes)
        return len(queries)

    few = [bundle(f"A{n}", {"NONE": 1}) for n in range(5)]
    many = [bundle(f"B{n}", {"NONE": 1}) for n in range(60)]
    cost(few, 0)
    cost(many, 1)

    assert cost(many, 2) <= cost(few, 3)
