"""Connect by consent over the API: begun with a token, ended by the browser or by a program."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import include, path
from drf_spectacular.generators import SchemaGenerator

from integrations import connect
from integrations.api.routes import consent_routes, integration_routes
from integrations.api.throttling import reset
from integrations.models import Credential, Store
from logix.accounts.models import Merchant, Scope
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


def test_the_browser_comes_back_and_the_page_names_merchant_and_store(api: Api, site: Site) -> None:
    query = site.consent(begin(api, site, writes_enabled=True))

    page = browser(query)

    assert page.status_code == 200, page.content
    text = page.content.decode()
    assert "Tokens &amp; Sons is connected for Acme" in text
    assert page["Cache-Control"] == "no-store"
    assert page["Referrer-Policy"] == "no-referrer"
    store = Store.objects.get()
    assert (store.status, store.writes_enabled) == ("active", True)
    again = browser(query)
    assert again.status_code == 422
    assert "used already" in again.content.decode()


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
    assert len(examples) == 2
    name = body["application/json"]["schema"]["$ref"].rpartition("/")[2]
    schema = description["components"]["schemas"][name]
    assert schema["required"] == ["store_url"]
    assert {"client_id", "client_secret", "access_token"} <= set(schema["properties"])
