"""Asking a platform for tokens: for a code, for a refresh token, or for an app by itself. The
platform's ``oauth`` module speaks; here is decided who must act when it says no.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from django.utils import timezone

from integrations import limits, registry
from integrations.authentication.credentials import Held
from integrations.authentication.oauth_apps import needed_app, own_app
from integrations.breakers import DatabaseBreaker
from integrations.calls import CallRecorder
from integrations.errors import (
    AuthenticationFailed,
    Misconfigured,
    Rejected,
)
from integrations.kit.breaker import Breaker, MemoryBreaker
from integrations.kit.http import PlatformSession
from integrations.kit.oauth2 import APP_REFUSED, INVALID_GRANT, TOKENS_REFUSED, Grant, OAuthApp
from integrations.models import Store
from integrations.platform import AuthKind, PlatformCard
from logix import environment

# All tries of one call for tokens. Leases are longer.
TOTAL_S = 20.0


def from_code(
    card: PlatformCard,
    base_url: str,
    values: Mapping[str, str],
    *,
    code: str,
    redirect_uri: str,
    verifier: str,
) -> Grant:
    """What a merchant's consent is worth. ``values`` may hold an app of their own. Raises
    PlatformError; the code is used up either way.
    """
    oauth = registry.oauth(card.slug)

    def ask(http: PlatformSession, app: OAuthApp) -> Grant:
        return oauth.exchange(http, app, code, redirect_uri, verifier)

    with _session(card, base_url) as http:
        return _granted(card, values, http, ask)


def from_app(card: PlatformCard, base_url: str, values: Mapping[str, str]) -> Grant:
    """Tokens for an app of the store's own people. Raises PlatformError."""
    with _session(card, base_url) as http:
        return _granted(card, values, http, registry.oauth(card.slug).client_credentials)


def from_refresh_token(card: PlatformCard, base_url: str, values: Mapping[str, str]) -> Grant:
    """Tokens for the refresh token that was pasted, which stays good where the platform gives no
    other. Raises PlatformError.
    """
    oauth, pasted = registry.oauth(card.slug), values["refresh_token"]

    def ask(http: PlatformSession, app: OAuthApp) -> Grant:
        grant: Grant = oauth.refresh(http, app, pasted)
        return replace(grant, refresh_token=grant.refresh_token or pasted)

    with _session(card, base_url) as http:
        try:
            return _granted(card, values, http, ask)
        except AuthenticationFailed as err:
            if err.code == INVALID_GRANT:
                err.message = (
                    f"{card.name} does not accept the refresh token: it was revoked, belongs to "
                    "another app, or was not copied in full. Authorise the app again and paste "
                    "the new one."
                )
            raise


def renewed(store: Store, held: Held) -> Grant:
    """New tokens for ``held``. Raises AuthenticationFailed when only a new consent helps, else
    whatever says "not now" or "staff".
    """
    card = registry.card(store.platform)
    oauth = registry.oauth(card.slug)

    def ask(http: PlatformSession, app: OAuthApp) -> Grant:
        if held.kind == AuthKind.CLIENT_CREDENTIALS:
            return oauth.client_credentials(http, app)
        return oauth.refresh(http, app, held.refresh_token)

    # While the old token lives, a token door that is shut says nothing about the store.
    lives = held.is_alive(timezone.now())
    with _session(card, store.base_url, store, MemoryBreaker() if lives else None) as http:
        http.hidden = tuple(filter(None, held.secrets()))
        try:
            return _granted(card, held.values, http, ask)
        except Rejected as err:
            # Whatever it disliked, the same again would be refused again.
            raise AuthenticationFailed(
                f"{card.name} gives no new token for {store.name}. Connect it again.",
                code=INVALID_GRANT,
                status=err.status,
            ) from err


def _granted(
    card: PlatformCard,
    values: Mapping[str, str],
    http: PlatformSession,
    ask: Callable[[PlatformSession, OAuthApp], Grant],
) -> Grant:
    app = needed_app(card, values)
    try:
        return ask(http, app)
    except Misconfigured as err:
        if err.code != APP_REFUSED:
            raise
        if own_app(values) is None:
            err.message = (
                f"{card.name} does not accept this hub's app. Check "
                f"{environment.oauth_variable(card.slug)}."
            )
            raise
        raise AuthenticationFailed(
            f"{card.name} does not accept the client id and secret of the app. Copy both again "
            "from the app's settings.",
            code=APP_REFUSED,
            status=err.status,
        ) from err
    except Rejected as err:
        if err.code == TOKENS_REFUSED:
            err.message = f"{card.name} gave no tokens for what was sent. Start again."
        raise


@contextmanager
def _session(
    card: PlatformCard,
    base_url: str,
    store: Store | None = None,
    breaker: Breaker | None = None,
) -> Iterator[PlatformSession]:
    calls = CallRecorder(store.pk) if store else None
    session = PlatformSession(
        card.tokens_at(base_url),
        limiter=limits.private_limiter(card),
        breaker=breaker or (DatabaseBreaker(store) if store else MemoryBreaker()),
        guard=limits.guard(),
        store_id=str(store.pk) if store else "",
        observe=calls,
        total_s=TOTAL_S,
        read_s=TOTAL_S / 2,
    )
    try:
        with session:
            yield session
    finally:
        if calls:
            calls.close()
