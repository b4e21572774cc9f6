"""Edits of a store after picking began: kept as a difference, decided on, or taken back."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from orders import conflict_diff, services
from orders.data import Address, Buyer, ChargeData, ChargeKind
from orders.errors import OrderError
from orders.models import Conflict, Order, OrderEvent, OrderLine
from orders.status import Flag, FulfillmentStatus
from tests.factories import CANCELLED, OPEN, make_line, make_order, make_store
from tests.orders.shop import assert_books_balance, bring, by_id, later, parcel, shelf, stock

pytestmark = pytest.mark.django_db

PICKING = replace(OPEN, fulfillment=FulfillmentStatus.IN_PROGRESS)
THREE = (make_line(1), make_line(2), make_line(3))
ANNA = "user:anna"


@pytest.fixture
def store() -> Any:
    store = make_store()
    stock(store, 1, 2, 3, 4)
    return store


def picked(store: Any, **changes: Any) -> Any:
    """An order of three lines of which one unit of the first has left."""
    order = make_order(lines=THREE, **changes)
    bring(store, order)
    services.add_shipment(
        Order.objects.get(), lines={OrderLine.objects.get(external_id="l1").pk: 1}, actor=ANNA
    )
    return order


def edited(order: Any) -> Any:
    """One more of the first, the second gone, a fourth come."""
    return later(order, 1, lines=(make_line(1, quantity=3), make_line(3), make_line(4, quantity=1)))


def the_conflict() -> Conflict:
    return Conflict.objects.get()


def rows(found: Conflict) -> list[tuple[Any, ...]]:
    return [
        (
            row["change"],
            (row["before"] or row["after"])["sku"],
            row["before"] and row["before"]["quantity"],
            row["after"] and row["after"]["quantity"],
            row["shipped"],
        )
        for row in found.diff["lines"]
    ]


def flags() -> frozenset[Flag]:
    return Order.objects.get().flag_set


def test_an_edit_before_picking_is_applied_at_once(store: Any) -> None:
    order = make_order(lines=THREE)
    bring(store, order)

    bring(store, edited(order))

    assert not Conflict.objects.exists()
    assert flags() == frozenset()
    assert [shelf(f"SKU-{n}") for n in (1, 2, 3, 4)] == [(10, 3), (10, 0), (10, 2), (10, 1)]


def test_an_edit_after_picking_shows_added_removed_and_changed_lines(store: Any) -> None:
    order = picked(store)

    bring(store, replace(edited(order), version=7))

    found = the_conflict()
    assert rows(found) == [
        ("changed", "SKU-1", 2, 3, 1),
        ("added", "SKU-4", None, 1, 0),
        ("removed", "SKU-2", 2, None, 0),
    ]
    assert found.diff["fields"] == []
    assert (found.state, found.edits, found.source_version) == ("open", 1, 7)
    assert found.edited_at == edited(order).changed_at
    assert flags() == {Flag.EDITED_AFTER_IMPORT}
    assert OrderEvent.objects.get(kind="conflict").title == (
        "Edited after picking began, a person must look: "
        "SKU-1 2 → 3; added 1 × SKU-4; removed 2 × SKU-2"
    )


def test_a_parcel_is_refused_with_the_difference_while_the_edit_is_open(store: Any) -> None:
    order = picked(store)
    bring(store, edited(order))

    with pytest.raises(OrderError) as refused:
        services.add_shipment(Order.objects.get(), actor=ANNA)

    assert refused.value.code == "edited_after_import"
    assert "SKU-1 2 → 3; added 1 × SKU-4; removed 2 × SKU-2" in refused.value.message


def test_what_an_edit_takes_away_is_kept_until_somebody_accepts_it(store: Any) -> None:
    order = picked(store)

    bring(store, edited(order))
    # More is held at once, less is not let go.
    assert [shelf(f"SKU-{n}") for n in (1, 2, 3, 4)] == [(9, 2), (10, 2), (10, 2), (10, 1)]
    assert_books_balance()

    services.accept_edit(Order.objects.get(), seen=1, actor=ANNA)

    assert [shelf(f"SKU-{n}") for n in (1, 2, 3, 4)] == [(9, 2), (10, 0), (10, 2), (10, 1)]
    assert_books_balance()
    found = the_conflict()
    assert (found.state, found.decided_by) == ("accepted", ANNA)
    assert flags() == frozenset()
    said = OrderEvent.objects.get(kind="edit_accepted")
    assert (said.actor, said.origin) == (ANNA, "person")
    assert "removed 2 × SKU-2" in said.title
    services.add_shipment(Order.objects.get(), actor=ANNA)
    assert [shelf(f"SKU-{n}") for n in (1, 2, 3, 4)] == [(7, 0), (10, 0), (8, 0), (9, 0)]


def test_a_line_that_was_reduced_is_kept_whole_until_the_decision(store: Any) -> None:
    order = picked(store)

    bring(store, later(order, 1, lines=(THREE[0], THREE[1], make_line(3, quantity=1))))
    assert shelf("SKU-3") == (10, 2)
    bring(store, later(order, 2, lines=(THREE[0], THREE[1], make_line(3, quantity=1)), tax_total=1))
    assert shelf("SKU-3") == (10, 2)

    services.accept_edit(Order.objects.get(), seen=1, actor=ANNA)

    assert shelf("SKU-3") == (10, 1)
    assert the_conflict().state == "accepted"


def test_a_removed_line_that_had_left_stays_as_shipped_and_says_so(store: Any) -> None:
    order = picked(store)

    bring(store, later(order, 1, lines=THREE[1:]))

    assert rows(the_conflict()) == [("removed", "SKU-1", 2, None, 1)]
    assert conflict_diff.summary(the_conflict().diff) == (
        "removed 2 × SKU-1 (1 had left and stay as shipped)"
    )
    assert shelf() == (9, 1)
    services.accept_edit(Order.objects.get(), seen=1, actor=ANNA)
    assert shelf() == (9, 0)
    assert OrderLine.objects.get(external_id="l1").quantity_shipped == 1


def test_several_edits_add_up_against_the_order_as_it_was_when_picking_began(store: Any) -> None:
    order = picked(store)
    bring(store, later(order, 1, lines=(make_line(1, quantity=3), *THREE[1:])))
    bring(store, later(order, 2, lines=(make_line(1, quantity=5), *THREE[1:])))
    bring(store, later(order, 3, lines=(make_line(1, quantity=5), THREE[1])))

    found = the_conflict()
    assert rows(found) == [("changed", "SKU-1", 2, 5, 1), ("removed", "SKU-3", 2, None, 0)]
    assert found.edits == 3
    assert found.edited_at == later(order, 3).changed_at


def test_an_edit_that_is_taken_back_ends_the_conflict_with_a_note(store: Any) -> None:
    order = picked(store)
    bring(store, edited(order))

    bring(store, later(order, 2))

    assert the_conflict().state == "returned"
    assert flags() == frozenset()
    assert "took its edit back" in OrderEvent.objects.get(kind="conflict_over").title
    assert [shelf(f"SKU-{n}") for n in (1, 2, 3, 4)] == [(9, 1), (10, 2), (10, 2), (10, 0)]
    assert_books_balance()
    services.add_shipment(Order.objects.get(), actor=ANNA)


def test_a_line_put_in_again_under_another_id_is_the_same_line(store: Any) -> None:
    order = picked(store)
    bring(store, later(order, 1, lines=(THREE[0], THREE[2])))

    again = make_line(2, external_id="l9")
    bring(store, later(order, 2, lines=(THREE[0], THREE[2], again)))

    assert the_conflict().state == "returned"
    assert shelf("SKU-2") == (10, 2)
    assert_books_balance()


def test_a_line_that_had_left_and_comes_again_under_another_id_is_no_return(store: Any) -> None:
    """It would be sent twice."""
    order = picked(store)

    bring(store, later(order, 1, lines=(make_line(1, external_id="l9"), *THREE[1:])))

    assert {row[0] for row in rows(the_conflict())} == {"added", "removed"}


def test_after_a_decision_the_next_edit_is_a_conflict_of_its_own(store: Any) -> None:
    order = picked(store)
    bring(store, edited(order))
    services.accept_edit(Order.objects.get(), seen=1, actor=ANNA)

    bring(store, later(order, 2, lines=(make_line(1, quantity=3), make_line(3))))

    newest = Conflict.objects.open().get()
    assert rows(newest) == [("removed", "SKU-4", 1, None, 0)]
    assert Conflict.objects.count() == 2


def test_another_product_under_the_same_line_is_a_conflict_and_a_renamed_sku_is_none(
    store: Any,
) -> None:
    order = picked(store)
    bring(store, later(order, 1, lines=(*THREE[:2], replace(THREE[2], sku="SKU-3-NEW"))))
    assert not Conflict.objects.exists()

    other = replace(make_line(4), external_id="l3")
    bring(store, later(order, 2, lines=(*THREE[:2], other)))

    assert conflict_diff.summary(the_conflict().diff) == "2 × SKU-3-NEW → 2 × SKU-4"


def test_another_price_alone_holds_nothing_and_is_shown_beside_what_does(store: Any) -> None:
    order = picked(store)
    dearer = replace(THREE[2], unit_price=Decimal("12.5"), subtotal=Decimal(25), total=Decimal(25))
    bring(store, later(order, 1, lines=(*THREE[:2], dearer)))
    assert not Conflict.objects.exists()
    bring(store, later(order, 2))

    bring(store, later(order, 3, lines=(THREE[0], dearer)))

    price = next(row for row in the_conflict().diff["lines"] if row["change"] == "changed")
    assert (price["before"]["unit_price"], price["after"]["unit_price"]) == ("10", "12.5")


def moved(order: Any, line1: str = "Allee 9") -> Buyer:
    return replace(order.buyer, shipping=replace(order.buyer.shipping, line1=line1))


def test_another_address_is_a_conflict_that_shows_no_address(store: Any) -> None:
    order = picked(store)

    bring(store, later(order, 1, buyer=moved(order)))

    found = the_conflict()
    assert found.diff == {
        "lines": [],
        "fields": [{"field": "address", "before": None, "after": None}],
    }
    kept = json.dumps([found.baseline, found.diff])
    assert not any(word in kept for word in ("Weg 1", "Allee", "Žižek", "Köln"))
    bring(store, later(order, 2))
    assert Conflict.objects.get().state == "returned"


def test_another_address_of_an_order_that_has_left_needs_nobody(store: Any) -> None:
    order = make_order()
    bring(store, order)
    services.add_shipment(Order.objects.get(), actor=ANNA)

    bring(store, later(order, 1, buyer=moved(order)))

    assert not Conflict.objects.exists()


def test_another_way_of_shipping_is_a_conflict(store: Any) -> None:
    order = picked(store)
    express = ChargeData(kind=ChargeKind.SHIPPING, title="Express", amount=Decimal("4.95"))

    bring(store, later(order, 1, charges=(express,)))

    assert the_conflict().diff["fields"] == [
        {"field": "method", "before": "Flat rate", "after": "Express"}
    ]


def test_a_note_is_shown_and_holds_nothing_alone(store: Any) -> None:
    order = picked(store)
    noted = replace(order.buyer, note="Ring twice")
    bring(store, later(order, 1, buyer=noted))
    assert not Conflict.objects.exists()
    bring(store, later(order, 2))

    bring(store, later(order, 3, buyer=replace(noted, shipping=Address(line1="Allee 9"))))

    assert [x["field"] for x in the_conflict().diff["fields"]] == ["address", "note"]


def test_a_store_that_says_somebody_is_at_it_has_begun_picking(store: Any) -> None:
    order = make_order(lines=THREE, status=PICKING)
    bring(store, order)

    bring(store, later(order, 1, lines=THREE[:2]))

    assert rows(the_conflict()) == [("removed", "SKU-3", 2, None, 0)]
    assert shelf("SKU-3") == (10, 2)


def test_a_cancelled_order_needs_no_decision_on_its_edit(store: Any) -> None:
    order = make_order(lines=THREE, status=PICKING)
    bring(store, order)
    bring(store, later(order, 1, lines=THREE[:2]))

    bring(store, later(order, 2, lines=THREE[:2], status=CANCELLED, raw_status="cancelled"))

    assert the_conflict().state == "overtaken"
    assert flags() == frozenset()
    assert [shelf(f"SKU-{n}") for n in (1, 2, 3)] == [(10, 0)] * 3
    assert_books_balance()


def test_who_saw_an_earlier_edit_is_refused(store: Any) -> None:
    order = picked(store)
    bring(store, edited(order))
    bring(store, later(order, 2, lines=THREE[:2]))

    with pytest.raises(OrderError) as refused:
        services.accept_edit(Order.objects.get(), seen=1, actor=ANNA)

    assert refused.value.code == "edited_meanwhile"
    services.accept_edit(Order.objects.get(), seen=2, actor=ANNA)
    with pytest.raises(OrderError, match="No edit of this order"):
        services.accept_edit(Order.objects.get(), seen=2, actor=ANNA)


def test_a_review_does_not_decide_an_open_edit(store: Any) -> None:
    order = picked(store)
    bring(store, edited(order))
    before = the_conflict()

    with pytest.raises(OrderError) as refused:
        services.mark_reviewed(Order.objects.get(), actor=ANNA)

    assert refused.value.code == "edit_undecided"
    assert "accept the edit" in refused.value.message
    assert flags() == {Flag.EDITED_AFTER_IMPORT}
    assert (the_conflict().state, the_conflict().edits) == (before.state, before.edits)
    assert not OrderEvent.objects.filter(kind="reviewed").exists()


def test_a_review_of_a_cancellation_leaves_the_open_edit_to_whoever_saw_it(store: Any) -> None:
    order = picked(store)
    bring(store, edited(order))
    Order.objects.update(flags="cancel_requested,edited_after_import")

    services.mark_reviewed(Order.objects.get(), actor=ANNA)

    assert flags() == {Flag.EDITED_AFTER_IMPORT}
    assert the_conflict().state == "open"
    assert OrderEvent.objects.get(kind="reviewed").title == "Reviewed the cancellation"


def test_a_replay_of_an_edit_changes_nothing(store: Any) -> None:
    order = picked(store)
    bring(store, edited(order))
    before = (list(Conflict.objects.values()), OrderEvent.objects.count(), shelf("SKU-2"))

    bring(store, edited(order))
    by_id(store, edited(order))
    bring(store, order)

    after = (list(Conflict.objects.values()), OrderEvent.objects.count(), shelf("SKU-2"))
    assert after == before


def test_a_parcel_that_the_store_echoes_is_no_edit(store: Any) -> None:
    order = picked(store)
    reference = Order.objects.get().shipments.get().reference
    before = list(OrderEvent.objects.values())

    bring(store, later(order, 1, shipments=(parcel(1, reference=reference, external_id="f1"),)))

    assert not Conflict.objects.exists()
    assert list(OrderEvent.objects.values()) == before


def test_an_erased_buyer_leaves_no_mark_of_the_address(store: Any) -> None:
    order = picked(store)
    bring(store, edited(order))

    services.erase_buyer(Order.objects.get(), actor=ANNA)

    baseline = the_conflict().baseline
    assert (baseline["address"], baseline["note"]) == ("", "")
    bring(store, later(order, 2))
    assert the_conflict().state == "returned"


def test_an_order_that_the_store_deleted_lets_go_of_what_an_edit_left(store: Any) -> None:
    order = picked(store)
    bring(store, edited(order))

    services.mark_gone(Order.objects.get(), actor="system")

    assert [shelf(f"SKU-{n}")[1] for n in (1, 2, 3, 4)] == [0, 0, 0, 0]
    assert_books_balance()
