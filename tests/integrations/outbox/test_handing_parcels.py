"""Many parcels in one file: gathered from the commands, handed over, and the word on each that
comes later.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from integrations import authentication, outbox, registry
from integrations.base import ParcelRefusal
from integrations.errors import AuthenticationFailed, RateLimited, Unavailable
from integrations.models import Command, HandedParcel, ParcelHandOver, Store
from integrations.outbox import commands, dispatch, files, handing, parcels
from integrations.outbox.reasons import SENTENCES, Reason
from orders import services
from orders.models import Order, Shipment
from orders.status import OrderStatus
from tests.integrations.outbox import filing_parcels
from tests.integrations.outbox.conftest import Rung, make_toy_store, orders_read
from tests.integrations.outbox.filing_parcels import ParcelShop
from tests.integrations.outbox.test_commands import ship, take_in, titles
from tests.integrations.outbox.test_handing import Killed, raising
from tests.integrations.outbox.toy import WORDS

pytestmark = pytest.mark.django_db
_State = ParcelHandOver.State
S = Command.State
COUNT = 6


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> ParcelShop:
    shop = ParcelShop()
    monkeypatch.setattr(registry, "card", lambda slug: filing_parcels.CARD)
    monkeypatch.setattr(authentication, "adapter_for", shop.adapter)
    return shop


@pytest.fixture
def orders(store: Store, shop: ParcelShop) -> list[Order]:
    """As many as a file is made for, one parcel of each to be told: P-1, P-2 …"""
    return [shipped(store, shop, number) for number in range(1, COUNT + 1)]


def shipped(store: Store, shop: ParcelShop, number: int) -> Order:
    order = take_in(store, shop, number)
    ship(order, reference=f"P-{number}", tracking_number=f"T-{number}")
    return order


def send(store: Store) -> int:
    """All that waits, now."""
    Command.objects.filter(store=store, next_at__gt=Now()).update(next_at=Now())
    return outbox.send_commands(store.pk)


def work(store: Store) -> ParcelHandOver:
    """Whatever is due by now or later, once, by a worker that finds no other."""
    open_ones = ParcelHandOver.objects.filter(store=store, state__in=ParcelHandOver.OPEN)
    open_ones.update(next_at=Now(), lease_until=None)
    for pk in outbox.due_hand_overs():
        outbox.work_hand_over(pk)
    return newest(store)


def newest(store: Store) -> ParcelHandOver:
    return ParcelHandOver.objects.filter(store=store).latest("created_at")


def handed_over(store: Store) -> ParcelHandOver:
    outbox.send_commands(store.pk)
    return work(store)


def told(order: Order) -> Command:
    return Command.objects.filter(order_ref=order.pk).latest("sequence")


def states(store: Store) -> Counter[str]:
    return Counter(Command.objects.filter(store=store).values_list("state", flat=True))


def by_calls(shop: ParcelShop) -> list[str]:
    return [call[2].reference for call in shop.calls if call[0] == "shipment"]


def shown(shop: ParcelShop) -> list[str]:
    return sorted(parcel.reference for parcel in shop.parcels)


ALL = [f"P-{number}" for number in range(1, COUNT + 1)]


def test_many_parcels_go_out_in_one_file_and_each_ends_by_its_own_word(
    store: Store,
    shop: ParcelShop,
    orders: list[Order],
    rung: Rung,
    django_capture_on_commit_callbacks: Any,
) -> None:
    shop.unwanted = {
        "P-2": ParcelRefusal(code="18028", error="Your order cannot be found."),
        "P-5": ParcelRefusal(code="18021", error="More than is left.", is_unsure=True),
    }

    with django_capture_on_commit_callbacks(execute=True):
        assert outbox.send_commands(store.pk) == 0
    file = newest(store)
    assert (file.state, file.parcels, states(store)) == (_State.SENDING, COUNT, {"handed": COUNT})
    assert ("work_hand_over", (str(file.pk),), 0.0) in rung
    file = work(store)
    assert (file.state, file.handle) == (_State.PENDING, {"file": 0})
    lines = shop.files[0].lines
    assert [(x.order_id, x.shipment.tracking_number) for x in lines] == [
        (order.external_id, f"T-{number}") for number, order in enumerate(orders, 1)
    ]
    assert [x.placed_at for x in lines] == [order.placed_at for order in orders]
    assert work(store).state == _State.PENDING
    shop.work_off()
    file = work(store)

    assert (file.state, file.parcels, file.refused) == (_State.DONE, COUNT, 2)
    assert states(store) == {"done": COUNT - 2, "refused": 1, "unknown": 1}
    assert not shop.calls
    done, refused, unsure = told(orders[0]), told(orders[1]), told(orders[4])
    assert (done.changed, done.problem, done.done_at is None) == (True, "", False)
    assert titles(orders[0], "store_told") == ["The store took the shipment DHL T-1"]
    assert (refused.problem_code, refused.problem) == ("18028", "Your order cannot be found.")
    words = f"{store.name} was not changed: Your order cannot be found."
    assert titles(orders[1], "store_refused") == [words]
    assert (unsure.problem_code, unsure.problem) == ("18021", "More than is left.")
    kept = file.lines.order_by("number").values_list("command", "code", "problem", "is_unsure")
    assert list(kept) == [
        (refused.pk, "18028", "Your order cannot be found.", False),
        (unsure.pk, "18021", "More than is left.", True),
    ]
    assert send(store) == 1
    assert by_calls(shop) == ["P-5"]


def test_what_is_in_a_file_is_told_by_no_call_and_others_go_on(
    store: Store, shop: ParcelShop, orders: list[Order]
) -> None:
    handed_over(store)
    shipped(store, shop, COUNT + 1)
    second = ship(orders[0], reference="P-1b", tracking_number="T-1b")
    services.update_tracking(
        Shipment.objects.get(reference="P-2"), tracking_number="T-2b", actor="user:anna"
    )

    assert send(store) == 1

    assert by_calls(shop) == [f"P-{COUNT + 1}"]
    assert ParcelHandOver.objects.count() == 1
    shop.work_off()
    work(store)
    assert send(store) == 2
    assert sorted(by_calls(shop)) == ["P-1b", "P-2", f"P-{COUNT + 1}"]
    assert second.reference in shown(shop)


def test_nobody_can_send_or_drop_what_is_in_a_file(
    store: Store, shop: ParcelShop, orders: list[Order]
) -> None:
    handed_over(store)
    command = told(orders[0])

    assert not outbox.retry_command(command, actor="user:anna")
    assert not outbox.drop_command(command, actor="user:anna", reason="")
    outbox.unblock_store(store, actor="user:anna")
    outbox.sweep()

    assert states(store) == {"handed": COUNT}


def test_few_parcels_go_out_by_calls(store: Store, shop: ParcelShop) -> None:
    for number in range(1, filing_parcels.FROM):
        shipped(store, shop, number)

    assert outbox.send_commands(store.pk) == filing_parcels.FROM - 1
    assert not ParcelHandOver.objects.exists()


def test_what_is_no_first_news_or_was_sent_before_is_told_by_a_call(
    store: Store, shop: ParcelShop, orders: list[Order]
) -> None:
    Command.objects.filter(pk=told(orders[0]).pk).update(state=S.UNKNOWN)
    Command.objects.filter(pk=told(orders[1]).pk).update(attempts=1)

    handed_over(store)

    assert {x.shipment.reference for x in shop.files[0].lines} == set(ALL[2:])
    assert sorted(by_calls(shop)) == ALL[:2]


def test_parcels_that_do_not_fit_or_whose_orders_changed_are_left_out(
    store: Store, shop: ParcelShop, orders: list[Order]
) -> None:
    shop.unfit = {"P-1"}
    changed, back = orders[1], orders[2]
    Order.objects.filter(pk=changed.pk).update(applied_at=timezone.now() + timedelta(seconds=1))
    there = shop.orders[changed.external_id]
    shop.orders[changed.external_id] = replace(there, status=WORDS["cancelled"])
    outbox.send_commands(store.pk)
    services.cancel_shipment(Shipment.objects.get(order=back), actor="user:anna")

    file = work(store)

    assert (file.state, file.parcels) == (_State.PENDING, COUNT - 3)
    assert {x.shipment.reference for x in shop.files[0].lines} == set(ALL[3:])
    left_out = told(orders[0])
    assert (left_out.state, left_out.problem_code) == (S.NEW, Reason.TOLD_BY_CALL)
    assert left_out.problem == SENTENCES[Reason.TOLD_BY_CALL]
    send(store)
    assert by_calls(shop) == ["P-1"]
    assert told(changed).problem_code == Reason.CANCELLED_AT_STORE
    assert Command.objects.get(key__endswith=":v1", order_ref=back.pk).state == S.REFUSED


def test_where_too_few_are_left_all_go_out_by_calls(
    store: Store, shop: ParcelShop, orders: list[Order]
) -> None:
    shop.unfit = set(ALL[1:])

    file = handed_over(store)

    assert (file.state, file.parcels, shop.files) == (_State.DONE, 0, [])
    assert send(store) == COUNT
    assert sorted(by_calls(shop)) == ALL
    assert ParcelHandOver.objects.count() == 1


def test_what_was_refused_and_is_asked_for_again_may_be_in_another_file(
    store: Store, shop: ParcelShop, orders: list[Order]
) -> None:
    shop.unwanted = {"P-2": ParcelRefusal(code="18028", error="Your order cannot be found.")}
    handed_over(store)
    shop.work_off()
    first = work(store)
    shop.unwanted = {}
    Command.objects.filter(pk=told(orders[1]).pk).update(state=S.NEW, attempts=0, next_at=Now())
    for number in range(20, 20 + COUNT):
        shipped(store, shop, number)

    second = handed_over(store)

    assert first.lines.count() == 0
    assert second.lines.filter(command=told(orders[1])).exists()
    shop.work_off()
    assert (work(store).refused, states(store)) == (0, {"done": 2 * COUNT})
    assert not HandedParcel.objects.exists()


@pytest.mark.parametrize("taken", [0, 3, COUNT])
def test_a_lost_file_loses_nothing_and_nothing_is_told_twice(
    store: Store, shop: ParcelShop, orders: list[Order], taken: int
) -> None:
    handed_over(store)
    shop.work_off(lost="It broke off.", first=taken)

    file = work(store)

    assert (file.state, file.problem) == (_State.FAILED, "It broke off.")
    assert states(store) == {"unknown": COUNT}
    waiting = told(orders[0])
    assert waiting.problem_code == Reason.PARCELS_LOST
    assert "It broke off." in waiting.problem
    assert send(store) == COUNT
    assert sorted(by_calls(shop)) == shown(shop) == ALL
    changed = Command.objects.filter(changed=True).count()
    assert changed == COUNT - taken
    assert not HandedParcel.objects.exists()


def test_after_a_lost_file_the_next_is_made_a_while_later(
    store: Store, shop: ParcelShop, orders: list[Order]
) -> None:
    handed_over(store)
    shop.work_off(lost="It broke off.")
    work(store)
    send(store)
    more = [shipped(store, shop, number) for number in range(20, 20 + COUNT)]

    assert send(store) == len(more)
    ParcelHandOver.objects.update(next_at=Now() - timedelta(seconds=1))
    for number in range(40, 40 + COUNT):
        shipped(store, shop, number)
    outbox.send_commands(store.pk)

    assert ParcelHandOver.objects.count() == 2
    assert states(store)["handed"] == COUNT


@pytest.mark.parametrize("step", ["write", "upload", "hand in", "handed in", "look", "read"])
def test_a_worker_that_ends_anywhere_is_followed_by_another(
    store: Store, shop: ParcelShop, orders: list[Order], step: str
) -> None:
    shop.unwanted = {"P-3": ParcelRefusal(code="1", error="No.")}
    outbox.send_commands(store.pk)
    shop.at = raising(step, Killed())

    for _ in range(6):
        try:
            work(store)
        except Killed:
            continue
        if shop.files and not shop.files[-1].is_done:
            shop.work_off()
    send(store)

    lost = step == "hand in"
    assert newest(store).state == (_State.FAILED if lost else _State.DONE)
    assert states(store) == ({"done": COUNT} if lost else {"done": COUNT - 1, "refused": 1})
    assert shown(shop) == (ALL if lost else [x for x in ALL if x != "P-3"])
    assert len(shop.files) == (0 if lost else 1)


def test_a_worker_that_ends_amid_the_settling_leaves_the_rest_to_another(
    store: Store, shop: ParcelShop, orders: list[Order], monkeypatch: pytest.MonkeyPatch
) -> None:
    handed_over(store)
    shop.work_off()
    done, told_of = commands.done, []

    def ends(command: Command, **options: Any) -> bool:
        told_of.append(command)
        if len(told_of) == 3:
            raise Killed
        return done(command, **options)

    monkeypatch.setattr(commands, "done", ends)
    with pytest.raises(Killed):
        work(store)

    assert work(store).state == _State.DONE
    assert states(store) == {"done": COUNT}
    assert all(len(titles(order, "store_told")) == 1 for order in orders)
    assert not HandedParcel.objects.exists()


def test_one_who_lost_the_lease_writes_nothing_more(
    store: Store, shop: ParcelShop, orders: list[Order]
) -> None:
    outbox.send_commands(store.pk)

    def at(step: str) -> None:
        if step == "upload":
            ParcelHandOver.objects.update(fence=F("fence") + 1)

    shop.at = at
    work(store)

    assert (newest(store).handle, shop.files) == ({}, [])
    assert states(store) == {"handed": COUNT}


def test_one_who_lost_the_lease_gives_nothing_up(
    store: Store, shop: ParcelShop, orders: list[Order]
) -> None:
    """His successor may have handed the file over."""
    outbox.send_commands(store.pk)
    ParcelHandOver.objects.update(attempts=handing._MOST_TRIES - 1)

    def at(step: str) -> None:
        if step == "upload":
            ParcelHandOver.objects.update(fence=F("fence") + 1)
            raise Unavailable("Down.")

    shop.at = at
    assert work(store).state == _State.SENDING

    assert states(store) == {"handed": COUNT}


def test_one_that_was_refused_and_is_sent_again_is_looked_at_first(
    store: Store, shop: ParcelShop, orders: list[Order]
) -> None:
    shop.unwanted = {"P-1": ParcelRefusal(code="18028", error="No.")}
    handed_over(store)
    shop.work_off()
    work(store)
    command = told(orders[0])

    assert outbox.retry_command(command, actor="user:anna")

    command.refresh_from_db()
    assert command.state == S.UNKNOWN
    assert send(store) == 1
    assert shown(shop) == ALL


@pytest.mark.parametrize(
    ("step", "error", "state", "left"),
    [
        ("upload", Unavailable("Down."), _State.SENDING, "handed"),
        ("hand in", RateLimited("Slowly.", retry_after_s=60), _State.SENDING, "handed"),
        ("hand in", Unavailable("Lost."), _State.PENDING, "handed"),
        ("look", Unavailable("Down."), _State.PENDING, "handed"),
        ("upload", KeyError("mistake"), _State.SENDING, "handed"),
    ],
)
def test_trouble_is_waited_out(
    store: Store,
    shop: ParcelShop,
    orders: list[Order],
    step: str,
    error: Exception,
    state: str,
    left: str,
) -> None:
    outbox.send_commands(store.pk)
    shop.at = raising(step, error)

    work(store)
    if step == "look":
        work(store)

    assert newest(store).state == state
    assert states(store) == {left: COUNT}


def test_a_file_that_cannot_be_handed_over_is_given_up_for_calls(
    store: Store, shop: ParcelShop, orders: list[Order]
) -> None:
    outbox.send_commands(store.pk)
    for _ in range(handing._MOST_TRIES):
        shop.at = raising("upload", Unavailable("Down."))
        work(store)
    shop.at = lambda step: None

    assert newest(store).state == _State.FAILED
    assert states(store) == {"new": COUNT}
    assert send(store) == COUNT
    assert shown(shop) == ALL


def test_a_dead_token_lets_the_file_wait(
    store: Store, shop: ParcelShop, orders: list[Order], noted: list[Exception]
) -> None:
    outbox.send_commands(store.pk)
    shop.at = raising("upload", AuthenticationFailed("Over."))

    file = work(store)

    assert (file.state, file.problem) == (_State.SENDING, "Over.")
    assert isinstance(noted[0], AuthenticationFailed)


def test_a_file_that_never_ends_is_given_up(
    store: Store, shop: ParcelShop, orders: list[Order]
) -> None:
    handed_over(store)
    ParcelHandOver.objects.update(handed_at=Now() - handing.PATIENCE - timedelta(minutes=1))

    file = work(store)

    assert (file.state, shop.files[0].is_dropped) == (_State.FAILED, True)
    assert states(store) == {"unknown": COUNT}


def test_unread_orders_hold_a_file_up_and_then_all_go_out_by_calls(
    store: Store, shop: ParcelShop, orders: list[Order]
) -> None:
    orders_read(store, ago_s=10_000)
    outbox.send_commands(store.pk)

    assert work(store).state == _State.SENDING
    ParcelHandOver.objects.update(gathered_at=Now() - timedelta(seconds=31))
    file = work(store)

    assert (file.state, file.problem_code, shop.files) == (_State.FAILED, Reason.GATE, [])
    assert send(store) == COUNT
    assert shown(shop) == ALL


def test_a_file_is_not_handed_over_while_writing_is_off(
    store: Store, shop: ParcelShop, orders: list[Order]
) -> None:
    outbox.send_commands(store.pk)
    Store.objects.update(writes_enabled=False)
    work(store)
    outbox.send_commands(store.pk)

    assert (shop.files, shop.calls) == ([], [])
    assert set(Command.objects.values_list("state", "problem_code")) == {("new", "writes_off")}
    Store.objects.update(writes_enabled=True)
    outbox.sweep()
    outbox.send_commands(store.pk)
    assert states(store) == {"handed": COUNT}


def test_one_that_another_worker_has_in_hands_is_not_in_the_file(
    store: Store, shop: ParcelShop, orders: list[Order]
) -> None:
    assert dispatch._claim_next(store.pk) is not None

    file = parcels.gather(store)

    assert file is not None
    assert (file.parcels, states(store)) == (COUNT - 1, {"handed": COUNT - 1, "busy": 1})
    assert list(file.lines.values_list("number", flat=True)) == list(range(1, COUNT))


def test_of_two_that_gather_one_does(store: Store, shop: ParcelShop, orders: list[Order]) -> None:
    assert parcels._begin(store, 3) is not None
    assert parcels._begin(store, 3) is None
    assert states(store) == {"handed": 3, "new": COUNT - 3}


def test_stores_have_files_of_their_own(
    store: Store, shop: ParcelShop, orders: list[Order]
) -> None:
    other = make_toy_store(merchant=store.merchant, base_url="https://other.example")
    for number in range(50, 50 + COUNT):
        shipped(other, shop, number)
    for one in (store, other):
        handed_over(one)

    assert ParcelHandOver.objects.filter(state=_State.PENDING).count() == 2
    assert [len(file.lines) for file in shop.files] == [COUNT, COUNT]


def test_a_correction_names_the_parcel_as_the_store_does_by_then(
    store: Store, shop: ParcelShop, orders: list[Order]
) -> None:
    """The store gave it an id of its own, which was not read yet when the tracking changed."""
    order = orders[0]
    handed_over(store)
    parcel = Shipment.objects.get(order=order)
    services.update_tracking(parcel, tracking_number="T-new", actor="user:anna")
    shop.work_off()
    there = replace(shop.files[0].lines[0].shipment, external_id="1")
    shop.orders[order.external_id] = replace(shop.orders[order.external_id], shipments=(there,))
    work(store)

    send(store)
    again = shop.calls[-1][2]
    assert (again.tracking_number, again.external_id) == ("T-new", "1")

    Shipment.objects.filter(pk=parcel.pk).update(external_id="2")
    services.update_tracking(
        Shipment.objects.get(pk=parcel.pk), tracking_number="T-newer", actor="user:anna"
    )
    send(store)
    assert shop.calls[-1][2].external_id == "2"


def test_gathering_costs_a_bounded_number_of_statements(
    store: Store, shop: ParcelShop, orders: list[Order]
) -> None:
    with connection.execute_wrapper(count := _Count()):
        parcels.gather(store)
    few = count.done
    for number in range(100, 200):
        shipped(store, shop, number)
    ParcelHandOver.objects.update(state=_State.DONE)

    with connection.execute_wrapper(count := _Count()):
        file = parcels.gather(store)

    assert file is not None
    assert (file.parcels, count.done) == (100, few)
    assert files.due() == [file.pk]


class _Count:
    def __init__(self) -> None:
        self.done = 0

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.done += 1
        return execute(sql, params, many, context)


def test_a_store_whose_orders_were_completed_is_told_nothing_else(
    store: Store, shop: ParcelShop, orders: list[Order]
) -> None:
    """A status that follows the last parcel waits for the file, as for a call."""
    services.add_shipment(orders[0], reference="P-1b", tracking_number="T-1b", actor="user:anna")
    handed_over(store)
    shop.work_off()
    work(store)

    send(store)

    assert shop.orders[orders[0].external_id].status.order is OrderStatus.COMPLETED
    assert shown(shop) == sorted([*ALL, "P-1b"])
