"""Two people choose the places of one store at the same moment."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
from django.db import connections

from integrations import connect
from inventory import selling_places
from inventory.models import Location, StorePlace
from inventory.selling_places import Given
from tests.factories import make_store

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
