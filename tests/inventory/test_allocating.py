"""Units set aside for one store: hers first, never another's, and true in every table."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations.models import Push
from integrations.tasks import sweep
from inventory import allocating, kits, ledger, locations, selling_places, verifying
from inventory.allocating import AllocationRefused
from inventory.availability import Target, targets
from inventory.catalogue import import_products
from inventory.ledger import Demand
from inventory.models import (
    Allocation,
    Bucket,
    Listing,
    Location,
    Reservation,
    StockLevel,
    StockMovement,
    StockRule,
    Variant,
)
from inventory.selling_places import Given
from logix.accounts.models import AuditEvent
from logix.common.ids import uuid7
from tests.factories import NOW, make_merchant, make_product, make_store
from tests.inventory.test_ledger import ask, count, held, make_item
from tests.orders.shop import assert_books_balance

pytestmark = pytest.mark.django_db


@pytest.fixture
def store() -> Any:
    """It sells one item, of which 40 are counted."""
    store = make_store(name="Acme")
    import_products(store, [make_product(stock=40)], observed_at=NOW, now=NOW)
    count(the_item(), locations.default(store.merchant_id), 40)
    return store


@pytest.fixture
def other(store: Any) -> Any:
    """Another store that sells the same item."""
    other = make_store(store.merchant, name="Boutique", base_url="https://other.example")
    import_products(other, [make_product(stock=40)], observed_at=NOW, now=NOW)
    return other


@pytest.fixture
def main(store: Any) -> Location:
    return locations.default(store.merchant_id)


def the_item() -> Variant:
    return Variant.objects.get(sku="SKU-1")


def set_aside(store: Any, units: int, place: Location | None = None, **more: Any) -> Allocation:
    place = place or locations.default(store.merchant_id)
    more = {"actor": "user:anna", **more}
    return allocating.make(
        store, more.pop("variant", None) or the_item(), place, units=units, **more
    )


def sell(store: Any, units: int, shipped: int = 0, *, line: UUID | None = None) -> UUID:
    line = line or uuid7()
    ask(store, the_item(), units, shipped, line=line)
    return line


def target(store: Any) -> Target:
    listing = Listing.objects.get(store=store)
    return targets([listing])[listing.pk]


def shown(*stores: Any) -> list[int | None]:
    return [target(store).value for store in stores]


def left() -> int:
    return Allocation.objects.get().left


def assert_true() -> None:
    assert_books_balance()
    assert verifying.differences(list(Variant.objects.values_list("pk", flat=True))) == []


# --- what stores are shown ---


def test_its_owner_is_shown_all_and_others_what_is_left(store: Any, other: Any) -> None:
    set_aside(store, 30)

    assert shown(store, other) == [40, 10]
    mine, theirs = target(store).terms, target(other).terms
    assert (mine["own_set_aside"], mine["set_aside"], mine["pool"]) == (30, 0, 40)
    assert (theirs["own_set_aside"], theirs["set_aside"], theirs["pool"]) == (0, 30, 10)
    assert_true()


def test_a_rule_holds_for_what_is_set_aside_as_for_the_rest(store: Any, other: Any) -> None:
    set_aside(store, 30)
    StockRule.objects.create(merchant=store.merchant, buffer=4, percent=50)

    assert shown(store, other) == [18, 3]


def test_setting_aside_and_giving_back_tell_every_store(store: Any, other: Any) -> None:
    def told() -> set[UUID]:
        behind = {push.store_id for push in Push.objects.all() if push.want_version}
        Push.objects.all().delete()
        return behind

    told()
    made = set_aside(store, 30)
    assert told() == {store.pk, other.pk}

    allocating.end(made, actor="user:anna")
    assert told() == {store.pk, other.pk}


def test_the_first_of_two_places_does_not_lend_to_the_second(store: Any, other: Any) -> None:
    north = locations.create(store.merchant_id, code="north", name="North", rank=200)
    count(the_item(), north, 5)
    set_aside(store, 5, north)
    selling_places.give(other.pk, [Given(north.pk, None, 1)])

    assert shown(store, other) == [45, 0]


# --- orders ---


def test_orders_of_the_owner_take_it_first_and_lower_what_is_left(store: Any, other: Any) -> None:
    set_aside(store, 30)

    sell(store, 12)

    assert (left(), shown(store, other)) == (18, [28, 10])
    assert_true()


def test_what_the_owner_sells_beyond_it_is_taken_from_all(store: Any, other: Any) -> None:
    set_aside(store, 30)

    sell(store, 33)

    assert (left(), shown(store, other)) == (0, [7, 7])
    assert_true()


def test_orders_of_others_never_take_it(store: Any, other: Any) -> None:
    set_aside(store, 30)

    line = sell(other, 12)

    assert held(line) == [("main", 10, 2, 0)]
    assert (left(), shown(store, other)) == (30, [30, 0])
    assert_true()


def test_a_cancelled_order_gives_it_back(store: Any, other: Any) -> None:
    set_aside(store, 30)
    line = sell(store, 12)

    sell(store, 0, line=line)

    assert (left(), shown(store, other)) == (30, [40, 10])
    assert_true()


def test_an_order_gives_up_what_is_free_to_all_before_what_is_its_stores_own(
    store: Any, other: Any
) -> None:
    set_aside(store, 30)
    line = sell(store, 33)

    sell(store, 31, line=line)
    assert (left(), shown(other)) == (0, [9])

    sell(store, 28, line=line)
    assert (left(), shown(other)) == (2, [10])
    assert_true()


def test_what_is_shipped_stays_used_and_what_comes_back_is_set_aside_again(
    store: Any, other: Any
) -> None:
    made = set_aside(store, 30)
    line = sell(store, 3)

    sell(store, 0, 3, line=line)
    made.refresh_from_db()
    assert (made.used, made.left, shown(store, other)) == (3, 27, [37, 10])

    sell(store, 0, line=line)
    assert (left(), shown(store, other)) == (30, [40, 10])
    assert_true()


def test_a_parcel_nothing_was_reserved_for_uses_it_too(store: Any, other: Any) -> None:
    set_aside(store, 30)

    sell(store, 0, 4)

    assert (left(), shown(store, other)) == (26, [36, 10])
    assert_true()


def test_an_order_of_the_owner_that_waits_is_served_from_what_is_set_aside_for_it(
    store: Any, other: Any, main: Location
) -> None:
    theirs, mine = sell(other, 41), sell(store, 2)
    assert (held(theirs), held(mine)) == ([("main", 40, 1, 0)], [("main", 0, 2, 0)])
    sell(other, 30, line=theirs)

    assert held(mine) == [("main", 2, 0, 0)]
    set_aside(store, 8)
    late, last = sell(other, 3), sell(store, 9)
    assert (held(late), held(last)) == ([("main", 0, 3, 0)], [("main", 8, 1, 0)])
    sell(store, 0, line=mine)
    assert (held(late), held(last)) == ([("main", 2, 1, 0)], [("main", 8, 1, 0)])
    assert_true()


def test_what_the_owner_gives_back_serves_its_own_orders_alone(store: Any, other: Any) -> None:
    set_aside(store, 40)
    first = sell(store, 40)
    theirs, mine = sell(other, 5), sell(store, 3)

    sell(store, 35, line=first)

    assert (held(theirs), held(mine)) == ([("main", 0, 5, 0)], [("main", 3, 0, 0)])
    assert left() == 2
    assert_true()


def test_where_less_is_there_than_was_promised_nobody_is_shown_what_is_missing(
    store: Any, other: Any, main: Location
) -> None:
    set_aside(store, 30)
    sell(other, 10)

    count(the_item(), main, 25)

    assert shown(store, other) == [15, 0]
    line = sell(store, 20)
    assert held(line) == [("main", 15, 5, 0)]
    assert_true()


# --- changed, ended ---


def test_more_or_less_can_be_set_aside_later(store: Any, other: Any) -> None:
    made = set_aside(store, 10)
    sell(store, 4)

    allocating.change(made, units=20, actor="user:anna")
    assert (left(), shown(store, other)) == (16, [36, 20])

    allocating.change(made, units=4, note="Summer", actor="user:anna")
    assert (left(), made.note, shown(store, other)) == (0, "Summer", [36, 36])
    assert_true()


def test_one_that_has_ended_leaves_orders_what_they_took_and_takes_nothing_back(
    store: Any, other: Any
) -> None:
    made = set_aside(store, 30)
    line = sell(store, 12)

    allocating.end(made, actor="user:anna")
    assert shown(store, other) == [28, 28]
    sell(store, 5, line=line)

    made.refresh_from_db()
    assert (made.units, made.used, made.left) == (12, 12, 0)
    assert shown(store, other) == [35, 35]
    set_aside(store, 30)
    sell(store, 0, line=line)
    assert shown(store, other) == [40, 10]
    assert_true()


def test_it_ends_by_itself_when_its_time_has_come(store: Any, other: Any) -> None:
    made = set_aside(store, 30, until=timezone.now() + timedelta(days=1))
    standing = set_aside(other, 5)

    sweep()
    assert shown(store, other) == [35, 10]

    Allocation.objects.filter(pk=made.pk).update(until=timezone.now())
    assert allocating.end_due() == 1
    assert allocating.end_due() == 0
    assert shown(store, other) == [35, 40]
    assert list(Allocation.objects.filter(ended_at=None)) == [standing]
    assert AuditEvent.objects.get(action="allocation.ended").actor == "system"


def test_who_set_aside_changed_and_ended_stands_in_the_audit_log_and_in_the_trail(
    store: Any,
) -> None:
    made = set_aside(store, 30, note="Christmas", request_id="r1")
    allocating.change(made, units=25, actor="user:berta")
    allocating.end(made, actor="user:carl", reason="Over")
    allocating.end(made, actor="user:carl")

    what = {"store": "Acme", "item": "SKU-1", "place": "Main warehouse"}
    assert list(AuditEvent.objects.order_by("id").values_list("action", "actor", "details")) == [
        ("allocation.made", "anna", {**what, "units": 30, "until": None}),
        ("allocation.changed", "berta", {**what, "units": {"from": 30, "to": 25}}),
        ("allocation.ended", "carl", {**what, "used": 0, "given_back": 25, "reason": "Over"}),
    ]
    moved = StockMovement.objects.filter(bucket=Bucket.ALLOCATED).order_by("id")
    assert [(m.kind, m.before, m.after, m.actor, m.reason, m.request_id) for m in moved] == [
        ("allocate", 0, 30, "user:anna", "For Acme. Christmas", "r1"),
        ("deallocate", 30, 25, "user:berta", "For Acme. Christmas", ""),
        ("deallocate", 25, 0, "user:carl", "For Acme. Christmas", ""),
    ]


# --- what is refused ---


def _closed(store: Any) -> Any:
    place = locations.create(store.merchant_id, code="old", name="Old hall", is_active=False)
    return set_aside(store, 1, place)


def _uncounted(store: Any) -> Any:
    return set_aside(store, 1, locations.create(store.merchant_id, code="new", name="New hall"))


def _not_sold_from(store: Any) -> Any:
    shop = locations.create(store.merchant_id, code="shop", name="Shop")
    selling_places.give(store.pk, [Given(shop.pk, None, 1)])
    return set_aside(store, 1)


def _kit(store: Any) -> Any:
    kit = make_item(store.merchant, "BOX")
    kits.set_parts(kit, {the_item().pk: 2}, actor="user:anna")
    return set_aside(store, 1, variant=kit)


def _strange(store: Any) -> Any:
    return set_aside(store, 1, locations.default(make_merchant("stranger").pk))


def _below_used(store: Any) -> Any:
    made = set_aside(store, 10)
    sell(store, 4)
    return allocating.change(made, units=3, actor="user:anna")


def _ended(store: Any) -> Any:
    made = allocating.end(set_aside(store, 10), actor="user:anna")
    return allocating.change(made, units=3, actor="user:anna")


REFUSED: list[tuple[Callable[[Any], Any], str]] = [
    (lambda store: set_aside(store, 41), "Only 40 of SKU-1 are free at Main warehouse, not 41."),
    (lambda store: set_aside(store, 1, until=NOW), "Its end lies in the past."),
    (
        lambda store: [set_aside(store, 1), set_aside(store, 1)],
        "1 of it are set aside for Acme at Main warehouse already. Change that allocation instead.",
    ),
    (
        lambda store: allocating.change(set_aside(store, 30), units=41, actor="user:anna"),
        "Only 10 of SKU-1 are free at Main warehouse, not 11.",
    ),
    (
        _below_used,
        "4 of it are used already, so it cannot be less. End it to give back the rest.",
    ),
    (_ended, "It has ended, and its units are free to all. Make another one."),
    (_closed, "Old hall is closed, so no store sells what is there."),
    (_uncounted, "Nobody has counted SKU-1 at New hall yet. Count it first."),
    (
        _not_sold_from,
        "Acme does not sell from Main warehouse. Choose it on the store's page “Locations” first.",
    ),
    (_kit, "BOX is a kit: set its parts aside."),
    (_strange, "The store, the product and the place belong to several merchants."),
]


@pytest.mark.parametrize(("work", "sentence"), REFUSED)
def test_what_cannot_be_set_aside_is_refused_with_the_reason(
    store: Any, work: Callable[[Any], Any], sentence: str
) -> None:
    with pytest.raises(AllocationRefused) as refused:
        work(store)

    assert str(refused.value) == sentence
    assert_true()


# --- kits ---


def test_a_kit_of_the_owner_is_put_together_from_what_is_set_aside_too(
    store: Any, other: Any
) -> None:
    kit = make_item(store.merchant, "BOX")
    kits.set_parts(kit, {the_item().pk: 3}, actor="user:anna")
    Listing.objects.update(variant=kit)
    set_aside(store, 30)

    assert shown(store, other) == [13, 3]
    assert target(store).terms["own_set_aside"] == 10
    assert target(other).terms["set_aside"] == 10

    ask(store, kit, 2, line=uuid7())
    assert (left(), shown(store, other)) == (24, [11, 3])
    assert_true()


# --- cost, and everything together ---


def test_whoever_has_nothing_set_aside_pays_no_statement_for_it(store: Any, other: Any) -> None:
    def cost(work: Callable[[], Any]) -> int:
        with CaptureQueriesContext(connection) as queries:
            work()
        return len(queries)

    def look() -> Any:
        return targets(list(Listing.objects.all()))

    before = cost(lambda: sell(other, 1)), cost(look)
    made = set_aside(store, 10)
    with_it = cost(lambda: sell(other, 1)), cost(look)
    own = cost(lambda: sell(store, 1))
    allocating.end(made, actor="user:anna")

    assert (cost(lambda: sell(other, 1)), cost(look)) == before
    assert with_it == (before[0] + 1, before[1] + 1)
    assert own == before[0] + 2


_LINES = [uuid7() for _ in range(4)]
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("sell"), st.integers(0, 3), st.integers(0, 9), st.integers(0, 4)),
        st.tuples(st.just("aside"), st.integers(0, 1), st.integers(1, 9), st.just(0)),
        st.tuples(st.just("end"), st.integers(0, 1), st.just(0), st.just(0)),
        st.tuples(st.just("count"), st.just(0), st.integers(0, 12), st.just(0)),
    ),
    max_size=12,
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=_STEPS)
def test_whatever_happens_the_tables_say_the_same(
    store: Any, other: Any, main: Location, steps: list[tuple[str, int, int, int]]
) -> None:
    Reservation.objects.all().delete()
    Allocation.objects.all().delete()
    StockMovement.objects.all().delete()
    StockLevel.objects.all().delete()
    item = the_item()
    count(item, main, 10)
    stores = (store, other)

    for what, which, units, shipped in steps:
        if what == "sell":
            owner = stores[which % 2]
            wanted = Demand(
                line_ref=_LINES[which],
                order_ref=_LINES[which],
                store_id=owner.pk,
                variant_id=item.pk,
                outstanding=units,
                shipped=shipped,
                placed_at=NOW,
            )
            ledger.settle(store.merchant_id, [wanted])
        elif what == "count":
            count(item, main, units)
        else:
            standing = Allocation.objects.filter(store=stores[which], ended_at=None).first()
            if what == "end" and standing:
                allocating.end(standing, actor="user:anna")
            elif what == "aside" and not standing:
                try:
                    set_aside(stores[which], units)
                except AllocationRefused:
                    continue
        assert_true()
        for made in Allocation.objects.filter(ended_at=None):
            rows = Reservation.objects.filter(allocation=made)
            assert sum(row.drawn for row in rows) == made.used
