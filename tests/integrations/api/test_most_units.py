"""However large a number somebody sends for units, the answer is 400 and nothing is kept."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.models import Store
from inventory.models import Allocation, Listing, StockMovement, StockRule
from tests.integrations.api.client import Api, import_products

UNITS = [100_000_001, 2**31, 2**63, 10**40]


@pytest.mark.parametrize("units", UNITS)
def test_too_large_a_figure_is_refused(api: Api, store: Store, units: int) -> None:
    import_products(store, 1)
    rule = StockRule.objects.create(merchant=store.merchant)
    here = {"store": str(store.pk)}
    moved = StockMovement.objects.count()
    names = ("buffer", "max_listed", "end_when", "always")
    bodies: list[tuple[str, dict[str, Any]]] = [
        *(("/stock/rules", {**here, name: units}) for name in names),
        *(("/stock/rules/try", {**here, name: units}) for name in names),
        *(("/stock/explain", {"sku": "SKU-1", "suppose": {name: units}}) for name in names),
        ("/stock/adjust", {"sku": "SKU-1", "set_to": units, "reason": "Count"}),
        ("/stock/adjust", {"sku": "SKU-1", "delta": units, "reason": "Found"}),
        ("/stock/restock", {"sku": "SKU-1", "units": units, "reference": "R1"}),
        ("/stock/allocations", {**here, "sku": "SKU-1", "units": units}),
    ]

    answers = [api.post(path, body) for path, body in bodies]
    answers += [api.patch(f"/stock/rules/{rule.pk}", {name: units}) for name in names]
    answers.append(api.patch(f"/listings/{Listing.objects.get().pk}", {"fixed_quantity": units}))
    answers.append(api.get("/stock/levels", {"free_below": str(units)}))
    answers.append(api.get("/stock/levels", {"free_below": str(-units)}))

    assert {answer.status_code for answer in answers} == {400}
    assert {error["code"] for answer in answers for error in answer.json()["errors"]} <= {
        "max_value",
        "min_value",
    }
    assert (StockRule.objects.count(), Allocation.objects.count()) == (1, 0)
    assert StockMovement.objects.count() == moved


@pytest.mark.parametrize("number", UNITS)
def test_a_rule_of_a_number_that_is_too_large_is_not_found(api: Api, number: int) -> None:
    assert api.get(f"/stock/rules/{number}").status_code == 404
    assert api.post(f"/stock/rules/changes/{number}/put-back", {}).status_code == 404
