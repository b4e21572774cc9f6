"""The first push, tried before writing is turned on: the same figures, and nothing sent or kept."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from integrations import connect, outbox
from integrations.models import Push, Store
from integrations.outbox import Outcome
from integrations.outbox.reasons import Reason
from inventory.models import Listing, ListingMode
from logix.accounts.models import AuditEvent
from tests.integrations.outbox import toy
from tests.integrations.outbox.conftest import (
    Rung,
    make_listings,
    make_toy_store,
    push_of,
    set_stock,
)


@pytest.fixture
def silent(db: None, shop: toy.ToyShop) -> Store:
    """Writing is off: all that changes waits for the switch."""
    return make_toy_store(writes_enabled=False)


def seen(listing: Listing, units: int) -> None:
    Listing.objects.filter(pk=listing.pk).update(seen_quantity=units, seen_at=timezone.now())


def stand(store: Store) -> list[Listing]:
    """Five to be written, one of them to 0; two that show what they should; one left alone."""
    listings = make_listings(store, 8)
    for listing in listings:
        seen(listing, 3)
    for listing in listings[5:7]:
        seen(listing, 10)
    Listing.objects.filter(pk=listings[7].pk).update(mode=ListingMode.IGNORE)
    outbox.mark_listings([x.pk for x in listings])
    set_stock(listings[0], 0)
    return listings


def test_the_first_push_sends_what_its_rehearsal_said(silent: Store, shop: toy.ToyShop) -> None:
    listings = stand(silent)

    tried = outbox.first_push(silent)

    assert tried.counts == {
        Outcome.WRITE: 5,
        Outcome.EQUAL: 2,
        Outcome.LEFT_ALONE: 1,
        Outcome.BLOCKED: 0,
    }
    assert tried.zeros == 1
    assert tried.reasons == {"This listing is never written by Logix.": 1}

    connect.set_writes(silent, enabled=True, actor="user:anna")
    outbox.send_pushes(silent.pk)

    (written,) = shop.stock_calls
    assert written == {
        line.listing.stock_ref: line.would_show
        for line in tried.lines
        if line.outcome is Outcome.WRITE
    }
    pushes = [push_of(x) for x in listings]
    ends = Counter(
        Outcome.WRITE
        if push.pushed_at
        else Outcome.LEFT_ALONE
        if push.problem_code == Reason.NOT_WRITTEN
        else Outcome.EQUAL
        for push in pushes
    )
    assert {one: ends[one] for one in Outcome} == tried.counts
    assert {push.state for push in pushes} == {Push.State.IDLE}


def test_a_rehearsal_sends_nothing_and_keeps_nothing(
    silent: Store, shop: toy.ToyShop, rung: Rung, django_capture_on_commit_callbacks: Any
) -> None:
    stand(silent)
    before = list(Push.objects.order_by("pk").values())
    told = AuditEvent.objects.count()

    with django_capture_on_commit_callbacks(execute=True) as rings:
        outbox.first_push(silent)

    silent.refresh_from_db()
    assert (shop.opened, shop.calls, rings) == (0, [], [])
    assert list(Push.objects.order_by("pk").values()) == before
    assert AuditEvent.objects.count() == told
    assert not silent.writes_enabled


def test_zeros_that_would_be_held_back_are_blocked_in_the_rehearsal_too(
    silent: Store, shop: toy.ToyShop
) -> None:
    listings = make_listings(silent, 60, stock=0)
    Listing.objects.update(seen_quantity=5, seen_at=Now())
    outbox.mark_listings([x.pk for x in listings])

    tried = outbox.first_push(silent)

    assert (tried.counts[Outcome.BLOCKED], tried.counts[Outcome.WRITE]) == (60, 0)
    connect.set_writes(silent, enabled=True, actor="user:anna")
    outbox.send_pushes(silent.pk)
    assert not shop.calls
    assert outbox.zeros_held_back(silent.pk) == 60


def test_lines_come_in_parts_and_by_outcome(silent: Store) -> None:
    stand(silent)

    first = outbox.first_push(silent, outcome=Outcome.WRITE, limit=3)
    rest = outbox.first_push(silent, outcome=Outcome.WRITE, limit=3, after=first.next)

    assert [len(first.lines), len(rest.lines)] == [3, 2]
    assert first.counts == rest.counts
    assert rest.next is None
    assert {x.outcome for x in (*first.lines, *rest.lines)} == {Outcome.WRITE}
