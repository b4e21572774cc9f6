"""Stock figures on their way to a store, over the API: what cannot be sent and why, and what a
merchant's program may do about it.
"""

from __future__ import annotations

import pytest

from integrations.models import HandedFigure, Push, StockHandOver, Store
from integrations.outbox.reasons import Reason
from inventory.models import Listing
from logix.accounts.models import AuditEvent
from tests import factories
from tests.integrations.api.client import Api, import_products


@pytest.fixture
def held(store: Store) -> Store:
    """Three listings, two of which would fall to 0 without an order that explains it."""
    Store.objects.filter(pk=store.pk).update(stock_opened_at=factories.NOW, writes_enabled=True)
    import_products(store, 1, 2, 3)
    Push.objects.filter(listing__external_product_id__in=["p1", "p2"]).update(
        state="blocked", problem_code=Reason.MASS_ZERO, problem="2 of 3 would fall to 0 at once."
    )
    Push.objects.filter(listing__external_product_id="p3").update(state="idle")
    return store


def test_what_cannot_be_sent_is_listed_with_its_reason(api: Api, held: Store) -> None:
    found = api.get("/stock/pushes").json()["results"]

    assert {x["sku"] for x in found} == {"SKU-1", "SKU-2"}
    assert {x["code"] for x in found} == {"would_sell_out"}
    assert {x["problem"] for x in found} == {"2 of 3 would fall to 0 at once."}
    listing = Listing.objects.get(sku="SKU-1")
    first = next(x for x in found if x["sku"] == "SKU-1")
    assert (first["listing_id"], first["shows"]) == (str(listing.pk), listing.seen_quantity)


@pytest.mark.parametrize(
    ("query", "skus"),
    [
        ({"state": "idle"}, {"SKU-3"}),
        ({"state": "idle,blocked"}, {"SKU-1", "SKU-2", "SKU-3"}),
        ({"sku": "SKU-2"}, {"SKU-2"}),
        ({"code": "would_sell_out"}, {"SKU-1", "SKU-2"}),
        ({"code": "figure_reverted"}, set()),
    ],
)
def test_they_are_chosen_by_state_sku_and_reason(
    api: Api, held: Store, query: dict[str, str], skus: set[str]
) -> None:
    assert {x["sku"] for x in api.get("/stock/pushes", query).json()["results"]} == skus


def test_an_unknown_state_is_named(api: Api, held: Store) -> None:
    answer = api.get("/stock/pushes", {"state": "lost"})

    assert answer.status_code == 400
    assert "lost" in str(answer.json())


def test_one_is_tried_again_at_once(api: Api, held: Store) -> None:
    push = Push.objects.get(listing__sku="SKU-1")

    answer = api.post(f"/stock/pushes/{push.pk}/retry")

    assert (answer.status_code, answer.json()["state"], answer.json()["code"]) == (200, "ready", "")
    assert AuditEvent.objects.get(action="push.retried").actor.startswith("lgx_")


def test_one_that_is_being_sent_is_left_alone(api: Api, held: Store) -> None:
    push = Push.objects.get(listing__sku="SKU-1")
    Push.objects.filter(pk=push.pk).update(state="busy")

    answer = api.post(f"/stock/pushes/{push.pk}/retry")

    assert (answer.status_code, answer.json()["code"]) == (409, "being_sent")


def test_one_in_a_file_says_since_when_and_what_the_file_came_to(api: Api, held: Store) -> None:
    push = Push.objects.get(listing__sku="SKU-1")
    Push.objects.filter(pk=push.pk).update(state="handed", problem_code="", problem="")
    file = StockHandOver.objects.create(
        store=held, state="pending", figures=1, handed_at=factories.NOW
    )
    HandedFigure.objects.create(hand_over=file, push=push, number=1)

    [found] = api.get("/stock/pushes", {"state": "handed"}).json()["results"]
    refused = api.post(f"/stock/pushes/{push.pk}/retry")
    [shown] = api.get("/stock/files", {"state": "pending"}).json()["results"]

    assert found["handed_over_at"] == shown["handed_at"] == "2026-11-20T12:00:00Z"
    assert (refused.status_code, refused.json()["code"]) == (409, "being_sent")
    assert "working off" in refused.json()["detail"]
    assert (shown["figures"], shown["refused"], shown["store_id"]) == (1, 0, str(held.pk))
    assert not api.get("/stock/files", {"state": "failed"}).json()["results"]


def test_health_names_the_zeros_that_wait_and_they_are_sent(api: Api, held: Store) -> None:
    found = api.get(f"/integrations/{held.pk}/health").json()["found"]
    [zeros] = [x for x in found if "fall to 0" in x["what"]]
    assert (zeros["level"], zeros["what"][:11]) == ("bad", "2 listings ")
    assert "send-zeros" in zeros["do"]

    assert api.post(f"/integrations/{held.pk}/send-zeros").json() == {"sent": 2}
    assert api.post(f"/integrations/{held.pk}/send-zeros").json() == {"sent": 0}

    rows = Push.objects.filter(problem_code=Reason.ZERO_CONFIRMED)
    assert set(rows.values_list("state", flat=True)) == {"ready"}
    assert AuditEvent.objects.filter(action="outbox.zeros_confirmed").count() == 1
