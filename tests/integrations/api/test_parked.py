"""Records that were set aside: listed with the reason, tried again, or let go by a person."""

from __future__ import annotations

import pytest

from integrations.base import Unreadable
from integrations.models import ParkedRecord, Store
from integrations.sync import park
from logix.accounts.models import AuditEvent
from orders.models import Order
from tests import factories
from tests.integrations.api.client import Api
from tests.integrations.api.shop import Shop


@pytest.fixture
def parked(connected: Store) -> ParkedRecord:
    unreadable = Unreadable(
        external_id="1001", reason="The total is missing.", path="$.total", raw=b'{"id": 1001}'
    )
    park(connected, stream="orders", unreadable=unreadable)
    return ParkedRecord.objects.get()


def test_parked_records_are_listed_with_the_reason(
    api: Api, stranger: Api, parked: ParkedRecord
) -> None:
    row = api.get("/parked").json()["results"][0]

    assert (row["external_id"], row["reason"], row["path"]) == (
        "1001",
        "The total is missing.",
        "$.total",
    )
    assert api.get(f"/parked/{parked.pk}").json() == row
    assert api.get("/parked", {"state": "resolved"}).json()["results"] == []
    assert api.get("/parked", {"store": str(parked.store_id), "code": "contract_broken"}).json()[
        "results"
    ]
    assert stranger.get("/parked").json()["results"] == []
    assert stranger.get(f"/parked/{parked.pk}").status_code == 404


def test_a_record_that_was_mended_in_the_store_comes_in(
    api: Api, shop: Shop, parked: ParkedRecord
) -> None:
    shop.orders = {"1001": factories.make_order(1)}

    told = api.post(f"/parked/{parked.pk}/retry").json()

    assert told["resolved"] is True, told
    assert told["parked"]["state"] == "resolved"
    assert Order.objects.get().external_id == "1001"


def test_a_record_that_is_still_broken_stays(api: Api, shop: Shop, parked: ParkedRecord) -> None:
    told = api.post(f"/parked/{parked.pk}/retry").json()

    assert (told["resolved"], told["parked"]["attempts"]) == (False, 2)


def test_letting_go_needs_a_reason_and_is_noted(
    api: Api, stranger: Api, parked: ParkedRecord
) -> None:
    assert stranger.post(f"/parked/{parked.pk}/dismiss", {"reason": "x"}).status_code == 404
    assert api.post(f"/parked/{parked.pk}/dismiss").status_code == 400

    told = api.post(f"/parked/{parked.pk}/dismiss", {"reason": "A test order"}).json()

    assert told["state"] == "dismissed"
    event = AuditEvent.objects.get(action="parked.dismissed")
    assert event.details["reason"] == "A test order"
