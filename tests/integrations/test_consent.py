"""Connect by consent: the state ties the browser that comes back to the one that was sent away."""

from __future__ import annotations

import base64
from datetime import timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import override_settings
from django.utils import timezone

from integrations import authentication, connect, registry
from integrations.connect import addresses
from integrations.errors import (
    AuthenticationFailed,
    Misconfigured,
    Rejected,
    Unavailable,
    Unsupported,
)
from integrations.models import ConnectAttempt, Credential, Store, StoreStatus
from logix.accounts.models import AuditEvent, Merchant
from tests.factories import make_merchant
from tests.integrations.fakeshop import world
from tests.integrations.tokenshop.approving import OLD_ORDERS
from tests.integrations.tokenshop.platform import CARD
from tests.integrations.tokenshop.site import CLIENT_ID, CLIENT_SECRET, Site

pytestmark = pytest.mark.django_db


def begin(site: Site, merchant: Merchant, **options: Any) -> tuple[str, ConnectAttempt]:
    return connect.begin_oauth(
        merchant=merchant,
        platform="tokenshop",
        base_url=site.url,
        actor="user:anna",
        **options,
    )


def finish(query: dict[str, str], merchant: Merchant | None = None, **options: Any) -> Store:
    """By a program with a token of the merchant; there is one, where none is named."""
    if merchant is None and "user" not in options:
        merchant = Merchant.objects.get()
    return connect.finish_oauth("tokenshop", query, merchant=merchant, **options)


def connected(site: Site, merchant: Merchant, **options: Any) -> Store:
    return finish(site.consent(begin(site, merchant, **options)[0]), merchant)


# --- Begun ---------------------------------------------------------------------------------------


def test_the_merchant_is_sent_to_the_platform_with_a_state_we_do_not_keep(
    site: Site, merchant: Merchant
) -> None:
    url, attempt = begin(site, merchant)

    query = dict(parse_qsl(urlsplit(url).query))
    assert url.startswith(f"{site.url}/authorize?")
    assert query["client_id"] == CLIENT_ID
    assert query["scope"].split(",") == list(CARD.wanted_scopes)
    assert query["redirect_uri"] == "http://127.0.0.1:8000/api/v1/tokenshop/oauth/callback"
    state = query["state"]
    assert len(state) == 43
    assert state.isalnum()
    assert state.isascii()
    kept = str(ConnectAttempt.objects.values().get())
    assert state not in kept
    assert CLIENT_SECRET not in url + kept
    left = attempt.expires_at - timezone.now()
    assert timedelta(minutes=9) < left <= timedelta(minutes=10)
    assert (site.asked, site.called) == ([], [])
    assert AuditEvent.objects.get().action == "store.connect_started"


def test_the_challenge_is_of_a_verifier_that_nobody_stored(site: Site, merchant: Merchant) -> None:
    url, _ = begin(site, merchant)

    challenge = parse_qs(urlsplit(url).query)["code_challenge"][0]
    state = parse_qs(urlsplit(url).query)["state"][0]
    plain = base64.urlsafe_b64encode(sha256(state.encode()).digest()).decode().rstrip("=")
    assert len(challenge) == 43
    assert challenge != plain
    finish(site.consent(url))  # the site compares the two


def test_a_hub_without_an_app_says_which_setting_is_missing(
    site: Site, merchant: Merchant, settings: Any
) -> None:
    settings.LOGIX_OAUTH_APPS = {}

    with pytest.raises(Misconfigured, match="LOGIX_OAUTH_TOKENSHOP") as caught:
        begin(site, merchant)

    assert caught.value.code == "app_missing"
    assert not ConnectAttempt.objects.exists()


def test_a_malformed_app_is_named_and_never_repeated(
    site: Site, merchant: Merchant, settings: Any
) -> None:
    settings.LOGIX_OAUTH_APPS = {"tokenshop": "only-a-secret"}

    with pytest.raises(Misconfigured, match="LOGIX_OAUTH_TOKENSHOP") as caught:
        begin(site, merchant)

    assert "only-a-secret" not in str(caught.value)


def test_an_app_of_ones_own_needs_both_its_halves(site: Site, merchant: Merchant) -> None:
    with pytest.raises(connect.ConnectError, match="both"):
        begin(site, merchant, credentials={"client_id": "mine"})


def test_a_hub_without_https_says_so(site: Site, merchant: Merchant) -> None:
    with (
        override_settings(LOGIX_PUBLIC_URL="http://hub.example"),
        pytest.raises(connect.ConnectError) as caught,
    ):
        begin(site, merchant)

    assert caught.value.code == "public_url_required"


def test_a_platform_without_consent_says_so(shop: world.Shop, merchant: Merchant) -> None:
    with pytest.raises(Unsupported, match="Paste the keys"):
        connect.begin_oauth(
            merchant=merchant, platform="fakeshop", base_url="fake.example", actor="user:anna"
        )


def test_a_platform_with_consent_hands_over_no_keys(site: Site, merchant: Merchant) -> None:
    with (
        override_settings(LOGIX_PUBLIC_URL="https://hub.example"),
        pytest.raises(Unsupported, match="Connect with TokenShop"),
    ):
        connect.begin_one_click(
            merchant=merchant, platform="tokenshop", base_url=site.url, actor="user:anna"
        )


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("acme", "https://acme.tokenshop.example"),
        ("Acme.TokenShop.example/products?x=1", "https://acme.tokenshop.example"),
        ("https://acme.tokenshop.example:443/", "https://acme.tokenshop.example"),
        ("http://127.0.0.1:9999", "http://127.0.0.1:9999"),
    ],
)
def test_what_people_paste_becomes_the_stores_address(site: Site, typed: str, kept: str) -> None:
    assert addresses.store_address(CARD, typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "tokenshop.example",
        "https://acme.tokenshop.example.evil.example",
        "https://evil.example/acme.tokenshop.example",
        "https://evil.example#.tokenshop.example",
        "https://acme_tokenshop.example",
        "https://acme.tokenshop.example:8443",
        "https://-acme.tokenshop.example",
        "https://user@acme.tokenshop.example",
        "https://10.0.0.1",
    ],
)
def test_no_address_of_others_passes_for_a_store(site: Site, typed: str) -> None:
    with pytest.raises(Misconfigured):
        addresses.store_address(CARD, typed)


def test_loopback_is_no_store_where_the_operator_did_not_allow_it(
    site: Site, settings: Any
) -> None:
    settings.LOGIX_ALLOW_LOOPBACK_STORES = False

    with pytest.raises(Misconfigured):
        addresses.store_address(CARD, site.url)


# --- Ended ---------------------------------------------------------------------------------------


def test_consent_connects_the_store_and_keeps_its_tokens_sealed(
    site: Site, merchant: Merchant
) -> None:
    url, attempt = begin(
        site, merchant, options={"name": "Cologne", "writes_enabled": True, "adopt_stock": False}
    )

    store = finish(site.consent(url))

    assert (store.name, store.status, store.writes_enabled) == ("Cologne", "active", True)
    assert store.options == {"adopt_stock": False}
    row = Credential.objects.get()
    assert (row.kind, row.state, row.version) == ("oauth2", "ok", 1)
    assert row.scopes == list(CARD.wanted_scopes)
    assert row.missing == []
    assert row.expires_at is not None
    assert row.refresh_due_at is not None
    assert row.refresh_expires_at is not None
    held = authentication.held(store)
    assert held.access_token.encode() not in bytes(row.sealed)
    assert held.values == {}  # the hub's app is read where it stands, never copied
    attempt.refresh_from_db()
    assert (attempt.store, attempt.problem) == (store, "")
    actions = set(AuditEvent.objects.values_list("action", flat=True))
    assert {"store.connect_started", "store.connected", "credentials.saved"} <= actions


def test_a_state_is_good_once(site: Site, merchant: Merchant) -> None:
    query = site.consent(begin(site, merchant)[0])
    finish(query)

    with pytest.raises(connect.ConnectError, match="used already"):
        finish(query)

    assert site.asked == ["authorization_code"]
    assert ConnectAttempt.objects.get().problem == ""


def test_a_state_ends_after_ten_minutes(site: Site, merchant: Merchant) -> None:
    query = site.consent(begin(site, merchant)[0])
    ConnectAttempt.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    with pytest.raises(connect.ConnectError) as caught:
        finish(query)

    assert caught.value.code == "attempt_unknown"
    assert site.asked == []
    assert not Store.objects.exists()


@pytest.mark.parametrize("state", ["", "guess", "A" * 43, "ä" * 43])
def test_a_guessed_state_is_refused(site: Site, merchant: Merchant, state: str) -> None:
    begin(site, merchant)

    with pytest.raises(connect.ConnectError) as caught:
        finish({"state": state, "code": "x", "shop": site.host})

    assert caught.value.code == "attempt_unknown"


def test_a_state_of_another_platform_is_refused(
    site: Site, shop: world.Shop, merchant: Merchant
) -> None:
    query = site.consent(begin(site, merchant)[0])

    with pytest.raises(connect.ConnectError):
        connect.finish_oauth("fakeshop", query)


def test_a_forged_answer_is_refused_and_the_right_one_still_counts(
    site: Site, merchant: Merchant
) -> None:
    query = site.consent(begin(site, merchant)[0])

    with pytest.raises(AuthenticationFailed) as caught:
        finish({**query, "code": "stolen"})

    assert caught.value.code == "redirect_forged"
    assert site.asked == []
    assert "did not sign" in ConnectAttempt.objects.get().problem
    assert finish(query).status == "active"
    assert ConnectAttempt.objects.get().problem == ""


def test_an_answer_about_another_shop_is_refused(site: Site, merchant: Merchant) -> None:
    url, _ = begin(site, merchant)

    with pytest.raises(AuthenticationFailed) as caught:
        finish(site.consent(url, shop="other.tokenshop.example"))

    assert caught.value.code == "redirect_foreign"
    assert not Store.objects.exists()


def test_a_token_of_another_merchant_ends_nothing(site: Site, merchant: Merchant) -> None:
    query = site.consent(begin(site, merchant)[0])

    with pytest.raises(connect.ConnectError) as caught:
        finish(query, merchant=make_merchant("stranger"))

    assert caught.value.code == "attempt_unknown"
    assert finish(query, merchant=merchant).merchant == merchant


def test_what_was_begun_in_the_admin_is_ended_by_that_person_alone(
    site: Site, merchant: Merchant
) -> None:
    anna, ben = User.objects.create_user("anna"), User.objects.create_user("ben")
    query = site.consent(begin(site, merchant, user=anna)[0])

    for stranger in ({}, {"user": ben}, {"merchant": merchant}):
        with pytest.raises(connect.ConnectError) as caught:
            finish(query, **stranger)
        assert caught.value.code == "login_required"

    assert finish(query, user=anna).status == "active"


def test_denied_consent_is_a_plain_sentence(site: Site, merchant: Merchant) -> None:
    query = site.consent(begin(site, merchant)[0])

    with pytest.raises(connect.ConnectError, match="did not consent") as caught:
        finish({"state": query["state"], "error": "access_denied"})

    assert caught.value.code == "consent_denied"
    assert "did not consent" in ConnectAttempt.objects.get().problem
    assert AuditEvent.objects.filter(action="store.connect_failed").exists()
    with pytest.raises(connect.ConnectError):
        finish(query)


def test_a_code_that_is_no_good_leaves_a_reason_and_no_store(
    site: Site, merchant: Merchant
) -> None:
    query = site.consent(begin(site, merchant)[0])
    site.codes.clear()

    with pytest.raises(AuthenticationFailed, match="Connect the store again") as caught:
        finish(query)

    assert query["code"] not in str(caught.value)
    assert ConnectAttempt.objects.get().problem == str(caught.value)
    assert not Store.objects.exists()


def test_a_lost_answer_with_the_tokens_is_not_asked_for_twice(
    site: Site, merchant: Merchant
) -> None:
    query = site.consent(begin(site, merchant)[0])
    site.lose = 1

    with pytest.raises(Unavailable, match="Start again"):
        finish(query)

    assert site.asked == ["authorization_code"]


def test_an_app_of_ones_own_is_used_kept_sealed_and_forgotten_by_the_attempt(
    site: Site, merchant: Merchant
) -> None:
    site.apps["mine"] = "my-own-secret-0123456789"
    app = {"client_id": "mine", "client_secret": "my-own-secret-0123456789"}
    url, attempt = begin(site, merchant, credentials=app)
    assert "client_id=mine" in url
    sealed = ConnectAttempt.objects.get().app_sealed
    assert sealed
    assert "my-own-secret" not in sealed

    store = finish(site.consent(url))

    attempt.refresh_from_db()
    assert attempt.app_sealed == ""
    assert authentication.held(store).values == app
    again, _ = begin(site, merchant)
    assert "client_id=mine" in again


# --- Connected again -----------------------------------------------------------------------------


def test_connecting_again_renews_the_tokens_and_keeps_the_store(
    site: Site, merchant: Merchant
) -> None:
    store = connected(site, merchant, options={"name": "Cologne"})
    before = authentication.held(store)

    again = connected(site, merchant, options={"name": "Bonn"})

    assert again.pk == store.pk
    assert Store.objects.get().name == "Cologne"
    after = authentication.held(again)
    assert after.version == before.version + 1
    assert after.access_token != before.access_token


def test_a_store_that_was_stopped_goes_on_when_it_is_connected_again(
    site: Site, merchant: Merchant
) -> None:
    store = connected(site, merchant)
    site.revoke()
    authentication.note_failure(store, AuthenticationFailed("revoked"))
    assert connect.reconnect_at(store) == "/api/v1/tokenshop/oauth/authorize"

    connected(site, merchant)

    store.refresh_from_db()
    assert store.status == StoreStatus.ACTIVE
    assert connect.reconnect_at(store) == ""
    assert Credential.objects.get().state == "ok"


def test_another_shop_of_the_merchant_is_another_store(site: Site, merchant: Merchant) -> None:
    connected(site, merchant)
    stranger = make_merchant("stranger")

    other = connected(site, stranger)

    assert other.merchant == stranger
    assert Store.objects.count() == 2


# --- Scopes --------------------------------------------------------------------------------------


def test_without_a_scope_nothing_works_without_the_store_is_not_connected(
    site: Site, merchant: Merchant
) -> None:
    site.grants = ("read_products", "write_stock")

    with pytest.raises(connect.ConnectError, match="read_orders") as caught:
        connected(site, merchant)

    assert caught.value.code == "scopes_missing"
    assert "read_orders" in ConnectAttempt.objects.get().problem
    assert not Store.objects.exists()


def test_consent_to_less_keeps_the_tokens_of_before(site: Site, merchant: Merchant) -> None:
    store = connected(site, merchant)
    before = authentication.held(store)
    site.grants = ("read_products",)

    with pytest.raises(connect.ConnectError, match="read_orders"):
        connected(site, merchant)

    assert authentication.held(store) == before


def test_an_optional_scope_that_is_missing_is_said_in_words(site: Site, merchant: Merchant) -> None:
    site.grants = ("read_orders", "read_products", "write_stock")

    store = connected(site, merchant)

    assert store.status == "active"
    assert Credential.objects.get().missing == ["read_refunds"]
    assert connect.warnings_of(store) == [
        "read_refunds was not granted, so this is off: refunds read."
    ]
    assert any("read_refunds" in w for w in connect.test_connection(store, actor="x").warnings)


def test_a_scope_that_is_asked_for_since_the_store_was_connected_is_off_until_it_is_granted(
    site: Site, merchant: Merchant
) -> None:
    store = connected(site, merchant)
    granted = ["read_orders", "read_products", "write_stock"]
    Credential.objects.update(scopes=granted, missing=[])

    assert authentication.held(store).missing == ("read_refunds",)
    assert connect.warnings_of(store) == [
        "read_refunds was not granted, so this is off: refunds read."
    ]


def test_one_scope_for_writing_less_is_no_reason_not_to_write(
    site: Site, merchant: Merchant
) -> None:
    site.grants = ("read_orders", "read_products", "read_refunds")

    store = connected(site, merchant, options={"writes_enabled": True})

    assert store.writes_enabled  # notes go out, stock does not
    assert connect.warnings_of(store) == [
        "write_stock was not granted, so this is off: stock write."
    ]


# --- Scopes that take the platform's approval ----------------------------------------------------


@pytest.fixture
def approving(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    card = "tests.integrations.tokenshop.approving.CARD"
    monkeypatch.setitem(registry.BUILT_IN, "tokenshop", card)
    return site


def asked_for(url: str) -> list[str]:
    return parse_qs(urlsplit(url).query)["scope"][0].split(",")


def test_a_scope_that_takes_approval_is_asked_for_where_somebody_says_so(
    approving: Site, merchant: Merchant
) -> None:
    assert asked_for(begin(approving, merchant)[0]) == list(CARD.wanted_scopes)

    url, _ = begin(approving, merchant, scopes=[OLD_ORDERS])

    assert asked_for(url) == [*CARD.wanted_scopes, OLD_ORDERS]
    question = connect.come_back("tokenshop", approving.consent(url), user=None)
    assert isinstance(question, connect.Question)
    assert question.may == (
        "Read orders",
        "Read products",
        "Set stock",
        "Read refunds",
        "See orders of any age",
    )
    assert connect.confirm("tokenshop", question.answer, question.browser).options == {}


def test_a_scope_nobody_knows_is_not_asked_for(approving: Site, merchant: Merchant) -> None:
    for scopes in (["write_everything"], ["read_orders"], ["read_old_orders "]):
        with pytest.raises(connect.ConnectError, match="has: read_old_orders") as caught:
            begin(approving, merchant, scopes=scopes)
        assert caught.value.code == "unknown_scope"

    assert not ConnectAttempt.objects.exists()


def test_what_was_granted_before_is_asked_for_again(approving: Site, merchant: Merchant) -> None:
    approving.grants = (*CARD.wanted_scopes, OLD_ORDERS)
    store = finish(approving.consent(begin(approving, merchant, scopes=[OLD_ORDERS])[0]))
    assert connect.warnings_of(store) == []

    for state in (Credential.State.REAUTH, Credential.State.REVOKED):
        Credential.objects.update(state=state)
        assert asked_for(begin(approving, merchant)[0])[-1] == OLD_ORDERS


def test_a_store_without_it_says_what_it_would_bring(approving: Site, merchant: Merchant) -> None:
    store = connected(approving, merchant)

    assert connect.warnings_of(store) == [
        "read_old_orders was not granted, which lets Logix do more: See orders of any age. "
        "TokenShop gives it to apps that it approved for it; then connect the store again and ask "
        "for it."
    ]


# --- Without consent -----------------------------------------------------------------------------


def test_an_app_of_the_stores_own_people_connects_by_id_and_secret(
    site: Site, merchant: Merchant
) -> None:
    store = connect.connect_store(
        merchant=merchant,
        platform="tokenshop",
        base_url=site.url,
        credentials={"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET},
        actor="user:anna",
    )

    row = Credential.objects.get()
    assert (row.kind, row.refresh_expires_at) == ("client_credentials", None)
    assert row.refresh_due_at is not None
    with authentication.adapter_for(store) as adapter:
        assert adapter.authenticate()
        assert adapter.connection.credentials == {
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
        }
    assert site.asked == ["client_credentials"]


def test_a_pasted_refresh_token_connects_and_is_kept_as_a_token(
    site: Site, merchant: Merchant
) -> None:
    pasted = site.authorize()
    store = connect.connect_store(
        merchant=merchant,
        platform="tokenshop",
        base_url=site.url,
        credentials={
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "refresh_token": pasted,
        },
        actor="user:anna",
    )

    row = Credential.objects.get()
    assert (row.kind, row.refresh_due_at is not None) == ("refresh_token", True)
    with authentication.adapter_for(store) as adapter:
        assert adapter.authenticate()
        assert "refresh_token" not in adapter.connection.credentials
    assert site.asked == ["refresh_token"]
    assert authentication.held(store).refresh_token


def test_a_refresh_token_that_is_dead_is_told_as_such(site: Site, merchant: Merchant) -> None:
    pasted = site.authorize()
    site.revoke()

    with pytest.raises(AuthenticationFailed, match="does not accept the refresh token") as refused:
        connect.connect_store(
            merchant=merchant,
            platform="tokenshop",
            base_url=site.url,
            credentials={
                "client_id": CLIENT_ID,
                "client_secret": CLIENT_SECRET,
                "refresh_token": pasted,
            },
            actor="user:anna",
        )

    assert pasted not in str(refused.value)
    assert not Store.objects.exists()


def test_a_new_secret_of_the_app_goes_on_with_the_refresh_token_that_is_kept(
    site: Site, merchant: Merchant
) -> None:
    store = connect.connect_store(
        merchant=merchant,
        platform="tokenshop",
        base_url=site.url,
        credentials={
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "refresh_token": site.authorize(),
        },
        actor="user:anna",
    )
    site.apps[CLIENT_ID] = "rotated-secret-9876543210"

    connect.change_store(
        store, credentials={"client_secret": "rotated-secret-9876543210"}, actor="user:anna"
    )

    site.expire()
    with authentication.adapter_for(store) as adapter:
        assert adapter.authenticate()
    assert Credential.objects.get().kind == "refresh_token"


def test_a_pasted_token_connects_too(site: Site, merchant: Merchant) -> None:
    store = connect.connect_store(
        merchant=merchant,
        platform="tokenshop",
        base_url=site.url,
        credentials={"access_token": site.paste(), "client_id": ""},
        actor="user:anna",
    )

    assert Credential.objects.get().kind == "token"
    with authentication.adapter_for(store) as adapter:
        assert adapter.authenticate()
    assert site.asked == []


def test_a_wrong_secret_of_ones_own_app_is_the_merchants_to_mend(
    site: Site, merchant: Merchant
) -> None:
    wrong = {"client_id": CLIENT_ID, "client_secret": "wrong-secret-0123456789"}

    with pytest.raises(AuthenticationFailed, match="client id and secret") as caught:
        connect.connect_store(
            merchant=merchant,
            platform="tokenshop",
            base_url=site.url,
            credentials=wrong,
            actor="user:anna",
        )

    assert caught.value.code == "app_refused"
    assert "wrong-secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("credentials", "code", "words"),
    [
        ({}, "consent_needed", "Connect with TokenShop"),
        ({"client_id": CLIENT_ID}, "credential_missing", "Client secret is missing"),
        ({"client_secret": "s"}, "credential_missing", "Client id is missing"),
        ({"password": "s"}, "unknown_credential", "knows no password"),
        (
            {"access_token": "t", "client_secret": "s"},
            "unknown_credential",
            "asks for no client_secret",
        ),
    ],
)
def test_what_is_missing_is_named(
    site: Site, merchant: Merchant, credentials: dict[str, str], code: str, words: str
) -> None:
    with pytest.raises(connect.ConnectError, match=words) as caught:
        connect.connect_store(
            merchant=merchant,
            platform="tokenshop",
            base_url=site.url,
            credentials=credentials,
            actor="user:anna",
        )

    assert caught.value.code == code


def test_a_store_can_change_the_way_it_signs_in(site: Site, merchant: Merchant) -> None:
    store = connected(site, merchant)

    connect.change_store(store, credentials={"access_token": site.paste()}, actor="user:anna")

    assert [row.kind for row in Credential.objects.all()] == ["token"]
    again = connected(site, merchant)
    assert again.pk == store.pk
    assert [row.kind for row in Credential.objects.all()] == ["oauth2"]


def test_a_consent_is_not_moved_to_another_address(site: Site, merchant: Merchant) -> None:
    store = connected(site, merchant)

    with pytest.raises(connect.ConnectError) as caught:
        connect.change_store(store, base_url="http://127.0.0.1:9", actor="user:anna")

    assert caught.value.code == "consent_needed"
    assert not isinstance(caught.value, Rejected)
