"""Several accounts of a merchant in one region: each is a store of its own, and none takes the
place of another.
"""

from __future__ import annotations

from typing import Any

import pytest

from integrations import authentication, connect
from integrations.authentication import tokens
from integrations.connect import ConnectError
from integrations.models import ConnectAttempt, NewsQueue, Store, StoreStatus
from logix.accounts.models import Merchant
from logix.common import bell
from tests.factories import make_merchant
from tests.integrations.amazon.conftest import MakeWorld
from tests.integrations.amazon.many import connected
from tests.integrations.amazon.test_consent import agreed, begun
from tests.integrations.amazon.world import SELLER, AmazonWorld

OTHER = "A9SOMEBODYELSE"
QUEUE = {
    "queue": "http://127.0.0.1:9/123456789012/news",
    "aws_access_key_id": "AKIAEXAMPLEEXAMPLE",
    "aws_secret_access_key": "x" * 40,
}


@pytest.fixture
def merchant(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Merchant:
    """No broker is spoken to."""
    monkeypatch.setattr(bell, "publish", lambda *_args, **_options: True)
    return make_merchant()


@pytest.fixture
def other(make_world: MakeWorld) -> AmazonWorld:
    return make_world(orders=1, seller_id=OTHER)


def moved(store: Store, world: AmazonWorld) -> Store:
    """Another account's store at the address where this one is: accounts of a region share it."""
    Store.objects.filter(pk=store.pk).update(base_url=world.url)
    store.refresh_from_db()
    return store


def keys_of(world: AmazonWorld, seller: str) -> dict[str, str]:
    return {**world.credentials, "seller_id": seller}


def connected_as(world: AmazonWorld, merchant: Merchant, seller: str) -> Store:
    return connect.connect_store(
        merchant=merchant,
        platform="amazon",
        base_url=world.url,
        credentials=keys_of(world, seller),
        actor="user:anna",
    )


def test_two_accounts_of_a_region_are_two_stores(
    world: AmazonWorld, other: AmazonWorld, merchant: Merchant
) -> None:
    first = moved(connected(world, merchant), other)
    second = connected_as(other, merchant, OTHER)

    assert first.base_url == second.base_url
    assert (first.account, second.account) == (SELLER, OTHER)
    with pytest.raises(ConnectError, match="connected already") as twice:
        connected_as(other, merchant, OTHER)
    assert second.name in twice.value.message

    connect.disconnect(first, actor="user:anna")
    connect.disconnect(second, actor="user:anna")
    again = connected_as(other, merchant, OTHER)
    assert (again.pk, again.status) == (second.pk, StoreStatus.ACTIVE)
    assert Store.objects.get(pk=first.pk).status == StoreStatus.DISCONNECTED


def test_keys_of_another_account_are_refused_and_those_of_the_same_taken(
    world: AmazonWorld, other: AmazonWorld, merchant: Merchant
) -> None:
    store = moved(connected(world, merchant), other)
    before = authentication.held(store)

    with pytest.raises(ConnectError, match="a store of its own") as mixed:
        connect.change_store(store, actor="user:anna", credentials=keys_of(other, OTHER))

    assert mixed.value.code == "another_account"
    assert authentication.held(store).is_same(before)
    connect.change_store(moved(store, world), actor="user:anna", credentials={"seller_id": SELLER})


def test_an_account_that_was_mistyped_and_never_confirmed_can_be_set_right(
    world: AmazonWorld, merchant: Merchant
) -> None:
    world.trouble("key_read_only")
    store = connected_as(world, merchant, "A1MISTYPED")
    assert (store.account, store.features.get("account")) == ("A1MISTYPED", None)
    world.peace()

    connect.change_store(store, actor="user:anna", credentials={"seller_id": SELLER})

    store.refresh_from_db()
    assert (store.account, store.features["account"]) == (SELLER, SELLER)


def test_an_account_that_is_not_confirmed_may_be_one_that_is_connected_already(
    world: AmazonWorld, merchant: Merchant
) -> None:
    store = connected(world, merchant)

    with pytest.raises(ConnectError, match=f"“{store.name}” is connected there as well") as refused:
        connected_as(world, merchant, "A1MISTYPED")

    assert refused.value.code == "account_unconfirmed"
    assert "(Product Listing)" in refused.value.message
    assert Store.objects.count() == 1


def consented(world: AmazonWorld, merchant: Merchant, **more: Any) -> Store:
    return connect.finish_oauth("amazon", agreed(begun(world, merchant, **more)), merchant=merchant)


def test_consent_of_another_account_makes_a_store_and_renews_none(
    world: AmazonWorld, other: AmazonWorld, merchant: Merchant
) -> None:
    first = moved(consented(world, merchant), other)
    before = authentication.held(first)

    second = consented(other, merchant)

    assert second.pk != first.pk
    assert (second.account, authentication.held(first).is_same(before)) == (OTHER, True)
    assert consented(other, merchant).pk == second.pk


def test_consent_that_is_to_renew_a_store_is_that_accounts_or_none(
    world: AmazonWorld, other: AmazonWorld, merchant: Merchant
) -> None:
    store = moved(consented(world, merchant), other)

    with pytest.raises(ConnectError, match="another account cannot take its place"):
        consented(other, merchant, renews=store)

    attempt = ConnectAttempt.objects.latest("created_at")
    assert (attempt.store, OTHER in attempt.problem) == (None, True)
    assert Store.objects.count() == 1
    assert consented(world, merchant, renews=moved(store, world)).pk == store.pk


# -- a queue, whichever way it was connected


def test_a_store_by_consent_is_given_a_queue_and_keeps_it_when_it_is_renewed(
    world: AmazonWorld, merchant: Merchant
) -> None:
    store = consented(world, merchant)
    before = authentication.held(store)

    connect.change_store(store, actor="user:anna", credentials=QUEUE)

    held = authentication.held(store)
    assert {name: held.values[name] for name in QUEUE} == QUEUE
    assert (held.kind, held.access_token, held.refresh_token, held.expires_at) == (
        before.kind,
        before.access_token,
        before.refresh_token,
        before.expires_at,
    )
    assert NewsQueue.objects.get().address == QUEUE["queue"]

    consented(world, merchant, renews=store)
    assert authentication.held(store).values["queue"] == QUEUE["queue"]

    connect.change_store(store, actor="user:anna", credentials={"queue": None})
    assert not set(QUEUE) & set(authentication.held(store).values)
    assert not NewsQueue.objects.exists()


def test_half_a_queue_is_refused_and_one_value_of_it_can_be_changed(
    world: AmazonWorld, merchant: Merchant
) -> None:
    store = connected(world, merchant)

    with pytest.raises(ConnectError, match="Missing for the queue: AWS access key ID"):
        connect.change_store(store, actor="user:anna", credentials={"queue": QUEUE["queue"]})
    with pytest.raises(ConnectError, match="does not look like one"):
        connect.change_store(store, actor="user:anna", credentials={**QUEUE, "queue": "news"})
    assert not NewsQueue.objects.exists()

    connect.change_store(store, actor="user:anna", credentials=QUEUE)
    with pytest.raises(ConnectError, match="taken away as a whole"):
        connect.change_store(store, actor="user:anna", credentials={**QUEUE, "queue": None})
    connect.change_store(store, actor="user:anna", credentials={"aws_secret_access_key": "y" * 40})

    kept = authentication.held(store).values
    assert (kept["queue"], kept["aws_secret_access_key"]) == (QUEUE["queue"], "y" * 40)
    assert kept["seller_id"] == SELLER


def test_while_a_token_is_renewed_the_queue_waits(world: AmazonWorld, merchant: Merchant) -> None:
    store = connected(world, merchant)
    held = authentication.held(store)
    fence = tokens._lease(held)

    with pytest.raises(ConnectError, match="being renewed"):
        connect.change_store(store, actor="user:anna", credentials=QUEUE)

    assert fence is not None
    assert authentication.held(store).is_same(held)
