"""Lines that wait for a product: matched by the rule of an import, whichever comes first."""

from __future__ import annotations

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
        return matching.Matches({}, {}) if len(looks) == 1 else real(*args)

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
