"""One-click connect: the merchant consents in the store, and the store hands the keys to us itself.

The only thing that ties the store's answer to our question is a reference nobody can guess, good
once and for an hour.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from integrations import registry
from integrations.connect import addresses, changing, opening, testing
from integrations.connect import options as store_options
from integrations.errors import PlatformError, Unsupported
from integrations.lifecycle import ConnectError
from integrations.models import ConnectAttempt, Store, StoreStatus
from integrations.platform import Ability
from logix.accounts import audit
from logix.accounts.models import Merchant
from logix.common import crypto

APP_NAME = "Logix"
VALID_FOR = timedelta(hours=1)
# Of ``options``: settings of the store that is to be; the rest is handed to the adapter.
_SETTINGS = ("name", "auto_sync", "writes_enabled")


def callback_url(platform: str) -> str:
    """Where the store sends the keys, and where the merchant's browser comes back to."""
    return f"{settings.LOGIX_PUBLIC_URL}/api/v1/{platform}/oauth/callback"


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
    asked = dict(options or {})
    store_options.check(card, {n: v for n, v in asked.items() if n not in _SETTINGS})
    address = addresses.tidy(base_url)
    if _refused_store(merchant, platform, address) is None:
        opening.refuse_duplicate(merchant, card, address)
    reference = secrets.token_urlsafe(32)
    with transaction.atomic():
        attempt = ConnectAttempt.objects.create(
            merchant=merchant,
            platform=platform,
            base_url=address,
            reference_digest=crypto.digest(reference),
            options=asked,
            requested_by=actor[:150],
            expires_at=timezone.now() + VALID_FOR,
        )
        audit.record(
            "store.connect_started",
            actor=actor,
            merchant=merchant,
            obj=attempt,
            details={"platform": platform, "base_url": address},
        )
    back = callback_url(platform)
    url: str = registry.oauth(platform).authorize_url(address, APP_NAME, back, back, reference)
    return url, attempt


def finish_one_click(platform: str, body: bytes) -> Store:
    """Take the keys a store sent and connect it, or renew the keys of a store that refused its old
    ones.

    Raises ConnectError (unknown, used or expired reference), ContractBroken (unreadable body),
    PlatformError. The attempt keeps the reason in words for whoever watches it.
    """
    reference, credentials = registry.oauth(platform).read_callback(body)
    attempt = _take(platform, reference)
    try:
        store = _finish(attempt, credentials)
    except (PlatformError, ConnectError) as err:
        ConnectAttempt.objects.filter(pk=attempt.pk).update(problem=err.message)
        raise
    ConnectAttempt.objects.filter(pk=attempt.pk).update(store=store)
    return store


def _take(platform: str, reference: str) -> ConnectAttempt:
    """The attempt of this reference, used up by this very call: of two answers with one reference,
    one wins.
    """
    digest = crypto.digest(reference)
    rows = ConnectAttempt.objects.filter(reference_digest=digest, platform=platform)
    if not rows.filter(used_at=None, expires_at__gt=timezone.now()).update(used_at=Now()):
        raise ConnectError(
            "This connect attempt is unknown, used already, or older than an hour. Start again in "
            "Logix.",
            code="attempt_unknown",
        )
    return rows.select_related("merchant").get()


def _finish(attempt: ConnectAttempt, credentials: Mapping[str, str]) -> Store:
    actor = attempt.requested_by or "platform"
    values = testing.check_values(registry.card(attempt.platform), credentials)
    refused = _refused_store(attempt.merchant, attempt.platform, attempt.base_url)
    if refused is not None:
        changing.change_store(refused, actor=actor, credentials=values)
        return refused
    chosen = {name: attempt.options[name] for name in _SETTINGS if name in attempt.options}
    return opening.connect_store(
        merchant=attempt.merchant,
        platform=attempt.platform,
        base_url=attempt.base_url,
        credentials=values,
        options={n: v for n, v in attempt.options.items() if n not in _SETTINGS},
        actor=actor,
        **chosen,
    )


def _refused_store(merchant: Merchant, platform: str, base_url: str) -> Store | None:
    return Store.objects.filter(
        merchant=merchant,
        platform=platform,
        base_url=base_url,
        status=StoreStatus.NEEDS_MERCHANT,
    ).first()
