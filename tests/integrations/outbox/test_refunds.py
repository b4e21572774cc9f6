"""Refunds as commands: made once, looked up after a lost answer, and free again where the store
refuses.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from integrations import outbox
from integrations.errors import OutcomeUnknown, PermissionMissing, Rejected
from integrations.models import Command, Store
from integrations.outbox.words import words_of
from orders import services
from orders.data import Authority, RefundLineData, RefundOrder
from orders.errors import OrderError
from orders.importing import import_orders
from orders.models import Order, RefundRequest
from tests.factories import NOW, make_order
from tests.integrations.outbox import toy
from tests.integrations.outbox.conftest import make_toy_store

C, S = Command.State, RefundRequest.State
ANNA = "user:anna"


@pytest.fixture
def store(db: None, shop: toy.ToyShop, noted: list[Exception]) -> Store:
    return make_toy_store(options={"refunds": "gateway"})


@pytest.fixture
def order(store: Store, shop: toy.ToyShop) -> Order:
    data = make_order()
    shop.orders[data.external_id] = data
    import_orders(store, [data], authority=Authority.LIST_PAGE, observed_at=NOW, now=NOW)
    return Order.objects.get()


def ask(order: Order, amount: str = "11.90", **told: Any) -> RefundRequest:
    return services.request_refund(order, amount=Decimal(amount), **told, actor=ANNA)


def states() -> tuple[str, str]:
    return Command.objects.latest("pk").state, RefundRequest.objects.latest("pk").state


def titles(order: Order, kind: str) -> list[str]:
    return list(order.events.filter(kind=kind).values_list("title", flat=True))


def test_a_refund_reaches_the_store_and_the_timeline(
    store: Store, order: Order, shop: toy.ToyShop
) -> None:
    line = order.lines.get()
    services.request_refund(
        order, lines={line.pk: 1}, shipping=Decimal("4.95"), reason="Chipped", actor=ANNA
    )

    assert outbox.send_commands(store.pk) == 1

    assert shop.refunds == [
        (
            "Chipped [LGX-1001-R1]",
            RefundOrder(
                amount=Decimal("16.85"),
                currency="EUR",
                lines=(
                    RefundLineData(
                        line_external_id="l1",
                        quantity=1,
                        amount=Decimal("10.00"),
                        tax=Decimal("1.90"),
                    ),
                ),
                shipping=Decimal("4.95"),
                moves_money=True,
                reason="Chipped",
            ),
        )
    ]
    assert states() == (C.DONE, S.TOLD)
    assert titles(order, "store_told") == ["The store refunded 16.85 EUR"]


def test_what_was_written_is_sealed(order: Order) -> None:
    ask(order, reason="Zoë called")

    command = Command.objects.get()
    assert "Zoë" not in str(command.payload)
    assert "Zoë".encode() not in bytes(command.words_sealed or b"")
    assert words_of(command) == "Zoë called"
    assert not order.events.filter(title__contains="Zoë").exists()


def test_a_lost_answer_is_looked_up_and_not_refunded_twice(
    store: Store, order: Order, shop: toy.ToyShop, pass_time: Callable[[float], None]
) -> None:
    ask(order)

    def lose(call: Any) -> None:
        raise OutcomeUnknown("No answer.")

    shop.after = lose
    assert outbox.send_commands(store.pk) == 0
    assert states() == (C.UNKNOWN, S.ASKED)

    shop.after = lambda call: None
    pass_time(60)
    assert outbox.send_commands(store.pk) == 1

    assert len(shop.refunds) == 1
    assert states() == (C.DONE, S.TOLD)
    assert titles(order, "store_told") == ["The store had already refunded 11.90 EUR"]


def test_a_refusal_ends_the_request_with_the_stores_words_and_frees_the_money(
    store: Store, order: Order, shop: toy.ToyShop
) -> None:
    request = ask(order, "28.75")

    def refuse(call: Any) -> None:
        raise Rejected("The card is closed.")

    shop.before = refuse
    outbox.send_commands(store.pk)

    request.refresh_from_db()
    assert states() == (C.REFUSED, S.REFUSED)
    assert request.problem == "The card is closed."
    assert "The card is closed." in titles(order, "store_refused")[0]
    ask(order, "28.75")


def test_a_refused_refund_is_asked_for_anew_and_not_sent_again(
    store: Store, order: Order, shop: toy.ToyShop
) -> None:
    ask(order)
    shop.before = lambda call: (_ for _ in ()).throw(Rejected("No."))
    outbox.send_commands(store.pk)

    assert outbox.retry_command(Command.objects.get(), actor=ANNA) is False


def test_a_refund_a_person_drops_is_free_again(order: Order) -> None:
    ask(order, "28.75")
    Command.objects.update(state=C.PARKED)

    assert outbox.drop_command(Command.objects.get(), actor=ANNA, reason="By hand instead")

    assert states() == (C.DROPPED, S.DROPPED)
    ask(order, "28.75")


def test_while_writing_is_off_a_refund_waits_and_still_counts(
    store: Store, order: Order, shop: toy.ToyShop
) -> None:
    store.writes_enabled = False
    store.save()
    ask(order, "28.75")

    assert outbox.send_commands(store.pk) == 0

    assert shop.calls == []
    with pytest.raises(OrderError):
        ask(order, "0.01")


def test_a_missing_permission_holds_up_refunds_alone(
    store: Store, order: Order, shop: toy.ToyShop
) -> None:
    ask(order)

    def deny(call: Any) -> None:
        if call[0] == "refund":
            raise PermissionMissing("Not granted.", scopes=("write_orders",))

    shop.before = deny
    outbox.send_commands(store.pk)
    assert states() == (C.NEW, S.ASKED)


def test_an_erased_buyers_refund_goes_on_without_its_reason(
    store: Store, order: Order, shop: toy.ToyShop
) -> None:
    ask(order, reason="Zoë called")

    services.erase_buyer(order, actor=ANNA)
    outbox.send_commands(store.pk)

    assert Command.objects.get().words_sealed is None
    assert [reason for reason, _ in shop.refunds] == ["[LGX-1001-R1]"]
