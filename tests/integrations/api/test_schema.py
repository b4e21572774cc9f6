"""The OpenAPI description: valid, complete, and true of what the API really answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
from django.core.management import call_command
from drf_spectacular.generators import SchemaGenerator

from integrations.base import Unreadable
from integrations.models import ParcelHandOver, Push, StockHandOver, Store
from integrations.sync import park
from inventory.models import Listing, StoreLocation, Variant
from orders.models import (
    Conflict,
    GoodsDecision,
    Order,
    OutsideFulfillment,
    OutsideLine,
    Oversell,
)
from tests import factories
from tests.integrations.api.client import (
    Api,
    import_payouts,
    import_products,
    kept_there,
    make_comparison,
    make_depot,
)
from tests.integrations.api.routes import is_twin
from tests.integrations.api.shop import KEYS, Shop
from tests.integrations.api.test_parcel_files import in_file

GIFT = {"path": "meta.gift", "target": "custom.gift"}
METHODS = ("get", "post", "patch", "put", "delete")
COMPARED = {
    "cause": "gone",
    "sentence": "Order 7 was deleted at the store; it is kept here for review.",
    "external_id": "7",
    "object_id": "",
    "healed": True,
}


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    found: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return found


def _edited(order: Order) -> None:
    """An edit after picking began that waits for a decision."""
    side = {"sku": "SKU-1", "quantity": 2, "unit_price": "10"}
    line = {"line": "l1", "line_id": str(order.lines.get().pk), "name": "Mug 1", "shipped": 1}
    row = {"change": "changed", **line, "before": side, "after": {**side, "quantity": 3}}
    method = {"field": "method", "before": "Flat rate", "after": "Express"}
    diff = {"lines": [row], "fields": [method]}
    Conflict.objects.create(
        order=order, diff=diff, edited_at=factories.NOW, opened_at=factories.NOW
    )
    Order.objects.filter(pk=order.pk).update(flags="edited_after_import")


def _operations(description: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, operation)
        for path, item in description["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    ]


def test_the_description_is_valid_and_made_without_a_warning(tmp_path: Path) -> None:
    call_command(
        "spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yml")
    )

    assert (tmp_path / "schema.yml").read_text().startswith("openapi: 3")


def test_every_operation_says_what_it_does_and_how_it_refuses(description: dict[str, Any]) -> None:
    operations = _operations(description)

    assert len(operations) > 40
    for method, path, operation in operations:
        where = f"{method} {path}"
        assert operation.get("summary"), where
        assert operation["tags"] != ["Other"], where
        assert operation["security"] == [{"bearer": []}], where
        assert {"400", "401", "403", "429"} <= set(operation["responses"]), where
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                assert list(response["content"]) == ["application/problem+json"], where
        headers = {p["name"] for p in operation.get("parameters", []) if p["in"] == "header"}
        assert ("Idempotency-Key" in headers) == (method != "get"), where
        if "{" in path:
            assert "404" in operation["responses"], where
    assert len({operation["operationId"] for _, _, operation in operations}) == len(operations)


def test_the_description_names_the_credentials_of_each_platform(
    description: dict[str, Any],
) -> None:
    operation = description["paths"]["/api/v1/woocommerce/integrations"]["post"]
    body = operation["requestBody"]["content"]["application/json"]

    schema = _resolved(description, body["schema"])
    assert {"store_url", *KEYS} <= set(schema["required"])
    assert body["examples"]


def test_no_answer_is_described_with_a_secret(description: dict[str, Any]) -> None:
    for method, path, operation in _operations(description):
        for response in operation["responses"].values():
            for content in response.get("content", {}).values():
                text = str(_resolved(description, content["schema"]))
                for word in (*KEYS, "sealed", "digest", "secret_"):
                    assert word not in text, f"{method} {path}"


def allow_refunds(store: Store) -> None:
    store.options["refunds"] = "record"
    store.save(update_fields=["options"])


def test_every_answer_is_as_described(
    api: Api, description: dict[str, Any], connected: Store, shop: Shop
) -> None:
    """Each address that can be read is read in a hub that holds one of everything."""
    import_products(connected, 1, 2)
    shop.orders = {"1001": factories.make_order(1, returns=(factories.make_return(),))}
    api.post(f"/woocommerce/integrations/{connected.pk}/sync", {"order": "1001"})
    order = Order.objects.get()
    _edited(order)
    api.post(f"/orders/{order.pk}/shipments", {"carrier": "DHL"})
    allow_refunds(connected)
    api.post(f"/orders/{order.pk}/refunds", {"lines": [{"sku": "SKU-1", "quantity": 1}]})
    api.post("/stock/adjust", {"sku": "SKU-1", "set_to": 9, "reason": "Count"})
    run = api.post(f"/woocommerce/integrations/{connected.pk}/sync", {"full": True}).json()["run"]
    park(connected, stream="orders", unreadable=Unreadable(external_id="7", reason="Odd."))
    api.post(f"/integrations/{connected.pk}/webhooks/check")
    rule = api.post(f"/integrations/{connected.pk}/mappings", GIFT).json()
    payout = import_payouts(connected, [factories.make_payout(1)])[0]
    stock_rule = api.post("/stock/rules", {"store": str(connected.pk), "buffer": 1}).json()
    aside = {"store": str(connected.pk), "sku": "SKU-1", "units": 1}
    allocation = api.post("/stock/allocations", aside).json()
    comparison = make_comparison(connected, findings=[COMPARED])
    StockHandOver.objects.create(store=connected, state="done", figures=3)
    file = ParcelHandOver.objects.create(store=connected, state="done", parcels=3, refused=1)
    in_file(file, 2, code="1", problem="No.")
    kit = Variant.objects.get(sku="SKU-2").pk
    api.put(f"/variants/{kit}/parts", {"parts": [{"sku": "SKU-1", "units": 2}]})
    kept_there(connected, 1)
    ids: dict[str, Any] = {
        "/api/v1/stock/pushes/{id}": Push.objects.earliest("pk").pk,
        "/api/v1/shipments/files/{id}/refused": file.pk,
        "/api/v1/payouts/{id}": payout.pk,
        "/api/v1/payouts/{id}/lines": payout.pk,
        "/api/v1/orders/{id}": order.pk,
        "/api/v1/orders/{id}/outside": order.pk,
        "/api/v1/orders/{id}/refunds": order.pk,
        "/api/v1/orders/{id}/returns": order.pk,
        "/api/v1/orders/{id}/refunded-goods": order.pk,
        "/api/v1/orders/{id}/conflicts": order.pk,
        "/api/v1/orders/{id}/timeline": order.pk,
        "/api/v1/runs/{id}": run["id"],
        "/api/v1/woocommerce/integrations/{id}": connected.pk,
        "/api/v1/woocommerce/integrations/{id}/runs": connected.pk,
        "/api/v1/integrations/{id}": connected.pk,
        "/api/v1/variants/{id}/parts": kit,
        "/api/v1/stock/allocations/{id}": allocation["id"],
    }
    rules = {"/api/v1/stock/rules/{rule_id}": stock_rule["id"]}
    queries = {"/api/v1/stock/explain": ({"sku": "SKU-1"}, {"sku": "SKU-2"})}
    parts = ("runs", "health", "webhooks", "mappings", "channels", "locations", "reconciliations")
    for name in (*parts, "stock-master", "first-push"):
        ids[f"/api/v1/integrations/{{id}}/{name}"] = connected.pk
    for name in ("products", "variants", "listings", "locations", "parked"):
        ids[f"/api/v1/{name}/{{id}}"] = api.get(f"/{name}").json()["results"][0]["id"]
    lacking = {"order": order, "line": order.lines.all()[0], "units": 1, "opened_at": factories.NOW}
    decided = {"outcome": "nothing", "decided_by": "user:anna", "decided_at": factories.NOW}
    GoodsDecision.objects.create(order=order, line=lacking["line"], units=1, **decided)
    outside = OutsideFulfillment.objects.create(
        order=order, store=connected, reference="LGX-1", speed="standard"
    )
    OutsideLine.objects.create(fulfillment=outside, line=lacking["line"], sku="S", quantity=1)
    sold = Oversell.objects.create(merchant=connected.merchant, sku="SKU-1", **lacking)
    ids["/api/v1/oversells/{id}"] = sold.pk
    Listing.objects.filter(pk=ids["/api/v1/listings/{id}"]).update(variant=None)
    ids["/api/v1/listings/{id}/candidates"] = ids["/api/v1/listings/{id}"]
    reads = [
        path
        for method, path, _ in _operations(description)
        if method == "get" and not is_twin(path)
    ]

    for path in reads:
        address = path.replace("{rule_id}", str(rules.get(path, rule["id"])))
        address = address.replace("{run_id}", str(comparison.pk))
        known = connected.pk if address != path else ids.get(path)
        address = address.replace("{id}", str(known)).removeprefix("/api/v1")
        for query in queries.get(path, ({},)):
            answer = api.get(address, query)
            assert answer.status_code == 200, (path, answer.content)
            _holds(description, path, "get", answer)
            rows = answer.json().get("results", [1])
            assert rows, f"{path} is empty: nothing was compared"


def test_the_answers_of_writes_are_as_described(
    api: Api, description: dict[str, Any], connected: Store, shop: Shop
) -> None:
    import_products(connected, 1)
    shop.orders = {"1001": factories.make_order(1)}
    store = f"/woocommerce/integrations/{connected.pk}"
    path = "/woocommerce/integrations/{id}/sync"
    _holds(description, path, "post", api.post(f"{store}/sync", {"order": "1001"}))
    _holds(description, path, "post", api.post(f"{store}/sync", {"full": True}))
    order = Order.objects.get()
    parcel = api.post(f"/orders/{order.pk}/shipments", {"lines": [{"sku": "SKU-1", "quantity": 1}]})
    _holds(description, "/orders/{id}/shipments", "post", parcel)
    allow_refunds(connected)
    refund = api.post(f"/orders/{order.pk}/refunds", {"amount": "1.00"})
    _holds(description, "/orders/{id}/refunds", "post", refund)
    tracking = api.patch(f"/orders/{order.pk}/shipments/{parcel.json()['id']}", {"carrier": "UPS"})
    _holds(description, "/orders/{id}/shipments/{shipment_id}", "patch", tracking)
    asked = {"store": str(make_depot(connected.merchant).pk)}
    outside = f"/orders/{order.pk}/outside"
    priced = api.post(f"{outside}/preview", asked)
    assert priced.status_code == 200
    _holds(description, "/orders/{id}/outside/preview", "post", priced)
    sent = api.post(outside, asked)
    assert sent.status_code == 202
    _holds(description, "/orders/{id}/outside", "post", sent)
    off = api.post(f"{outside}/{sent.json()['id']}/cancel", {})
    _holds(description, "/orders/{id}/outside/{outside_id}/cancel", "post", off)
    place = api.post("/locations", {"code": "north", "name": "North"})
    _holds(description, "/locations", "post", place)
    for verb, body in {
        "status": {"status": "completed"},
        "notes": {"text": "Hello"},
        "refetch": {},
    }.items():
        answer = api.post(f"/orders/{order.pk}/{verb}", body)
        _holds(description, f"/orders/{{id}}/{verb}", "post", answer)
    for verb in ("webhooks/check", "webhooks/secret"):
        answer = api.post(f"/integrations/{connected.pk}/{verb}")
        _holds(description, f"/integrations/{{id}}/{verb}", "post", answer)
    rules = f"/integrations/{connected.pk}/mappings"
    made = api.post(rules, GIFT)
    _holds(description, "/integrations/{id}/mappings", "post", made)
    rule = f"{rules}/{made.json()['id']}"
    changed = api.patch(rule, {"enabled": False})
    _holds(description, "/integrations/{id}/mappings/{rule_id}", "patch", changed)
    places = f"/integrations/{connected.pk}/locations"
    north = api.put(places, {"places": [{"location": "north"}]})
    assert [one["shown_at"] for one in north.json()["places"]] == [None]
    _holds(description, "/integrations/{id}/locations", "put", north)
    StoreLocation.objects.create(store=connected, external_id="61000001", name="Hauptlager")
    all_places = api.post(f"{places}/make-places")
    assert all_places.json()["places"][0]["shown_at"]
    _holds(description, "/integrations/{id}/locations/make-places", "post", all_places)
    stock_rule = api.post("/stock/rules", {"store": None, "buffer": 2})
    _holds(description, "/stock/rules", "post", stock_rule)
    changed = api.patch(f"/stock/rules/{stock_rule.json()['id']}", {"max_listed": 3})
    _holds(description, "/stock/rules/{rule_id}", "patch", changed)
    _holds(description, "/stock/rules", "post", api.post("/stock/rules", {}))
    (_, added) = api.get("/stock/rules/changes").json()["results"]
    undo = "/stock/rules/changes/{change_id}/put-back"
    for confirm in (False, True):
        answer = api.post(undo.format(change_id=added["id"]), {"confirm": confirm})
        _holds(description, undo, "post", answer)
    listing = f"/listings/{Listing.objects.get(store=connected).pk}"
    fixed = api.patch(listing, {"mode": "fixed", "fixed_quantity": 3})
    _holds(description, "/listings/{id}", "patch", fixed)
    supposed = api.post("/stock/explain", {"sku": "SKU-1", "suppose": {"buffer": 5}})
    assert supposed.json()["listings"]
    _holds(description, "/stock/explain", "post", supposed)
    kit = f"/variants/{Variant.objects.get().pk}/parts"
    _holds(description, "/variants/{id}/parts", "put", api.put(kit, {"parts": []}))
    tried = api.post("/mappings/preview", {"store": str(connected.pk), "rules": [GIFT]})
    _holds(description, "/mappings/preview", "post", tried)
    for verb in ("test", "pause", "resume"):
        _holds(
            description,
            f"/woocommerce/integrations/{{id}}/{verb}",
            "post",
            api.post(f"{store}/{verb}"),
        )
    refused = api.post(f"/orders/{order.pk}/cancel")
    assert refused.status_code == 409
    _holds(description, "/orders/{id}/cancel", "post", refused)


def _holds(description: dict[str, Any], path: str, method: str, answer: Any) -> None:
    path = path if path.startswith("/api") else f"/api/v1{path}"
    responses = description["paths"][path][method]["responses"]
    described = responses[str(answer.status_code)]["content"]
    assert answer["Content-Type"] in described, path
    schema = {
        **described[answer["Content-Type"]]["schema"],
        "components": description["components"],
    }
    jsonschema.Draft202012Validator(schema).validate(answer.json())


def _resolved(description: dict[str, Any], schema: Any) -> Any:
    """The schema with every reference put in its place."""
    if isinstance(schema, list):
        return [_resolved(description, item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _resolved(description, description["components"]["schemas"][name])
    return {key: _resolved(description, value) for key, value in schema.items()}
