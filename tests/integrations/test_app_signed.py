"""Webhooks that the app signs: its secret is what an endpoint verifies by, whichever way the store
was connected, and nobody but the platform can change it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from integrations import authentication, connect, registry
from integrations.errors import Misconfigured
from integrations.models import Credential, Endpoint, Store
from logix.accounts.models import AuditEvent, Merchant
from tests.integrations.tokenshop.site import CLIENT_SECRET, Site

pytestmark = pytest.mark.django_db


@pytest.fixture
def signed(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    card = "tests.integrations.tokenshop.signed.CARD"
    monkeypatch.setitem(registry.BUILT_IN, "tokenshop", card)
    return site


def by_consent(site: Site, merchant: Merchant, **credentials: str) -> Store:
    url, _ = connect.begin_oauth(
        merchant=merchant,
        platform="tokenshop",
        base_url=site.url,
        actor="user:anna",
        credentials=credentials,
    )
    return connect.finish_oauth("tokenshop", site.consent(url), merchant=merchant)


def by_values(site: Site, merchant: Merchant, **credentials: str) -> Store:
    return connect.connect_store(
        merchant=merchant,
        platform="tokenshop",
        base_url=site.url,
        credentials=credentials,
        actor="user:anna",
    )


def secrets_of(store: Store) -> tuple[str, str]:
    endpoint = Endpoint.objects.get(store=store)
    row = str(endpoint.pk)

    def opened(sealed: Any, column: str) -> str:
        if not sealed:
            return ""
        place = ("integrations_endpoint", column, row)
        return authentication.open_sealed(store, sealed, *place).decode()

    return (
        opened(endpoint.secret_sealed, "secret_sealed"),
        opened(endpoint.previous_secret_sealed, "previous_secret_sealed"),
    )


def test_the_hubs_app_signs_for_a_store_connected_by_consent(
    signed: Site, merchant: Merchant
) -> None:
    store = by_consent(signed, merchant)

    assert secrets_of(store) == (CLIENT_SECRET, "")
    endpoint = Endpoint.objects.get()
    assert [kept["topic"] for kept in endpoint.subscriptions] == ["order"]
    assert (endpoint.problem, endpoint.account) == ("", "127.0.0.1")


def test_an_app_of_the_merchants_own_signs_for_theirs(signed: Site, merchant: Merchant) -> None:
    signed.apps["own"] = "secret of the own app"

    by_app = by_values(signed, merchant, client_id="own", client_secret="secret of the own app")

    assert secrets_of(by_app) == ("secret of the own app", "")


def test_a_pasted_token_comes_with_the_secret_of_its_app(signed: Site, merchant: Merchant) -> None:
    store = by_values(signed, merchant, access_token=signed.paste(), client_secret="pasted secret")

    assert secrets_of(store) == ("pasted secret", "")


def test_a_pasted_token_without_a_secret_is_polled_and_says_what_to_enter(
    signed: Site, merchant: Merchant
) -> None:
    store = by_values(signed, merchant, access_token=signed.paste())

    assert store.is_active
    endpoint = Endpoint.objects.get()
    assert endpoint.subscriptions == []
    assert "enter “API secret key”" in endpoint.problem
    assert "orders are read every 5 min" in endpoint.problem
    secret, _ = secrets_of(store)
    assert secret not in ("", CLIENT_SECRET), "the hub's app did not sign this merchant's in"

    connect.change_store(store, actor="user:anna", credentials={"client_secret": "entered later"})
    connect.reconcile_webhooks(store)

    assert secrets_of(store)[0] == "entered later"
    assert Endpoint.objects.get().problem == ""


def test_without_any_app_webhooks_wait_and_the_setting_is_named(
    signed: Site, merchant: Merchant, settings: Any
) -> None:
    store = by_consent(signed, merchant)
    settings.LOGIX_OAUTH_APPS = {}

    with pytest.raises(Misconfigured):
        connect.reconcile_webhooks(store)

    assert "LOGIX_OAUTH_TOKENSHOP" in Endpoint.objects.get().problem


def test_a_changed_secret_is_followed_and_the_old_one_good_for_a_day(
    signed: Site, merchant: Merchant, settings: Any
) -> None:
    store = by_consent(signed, merchant)
    settings.LOGIX_OAUTH_APPS = {"tokenshop": "hub_app:a-new-secret-of-the-app"}

    for _ in range(2):
        connect.reconcile_webhooks(store)

    assert secrets_of(store) == ("a-new-secret-of-the-app", CLIENT_SECRET)
    until = Endpoint.objects.get().previous_valid_until
    assert until is not None
    assert timedelta(hours=23) < until - timezone.now() <= timedelta(hours=24)
    assert AuditEvent.objects.filter(action="webhooks.secret_followed").count() == 1
    assert "secret-of-the-app" not in str(list(AuditEvent.objects.values("details")))


OWN_APP = {"client_id": "own", "client_secret": "secret of the own app"}


def test_another_apps_secret_proves_nothing_from_the_moment_its_keys_are_gone(
    signed: Site, merchant: Merchant
) -> None:
    """What the hub's app still sends, such as the erasure two days after it was uninstalled, is not
    meant for a store that is connected by an app of the merchant's own by then.
    """
    signed.apps["own"] = OWN_APP["client_secret"]
    store = by_consent(signed, merchant)

    connect.change_store(store, actor="user:anna", credentials=OWN_APP)
    assert secrets_of(store) == (OWN_APP["client_secret"], "")

    connect.change_store(store, actor="user:anna", credentials={"access_token": signed.paste()})
    unknown, before = secrets_of(store)
    assert unknown not in ("", CLIENT_SECRET, OWN_APP["client_secret"])
    assert before == ""

    by_consent(signed, merchant)
    assert secrets_of(store) == (CLIENT_SECRET, "")


def test_of_the_same_app_the_old_secret_stays_good_for_a_day_over_a_new_consent(
    signed: Site, merchant: Merchant, settings: Any
) -> None:
    store = by_consent(signed, merchant)
    Credential.objects.update(state=Credential.State.REVOKED)
    signed.apps["hub_app"] = "a-new-secret-of-the-app"
    settings.LOGIX_OAUTH_APPS = {"tokenshop": "hub_app:a-new-secret-of-the-app"}

    by_consent(signed, merchant)
    connect.reconcile_webhooks(store)

    assert secrets_of(store) == ("a-new-secret-of-the-app", CLIENT_SECRET)


def test_a_token_that_is_pasted_again_with_its_secret_changes_nothing(
    signed: Site, merchant: Merchant
) -> None:
    pasted = {"access_token": signed.paste(), "client_secret": "pasted secret"}
    store = by_values(signed, merchant, **pasted)
    sealed = bytes(Endpoint.objects.get().secret_sealed)

    connect.change_store(store, actor="user:anna", credentials={"access_token": signed.paste()})

    assert bytes(Endpoint.objects.get().secret_sealed) == sealed


def test_the_secret_cannot_be_rotated_from_here(signed: Site, merchant: Merchant) -> None:
    store = by_consent(signed, merchant)

    with pytest.raises(connect.ConnectError, match="Change it at TokenShop") as refused:
        connect.rotate_webhook_secret(store, actor="user:anna")

    assert refused.value.code == "signed_by_app"
    assert secrets_of(store) == (CLIENT_SECRET, "")


def test_a_store_is_known_by_the_name_it_gives_itself(signed: Site, merchant: Merchant) -> None:
    store = by_consent(signed, merchant)
    Store.objects.update(features={"domain": "Acme.Tokenshop.example"})
    store.refresh_from_db()

    connect.reconcile_webhooks(store)

    assert Endpoint.objects.get().account == "acme.tokenshop.example"
