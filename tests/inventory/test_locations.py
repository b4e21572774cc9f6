"""Places: which one comes first, and what a merchant without any gets."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from inventory import locations
from inventory.locations import Place
from inventory.models import Location
from tests.factories import make_merchant

pytestmark = pytest.mark.django_db


def test_a_merchant_without_a_place_gets_one_once() -> None:
    merchant = make_merchant()

    assert locations.default(merchant.pk) == locations.default(merchant.pk)
    assert Location.objects.get().code == "main"


def test_the_first_open_place_by_rank_and_code_is_the_default() -> None:
    merchant = make_merchant()
    locations.create(merchant.pk, code="b", name="B", rank=5)
    first = locations.create(merchant.pk, code="a", name="A", rank=5)
    locations.create(merchant.pk, code="c", name="C", rank=1, is_active=False)

    assert locations.default(merchant.pk) == first


def test_places_are_those_of_the_merchant_closed_ones_included() -> None:
    merchant, other = make_merchant(), make_merchant("other")
    ours = locations.create(merchant.pk, code="a", name="A", rank=5, is_active=False)
    locations.create(other.pk, code="a", name="A")

    assert locations.places(merchant.pk) == {ours.pk: Place(rank=5, code="a", is_active=False)}


def test_a_code_is_used_once_by_a_merchant() -> None:
    merchant = make_merchant()
    locations.create(merchant.pk, code="a", name="A")

    with pytest.raises(IntegrityError), transaction.atomic():
        locations.create(merchant.pk, code="a", name="Again")
