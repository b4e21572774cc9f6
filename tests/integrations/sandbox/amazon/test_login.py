"""Login with Amazon: tokens, their lives and their ends, and the pages of Seller Central."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from integrations.sandbox.amazon.login import room
from integrations.sandbox.amazon.wire import Answer
from tests.integrations.sandbox.amazon.client import Client
from tests.integrations.sandbox.amazon.conftest import Make

SELLERS = "/sellers/v1/marketplaceParticipations"
CALLBACK = "https://hub.example/amazon/oauth/callback"
DAY = 24 * 3600


def refused(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.document["error"]


# --- tokens ---------------------------------------------------------------------------------------


def test_a_refresh_token_gives_an_access_token_for_an_hour(account: Client) -> None:
    told = account.log_in()

    assert told["access_token"].startswith("Atza|")
    assert told["refresh_token"] == account.store.options.refresh_token
    assert (told["token_type"], told["expires_in"]) == ("bearer", 3600)
    account.token = told["access_token"]
    account.later(3599)
    assert account.call("GET", SELLERS).status == 200
    account.later(1)
    answer = account.call("GET", SELLERS)
    assert answer.status == 403
    assert answer.document["errors"] == [
        {
            "code": "Unauthorized",
            "message": "Access to requested resource is denied.",
            "details": "The access token you provided has expired.",
        }
    ]


def test_the_token_door_takes_json_like_amazons_own_clients_send(account: Client) -> None:
    options = account.store.options
    answer = account.send(
        "POST",
        "/auth/o2/token",
        {
            "grant_type": "refresh_token",
            "refresh_token": options.refresh_token,
            "client_id": options.client_id,
            "client_secret": options.client_secret,
        },
    )

    assert answer.status == 200
    assert answer.header("Cache-Control") == "no-store"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"grant_type": ""}, (400, "invalid_request")),
        ({"grant_type": "password"}, (400, "unsupported_grant_type")),
        ({"grant_type": "refresh_token"}, (400, "invalid_request")),
        ({"grant_type": "refresh_token", "refresh_token": "Atzr|no"}, (400, "invalid_grant")),
        (
            {"grant_type": "refresh_token", "refresh_token": "x", "client_secret": "no"},
            (401, "invalid_client"),
        ),
        ({"grant_type": "authorization_code", "code": "no"}, (400, "invalid_grant")),
        ({"grant_type": "client_credentials", "scope": "no"}, (400, "invalid_scope")),
    ],
)
def test_a_wrong_request_is_told_why(
    account: Client, fields: dict[str, str], expected: tuple[int, str]
) -> None:
    answer = account.login(**fields)

    assert refused(answer) == expected
    assert set(answer.document) == {"error", "error_description", "request_id"}


def test_an_app_alone_gets_a_token_that_opens_no_sellers_door(account: Client) -> None:
    told = account.login(
        grant_type="client_credentials", scope="sellingpartnerapi::notifications"
    ).document

    assert "refresh_token" not in told
    assert told["scope"] == "sellingpartnerapi::notifications"
    account.token = told["access_token"]
    assert account.refused("GET", SELLERS) == (403, "Unauthorized")


def test_what_the_seller_takes_back_is_dead_at_once(account: Client) -> None:
    account.get(SELLERS)

    room.revoke(account.store)

    answer = account.call("GET", SELLERS)
    assert "revoked" in answer.document["errors"][0]["details"]
    again = account.login(grant_type="refresh_token", refresh_token="Atzr|sandbox")
    assert refused(again) == (400, "invalid_grant")
    assert "revoked" in again.document["error_description"]
    room.authorise(account.store)
    account.token = ""
    assert account.get(SELLERS)


def test_a_secret_nobody_rotates_for_180_days_ends_all_logins(account: Client) -> None:
    old = account.store.options.client_secret
    account.log_in()
    account.later(180 * DAY)
    refresh = {"grant_type": "refresh_token", "refresh_token": "Atzr|sandbox"}

    assert refused(account.login(**refresh)) == (401, "invalid_client")

    room.rotate_secret(account.store)
    assert account.login(**refresh).status == 200
    assert refused(account.login(**refresh, client_secret=old)) == (401, "invalid_client")


def test_only_a_public_apps_authorisation_ends_after_a_year(make_store: Make) -> None:
    for kind, expected in (("private", 200), ("public", 400)):
        client = make_store(app_kind=kind, orders=0, products=1)
        client.later(365 * DAY)
        room.rotate_secret(client.store)

        answer = client.login(grant_type="refresh_token", refresh_token="Atzr|sandbox")
        assert answer.status == expected, kind


def test_an_app_that_is_not_authorised_has_no_token(make_store: Make) -> None:
    client = make_store(refresh_token="", orders=0, products=1)

    assert client.store.state.login.refreshes == {}


# --- consent --------------------------------------------------------------------------------------


def consent(client: Client, method: str = "GET", **more: str) -> Answer:
    query = {
        "application_id": client.store.options.application_id,
        "state": "st/a te",
        "redirect_uri": CALLBACK,
    } | more
    return client.send(
        method, "/apps/authorize/consent", query=urlencode({n: v for n, v in query.items() if v})
    )


def sent_to(answer: Answer) -> tuple[str, dict[str, str]]:
    assert answer.status == 302, answer.content()
    parts = urlsplit(answer.header("Location") or "")
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    return f"{parts.scheme}://{parts.netloc}{parts.path}", query


def test_the_seller_is_asked_and_comes_back_with_a_code(account: Client) -> None:
    asked = consent(account).content().decode()
    assert "Authorise Logix?" in asked
    assert "Direct-to-Consumer Shipping" in asked
    assert len(re.findall("<input", asked)) == 3

    uri, query = sent_to(consent(account, "POST", answer="authorise"))

    assert uri == CALLBACK
    assert query == {
        "state": "st/a te",
        "selling_partner_id": account.store.options.seller_id,
        "spapi_oauth_code": query["spapi_oauth_code"],
    }
    code = query["spapi_oauth_code"]
    told = account.login(grant_type="authorization_code", code=code, redirect_uri=CALLBACK)
    assert told.document["refresh_token"].startswith("Atzr|")
    account.token = told.document["access_token"]
    assert account.get(SELLERS)["payload"]
    again = account.login(grant_type="authorization_code", code=code)
    assert refused(again) == (400, "invalid_grant")


def test_a_code_lives_for_five_minutes_and_for_its_address(account: Client) -> None:
    def code() -> str:
        return sent_to(consent(account, "POST", answer="authorise"))[1]["spapi_oauth_code"]

    other = account.login(
        grant_type="authorization_code", code=code(), redirect_uri="https://evil.example/"
    )
    assert refused(other) == (400, "invalid_grant")
    late = code()
    account.later(300)
    assert refused(account.login(grant_type="authorization_code", code=late)) == (
        400,
        "invalid_grant",
    )


def test_who_cancels_is_not_sent_back(account: Client) -> None:
    assert consent(account, "POST", answer="cancel").status == 200
    assert account.store.state.login.codes == {}


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"application_id": "amzn1.sp.solution.other"}, "MD1000"),
        ({"redirect_uri": "http://hub.example/"}, "MD5101"),
        ({"redirect_uri": ""}, "MD5101"),
    ],
)
def test_what_is_wrong_with_the_request_is_told_with_amazons_code(
    account: Client, more: dict[str, str], code: str
) -> None:
    answer = consent(account, **more)

    assert answer.status == 400
    assert code in answer.content().decode()


def test_a_draft_wants_the_beta_version_and_addresses_are_registered(make_store: Make) -> None:
    client = make_store(is_draft=True, redirect_uris=(CALLBACK,), orders=0, products=1)

    assert "MD1000" in consent(client).content().decode()
    assert consent(client, version="beta").status == 200
    other = consent(client, version="beta", redirect_uri="https://other.example/")
    assert "MD5101" in other.content().decode()
    uri, _ = sent_to(consent(client, "POST", version="beta", redirect_uri="", answer="authorise"))
    assert uri == CALLBACK


def test_a_seller_who_starts_in_the_appstore_goes_round_once(make_store: Make) -> None:
    client = make_store(login_uri="https://hub.example/amazon/login", orders=0, products=1)
    app = client.store.options.application_id

    uri, query = sent_to(client.send("GET", f"/apps/store/{app}"))
    assert uri == "https://hub.example/amazon/login"
    assert query["selling_partner_id"] == client.store.options.seller_id
    assert query["amazon_callback_uri"].endswith(f"/apps/authorize/confirm/{app}")

    back = {"amazon_state": query["amazon_state"], "state": "mine", "redirect_uri": CALLBACK}
    path = urlsplit(query["amazon_callback_uri"]).path
    uri, query = sent_to(client.send("GET", path, query=urlencode(back)))
    assert uri == CALLBACK
    assert query["state"] == "mine"
    assert (
        client.login(grant_type="authorization_code", code=query["spapi_oauth_code"]).status == 200
    )
    assert client.send("GET", path, query=urlencode(back)).status == 400
    assert client.send("GET", "/apps/store/other").status == 400
