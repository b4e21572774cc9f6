"""One store's health and webhooks over the API: what is wrong, in words, and what mends it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from integrations import sync
from integrations.base import Unreadable
from integrations.errors import Unavailable
from integrations.models import Endpoint, Push, Store, StoreBreaker, Stream
from integrations.sync import park
from integrations.woocommerce.platform import CARD
from inventory.models import Listing
from logix.accounts.models import Merchant, Scope
from logix.common.crypto import digest
from orders.data import Authority
from tests.factories import OPEN, make_order, make_store
from tests.integrations.api.client import Api, api_for, import_orders, import_products
from tests.integrations.api.shop import Shop


@pytest.fixture(autouse=True)
def public_hub(settings: Any) -> None:
    """A hub that stores can reach."""
    settings.LOGIX_PUBLIC_URL = "https://hub.example"


def health(api: Api, store: Store) -> Any:
    answer = api.get(f"/integrations/{store.pk}/health")
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_a_store_that_is_well_needs_nobody(api: Api, connected: Store) -> None:
    told = health(api, connected)

    assert (told["level"], told["found"], told["status"]) == ("ok", [], "active")
    assert set(told["amounts"].values()) == {0}
    assert [stream["name"] for stream in told["streams"]] == ["products", "orders"]


@pytest.mark.parametrize(
    ("status", "level", "words"),
    [
        ("needs_merchant", "bad", "refuses its credentials. The key was revoked."),
        ("paused", "warning", "nothing is read or written"),
    ],
)
def test_a_store_that_does_not_work_says_why_and_what_to_do(
    api: Api, connected: Store, status: str, level: str, words: str
) -> None:
    Store.objects.update(status=status, status_reason="The key was revoked.")

    told = health(api, connected)

    assert told["level"] == level
    assert words in told["found"][0]["what"]
    assert told["found"][0]["do"]


def test_what_waits_for_somebody_is_counted_and_named(api: Api, connected: Store) -> None:
    import_products(connected, 1)
    park(connected, stream="orders", unreadable=Unreadable(external_id="7", reason="Odd."))
    Push.objects.update_or_create(
        listing=Listing.objects.get(), defaults={"store": connected, "state": Push.State.BLOCKED}
    )
    Stream.objects.filter(name="orders").update(failures=3, last_error="It timed out.")
    StoreBreaker.objects.update_or_create(
        store=connected, defaults={"state": "open", "last_error": "HTTP 503."}
    )
    Endpoint.objects.update(problem="The key may only read.")

    told = health(api, connected)

    assert told["level"] == "bad"
    assert [found["about"] for found in told["found"]] == [
        "connection",
        "orders",
        "webhooks",
        "parked",
        "writes",
    ]
    assert (told["amounts"]["records_parked"], told["amounts"]["pushes_blocked"]) == (1, 1)
    assert all(found["what"].endswith(".") and found["do"] for found in told["found"])


def test_health_costs_the_same_however_much_waits(
    api: Api, connected: Store, django_assert_max_num_queries: Any
) -> None:
    for number in range(20):
        unreadable = Unreadable(external_id=str(number), reason="Odd.")
        park(connected, stream="orders", unreadable=unreadable)
    health(api, connected)

    with django_assert_max_num_queries(13):
        assert health(api, connected)["amounts"]["records_parked"] == 20


def test_the_webhook_address_is_for_those_who_may_change_the_store(
    api: Api, merchant: Merchant, connected: Store
) -> None:
    path = f"/integrations/{connected.pk}/webhooks"

    told = api.get(path).json()

    assert told["address"].startswith("https://hub.example/api/v1/woocommerce/webhooks/receive/")
    assert told["topics"] == list(CARD.topics)
    assert [found["topic"] for found in told["subscriptions"]] == list(CARD.topics)
    assert api_for(merchant, Scope.READ).get(path).json() == {**told, "address": None}


def test_the_address_that_is_shown_is_the_one_deliveries_are_known_by(
    api: Api, connected: Store
) -> None:
    address = api.get(f"/integrations/{connected.pk}/webhooks").json()["address"]

    assert Endpoint.objects.get().token_digest == digest(address.rpartition("/")[2])


def test_checking_webhooks_asks_the_store(api: Api, connected: Store, shop: Shop) -> None:
    shop.topics = ()
    Endpoint.objects.update(last_checked_at=None)

    told = api.post(f"/integrations/{connected.pk}/webhooks/check").json()

    assert told["last_checked_at"] is not None
    assert shop.topics == CARD.topics


def test_a_new_secret_leaves_the_old_one_good_for_a_day(api: Api, connected: Store) -> None:
    answer = api.post(f"/integrations/{connected.pk}/webhooks/secret")

    assert answer.status_code == 200, answer.content
    until = Endpoint.objects.get().previous_valid_until
    assert until is not None
    assert timedelta(hours=23) < until - timezone.now() < timedelta(hours=25)
    assert "secret" not in answer.json()


def test_a_store_that_cannot_be_told_keeps_its_secret(
    api: Api, connected: Store, shop: Shop
) -> None:
    shop.fails = Unavailable("The store does not answer.")

    answer = api.post(f"/integrations/{connected.pk}/webhooks/secret")

    assert (answer.status_code, answer.json()["code"]) == (502, "store_unavailable")


def test_a_paused_store_is_not_asked(api: Api, connected: Store) -> None:
    api.post(f"/woocommerce/integrations/{connected.pk}/pause")

    for verb in ("check", "secret"):
        answer = api.post(f"/integrations/{connected.pk}/webhooks/{verb}")
        assert (answer.status_code, answer.json()["code"]) == (409, "wrong_state")
        assert "Resume it first" in answer.json()["detail"]


def test_a_store_without_an_address_says_so(api: Api, merchant: Merchant) -> None:
    store = make_store(merchant)

    answer = api.get(f"/integrations/{store.pk}/webhooks")

    assert answer.json()["code"] == "no_webhooks"


def test_a_disconnected_store_still_shows_itself_and_its_runs(api: Api, connected: Store) -> None:
    api.post(f"/woocommerce/integrations/{connected.pk}/sync", {"full": True})
    api.delete(f"/woocommerce/integrations/{connected.pk}")

    assert api.get(f"/integrations/{connected.pk}").json()["status"] == "disconnected"
    assert len(api.get(f"/integrations/{connected.pk}/runs").json()["results"]) == 1
    assert api.get(f"/integrations/{connected.pk}/health").status_code == 404


def test_statuses_nobody_has_explained_are_named_and_counted(api: Api, connected: Store) -> None:
    unknown = replace(OPEN, known=False)
    orders = [make_order(n, raw_status="packed", status=unknown) for n in (1, 2)]
    import_orders(connected, orders)

    (found,) = health(api, connected)["found"]

    assert (found["level"], found["about"]) == ("warning", "statuses")
    assert "“packed” (2)" in found["what"]
    assert "options.status_words" in found["do"]
    Store.objects.update(options={"status_words": {"packed": "processing"}})
    assert health(api, connected)["found"] == []


def test_webhooks_that_fell_silent_are_found_with_what_to_do(api: Api, connected: Store) -> None:
    since = timezone.now() - timedelta(hours=3)
    subscriptions = [{"topic": "order.created", "external_id": "1", "active": True}]
    connected.endpoints.update(last_received_at=since, problem="", subscriptions=subscriptions)
    orders = [make_order(n, placed_at=since + timedelta(hours=1)) for n in (1, 2, 3)]
    sync.apply_orders(
        connected, orders, authority=Authority.LIST_PAGE, observed_at=timezone.now(), origin="poll"
    )

    told = api.get(f"/integrations/{connected.pk}/health").json()

    (found,) = [x for x in told["found"] if x["about"] == "webhooks"]
    assert found["level"] == "warning"
    assert found["what"] == (
        "No webhook has come for 3 hours; 3 orders that were placed meanwhile were found by "
        "polling."
    )
    assert found["do"].startswith("Check the webhooks.")
    assert sum(day["polled"] for day in told["arrivals"]) == 3
    assert {"day", "told", "polled", "compared", "others"} == set(told["arrivals"][0])
