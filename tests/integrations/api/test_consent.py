"""Connect by consent over the API: begun with a token, ended by the browser or by a program."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import include, path
from django.utils import timezone
from django.utils.html import escape
from drf_spectacular.generators import SchemaGenerator

from integrations import connect, registry
from integrations.api.routes import consent_routes, integration_routes
from integrations.api.throttling import reset
from integrations.models import ConnectAttempt, Credential, Store
from integrations.shopify.platform import CARD as SHOPIFY
from logix.accounts.models import AuditEvent, Merchant, Scope
from tests.integrations.api.client import Api, api_for
from tests.integrations.tokenshop.platform import CARD
from tests.integrations.tokenshop.site import CLIENT_SECRET, Site

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

CALLBACK = "/api/v1/tokenshop/oauth/callback"

urlpatterns = [
    path("api/v1/tokenshop/", include([*integration_routes(CARD), *consent_routes(CARD)])),
    path("", include("logix.urls")),
]


@pytest.fixture(autouse=True)
def fresh_counters() -> None:
    reset()


def begin(api: Api, site: Site, **body: Any) -> str:
    answer = api.post("/tokenshop/oauth/authorize", {"store_url": site.url, **body})
    assert answer.status_code == 201, answer.content
    assert set(answer.json()) == {"authorize_url", "expires_at"}
    return str(answer.json()["authorize_url"])


def browser(query: dict[str, str], client: Client | None = None) -> Any:
    return (client or Client()).get(f"{CALLBACK}?{urlencode(query)}")


def press(page: Any, say: str, client: Client) -> Any:
    """The button of a page, in the browser that shows it; no other check of forms lets it in."""
    form = re.search(
        r'action="([^"]+)".*name="answer" value="([^"]+)"', page.content.decode(), re.S
    )
    assert form, page.content.decode()
    client.handler.enforce_csrf_checks = True
    return client.post(unescape(form[1]), {"answer": unescape(form[2]), "say": say})


# --- By the browser ------------------------------------------------------------------------------


def test_whoever_comes_back_is_asked_for_whom_and_nothing_is_done_meanwhile(
    api: Api, site: Site
) -> None:
    query = site.consent(begin(api, site, writes_enabled=True))

    page = browser(query)

    assert page.status_code == 200, page.content
    shown = " ".join(unescape(re.sub(r"<[^>]+>", " ", page.content.decode())).split())
    for words in (
        "Connect your TokenShop store to Acme ?",
        "Acme began this.",
        f"TokenShop store {site.host}",
        "Logix may then Read orders Read products Write stock Read refunds",
        "Writing On from the start",
        "go into their account, and into no other",
        "Connect this store to Acme",
        "This was not me",
    ):
        assert words in shown
    assert site.asked == []
    assert not Store.objects.exists()
    assert ConnectAttempt.objects.get().used_at is None
    assert browser(query).status_code == 200, "looking again uses nothing up"


def test_the_page_stays_on_this_screen_and_tells_nobody(api: Api, site: Site) -> None:
    query = site.consent(begin(api, site))

    page = browser(query)

    assert page["Cache-Control"] == "no-store"
    assert page["Referrer-Policy"] == "no-referrer"
    assert page["X-Frame-Options"] == "DENY"
    policy = page["Content-Security-Policy"]
    for rule in ("default-src 'self'", "form-action 'self'", "frame-ancestors 'none'"):
        assert rule in policy
    text = page.content.decode()
    assert "<script" not in text
    assert " style=" not in text
    for secret in (query["code"], query["state"], query["hmac"], *site.given):
        assert secret not in text
    cookie = page.cookies["logix_connect"]
    assert (cookie["path"], cookie["samesite"], cookie["httponly"]) == (CALLBACK, "Lax", True)
    assert cookie["max-age"] == 600


def test_a_yes_connects_the_store_for_the_merchant_who_was_named(api: Api, site: Site) -> None:
    query, client = site.consent(begin(api, site, writes_enabled=True)), Client()

    done = press(browser(query, client), "connect", client)

    assert done.status_code == 200, done.content
    assert "Tokens &amp; Sons is connected for Acme" in done.content.decode()
    assert (done["Cache-Control"], done["Referrer-Policy"]) == ("no-store", "no-referrer")
    store = Store.objects.get()
    assert (store.merchant.name, store.status, store.writes_enabled) == ("Acme", "active", True)
    assert site.asked == ["authorization_code"]
    again = browser(query)
    assert again.status_code == 422
    assert "used already" in again.content.decode()


def test_a_button_pressed_twice_says_the_same_twice(api: Api, site: Site) -> None:
    client = Client()
    page = browser(site.consent(begin(api, site)), client)

    first, second = press(page, "connect", client), press(page, "connect", client)

    assert first.content == second.content
    assert site.asked == ["authorization_code"]
    assert Store.objects.count() == 1


def test_while_it_is_being_connected_the_button_says_so(api: Api, site: Site) -> None:
    client = Client()
    page = browser(site.consent(begin(api, site)), client)
    ConnectAttempt.objects.update(used_at=timezone.now())

    again = press(page, "connect", client)

    assert "being connected already" in again.content.decode()


def test_a_no_ends_it_keeps_nothing_and_says_what_to_do_at_the_platform(
    api: Api, site: Site
) -> None:
    query, client = site.consent(begin(api, site)), Client()
    page = browser(query, client)

    said = press(page, "decline", client)

    assert said.status_code == 200
    text = said.content.decode()
    assert "Nothing was connected" in text
    assert "TokenShop may list the app as installed all the same; remove it there" in text
    assert site.asked == []
    assert not Store.objects.exists()
    attempt = ConnectAttempt.objects.get()
    assert attempt.problem == (
        "Whoever came back from TokenShop declined to connect the store for Acme."
    )
    event = AuditEvent.objects.get(action="store.connect_failed")
    assert event.details["reason"] == attempt.problem
    assert press(page, "connect", client).status_code == 422
    assert api.post("/tokenshop/oauth/callback", query).status_code == 422
    assert site.asked == []


def test_the_answer_of_one_browser_is_none_in_another(api: Api, site: Site) -> None:
    """Neither a form of another site, which comes without the cookie, nor whoever got hold of the
    page.
    """
    page = browser(site.consent(begin(api, site)), Client())
    other = Client()
    browser(site.consent(begin(api, site)), other)

    for stranger in (Client(), other):
        for say in ("connect", "decline"):
            refused = press(page, say, stranger)
            assert refused.status_code == 422
            assert "does not belong to this browser" in refused.content.decode()

    assert site.asked == []
    assert set(ConnectAttempt.objects.values_list("used_at", flat=True)) == {None}


@pytest.mark.parametrize("answer", ["", "x", "v1.k1.", "v1.k1.AAAA", "\x00", "ä" * 5000])
def test_an_answer_that_nobody_gave_is_refused(api: Api, site: Site, answer: str) -> None:
    client = Client()
    browser(site.consent(begin(api, site)), client)

    refused = client.post(f"{CALLBACK}/confirm", {"answer": answer, "say": "connect"})

    assert refused.status_code == 422
    assert not Store.objects.exists()


def test_a_code_that_ran_out_meanwhile_is_said_and_asked_for_anew(api: Api, site: Site) -> None:
    site.apps["mine"] = "my-own-secret-0123456789"
    app = {"client_id": "mine", "client_secret": "my-own-secret-0123456789"}
    url, client = begin(api, site, name="Cologne", **app), Client()
    page = browser(site.consent(url), client)
    site.codes.clear()

    gone = press(page, "connect", client)

    assert gone.status_code == 422
    text = unescape(gone.content.decode())
    assert "good for a short time, and once. Nothing was connected." in text
    again = re.search(r'href="([^"]+)"[^>]*>Start again<', text)
    assert again
    query = dict(parse_qsl(urlsplit(again[1]).query))
    assert again[1].startswith(f"{site.url}/authorize?")
    assert query["client_id"] == "mine"
    done = press(browser(site.consent(again[1]), client), "connect", client)
    assert "Cologne is connected for Acme" in done.content.decode()


def test_an_attempt_that_ran_out_meanwhile_is_begun_anew(api: Api, site: Site) -> None:
    client = Client()
    page = browser(site.consent(begin(api, site)), client)
    ConnectAttempt.objects.update(expires_at=timezone.now())

    gone = press(page, "connect", client)

    assert "Start again" in gone.content.decode()
    assert site.asked == []
    assert ConnectAttempt.objects.count() == 2


def test_what_the_merchant_is_called_stays_a_name(site: Site) -> None:
    evil = "<script>alert(1)</script>\"' onload=x \u202e" + "M" * 60
    api = api_for(Merchant.objects.create(name=evil, slug="evil"), Scope.READ, Scope.STORES_WRITE)
    client = Client()

    page = browser(site.consent(begin(api, site)), client)
    done = press(page, "connect", client)

    for shown in (page, done):
        assert "<script>" not in shown.content.decode()
        assert escape(evil) in shown.content.decode()


# --- By a program --------------------------------------------------------------------------------


def test_a_program_of_the_merchant_brings_it_back_with_its_token(api: Api, site: Site) -> None:
    query = site.consent(begin(api, site))

    answer = api.post("/tokenshop/oauth/callback", query)

    assert answer.status_code == 200, answer.content
    shown = answer.json()
    assert shown["store_url"] == site.url
    assert shown["credentials"][0]["kind"] == "oauth2"
    assert (shown["warnings"], shown["reconnect"]) == ([], "")


def test_a_look_ahead_uses_nothing_up(api: Api, site: Site) -> None:
    query = site.consent(begin(api, site))

    assert Client().head(f"{CALLBACK}?{urlencode(query)}").status_code == 204
    assert browser(query).status_code == 200


@pytest.mark.parametrize("scopes", [[Scope.READ], [Scope.ORDERS_WRITE]])
def test_a_token_that_may_not_change_stores_begins_and_ends_nothing(
    api: Api, merchant: Merchant, site: Site, scopes: list[str]
) -> None:
    weak = api_for(merchant, *scopes)
    query = site.consent(begin(api, site))

    begun = weak.post("/tokenshop/oauth/authorize", {"store_url": site.url})
    ended = weak.post("/tokenshop/oauth/callback", query)

    assert (begun.status_code, ended.status_code) == (403, 403)
    assert not Store.objects.exists()


def test_without_a_token_a_program_is_refused(api: Api, site: Site) -> None:
    query = site.consent(begin(api, site))

    assert Api().post("/tokenshop/oauth/authorize", {"store_url": site.url}).status_code == 401
    assert Api().post("/tokenshop/oauth/callback", query).status_code == 401


def test_to_another_merchant_the_attempt_does_not_exist(
    api: Api, stranger: Api, site: Site
) -> None:
    query = site.consent(begin(api, site))

    answer = stranger.post("/tokenshop/oauth/callback", query)

    assert answer.status_code == 422
    assert answer.json()["code"] == "attempt_unknown"


def test_a_parameter_that_comes_twice_is_refused(api: Api, site: Site) -> None:
    query = urlencode(site.consent(begin(api, site)))

    for more in ("state=x", "code=x", "shop=evil.example", "hmac=x"):
        for both in (f"{query}&{more}", f"{more}&{query}"):
            assert Client().get(f"{CALLBACK}?{both}").status_code == 400


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"code": "<script>stolen"}, 422, "did not sign"),
        ({"state": "<script>guess"}, 422, "unknown"),
        ({"error": "access_denied"}, 422, "did not consent"),
        ({"error": "<script>odd"}, 422, "did not ask for consent"),
    ],
)
def test_the_page_says_what_went_wrong_and_repeats_nothing(
    api: Api, site: Site, changes: dict[str, str], status: int, words: str
) -> None:
    query = site.consent(begin(api, site))

    page = browser({**query, **changes})

    assert page.status_code == status
    text = page.content.decode()
    assert words in text
    assert "Not connected" in text
    assert "<script>" not in text
    assert query["code"] not in text


def test_what_was_begun_in_the_admin_asks_to_log_in_first(merchant: Merchant, site: Site) -> None:
    anna = User.objects.create_user("anna", is_staff=True)
    url, _ = connect.begin_oauth(
        merchant=merchant, platform="tokenshop", base_url=site.url, actor="user:anna", user=anna
    )
    query = site.consent(url)

    page = browser(query)

    assert page.status_code == 422
    assert "Log in" in page.content.decode()
    assert "/admin/login/?next=/api/v1/tokenshop/oauth/callback%3Fcode" in page.content.decode()
    assert not Store.objects.exists()
    hers = Client()
    hers.force_login(anna)
    assert browser(query, hers).status_code == 200


@pytest.mark.parametrize(
    "body", [{}, {"state": 7}, {"state": None}, {"state": "x" * 5000}, {"state": ["a"]}, []]
)
def test_nonsense_is_refused_in_a_sentence(api: Api, site: Site, body: Any) -> None:
    answer = api.post("/tokenshop/oauth/callback", body)

    assert 400 <= answer.status_code < 500, answer.content
    assert answer.json()["detail"]


def test_a_redirect_with_a_hundred_parameters_is_none(site: Site) -> None:
    assert browser({f"p{n}": "x" for n in range(100)}).status_code == 400


def test_guesses_are_slowed_down(site: Site) -> None:
    codes = {browser({"state": "guess"}).status_code for _ in range(70)}

    assert codes == {422, 429}


def test_an_app_of_ones_own_goes_in_and_never_comes_out(api: Api, site: Site) -> None:
    site.apps["mine"] = "my-own-secret-0123456789"
    app = {"client_id": "mine", "client_secret": "my-own-secret-0123456789"}
    query = site.consent(begin(api, site, **app))

    answer = api.post("/tokenshop/oauth/callback", query)

    assert answer.status_code == 200
    for secret in ("my-own-secret", CLIENT_SECRET, *site.given):
        assert secret not in answer.content.decode()


def test_keys_of_any_other_way_connect_as_ever(api: Api, site: Site) -> None:
    body = {"store_url": site.url, "access_token": site.paste()}

    assert api.post("/tokenshop/integrations", body).status_code == 201

    assert Credential.objects.get().kind == "token"
    nothing = api.post("/tokenshop/integrations", {"store_url": site.url})
    assert (nothing.status_code, nothing.json()["code"]) == (422, "consent_needed")


def test_a_store_shows_what_is_off_and_where_to_connect_again(api: Api, site: Site) -> None:
    site.grants = tuple(s for s in CARD.wanted_scopes if s != "read_refunds")
    shown = api.post("/tokenshop/oauth/callback", site.consent(begin(api, site))).json()
    assert shown["warnings"] == ["read_refunds was not granted, so this is off: refunds read."]
    assert shown["credentials"][0]["missing"] == ["read_refunds"]

    Store.objects.update(status="needs_merchant")

    again = api.get(f"/integrations/{shown['id']}").json()
    assert again["reconnect"] == "/api/v1/tokenshop/oauth/authorize"


@pytest.mark.parametrize(
    ("scopes", "status"),
    [([], 201), (["read_all_orders"], 201), (["write_everything"], 422), ("read_all_orders", 400)],
)
def test_a_program_names_the_scopes_its_app_was_approved_for(
    api: Api, settings: Any, scopes: Any, status: int
) -> None:
    settings.LOGIX_PUBLIC_URL = "https://hub.example"
    settings.LOGIX_OAUTH_APPS = {"shopify": "id:secret"}

    answer = api.post(
        "/shopify/oauth/authorize", {"store_url": "acme.myshopify.com", "scopes": scopes}
    )

    assert answer.status_code == status, answer.content
    if status == 201:
        asked = dict(parse_qsl(urlsplit(answer.json()["authorize_url"]).query))["scope"]
        assert asked.split(",") == [*SHOPIFY.wanted_scopes, *scopes]


@pytest.mark.parametrize(("query", "is_removed"), [("", False), ("?remove_app=true", True)])
def test_a_program_disconnects_and_asks_for_the_app_to_go(
    api: Api, site: Site, monkeypatch: pytest.MonkeyPatch, query: str, is_removed: bool
) -> None:
    card = "tests.integrations.tokenshop.removable.CARD"
    monkeypatch.setitem(registry.BUILT_IN, "tokenshop", card)
    store = api.post("/tokenshop/oauth/callback", site.consent(begin(api, site))).json()

    address = f"/tokenshop/integrations/{store['id']}"
    assert api.delete(f"{address}?remove_app=perhaps").status_code == 400
    assert api.delete(f"{address}{query}").status_code == 204

    assert ("/api/uninstall" in [path for _, path, _, _ in site.called]) is is_removed
    kept = api.get(f"/integrations/{store['id']}").json()
    assert (kept["status"], kept["status_reason"] == "") == ("disconnected", is_removed)


def test_the_description_tells_the_two_ways_apart(site: Site) -> None:
    description: dict[str, Any] = SchemaGenerator(urlconf=__name__).get_schema(
        request=None, public=True
    )
    paths = description["paths"]

    begins = paths["/api/v1/tokenshop/oauth/authorize"]["post"]
    ends = paths["/api/v1/tokenshop/oauth/callback"]
    assert set(ends) == {"post"}  # the browser's page is no API
    for operation in (begins, ends["post"]):
        assert operation["security"] == [{"bearer": []}]
        assert {"400", "401", "403", "422", "429"} <= set(operation["responses"])
    assert "502" in ends["post"]["responses"]
    body = paths["/api/v1/tokenshop/integrations"]["post"]["requestBody"]["content"]
    examples = body["application/json"]["examples"]
    assert len(examples) == 3
    name = body["application/json"]["schema"]["$ref"].rpartition("/")[2]
    schema = description["components"]["schemas"][name]
    assert schema["required"] == ["store_url"]
    assert {"client_id", "client_secret", "access_token", "refresh_token"} <= set(
        schema["properties"]
    )
