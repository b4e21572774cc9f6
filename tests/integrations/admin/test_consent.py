"""Connecting by consent in the admin: a form, a link that leaves, the way back in one browser."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import include, path, reverse

from integrations import connect, registry
from integrations.admin.connecting import typed_sign_ins
from integrations.api.routes import consent_routes
from integrations.models import ConnectAttempt, Credential, Store
from logix.accounts.models import Membership, Merchant, Role
from tests.factories import make_merchant
from tests.integrations.tokenshop.approving import OLD_ORDERS
from tests.integrations.tokenshop.platform import CARD
from tests.integrations.tokenshop.site import CLIENT_SECRET, Site

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

urlpatterns = [
    path("api/v1/tokenshop/", include(consent_routes(CARD))),
    path("", include("logix.urls")),
]


def member(merchant: Merchant, role: Role) -> Client:
    user = User.objects.create_user(f"{role}-{merchant.slug}", password="x", is_staff=True)
    Membership.objects.create(merchant=merchant, user=user, role=role)
    client = Client()
    client.force_login(user)
    return client


def consent_page() -> str:
    return reverse("admin:integrations_store_consent", args=["tokenshop"])


def link_in(page: Any) -> str:
    found = re.search(r'href="(http://127\.0\.0\.1:\d+/authorize[^"]+)"', page.content.decode())
    assert found, page.content.decode()
    return unescape(found[1])


def come_back(client: Client, query: dict[str, str]) -> Any:
    return client.get(f"/api/v1/tokenshop/oauth/callback?{urlencode(query)}")


def test_an_owner_connects_a_store_by_its_owners_consent(merchant: Merchant, site: Site) -> None:
    owner = member(merchant, Role.OWNER)
    form = owner.get(consent_page()).content.decode()
    assert "Connect with TokenShop" in form

    page = owner.post(consent_page(), {"merchant": merchant.pk, "store_url": site.url})

    assert page.status_code == 200
    assert "Continue to TokenShop" in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    assert page["Referrer-Policy"] == "no-referrer"
    query = site.consent(link_in(page))
    assert come_back(Client(), query).status_code == 422
    assert come_back(owner, query).status_code == 200
    store = Store.objects.get()
    assert (store.merchant, store.status) == (merchant, "active")
    attempt = ConnectAttempt.objects.get()
    assert (attempt.user_id, attempt.store_id) == (User.objects.get().pk, store.pk)
    assert attempt.requested_by == f"user:{User.objects.get().username}"


def test_a_form_never_answers_with_a_redirect_to_another_site(
    merchant: Merchant, site: Site
) -> None:
    """The policy of the page (form-action) would have the browser stop there."""
    owner = member(merchant, Role.OWNER)

    page = owner.post(consent_page(), {"merchant": merchant.pk, "store_url": site.url})

    assert "Location" not in page
    assert CLIENT_SECRET not in page.content.decode()


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_nobody_below_an_owner_connects(merchant: Merchant, site: Site, role: Role) -> None:
    client = member(merchant, role)

    assert client.get(consent_page()).status_code == 403
    asked = client.post(consent_page(), {"merchant": merchant.pk, "store_url": site.url})
    assert asked.status_code == 403
    assert not ConnectAttempt.objects.exists()


def test_an_owner_connects_for_no_merchant_but_their_own(merchant: Merchant, site: Site) -> None:
    other = make_merchant("other")
    owner = member(merchant, Role.OWNER)
    person = User.objects.get()
    Membership.objects.create(merchant=other, user=person, role=Role.OPERATOR)

    page = owner.post(consent_page(), {"merchant": other.pk, "store_url": site.url})

    assert "Select a valid choice" in page.content.decode()
    assert not ConnectAttempt.objects.exists()
    typed = owner.get(f"{reverse('admin:integrations_store_add')}?platform=tokenshop&by=token")
    assert str(merchant.pk) in typed.content.decode()
    assert str(other.pk) not in typed.content.decode()


def test_what_is_refused_is_said_on_the_form(merchant: Merchant, site: Site) -> None:
    owner = member(merchant, Role.OWNER)

    page = owner.post(
        consent_page(),
        {
            "merchant": merchant.pk,
            "store_url": "https://shop.example",
            "client_id": "mine",
            "client_secret": "my-own-secret-0123456789",
        },
    )

    text = page.content.decode()
    assert "shop.example is not an address of TokenShop. As you type it in the browser" in text
    assert "my-own-secret" not in text


def test_a_platform_without_consent_has_no_such_page(merchant: Merchant, site: Site) -> None:
    owner = member(merchant, Role.OWNER)

    for slug in ("woocommerce", "nothing"):
        url = reverse("admin:integrations_store_consent", args=[slug])
        assert owner.get(url).status_code == 404


def test_the_connect_page_offers_every_way_in_plain_words(merchant: Merchant, site: Site) -> None:
    owner = member(merchant, Role.OWNER)
    add = reverse("admin:integrations_store_add")

    usual = owner.get(f"{add}?platform=tokenshop")
    by_app = owner.get(f"{add}?platform=tokenshop&by=client_credentials").content.decode()
    by_token = owner.get(f"{add}?platform=tokenshop&by=token").content.decode()
    by_refresh = owner.get(f"{add}?platform=tokenshop&by=refresh_token").content.decode()

    assert usual["Location"] == consent_page()
    by_consent = owner.get(consent_page()).content.decode()
    for words in ("Your own app.", "A token.", "Connect WooCommerce instead."):
        assert words in by_consent
    assert [way.label for way in typed_sign_ins(CARD)] == [
        "Your own app",
        "Your own app, with a refresh token",
        "A token",
    ]
    for words in ("Connect with TokenShop.", "A token.", "Connect WooCommerce instead."):
        assert words in by_app
    assert 'name="client_secret"' in by_app
    assert 'name="access_token"' not in by_app
    assert all(f'name="{x}"' in by_refresh for x in ("client_secret", "refresh_token"))
    assert 'name="access_token"' in by_token
    assert 'name="client_secret"' not in by_token


def test_a_pasted_token_connects_from_the_form(merchant: Merchant, site: Site) -> None:
    owner = member(merchant, Role.OWNER)
    url = f"{reverse('admin:integrations_store_add')}?platform=tokenshop&by=token"
    token = site.paste()

    answer = owner.post(
        url, {"merchant": merchant.pk, "store_url": site.url, "access_token": token}
    )

    assert answer.status_code == 302, answer.content.decode()
    assert Credential.objects.get().kind == "token"


def test_an_owner_says_what_the_platform_approved_the_app_for(
    merchant: Merchant, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = "tests.integrations.tokenshop.approving.CARD"
    monkeypatch.setitem(registry.BUILT_IN, "tokenshop", card)
    owner = member(merchant, Role.OWNER)
    assert "See orders of any age" in owner.get(consent_page()).content.decode()
    filled = {"merchant": merchant.pk, "store_url": site.url}

    usual = link_in(owner.post(consent_page(), filled))
    more = link_in(owner.post(consent_page(), {**filled, OLD_ORDERS: "on"}))

    assert OLD_ORDERS not in usual
    assert parse_qs(urlsplit(more).query)["scope"] == [",".join([*CARD.wanted_scopes, OLD_ORDERS])]


def test_only_an_owner_takes_the_app_out_of_a_store_and_is_asked_first(
    merchant: Merchant, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = "tests.integrations.tokenshop.removable.CARD"
    monkeypatch.setitem(registry.BUILT_IN, "tokenshop", card)
    url, _ = connect.begin_oauth(
        merchant=merchant, platform="tokenshop", base_url=site.url, actor="system"
    )
    store = connect.finish_oauth("tokenshop", site.consent(url), merchant=merchant)
    act = reverse("admin:integrations_store_act", args=[store.pk, "remove-app"])
    owner, operator = member(merchant, Role.OWNER), member(merchant, Role.OPERATOR)
    row = reverse("admin:integrations_store_change", args=[store.pk])
    assert act in owner.get(row).content.decode()
    assert act not in operator.get(row).content.decode()
    assert operator.post(act).status_code == 403
    assert "whatever uses the app there stops for good" in owner.get(act).content.decode()
    assert "/api/uninstall" not in [path for _, path, _, _ in site.called]

    owner.post(act)

    assert "/api/uninstall" in [path for _, path, _, _ in site.called]
    store.refresh_from_db()
    assert (store.status, store.status_reason) == ("disconnected", "")


# --- Connected already ---------------------------------------------------------------------------


@pytest.fixture
def store(merchant: Merchant, site: Site) -> Store:
    site.grants = tuple(s for s in CARD.wanted_scopes if s != "read_refunds")
    url, _ = connect.begin_oauth(
        merchant=merchant, platform="tokenshop", base_url=site.url, actor="system"
    )
    return connect.finish_oauth("tokenshop", site.consent(url), merchant=merchant)


def test_a_stopped_store_offers_to_reconnect_and_goes_on(
    store: Store, merchant: Merchant, site: Site
) -> None:
    Store.objects.update(status="needs_merchant", status_reason="Taken back.")
    owner = member(merchant, Role.OWNER)
    row = reverse("admin:integrations_store_change", args=[store.pk])
    again = reverse("admin:integrations_store_reconnect", args=[store.pk])
    assert again in owner.get(row).content.decode()
    home = owner.get(reverse("admin:integrations_store_changelist")).content.decode()
    assert "Taken back. Reconnect it." in home
    assert "stay" in owner.get(again).content.decode()

    page = owner.post(again)

    url = link_in(page)
    assert parse_qs(urlsplit(url).query)["scope"] == [",".join(CARD.wanted_scopes)]
    assert come_back(owner, site.consent(url)).status_code == 200
    store.refresh_from_db()
    assert store.status == "active"
    assert Store.objects.count() == 1


def test_a_store_whose_token_was_pasted_takes_new_keys_instead(
    merchant: Merchant, site: Site
) -> None:
    store = connect.connect_store(
        merchant=merchant,
        platform="tokenshop",
        base_url=site.url,
        credentials={"access_token": site.paste()},
        actor="system",
    )
    Store.objects.update(status="needs_merchant", status_reason="Taken back.")
    owner = member(merchant, Role.OWNER)
    row = owner.get(reverse("admin:integrations_store_change", args=[store.pk])).content.decode()
    home = owner.get(reverse("admin:integrations_store_changelist")).content.decode()

    assert reverse("admin:integrations_store_keys", args=[store.pk]) in row
    assert reverse("admin:integrations_store_reconnect", args=[store.pk]) not in row
    assert "Taken back. Give it new keys." in home


def test_reconnecting_takes_an_owner(store: Store, merchant: Merchant) -> None:
    operator = member(merchant, Role.OPERATOR)
    stranger = member(make_merchant("other"), Role.OWNER)
    again = reverse("admin:integrations_store_reconnect", args=[store.pk])
    row = reverse("admin:integrations_store_change", args=[store.pk])

    assert again not in operator.get(row).content.decode()
    assert operator.post(again).status_code == 403
    assert stranger.post(again).status_code in (302, 404)
    assert not ConnectAttempt.objects.filter(store=None).exists()


def test_the_stores_page_says_what_is_off(store: Store, merchant: Merchant) -> None:
    viewer = member(merchant, Role.VIEWER)
    row = reverse("admin:integrations_store_change", args=[store.pk])

    page = viewer.get(row).content.decode()

    assert "read_refunds was not granted, so this is off: refunds read." in page
