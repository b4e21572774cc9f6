"""The listings without a SKU that were here before they were told apart."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps

from inventory import links
from inventory.models import LinkProblem, Listing
from tests.factories import make_store
from tests.inventory.test_candidates import bring

pytestmark = pytest.mark.django_db

migration = import_module("inventory.migrations.0010_link_problems")


def test_only_what_has_a_product_to_itself_is_called_so() -> None:
    store = make_store()
    alone, joined, named = (bring(store, n, sku=sku) for n, sku in ((1, ""), (2, ""), (3, "A")))
    other = make_store(store.merchant, base_url="https://second.example")
    assert joined.variant is not None
    links.link(bring(other, 4, sku="B"), joined.variant, actor="user:anna")
    Listing.objects.update(link_problem="")

    migration.name(apps, None)

    told = dict(Listing.objects.values_list("pk", "link_problem"))
    assert told[alone.pk] == LinkProblem.BLANK_SKU
    assert (told[joined.pk], told[named.pk]) == ("", "")

    migration.forget(apps, None)
    assert not Listing.objects.exclude(link_problem="").exists()
