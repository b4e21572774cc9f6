"""Signing in to the admin: who guesses passwords is stopped, and every try is in the audit log.

Tries are counted in the cache, by account and by address, before the password is looked at. Whether
an account exists shows neither in the answer nor in the log: a password typed into the wrong field
must not end there either.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from unfold.forms import AuthenticationForm

from logix.accounts import audit
from logix.common import crypto

WINDOW_S = 15 * 60
# Tries in one window. A whole office may share an address.
MOST = {"account": 10, "address": 50}
_TOO_MANY = "Too many failed attempts to sign in. Wait 15 minutes, then try again."


class LoginForm(AuthenticationForm):
    """Django's own, with the count around it."""

    def clean(self) -> dict[str, Any]:
        name = str(self.cleaned_data.get("username") or "")
        if not name or not self.cleaned_data.get("password"):
            return super().clean()
        keys = _keys(name, address_of(self.request))
        tries = {kind: _count(key) for kind, key in keys.items()}
        self._refuse_too_many(name, tries)
        try:
            cleaned = super().clean()
        except ValidationError:
            _note("login.failed", name)
            raise
        # The address keeps its count: whoever owns one account may still guess another.
        cache.delete(keys["account"])
        audit.record("login.ok", actor=f"user:{self.get_user().get_username()}")
        return cleaned

    def _refuse_too_many(self, name: str, tries: dict[str, int]) -> None:
        past = [kind for kind, count in tries.items() if count > MOST[kind]]
        if not past:
            return
        # Noted when it begins, not with every further try: the log is not the guesser's to fill.
        if any(tries[kind] == MOST[kind] + 1 for kind in past):
            _note("login.locked", name, by=past[0])
        raise ValidationError(_TOO_MANY, code="too_many")


def address_of(request: HttpRequest) -> str:
    """The caller's address; of IPv6 the network, for a line of its own has 2⁶⁴ of them. Behind a
    proxy it is what the proxy added last, what stands before that is the caller's own invention.
    """
    address = str(request.META.get("REMOTE_ADDR", ""))
    if settings.LOGIX_BEHIND_PROXY:
        forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        address = forwarded or address
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((ip, 64), strict=False)) if ip.version == 6 else str(ip)


def _keys(name: str, address: str) -> dict[str, str]:
    told = {"account": name.strip().casefold(), "address": address}
    return {kind: f"login:{kind}:{crypto.digest(value)}" for kind, value in told.items()}


def _count(key: str) -> int:
    """This try included. A counter that was lost begins anew."""
    if cache.add(key, 1, WINDOW_S):
        return 1
    try:
        return cache.incr(key)
    except ValueError:
        return 1


def _note(action: str, name: str, **details: str) -> None:
    known = User.objects.filter(username=name).exists()
    audit.record(action, actor=f"user:{name}" if known else "user:unknown", details=details)
