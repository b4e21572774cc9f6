"""By which app the hub is known to a platform: the merchant's own, kept with the store's
credentials, else the hub's, which stands in the settings and is read there at each use.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings

from integrations.authentication.credentials import held
from integrations.errors import Misconfigured
from integrations.kit.oauth2 import OAuthApp
from integrations.models import Store
from integrations.platform import AuthKind, PlatformCard
from logix import environment


def app_for(store: Store) -> OAuthApp | None:
    """The app a store was connected by; None when there was none. Raises PlatformError when the
    store's credentials cannot be opened.
    """
    kept = held(store)
    if app := own_app(kept.values):
        return app
    return hub_app(store.platform) if kept.kind == AuthKind.OAUTH2 else None


def signing_secret(store: Store) -> str:
    """The app's secret where the platform signs webhooks with it, '' where nobody told us one.
    Raises PlatformError when it cannot be opened.
    """
    kept = held(store)
    if own := kept.values.get("client_secret"):
        return own
    app = hub_app(store.platform) if kept.kind == AuthKind.OAUTH2 else None
    return app.client_secret if app else ""


def own_app(values: Mapping[str, str]) -> OAuthApp | None:
    """A merchant's own app, when both of its values are there."""
    client_id, secret = values.get("client_id", ""), values.get("client_secret", "")
    return OAuthApp(client_id, secret) if client_id and secret else None


def hub_app(platform: str) -> OAuthApp | None:
    """The hub's app with this platform. Raises Misconfigured when the setting cannot be read."""
    spec = settings.LOGIX_OAUTH_APPS.get(platform, "")
    if not spec:
        return None
    pair = environment.oauth_app(spec)
    if pair is None:
        raise Misconfigured(
            f"{environment.oauth_variable(platform)} is not written client_id:client_secret.",
            code="app_malformed",
        )
    return OAuthApp(*pair)


def needed_app(card: PlatformCard, values: Mapping[str, str]) -> OAuthApp:
    """The app to connect or to refresh with. Raises Misconfigured with what is to be set."""
    app = own_app(values) or hub_app(card.slug)
    if app is None:
        raise Misconfigured(
            f"This hub has no app with {card.name}: set {environment.oauth_variable(card.slug)}, "
            "or give the client id and secret of an app of your own.",
            code="app_missing",
        )
    return app
