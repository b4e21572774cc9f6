"""Tokens: given, looked up, taken back."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from integrations.sandbox.amazon.login.models import DAY, HOUR, Access, Code, Refresh

if TYPE_CHECKING:
    from integrations.sandbox.amazon.store import SellerStore

ACCESS_S = HOUR
CODE_S = 300
"""Five minutes (amzn/selling-partner-api-models#4112)."""

SECRET_S = 180 * DAY
AUTHORISED_S = 365 * DAY
"""Of a public app (the page "Renew Authorizations")."""


def new_access(store: SellerStore, *, refresh: str = "", scope: str = "") -> Access:
    login, now = store.state.login, store.clock.exact()
    for over in [one for one in login.accesses.values() if one.until + DAY < now]:
        del login.accesses[over.token]
    access = Access(f"Atza|{secrets.token_urlsafe(96)}", now + ACCESS_S, refresh, scope)
    login.accesses[access.token] = access
    return access


def new_refresh(store: SellerStore) -> Refresh:
    """The seller agreed. What he agreed to before goes on beside it."""
    refresh = Refresh(f"Atzr|{secrets.token_urlsafe(96)}", store.clock.now())
    store.state.login.refreshes[refresh.token] = refresh
    return refresh


def new_code(store: SellerStore, redirect_uri: str) -> Code:
    code = Code(f"RH{secrets.token_urlsafe(12)}", store.clock.exact() + CODE_S, redirect_uri)
    store.state.login.codes[code.code] = code
    return code


def is_authorised(store: SellerStore, token: str) -> bool:
    """Whether the seller still agrees to what this refresh token stands for."""
    refresh = store.state.login.refreshes.get(token)
    if refresh is None or refresh.is_revoked:
        return False
    is_over = refresh.authorised_at + AUTHORISED_S <= store.clock.now()
    return not (store.options.app_kind == "public" and is_over)


def authorised_token(store: SellerStore) -> str:
    """The newest refresh token that is good; empty where there is none."""
    tokens = reversed(store.state.login.refreshes)
    return next((token for token in tokens if is_authorised(store, token)), "")


def is_secret_over(store: SellerStore) -> bool:
    return store.state.login.secret_made_at + SECRET_S <= store.clock.now()


def revoke(store: SellerStore) -> None:
    """The seller disables the app: its tokens are dead at once."""
    for refresh in store.state.login.refreshes.values():
        refresh.is_revoked = True


def authorise(store: SellerStore) -> None:
    """The seller authorises his private app again; the token of the options is good anew."""
    token = store.options.refresh_token
    if token:
        store.state.login.refreshes[token] = Refresh(token, store.clock.now())
    else:
        new_refresh(store)


def expire_secret(store: SellerStore) -> None:
    """Nobody rotated it for 180 days."""
    store.state.login.secret_made_at = store.clock.now() - SECRET_S


def rotate_secret(store: SellerStore) -> None:
    """A new secret; the old one ends at once here, at Amazon after a week. Refresh tokens stay."""
    login = store.state.login
    login.client_secret = f"amzn1.oa2-cs.v1.{secrets.token_hex(32)}"
    login.secret_made_at = store.clock.now()


def expire_tokens(store: SellerStore) -> None:
    """Every access token's hour is over."""
    for access in store.state.login.accesses.values():
        access.until = min(access.until, store.clock.exact())
