"""The token door: ``POST /admin/oauth/access_token`` with a code, a refresh token, the app's own
credentials, or a permanent token to be exchanged.

Source: Shopify/shopify-app-js (lib/auth/oauth), shopify.dev on offline tokens, client credentials
and the changelog of 2026-08 on refresh tokens, read 2026-11. That errors are 400 is known for
invalid_grant; for the others it is assumed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from integrations.sandbox.shopify.access.models import Grant, Refresh
from integrations.sandbox.shopify.access.room import ACCESS_S, CREDENTIALS_S
from integrations.sandbox.shopify.store import ShopStore
from integrations.sandbox.shopify.wire import Answer, Request

_OFFLINE = "urn:shopify:params:oauth:token-type:offline-access-token"
_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"

Sent = dict[str, Any]


class Denied(Exception):
    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error


def token(store: ShopStore, request: Request) -> Answer:
    """Answers the exchange; every refusal is JSON with ``error`` and ``error_description``."""
    if request.method != "POST":
        return Answer(404, {"errors": "Not Found"})
    sent = request.sent()
    try:
        if sent is None:
            raise Denied("invalid_request", "The request's body cannot be read.")
        _check_app(store, sent)
        kind = sent.get("grant_type") or "authorization_code"
        give = _GIVE.get(kind)
        if give is None:
            raise Denied("unsupported_grant_type", f"The grant type {kind} is not supported.")
        return Answer(200, give(store, sent))
    except Denied as denied:
        return Answer(400, {"error": denied.error, "error_description": str(denied)})


def _check_app(store: ShopStore, sent: Sent) -> None:
    options = store.options
    if (sent.get("client_id"), sent.get("client_secret")) != (
        options.client_id,
        options.client_secret,
    ):
        raise Denied("invalid_client", "The client id or secret is wrong.")


def _by_code(store: ShopStore, sent: Sent) -> Sent:
    code = store.access.codes.pop(str(sent.get("code")), None)
    if code is None or code.until <= store.clock.now():
        raise Denied("invalid_request", "The authorization code was not found or was already used.")
    is_expiring = _is_expiring(store, sent)
    store.access.install(code.scopes)
    return (
        _pair(store, code.scopes)
        if is_expiring
        else _shown(store.access.new_grant(code.scopes, None))
    )


def _by_refresh(store: ShopStore, sent: Sent) -> Sent:
    refresh = store.access.exchange(str(sent.get("refresh_token")))
    if refresh is None:
        raise Denied("invalid_grant", "The refresh token is unknown, used or expired.")
    return _shown(store.access.new_grant(refresh.scopes, ACCESS_S), store, refresh)


def _by_credentials(store: ShopStore, sent: Sent) -> Sent:
    """For apps of the store's own organisation: no merchant is asked, nothing to refresh."""
    if store.options.app_kind != "custom":
        raise Denied("shop_not_permitted", "Client credentials cannot be performed on this shop.")
    if not store.access.is_installed:
        raise Denied("app_not_installed", "The app is not installed on this shop.")
    grant = store.access.new_grant(store.access.granted, CREDENTIALS_S)
    return _shown(grant) | {"expires_in": CREDENTIALS_S}


def _by_exchange(store: ShopStore, sent: Sent) -> Sent:
    """A permanent token for an expiring pair, one way: the permanent one is dead then."""
    if sent.get("subject_token_type") != _OFFLINE:
        raise Denied("invalid_subject_token", "Only an offline token can be exchanged here.")
    if str(sent.get("expiring")) != "1":
        raise Denied("invalid_request", "The exchange is for an expiring token: expiring=1.")
    old = store.access.grant_of(str(sent.get("subject_token")))
    if old is None or old.expires_at is not None:
        raise Denied("invalid_subject_token", "The subject token is invalid.")
    old.is_dead = True
    return _pair(store, old.scopes)


def _is_expiring(store: ShopStore, sent: Sent) -> bool:
    if str(sent.get("expiring", "0")) == "1":
        return True
    if store.options.app_kind == "public":
        raise Denied("invalid_request", "Public apps get expiring tokens only: send expiring=1.")
    return False


def _pair(store: ShopStore, scopes: tuple[str, ...]) -> Sent:
    grant = store.access.new_grant(scopes, ACCESS_S)
    return _shown(grant, store, store.access.new_refresh(scopes))


def _shown(grant: Grant, store: ShopStore | None = None, refresh: Refresh | None = None) -> Sent:
    shown: Sent = {"access_token": grant.token, "scope": ",".join(grant.scopes)}
    if store is not None and refresh is not None:
        shown |= {
            "expires_in": ACCESS_S,
            "refresh_token": refresh.token,
            "refresh_token_expires_in": refresh.until - store.clock.now(),
        }
    return shown


_GIVE: dict[str, Callable[[ShopStore, Sent], Sent]] = {
    "authorization_code": _by_code,
    "refresh_token": _by_refresh,
    "client_credentials": _by_credentials,
    _EXCHANGE: _by_exchange,
}
