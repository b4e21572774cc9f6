"""What kits are made of, over the API."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from integrations.models import Push, Store
from inventory.models import KitPart, Variant
from logix.accounts.models import AuditEvent
from tests.integrations.api.client import Api, import_products


@pytest.fixture
def goods(store: Store) -> dict[str, Variant]:
    """Three listed items; the first is to become a kit."""
    import_products(store, 1, 2, 3)
    Push.objects.all().delete()
    return {x.sku: x for x in Variant.objects.all()}


def address(kit: Variant) -> str:
    return f"/variants/{kit.pk}/parts"


def part(variant: Variant, units: int) -> dict[str, Any]:
    item = {"id": str(variant.pk), "sku": variant.sku, "title": variant.title}
    return {"variant": item, "units": units}


def test_a_kit_is_made_changed_and_taken_apart(
    api: Api, store: Store, goods: dict[str, Variant]
) -> None:
    kit = goods["SKU-1"]
    assert api.get(address(kit)).json() == {"parts": []}

    made = api.put(
        address(kit),
        {"parts": [{"sku": "sku-2", "units": 2}, {"variant": str(goods["SKU-3"].pk), "units": 1}]},
    )
    assert made.status_code == 200, made.content
    wanted = {"parts": [part(goods["SKU-2"], 2), part(goods["SKU-3"], 1)]}
    assert made.json() == api.get(address(kit)).json() == wanted
    assert Push.objects.get().listing.variant == kit, "its stores are told"

    changed = api.put(address(kit), {"parts": [{"sku": "SKU-3", "units": 4}]})
    assert changed.json() == {"parts": [part(goods["SKU-3"], 4)]}
    assert api.put(address(kit), {"parts": []}).json() == {"parts": []}
    said = AuditEvent.objects.filter(action="kit.parts_changed").order_by("pk")
    assert [len(event.details["to"]) for event in said] == [2, 1, 0]
    assert {(event.actor_kind, event.object_id) for event in said} == {("token", str(kit.pk))}


@pytest.mark.parametrize(
    ("parts", "status", "pointer", "code"),
    [
        ([{"sku": "SKU-2", "units": 0}], 400, "/parts/0/units", "min_value"),
        ([{"sku": "SKU-2"}], 400, "/parts/0/units", "required"),
        ([{"units": 1}], 400, "/parts/0", "sku_or_variant"),
        (
            [{"sku": "SKU-2", "units": 1}, {"sku": "SKU-404", "units": 1}],
            400,
            "/parts/1/sku",
            "unknown",
        ),
        ([{"variant": str(uuid4()), "units": 1}], 400, "/parts/0/variant", "unknown"),
        ([{"sku": "SKU-2", "units": 1}] * 2, 400, "/parts/1", "repeated"),
        ([{"sku": "SKU-2", "units": 1}] * 101, 400, "/parts", "max_length"),
        ("SKU-2", 400, "/parts", "not_a_list"),
        ([{"sku": "SKU-1", "units": 1}], 409, "", "kit_refused"),
    ],
)
def test_a_kit_that_cannot_be_is_refused_and_stays_what_it_was(
    api: Api, goods: dict[str, Variant], parts: Any, status: int, pointer: str, code: str
) -> None:
    answer = api.put(address(goods["SKU-1"]), {"parts": parts})

    told = answer.json()
    assert answer.status_code == status, told
    assert (pointer, code) in {(e["pointer"], e["code"]) for e in told["errors"]} | {
        ("", told["code"])
    }
    assert not KitPart.objects.exists()
    assert not Push.objects.exists()


def test_a_counted_item_says_what_to_do_before_it_becomes_a_kit(
    api: Api, goods: dict[str, Variant]
) -> None:
    api.post("/stock/adjust", {"sku": "SKU-1", "set_to": 4, "reason": "Count"})

    answer = api.put(address(goods["SKU-1"]), {"parts": [{"sku": "SKU-2", "units": 1}]})

    assert (answer.status_code, answer.json()["detail"]) == (
        409,
        "SKU-1 is counted itself. Count it as 0 first: what is put together already is counted as "
        "its parts.",
    )
