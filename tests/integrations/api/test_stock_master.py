"""Who counts a store's stock, and the first push before it is sent, over the API."""

from __future__ import annotations

import pytest

from integrations.models import Push, Store, ToldFigure
from inventory.models import Listing, StockLevel
from logix.accounts.models import AuditEvent, Merchant, Scope
from tests import factories
from tests.integrations.api.client import Api, api_for, import_products


@pytest.fixture
def counted(store: Store) -> Store:
    """Three listings of 10, of which the store shows another figure for one."""
    Store.objects.filter(pk=store.pk).update(stock_opened_at=factories.NOW)
    import_products(store, 1, 2, 3)
    Listing.objects.filter(external_product_id="p2").update(seen_quantity=4)
    return store


def address(store: Store) -> str:
    return f"/integrations/{store.pk}/stock-master"


def on_hand() -> list[int]:
    return list(StockLevel.objects.order_by("variant__sku").values_list("on_hand", flat=True))


def test_a_switch_is_tried_first_and_done_with_confirm(api: Api, counted: Store) -> None:
    assert api.get(address(counted)).json() == {
        "master": "hub",
        "zeros_unconfirmed": 0,
        "zeros_held": 0,
    }
    before = on_hand()

    tried = api.post(address(counted), {"master": "store"}).json()

    assert on_hand() == before
    assert (tried["is_done"], tried["listings"], tried["counted"], tried["equal"]) == (
        False,
        3,
        1,
        2,
    )
    assert [(x["sku"], x["shows"], x["before"], x["after"]) for x in tried["named"]] == [
        ("SKU-2", 4, 10, 4)
    ]

    done = api.post(address(counted), {"master": "store", "confirm": True}).json()

    assert {**done, "is_done": False} == tried
    assert on_hand() == [10, 4, 10]
    assert api.get(address(counted)).json()["master"] == "store"
    assert AuditEvent.objects.get(action="store.stock_master_changed").actor.startswith("lgx_")


def test_the_same_master_again_is_refused(api: Api, counted: Store) -> None:
    answer = api.post(address(counted), {"master": "hub", "confirm": True})

    assert (answer.status_code, answer.json()["code"]) == (409, "run_refused")


def test_it_cannot_be_switched_in_passing(api: Api, counted: Store) -> None:
    answer = api.patch(
        f"/woocommerce/integrations/{counted.pk}", {"options": {"stock_master": "store"}}
    )

    assert (answer.status_code, answer.json()["code"]) == (422, "switch_by_itself")
    assert "first say what would change" in answer.json()["detail"]


def test_held_zeros_are_counted_and_believed(api: Api, counted: Store) -> None:
    api.post(address(counted), {"master": "store", "confirm": True})
    listing = Listing.objects.get(external_product_id="p1")
    Listing.objects.filter(pk=listing.pk).update(seen_quantity=0)
    ToldFigure.objects.create(
        store=counted, listing=listing, was=10, state="held", problem="Too many."
    )
    health = api.get(f"/integrations/{counted.pk}/health").json()

    assert api.get(address(counted)).json()["zeros_held"] == 1
    assert any("shows 0 for 1 listings" in x["what"] for x in health["found"])

    answer = api.post(f"{address(counted)}/believe-zeros")

    assert answer.json() == {"believed": 1}
    assert on_hand()[0] == 0


def test_the_first_push_is_shown_listing_by_listing(api: Api, counted: Store) -> None:
    told = api.get(f"/integrations/{counted.pk}/first-push").json()

    assert told["writes_enabled"] is False
    assert told["counts"] == {"write": 1, "equal": 2, "left_alone": 0, "blocked": 0}
    wrong = [x for x in told["lines"] if x["outcome"] == "write"]
    assert [(x["sku"], x["shows"], x["would_show"]) for x in wrong] == [("SKU-2", 4, 10)]
    assert (told["zeros"], told["reasons"], told["next"]) == (0, [], None)
    only = api.get(f"/integrations/{counted.pk}/first-push?outcome=equal").json()
    assert len(only["lines"]) == 2
    assert set(Push.objects.values_list("state", flat=True)) == {Push.State.BLOCKED}


def test_a_reader_may_look_and_not_switch(merchant: Merchant, counted: Store) -> None:
    reader = api_for(merchant, Scope.READ)

    assert reader.get(address(counted)).status_code == 200
    assert reader.post(address(counted), {"master": "store"}).status_code == 403
