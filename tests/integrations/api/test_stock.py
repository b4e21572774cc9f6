"""Stock and catalogue over the API."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from integrations.models import Store
from inventory.models import Listing, Location, StockLevel, StockMovement, Variant
from logix.accounts.models import AuditEvent
from orders.models import Order
from tests.integrations.api.client import Api, import_products


@pytest.fixture
def mug(store: Store) -> Variant:
    import_products(store, 1)
    return Variant.objects.get()


def _adjust(api: Api, **body: Any) -> Any:
    return api.post("/stock/adjust", {"sku": "SKU-1", "reason": "Count", **body})


def test_a_count_and_a_correction_leave_a_trail(api: Api, mug: Variant) -> None:
    counted = _adjust(api, set_to=12)
    dropped = _adjust(api, delta=-2, reason="Dropped")

    assert (counted.status_code, dropped.status_code) == (201, 201), counted.content
    assert [dropped.json()[k] for k in ("before", "delta", "after")] == [12, -2, 10]
    assert dropped.json()["variant"]["sku"] == "SKU-1"
    level = api.get("/stock/levels").json()["results"][0]
    assert (level["on_hand"], level["free"], level["location"]["code"]) == (10, 10, "main")
    trail = api.get("/stock/movements").json()["results"]
    assert [row["reason"] for row in trail] == ["Dropped", "Count"]
    assert trail[0]["actor"].startswith("token:lgx_")
    assert AuditEvent.objects.filter(action="stock.adjusted").count() == 2


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "delta_or_set_to"),
        ({"delta": 1, "set_to": 1}, 400, "delta_or_set_to"),
        ({"set_to": -1}, 400, "min_value"),
        ({"delta": 0}, 400, "no_change"),
        ({"delta": 1.5}, 400, "invalid"),
        ({"delta": 10**18}, 400, "max_value"),
        ({"delta": 1, "sku": "SKU-404"}, 400, "unknown"),
        ({"delta": 1, "location": "moon"}, 400, "unknown"),
        ({"delta": 1, "variant": str(uuid4())}, 400, "sku_or_variant"),
        ({"delta": 1, "reason": " "}, 400, "blank"),
        ({"delta": 1, "location": "shut"}, 409, "stock_refused"),
    ],
)
def test_an_adjustment_that_cannot_be_is_refused_and_moves_nothing(
    api: Api, mug: Variant, body: dict[str, Any], status: int, code: str
) -> None:
    Location.objects.create(merchant=mug.merchant, code="shut", name="Shut", is_active=False)

    answer = _adjust(api, **body)

    told = answer.json()
    assert answer.status_code == status, told
    assert code in {told["code"], *(error["code"] for error in told["errors"])}
    assert not StockMovement.objects.exists()
    assert not AuditEvent.objects.filter(action="stock.adjusted").exists()


def _restock(api: Api, **body: Any) -> Any:
    return api.post("/stock/restock", {"sku": "SKU-1", "units": 2, "reference": "RMA-1", **body})


def test_a_return_is_put_back_once_by_its_reference(api: Api, store: Store, order: Order) -> None:
    _adjust(api, set_to=5)

    first = _restock(api, order=str(order.pk), reason="Unopened")
    again = _restock(api, order=str(order.pk))
    other = _restock(api, reference="RMA-2", units=1)

    assert [x.status_code for x in (first, again, other)] == [201, 201, 201], first.content
    assert again.json() == first.json()
    told = [first.json()[k] for k in ("kind", "before", "delta", "after", "order_ref")]
    assert told == ["restock", 5, 2, 7, str(order.pk)]
    assert StockLevel.objects.get().on_hand == 8
    audited = AuditEvent.objects.filter(action="stock.restocked").last()
    assert audited is not None
    assert audited.details == {"location": "main", "units": 2, "reference": "RMA-1"}


def test_one_reference_may_name_several_items_and_is_each_merchants_own(
    api: Api, store: Store, stranger: Api
) -> None:
    import_products(store, 1, 2)

    assert _restock(api).json()["delta"] == 2
    assert _restock(api, sku="SKU-2", units=3).json()["delta"] == 3
    assert _restock(stranger).status_code == 400
    assert StockMovement.objects.filter(kind="restock").count() == 2


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"units": 0}, 400, "min_value"),
        ({"units": None}, 400, "null"),
        ({"reference": ""}, 400, "blank"),
        ({"sku": "SKU-404"}, 400, "unknown"),
        ({"sku": ""}, 400, "blank"),
        ({"variant": str(uuid4())}, 400, "sku_or_variant"),
        ({"order": str(uuid4())}, 400, "unknown"),
        ({"location": "shut"}, 409, "stock_refused"),
    ],
)
def test_a_return_that_cannot_be_is_refused_and_moves_nothing(
    api: Api, mug: Variant, body: dict[str, Any], status: int, code: str
) -> None:
    Location.objects.create(merchant=mug.merchant, code="shut", name="Shut", is_active=False)

    answer = _restock(api, **body)

    told = answer.json()
    assert answer.status_code == status, told
    assert code in {told["code"], *(error["code"] for error in told["errors"])}
    assert not StockMovement.objects.exists()


def test_a_strangers_variant_and_place_are_unknown(api: Api, stranger: Api, mug: Variant) -> None:
    _adjust(api, set_to=5)
    place = Location.objects.get(merchant=mug.merchant)

    by_sku = _adjust(stranger, delta=1)
    by_id = stranger.post("/stock/adjust", {"variant": str(mug.pk), "delta": 1, "reason": "x"})

    assert (by_sku.status_code, by_id.status_code) == (400, 400)
    assert stranger.get("/stock/levels").json()["results"] == []
    assert stranger.get("/stock/movements").json()["results"] == []
    assert stranger.get(f"/locations/{place.pk}").status_code == 404
    assert stranger.patch(f"/locations/{place.pk}", {"rank": 1}).status_code == 404
    assert StockLevel.objects.get().on_hand == 5


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"sku": "sku-1"}, 1),
        ({"sku": "SKU-404"}, 0),
        ({"location": "main"}, 1),
        ({"counted": "false"}, 0),
        ({"free_below": "6"}, 1),
        ({"free_below": "5"}, 0),
    ],
)
def test_levels_are_filtered(api: Api, mug: Variant, query: dict[str, str], count: int) -> None:
    _adjust(api, set_to=5)

    assert len(api.get("/stock/levels", query).json()["results"]) == count


def test_movements_of_an_order_are_found(api: Api, store: Store, order: Order) -> None:
    _adjust(api, set_to=5)
    api.post(f"/orders/{order.pk}/shipments", {})

    found = api.get("/stock/movements", {"order": str(order.pk)}).json()["results"]

    assert {row["kind"] for row in found} == {"reserve", "shipment"}
    assert all(row["order_ref"] == str(order.pk) for row in found)
    only = api.get("/stock/movements", {"kind": "count", "bucket": "on_hand"}).json()["results"]
    assert [row["after"] for row in only] == [5]


def test_lists_of_stock_take_the_same_statements_however_long(api: Api, store: Store) -> None:
    import_products(store, *range(1, 40))
    for number in range(1, 6):
        api.post("/stock/adjust", {"sku": f"SKU-{number}", "set_to": 5, "reason": "Count"})

    for path in ("/stock/levels", "/stock/movements", "/products", "/variants", "/listings"):
        with CaptureQueriesContext(connection) as captured:
            assert api.get(path).json()["results"], path
        assert len(captured) <= 3, (path, len(captured))


def test_places_are_made_and_changed(api: Api) -> None:
    made = api.post("/locations", {"code": "north", "name": "North", "rank": 20})
    path = f"/locations/{made.json()['id']}"

    changed = api.patch(path, {"name": "North hall", "is_active": False})

    assert made.status_code == 201
    assert api.get(path).json() == changed.json()
    assert (changed.json()["name"], changed.json()["is_active"]) == ("North hall", False)
    assert (
        api.post("/locations", {"code": "north", "name": "Twice"}).json()["errors"][0]["code"]
        == "taken"
    )
    actions = AuditEvent.objects.filter(action__startswith="location.")
    assert {event.action for event in actions} == {"location.created", "location.changed"}


def test_closing_a_place_tells_every_store_that_sells_from_it(
    api: Api, mug: Variant, monkeypatch: pytest.MonkeyPatch
) -> None:
    _adjust(api, set_to=5)
    place = Location.objects.get()
    told: list[Any] = []
    monkeypatch.setattr("integrations.outbox.mark_dirty", lambda ids, **_: told.extend(ids))

    api.patch(f"/locations/{place.pk}", {"rank": 3})
    assert told == []
    api.patch(f"/locations/{place.pk}", {"is_active": False})
    assert told == [mug.pk]


def test_the_catalogue_is_read_and_filtered(api: Api, store: Store, stranger: Api) -> None:
    import_products(store, 1, 2, 3)

    products = api.get("/products").json()["results"]
    one = api.get(f"/products/{products[0]['id']}").json()
    variants = api.get("/variants", {"sku": "sku-2"}).json()["results"]
    listings = api.get("/listings", {"store": str(store.pk), "linked": "true"}).json()["results"]

    assert [p["title"] for p in products] == ["Mug 1", "Mug 2", "Mug 3"]
    assert one == products[0]
    assert one["variants"][0]["sku"] == "SKU-1"
    assert [v["sku"] for v in variants] == ["SKU-2"]
    assert [x["seen_quantity"] for x in listings] == [10, 10, 10]
    listing = api.get(f"/listings/{listings[0]['id']}").json()
    assert listing["variant_id"] == str(Listing.objects.get(pk=listing["id"]).variant_id)
    for path in ("/products", "/variants", "/listings"):
        assert stranger.get(path).json()["results"] == []
    for path in (f"/products/{one['id']}", f"/variants/{variants[0]['id']}"):
        assert stranger.get(path).status_code == 404


def test_units_are_called_damaged_and_written_off(api: Api, mug: Variant) -> None:
    _adjust(api, set_to=9)

    damaged = api.post(
        "/stock/keep-back", {"sku": "SKU-1", "bucket": "damaged", "delta": 2, "reason": "Wet"}
    )
    gone = api.post("/stock/write-off", {"sku": "SKU-1", "units": 1, "reason": "Thrown away"})

    assert (damaged.status_code, damaged.json()["kind"]) == (201, "damage")
    assert (gone.status_code, gone.json()["delta"]) == (201, -1)
    [level] = api.get("/stock/levels", {"sku": "SKU-1"}).json()["results"]
    assert (level["on_hand"], level["damaged"], level["free"]) == (8, 1, 7)
    told = AuditEvent.objects.get(action="stock.kept_back").details
    assert (told["bucket"], told["delta"], told["reason"]) == ("damaged", 2, "Wet")
    assert AuditEvent.objects.filter(action="stock.written_off").count() == 1


def test_no_more_is_kept_back_than_lies_there(api: Api, mug: Variant) -> None:
    _adjust(api, set_to=1)
    body = {"sku": "SKU-1", "bucket": "held", "set_to": 2, "reason": "Look"}

    answer = api.post("/stock/keep-back", body)

    assert answer.status_code == 409
    assert "1 lie there" in answer.json()["detail"]
