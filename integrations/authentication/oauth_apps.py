"""By which app the hub is known to a platform: the merchant's own, kept with the store's
credentials, else the hub's, which stands in the settings and is read there at each use.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime

from django.conf import settings
from django.utils import timezone

from integrations import registry
from integrations.authentication.credentials import app_before
from integrations.errors import Misconfigured
from integrations.kit.oauth2 import OAuthApp
from integrations.models import Credential, HubAppSecret, Store
from integrations.platform import AuthKind, PlatformCard
from logix import environment


def app_id(store: Store) -> str:
    """By which app's client id the store's present keys were got, void ones too; '' where that is
    not known: it has none, or a token that was pasted, which says nothing of the app it is of.
    """
    if own := app_before(store):
        return own["client_id"]
    newest = Credential.objects.filter(store=store).order_by("-updated_at").first()
    if newest is None or newest.kind != AuthKind.OAUTH2:
        return ""
    with suppress(Misconfigured):
        if app := hub_app(store.platform):
            return app.client_id
    return ""


def own_app(values: Mapping[str, str]) -> OAuthApp | None:
    """A merchant's own app, when client id and secret are there."""
    client_id, secret = values.get("client_id", ""), values.get("client_secret", "")
    if not client_id or not secret:
        return None
    return OAuthApp(client_id, secret, values.get("application_id", ""))


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
    return OAuthApp(*pair, settings.LOGIX_APPLICATIONS.get(platform, ""))


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


def note_hub_apps() -> None:
    """Note when a secret of the hub's apps was first seen, where the platform ends it by itself."""
    for card in registry.cards():
        sign_in = card.sign_in(AuthKind.OAUTH2)
        fingerprint = _fingerprint(card.slug) if sign_in and sign_in.lasting else ""
        if fingerprint:
            HubAppSecret.objects.get_or_create(
                platform=card.slug, fingerprint=fingerprint, defaults={"since": timezone.now()}
            )


def hub_secret_since(platform: str) -> datetime | None:
    """When the present secret of the hub's app was first seen; None where there is none."""
    seen = HubAppSecret.objects.filter(platform=platform, fingerprint=_fingerprint(platform))
    return seen.values_list("since", flat=True).first()


def _fingerprint(platform: str) -> str:
    """Of client id and secret; "" without an app, or with one that cannot be read."""
    with suppress(Misconfigured):
        if app := hub_app(platform):
            named = f"{app.client_id}:{app.client_secret}"
            return hashlib.sha256(named.encode()).hexdigest()[:16]
    return ""
