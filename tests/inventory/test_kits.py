"""Kits: what can be sold of them follows from their parts, and an order of one holds and ships its
parts.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from integrations.models import Push
from inventory import kits, ledger, locations
from inventory.availability import targets
from inventory.catalogue import import_products
from inventory.errors import KitRefused, LedgerRefused
from inventory.ledger import Demand, OpeningCount
from inventory.models import KitPart, Listing, Location, Reservation, StockLevel, Variant
from logix.accounts.models import AuditEvent
from logix.common.ids import uuid7
from tests.factories import (
    CANCELLED,
    NOW,
    make_line,
    make_merchant,
    make_order,
    make_product,
    make_store,
)
from tests.inventory.test_ledger import make_item
from tests.orders.shop import assert_books_balance, bring, later

pytestmark = pytest.mark.django_db


@pytest.fixture
def store() -> Any:
    return make_store()


@pytest.fixture
def main(store: Any) -> Location:
    return locations.default(store.merchant_id)


@pytest.fixture
def north(store: Any, main: Location) -> Location:
    return locations.create(store.merchant_id, code="north", name="North", rank=50)


@pytest.fixture
def gift(store: Any) -> Variant:
    """A set of two mugs and a box, listed in the store as SKU-1."""
    import_products(store, [make_product(stock=None)], observed_at=NOW, now=NOW)
    kit = Variant.objects.get(sku="SKU-1")
    for sku in ("MUG", "BOX"):
        make_item(store.merchant, sku)
    kits.set_parts(kit, {of("MUG").pk: 2, of("BOX").pk: 1}, actor="user:anna")
    return kit


def of(sku: str) -> Variant:
    return Variant.objects.get(sku=sku)


def count(place: Location, **units: int) -> None:
    for sku, number in units.items():
        ledger.adjust(
            variant=of(sku), location=place, set_to=number, reason="Count", actor="user:anna"
        )


def shown() -> int | None:
    listing = Listing.objects.get()
    return targets([listing])[listing.pk].value


def ask(store: Any, kit: Variant, units: int, shipped: int = 0, *, line: UUID) -> dict[UUID, int]:
    demand = Demand(
        line_ref=line,
        order_ref=line,
        store_id=store.pk,
        variant_id=kit.pk,
        outstanding=units,
        shipped=shipped,
        placed_at=NOW,
    )
    return ledger.settle(store.merchant_id, [demand])


def held(line: UUID) -> dict[str, tuple[int, int, int]]:
    rows = Reservation.objects.filter(line_ref=line).select_related("variant")
    return {r.variant.sku: (r.quantity, r.short, r.shipped) for r in rows}


def shelf() -> dict[str, tuple[int, int]]:
    rows = StockLevel.objects.select_related("variant").filter(counted_at__isnull=False)
    return {x.variant.sku: (x.on_hand, x.reserved) for x in rows}


# --- what can be sold ---


@pytest.mark.parametrize(
    ("mugs", "boxes", "sets"), [(10, 4, 4), (7, 9, 3), (1, 9, 0), (0, 0, 0), (-3, 5, 0)]
)
def test_a_kit_can_be_sold_as_often_as_its_scarcest_part_allows(
    gift: Variant, main: Location, mugs: int, boxes: int, sets: int
) -> None:
    count(main, MUG=max(0, mugs), BOX=boxes)
    StockLevel.objects.filter(variant=of("MUG")).update(on_hand=mugs)

    assert shown() == sets


def test_a_kit_is_put_together_at_one_place(gift: Variant, main: Location, north: Location) -> None:
    count(main, MUG=10, BOX=1)
    count(north, MUG=1, BOX=10)

    assert shown() == 1


def test_a_kit_is_left_alone_until_all_its_parts_are_counted(gift: Variant, main: Location) -> None:
    count(main, MUG=10)
    assert shown() is None

    count(main, BOX=0)
    assert shown() == 0


def test_kits_within_kits_are_taken_apart(store: Any, gift: Variant, main: Location) -> None:
    hamper = make_item(store.merchant, "HAMPER")
    kits.set_parts(hamper, {gift.pk: 2, of("MUG").pk: 1}, actor="user:anna")

    assert kits.recipes([hamper.pk, of("MUG").pk]) == {
        hamper.pk: {of("MUG").pk: 5, of("BOX").pk: 2}
    }
    assert kits.kits_with([of("BOX").pk]) == {gift.pk, hamper.pk}


def test_a_part_that_shares_its_count_counts_as_what_it_is_counted_as(
    store: Any, gift: Variant
) -> None:
    pool = make_item(store.merchant, "POOL")
    Variant.objects.filter(sku="BOX").update(counted_as=pool)

    assert kits.recipes([gift.pk]) == {gift.pk: {of("MUG").pk: 2, pool.pk: 1}}
    assert kits.kits_with([pool.pk]) == {gift.pk}


def test_stores_are_told_of_the_kit_when_a_part_changes(gift: Variant, main: Location) -> None:
    Push.objects.all().delete()

    count(main, BOX=3)

    assert Push.objects.get().listing.variant == gift


# --- orders of a kit ---


def test_an_order_of_a_kit_holds_its_parts_and_ships_them(
    store: Any, gift: Variant, main: Location
) -> None:
    count(main, MUG=10, BOX=10)
    line = uuid7()

    assert ask(store, gift, 3, line=line) == {}
    assert shelf() == {"MUG": (10, 6), "BOX": (10, 3)}
    assert shown() == 2

    ask(store, gift, 2, 1, line=line)
    assert held(line) == {"MUG": (4, 0, 2), "BOX": (2, 0, 1)}
    ask(store, gift, 0, 3, line=line)
    ask(store, gift, 0, 3, line=line)
    assert shelf() == {"MUG": (4, 0), "BOX": (7, 0)}
    assert_books_balance()


def test_a_kit_that_lacks_a_part_is_short_in_kits(
    store: Any, gift: Variant, main: Location
) -> None:
    count(main, MUG=3, BOX=10)
    line = uuid7()

    assert ask(store, gift, 3, line=line) == {line: 2}
    assert held(line) == {"MUG": (3, 3, 0), "BOX": (3, 0, 0)}

    count(main, MUG=6)
    assert held(line) == {"MUG": (6, 0, 0), "BOX": (3, 0, 0)}
    assert_books_balance()


def test_an_imported_order_of_a_kit_and_its_cancellation_leave_the_parts_as_they_were(
    store: Any, gift: Variant, main: Location
) -> None:
    count(main, MUG=10, BOX=10)
    order = make_order(lines=(make_line(quantity=2),))
    bring(store, order)
    assert shelf() == {"MUG": (10, 4), "BOX": (10, 2)}

    bring(store, later(order, status=CANCELLED, raw_status="cancelled"))

    assert shelf() == {"MUG": (10, 0), "BOX": (10, 0)}
    assert_books_balance()


def test_open_orders_follow_when_a_product_becomes_a_kit_or_another_one(
    store: Any, main: Location
) -> None:
    import_products(store, [make_product(stock=None)], observed_at=NOW, now=NOW)
    bring(store, make_order(lines=(make_line(quantity=2),)))
    line = Reservation.objects.get().line_ref
    kit = of("SKU-1")
    for sku in ("MUG", "BOX"):
        make_item(store.merchant, sku)
    count(main, MUG=10, BOX=10)

    kits.set_parts(kit, {of("MUG").pk: 2}, actor="user:anna")
    assert held(line) == {"SKU-1": (0, 0, 0), "MUG": (4, 0, 0)}

    kits.set_parts(kit, {of("BOX").pk: 1}, actor="user:anna")
    assert held(line) == {"SKU-1": (0, 0, 0), "MUG": (0, 0, 0), "BOX": (2, 0, 0)}
    assert_books_balance()


# --- what cannot be ---


def test_a_kit_is_not_counted(store: Any, gift: Variant, main: Location) -> None:
    with pytest.raises(LedgerRefused, match="what is counted are its parts"):
        count(main, **{"SKU-1": 5})

    opening = OpeningCount(variant_id=gift.pk, quantity=7, seen_at=NOW)
    assert ledger.open_counts(store.merchant_id, [opening], reason="First count") == 0
    assert shelf() == {}


def test_a_circle_is_refused_however_long(store: Any, gift: Variant) -> None:
    hamper = make_item(store.merchant, "HAMPER")
    kits.set_parts(hamper, {gift.pk: 1}, actor="user:anna")

    with pytest.raises(KitRefused, match="part of itself"):
        kits.set_parts(gift, {gift.pk: 1}, actor="user:anna")
    with pytest.raises(KitRefused, match="would contain itself"):
        kits.set_parts(gift, {hamper.pk: 1}, actor="user:anna")

    assert kits.recipes([gift.pk]) == {gift.pk: {of("MUG").pk: 2, of("BOX").pk: 1}}


def test_what_makes_no_kit_is_refused_in_words(store: Any, gift: Variant, main: Location) -> None:
    foreign = make_item(make_merchant("other"), "FOREIGN")
    counted = make_item(store.merchant, "COUNTED")
    count(main, COUNTED=1)
    cases: list[tuple[Variant, dict[UUID, int], str]] = [
        (gift, {of("MUG").pk: 0}, "at least one unit"),
        (gift, {foreign.pk: 1}, "no product of this merchant"),
        (gift, {uuid7(): 1}, "no product of this merchant"),
        (counted, {of("MUG").pk: 1}, "Count it as 0 first"),
    ]
    for kit, parts, sentence in cases:
        with pytest.raises(KitRefused, match=sentence):
            kits.set_parts(kit, parts, actor="user:anna")
    assert KitPart.objects.count() == 2


def test_kits_nest_ten_deep_and_no_deeper(store: Any) -> None:
    chain = [make_item(store.merchant, f"K{n}") for n in range(12)]
    for outer, inner in list(pairwise(chain))[:9]:
        kits.set_parts(outer, {inner.pk: 1}, actor="user:anna")

    assert kits.recipes([chain[0].pk]) == {chain[0].pk: {chain[9].pk: 1}}
    with pytest.raises(KitRefused, match="at most 10 deep"):
        kits.set_parts(chain[9], {chain[10].pk: 1}, actor="user:anna")


def test_a_kit_that_is_taken_apart_has_to_be_counted_again(gift: Variant, main: Location) -> None:
    count(main, MUG=10, BOX=10)

    kits.set_parts(gift, {}, actor="user:anna")

    assert shown() is None
    told = AuditEvent.objects.filter(action="kit.parts_changed").latest("pk")
    assert told.details["to"] == {}
