"""Lines that wait for a product: matched by the rule of an import, whichever comes first."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F

from inventory.catalogue import import_products
from inventory.data import VariantData
from inventory.models import Listing, Reservation
from orders import matching
from orders.errors import OrderChangedMeanwhile
from orders.models import Order, OrderEvent, OrderLine
from orders.status import Flag, ImportState
from tests.factories import (
    CANCELLED,
    NOW,
    make_line,
    make_merchant,
    make_order,
    make_product,
    make_store,
)
from tests.orders.shop import assert_books_balance, bring, later, level, shelf, stock

pytestmark = pytest.mark.django_db


@pytest.fixture
def store() -> Any:
    return make_store()


def state() -> tuple[str, str]:
    order = Order.objects.get()
    return order.import_state, order.import_problem


def test_an_order_finishes_when_its_last_unknown_line_is_known(store: Any) -> None:
    bring(store, make_order(lines=(make_line(1), make_line(2))))
    assert state()[1].startswith("2 of 2 lines")

    stock(store, 1)
    assert state()[0] == ImportState.AWAITING_MAPPING
    assert state()[1].startswith("1 of 2 lines")

    stock(store, 2)
    assert state() == (ImportState.ACCEPTED, "")
    assert [e.kind for e in OrderEvent.objects.all()] == ["imported", "matched"]
    assert (shelf("SKU-1"), shelf("SKU-2")) == ((12, 2), (12, 2))
    assert_books_balance()


@pytest.mark.parametrize("sku", ["sku-1", " SKU-1 ", "Sku-1"])
def test_a_sku_is_known_however_it_is_spelled(store: Any, sku: str) -> None:
    bring(store, make_order(lines=(make_line(sku=sku, external_variant_id="elsewhere"),)))

    stock(store)

    assert state()[0] == ImportState.ACCEPTED


def test_a_product_of_the_merchants_other_store_is_enough(store: Any) -> None:
    other = make_store(store.merchant, base_url="https://second.example")
    bring(other, make_order(lines=(make_line(external_product_id="o", external_variant_id="o"),)))

    stock(store)

    assert state()[0] == ImportState.ACCEPTED
    assert level().reserved == 2


def test_a_product_of_another_merchant_is_nobodys_business(store: Any) -> None:
    other = make_store(make_merchant("other"), base_url="https://other.example")
    bring(other, make_order())

    stock(store)

    assert state()[0] == ImportState.AWAITING_MAPPING
    assert OrderLine.objects.get().variant is None


def test_a_listing_that_is_known_and_unlinked_is_not_guessed_by_its_sku(store: Any) -> None:
    """Two products share the SKU: the line names one of them, and a person decides which."""
    stock(store, 1)
    twin = make_product(2, variants=(VariantData(external_id="p2", sku="SKU-1", stock=5),))
    import_products(store, [twin], observed_at=NOW, now=NOW)

    bring(store, make_order(lines=(make_line(2, sku="SKU-1"),)))

    assert state()[0] == ImportState.AWAITING_MAPPING
    assert matching.match_waiting_lines(store.pk, Listing.objects.values_list("pk", flat=True)) == 0


def by_sku(number: int = 1, *, sku: str) -> Any:
    """An order whose only line names no product of the store, as one of a deleted product."""
    line = make_line(sku=sku, external_product_id="", external_variant_id="")
    return make_order(number, lines=(line,))


def shown(store: Any, *products: Any, minutes: int = 1) -> None:
    at = NOW + timedelta(minutes=minutes)
    import_products(store, products, observed_at=at, now=at)


def renamed(number: int, sku: str, **changes: Any) -> Any:
    variants = (VariantData(external_id=f"p{number}", sku=sku, stock=10),)
    return make_product(number, variants=variants, **changes)


def matched_sku() -> str | None:
    found = OrderLine.objects.select_related("variant").get().variant
    return found.sku if found else None


def test_a_sku_that_the_store_gave_a_listing_is_known(store: Any) -> None:
    stock(store)
    shown(store, renamed(1, "Mug 2026"))

    bring(store, by_sku(sku="mug  2026"))

    assert (matched_sku(), state()[0]) == ("SKU-1", ImportState.ACCEPTED)
    assert level().reserved == 2
    assert_books_balance()


def test_the_stores_own_listing_of_a_sku_comes_before_a_variant_that_has_it(store: Any) -> None:
    stock(store, 1)
    other = make_store(store.merchant, base_url="https://second.example")
    stock(other, 2)
    shown(store, renamed(1, "SKU-2"))

    bring(store, by_sku(sku="SKU-2"))

    assert matched_sku() == "SKU-1"


def test_a_sku_of_another_stores_listing_says_nothing_in_this_one(store: Any) -> None:
    stock(store)
    shown(store, renamed(1, "RENAMED"))
    other = make_store(store.merchant, base_url="https://second.example")

    bring(other, by_sku(sku="RENAMED"))

    assert (matched_sku(), state()[0]) == (None, ImportState.AWAITING_MAPPING)


def test_a_sku_that_two_listings_of_the_store_have_waits_and_says_so(store: Any) -> None:
    stock(store, 1, 2)
    shown(store, renamed(1, "SKU-2"))

    bring(store, by_sku(sku="SKU-2"))

    assert matched_sku() is None
    assert state()[0] == ImportState.AWAITING_MAPPING
    assert "whose SKU is not its alone" in state()[1]


def test_two_listings_of_one_product_are_no_question(store: Any) -> None:
    stock(store, 1, 2)
    shown(store, renamed(1, "SKU-2"))
    Listing.objects.update(variant=Listing.objects.get(external_variant_id="p1").variant)

    bring(store, by_sku(sku="SKU-2"))

    assert matched_sku() == "SKU-1"


def test_a_listing_that_is_gone_has_no_say_about_a_sku(store: Any) -> None:
    stock(store, 1, 2)
    shown(store, renamed(1, "SKU-2"))
    shown(store, renamed(1, "SKU-2", gone=True), minutes=2)

    bring(store, by_sku(sku="SKU-2"))

    assert matched_sku() == "SKU-2"


def test_an_order_that_waits_finishes_when_a_listing_gets_its_sku(store: Any) -> None:
    stock(store)
    bring(store, by_sku(sku="NEW-1"))
    assert state()[0] == ImportState.AWAITING_MAPPING

    shown(store, renamed(1, "New-1"))

    assert (matched_sku(), state()) == ("SKU-1", (ImportState.ACCEPTED, ""))
    assert level().reserved == 2
    assert_books_balance()


@pytest.mark.parametrize("gone", [True, False])
def test_an_order_that_waits_finishes_when_its_sku_is_one_listings_again(
    store: Any, gone: bool
) -> None:
    stock(store, 1, 2)
    shown(store, renamed(1, "SKU-2"))
    bring(store, by_sku(sku="SKU-2"))

    shown(store, renamed(1, "SKU-2" if gone else "SKU-1", gone=gone), minutes=2)

    assert (matched_sku(), state()[0]) == ("SKU-2", ImportState.ACCEPTED)


def test_an_order_that_waits_finishes_when_a_variation_is_taken_off(store: Any) -> None:
    stock(store, 1, 2)
    shown(store, renamed(1, "SKU-2"))
    bring(store, by_sku(sku="SKU-2"))

    shown(store, make_product(1, variants=(), variants_complete=True), minutes=2)

    assert (matched_sku(), state()[0]) == ("SKU-2", ImportState.ACCEPTED)


def test_a_line_known_by_its_sku_keeps_its_product_when_the_store_gives_the_sku_away(
    store: Any,
) -> None:
    stock(store, 1, 2)
    order = by_sku(sku="SKU-2")
    bring(store, order)
    assert matched_sku() == "SKU-2"

    shown(store, renamed(2, "OTHER"), renamed(1, "SKU-2"))
    bring(store, later(order, raw_status="packing"))

    assert (matched_sku(), shelf("SKU-2"), shelf("SKU-1")) == ("SKU-2", (10, 2), (10, 0))
    bring(store, by_sku(2, sku="SKU-2"))
    assert OrderLine.objects.get(order__number="1002").variant.sku == "SKU-1"  # type: ignore[union-attr]


def test_blank_skus_name_nothing(store: Any) -> None:
    stock(store, 1)
    shown(store, renamed(1, ""))

    bring(store, by_sku(sku="  "))

    assert matched_sku() is None


def test_a_blank_sku_is_not_that_of_a_blank_listing_beside_it(store: Any) -> None:
    """The listing is read because another line of the same order names it by its id."""
    stock(store, 1)
    shown(store, renamed(1, ""))
    blank = make_line(2, sku="", external_product_id="gone", external_variant_id="gone")

    bring(store, make_order(lines=(make_line(1), blank)))

    variants = OrderLine.objects.order_by("position").values_list("variant_id", flat=True)
    assert [pk is None for pk in variants] == [False, True]
    assert_books_balance()


def test_matching_asks_two_things_whatever_the_lines_name(
    store: Any, django_assert_num_queries: Any
) -> None:
    stock(store, 1, 2)
    lines = (make_line(1), make_line(2, external_product_id="", external_variant_id=""))

    with django_assert_num_queries(2):
        found = matching.Matches.for_lines(store.pk, store.merchant_id, lines)

    assert [found.find(line)[0] for line in lines] == [
        Listing.objects.get(external_variant_id=f"p{n}").variant_id for n in (1, 2)
    ]


def test_lines_without_sku_and_product_wait_alone(store: Any) -> None:
    bring(
        store,
        make_order(lines=(make_line(sku="", external_product_id="", external_variant_id=""),)),
    )

    stock(store)

    assert state()[0] == ImportState.AWAITING_MAPPING


def test_a_cancelled_order_is_matched_and_reserves_nothing(store: Any) -> None:
    order = make_order()
    bring(store, order)
    bring(store, later(order, status=CANCELLED, raw_status="cancelled"))

    stock(store)

    assert shelf() == (10, 0)


def test_a_past_order_is_matched_and_moves_nothing(store: Any) -> None:
    bring(store, make_order())
    Order.objects.update(moves_stock=False)

    stock(store)

    assert state()[0] == ImportState.ACCEPTED
    assert not Reservation.objects.exists()


def test_an_order_that_asks_for_a_person_still_does_after_the_match(store: Any) -> None:
    bring(store, make_order())
    Order.objects.update(import_state=ImportState.NEEDS_REVIEW, import_problem="Look")

    stock(store)

    assert state() == (ImportState.NEEDS_REVIEW, "Look")
    assert OrderLine.objects.get().variant is not None


def test_an_order_that_is_written_meanwhile_is_left_to_the_next_try(
    store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(store, make_order())
    real = matching.Matches.for_lines

    def overtaken(*args: Any) -> Any:
        Order.objects.update(revision=F("revision") + 7)
        return real(*args)

    monkeypatch.setattr(matching.Matches, "for_lines", overtaken)

    with pytest.raises(OrderChangedMeanwhile):
        stock(store)


def test_a_line_stays_matched_when_its_listing_is_unlinked(store: Any) -> None:
    stock(store)
    line = make_line(sku="")
    bring(store, make_order(lines=(line,)))
    Listing.objects.update(variant=None)

    bring(store, later(make_order(), 1, lines=(make_line(sku="", quantity=5),)))
    assert level().reserved == 5

    # Another product in the same line is another matter.
    bring(
        store,
        later(make_order(), 2, lines=(make_line(sku="", name="Jug", external_variant_id="v"),)),
    )
    assert OrderLine.objects.get().variant is None


def test_a_match_that_finds_too_little_flags_the_order(store: Any) -> None:
    stock(store, units=1)
    bring(store, make_order(1))
    Listing.objects.update(external_variant_id="moved")
    line = make_line(sku="later", external_product_id="p1", external_variant_id="p1")
    bring(store, make_order(2, lines=(line,)))
    Listing.objects.update(external_variant_id="p1")

    matching.match_waiting_lines(store.pk, [Listing.objects.get().pk])

    assert Flag.OVERSOLD in Order.objects.get(number="1002").flag_set
    event = OrderEvent.objects.get(kind="oversold", order__number="1002")
    assert event.title == "Oversold, not on hand: 2 × later"


@pytest.mark.django_db(transaction=True)
def test_an_order_that_did_not_see_its_product_yet_looks_again_when_committed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = make_store()
    stock(store)
    real, looks = matching.Matches.for_lines, []

    def not_yet(*args: Any) -> Any:
        looks.append(args)
        return matching.Matches({}, {}, {}) if len(looks) == 1 else real(*args)

    monkeypatch.setattr(matching.Matches, "for_lines", not_yet)
    bring(store, make_order())

    assert state()[0] == ImportState.ACCEPTED
    assert shelf() == (10, 2)


@pytest.mark.django_db(transaction=True)
def test_a_product_that_did_not_see_the_order_yet_looks_again_when_committed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = make_store()
    bring(store, make_order())
    real, looks = matching._waiting_for, []

    def not_yet(*args: Any) -> Any:
        looks.append(args)
        return OrderLine.objects.none() if len(looks) == 1 else real(*args)

    monkeypatch.setattr(matching, "_waiting_for", not_yet)
    stock(store)

    assert state()[0] == ImportState.ACCEPTED
    assert level().reserved == 2


@pytest.mark.django_db(transaction=True)
def test_a_second_look_that_fails_leaves_what_was_committed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError

    store = make_store()
    monkeypatch.setattr(matching, "_look_again", broken)

    bring(store, make_order())
    assert matching.match_waiting_lines(store.pk, []) == 0
    assert matching.match_renamed(store.pk, ["sku-1"]) == 0

    assert state()[0] == ImportState.AWAITING_MAPPING
