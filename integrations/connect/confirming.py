"""Asking whoever comes back from the platform whether they know for whom they consented.

A connect that was begun over the API belongs to no browser: its link can be sent to anybody.
Without the question, a merchant who lures the owner of another store into consent would have that
store. So the code is exchanged only once the person who brought it has read the merchant's name and
said yes. Until then nothing is kept: what came back waits in their page, sealed, and opens for that
browser alone.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.contrib.auth.models import AbstractBaseUser
from django.utils import timezone

from integrations import registry
from integrations.connect import attempts, consent
from integrations.errors import PlatformError
from integrations.kit.oauth2 import INVALID_GRANT, TOKENS_LOST, TOKENS_REFUSED, Consent
from integrations.lifecycle import ConnectError
from integrations.models import ConnectAttempt, Store
from integrations.platform import AuthKind, PlatformCard
from logix.common import crypto

# What a platform says of a code that was used or has run out.
_CODE_GONE = frozenset({INVALID_GRANT, TOKENS_REFUSED, TOKENS_LOST})
_BROWSER = re.compile(r"[\w-]{43}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What to ask. ``answer`` goes into the page and comes back with the click; ``browser`` is a
    cookie of it, without which the answer does not open.
    """

    attempt: ConnectAttempt
    card: PlatformCard
    answer: str = field(repr=False)
    browser: str = field(repr=False)

    @property
    def may(self) -> tuple[str, ...]:
        """What Logix was asked to be allowed, in words."""
        return self.card.told(self.attempt.options.get(attempts.SCOPES, self.card.wanted_scopes))

    @property
    def writes(self) -> bool:
        return bool(self.attempt.options.get("writes_enabled"))


class CodeGone(ConnectError):
    """The platform takes the code no more. ``again`` is the address to ask it for another, with a
    new attempt for the same.
    """

    def __init__(self, card: PlatformCard, again: str) -> None:
        super().__init__(
            f"{card.name} does not take its answer any more: it is good for a short time, and "
            f"once. Nothing was connected. Start again at {card.name}.",
            code="code_gone",
        )
        self.again = again


def come_back(
    platform: str,
    query: Mapping[str, str],
    *,
    user: AbstractBaseUser | None,
    browser: str = "",
) -> Store | Question:
    """A browser with the platform's redirect: the store where it was begun in the admin by
    ``user``, else the question. ``browser`` is its cookie, '' for none. Raises ConnectError,
    PlatformError.
    """
    state = query.get("state", "")
    attempt = attempts.open_one(platform, state)
    if attempt.user_id is not None:
        return consent.finish_oauth(platform, query, user=user)
    browser = browser if _BROWSER.fullmatch(browser) else secrets.token_urlsafe(32)
    brought = consent.brought(attempt, query)
    kept = {"state": state, "code": brought.code, "values": dict(brought.values)}
    return Question(
        attempt=attempt,
        card=registry.card(platform),
        answer=crypto.ring().seal(json.dumps(kept).encode(), _place(platform, browser)),
        browser=browser,
    )


def confirm(platform: str, answer: str, browser: str) -> Store:
    """They said yes: the store, connected. Raises ConnectError, CodeGone, PlatformError."""
    state, brought = _opened(platform, answer, browser)
    attempt = attempts.last_of(platform, state)
    card, app = registry.card(platform), consent.own_app_of(attempt, state)
    if attempt.used_at is None and attempt.expires_at <= timezone.now():
        raise CodeGone(card, _again(attempt, card, app))
    if attempt.used_at is not None:
        return _pressed_before(platform, state)
    try:
        return consent.exchange(attempt, state, brought)
    except attempts.Unknown:  # by another press, in this very moment
        return _pressed_before(platform, state)
    except PlatformError as err:
        if err.code not in _CODE_GONE:
            raise
        raise CodeGone(card, _again(attempt, card, app)) from err


def _pressed_before(platform: str, state: str) -> Store:
    """The same as the first press. Raises ConnectError while that is not known, and where it
    failed.
    """
    attempt = attempts.last_of(platform, state)
    if attempt.store is not None:
        return attempt.store
    if attempt.problem:
        raise ConnectError(attempt.problem, code="attempt_failed")
    raise ConnectError(
        "The store is being connected already. Look into Logix in a minute.", code="busy"
    )


def decline(platform: str, answer: str, browser: str) -> tuple[ConnectAttempt, str]:
    """They said that it was not them: the attempt is over, and where in the store to take back what
    was consented to. Raises ConnectError.
    """
    state, _ = _opened(platform, answer, browser)
    attempt = attempts.take(platform, state)
    card = registry.card(platform)
    attempts.ended(
        attempt,
        problem=f"Whoever came back from {card.name} declined to connect the store for "
        f"{attempt.merchant.name}.",
    )
    sign_in = card.sign_in(AuthKind.OAUTH2)
    return attempt, sign_in.ends_at if sign_in else ""


def _again(attempt: ConnectAttempt, card: PlatformCard, app: Mapping[str, str]) -> str:
    options = dict(attempt.options)
    asked = options.pop(attempts.SCOPES, ())
    url, _ = consent.begin_oauth(
        merchant=attempt.merchant,
        platform=card.slug,
        base_url=attempt.base_url,
        actor=attempt.requested_by or "platform",
        credentials=app,
        options=options,
        scopes=[scope for scope in asked if scope in card.extra_scopes],
    )
    return url


def _opened(platform: str, answer: str, browser: str) -> tuple[str, Consent]:
    """The state and what came back with it. Raises ConnectError for an answer that was not given to
    this browser.
    """
    try:
        sealed = json.loads(crypto.ring().open(answer, _place(platform, browser)))
    except crypto.SealBroken as err:
        raise ConnectError(
            "This page does not belong to this browser, or it is too old. Allow cookies, and begin "
            "again where you began to connect the store.",
            code="page_foreign",
        ) from err
    return sealed["state"], Consent(code=sealed["code"], values=sealed["values"])


def _place(platform: str, browser: str) -> str:
    return f"connect answer|{platform}|{crypto.digest(browser)}"
