"""A parcel taken back: a store that never heard of it hears nothing, one that may have is told
that it is off.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.db.models import F

from integrations import outbox
from integrations.errors import OutcomeUnknown, Rejected, Unavailable
from integrations.models import Command, Store
from integrations.platform import Ability
from orders import services
from orders.models import Order
from orders.status import Flag
from tests.factories import CANCELLED
from tests.integrations.outbox import toy
from tests.integrations.outbox.conftest import make_toy_store
from tests.integrations.outbox.test_commands import raising, ship, take_in, titles

Shift = Callable[[float], None]
S = Command.State


@pytest.fixture
def order(store: Store, shop: toy.ToyShop) -> Order:
    return take_in(store, shop)


def take_back(parcel: Any) -> Any:
    return services.cancel_shipment(parcel, actor="user:anna")


def states() -> list[tuple[str, str]]:
    """(what, state) in order."""
    rows = Command.objects.exclude(kind="fields").order_by("sequence")
    return [(_what(row), row.state) for row in rows]


def _what(row: Command) -> str:
    if row.kind == Command.Kind.STATUS:
        return str(row.payload["status"])
    return "unship" if row.payload.get("cancelled") else str(row.kind)


def test_what_the_store_was_told_is_taken_back_there(
    store: Store, order: Order, shop: toy.ToyShop
) -> None:
    parcel = ship(order, tracking_number="T1")
    outbox.send_commands(store.pk)
    assert len(shop.parcels) == 1

    take_back(parcel)
    outbox.send_commands(store.pk)

    assert states() == [("shipment", S.DONE), ("unship", S.DONE)]
    assert shop.parcels == []
    ((_, order_id, told),) = shop.told("unship")
    assert (order_id, told.reference, told.lines) == (order.external_id, parcel.reference, ())
    assert titles(order, "store_told")[-1] == f"The store took back parcel {parcel.reference}"


def test_what_the_store_was_not_told_yet_it_never_hears_of(
    store: Store, order: Order, shop: toy.ToyShop
) -> None:
    parcel = ship(order, 3)
    assert states() == [("shipment", S.NEW), ("completed", S.NEW)]

    take_back(parcel)
    outbox.send_commands(store.pk)

    assert states() == [("shipment", S.DROPPED), ("completed", S.DROPPED)]
    assert shop.calls == []
    assert titles(order, "store_not_told") == [
        f"The store was not told: parcel {parcel.reference} was taken back before",
        "The store was not told: a parcel of the order was taken back before",
    ]


def test_while_writing_is_off_nothing_is_kept_for_later(shop: toy.ToyShop, db: None) -> None:
    store = make_toy_store(writes_enabled=False)
    order = take_in(store, shop)

    take_back(ship(order))

    assert states() == [("shipment", S.DROPPED)]


def test_tracking_that_waits_is_dropped_and_the_parcel_taken_back(
    store: Store, order: Order, shop: toy.ToyShop
) -> None:
    parcel = ship(order)
    outbox.send_commands(store.pk)
    services.update_tracking(parcel, tracking_number="T1", actor="user:anna")

    take_back(parcel)
    outbox.send_commands(store.pk)

    assert states() == [("shipment", S.DONE), ("shipment", S.DROPPED), ("unship", S.DONE)]
    assert shop.parcels == []


@pytest.mark.parametrize("trouble", [OutcomeUnknown("Lost."), Unavailable("Down.")])
def test_what_may_have_arrived_is_looked_for_by_what_it_holds(
    store: Store, order: Order, shop: toy.ToyShop, trouble: Exception
) -> None:
    shop.after = lambda call: raising(trouble)(call) if call[0] == "shipment" else None
    parcel = ship(order)
    outbox.send_commands(store.pk)
    shop.after = lambda call: None
    assert shop.parcels

    take_back(parcel)
    Command.objects.update(next_at=F("created_at"))
    outbox.send_commands(store.pk)

    assert states() == [("shipment", S.DROPPED), ("unship", S.DONE)]
    assert len(shop.told("shipment")) == 1
    ((_, _, told),) = shop.told("unship")
    assert [(x.line_external_id, x.quantity) for x in told.lines] == [("l1", 1)]
    assert shop.parcels == []


def test_a_parcel_that_is_being_sent_is_taken_back_after_it(
    store: Store, order: Order, shop: toy.ToyShop
) -> None:
    parcel = ship(order)
    shop.before = lambda call: take_back(parcel) if call[0] == "shipment" else None

    outbox.send_commands(store.pk)

    assert states() == [("shipment", S.DONE), ("unship", S.DONE)]
    assert shop.parcels == []


def test_what_the_store_refused_is_taken_back_by_its_name_alone(
    store: Store, order: Order, shop: toy.ToyShop
) -> None:
    shop.before = lambda call: (
        raising(Rejected("On hold."))(call) if call[0] == "shipment" else None
    )
    parcel = ship(order)
    outbox.send_commands(store.pk)

    take_back(parcel)
    outbox.send_commands(store.pk)

    assert states() == [("shipment", S.REFUSED), ("unship", S.DONE)]
    ((_, _, told),) = shop.told("unship")
    assert told.lines == ()
    assert titles(order, "store_told") == [f"The store shows no more of parcel {parcel.reference}"]


def test_a_parcel_that_is_back_is_not_told_when_its_command_is_sent_again(
    store: Store, order: Order, shop: toy.ToyShop
) -> None:
    shop.before = lambda call: (
        raising(Rejected("On hold."))(call) if call[0] == "shipment" else None
    )
    parcel = ship(order)
    outbox.send_commands(store.pk)
    take_back(parcel)
    outbox.send_commands(store.pk)

    assert outbox.retry_command(Command.objects.get(state=S.REFUSED), actor="user:anna")
    shop.before = lambda call: None
    outbox.send_commands(store.pk)

    assert shop.parcels == []
    assert Command.objects.get(state=S.REFUSED).problem_code == "superseded"


def test_an_order_that_the_store_completed_for_it_is_opened_again(
    store: Store, order: Order, shop: toy.ToyShop
) -> None:
    parcel = ship(order, 3)
    outbox.send_commands(store.pk)
    assert str(shop.orders[order.external_id].status.order) == "completed"

    take_back(parcel)
    outbox.send_commands(store.pk)

    assert states() == [
        ("shipment", S.DONE),
        ("completed", S.DONE),
        ("unship", S.DONE),
        ("open", S.DONE),
    ]
    assert str(shop.orders[order.external_id].status.order) == "open"


def test_one_parcel_of_several_that_did_not_complete_the_order_opens_nothing(
    store: Store, order: Order, shop: toy.ToyShop
) -> None:
    parcel = ship(order)
    ship(order)
    outbox.send_commands(store.pk)

    take_back(parcel)
    outbox.send_commands(store.pk)

    assert states() == [("shipment", S.DONE), ("shipment", S.DONE), ("unship", S.DONE)]


def test_of_an_order_cancelled_at_the_store_the_parcel_is_taken_back_all_the_same(
    store: Store, order: Order, shop: toy.ToyShop
) -> None:
    parcel = ship(order)
    outbox.send_commands(store.pk)
    there = shop.orders[order.external_id]
    shop.orders[order.external_id] = replace(
        there, status=CANCELLED, flags=frozenset({Flag.CANCEL_REQUESTED})
    )

    take_back(parcel)
    outbox.send_commands(store.pk)

    assert states()[-1] == ("unship", S.DONE)
    assert shop.parcels == []


def test_a_platform_that_cannot_says_why(
    store: Store, order: Order, shop: toy.ToyShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    parcel = ship(order)
    outbox.send_commands(store.pk)
    reason = "The toy shop lets go of nothing."
    card = replace(
        toy.CARD,
        abilities=toy.CARD.abilities - {Ability.SHIPMENT_CANCEL},
        exempt={**toy.CARD.exempt, Ability.SHIPMENT_CANCEL: reason},
    )
    monkeypatch.setattr(toy.ToyShopIntegration, "card", card)

    take_back(parcel)
    outbox.send_commands(store.pk)

    assert states()[-1] == ("unship", S.REFUSED)
    assert Command.objects.get(state=S.REFUSED).problem == reason
    assert shop.told("unship") == []
    assert reason in titles(order, "store_refused")[0]


def test_a_quiet_cancellation_is_refused_where_the_store_mails_anyway(
    store: Store, order: Order, shop: toy.ToyShop
) -> None:
    services.cancel_order(order, notify_customer=False, actor="user:anna")

    outbox.send_commands(store.pk)

    row = Command.objects.get(kind=Command.Kind.CANCEL)
    assert (row.state, row.problem) == (S.REFUSED, "not needed in tests")
    assert shop.told("cancel") == []


def test_whether_the_customer_hears_of_it_travels_with_the_parcel(
    store: Store, order: Order, shop: toy.ToyShop
) -> None:
    parcel = ship(order, notify_customer=False)
    outbox.send_commands(store.pk)
    take_back(parcel)
    outbox.send_commands(store.pk)

    told = [call[2].notify_customer for call in shop.calls if call[0] in ("shipment", "unship")]
    assert told == [False, False]
