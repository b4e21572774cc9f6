"""``manage.py sync``: which store is meant."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from integrations.models import Store
from integrations.sync.outcome import Applied
from tests.factories import make_merchant, make_store

pytestmark = pytest.mark.django_db


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[Store]:
    """Stores of which an order was read."""
    found: list[Store] = []

    def refetch(store: Store, **_told: Any) -> Any:
        found.append(store)
        return Applied()

    monkeypatch.setattr("integrations.sync.refetch_order", refetch)
    return found


@pytest.fixture
def twins() -> list[Store]:
    name = "Musterladen"
    return [
        make_store(name=name, base_url="https://shop.example"),
        make_store(make_merchant("other"), name=name, base_url="https://shop.example.org"),
    ]


def sync(word: str) -> None:
    call_command("sync", word, "--order=1001", stdout=StringIO())


@pytest.mark.parametrize("word", ["Musterladen", "shop.example"])
def test_stores_that_are_called_alike_are_listed_with_how_to_choose(
    twins: list[Store], read: list[Store], word: str
) -> None:
    with pytest.raises(CommandError) as caught:
        sync(word)

    told = str(caught.value)
    assert f"“{word}” is more than one store. Name it by its id or its address:" in told
    assert all(f"{x.pk}  {x.base_url}  Musterladen" in told for x in twins)
    assert read == []


def test_what_was_listed_chooses(twins: list[Store], read: list[Store]) -> None:
    for word in (str(twins[0].pk), "https://shop.example", "https://shop.example.org/"):
        sync(word)

    assert read == [twins[0], twins[0], twins[1]]


@pytest.mark.parametrize("word", ["Nobody", "x" * 36])
def test_a_store_nobody_knows_is_told_with_those_there_are(
    twins: list[Store], read: list[Store], word: str
) -> None:
    with pytest.raises(CommandError, match=r"No store matches .* Musterladen, Musterladen"):
        sync(word)
