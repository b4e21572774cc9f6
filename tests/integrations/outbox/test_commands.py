"""Commands: once, in order, looked at before they are sent again, held up by nobody but their own
order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from integrations import outbox, policy
from integrations.errors import (
    AuthenticationFailed,
    ContractBroken,
    NotFound,
    OutcomeUnknown,
    PermissionMissing,
    RateLimited,
    Rejected,
    Unavailable,
    Unsupported,
)
from integrations.models import Command, Store, StoreStatus, Stream
from integrations.outbox import commands, dispatch
from integrations.outbox.reasons import Reason
from integrations.outbox.words import words_of
from logix.accounts.models import AuditEvent
from orders import services
from orders.data import Address, Authority, Buyer
from orders.importing import import_orders
from orders.models import Order, OrderEvent
from orders.status import Flag, OrderStatus
from tests.factories import NOW, WORDS, make_line, make_order
from tests.integrations.outbox import toy
from tests.integrations.outbox.conftest import Rung, make_toy_store

Shift = Callable[[float], None]
S = Command.State


@pytest.fixture
def order(store: Store, shop: toy.ToyShop) -> Order:
    return take_in(store, shop)


def take_in(store: Store, shop: toy.ToyShop, number: int = 1) -> Order:
    """An order of the shop, imported."""
    data = make_order(number, lines=(make_line(quantity=3),))
    shop.orders[data.external_id] = data
    import_orders(store, [data], authority=Authority.LIST_PAGE, observed_at=NOW, now=NOW)
    return Order.objects.get(store=store, external_id=data.external_id)


def ship(order: Order, units: int = 1, **told: Any) -> Any:
    line = order.lines.get()
    return services.add_shipment(
        order, lines={line.pk: units}, carrier="DHL", actor="user:anna", **told
    )


def note(order: Order, text: str = "Call first") -> Command:
    services.add_note(order, text=text, actor="user:anna")
    return Command.objects.filter(order_ref=order.pk).order_by("sequence").last()  # type: ignore[return-value]


def only() -> Command:
    return Command.objects.get()


def titles(order: Order, kind: str) -> list[str]:
    return list(OrderEvent.objects.filter(order=order, kind=kind).values_list("title", flat=True))


def raising(error: Exception) -> Callable[[Any], None]:
    def fail(call: Any) -> None:
        raise error

    return fail


def test_a_shipment_reaches_the_store_and_the_timeline(
    store: Store,
    order: Order,
    shop: toy.ToyShop,
    rung: Rung,
    now: Any,
    django_capture_on_commit_callbacks: Any,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        ship(order, 2, tracking_number="T1", reference="LGX-1")
    assert rung == [("send_commands", (str(store.pk),), 0.0)]

    assert outbox.send_commands(store.pk) == 1

    command = only()
    assert (command.state, command.changed, command.attempts) == (S.DONE, True, 1)
    assert command.done_at is not None
    parcel = shop.parcels[0]
    assert (parcel.reference, parcel.carrier, parcel.tracking_number) == ("LGX-1", "DHL", "T1")
    assert [(x.line_external_id, x.quantity) for x in parcel.lines] == [("l1", 2)]
    assert titles(order, "store_told") == ["The store shows the shipment DHL T1"]
    due = Stream.objects.get(store=store, name="orders").next_at - now()
    assert due <= timedelta(seconds=2)


def test_the_last_parcel_is_followed_by_the_status(
    store: Store, order: Order, shop: toy.ToyShop
) -> None:
    services.add_shipment(order, actor="user:anna")

    assert outbox.send_commands(store.pk) == 2

    assert [c[0] for c in shop.calls] == ["read", "shipment", "read", "status"]
    assert shop.orders[order.external_id].status.order is OrderStatus.COMPLETED


def test_late_tracking_is_a_command_of_its_own_and_changes_the_same_parcel(
    store: Store, order: Order, shop: toy.ToyShop
) -> None:
    parcel = ship(order)
    outbox.send_commands(store.pk)
    services.update_tracking(parcel, tracking_number="T9", actor="user:anna")

    assert outbox.send_commands(store.pk) == 1

    assert [p.tracking_number for p in shop.parcels] == ["T9"]
    assert list(Command.objects.order_by("sequence").values_list("key", flat=True)) == [
        f"shipment:{parcel.pk}:v1",
        f"shipment:{parcel.pk}:v2",
    ]


def test_the_same_key_again_changes_nothing(store: Store, order: Order) -> None:
    told = {
        "store_id": store.pk,
        "kind": "note",
        "key": "note:n1",
        "order_ref": order.pk,
        "external_order_id": order.external_id,
    }

    first = outbox.enqueue_command(**told, payload={"reference": "n1"}, written="a")
    again = outbox.enqueue_command(**told, payload={"reference": "n1"}, written="b")

    assert again.pk == first.pk
    assert words_of(only()) == "a"


def test_what_a_person_wrote_is_kept_sealed(store: Store, order: Order, shop: toy.ToyShop) -> None:
    command = note(order, "Anna Jansen prefers mornings")

    kept = Command.objects.filter(pk=command.pk).values().get()
    assert b"Jansen" not in bytes(kept.pop("words_sealed"))
    assert "Jansen" not in repr(kept)
    outbox.send_commands(store.pk)
    assert shop.note_texts == ["Anna Jansen prefers mornings"]


def test_a_lost_answer_is_unknown_and_looked_up_before_it_is_sent_again(
    store: Store, order: Order, shop: toy.ToyShop, pass_time: Shift
) -> None:
    ship(order, tracking_number="T1")
    shop.after = lambda call: (
        raising(OutcomeUnknown("The answer was lost."))(call) if call[0] == "shipment" else None
    )
    assert outbox.send_commands(store.pk) == 0
    assert (only().state, only().problem_code) == (S.UNKNOWN, "outcome_unknown")

    shop.after = lambda call: None
    pass_time(5)
    assert outbox.send_commands(store.pk) == 1

    assert len(shop.parcels) == 1
    assert (only().state, only().changed) == (S.DONE, False)
    assert titles(order, "store_told") == ["The store already showed the shipment DHL T1"]


def test_a_worker_killed_in_the_call_leaves_an_unknown_command_that_is_not_doubled(
    store: Store, order: Order, shop: toy.ToyShop, pass_time: Shift
) -> None:
    note(order)
    shop.after = raising(SystemExit("killed"))  # type: ignore[arg-type]
    with pytest.raises(SystemExit):
        outbox.send_commands(store.pk)
    assert (only().state, only().attempts) == (S.BUSY, 1)

    shop.after = lambda call: None
    assert outbox.sweep().reclaimed_commands == 0
    pass_time(61)
    assert outbox.sweep().reclaimed_commands == 1
    assert (only().state, only().problem_code) == (S.UNKNOWN, Reason.LEASE_EXPIRED)
    pass_time(3)
    outbox.send_commands(store.pk)

    assert len(shop.notes) == 1
    assert (only().state, only().changed) == (S.DONE, False)


def test_a_worker_that_slept_past_its_lease_ends_nothing(
    store: Store, order: Order, shop: toy.ToyShop, pass_time: Shift
) -> None:
    note(order)

    def sleep(call: Any) -> None:
        shop.before = lambda call: None
        pass_time(61)
        outbox.sweep()
        pass_time(3)
        assert outbox.send_commands(store.pk) == 1

    shop.before = sleep
    assert outbox.send_commands(store.pk) == 0

    assert len(shop.notes) == 1
    assert (only().state, only().changed, only().attempts) == (S.DONE, True, 2)
    assert len(titles(order, "store_told")) == 1


def test_commands_of_one_order_go_in_order_and_others_pass(
    store: Store, order: Order, shop: toy.ToyShop, pass_time: Shift
) -> None:
    other = take_in(store, shop, 2)
    first, second, third = note(order, "1"), note(order, "2"), note(other, "3")
    Command.objects.filter(pk=first.pk).update(next_at=first.next_at + timedelta(seconds=60))

    outbox.send_commands(store.pk)
    assert shop.notes == [third.payload["reference"]]
    assert outbox.numbers().ready_commands == 0

    pass_time(61)
    outbox.send_commands(store.pk)
    assert shop.notes[1:] == [first.payload["reference"], second.payload["reference"]]


@pytest.mark.parametrize(
    ("error", "state", "code", "next_goes"),
    [
        (Rejected("The note is too long.", code="too_long"), S.REFUSED, "too_long", True),
        (Unsupported("Toy shop cannot do this."), S.REFUSED, "unsupported", True),
        (NotFound("There is no such order."), S.PARKED, "not_found", False),
        (ContractBroken("No id came back.", path="$.id"), S.PARKED, "contract_broken", False),
    ],
)
def test_later_commands_pass_a_refused_one_and_wait_for_a_parked_one(
    store: Store,
    order: Order,
    shop: toy.ToyShop,
    error: Any,
    state: str,
    code: str,
    next_goes: bool,
) -> None:
    first, second = note(order, "1"), note(order, "2")
    shop.before = lambda call: (
        raising(error)(call) if call[2] == first.payload["reference"] else None
    )

    outbox.send_commands(store.pk)

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, first.problem_code) == (state, code)
    assert error.message in first.problem
    assert second.state == (S.DONE if next_goes else S.NEW)
    told = titles(order, "store_refused") + titles(order, "store_not_told")
    assert len(told) == 1
    assert error.message in told[0]


def test_a_rate_limit_keeps_the_place_and_counts_no_attempt(
    store: Store, order: Order, shop: toy.ToyShop, pass_time: Shift, now: Any
) -> None:
    first, second = note(order, "1"), note(take_in(store, shop, 2), "2")
    shop.before = raising(RateLimited("Slow down.", retry_after_s=30))

    outbox.send_commands(store.pk)
    outbox.send_commands(store.pk)

    assert len(shop.calls) == 1
    assert set(Command.objects.values_list("state", "attempts", "problem_code")) == {
        (S.NEW, 0, "rate_limited")
    }
    assert Command.objects.filter(next_at__gt=now() + timedelta(seconds=28)).count() == 2
    shop.before = lambda call: None
    pass_time(31)
    outbox.send_commands(store.pk)
    assert shop.notes == [first.payload["reference"], second.payload["reference"]]


def test_a_store_that_is_down_gives_the_command_back_unsent(
    store: Store, order: Order, shop: toy.ToyShop
) -> None:
    note(order)
    shop.before = raising(Unavailable("Maintenance."))

    outbox.send_commands(store.pk)

    assert (only().state, only().attempts, only().problem) == (S.NEW, 1, "Maintenance.")


def test_attempts_end_in_the_parking_place_with_a_sentence(
    store: Store, order: Order, shop: toy.ToyShop, pass_time: Shift
) -> None:
    note(order)
    shop.before = raising(Unavailable("Maintenance."))

    for _ in range(14):
        outbox.send_commands(store.pk)
        pass_time(100_000)

    assert len(shop.calls) == 12
    assert (only().state, only().problem_code) == (S.PARKED, Reason.TOO_MANY_ATTEMPTS)
    assert "Maintenance." in titles(order, "store_not_told")[0]


def test_a_refused_key_blocks_everything_until_the_store_is_active_again(
    store: Store, order: Order, shop: toy.ToyShop, noted: list[Exception]
) -> None:
    note(order)
    note(take_in(store, shop, 2))
    error = AuthenticationFailed("The key was refused.", code="key_revoked")
    shop.before = raising(error)

    outbox.send_commands(store.pk)

    assert noted == [error]
    assert set(Command.objects.values_list("state", "problem_code", "next_at")) == {
        (S.NEW, "authentication_failed", None)
    }
    Store.objects.update(status=StoreStatus.NEEDS_MERCHANT)
    assert outbox.sweep().rearmed == 0
    Store.objects.update(status=StoreStatus.ACTIVE)
    shop.before = lambda call: None
    assert outbox.sweep().rearmed == 2
    assert outbox.send_commands(store.pk) == 2


def test_a_missing_permission_blocks_only_its_kind(
    store: Store, order: Order, shop: toy.ToyShop
) -> None:
    note(order)
    other = take_in(store, shop, 2)
    services.request_status(other, status=OrderStatus.ON_HOLD, actor="user:anna")
    shop.before = lambda call: (
        raising(PermissionMissing("Notes need the right to write."))(call)
        if call[0] == "note"
        else None
    )

    outbox.send_commands(store.pk)
    outbox.send_commands(store.pk)

    assert Command.objects.get(kind="note").problem_code == "permission_missing"
    assert Command.objects.get(kind="status").state == S.DONE


def test_writes_off_means_no_request_and_the_command_waits(
    store: Store, order: Order, shop: toy.ToyShop, rung: Rung
) -> None:
    Store.objects.update(writes_enabled=False)
    note(order)

    assert outbox.send_commands(store.pk) == 0

    assert (shop.opened, shop.calls, rung) == (0, [], [])
    assert (only().state, only().problem_code, only().next_at) == (S.NEW, Reason.WRITES_OFF, None)
    assert titles(order, "store_not_told") == [
        "Example shop was not told yet: writing to it is off"
    ]

    Store.objects.update(writes_enabled=True)
    assert outbox.unblock_store(Store.objects.get(), actor="user:anna") == 1
    assert outbox.send_commands(store.pk) == 1
    assert AuditEvent.objects.filter(action="outbox.unblocked").count() == 1


def test_turned_off_in_between_what_waits_is_blocked(
    store: Store, order: Order, shop: toy.ToyShop
) -> None:
    note(order)
    Store.objects.update(writes_enabled=False)

    assert outbox.send_commands(store.pk) == 0
    assert (only().next_at, only().problem_code) == (None, Reason.WRITES_OFF)
    assert outbox.sweep().rearmed == 0
    Store.objects.update(writes_enabled=True)
    assert outbox.sweep().rearmed == 1


# --- The look before shipping ---------------------------------------------------------------------


def test_an_order_cancelled_at_the_store_is_not_told_of_the_parcel(
    store: Store, order: Order, shop: toy.ToyShop, now: Any
) -> None:
    services.add_shipment(order, actor="user:anna")
    data = shop.orders[order.external_id]
    shop.orders[order.external_id] = replace(data, status=WORDS["cancelled"])

    assert outbox.send_commands(store.pk) == 0

    assert shop.parcels == []
    assert set(Command.objects.values_list("kind", "state", "problem_code")) == {
        ("shipment", S.REFUSED, Reason.CANCELLED_AT_STORE),
        ("status", S.REFUSED, Reason.CANCELLED_AT_STORE),
    }
    assert "cancelled at the store" in titles(order, "store_refused")[0]
    assert Stream.objects.get(store=store, name="orders").next_at <= now()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"lines": (make_line(quantity=1),)}, Reason.EDITED_AT_STORE),
        ({"lines": (make_line(2),)}, Reason.EDITED_AT_STORE),
        ({"flags": frozenset({Flag.CANCEL_REQUESTED})}, Reason.CANCEL_REQUESTED_AT_STORE),
        ({"buyer": Buyer(shipping=Address(line1="Allee 9"))}, Reason.MOVED_AT_STORE),
    ],
)
def test_a_parcel_that_no_longer_fits_the_order_waits_for_a_person(
    store: Store, order: Order, shop: toy.ToyShop, change: dict[str, Any], code: str
) -> None:
    ship(order, 2)
    data = shop.orders[order.external_id]
    shop.orders[order.external_id] = replace(data, **change)

    outbox.send_commands(store.pk)

    assert shop.parcels == []
    assert (only().state, only().problem_code) == (S.PARKED, code)


def test_a_parcel_goes_on_once_a_person_reviewed_the_wish_to_cancel(
    store: Store, order: Order, shop: toy.ToyShop
) -> None:
    """Some stores show the wish for as long as the order is open."""
    ship(order, 2)
    wished = replace(shop.orders[order.external_id], flags=frozenset({Flag.CANCEL_REQUESTED}))
    shop.orders[order.external_id] = wished
    outbox.send_commands(store.pk)
    Order.objects.filter(pk=order.pk).update(flags=Flag.CANCEL_REQUESTED)
    outbox.retry_command(only(), actor="user:anna")
    outbox.send_commands(store.pk)
    assert (shop.parcels, only().state) == ([], S.PARKED)

    services.mark_reviewed(order, actor="user:anna")
    outbox.retry_command(only(), actor="user:anna")
    outbox.send_commands(store.pk)

    assert len(shop.parcels) == 1
    assert only().state == S.DONE


def test_a_parcel_does_not_bring_a_finished_order_back_to_open(
    store: Store, order: Order, shop: toy.ToyShop
) -> None:
    parcel = ship(order)
    outbox.send_commands(store.pk)
    data = shop.orders[order.external_id]
    shop.orders[order.external_id] = replace(data, status=WORDS["completed"])
    seen: list[OrderStatus] = []
    real = toy.ToyShopIntegration.update_order_status

    def spy(self: Any, order_id: str, status: OrderStatus, shipment: Any = None) -> bool:
        seen.append(status)
        return real(self, order_id, status, shipment)

    services.update_tracking(parcel, tracking_number="T9", actor="user:anna")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(toy.ToyShopIntegration, "update_order_status", spy)
        outbox.send_commands(store.pk)

    assert seen == [OrderStatus.COMPLETED]


# --- People ---------------------------------------------------------------------------------------


def test_cancelling_twice_is_one_command_and_may_be_asked_again_after_a_refusal(
    store: Store, order: Order, shop: toy.ToyShop
) -> None:
    services.cancel_order(order, reason="out of stock", actor="user:anna")
    services.cancel_order(order, actor="user:anna")
    assert Command.objects.count() == 1
    shop.before = raising(Rejected("It is being packed."))
    outbox.send_commands(store.pk)
    shop.before = lambda call: None

    services.cancel_order(order, actor="user:anna")
    outbox.send_commands(store.pk)

    assert list(Command.objects.order_by("sequence").values_list("state", flat=True)) == [
        S.REFUSED,
        S.DONE,
    ]
    assert shop.orders[order.external_id].status.order is OrderStatus.CANCELLED


def test_a_parked_command_is_retried_by_hand_with_a_look_first(
    store: Store, order: Order, shop: toy.ToyShop
) -> None:
    note(order)
    shop.before = raising(NotFound("There is no such order."))
    outbox.send_commands(store.pk)
    shop.before = lambda call: None

    assert outbox.retry_command(only(), actor="user:anna")
    assert (only().state, only().attempts) == (S.UNKNOWN, 0)
    outbox.send_commands(store.pk)

    assert only().state == S.DONE
    assert not outbox.retry_command(only(), actor="user:anna")
    event = AuditEvent.objects.get(action="command.retried")
    assert event.details == {"was": "parked", "reason": "not_found"}


def test_a_dropped_command_lets_the_next_one_go(
    store: Store, order: Order, shop: toy.ToyShop
) -> None:
    first, second = note(order, "1"), note(order, "2")
    shop.before = raising(NotFound("There is no such order."))
    outbox.send_commands(store.pk)
    shop.before = lambda call: None
    first.refresh_from_db()

    assert outbox.drop_command(first, actor="user:anna", reason="wrong order")
    assert not outbox.drop_command(first, actor="user:anna", reason="again")
    outbox.send_commands(store.pk)

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state) == (S.DROPPED, S.DONE)
    assert titles(order, "store_not_told")[-1] == "Dropped, the store was not told: wrong order"
    assert AuditEvent.objects.filter(action="command.dropped").count() == 1


def test_two_workers_never_hold_one_command_or_two_of_one_order(
    store: Store, order: Order, shop: toy.ToyShop
) -> None:
    note(order, "1")
    note(order, "2")
    note(take_in(store, shop, 2), "3")

    held = [dispatch._claim_next(store.pk) for _ in range(3)]

    assert held[2] is None
    orders = [claim.command.order_ref for claim in held[:2] if claim]
    assert len(set(orders)) == 2


def test_one_store_s_commands_do_not_wait_for_another_s(
    store: Store, order: Order, shop: toy.ToyShop
) -> None:
    other = make_toy_store(merchant=store.merchant, base_url="https://two.example")
    there = take_in(other, shop, 5)
    note(order)
    note(there)
    Command.objects.filter(store=store).update(state=S.BUSY)

    assert outbox.due_stores("command") == [other.pk]
    assert outbox.send_commands(other.pk) == 1


def test_a_mistake_of_ours_is_unknown_and_holds_up_no_other_order(
    store: Store, order: Order, shop: toy.ToyShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "SCHEDULE_S", (3600,) * policy.MAX_ATTEMPTS)
    bad, good = note(order, "1"), note(take_in(store, shop, 2), "2")
    shop.after = lambda call: (
        raising(KeyError("a buyer's name"))(call) if call[2] == bad.payload["reference"] else None
    )

    assert outbox.send_commands(store.pk) == 1

    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.state, bad.problem_code, bad.attempts) == (S.UNKNOWN, "internal_error", 1)
    assert "buyer" not in bad.problem
    assert good.state == S.DONE


def test_a_command_that_kills_its_workers_is_parked_without_running(
    store: Store, order: Order, shop: toy.ToyShop
) -> None:
    note(order)
    Command.objects.update(state=S.UNKNOWN, attempts=12)

    assert outbox.send_commands(store.pk) == 0

    assert shop.calls == []
    assert (only().state, only().problem_code) == (S.PARKED, Reason.TOO_MANY_ATTEMPTS)


def test_two_enqueued_at_once_under_one_key_are_one(
    store: Store, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one is inserted between our look and our insert."""
    told = {
        "store_id": store.pk,
        "kind": "note",
        "key": "note:n1",
        "order_ref": order.pk,
        "external_order_id": order.external_id,
        "payload": {"reference": "n1"},
    }
    real = commands.bulk.insert

    def beaten(model: Any, rows: Any, **options: Any) -> Any:
        Command.objects.create(**{**told, "requested_by": "the other"})
        return real(model, rows, **options)

    monkeypatch.setattr(commands.bulk, "insert", beaten)

    assert outbox.enqueue_command(**told).requested_by == "the other"
    assert Command.objects.count() == 1
