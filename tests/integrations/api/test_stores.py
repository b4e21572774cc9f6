"""Integrations over the API, as the specification writes them."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from integrations.errors import (
    AuthenticationFailed,
    ContractBroken,
    Misconfigured,
    PlatformError,
    RateLimited,
    Unavailable,
)
from integrations.models import Store, Stream, SyncRun
from integrations.woocommerce.platform import CARD
from logix.accounts.models import AuditEvent, IdempotentRequest, Merchant, Scope
from orders.models import Order
from tests import factories
from tests.integrations.api.client import Api, api_for
from tests.integrations.api.shop import KEYS, Shop

PATH = "/woocommerce/integrations"
BODY = {"store_url": "https://pottery.example", **KEYS, "auto_sync": True}


def test_the_curl_of_the_specification_connects_a_store(api: Api, shop: Shop) -> None:
    """``curl -d`` sends JSON under the content type of a form."""
    answer = Client().post(
        f"/api/v1{PATH}",
        data=json.dumps(BODY).encode(),
        content_type="application/x-www-form-urlencoded",
        headers=api.headers,
    )

    told = answer.json()
    assert answer.status_code == 201, told
    assert (told["name"], told["status"], told["store_url"]) == (
        "Pottery",
        "active",
        "https://pottery.example",
    )
    assert (told["auto_sync"], told["writes_enabled"]) == (True, False)
    assert {stream["name"] for stream in told["streams"]} == {"orders", "products"}


def test_no_answer_and_no_audit_row_shows_a_secret(api: Api, connected: Store) -> None:
    shown = api.get(f"{PATH}/{connected.pk}").content.decode() + api.get(PATH).content.decode()
    audit = str(list(AuditEvent.objects.values()))

    for value in KEYS.values():
        assert value not in shown
        assert value not in audit


def test_list_read_change_and_delete(api: Api, connected: Store, shop: Shop) -> None:
    path = f"{PATH}/{connected.pk}"

    assert [row["id"] for row in api.get(PATH).json()["results"]] == [str(connected.pk)]
    changed = api.patch(path, {"name": "Clay", "auto_sync": False, "writes_enabled": True})
    assert changed.status_code == 200, changed.content
    assert (changed.json()["name"], changed.json()["auto_sync"]) == ("Clay", False)
    assert changed.json()["writes_enabled"] is True
    assert api.get(path).json()["name"] == "Clay"

    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == 404
    assert api.get(PATH).json()["results"] == []
    gone = api.get("/integrations", {"status": "disconnected"}).json()["results"]
    assert [row["id"] for row in gone] == [str(connected.pk)]
    assert AuditEvent.objects.filter(action="store.disconnected").exists()


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({**BODY, "consumer_key": "ck_"}, "/consumer_key"),
        ({"store_url": "https://x.example"}, "/consumer_key"),
        ({k: v for k, v in BODY.items() if k != "store_url"}, "/store_url"),
        ({**BODY, "autosync": True}, "/autosync"),
        ({**BODY, "import_since": "soon"}, "/import_since"),
    ],
)
def test_a_wrong_body_is_told_where(
    api: Api, shop: Shop, body: dict[str, Any], pointer: str
) -> None:
    answer = api.post(PATH, body)

    assert answer.status_code == 400
    assert pointer in {error["pointer"] for error in answer.json()["errors"]}
    assert "ck_" not in answer.content.decode()
    assert not Store.objects.exists()


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (AuthenticationFailed("Unknown key."), 422, "store_authentication_failed"),
        (Misconfigured("Moved.", code="redirected"), 422, "store_redirected"),
        (Unavailable("Down."), 502, "store_unavailable"),
        (RateLimited("Slowly.", retry_after_s=7), 503, "store_rate_limited"),
        (ContractBroken("Odd."), 502, "store_contract_broken"),
    ],
)
def test_what_the_store_says_is_never_our_own_401(
    api: Api, shop: Shop, error: PlatformError, status: int, code: str
) -> None:
    shop.fails = error

    answer = api.post(PATH, BODY)

    assert answer.status_code == status
    assert answer.json()["code"] == code
    assert error.message.split(".")[0] in answer.json()["detail"]
    assert not Store.objects.exists()
    if isinstance(error, RateLimited):
        assert answer["Retry-After"] == "7"


@pytest.mark.parametrize(
    "address", ["http://10.0.0.1", "https://user:pw@shop.example", "ftp://x.y"]
)
def test_an_address_that_may_not_be_called_is_refused(api: Api, shop: Shop, address: str) -> None:
    answer = api.post(PATH, {**BODY, "store_url": address})

    assert answer.status_code == 422
    assert answer.json()["code"].startswith("store_")
    assert not Store.objects.exists()


def test_a_store_is_connected_once(api: Api, connected: Store) -> None:
    answer = api.post(PATH, BODY)

    assert answer.status_code == 409
    assert answer.json()["code"] == "duplicate_store"
    assert Store.objects.count() == 1


def test_connecting_under_a_key_is_done_once_and_keeps_no_secret(api: Api, shop: Shop) -> None:
    first = api.post(PATH, BODY, Idempotency_Key="connect-1")
    again = api.post(PATH, BODY, Idempotency_Key="connect-1")

    assert (first.status_code, again.status_code) == (201, 201)
    assert again["Idempotent-Replayed"] == "true"
    assert Store.objects.count() == 1
    assert KEYS["consumer_secret"] not in str(IdempotentRequest.objects.values())


def test_a_refused_connect_may_be_tried_again_under_its_key(api: Api, shop: Shop) -> None:
    shop.fails = AuthenticationFailed("Unknown key.")
    assert api.post(PATH, BODY, Idempotency_Key="connect-1").status_code == 422
    shop.fails = None

    assert api.post(PATH, BODY, Idempotency_Key="connect-1").status_code == 201


def test_new_keys_are_tested_before_they_are_kept(api: Api, connected: Store, shop: Shop) -> None:
    path = f"{PATH}/{connected.pk}"
    wrong = {"consumer_secret": "cs_fedcba9876543210"}

    assert api.patch(path, wrong).json()["code"] == "store_authentication_failed"
    shop.secret = wrong["consumer_secret"]
    assert api.patch(path, wrong).status_code == 200
    assert api.post(f"{path}/test").json()["ok"] is True


def test_testing_a_connection_says_what_was_found(api: Api, connected: Store, shop: Shop) -> None:
    good = api.post(f"{PATH}/{connected.pk}/test").json()
    shop.fails = AuthenticationFailed("Unknown key.")
    bad = api.post(f"{PATH}/{connected.pk}/test")

    assert good["ok"] is True
    assert (good["identity"]["name"], good["identity"]["currency"]) == ("Pottery", "EUR")
    assert bad.status_code == 200
    assert (bad.json()["ok"], bad.json()["error_code"]) == (False, "authentication_failed")
    assert "Unknown key" in bad.json()["sentence"]


def test_pause_and_resume(api: Api, connected: Store) -> None:
    path = f"{PATH}/{connected.pk}"

    paused = api.post(f"{path}/pause", {"reason": "Holiday"}).json()
    assert (paused["status"], paused["status_reason"]) == ("paused", "Holiday")
    again = api.post(f"{path}/pause")
    assert (again.status_code, again.json()["code"]) == (409, "wrong_state")
    assert api.post(f"{path}/resume").json()["status"] == "active"


def test_sync_without_a_body_reads_changes_at_once(api: Api, connected: Store) -> None:
    Stream.objects.update(next_at=None)

    answer = api.post(f"{PATH}/{connected.pk}/sync")

    assert answer.status_code == 202, answer.content
    assert answer.json()["run"] is None
    assert answer.json()["stream"]["next_at"] is not None


def test_a_window_or_full_becomes_a_run_one_can_watch_and_stop(
    api: Api, connected: Store, stranger: Api
) -> None:
    answer = api.post(
        f"{PATH}/{connected.pk}/sync", {"since": "2026-11-01T00:00:00Z", "dry_run": True}
    )

    run = answer.json()["run"]
    assert answer.status_code == 202
    assert (run["kind"], run["dry_run"], run["window_from"]) == (
        "backfill",
        True,
        "2026-11-01T00:00:00Z",
    )
    assert run["requested_by"].startswith("token:")
    assert api.get(f"/runs/{run['id']}").json() == run
    assert stranger.get(f"/runs/{run['id']}").status_code == 404
    runs = api.get(f"{PATH}/{connected.pk}/runs").json()["results"]
    assert run["id"] in {row["id"] for row in runs}
    refused = api.post(f"{PATH}/{connected.pk}/sync", {"full": True})
    assert (refused.status_code, refused.json()["code"]) == (409, "run_refused")

    assert api.post(f"/runs/{run['id']}/pause").json()["state"] == "paused"
    assert api.post(f"/runs/{run['id']}/resume").json()["state"] == "queued"
    assert stranger.post(f"/runs/{run['id']}/cancel").status_code == 404
    assert api.post(f"/runs/{run['id']}/cancel").json()["state"] == "cancelled"
    assert api.post(f"/runs/{run['id']}/cancel").json()["code"] == "run_refused"
    assert SyncRun.objects.get(pk=run["id"]).state == "cancelled"


def test_one_order_is_read_by_its_number(api: Api, connected: Store, shop: Shop) -> None:
    shop.orders = {"1001": factories.make_order(1), "1002": factories.make_order(2)}

    answer = api.post(f"{PATH}/{connected.pk}/sync", {"order": "1002"})

    assert answer.status_code == 200, answer.content
    assert answer.json()["applied"]["created"] == 1
    assert Order.objects.get().number == "1002"
    missing = api.post(f"{PATH}/{connected.pk}/sync", {"order": "9999"})
    assert (missing.status_code, missing.json()["code"]) == (422, "store_not_found")


@pytest.mark.parametrize(
    "body",
    [
        {"until": "2026-11-01T00:00:00Z"},
        {"since": "2026-11-02T00:00:00Z", "until": "2026-11-01T00:00:00Z"},
        {"stream": "customers"},
        {"order": "1", "full": True},
    ],
)
def test_a_sync_that_cannot_be_meant_is_refused(
    api: Api, connected: Store, body: dict[str, Any]
) -> None:
    assert api.post(f"{PATH}/{connected.pk}/sync", body).status_code == 400


def test_an_order_can_be_read_again(api: Api, connected: Store, shop: Shop) -> None:
    shop.orders = {"1001": factories.make_order(1)}
    api.post(f"{PATH}/{connected.pk}/sync", {"order": "1001"})
    order = Order.objects.get()
    shop.orders = {
        "1001": factories.make_order(
            1, word="cancelled", changed_at=factories.NOW + timedelta(hours=1)
        )
    }

    answer = api.post(f"/orders/{order.pk}/refetch")

    assert answer.status_code == 200, answer.content
    assert answer.json()["order"]["order_status"] == "cancelled"
    assert answer.json()["applied"]["changed"] == 1


@pytest.mark.parametrize("verb", ["test", "sync", "pause", "resume"])
def test_to_a_stranger_the_store_does_not_exist(stranger: Api, connected: Store, verb: str) -> None:
    path = f"{PATH}/{connected.pk}"

    assert stranger.get(path).status_code == 404
    assert stranger.get(f"{path}/runs").status_code == 404
    assert stranger.patch(path, {"name": "Mine"}).status_code == 404
    assert stranger.delete(path).status_code == 404
    assert stranger.post(f"{path}/{verb}").status_code == 404
    assert stranger.get(PATH).json()["results"] == []
    assert stranger.get("/integrations").json()["results"] == []


def test_reading_stores_needs_no_right_to_change_them(merchant: Merchant, connected: Store) -> None:
    reader = api_for(merchant, Scope.READ)

    assert reader.get(f"{PATH}/{connected.pk}").status_code == 200
    assert reader.delete(f"{PATH}/{connected.pk}").status_code == 403


def test_the_platforms_tell_what_they_can_and_why_not(api: Api) -> None:
    told = {row["slug"]: row for row in api.get("/platforms").json()["results"]}["woocommerce"]

    assert [field["name"] for field in told["credential_fields"]] == list(KEYS)
    assert set(told["abilities"]) == {ability.value for ability in CARD.abilities}
    assert {row["ability"] for row in told["exempt"]} == {ability.value for ability in CARD.exempt}
    assert all(row["reason"] for row in told["exempt"])


def test_an_unknown_platform_is_no_address(api: Api) -> None:
    assert api.get("/nopify/integrations").status_code == 404


def test_a_change_that_is_refused_leaves_everything_as_it_was(
    api: Api, shop: Shop, connected: Store
) -> None:
    """A read-only key cannot write: then the name is not changed either, nor is the key kept."""
    shop.missing = ("write",)
    before = Store.objects.values().get(pk=connected.pk)
    version = connected.credentials.get().version

    for wanted in (
        {"name": "New name", "writes_enabled": True},
        {"name": "New name", "writes_enabled": True, **KEYS},
    ):
        answer = api.patch(f"{PATH}/{connected.pk}", wanted)
        assert (answer.status_code, answer.json()["code"]) == (422, "read_only_key")

    after = Store.objects.values().get(pk=connected.pk)
    ignored = ("features", "last_ok_at")
    assert {k: v for k, v in after.items() if k not in ignored} == {
        k: v for k, v in before.items() if k not in ignored
    }
    assert connected.credentials.get().version == version


def test_writing_is_turned_off_together_with_a_key_that_may_only_read(
    api: Api, shop: Shop, connected: Store
) -> None:
    api.patch(f"{PATH}/{connected.pk}", {"writes_enabled": True})
    shop.missing = ("write",)

    answer = api.patch(f"{PATH}/{connected.pk}", {"writes_enabled": False, **KEYS})

    assert answer.status_code == 200, answer.content
    assert answer.json()["writes_enabled"] is False
