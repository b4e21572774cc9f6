"""Connect by consent (OAuth 2): the merchant agrees at the platform, the browser brings a code
back, and the code is exchanged for tokens.

What ties the browser that comes back to the one that was sent away is the ``state``: good once, for
ten minutes, for one merchant, platform and store address and, when it was begun in the admin, for
one person. Where nobody says for whom they come back, they are asked first (``confirming``). The
platform's own signature over the redirect is checked by its ``oauth`` module.
"""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import string
from collections.abc import Collection, Mapping
from datetime import timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser

from integrations import authentication, limits, registry
from integrations.authentication import Keys
from integrations.connect import addresses, attempts, changing, opening, testing
from integrations.errors import PlatformError, Unsupported
from integrations.kit.oauth2 import Consent, Journey, pkce_challenge
from integrations.lifecycle import ConnectError
from integrations.models import ConnectAttempt, Credential, Store
from integrations.platform import AuthKind, PlatformCard, SignIn
from logix.accounts.models import Merchant
from logix.common import crypto

VALID_FOR = timedelta(minutes=10)

# Platforms sign the redirect over its parameters, and not all escape them alike: letters and digits
# read the same everywhere. 43 of them are 256 bits.
_STATE = string.ascii_letters + string.digits
_STATE_LENGTH = 43

# RFC 6749, 4.1.2.1.
_DENIED = {
    "access_denied": "The merchant did not consent, so nothing was connected.",
    "temporarily_unavailable": "The platform cannot ask for consent at the moment. Try again.",
    "server_error": "The platform cannot ask for consent at the moment. Try again.",
}
_NOT_GIVEN = "The platform did not ask for consent as it should. Check the app's settings there."


def begin_oauth(
    *,
    merchant: Merchant,
    platform: str,
    base_url: str,
    actor: str,
    credentials: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
    scopes: Collection[str] = (),
    user: AbstractBaseUser | None = None,
    came_with: Mapping[str, str] | None = None,
    renews: Store | None = None,
) -> tuple[str, ConnectAttempt]:
    """The address to send the merchant's browser to, and the attempt to watch. Calls nobody.

    ``credentials``: client id and secret of the merchant's own app, in place of the hub's.
    ``scopes``: which of the card's ``extra_scopes`` the platform approved the app for. ``user``:
    whoever begins it in the admin, and alone may end it. ``came_with``: what the platform sent the
    browser here with, where the merchant began there. A store that is connected at the address
    already is given new tokens: ``renews``, where many accounts share it and one is meant. Raises
    UnknownPlatform, Unsupported, ConnectError, Misconfigured (the address, or no app).
    """
    card = registry.card(platform)
    sign_in = card.sign_in(AuthKind.OAUTH2)
    if sign_in is None:
        raise Unsupported(f"{card.name} has no connect by consent. Paste the keys instead.")
    _refuse_unreachable_hub()
    address = addresses.store_address(card, base_url)
    before = renews or _only(merchant, platform, address)
    values = _own_app(sign_in, credentials or {}) or _app_before(before)
    app = authentication.needed_app(card, values)
    wanted = [*card.wanted_scopes, *_extra(card, scopes, before)]
    chosen = {**(before.options if before else {}), **(options or {})}
    state = "".join(secrets.choice(_STATE) for _ in range(_STATE_LENGTH))
    attempt = attempts.begin(
        merchant,
        card,
        address,
        state,
        actor=actor,
        valid_for=VALID_FOR,
        options={**(options or {}), attempts.SCOPES: wanted},
        user=user,
        app_sealed=_seal(values, merchant, state),
        renews=renews,
    )
    url: str = registry.oauth(platform).authorize_url(
        app,
        address,
        attempts.callback_url(platform),
        state,
        wanted,
        pkce_challenge(_verifier(state)) if card.pkce else "",
        Journey(typed=base_url, options=chosen, came_with=came_with or {}),
    )
    return url, attempt


def finish_oauth(
    platform: str,
    query: Mapping[str, str],
    *,
    merchant: Merchant | None = None,
    user: AbstractBaseUser | None = None,
) -> Store:
    """Take the redirect that came back and connect the store, or give the one of this address new
    tokens: its orders and stock stay.

    ``merchant``: whose token brought it, ``user``: who is logged in where it came. Raises
    ConnectError (also where neither of them says for whom it is), PlatformError; the attempt keeps
    the reason in words.
    """
    state = query.get("state", "")
    attempt = attempts.open_one(platform, state)
    _refuse_others(attempt, merchant, user)
    return exchange(attempt, state, brought(attempt, query))


def brought(attempt: ConnectAttempt, query: Mapping[str, str]) -> Consent:
    """What a redirect that is the platform's brings. An answer without one that says why ends the
    attempt, any other leaves it to the right one. Raises ConnectError, PlatformError.
    """
    state = query.get("state", "")
    if "error" in query:
        attempts.take(attempt.platform, state)
        problem = _DENIED.get(query["error"], _NOT_GIVEN)
        attempts.ended(attempt, problem=problem)
        raise ConnectError(problem, code="consent_denied")
    try:
        app = authentication.needed_app(registry.card(attempt.platform), own_app_of(attempt, state))
        oauth = registry.oauth(attempt.platform)
        consent: Consent = oauth.read_redirect(app, attempt.base_url, query)
    except PlatformError as err:
        attempts.stumbled(attempt, err.message)
        raise
    return consent


def exchange(attempt: ConnectAttempt, state: str, consent: Consent) -> Store:
    """The store, connected with what the code is worth; attempt and code are used up either way.
    Raises ConnectError, PlatformError.
    """
    card = registry.card(attempt.platform)
    values = own_app_of(attempt, state)
    attempts.take(attempt.platform, state)
    try:
        grant = authentication.from_code(
            card,
            attempt.base_url,
            values,
            code=consent.code,
            redirect_uri=attempts.callback_url(attempt.platform),
            verifier=_verifier(state) if card.pkce else "",
        )
        kept = {**values, **consent.values}
        store = _keep(attempt, card, Keys(kind=AuthKind.OAUTH2, values=kept, grant=grant))
    except (PlatformError, ConnectError) as err:
        attempts.ended(attempt, problem=err.message)
        raise
    attempts.ended(attempt, store=store)
    return store


def own_app_of(attempt: ConnectAttempt, state: str) -> dict[str, str]:
    """The app of the merchant's own that an attempt uses; {} where it uses the hub's."""
    if not attempt.app_sealed:
        return {}
    plain = crypto.ring().open(attempt.app_sealed, _place(attempt.merchant_id, state))
    values: dict[str, str] = json.loads(plain)
    return values


def _keep(attempt: ConnectAttempt, card: PlatformCard, keys: Keys) -> Store:
    actor = attempt.requested_by or "platform"
    store = attempt.renews or _of_account(attempt, card, keys)
    if store is not None:
        changing.renew_keys(
            store, keys, store.base_url, actor=actor, must_write=store.writes_enabled
        )
        return store
    chosen = attempts.settings_of(attempt)
    return opening.open_store(attempt.merchant, card, attempt.base_url, keys, chosen, actor=actor)


def _of_account(attempt: ConnectAttempt, card: PlatformCard, keys: Keys) -> Store | None:
    account = card.account_of(keys.values)
    at = attempt.merchant, card.slug, [attempt.base_url], account
    return Store.objects.known(*at).connected().first()


def _only(merchant: Merchant, platform: str, address: str) -> Store | None:
    """The store that is connected at the address; None where several are, of one account each."""
    found = Store.objects.known(merchant, platform, [address]).connected()[:2]
    return found[0] if len(found) == 1 else None


def _refuse_others(
    attempt: ConnectAttempt, merchant: Merchant | None, user: AbstractBaseUser | None
) -> None:
    """Another merchant hears no more than if there were no such attempt."""
    if merchant is not None and attempt.merchant_id != merchant.pk:
        raise attempts.Unknown
    if attempt.user_id is not None and (user is None or user.pk != attempt.user_id):
        raise ConnectError(
            "This connect was begun in the admin. Log in there as the person who began it, in this "
            "browser, then open this address again.",
            code="login_required",
        )
    if attempt.user_id is None and merchant is None:
        raise ConnectError(
            f"Nobody has said that this store is to be connected for {attempt.merchant.name}. Open "
            "the address in a browser and confirm it there.",
            code="confirmation_needed",
        )


def _refuse_unreachable_hub() -> None:
    """Platforms send browsers, and with them the code, to https addresses only."""
    hub = urlsplit(settings.LOGIX_PUBLIC_URL)
    if hub.scheme != "https" and not limits.guard().is_open_inside(hub.hostname or ""):
        raise ConnectError(
            f"Connect by consent needs an https:// address for this hub, and it is at "
            f"{settings.LOGIX_PUBLIC_URL}. Set LOGIX_PUBLIC_URL.",
            code="public_url_required",
        )


def _own_app(sign_in: SignIn, credentials: Mapping[str, str]) -> dict[str, str]:
    typed = {name: str(value).strip() for name, value in credentials.items() if str(value).strip()}
    values = testing.checked(sign_in, typed)
    if values and authentication.own_app(values) is None:
        raise ConnectError(
            "An app of your own needs both its client id and its client secret.",
            code="credential_missing",
        )
    return values


def _app_before(store: Store | None) -> dict[str, str]:
    """The app a store was connected by, for connecting it again. One that was uninstalled is still
    the merchant's; it is forgotten when they disconnect the store.
    """
    return authentication.app_before(store) if store is not None else {}


def _extra(card: PlatformCard, scopes: Collection[str], store: Store | None) -> list[str]:
    """The extra scopes to ask for: those named, and those that the store has granted before, which
    consent to less would take away. Raises ConnectError.
    """
    if strange := sorted(set(scopes) - set(card.extra_scopes)):
        known = ", ".join(card.extra_scopes) or "none"
        raise ConnectError(
            f"{', '.join(strange)} cannot be asked for besides. {card.name} has: {known}.",
            code="unknown_scope",
        )
    rows = Credential.objects.filter(store=store) if store else Credential.objects.none()
    granted = {scope for row in rows for scope in row.scopes}
    return [scope for scope in card.extra_scopes if scope in {*scopes, *granted}]


def _verifier(state: str) -> str:
    """Of a state, always the same, and nothing of it is stored: whoever sees the state on its way
    through the browser cannot make the verifier without the hub's pepper.
    """
    made = hmac.new(settings.LOGIX_PEPPER.encode(), f"pkce|{state}".encode(), sha256).digest()
    return base64.urlsafe_b64encode(made).decode().rstrip("=")


def _seal(values: Mapping[str, str], merchant: Merchant, state: str) -> str:
    if not values:
        return ""
    return crypto.ring().seal(json.dumps(dict(values)).encode(), _place(merchant.pk, state))


def _place(merchant_id: Any, state: str) -> str:
    return f"integrations_connectattempt|app_sealed|{crypto.digest(state)}|{merchant_id}"
