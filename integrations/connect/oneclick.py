"""One-click connect: the merchant consents in the store, and the store hands the keys to us itself.

The only thing that ties the store's answer to our question is a reference nobody can guess, good
once and for an hour.

Whoever begins it knows that reference, and everything else that passes the browser, so no question
that is asked afterwards (as after consent, ``confirming``) would reach the store's owner alone. Nor
would it help: the store's page sends the keys to whatever address its link names, so whoever could
lure an owner there needs no hub. What the owner reads there is the name we give, so it is the
merchant's; the key is called so in the store ever after. Source: WooCommerce core
includes/class-wc-auth.php, templates/auth/form-grant-access.php.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from integrations import registry
from integrations.connect import addresses, attempts, changing, opening, testing
from integrations.errors import PlatformError, Unsupported
from integrations.lifecycle import ConnectError
from integrations.models import ConnectAttempt, Store, StoreStatus
from integrations.platform import Ability, AuthKind
from logix.accounts.models import Merchant

# The key's description has 200 characters, and the store puts a time behind the name.
_LONGEST_NAME = 150
VALID_FOR = timedelta(hours=1)


def begin_one_click(
    *,
    merchant: Merchant,
    platform: str,
    base_url: str,
    actor: str,
    options: Mapping[str, Any] | None = None,
) -> tuple[str, ConnectAttempt]:
    """The address to send the merchant's browser to, and the attempt to watch. Calls nobody.

    Raises UnknownPlatform, Unsupported, ConnectError, Misconfigured (the address).
    """
    card = registry.card(platform)
    if consent := card.sign_in(AuthKind.OAUTH2):
        raise Unsupported(f"{card.name} hands over no keys: choose “{consent.label}”.")
    if not card.can(Ability.ONE_CLICK_CONNECT):
        raise Unsupported(
            f"{card.name} has no one-click connect: {card.exempt[Ability.ONE_CLICK_CONNECT]}"
        )
    if urlsplit(settings.LOGIX_PUBLIC_URL).scheme != "https":
        raise ConnectError(
            f"One-click connect needs an https:// address the store can reach, and this hub is at "
            f"{settings.LOGIX_PUBLIC_URL}. Set LOGIX_PUBLIC_URL, or paste the keys instead.",
            code="public_url_required",
        )
    address = addresses.store_address(card, base_url)
    if _refused_store(merchant, platform, address) is None:
        opening.refuse_duplicate(merchant, card, "", address)
    reference = secrets.token_urlsafe(32)
    attempt = attempts.begin(
        merchant,
        card,
        address,
        reference,
        actor=actor,
        valid_for=VALID_FOR,
        options=options or {},
    )
    back, name = attempts.callback_url(platform), f"Logix for {merchant.name}"[:_LONGEST_NAME]
    url: str = registry.oauth(platform).authorize_url(address, name, back, back, reference)
    return url, attempt


def finish_one_click(platform: str, body: bytes) -> Store:
    """Take the keys a store sent and connect it, or renew the keys of a store that refused its old
    ones.

    Raises ConnectError (unknown, used or expired reference), ContractBroken (unreadable body),
    PlatformError. The attempt keeps the reason in words for whoever watches it.
    """
    reference, credentials = registry.oauth(platform).read_callback(body)
    attempt = attempts.take(platform, reference)
    try:
        store = _finish(attempt, credentials)
    except (PlatformError, ConnectError) as err:
        attempts.ended(attempt, problem=err.message)
        raise
    attempts.ended(attempt, store=store)
    return store


def _finish(attempt: ConnectAttempt, credentials: Mapping[str, str]) -> Store:
    actor = attempt.requested_by or "platform"
    card = registry.card(attempt.platform)
    keys = testing.keys_of(card, credentials)
    refused = _refused_store(attempt.merchant, attempt.platform, attempt.base_url)
    if refused is not None:
        changing.change_store(refused, actor=actor, credentials=keys.values)
        return refused
    return opening.open_store(
        attempt.merchant,
        card,
        attempt.base_url,
        keys,
        attempts.settings_of(attempt),
        actor=actor,
    )


def _refused_store(merchant: Merchant, platform: str, base_url: str) -> Store | None:
    rows = Store.objects.known(merchant, platform, [base_url])
    return rows.filter(status=StoreStatus.NEEDS_MERCHANT).first()
