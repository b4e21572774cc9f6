"""A connect under way, while the merchant's browser is at the platform: begun, found again by a
reference nobody can guess, used up by the one who ends it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from integrations.connect import options as store_options
from integrations.lifecycle import ConnectError
from integrations.models import ConnectAttempt, Store
from integrations.platform import PlatformCard
from logix.accounts import audit
from logix.accounts.models import Merchant
from logix.common import crypto

# Of an attempt's options: settings of the store that is to be, and scopes asked for besides the
# usual ones; the rest is handed to the adapter.
_SETTINGS = ("name", "auto_sync", "writes_enabled")
SCOPES = "scopes"


class Unknown(ConnectError):
    """No attempt of that reference can be ended."""

    def __init__(self) -> None:
        super().__init__(
            "This connect attempt is unknown, used already, or too old. Start again in Logix.",
            code="attempt_unknown",
        )


def callback_url(platform: str) -> str:
    """Where the platform sends the merchant's browser back to."""
    return f"{settings.LOGIX_PUBLIC_URL}/api/v1/{platform}/oauth/callback"


def begin(
    merchant: Merchant,
    card: PlatformCard,
    address: str,
    reference: str,
    *,
    actor: str,
    valid_for: timedelta,
    options: Mapping[str, Any],
    **fields: Any,
) -> ConnectAttempt:
    """Note who connects what; of ``reference`` only a digest is kept. Raises ConnectError (an
    option).
    """
    store_options.check(card, _of_the_adapter(options))
    with transaction.atomic():
        attempt = ConnectAttempt.objects.create(
            merchant=merchant,
            platform=card.slug,
            base_url=address,
            reference_digest=crypto.digest(reference),
            options=dict(options),
            requested_by=actor[:150],
            expires_at=timezone.now() + valid_for,
            **fields,
        )
        audit.record(
            "store.connect_started",
            actor=actor,
            merchant=merchant,
            obj=attempt,
            details={"platform": card.slug, "base_url": address},
        )
    return attempt


def open_one(platform: str, reference: str) -> ConnectAttempt:
    """The attempt of this reference, if it can still be ended. Raises ConnectError."""
    found = _open(platform, reference).select_related("merchant").first()
    if found is None:
        raise Unknown
    return found


def last_of(platform: str, reference: str) -> ConnectAttempt:
    """The attempt of this reference, ended or not. Raises ConnectError."""
    found = _of(platform, reference).select_related("merchant", "store__merchant").first()
    if found is None:
        raise Unknown
    return found


def take(platform: str, reference: str) -> ConnectAttempt:
    """The attempt of this reference, used up by this very call: of two answers with one reference,
    one wins. Raises ConnectError.
    """
    if not _open(platform, reference).update(used_at=Now()):
        raise Unknown
    return _of(platform, reference).select_related("merchant").get()


def ended(attempt: ConnectAttempt, *, store: Store | None = None, problem: str = "") -> None:
    """Keep how it went, for whoever watches; what was only needed on the way is forgotten."""
    rows = ConnectAttempt.objects.filter(pk=attempt.pk)
    rows.update(store=store, problem=problem, app_sealed="")
    if problem:
        audit.record(
            "store.connect_failed",
            actor=attempt.requested_by or "platform",
            merchant=attempt.merchant,
            obj=attempt,
            details={"platform": attempt.platform, "reason": problem},
        )


def stumbled(attempt: ConnectAttempt, problem: str) -> None:
    """Keep why an answer was not taken; the attempt stays open for the right one."""
    ConnectAttempt.objects.filter(pk=attempt.pk, used_at=None).update(problem=problem)


def settings_of(attempt: ConnectAttempt) -> dict[str, Any]:
    """What was chosen for the store that is to be."""
    chosen = {name: attempt.options[name] for name in _SETTINGS if name in attempt.options}
    return {**chosen, "options": _of_the_adapter(attempt.options)}


def _of_the_adapter(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name not in (*_SETTINGS, SCOPES)}


def _open(platform: str, reference: str) -> QuerySet[ConnectAttempt]:
    return _of(platform, reference).filter(used_at=None, expires_at__gt=timezone.now())


def _of(platform: str, reference: str) -> QuerySet[ConnectAttempt]:
    digest = crypto.digest(reference)
    return ConnectAttempt.objects.filter(reference_digest=digest, platform=platform)
