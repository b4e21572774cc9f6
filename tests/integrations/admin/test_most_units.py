"""However large a number somebody types for units, the form says what the most is and nothing is
kept.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from integrations.models import Store
from inventory.models import Allocation, Listing, StockLevel, StockMovement, StockRule, Variant
from tests.integrations.admin.conftest import text, words
from tests.integrations.admin.test_by_hand import address

pytestmark = pytest.mark.django_db

MOST = "less than or equal to 100000000"


@pytest.mark.parametrize("units", [100_000_001, 2**31, 99999999999999, 10**40])
def test_too_large_a_figure_is_refused_in_words(boss: Client, store: Store, units: int) -> None:
    listing, level = Listing.objects.get(sku="SKU-1"), StockLevel.objects.get(variant__sku="SKU-1")
    rule = StockRule.objects.get()
    whose = {"store": store.pk, "location": level.location_id, "sku": "SKU-2"}
    nothing = {"buffer": 0, "percent": 100, "end_when": 0}
    forms: list[tuple[str, dict[str, Any]]] = [
        *(
            (address(rule, "change"), {**nothing, name: units})
            for name in ("buffer", "max_listed", "end_when", "always")
        ),
        (address(listing, "change"), {"mode": "fixed", "fixed_quantity": units}),
        (address(level, "count"), {"set_to": units, "reason": "Count"}),
        (address(level, "restock"), {"units": units, "once": uuid4()}),
        (reverse("admin:inventory_allocation_add"), {**whose, "units": units}),
    ]

    def rows() -> list[Any]:
        models = (StockRule, StockLevel, StockMovement, Allocation)
        kept = [list(model.objects.order_by("pk").values()) for model in models]
        return [*kept, list(Listing.objects.order_by("pk").values("mode", "fixed_quantity"))]

    before = rows()

    for url, fields in forms:
        assert MOST in words(boss.post(url, fields, follow=True)), (url, fields)

    assert rows() == before


def test_what_if_is_bounded_too(boss: Client, store: Store) -> None:
    page = reverse("admin:inventory_variant_explain", args=[Variant.objects.get(sku="SKU-1").pk])

    for name in ("buffer", "max_listed", "end_when", "always"):
        said = text(boss, f"{page}?percent=100&{name}={10**14}")
        assert MOST in said, name
        assert "Would show" not in said
