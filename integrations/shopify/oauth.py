"""Consent at Shopify: where the merchant is sent, what comes back, and tokens.

Source: Shopify/shopify-app-js, packages/apps/shopify-api/lib/auth and lib/utils/hmac-validator;
https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens
"""

from __future__ import annotations

import hmac
import re
import time
from collections.abc import Mapping, Sequence
from hashlib import sha256
from urllib.parse import quote, urlencode, urlsplit

from integrations.errors import AuthenticationFailed
from integrations.kit.http import PlatformSession
from integrations.kit.oauth2 import Consent, Grant, Journey, OAuthApp, ask_token
from integrations.shopify.platform import CARD

TOKENS = "/admin/oauth/access_token"
# How far the time in the redirect may be off, either way.
MOST_OFF_S = 90
_UNSIGNED = frozenset({"hmac", "signature"})
_SHOP = re.compile(CARD.host_pattern)
_HEX = re.compile(r"[0-9a-f]{64}")


def authorize_url(
    app: OAuthApp,
    base_url: str,
    redirect_uri: str,
    state: str,
    scopes: Sequence[str],
    challenge: str,
    journey: Journey,
) -> str:
    """Where to send the merchant's browser. Offline access: no ``grant_options[]``."""
    query = urlencode(
        {
            "client_id": app.client_id,
            "scope": ",".join(scopes),
            "redirect_uri": redirect_uri,
            "state": state,
        }
    )
    return f"{base_url.rstrip('/')}/admin/oauth/authorize?{query}"


def read_redirect(app: OAuthApp, base_url: str, query: Mapping[str, str]) -> Consent:
    """The code, when the redirect was signed by Shopify for this app, for this store and just now.
    Raises AuthenticationFailed.
    """
    if not _is_signed(app, query):
        raise AuthenticationFailed(
            "The way back from Shopify is not signed with this app's secret. Start again; if it "
            "stays so, check the client secret.",
            code="redirect_forged",
        )
    if not _is_of(base_url, query.get("shop", "").lower()):
        raise AuthenticationFailed(
            "Consent was given for another store than the one that was being connected.",
            code="redirect_foreign",
        )
    sent_at = query.get("timestamp", "")
    is_number = sent_at.isascii() and sent_at.isdigit() and len(sent_at) <= 12
    if not is_number or abs(time.time() - int(sent_at)) > MOST_OFF_S:
        raise AuthenticationFailed(
            "The way back from Shopify is too old, or the clock of this hub is wrong. Start again.",
            code="redirect_old",
        )
    code = query.get("code", "")
    if not code:
        raise AuthenticationFailed("Shopify sent no code. Start again.", code="redirect_forged")
    return Consent(code=code)


def exchange(
    http: PlatformSession, app: OAuthApp, code: str, redirect_uri: str, verifier: str
) -> Grant:
    """Tokens that run out and are renewed: those that never do are refused from 2027."""
    return ask_token(http, TOKENS, {**_app(app), "code": code, "expiring": "1"}, repeatable=False)


def refresh(http: PlatformSession, app: OAuthApp, refresh_token: str) -> Grant:
    """A new pair. The one before stays good until the new one is first used, so an answer that was
    lost may be asked for again.
    """
    form = {**_app(app), "grant_type": "refresh_token", "refresh_token": refresh_token}
    return ask_token(http, TOKENS, form)


def client_credentials(http: PlatformSession, app: OAuthApp) -> Grant:
    """For an app of the store's own organisation: good for a day, without a refresh token."""
    return ask_token(http, TOKENS, {**_app(app), "grant_type": "client_credentials"})


def _is_of(base_url: str, shop: str) -> bool:
    """Whether a shop's domain is that of the store's address. A simulated store is called at an
    address of this machine, which the hub lets through for nobody else, and signs by its domain.
    """
    host = (urlsplit(base_url).hostname or "").lower()
    if _SHOP.fullmatch(host):
        return shop == host
    return _SHOP.fullmatch(shop) is not None


def _app(app: OAuthApp) -> dict[str, str]:
    return {"client_id": app.client_id, "client_secret": app.client_secret}


def _is_signed(app: OAuthApp, query: Mapping[str, str]) -> bool:
    """HMAC-SHA256 over the other parameters, sorted, percent-encoded with %20 for a blank."""
    given = query.get("hmac", "")
    signed = "&".join(
        f"{quote(name, safe='')}={quote(value, safe='')}"
        for name, value in sorted(query.items())
        if name not in _UNSIGNED
    )
    wanted = hmac.new(app.client_secret.encode(), signed.encode(), sha256).hexdigest()
    return bool(_HEX.fullmatch(given)) and hmac.compare_digest(wanted, given)
