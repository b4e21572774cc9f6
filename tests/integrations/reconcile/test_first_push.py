"""The first push to a store of each platform: what is said of it is what is then written."""

from __future__ import annotations

import pytest

from integrations import connect, outbox
from integrations.models import Push, Store
from integrations.outbox import Outcome
from inventory import ledger
from inventory.models import Listing, StockLevel
from tests.integrations.reconcile.conftest import ANNA, World, counted_listing, shown, told

# Limits are kept on a connection of their own.
pytestmark = pytest.mark.django_db(transaction=True)


def count_anew(listing: Listing, units: int) -> None:
    assert listing.variant is not None
    level = StockLevel.objects.filter(variant=listing.variant.stock_item_id)[0]
    ledger.adjust(
        variant=level.variant,
        location=level.location,
        set_to=units + level.reserved,
        reason="counted",
        actor=ANNA,
    )


def test_the_first_push_writes_what_was_said_and_the_trial_nothing(
    store: Store, world: World
) -> None:
    connect.set_writes(store, enabled=False, actor=ANNA)
    count_anew(counted_listing(store, 0), 4321)
    count_anew(counted_listing(store, 1), 0)
    writes = world.writes()

    tried = outbox.first_push(store)

    assert world.writes() == writes
    assert (tried.counts[Outcome.WRITE], tried.zeros) == (2, 1)
    assert not Push.objects.filter(store=store, state=Push.State.READY).exists()

    connect.set_writes(store, enabled=True, actor=ANNA)
    told(store)

    for line in tried.lines:
        if line.outcome is Outcome.WRITE:
            assert shown(world, line.listing) == line.would_show
    assert world.writes() > writes
    after = outbox.first_push(store)
    assert after.counts[Outcome.WRITE] == 0
