"""Tokens on the wire: how they are asked for, what a refusal means, when a call is sent again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest

from integrations.errors import (
    AuthenticationFailed,
    ContractBroken,
    Misconfigured,
    PlatformError,
    RateLimited,
    Rejected,
    Unavailable,
)
from integrations.kit.oauth2 import (
    Grant,
    OAuthApp,
    StaticToken,
    TokenAuth,
    ask_token,
    grant_of,
    pkce_challenge,
)
from tests.integrations.kit.conftest import Desk
from tests.integrations.kit.server import ScriptedStore, answer, hang_up

Make = Callable[..., Any]
AT = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
FORM = {
    "grant_type": "refresh_token",
    "refresh_token": "refresh-0123456789",
    "client_secret": "secret-0123456789",
}


def header(store: ScriptedStore, name: str = "Authorization") -> list[str]:
    return [request.headers.get(name, "") for request in store.requests]


class Renewing:
    """Hands out ``tokens`` one after the other."""

    def __init__(self, *tokens: str) -> None:
        self.tokens = list(tokens)
        self.refused: list[str] = []

    def current(self) -> str:
        return self.tokens[0]

    def renew(self, refused: str) -> str:
        self.refused.append(refused)
        if len(self.tokens) > 1:
            self.tokens.pop(0)
        return self.tokens[0]


# --- Asking for tokens ---------------------------------------------------------------------------


def test_a_form_is_posted_without_the_sessions_auth_and_read(store: Make, desk: Make) -> None:
    site = store(
        answer(
            200,
            {
                "access_token": "access-1",
                "refresh_token": "refresh-1",
                "expires_in": 3600,
                "refresh_token_expires_in": "7776000",
                "scope": "read_orders, write_orders,read_orders",
            },
        )
    )
    session = desk(site, auth=TokenAuth("Authorization", "Bearer ", StaticToken("old"))).session
    before = datetime.now(UTC)

    grant = ask_token(session, "/token", FORM)

    (request,) = site.requests
    assert (request.method, request.path) == ("POST", "/token")
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert "Authorization" not in request.headers
    assert parse_qs(request.body.decode()) == {name: [value] for name, value in FORM.items()}
    assert (grant.access_token, grant.refresh_token) == ("access-1", "refresh-1")
    assert grant.scopes == ("read_orders", "write_orders")
    assert grant.expires_at is not None
    life = grant.expires_at - before
    assert timedelta(seconds=3599) < life < timedelta(seconds=3605)


@pytest.mark.parametrize(
    ("status", "body", "error", "code"),
    [
        (400, {"error": "invalid_grant"}, AuthenticationFailed, "invalid_grant"),
        (401, {"error": "invalid_token"}, AuthenticationFailed, "invalid_grant"),
        (401, {"error": "invalid_client"}, Misconfigured, "app_refused"),
        (400, {"error": "unauthorized_client"}, Misconfigured, "app_refused"),
        (400, {"error": "invalid_request"}, Rejected, "tokens_refused"),
        (403, {"error": ["odd"]}, PlatformError, "permission_missing"),
        (503, {"error": "temporarily_unavailable"}, Unavailable, "unavailable"),
        (500, {"error": "boom"}, Unavailable, "server_error"),
        (429, {"error": "slow_down"}, RateLimited, "rate_limited"),
    ],
)
def test_a_refusal_says_who_must_act_and_repeats_nothing(
    store: Make, desk: Make, status: int, body: dict[str, Any], error: type, code: str
) -> None:
    told = {**body, "error_description": " ".join(FORM.values())}
    session = desk(store(answer(status, told))).session

    with pytest.raises(error) as caught:
        ask_token(session, "/token", FORM)

    assert caught.value.code == code
    for secret in ("refresh-0123456789", "secret-0123456789"):
        assert secret not in str(caught.value)
        assert secret not in repr(caught.value)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            {
                "error": "app_not_installed",
                "error_description": "The app is not installed on this shop.",
            },
            "It said: The app is not installed on this shop.",
        ),
        ({"error": "shop_not_permitted"}, "It said: shop not permitted."),
        ({"error": "shop_not_permitted", "error_description": 7}, "It said: shop not permitted."),
        (
            {"error": "shop_not_permitted", "error_description": "Né à l'étranger"},
            "It said: shop not permitted.",
        ),
    ],
)
def test_a_reason_of_the_platforms_own_is_told_in_its_words(
    store: Make, desk: Make, body: dict[str, Any], words: str
) -> None:
    with pytest.raises(Rejected) as caught:
        ask_token(desk(store(answer(400, body))).session, "/token", FORM)

    assert caught.value.code == "tokens_denied"
    assert str(caught.value).endswith(words)


@pytest.mark.parametrize(
    "body",
    [
        {"error": "shop_odd", "error_description": "No secret-0123456789 here."},
        {"error": "shop_odd", "error_description": '<b>no</b> "refresh-0123456789"'},
        {"error": "Refused! refresh-0123456789"},
    ],
)
def test_a_reason_that_repeats_what_was_sent_is_not_told(
    store: Make, desk: Make, body: dict[str, Any]
) -> None:
    with pytest.raises(Rejected) as caught:
        ask_token(desk(store(answer(400, body))).session, "/token", FORM)

    shown = f"{caught.value!r} {caught.value}"
    assert "0123456789" not in shown
    assert "***" not in shown


def test_a_secret_spelled_with_escapes_is_not_told_either(store: Make, desk: Make) -> None:
    spelled = "".join(f"\\u{ord(letter):04x}" for letter in FORM["client_secret"])
    body = f'{{"error": "shop_odd", "error_description": "No {spelled}."}}'.encode()

    with pytest.raises(Rejected) as caught:
        ask_token(desk(store(answer(400, body))).session, "/token", FORM)

    assert caught.value.code == "tokens_refused"
    assert FORM["client_secret"] not in str(caught.value)


def test_a_web_page_in_place_of_tokens_is_no_answer(store: Make, desk: Make) -> None:
    page = answer(200, b"<html>Log in</html>", content_type="text/html")

    with pytest.raises(ContractBroken):
        ask_token(desk(store(page)).session, "/token", FORM)


def test_a_lost_answer_is_asked_for_again_where_that_does_no_harm(store: Make, desk: Make) -> None:
    site = store(hang_up, answer(200, {"access_token": "a"}))

    assert ask_token(desk(site).session, "/token", FORM).access_token == "a"

    assert len(site.requests) == 2


def test_a_code_is_sent_once(store: Make, desk: Make) -> None:
    site = store(hang_up)

    with pytest.raises(Unavailable) as caught:
        ask_token(desk(site).session, "/token", FORM, repeatable=False)

    assert caught.value.code == "tokens_lost"
    assert len(site.requests) == 1


def test_lives_are_counted_from_the_question() -> None:
    grant = grant_of({"access_token": "a", "expires_in": 60}, AT)

    assert grant == Grant(access_token="a", expires_at=AT + timedelta(seconds=60))


@pytest.mark.parametrize(
    ("told", "path"),
    [
        ([], "$"),
        ({}, "$.access_token"),
        ({"access_token": 7}, "$.access_token"),
        ({"access_token": "a", "expires_in": "soon"}, "$.expires_in"),
        ({"access_token": "a", "expires_in": True}, "$.expires_in"),
        ({"access_token": "a", "expires_in": -1}, "$.expires_in"),
        ({"access_token": "a", "expires_in": "nan"}, "$.expires_in"),
        ({"access_token": "a", "expires_in": 10**400}, "$.expires_in"),
        ({"access_token": "a", "scope": ["x"]}, "$.scope"),
        ({"access_token": "a", "refresh_token": {}}, "$.refresh_token"),
    ],
)
def test_an_answer_that_breaks_the_contract_is_named_by_its_place(told: Any, path: str) -> None:
    with pytest.raises(ContractBroken) as caught:
        grant_of(told, AT)

    assert caught.value.path == path


def test_the_challenge_is_the_one_of_the_standard() -> None:
    """RFC 7636, appendix B."""
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

    assert pkce_challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_nothing_shows_its_secret() -> None:
    shown = (
        OAuthApp("id", "s3cret-value"),
        Grant(access_token="s3cret-value", refresh_token="s3cret-value"),
        StaticToken("s3cret-value"),
        TokenAuth("Authorization", "Bearer ", StaticToken("s3cret-value")),
    )

    assert "s3cret-value" not in repr(shown)
    assert "id" in repr(shown[0])


# --- Calls with a token --------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_call_refused_for_its_token_is_sent_again_with_the_new_one(
    store: Make, desk: Make, method: str
) -> None:
    site = store(answer(401), answer(200, {"ok": True}))
    token = Renewing("one", "two")
    session = desk(site, auth=TokenAuth("Authorization", "Bearer ", token)).session

    assert session.request(method, "/thing", json={"n": 1}).json() == {"ok": True}

    assert header(site) == ["Bearer one", "Bearer two"]
    assert token.refused == ["one"]
    assert {request.body for request in site.requests} == {b'{"n":1}'}


def test_it_is_sent_again_once_and_no_more(store: Make, desk: Make) -> None:
    site = store(answer(401, {"error": "no"}))
    token = Renewing("one", "two", "three")
    session = desk(site, auth=TokenAuth("X-Token", "", token)).session

    with pytest.raises(AuthenticationFailed):
        session.get("/thing")

    assert header(site, "X-Token") == ["one", "two"]


def test_a_token_that_cannot_change_is_sent_once(store: Make, desk: Make) -> None:
    site = store(answer(401))
    session = desk(site, auth=TokenAuth("X-Token", "", StaticToken("one"))).session

    with pytest.raises(AuthenticationFailed):
        session.post("/thing")

    assert len(site.requests) == 1


def test_a_renewal_that_fails_is_what_the_caller_hears(store: Make, desk: Make) -> None:
    class Dead(Renewing):
        def renew(self, refused: str) -> str:
            raise AuthenticationFailed("Taken back.", code="invalid_grant")

    site = store(answer(401))
    made: Desk = desk(site, auth=TokenAuth("X-Token", "", Dead("one")))

    with pytest.raises(AuthenticationFailed, match="Taken back"):
        made.session.get("/thing")

    assert [record.error for record in made.records] == ["invalid_grant"]


def test_without_a_token_nothing_is_sent_and_no_quota_is_taken(store: Make, desk: Make) -> None:
    class Awaited(Renewing):
        def current(self) -> str:
            raise Unavailable("Later.", code="token_awaited")

    site = store(answer(200))
    made: Desk = desk(site, auth=TokenAuth("X-Token", "", Awaited()))

    with pytest.raises(Unavailable) as caught:
        made.session.get("/thing")

    assert caught.value.code == "token_awaited"
    assert site.requests == []
    assert made.naps == []


def test_other_refusals_leave_the_token_alone(store: Make, desk: Make) -> None:
    site = store(answer(403))
    token = Renewing("one", "two")

    with pytest.raises(PlatformError):
        desk(site, auth=TokenAuth("X-Token", "", token)).session.get("/thing")

    assert token.refused == []


def test_a_token_that_no_header_can_carry_is_refused(store: Make, desk: Make) -> None:
    session = desk(store(answer()), auth=TokenAuth("X-Token", "", StaticToken("a\nb"))).session

    with pytest.raises(AuthenticationFailed):
        session.get("/thing")
