"""The sweeper alone keeps the outbox moving: claims of dead workers, ended blocks, bells nobody
heard.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from integrations import outbox
from integrations.errors import Misconfigured
from integrations.models import Command, Push, Store, StoreStatus
from integrations.outbox.reasons import Reason
from logix.accounts.models import AuditEvent
from tests.integrations.outbox import toy
from tests.integrations.outbox.conftest import (
    Rung,
    make_listings,
    make_toy_store,
    orders_read,
    push_of,
    set_stock,
)

Shift = Callable[[float], None]


def test_it_rings_for_due_stores_longest_waiting_first(
    store: Store, rung: Rung, pass_time: Shift, django_capture_on_commit_callbacks: Any
) -> None:
    late = make_toy_store(merchant=store.merchant, base_url="https://late.example")
    paused = make_toy_store(
        merchant=store.merchant, base_url="https://paused.example", status=StoreStatus.PAUSED
    )
    for number, each in enumerate((store, late, paused)):
        listing = make_listings(each, 1, first=number)[0]
        with django_capture_on_commit_callbacks(execute=True):
            outbox.mark_dirty([listing.variant_id])
        pass_time(60)
    rung.clear()

    with django_capture_on_commit_callbacks(execute=True):
        swept = outbox.sweep()

    assert outbox.due_stores("push") == [store.pk, late.pk]
    assert outbox.due_stores("push", limit=1) == [store.pk]
    assert [args for _, args, _ in rung] == [(str(store.pk),), (str(late.pk),)]
    assert swept.rung == 2
    assert (swept.numbers.ready_pushes, swept.numbers.ready_commands) == (2, 0)
    assert 180 <= swept.numbers.oldest_push_s < 190


def test_an_expired_claim_comes_back_with_a_pause_and_a_new_fence(
    store: Store, now: Any, pass_time: Shift
) -> None:
    alive, dead, worn = make_listings(store, 3)
    for listing, ago, attempts in ((alive, -10, 1), (dead, 10, 1), (worn, 10, 12)):
        Push.objects.create(
            store=store,
            listing=listing,
            state=Push.State.BUSY,
            want_version=1,
            attempts=attempts,
            fence=5,
            lease_until=now() - timedelta(seconds=ago),
        )

    assert outbox.sweep().reclaimed_pushes == 2

    back = push_of(dead)
    assert (push_of(alive).state, push_of(alive).fence) == (Push.State.BUSY, 5)
    assert (back.state, back.fence, back.attempts) == (Push.State.READY, 6, 1)
    assert back.problem_code == Reason.LEASE_EXPIRED
    assert back.next_at <= now() + timedelta(seconds=2)
    assert (push_of(worn).state, push_of(worn).problem_code) == (
        Push.State.BLOCKED,
        Reason.TOO_MANY_ATTEMPTS,
    )


def test_what_staff_may_have_mended_is_tried_again_after_a_while(
    store: Store, shop: toy.ToyShop, noted: list[Exception], pass_time: Shift
) -> None:
    listing = make_listings(store, 1)[0]
    outbox.mark_dirty([listing.variant_id])

    def fail(call: Any) -> None:
        raise Misconfigured("The certificate has expired.", code="tls_expired")

    shop.before = fail
    outbox.send_pushes(store.pk)
    shop.before = lambda call: None

    pass_time(1800)
    assert outbox.sweep().rearmed == 0
    pass_time(1801)
    assert outbox.sweep().rearmed == 1
    outbox.send_pushes(store.pk)
    assert shop.stock == {listing.stock_ref: 10}


def test_a_refused_line_is_not_tried_again_by_itself(
    store: Store, shop: toy.ToyShop, pass_time: Shift
) -> None:
    listing = make_listings(store, 1)[0]
    shop.refused[listing.stock_ref] = ("rejected", "No.")
    set_stock(listing, 4)
    outbox.send_pushes(store.pk)

    pass_time(1_000_000)

    assert outbox.sweep().rearmed == 0
    assert push_of(listing).state == Push.State.BLOCKED


def test_a_person_retries_a_refused_line(
    store: Store, shop: toy.ToyShop, rung: Rung, django_capture_on_commit_callbacks: Any
) -> None:
    listing = make_listings(store, 1)[0]
    shop.refused[listing.stock_ref] = ("rejected", "No.")
    set_stock(listing, 4)
    outbox.send_pushes(store.pk)
    shop.refused.clear()

    with django_capture_on_commit_callbacks(execute=True):
        assert outbox.retry_push(push_of(listing), actor="user:anna")
    outbox.send_pushes(store.pk)

    assert ("send_pushes", (str(store.pk),), 0.0) in rung
    assert shop.stock == {listing.stock_ref: 4}
    event = AuditEvent.objects.get(action="push.retried")
    assert event.details == {"was": "blocked", "reason": "rejected"}


def test_a_push_in_work_cannot_be_retried(store: Store) -> None:
    listing = make_listings(store, 1)[0]
    push = Push.objects.create(store=store, listing=listing, state=Push.State.BUSY)

    assert not outbox.retry_push(push, actor="user:anna")
    assert AuditEvent.objects.count() == 0


def test_unblocking_a_store_sends_what_was_blocked_through_the_gate(
    store: Store, shop: toy.ToyShop, pass_time: Shift
) -> None:
    Store.objects.update(writes_enabled=False)
    listings = make_listings(store, 3)
    outbox.mark_dirty([x.variant_id for x in listings])
    pass_time(100_000)
    orders_read(store, ago_s=100_000)
    Store.objects.update(writes_enabled=True)

    assert outbox.unblock_store(Store.objects.get(), actor="user:anna") == 3

    assert outbox.send_pushes(store.pk) == 0  # its orders are read first
    orders_read(store)
    pass_time(2)
    assert outbox.send_pushes(store.pk) == 3


def test_the_numbers_of_an_empty_outbox_are_zero(db: None) -> None:
    numbers = outbox.numbers()

    assert (numbers.oldest_push_s, numbers.oldest_command_s) == (0.0, 0.0)
    assert numbers.ready_pushes == numbers.blocked_pushes == numbers.parked_commands == 0


@pytest.mark.parametrize("state", [Command.State.PARKED, Command.State.UNKNOWN])
def test_parked_and_unknown_commands_are_counted(store: Store, state: str) -> None:
    Command.objects.create(
        store=store, kind="note", key="k", order_ref=store.pk, external_order_id="1", state=state
    )

    numbers = outbox.numbers()

    assert numbers.parked_commands == (state == Command.State.PARKED)
    assert numbers.unknown_commands == (state == Command.State.UNKNOWN)
