"""The one door: what an adapter is given, how credentials are kept, what use of a store tells."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from django.test import override_settings
from django.utils import timezone

from integrations import authentication, connect
from integrations.authentication import credentials
from integrations.errors import (
    AuthenticationFailed,
    MerchantMustAct,
    Misconfigured,
    PermissionMissing,
    PlatformError,
    Unavailable,
)
from integrations.kit.http import CallRecord, Priority
from integrations.models import Credential, Endpoint, Store, StoreStatus
from logix.accounts import keys
from logix.accounts.models import AuditEvent, Merchant
from tests.integrations.conftest import ADDRESS
from tests.integrations.fakeshop import world

pytestmark = pytest.mark.django_db

KEYS = {"key": "k_1", "secret": "s3cret"}


@pytest.fixture
def store(shop: world.Shop, merchant: Merchant) -> Store:
    return connect.connect_store(
        merchant=merchant,
        platform="fakeshop",
        base_url=ADDRESS,
        credentials=KEYS,
        options={"calls_per_s": 3},
        actor="user:anna",
    )


# --- What an adapter is given --------------------------------------------------------------------


def test_an_adapter_holds_all_it_needs(store: Store, shop: world.Shop) -> None:
    with authentication.adapter_for(store, priority=Priority.BULK) as adapter:
        given = adapter.connection

    assert given.store_id == str(store.pk)
    assert given.credentials == KEYS
    assert given.options == {"calls_per_s": 3, "decimals": 2}
    assert given.timezone == "Europe/Berlin"
    assert given.http.priority is Priority.BULK
    prefix = "http://127.0.0.1:8000/api/v1/fakeshop/webhooks/receive/"
    assert given.callback_url.startswith(prefix)
    token = given.callback_url.removeprefix(prefix)
    assert len(token) >= 43
    assert len(given.webhook_secret) >= 32
    assert token not in repr(given)
    assert "s3cret" not in repr(given)


def test_a_store_whose_webhooks_are_closed_gets_no_address(store: Store) -> None:
    Endpoint.objects.update(status=Endpoint.Status.CLOSED)

    with authentication.adapter_for(store) as adapter:
        assert (adapter.connection.callback_url, adapter.connection.webhook_secret) == ("", "")


def test_a_store_without_credentials_says_what_to_do(store: Store) -> None:
    Credential.objects.all().delete()

    with (
        pytest.raises(AuthenticationFailed, match="Connect it again") as caught,
        authentication.adapter_for(store),
    ):
        pass

    assert caught.value.code == "no_credentials"


def test_a_lost_ring_key_is_named_with_the_remedy(store: Store) -> None:
    keys.vault.cache_clear()
    other = "k9:" + "QUFB" * 10 + "QUE="

    with (
        override_settings(LOGIX_KEYS=other),
        pytest.raises(Misconfigured, match="LOGIX_KEYS") as caught,
        authentication.adapter_for(store),
    ):
        pass

    keys.vault.cache_clear()
    assert caught.value.code == "sealed"


def test_what_the_adapter_learns_is_kept_for_the_next_one(store: Store, shop: world.Shop) -> None:
    shop.learned = {"auth": "query"}

    with authentication.adapter_for(store) as adapter:
        adapter.authenticate()

    kept = Store.objects.get(pk=store.pk)
    assert kept.features == {"decimals": 2, "auth": "query"}
    with authentication.adapter_for(kept) as adapter:
        assert adapter.connection.options["auth"] == "query"


def test_what_was_learned_before_a_failure_is_kept_too(store: Store, shop: world.Shop) -> None:
    shop.learned = {"auth": "query"}

    def use() -> None:
        with authentication.adapter_for(store) as adapter:
            adapter.authenticate()
            raise Unavailable("later")

    with pytest.raises(Unavailable):
        use()

    assert Store.objects.get(pk=store.pk).features["auth"] == "query"


def test_a_lost_transaction_shows_its_own_error(store: Store, shop: world.Shop) -> None:
    shop.learned = {"auth": "query"}

    def use() -> None:
        with transaction.atomic(), authentication.adapter_for(store) as adapter:
            adapter.authenticate()
            transaction.set_rollback(True)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        use()


def test_a_probe_asks_without_leaving_anything_behind(shop: world.Shop, db: None) -> None:
    shop.learned = {"auth": "query"}

    found = authentication.probe("fakeshop", ADDRESS, KEYS, options={"colour": "red"})

    assert found.name == "Fake & Sons"
    assert found.features == {"decimals": 2, "auth": "query"}
    assert shop.connections[0].options == {"colour": "red"}
    assert not Store.objects.exists()


# --- Credentials ---------------------------------------------------------------------------------


def test_credentials_are_kept_sealed_and_open_again(store: Store) -> None:
    row = Credential.objects.get()

    assert b"s3cret" not in bytes(row.sealed)
    assert authentication.read_credentials(store) == KEYS
    assert (row.kind, row.version, row.scopes) == ("api_keys", 1, ["read", "write"])
    assert len(row.fingerprint) == 8


def test_a_sealed_value_moved_to_another_store_does_not_open(
    store: Store, shop: world.Shop, merchant: Merchant
) -> None:
    world.SHOPS["https://two.example"] = world.Shop()
    other = connect.connect_store(
        merchant=merchant,
        platform="fakeshop",
        base_url="https://two.example",
        credentials=KEYS,
        actor="user:anna",
    )
    Store.objects.filter(pk=other.pk).update(data_key=store.data_key_id)
    Credential.objects.filter(store=other).update(sealed=Credential.objects.get(store=store).sealed)

    with pytest.raises(Misconfigured):
        authentication.read_credentials(Store.objects.get(pk=other.pk))


def test_the_version_grows_with_each_change_and_only_then(store: Store) -> None:
    changed = {**KEYS, "secret": "n3w"}

    same = authentication.save_credentials(store, KEYS, kind="api_keys", actor="system")
    new = authentication.save_credentials(store, changed, kind="api_keys", actor="system")

    assert (same.version, new.version) == (1, 2)
    assert same.fingerprint != new.fingerprint
    assert authentication.read_credentials(store) == changed
    event = AuditEvent.objects.filter(action="credentials.saved").first()
    assert event is not None
    assert event.details == {
        "kind": "api_keys",
        "version": 2,
        "fingerprint": new.fingerprint,
    }


def test_saving_clears_an_earlier_refusal(store: Store) -> None:
    Credential.objects.update(state=Credential.State.REAUTH)

    authentication.save_credentials(store, KEYS, kind="api_keys", actor="system")

    assert Credential.objects.get().state == Credential.State.OK


def test_revoked_credentials_are_not_used(store: Store) -> None:
    Credential.objects.update(state=Credential.State.REVOKED)

    with pytest.raises(AuthenticationFailed):
        authentication.read_credentials(store)


def test_a_change_made_in_between_is_not_lost(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, raced = credentials._write, []

    def late(*args: object) -> Credential | None:
        if not raced:
            raced.append(True)
            return None
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(credentials, "_write", late)

    saved = authentication.save_credentials(
        store, {**KEYS, "secret": "n3w"}, kind="api_keys", actor="system"
    )

    assert saved.version == 2


# --- What use tells ------------------------------------------------------------------------------


def answered(store: Store) -> None:
    with authentication.adapter_for(store) as adapter:
        observe = adapter.connection.http.observe
        assert observe is not None
        observe(
            CallRecord(
                store_id=str(store.pk),
                method="GET",
                route="/",
                status=200,
                error="",
                attempts=1,
                elapsed_s=0.1,
                wait_s=0,
                bytes_in=1,
                request_id="",
                bucket="default",
                at=datetime.now(UTC),
            )
        )


def test_an_answer_makes_the_store_fresh_at_most_once_a_minute(store: Store) -> None:
    answered(store)
    first = Store.objects.get(pk=store.pk).last_ok_at
    answered(Store.objects.get(pk=store.pk))
    assert first is not None
    assert Store.objects.get(pk=store.pk).last_ok_at == first

    Store.objects.update(last_ok_at=timezone.now() - timedelta(minutes=2))
    answered(Store.objects.get(pk=store.pk))
    renewed = Store.objects.get(pk=store.pk).last_ok_at
    assert renewed is not None
    assert renewed >= first


def test_no_answer_leaves_it_old(store: Store) -> None:
    with authentication.adapter_for(store):
        pass

    assert Store.objects.get(pk=store.pk).last_ok_at is None


@pytest.mark.parametrize(
    "error",
    [
        AuthenticationFailed("The key was revoked."),
        MerchantMustAct("Pay the platform.", code="payment_required"),
    ],
)
def test_dead_credentials_stop_the_store_until_its_merchant_acts(
    store: Store, error: PlatformError
) -> None:
    authentication.note_failure(store, error)
    authentication.note_failure(store, error)

    kept = Store.objects.get(pk=store.pk)
    assert (kept.status, kept.status_reason) == (StoreStatus.NEEDS_MERCHANT, str(error))
    assert store.status == StoreStatus.NEEDS_MERCHANT
    assert Credential.objects.get().state == Credential.State.REAUTH
    events = AuditEvent.objects.filter(action="store.needs_merchant")
    assert [(e.actor, e.details["error"]) for e in events] == [("platform", error.code)]


@pytest.mark.parametrize(
    "error", [Unavailable("down"), PermissionMissing("read-only"), Misconfigured("moved")]
)
def test_other_failures_leave_the_store_running(store: Store, error: PlatformError) -> None:
    authentication.note_failure(store, error)

    assert Store.objects.get(pk=store.pk).status == StoreStatus.ACTIVE


def test_a_late_refusal_does_not_wake_a_store_that_was_disconnected(store: Store) -> None:
    stale = Store.objects.get(pk=store.pk)
    connect.disconnect(store, actor="user:anna")

    authentication.note_failure(stale, AuthenticationFailed("gone"))

    assert Store.objects.get(pk=store.pk).status == StoreStatus.DISCONNECTED
