"""Edits after picking began over the API: what differs is shown, and accepted as it was seen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from integrations.api.order_schema import ConflictSerializer
from integrations.models import Store
from logix.accounts.models import AuditEvent, Merchant, Scope
from orders import services
from orders.models import Conflict, Order
from tests import factories
from tests.integrations.api.client import Api, api_for, import_orders, import_products
from tests.orders.shop import later

TOLD = factories.make_order(1, lines=(factories.make_line(1), factories.make_line(2)))
EDITED = later(
    TOLD,
    1,
    version=5,
    lines=(factories.make_line(1, quantity=3), factories.make_line(3, quantity=1)),
    buyer=replace(TOLD.buyer, shipping=replace(TOLD.buyer.shipping, line1="Allee 9")),  # type: ignore[union-attr, type-var]
)


@pytest.fixture
def order(store: Store) -> Order:
    """One unit has left; then the store edited it."""
    import_products(store, 3)
    (order,) = import_orders(store, [TOLD])
    line = order.lines.get(external_id="l1")
    services.add_shipment(order, lines={line.pk: 1}, actor="user:anna")
    import_orders(store, [EDITED])
    return order


def test_an_order_shows_what_its_store_changed(api: Api, order: Order) -> None:
    shown = api.get(f"/orders/{order.pk}").json()["conflict"]
    ids = dict(order.lines.values_list("external_id", "pk"))

    assert shown == {
        "id": str(Conflict.objects.get().pk),
        "state": "open",
        "edits": 1,
        "edited_at": "2026-11-20T12:01:00Z",
        "source_version": 5,
        "opened_at": shown["opened_at"],
        "closed_at": None,
        "decided_by": "",
        "lines": [
            {
                "change": "changed",
                "line_id": str(ids["l1"]),
                "external_id": "l1",
                "name": "Mug 1",
                "before": {"sku": "SKU-1", "quantity": 2, "unit_price": "10.00"},
                "after": {"sku": "SKU-1", "quantity": 3, "unit_price": "10.00"},
                "shipped": 1,
            },
            {
                "change": "added",
                "line_id": str(ids["l3"]),
                "external_id": "l3",
                "name": "Mug 3",
                "before": None,
                "after": {"sku": "SKU-3", "quantity": 1, "unit_price": "10.00"},
                "shipped": 0,
            },
            {
                "change": "removed",
                "line_id": str(ids["l2"]),
                "external_id": "l2",
                "name": "Mug 2",
                "before": {"sku": "SKU-2", "quantity": 2, "unit_price": "10.00"},
                "after": None,
                "shipped": 0,
            },
        ],
        "fields": [{"field": "address", "before": None, "after": None}],
    }
    assert set(shown) == set(ConflictSerializer().fields)
    assert api.get(f"/orders/{order.pk}/conflicts").json()["results"] == [shown]


def test_no_address_is_told_to_who_may_not_see_buyers(merchant: Merchant, order: Order) -> None:
    blind = api_for(merchant, Scope.READ)

    for page in ("", "/conflicts", "/timeline"):
        text = blind.get(f"/orders/{order.pk}{page}").content.decode()
        assert not any(word in text for word in ("Allee 9", "Weg 1", "Zoë"))


def test_orders_that_wait_are_found_by_their_flag(api: Api, order: Order) -> None:
    (found,) = api.get("/orders?flag=edited_after_import").json()["results"]

    assert found["id"] == str(order.pk)


def test_a_parcel_is_refused_with_the_difference(api: Api, order: Order) -> None:
    answer = api.post(f"/orders/{order.pk}/shipments", {"carrier": "DHL"})

    assert (answer.status_code, answer.json()["code"]) == (409, "edited_after_import")
    assert (
        "SKU-1 2 → 3; added 1 × SKU-3; removed 2 × SKU-2; the address" in (answer.json()["detail"])
    )


def test_an_edit_is_accepted_and_the_order_goes_on(api: Api, order: Order) -> None:
    answer = api.post(f"/orders/{order.pk}/conflict/accept", {"edits": 1})

    assert answer.status_code == 200, answer.content
    assert answer.json()["state"] == "accepted"
    assert answer.json()["decided_by"].startswith("token:")
    assert api.get(f"/orders/{order.pk}").json()["conflict"] is None
    assert AuditEvent.objects.get(action="order.edit_accepted").object_id == str(order.pk)
    assert api.post(f"/orders/{order.pk}/shipments", {"carrier": "DHL"}).status_code == 201


def test_what_was_edited_again_since_is_refused(api: Api, order: Order, store: Store) -> None:
    import_orders(store, [later(EDITED, 1, lines=TOLD.lines[:1])])

    answer = api.post(f"/orders/{order.pk}/conflict/accept", {"edits": 1})

    assert (answer.status_code, answer.json()["code"]) == (409, "edited_meanwhile")
    assert api.get(f"/orders/{order.pk}").json()["conflict"]["edits"] == 2


def test_where_no_edit_waits_there_is_nothing_to_accept(api: Api, order: Order) -> None:
    api.post(f"/orders/{order.pk}/conflict/accept", {"edits": 1})

    answer = api.post(f"/orders/{order.pk}/conflict/accept", {"edits": 1})

    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_to_review")
    assert Conflict.objects.get().state == "accepted"


def test_a_review_is_no_second_door_to_an_edit(api: Api, order: Order) -> None:
    answer = api.post(f"/orders/{order.pk}/review")

    assert (answer.status_code, answer.json()["code"]) == (409, "edit_undecided")
    shown = api.get(f"/orders/{order.pk}").json()
    assert (shown["flags"], shown["conflict"]["state"]) == (["edited_after_import"], "open")
    assert not AuditEvent.objects.filter(action="order.reviewed").exists()


def test_who_accepts_says_what_they_saw(api: Api, order: Order) -> None:
    for told in (None, {}, {"edits": None}, {"edits": 0}):
        answer = api.post(f"/orders/{order.pk}/conflict/accept", told)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid"), told

    assert Conflict.objects.get().state == "open"


def test_who_may_only_read_accepts_nothing(merchant: Merchant, order: Order) -> None:
    answer = api_for(merchant, Scope.READ).post(f"/orders/{order.pk}/conflict/accept")

    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
