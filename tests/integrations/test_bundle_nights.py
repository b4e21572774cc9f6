"""Bundles that could not become kits are looked at again every night, once."""

from __future__ import annotations

from typing import Any

import pytest

from integrations import tasks, upkeep
from integrations.models import StoreStatus
from inventory import kits, ledger, locations
from inventory.catalogue import import_products
from inventory.data import PartData, VariantData
from inventory.errors import LedgerConflict
from inventory.models import KitPart, Listing, Variant
from logix.common import bell
from tests.factories import NOW, make_product, make_store

pytestmark = pytest.mark.django_db


@pytest.fixture
def bundle() -> Listing:
    """One that was counted itself, and was counted as none since."""
    store = make_store()
    import_products(
        store,
        [
            make_product(1),
            make_product(9, variants=(VariantData(external_id="set", sku="SET", stock=4),)),
        ],
        observed_at=NOW,
        now=NOW,
        adopt_stock=True,
    )
    parts = (PartData(external_variant_id="p1", sku="SKU-1", quantity=2),)
    told = VariantData(external_id="set", sku="SET", is_bundle=True, parts=parts)
    import_products(store, [make_product(9, variants=(told,))], observed_at=NOW, now=NOW)
    found = Listing.objects.get(sku="SET")
    assert found.kit_problem.startswith("SET is counted itself.")
    ledger.adjust(
        variant=Variant.objects.get(sku="SET"),
        location=locations.default(store.merchant_id),
        set_to=0,
        reason="Counted as its parts",
        actor="user:anna",
    )
    return found


def test_a_bundle_that_was_counted_as_none_is_a_kit_in_the_morning(bundle: Listing) -> None:
    assert upkeep.retry_bundles() == 1

    assert KitPart.objects.get(kit=bundle.variant).units == 2
    assert upkeep.retry_bundles() == 0


def test_a_store_that_was_disconnected_has_no_say_any_more(bundle: Listing) -> None:
    bundle.store.status = StoreStatus.DISCONNECTED
    bundle.store.save(update_fields=["status"])

    assert upkeep.retry_bundles() == 0
    assert not KitPart.objects.exists()


def test_it_is_rung_once_a_night(monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[str] = []
    monkeypatch.setattr(bell, "ring", lambda name, *_, **__: rung.append(name))

    tasks.maintain()
    tasks.maintain()

    assert rung.count("integrations.tasks.retry_bundles") == 1


@pytest.mark.django_db(transaction=True)
def test_somebody_who_was_faster_is_waited_for(
    bundle: Listing, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, tries = kits.set_parts, []

    def second_time(*args: Any, **told: Any) -> Any:
        tries.append(1)
        if len(tries) == 1:
            raise LedgerConflict
        return real(*args, **told)

    monkeypatch.setattr(kits, "set_parts", second_time)

    assert upkeep.retry_bundles() == 1
    assert len(tries) == 2
