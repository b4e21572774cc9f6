"""Disconnecting, seen from the store: what of our access stays there, and who ends it."""

from __future__ import annotations

from typing import Any

import pytest

from integrations import connect, registry
from integrations.errors import Unsupported
from integrations.models import Credential, Store
from integrations.platform import AuthKind
from logix.accounts.models import AuditEvent, Merchant
from tests.factories import make_merchant
from tests.integrations.fakeshop import world
from tests.integrations.tokenshop.site import CLIENT_ID, CLIENT_SECRET, Site

pytestmark = pytest.mark.django_db

UNINSTALL = ("POST", "/api/uninstall")
OWN = {"client_id": "mine", "client_secret": "my-own-secret-0123456789"}


@pytest.fixture(autouse=True)
def removable(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    card = "tests.integrations.tokenshop.removable.CARD"
    monkeypatch.setitem(registry.BUILT_IN, "tokenshop", card)
    site.apps["mine"] = OWN["client_secret"]


def by_consent(site: Site, merchant: Merchant, **app: str) -> Store:
    url, _ = connect.begin_oauth(
        merchant=merchant,
        platform="tokenshop",
        base_url=site.url,
        actor="user:anna",
        credentials=app,
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


def left(store: Store, *, remove_app: bool) -> str:
    """What is said to be left once the store is disconnected. Its keys here are gone either way."""
    connect.disconnect(store, actor="user:anna", remove_app=remove_app)
    kept = Store.objects.get(pk=store.pk)
    assert kept.status == "disconnected"
    assert not Credential.objects.filter(store=store).exists()
    event = AuditEvent.objects.get(action="store.disconnected", object_id=str(store.pk))
    assert event.details.get("reason", "") == kept.status_reason
    assert event.details.get("remove_app", False) is remove_app
    return kept.status_reason


def removed(site: Site) -> bool:
    return UNINSTALL in [(method, path) for method, path, _, _ in site.called]


def test_disconnecting_leaves_the_app_and_says_where_it_ends(
    site: Site, merchant: Merchant
) -> None:
    store = by_consent(site, merchant)

    assert left(store, remove_app=False) == (
        "Its access still stands at TokenShop; the merchant ends it there: "
        "Apps → Connect with TokenShop."
    )
    assert not removed(site)


def test_the_hubs_app_is_taken_out_of_the_store_where_that_is_asked_for(
    site: Site, merchant: Merchant
) -> None:
    store = by_consent(site, merchant)
    assert connect.may_remove_app(store)

    assert left(store, remove_app=True) == ""

    assert removed(site)


@pytest.mark.parametrize("remove_app", [True, False])
@pytest.mark.parametrize("way", ["own app", "by itself", "token"])
def test_what_is_the_merchants_own_is_left_alone(
    site: Site, merchant: Merchant, way: str, remove_app: bool
) -> None:
    if way == "own app":
        store, ends_at = by_consent(site, merchant, **OWN), "Apps → Connect with TokenShop"
    elif way == "by itself":
        store, ends_at = by_values(site, merchant, **OWN), "Apps → Your own app"
    else:
        store, ends_at = by_values(site, merchant, access_token=site.paste()), "Apps → A token"
    assert not connect.may_remove_app(store)

    said = left(store, remove_app=remove_app)

    assert not removed(site)
    assert said.endswith(f"the merchant ends it there: {ends_at}.")
    assert ("What opens it is the merchant's own" in said) is remove_app


def test_an_app_that_another_connection_of_the_store_needs_is_left(
    site: Site, merchant: Merchant
) -> None:
    store = by_consent(site, merchant)
    other = by_consent(site, make_merchant("other"))

    said = left(store, remove_app=True)

    assert not removed(site)
    assert said == "Logix's app was left in the store, because this hub still needs it there."
    assert other.merchant.name not in said
    assert left(other, remove_app=True) == ""
    assert removed(site)


def test_a_connection_by_another_app_does_not_keep_ours_there(
    site: Site, merchant: Merchant
) -> None:
    store = by_consent(site, merchant)
    by_values(site, make_merchant("other"), access_token=site.paste())

    assert left(store, remove_app=True) == ""
    assert removed(site)


def test_a_store_that_refuses_is_disconnected_all_the_same_and_says_what_to_do(
    site: Site, merchant: Merchant
) -> None:
    store = by_consent(site, merchant)
    site.revoke()

    said = left(store, remove_app=True)

    assert said.startswith("Logix's app could not be taken out of the store: ")
    assert said.endswith("the merchant ends it there: Apps → Connect with TokenShop.")


def test_of_a_store_where_the_app_is_gone_nothing_is_left(site: Site, merchant: Merchant) -> None:
    store = by_consent(site, merchant)
    Credential.objects.update(state=Credential.State.REVOKED)
    site.called.clear()

    assert left(store, remove_app=True) == ""
    assert site.called == []


def test_a_platform_that_lets_no_app_go_says_so(shop: world.Shop, merchant: Merchant) -> None:
    store = connect.connect_store(
        merchant=merchant,
        platform="fakeshop",
        base_url="fake.example",
        credentials={"key": "k_1", "secret": "s3cret"},
        actor="user:anna",
    )
    adapter: Any = registry.adapter_class("fakeshop")

    with pytest.raises(Unsupported, match="does not support taking its app out"):
        adapter.remove_app(adapter.__new__(adapter))
    assert not connect.may_remove_app(store)


def test_an_app_whose_secret_was_typed_is_the_merchants(site: Site, merchant: Merchant) -> None:
    """Even the hub's: whoever typed it may use it elsewhere."""
    store = by_values(site, merchant, client_id=CLIENT_ID, client_secret=CLIENT_SECRET)

    assert Credential.objects.get().kind == AuthKind.CLIENT_CREDENTIALS
    assert not connect.may_remove_app(store)
