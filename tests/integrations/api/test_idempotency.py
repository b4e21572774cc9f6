"""A write sent twice under one key is done once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from integrations.api import idempotency
from inventory.models import Location, StockMovement
from logix.accounts.models import IdempotentRequest, Merchant, Scope
from orders.models import Order, Shipment
from tests.integrations.api.client import Api, api_for

NORTH = {"code": "north", "name": "North"}


def _post(api: Api, body: dict[str, Any] = NORTH, key: str = "k1", path: str = "/locations") -> Any:
    return api.post(path, body, Idempotency_Key=key)


def test_the_same_request_again_is_answered_and_not_done(api: Api) -> None:
    first = _post(api)

    again = _post(api)

    assert first.status_code == again.status_code == 201
    assert again.content == first.content
    assert again["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first
    assert Location.objects.count() == 1


def test_a_shipment_sent_twice_leaves_once(api: Api, order: Order) -> None:
    path, body = f"/orders/{order.pk}/shipments", {"carrier": "DHL", "tracking_number": "1"}

    first, again = _post(api, body, path=path), _post(api, body, path=path)

    assert first.status_code == 201, first.content
    assert again.json() == first.json()
    assert Shipment.objects.count() == 1
    assert StockMovement.objects.filter(kind="shipment", bucket="on_hand").count() == 1


def test_the_same_key_for_something_else_is_refused(api: Api) -> None:
    _post(api)

    other_body = _post(api, {"code": "south", "name": "South"})
    other_path = api.post("/stock/adjust", NORTH, Idempotency_Key="k1")

    assert other_body.status_code == other_path.status_code == 422
    assert other_body.json()["code"] == "idempotency_key_reused"
    assert Location.objects.count() == 1


def test_an_answer_that_shows_the_buyer_is_not_given_to_who_may_not_see_him(
    api: Api, merchant: Merchant, order: Order
) -> None:
    path, body = f"/orders/{order.pk}/status", {"status": "on_hold"}
    assert "Žižek" in _post(api, body, path=path).content.decode()

    blind = api_for(merchant, Scope.ORDERS_WRITE)
    answer = _post(blind, body, path=path)

    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert "Žižek" not in answer.content.decode()


def test_keys_of_two_merchants_are_strangers(api: Api, stranger: Api) -> None:
    assert _post(api).status_code == 201
    answer = _post(stranger, {"code": "north", "name": "Theirs"})

    assert answer.status_code == 201
    assert answer.json()["name"] == "Theirs"


def test_a_key_is_the_merchants_not_the_tokens(merchant: Merchant, api: Api) -> None:
    _post(api)

    assert _post(api_for(merchant))["Idempotent-Replayed"] == "true"


def test_while_the_first_is_at_work_the_second_waits(api: Api, merchant: Merchant) -> None:
    _post(api)
    IdempotentRequest.objects.update(state="running", status=None, response=None)

    answer = _post(api)

    assert answer.status_code == 409
    assert answer.json()["code"] == "idempotency_in_flight"
    assert int(answer["Retry-After"]) >= 1


def test_after_a_dead_worker_the_repeat_does_the_work(api: Api, merchant: Merchant) -> None:
    _post(api)
    Location.objects.all().delete()
    IdempotentRequest.objects.update(state="running", status=None, response=None)

    with time_machine.travel(timezone.now() + idempotency.LOCK + timedelta(seconds=1)):
        answer = _post(api)

    assert answer.status_code == 201
    assert Location.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_lost_its_claim_leaves_nothing_behind(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = idempotency._claim

    def overtaken(*args: Any) -> Any:
        """Another worker takes over between the claim and the work, as after a long sleep."""
        claim = real(*args)
        later = timezone.now() + timedelta(hours=1)
        IdempotentRequest.objects.update(locked_until=later)
        return claim

    monkeypatch.setattr(idempotency, "_claim", overtaken)

    answer = _post(api)

    assert answer.status_code == 409
    assert not Location.objects.exists()
    assert IdempotentRequest.objects.count() == 1


def test_a_refusal_is_not_kept_so_the_key_may_try_again(api: Api) -> None:
    refused = _post(api, {"code": "north"})

    assert refused.status_code == 400
    assert not IdempotentRequest.objects.exists()
    assert _post(api).status_code == 201


def test_a_week_later_the_key_is_free(api: Api) -> None:
    _post(api)
    Location.objects.all().delete()
    IdempotentRequest.objects.update(created_at=timezone.now() - timedelta(days=8))

    answer = _post(api)

    assert answer.status_code == 201
    assert "Idempotent-Replayed" not in answer


def test_the_kept_answer_is_sealed(api: Api) -> None:
    _post(api)

    row = IdempotentRequest.objects.get()

    assert b"North" not in bytes(row.response or b"")
    assert "North" not in row.request_digest


@pytest.mark.parametrize("key", ["", "k" * 256, "schlüssel", "a\tb"])
def test_a_key_that_is_none_is_refused(api: Api, key: str) -> None:
    answer = _post(api, key=key)

    assert answer.status_code == 400
    assert answer.json()["code"] == "bad_idempotency_key"


def test_patch_and_delete_take_keys_too(api: Api) -> None:
    made = _post(api).json()

    first = api.patch(f"/locations/{made['id']}", {"rank": 5}, Idempotency_Key="k2")
    again = api.patch(f"/locations/{made['id']}", {"rank": 5}, Idempotency_Key="k2")

    assert first.json()["rank"] == 5
    assert again["Idempotent-Replayed"] == "true"


def test_reads_take_no_notice_of_a_key(api: Api) -> None:
    assert api.get("/locations", **{"Idempotency-Key": "k1"}).status_code == 200
    assert not IdempotentRequest.objects.exists()
