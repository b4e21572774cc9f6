"""TokenShop's connect flow."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from hashlib import sha256
from urllib.parse import urlencode, urlsplit

from integrations.errors import AuthenticationFailed
from integrations.kit.http import PlatformSession
from integrations.kit.oauth2 import Consent, Grant, Journey, OAuthApp, ask_token


def authorize_url(
    app: OAuthApp,
    base_url: str,
    redirect_uri: str,
    state: str,
    scopes: Sequence[str],
    challenge: str,
    journey: Journey,
) -> str:
    query = {
        "client_id": app.client_id,
        "redirect_uri": redirect_uri,
        "state": state,
        "scope": ",".join(scopes),
        "code_challenge": challenge,
    }
    return f"{base_url}/authorize?{urlencode(query)}"


def signature(secret: str, query: Mapping[str, str]) -> str:
    signed = "&".join(f"{name}={query[name]}" for name in sorted(query) if name != "hmac")
    return hmac.new(secret.encode(), signed.encode(), sha256).hexdigest()


def read_redirect(app: OAuthApp, base_url: str, query: Mapping[str, str]) -> Consent:
    wanted = signature(app.client_secret, query)
    if not hmac.compare_digest(wanted.encode(), query.get("hmac", "").encode()):
        raise AuthenticationFailed("TokenShop did not sign this answer.", code="redirect_forged")
    if query.get("shop") != urlsplit(base_url).netloc:
        raise AuthenticationFailed("The answer is about another shop.", code="redirect_foreign")
    return Consent(code=query["code"])


def exchange(
    http: PlatformSession, app: OAuthApp, code: str, redirect_uri: str, verifier: str
) -> Grant:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
    return ask_token(
        http, "/token", {**form, "code_verifier": verifier, **_who(app)}, repeatable=False
    )


def refresh(http: PlatformSession, app: OAuthApp, refresh_token: str) -> Grant:
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    return ask_token(http, "/token", {**form, **_who(app)})


def client_credentials(http: PlatformSession, app: OAuthApp) -> Grant:
    return ask_token(http, "/token", {"grant_type": "client_credentials", **_who(app)})


def _who(app: OAuthApp) -> dict[str, str]:
    return {"client_id": app.client_id, "client_secret": app.client_secret}
