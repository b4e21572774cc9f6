"""API tokens: issued (the text is shown once), looked up by digest, revoked."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import OperationalError
from django.db.models import Q
from django.utils import timezone

from logix.accounts import audit
from logix.accounts.models import ApiToken, Merchant, Scope
from logix.common.crypto import digest

PREFIX = "lgx_"
_SECRET_BYTES = 24
_SHOWN = 12
_NOTE_USE_EVERY = timedelta(minutes=1)


class UnknownScope(ValueError):
    """A scope that does not exist was asked for; the message names those that do."""


def issue(
    merchant: Merchant,
    *,
    name: str,
    scopes: Iterable[str],
    user: Any = None,
    expires_at: datetime | None = None,
) -> tuple[ApiToken, str]:
    """Make a token; return it with its text, which is stored nowhere. Raises UnknownScope."""
    wanted = sorted(set(scopes), key=_scope_order)
    text = PREFIX + secrets.token_hex(_SECRET_BYTES)
    token = ApiToken.objects.create(
        merchant=merchant,
        name=name,
        prefix=text[:_SHOWN],
        digest=digest(text),
        scopes=wanted,
        created_by=user,
        expires_at=expires_at,
    )
    audit.record(
        "token.issued",
        actor=_who(user),
        merchant=merchant,
        obj=token,
        details={"name": name, "prefix": token.prefix, "scopes": wanted},
    )
    return token, text


def authenticate(text: str) -> ApiToken | None:
    """The live token of this text with its merchant; None when unknown, expired or revoked. One
    statement, and one more at most once a minute to note the use.
    """
    if not text.startswith(PREFIX) or not text.isascii():
        return None
    token = (
        ApiToken.objects.select_related("merchant")
        .filter(digest=digest(text), revoked_at=None)
        .order_by()
        .first()
    )
    now = timezone.now()
    if token is None or (token.expires_at and token.expires_at <= now):
        return None
    _note_use(token, now)
    return token


def revoke(token: ApiToken, *, actor: str) -> bool:
    """End a token at once. False when it was revoked already."""
    changed = ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(
        revoked_at=timezone.now()
    )
    if changed:
        audit.record(
            "token.revoked",
            actor=actor,
            merchant=token.merchant,
            obj=token,
            details={"name": token.name, "prefix": token.prefix},
        )
    return changed == 1


def _note_use(token: ApiToken, now: datetime) -> None:
    before = now - _NOTE_USE_EVERY
    if token.last_used_at and token.last_used_at > before:
        return
    stale = Q(last_used_at=None) | Q(last_used_at__lte=before)
    try:
        ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)
    except OperationalError:
        # A busy SQLite file must not refuse a read for the sake of a remark.
        return
    token.last_used_at = now


def _scope_order(scope: str) -> int:
    try:
        return Scope.values.index(scope)
    except ValueError:
        raise UnknownScope(
            f"There is no scope “{scope}”. Scopes: {', '.join(Scope.values)}."
        ) from None


def _who(user: Any) -> str:
    return f"user:{user.get_username()}" if user else "system"
