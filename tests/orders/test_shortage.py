"""An order that sold what is not there is flagged, and freed of it when it is served."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F

from integrations.models import Push, Store
from inventory import ledger
from inventory.catalogue import import_products
from inventory.models import Listing, Location, Reservation, StockRule, Variant
from orders import services, shortage
from orders.errors import OrderChangedMeanwhile
from orders.models import Order, OrderEvent, Oversell
from orders.status import Flag
from tests.factories import CANCELLED, NOW, make_line, make_order, make_product, make_store
from tests.orders.shop import assert_books_balance, bring, later, stock

pytestmark = pytest.mark.django_db


@pytest.fixture
def store() -> Store:
    store = make_store()
    stock(store, units=1)
    return store


def item() -> Variant:
    return Variant.objects.get()


def put(units: int) -> None:
    put_of("SKU-1", units)


def put_of(sku: str, units: int) -> None:
    ledger.adjust(
        variant=Variant.objects.get(sku=sku),
        location=Location.objects.get(),
        delta=units,
        reason="Delivery",
        actor="user:anna",
    )


def oversold() -> dict[str, bool]:
    return {x.number: Flag.OVERSOLD in x.flag_set for x in Order.objects.order_by("number")}


def kinds(number: str) -> list[str]:
    events = OrderEvent.objects.filter(order__number=number, kind__startswith="oversold")
    return list(events.order_by("pk").values_list("kind", flat=True))


def records(number: str = "1001") -> list[tuple[str, int, bool]]:
    """(SKU, units, whether it is resolved), first come first."""
    rows = Oversell.objects.filter(order__number=number).order_by("opened_at", "sku", "pk")
    return [(x.sku, x.units, x.resolved_at is not None) for x in rows]


def test_every_line_that_is_short_has_a_record_until_it_is_not(store: Store) -> None:
    stock(store, 2, units=3)
    bring(store, make_order(1, lines=(make_line(1, quantity=5), make_line(2, quantity=5))))
    assert records() == [("SKU-1", 4, False), ("SKU-2", 2, False)]

    put_of("SKU-1", 3)
    assert records() == [("SKU-1", 1, False), ("SKU-2", 2, False)]

    put_of("SKU-1", 1)
    assert records() == [("SKU-1", 1, True), ("SKU-2", 2, False)]
    assert oversold() == {"1001": True}

    put_of("SKU-2", 2)
    assert records() == [("SKU-1", 1, True), ("SKU-2", 2, True)]


def test_a_record_says_how_it_came(store: Store) -> None:
    bring(store, make_order(1))

    found = Oversell.objects.get()
    assert (found.order.number, found.line.sku, found.variant) == ("1001", "SKU-1", item())
    assert found.found_after_s == 3600
    assert [x["store"] for x in found.cause["channels"]] == ["Example shop"]


@pytest.mark.parametrize(
    ("strategy", "where"),
    [
        ("no_split", " where all of the order is taken from"),
        ("most_stock", ""),
    ],
)
def test_what_is_short_because_orders_are_not_split_says_so(
    store: Store, strategy: str, where: str
) -> None:
    store.options["reserve_from"] = strategy
    store.save(update_fields=["options"])
    bring(store, make_order(1))

    kept = Oversell.objects.get().cause.get("reserve_from")
    event = OrderEvent.objects.get(kind="oversold")
    assert event.title == f"Oversold, not on hand{where}: 1 × SKU-1"
    assert kept == ("no_split" if where else None)


def test_more_units_of_a_short_line_are_the_same_record(store: Store) -> None:
    order = make_order(1)
    bring(store, order)

    bring(store, later(order, lines=(make_line(quantity=6),)))
    bring(store, later(order, minutes=2, lines=(make_line(quantity=6),), raw_payment="x"))

    assert records() == [("SKU-1", 5, False)]


def test_the_flag_leaves_when_the_units_come(store: Store) -> None:
    bring(store, make_order(1))
    assert oversold() == {"1001": True}

    put(1)

    assert oversold() == {"1001": False}
    assert kinds("1001") == ["oversold", "oversold_over"]
    assert_books_balance()


def test_a_part_of_what_is_missing_changes_nothing(store: Store) -> None:
    bring(store, make_order(1, lines=(make_line(quantity=5),)))

    put(2)

    assert oversold() == {"1001": True}
    assert kinds("1001") == ["oversold"]


def test_an_order_short_of_two_things_waits_for_both(store: Store) -> None:
    stock(store, 2, units=1)
    bring(store, make_order(1, lines=(make_line(1), make_line(2))))

    for sku in ("SKU-1", "SKU-2"):
        assert oversold() == {"1001": True}
        ledger.adjust(
            variant=Variant.objects.get(sku=sku),
            location=Location.objects.get(),
            delta=1,
            reason="Delivery",
            actor="user:anna",
        )

    assert oversold() == {"1001": False}


def test_what_a_cancelled_order_gives_back_frees_the_one_that_waited(store: Store) -> None:
    put(1)
    first, second = make_order(1), make_order(2, placed_at=NOW - timedelta(minutes=30))
    bring(store, first)
    bring(store, second)
    assert oversold() == {"1001": False, "1002": True}

    bring(store, later(first, status=CANCELLED, raw_status="cancelled"))

    assert oversold() == {"1001": False, "1002": False}
    assert_books_balance()


def test_an_order_that_is_cancelled_while_it_waits_is_short_of_nothing(store: Store) -> None:
    order = make_order(1)
    bring(store, order)

    bring(store, later(order, status=CANCELLED, raw_status="cancelled"))

    assert oversold() == {"1001": False}
    assert not Reservation.objects.filter(short__gt=0).exists()


def test_an_order_that_is_shipped_all_the_same_is_short_of_nothing(store: Store) -> None:
    bring(store, make_order(1))

    services.add_shipment(Order.objects.get(), actor="user:anna")

    assert oversold() == {"1001": False}


def test_one_that_is_short_again_is_flagged_again(store: Store) -> None:
    order = make_order(1)
    bring(store, order)
    put(1)

    bring(store, later(order, lines=(make_line(quantity=3),)))

    assert oversold() == {"1001": True}
    assert kinds("1001") == ["oversold", "oversold_over", "oversold"]


def test_a_flag_is_not_taken_off_an_order_somebody_else_has_just_written(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(store, make_order(1))
    lines = list(Order.objects.get().lines.values_list("pk", flat=True))
    Reservation.objects.update(short=0)
    real = shortage.bulk.update

    def overtaken(*args: Any, **options: Any) -> Any:
        Order.objects.update(revision=F("revision") + 2)
        return real(*args, **options)

    monkeypatch.setattr(shortage.bulk, "update", overtaken)

    with pytest.raises(OrderChangedMeanwhile):
        shortage.resolve(lines)


def test_the_record_says_what_each_channel_was_told_and_by_which_rule(store: Store) -> None:
    other = make_store(store.merchant, base_url="https://b.example", name="Bazaar")
    stock(other, units=1)
    StockRule.objects.create(merchant=store.merchant, store=other, buffer=1)
    listing = Listing.objects.get(store=store)
    Push.objects.update_or_create(
        listing=listing, store=store, defaults={"pushed_value": 1, "pushed_at": NOW}
    )

    bring(store, make_order(1))

    (missing,) = OrderEvent.objects.get(kind="oversold").data["missing"]
    assert (missing["sku"], missing["units"]) == ("SKU-1", 1)
    bazaar, here = missing["channels"]
    assert (bazaar["store"], bazaar["told"], bazaar["terms"]["buffer"]) == ("Bazaar", None, 1)
    assert (here["store"], here["told"], here["told_at"]) == ("Example shop", 1, NOW.isoformat())
    assert here["should_show"] == 0
    assert here["terms"]["buffer"] == 0


# -- on back-order ------------------------------------------------------------------------------


def sells_on(store: Store, number: int = 1, *, below_zero: bool = True) -> None:
    """The store tells of the item anew; nothing else of it changes."""
    told = make_product(number, stock=1)
    variants = tuple(replace(x, backorders=below_zero) for x in told.variants)
    import_products(store, [replace(told, variants=variants)], observed_at=NOW, now=NOW)


def test_what_the_store_sells_below_zero_is_a_back_order_and_no_oversell(store: Store) -> None:
    sells_on(store)

    bring(store, make_order(1, lines=(make_line(1, quantity=5),)))

    order, record = Order.objects.get(), Oversell.objects.get()
    assert order.flag_set == {Flag.BACKORDERED}
    assert (record.is_backorder, record.units) == (True, 4)
    assert not Oversell.objects.filter(is_backorder=False).exists()
    assert OrderEvent.objects.get(kind="oversold").title == (
        "Sold on back-order, which the store allows: 4 × SKU-1"
    )


def test_it_waits_for_units_like_any_shortage(store: Store) -> None:
    sells_on(store)
    bring(store, make_order(1, lines=(make_line(1, quantity=2),)))

    put(1)

    assert Order.objects.get().flag_set == frozenset()
    assert records() == [("SKU-1", 1, True)]
    assert OrderEvent.objects.get(kind="oversold_over").title.startswith("Not on back-order")
    assert_books_balance()


def test_another_store_that_does_not_allow_it_has_oversold(store: Store) -> None:
    sells_on(store)
    other = make_store(store.merchant, name="Strict shop", base_url="https://strict.example")
    stock(other, units=1)

    bring(store, make_order(1, lines=(make_line(1, quantity=2),)))
    bring(other, make_order(2, lines=(make_line(1, quantity=2),)))

    found = dict(Oversell.objects.values_list("order__number", "is_backorder"))
    assert found == {"1001": True, "1002": False}
    assert Order.objects.get(number="1002").flag_set == {Flag.OVERSOLD}


def test_an_order_may_have_both_and_each_is_named(store: Store) -> None:
    stock(store, 2, units=1)
    sells_on(store)

    bring(store, make_order(1, lines=(make_line(1, quantity=3), make_line(2, quantity=2))))

    assert Order.objects.get().flag_set == {Flag.OVERSOLD, Flag.BACKORDERED}
    assert OrderEvent.objects.get(kind="oversold").title == (
        "Oversold, not on hand: 1 × SKU-2; Sold on back-order, which the store allows: 2 × SKU-1"
    )


def test_what_came_to_light_as_an_oversell_stays_one(store: Store) -> None:
    order = make_order(1, lines=(make_line(1, quantity=3),))
    bring(store, order)
    sells_on(store)

    bring(store, later(order, lines=(make_line(1, quantity=4),)))

    record = Oversell.objects.get()
    assert (record.units, record.is_backorder) == (3, False)
    assert Order.objects.get().flag_set == {Flag.OVERSOLD}


def test_a_flag_taken_back_holds_from_the_next_sale(store: Store) -> None:
    sells_on(store)
    assert Listing.objects.get().backorders
    sells_on(store, below_zero=False)

    bring(store, make_order(1))

    assert not Listing.objects.get().backorders
    assert not Oversell.objects.get().is_backorder


def test_a_listing_kept_before_the_flag_was_read_gets_it_at_its_next_reading(store: Store) -> None:
    sells_on(store)
    Listing.objects.update(backorders=False)

    sells_on(store)

    assert Listing.objects.get().backorders
