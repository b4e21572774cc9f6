"""Links that people have to make, and oversells, over the API."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.models import Store
from inventory import links
from inventory.models import LinkProblem, Listing, Variant
from logix.accounts.models import AuditEvent, Merchant, Scope
from orders.models import Order, Oversell
from tests import factories
from tests.factories import NOW
from tests.integrations.api.client import Api, api_for


@pytest.fixture
def unlinked(order: Order) -> Listing:
    """A listing of SKU-1 that came before the product did."""
    listing = Listing.objects.get(sku="SKU-1")
    Listing.objects.filter(pk=listing.pk).update(
        variant=None, link_problem=LinkProblem.DUPLICATE_SKU
    )
    return listing


def test_a_listing_shows_what_it_might_be(api: Api, unlinked: Listing) -> None:
    (found,) = api.get(f"/listings/{unlinked.pk}/candidates").json()["results"]

    variant = Variant.objects.get(sku="SKU-1")
    assert (found["variant_id"], found["sku"]) == (str(variant.pk), "SKU-1")
    assert (found["reason"], found["is_sure"]) == ("It has the same SKU.", True)


def test_all_that_leave_no_doubt_are_linked_by_one_call(
    api: Api, store: Store, unlinked: Listing
) -> None:
    answer = api.post("/listings/link-all", {"store": str(store.pk)})

    assert answer.json() == {"linked": 1, "left": [], "more": False}
    unlinked.refresh_from_db()
    assert unlinked.variant == Variant.objects.get(sku="SKU-1")
    assert AuditEvent.objects.filter(action="listing.linked").count() == 1
    links.unlink(unlinked, actor="user:anna")
    assert api.post("/listings/link-all", {"store": str(store.pk)}).json()["linked"] == 0


def test_who_may_only_read_links_nothing(
    merchant: Merchant, store: Store, unlinked: Listing
) -> None:
    reader = api_for(merchant, Scope.READ)

    assert reader.get(f"/listings/{unlinked.pk}/candidates").status_code == 200
    assert reader.post("/listings/link-all", {"store": str(store.pk)}).status_code == 403


def test_oversells_are_listed_with_their_cause(api: Api, store: Store, order: Order) -> None:
    line = order.lines.all()[0]
    fields: dict[str, Any] = {
        "merchant": store.merchant,
        "order": order,
        "line": line,
        "sku": line.sku,
        "cause": {"channels": [{"store": "Shop", "told": 3}]},
        "found_after_s": 12,
    }
    Oversell.objects.create(units=2, opened_at=NOW, resolved_at=NOW, **fields)
    now = Oversell.objects.create(units=1, opened_at=NOW, **fields)

    (found,) = api.get("/oversells", {"store": str(store.pk), "sku": line.sku}).json()["results"]

    assert found == {
        "id": str(now.pk),
        "order_id": str(order.pk),
        "order_number": order.number,
        "store_id": str(store.pk),
        "line_id": str(line.pk),
        "variant_id": None,
        "sku": line.sku,
        "units": 1,
        "cause": {"channels": [{"store": "Shop", "told": 3}]},
        "found_after_s": 12,
        "opened_at": "2026-11-20T12:00:00Z",
        "resolved_at": None,
    }
    over = api.get("/oversells", {"resolved": "true"}).json()["results"]
    assert [row["units"] for row in over] == [2]


def test_a_stranger_sees_none_of_it(store: Store, unlinked: Listing) -> None:
    stranger = api_for(factories.make_merchant("stranger"))

    assert stranger.get(f"/listings/{unlinked.pk}/candidates").status_code == 404
    assert stranger.post("/listings/link-all", {"store": str(store.pk)}).status_code == 400
    assert stranger.get("/oversells").json()["results"] == []
