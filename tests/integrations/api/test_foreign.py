"""Merchants are strangers: whatever belongs to one does not exist for another, at any address."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.base import Unreadable
from integrations.models import FieldRule, ParcelHandOver, ParkedRecord, Push, Store, SyncRun
from integrations.sync import park
from inventory.models import (
    Allocation,
    Listing,
    Location,
    Product,
    StockLevel,
    StockRule,
    Variant,
)
from logix.accounts.models import AuditEvent
from orders.models import Order, Oversell, Shipment
from tests import factories
from tests.integrations.api.client import Api, import_payouts, import_products, make_comparison
from tests.integrations.api.routes import NAMED, Operation, is_twin, operations
from tests.integrations.api.shop import Shop

# What a write needs to be understood; the object is looked up first.
BODIES: dict[str, dict[str, Any]] = {
    "post /api/v1/orders/{id}/notes": {"text": "Hello"},
    "post /api/v1/orders/{id}/status": {"status": "completed"},
    "post /api/v1/parked/{id}/dismiss": {"reason": "Not wanted"},
    "post /api/v1/integrations/{id}/mappings": {"path": "id", "target": "custom.x"},
}


@pytest.fixture
def ids(api: Api, connected: Store, shop: Shop) -> dict[str, Any]:
    """One of everything, by the noun of its addresses."""
    import_products(connected, 1)
    shop.orders = {"1001": factories.make_order(1)}
    store = f"/woocommerce/integrations/{connected.pk}"
    api.post(f"{store}/sync", {"order": "1001"})
    order = Order.objects.get()
    api.post(f"/orders/{order.pk}/shipments", {"carrier": "DHL"})
    api.post("/stock/adjust", {"sku": "SKU-1", "set_to": 9, "reason": "Count"})
    api.post(f"{store}/sync", {"full": True})
    api.post(f"/integrations/{connected.pk}/mappings", {"path": "id", "target": "custom.id"})
    park(connected, stream="orders", unreadable=Unreadable(external_id="7", reason="Odd."))
    api.post("/stock/rules", {"store": str(connected.pk), "buffer": 1})
    aside = {"store": str(connected.pk), "sku": "SKU-1", "units": 1}
    assert api.post("/stock/allocations", aside).status_code == 201
    lacking = {"line": order.lines.all()[0], "units": 1, "opened_at": factories.NOW}
    sold = Oversell.objects.create(merchant=connected.merchant, order=order, **lacking)
    return {
        "oversells": sold.pk,
        "integrations": connected.pk,
        "orders": order.pk,
        "payouts": import_payouts(connected, [factories.make_payout(1)])[0].pk,
        "shipments": Shipment.objects.get().pk,
        "runs": SyncRun.objects.get().pk,
        "parked": ParkedRecord.objects.get().pk,
        "mappings": FieldRule.objects.get().pk,
        "reconciliations": make_comparison(connected).pk,
        "products": Product.objects.get().pk,
        "variants": Variant.objects.get().pk,
        "listings": Listing.objects.get().pk,
        "locations": Location.objects.get().pk,
        "rules": StockRule.objects.get().pk,
        "changes": AuditEvent.objects.get(action="stockrule.added").pk,
        "allocations": Allocation.objects.get().pk,
        "pushes": Push.objects.get().pk,
        "files": ParcelHandOver.objects.create(store=connected, state="done").pk,
    }


def of_one_object() -> list[Operation]:
    return [operation for operation in operations() if "{" in operation.path]


def test_every_address_of_an_object_is_404_to_a_stranger(
    ids: dict[str, Any], stranger: Api
) -> None:
    rows = {
        model: list(model.objects.order_by("pk").values()) for model in (Order, Store, Location)
    }
    assert len(of_one_object()) > 30

    for operation in of_one_object():
        send = getattr(stranger, operation.method)
        body = {} if operation.method in ("get", "delete") else {"body": BODIES.get(str(operation))}

        answer = send(operation.address(ids), **body)

        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), str(operation)
    for model, before in rows.items():
        assert list(model.objects.order_by("pk").values()) == before


def test_the_owner_finds_at_these_addresses_what_the_stranger_does_not(
    ids: dict[str, Any], api: Api
) -> None:
    """So that the 404 above is the stranger's, not a misspelt address's."""
    reads = [o for o in of_one_object() if o.method == "get" and not is_twin(o.path)]

    for operation in reads:
        assert api.get(operation.address(ids)).status_code == 200, str(operation)


def test_lists_of_a_stranger_are_empty(ids: dict[str, Any], stranger: Api) -> None:
    assert StockLevel.objects.exists()
    reads = [o for o in operations() if o.method == "get" and "{" not in o.path]
    lists = [o for o in reads if o.path not in NAMED]

    shown = {str(o): stranger.get(o.address({})).json()["results"] for o in lists}

    assert {name for name, rows in shown.items() if rows} == {"get /api/v1/platforms"}


def test_objects_named_in_a_body_are_looked_up_inside_the_merchant(
    ids: dict[str, Any], stranger: Api
) -> None:
    named: tuple[tuple[str, dict[str, Any]], ...] = (
        ("/stock/adjust", {"sku": "SKU-1", "delta": 1, "reason": "Mine"}),
        ("/stock/adjust", {"variant": str(ids["variants"]), "delta": 1, "reason": "Mine"}),
        ("/stock/rules", {"store": str(ids["integrations"]), "buffer": 1}),
        ("/stock/allocations", {"store": str(ids["integrations"]), "sku": "SKU-1", "units": 1}),
        ("/stock/explain", {"sku": "SKU-1", "suppose": {}}),
        ("/stock/explain", {"variant": str(ids["variants"]), "suppose": {}}),
    )
    before = AuditEvent.objects.filter(action="stock.adjusted").count()

    for path, body in named:
        answer = stranger.post(path, body)
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "unknown"), path
    for query in ({"sku": "SKU-1"}, {"variant": str(ids["variants"])}):
        answer = stranger.get("/stock/explain", query)
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "unknown"), query
    preview = stranger.post("/mappings/preview", {"store": str(ids["integrations"])})
    assert preview.status_code == 404
    assert AuditEvent.objects.filter(action="stock.adjusted").count() == before


@pytest.mark.parametrize("name", ["store", "variant", "product", "order"])
def test_a_filter_by_a_strangers_object_finds_nothing(
    ids: dict[str, Any], stranger: Api, name: str
) -> None:
    lists = {
        "store": (
            "/orders",
            "/payouts",
            "/listings",
            "/parked",
            "/stock/rules",
            "/stock/allocations",
            "/oversells",
        ),
        "variant": (
            "/listings",
            "/stock/levels",
            "/stock/movements",
            "/stock/rules",
            "/stock/allocations",
        ),
        "product": ("/variants",),
        "order": ("/stock/movements",),
    }
    noun = {"store": "integrations"}.get(name, f"{name}s")

    for path in lists[name]:
        answer = stranger.get(path, {name: str(ids[noun])})
        assert (answer.status_code, answer.json()["results"]) == (200, []), path
