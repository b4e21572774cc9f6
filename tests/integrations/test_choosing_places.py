"""Places of a store are chosen while somebody else chooses them, or its products are being read."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
from django.db import connections

from integrations import connect, sync
from integrations.models import Stream
from integrations.sandbox.server import Incoming
from integrations.sandbox.shopify.wire import Answer
from inventory import selling_places
from inventory.models import Listing, Location, StorePlace
from inventory.selling_places import Given
from tests.factories import make_merchant, make_store
from tests.integrations.shopify.world import shopify_world

_TOGETHER_S = 10


@pytest.mark.django_db(transaction=True)
def test_of_two_choices_at_once_the_later_one_stands_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    store = make_store()
    places = [
        Location.objects.create(merchant=store.merchant, code=code, name=code) for code in "ab"
    ]
    both_have_looked = threading.Barrier(2)
    look = selling_places.given_to
    wrong: list[Exception] = []

    def look_together(store_id: UUID) -> Any:
        found = look(store_id)
        with suppress(threading.BrokenBarrierError):
            both_have_looked.wait(_TOGETHER_S)
        return found

    def choose(rank: int) -> None:
        given = [Given(place.pk, None, rank) for place in places]
        try:
            connect.choose_places(store, given, actor="user:anna")
        except Exception as err:  # whatever it is, the test is to say it
            wrong.append(err)
        finally:
            connections.close_all()

    monkeypatch.setattr(selling_places, "given_to", look_together)
    people = [threading.Thread(target=choose, args=(rank,)) for rank in (10, 20)]
    for person in people:
        person.start()
    for person in people:
        person.join()

    assert wrong == []
    ranks = list(StorePlace.objects.filter(store=store).values_list("rank", flat=True))
    assert ranks in ([10, 10], [20, 20])


@pytest.mark.django_db(transaction=True)
def test_a_reading_under_way_is_begun_again_when_places_are_chosen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was read before says nothing of the figures at the places."""
    with shopify_world(orders=0, products=20, is_multi_location=True) as world:
        store = connect.connect_store(
            merchant=make_merchant(),
            platform=world.slug,
            base_url=world.url,
            credentials=world.credentials,
            auto_sync=False,
            actor="user:anna",
        )
        answer = world.shop.handle

        def choose_before_the_answer(incoming: Incoming) -> Answer:
            told = answer(incoming)
            if connect.lacks_places(store):
                connect.make_places(store, actor="user:anna")
            connections.close_all()
            return told

        monkeypatch.setattr(world.shop, "handle", choose_before_the_answer)
        products = Stream.objects.get(store=store, name="products")
        while sync.run_stream(products.pk):
            pass

        products.refresh_from_db()
        assert (products.read_through, products.lease_until) == (None, None)
        while sync.run_stream(products.pk):
            pass

    products.refresh_from_db()
    assert products.read_through is not None
    counted = Listing.objects.filter(store=store, seen_quantity__isnull=False)
    assert counted.exists()
    assert not counted.filter(seen_at_places={}).exists()
