"""The token door: ``POST /auth/o2/token`` with a refresh token, a code, or the app's own name.

Source: the page "Connect to the SP-API"; the words of errors from #921, #1099, #2997 and #4112 of
amzn/selling-partner-api-models and jlevers/selling-partner-api#602. That a secret past its 180 days
is an invalid client is taken from the last one; "Rotate your Application's LWA Credentials" only
says that calls fail.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from integrations.sandbox.amazon.login import room
from integrations.sandbox.amazon.login.models import Access
from integrations.sandbox.amazon.wire import Answer, Request

if TYPE_CHECKING:
    from integrations.sandbox.amazon.store import SellerStore

NOTIFICATIONS = "sellingpartnerapi::notifications"
SCOPES = (NOTIFICATIONS, "sellingpartnerapi::client_credential:rotation")
"""Of grantless calls."""

Sent = dict[str, Any]


class Denied(Exception):
    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error, self.status = error, status


def answer(store: SellerStore, request: Request) -> Answer:
    """Sent as a form, or as JSON like Amazon's own client libraries do."""
    try:
        if request.method != "POST":
            raise Denied("invalid_request", "The request must be a POST.")
        sent = request.sent()
        if sent is None:
            raise Denied("invalid_request", "The request body cannot be read.")
        kind = _needed(sent, "grant_type")
        give = _GIVE.get(kind)
        if give is None:
            raise Denied(
                "unsupported_grant_type",
                "The authorization grant type is not supported by the authorization server.",
            )
        _check_app(store, sent)
        found = Answer(200, give(store, sent))
    except Denied as denied:
        found = Answer(
            denied.status,
            {
                "error_description": str(denied),
                "error": denied.error,
                "request_id": str(uuid.uuid4()),
            },
        )
    found.set_header("Cache-Control", "no-store")
    return found


def _needed(sent: Sent, name: str) -> str:
    value = sent.get(name)
    if not isinstance(value, str) or not value:
        raise Denied("invalid_request", f"The request is missing a required parameter : {name}")
    return value


def _check_app(store: SellerStore, sent: Sent) -> None:
    name, secret = _needed(sent, "client_id"), _needed(sent, "client_secret")
    is_right = (name, secret) == (store.options.client_id, store.state.login.client_secret)
    if not is_right or room.is_secret_over(store):
        raise Denied("invalid_client", "Client authentication failed", 401)


def _by_refresh(store: SellerStore, sent: Sent) -> Sent:
    token = _needed(sent, "refresh_token")
    if token not in store.state.login.refreshes:
        raise Denied("invalid_grant", "The request has an invalid grant parameter : refresh_token")
    if not room.is_authorised(store, token):
        raise Denied(
            "invalid_grant",
            "The request has an invalid grant parameter : refresh_token. User may have revoked or"
            " didn't grant the permission.",
        )
    return _shown(room.new_access(store, refresh=token))


def _by_code(store: SellerStore, sent: Sent) -> Sent:
    code = store.state.login.codes.pop(_needed(sent, "code"), None)
    asked = sent.get("redirect_uri") or (code and code.redirect_uri)
    if code is None or code.until <= store.clock.exact() or asked != code.redirect_uri:
        raise Denied("invalid_grant", "The request has an invalid grant parameter : code")
    refresh = room.new_refresh(store)
    return _shown(room.new_access(store, refresh=refresh.token))


def _by_name(store: SellerStore, sent: Sent) -> Sent:
    scope = _needed(sent, "scope")
    if scope not in SCOPES:
        raise Denied("invalid_scope", f"The request has an invalid scope : {scope}")
    return _shown(room.new_access(store, scope=scope))


def _shown(access: Access) -> Sent:
    found: Sent = {"access_token": access.token}
    if access.refresh:
        found["refresh_token"] = access.refresh
    else:
        found["scope"] = access.scope
    return found | {"token_type": "bearer", "expires_in": room.ACCESS_S}


_GIVE: dict[str, Callable[[SellerStore, Sent], Sent]] = {
    "refresh_token": _by_refresh,
    "authorization_code": _by_code,
    "client_credentials": _by_name,
}
