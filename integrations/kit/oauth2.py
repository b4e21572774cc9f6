"""OAuth 2 as platforms speak it (RFC 6749, RFC 7636): the app, what it is granted, the token that
calls carry. Where tokens are kept, and who renews them, is left to others.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any, Protocol

import requests

from integrations.errors import (
    AuthenticationFailed,
    ContractBroken,
    Misconfigured,
    OutcomeUnknown,
    PlatformError,
    Rejected,
    Unavailable,
)
from integrations.kit.answer import Answer
from integrations.kit.auth import HeaderAuth, RenewingAuth
from integrations.kit.http import PlatformSession
from integrations.kit.redact import MASK
from integrations.kit.refusal import Explained

BUCKET = "oauth"
_LONGEST_LIFE_S = 10 * 365 * 24 * 3600

INVALID_GRANT = "invalid_grant"
APP_REFUSED = "app_refused"
TOKENS_REFUSED = "tokens_refused"
TOKENS_DENIED = "tokens_denied"
TOKENS_LOST = "tokens_lost"

# RFC 6749, 4.1.2.1 and 5.2; invalid_token is what some say of a refresh token that is dead.
_REFUSALS: Mapping[str, tuple[str, type[PlatformError]]] = {
    "invalid_grant": (INVALID_GRANT, AuthenticationFailed),
    "invalid_token": (INVALID_GRANT, AuthenticationFailed),
    "invalid_client": (APP_REFUSED, Misconfigured),
    "unauthorized_client": (APP_REFUSED, Misconfigured),
    "unsupported_grant_type": (APP_REFUSED, Misconfigured),
    "invalid_request": (TOKENS_REFUSED, Rejected),
    "invalid_scope": (TOKENS_REFUSED, Rejected),
    "temporarily_unavailable": ("unavailable", Unavailable),
    "server_error": ("unavailable", Unavailable),
}
# In words of ours: the platform's may repeat what was sent. A reason of its own is told in its
# words, where they repeat nothing.
_WORDS = {
    INVALID_GRANT: "The platform no longer accepts what Logix was granted: it was revoked, has run "
    "out, or was used up. Connect the store again.",
    APP_REFUSED: "The platform does not accept the app's client id and secret. Check both.",
    TOKENS_REFUSED: "The platform gave no tokens for what was sent. Start again.",
}
# RFC 6749, 5.2: what error and error_description are made of.
_WORD = re.compile(r"[a-z][a-z0-9_]{2,59}")
_DESCRIPTION = re.compile(r"[ !#-\[\]-~]{3,200}")


@dataclass(frozen=True, slots=True)
class OAuthApp:
    """What a platform knows an app by: to the door of tokens and, where it has another name for its
    consent page, as ``application_id``.
    """

    client_id: str
    client_secret: str = field(repr=False)
    application_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """How the merchant comes to the consent page: the store's address as it was ``typed``, the
    ``options`` chosen for it and, where the platform itself sent the browser here, the parameters
    it ``came_with``.
    """

    typed: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    came_with: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What a browser brought back: the code for tokens, and ``values`` of the card's fields that
    only the consent page tells; they are kept with the tokens.
    """

    code: str = field(repr=False)
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a token endpoint gave. Times are aware UTC, None: it does not run out. Without a
    ``refresh_token`` the one before stays good, if there was one.
    """

    access_token: str = field(repr=False)
    refresh_token: str = field(default="", repr=False)
    expires_at: datetime | None = None
    refresh_expires_at: datetime | None = None
    scopes: tuple[str, ...] = ()


class AccessToken(Protocol):
    """The token of one store, from wherever it is kept."""

    def current(self) -> str:
        """One to call with now. Raises PlatformError when there is none to be had."""

    def renew(self, refused: str) -> str:
        """Another one than ``refused``, which the store did not take; the same where there never
        is another. Raises PlatformError.
        """


class StaticToken:
    """One that was pasted: it works or it does not."""

    def __init__(self, value: str) -> None:
        self._value = value

    def __repr__(self) -> str:
        return "StaticToken(***)"

    def current(self) -> str:
        return self._value

    def renew(self, refused: str) -> str:
        return self._value


class TokenAuth(RenewingAuth):
    """Puts the token of the moment into a header, after ``prefix`` (``"Bearer "``)."""

    def __init__(self, header: str, prefix: str, token: AccessToken) -> None:
        self._header = header
        self._prefix = prefix
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return HeaderAuth(self._header, f"{self._prefix}{self._token.current()}")(request)

    def ready(self) -> None:
        self._token.current()

    def renewed(self, request: requests.PreparedRequest) -> bool:
        sent = str(request.headers.get(self._header, "")).removeprefix(self._prefix)
        return self._token.renew(sent) != sent


def pkce_challenge(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636, 4.2)."""
    return base64.urlsafe_b64encode(sha256(verifier.encode("ascii")).digest()).decode().rstrip("=")


def ask_token(
    http: PlatformSession, path: str, form: Mapping[str, str], *, repeatable: bool = True
) -> Grant:
    """Ask a token endpoint for tokens. ``repeatable``: an answer that was lost may be asked for
    again; a code is good once, so for it this is False.

    Raises AuthenticationFailed (code ``invalid_grant``), Misconfigured (code ``app_refused``),
    Rejected (code ``tokens_refused``, or ``tokens_denied`` with the platform's reason),
    Unavailable, ContractBroken. No message repeats a value of ``form``.
    """
    asked_at = datetime.now(UTC)
    http.hidden = tuple({*http.hidden, *(value for value in form.values() if len(value) >= 8)})
    try:
        answer = http.post(
            path,
            data=dict(form),
            auth=None,
            bucket=BUCKET,
            repeatable=repeatable,
            explain=partial(_explain, hidden=http.hidden),
        )
    except OutcomeUnknown as err:
        raise Unavailable(
            "The answer with the tokens was lost on its way. Start again.", code=TOKENS_LOST
        ) from err
    except PlatformError as err:
        err.message = _WORDS.get(err.code, err.message)
        raise
    return grant_of(answer.json(), asked_at)


def grant_of(told: Any, asked_at: datetime) -> Grant:
    """What a token endpoint said (RFC 6749, 5.1, and ``refresh_token_expires_in``), asked at
    ``asked_at``: lives are counted from there, so that nothing is believed alive too long. Raises
    ContractBroken, which names no value.
    """
    if not isinstance(told, dict):
        raise ContractBroken("The answer with the tokens is no object.")
    access_token = _text(told, "access_token")
    if not access_token:
        raise ContractBroken("The answer has no access token.", path="$.access_token")
    return Grant(
        access_token=access_token,
        refresh_token=_text(told, "refresh_token"),
        expires_at=_after(told, "expires_in", asked_at),
        refresh_expires_at=_after(told, "refresh_token_expires_in", asked_at),
        scopes=tuple(dict.fromkeys(_text(told, "scope").replace(",", " ").split())),
    )


def _text(told: Mapping[str, Any], name: str) -> str:
    value = told.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ContractBroken(f"The answer's {name} is no text.", path=f"$.{name}")
    return value


def _after(told: Mapping[str, Any], name: str, asked_at: datetime) -> datetime | None:
    """Seconds as a number or, as some spell them, as text."""
    value = told.get(name)
    if value is None or value == "":
        return None
    try:
        seconds = float(value) if isinstance(value, int | float | str) else -1.0
    except (ValueError, OverflowError):
        seconds = -1.0
    if isinstance(value, bool) or not 0 <= seconds <= _LONGEST_LIFE_S:
        raise ContractBroken(f"The answer's {name} is no life in seconds.", path=f"$.{name}")
    return asked_at + timedelta(seconds=seconds)


def _explain(answer: Answer, hidden: Collection[str]) -> Explained | None:
    told = answer.json()
    error = told.get("error") if isinstance(told, dict) else None
    if not isinstance(error, str):
        return None
    if error not in _REFUSALS and answer.status not in (400, 401, 403):
        return None  # 429 and 5xx say more by their status than by a word that is not known
    if error in _REFUSALS:
        code, kind = _REFUSALS[error]
        return code, "", kind
    reason = _reason(error, told.get("error_description"), hidden)
    return TOKENS_DENIED if reason else TOKENS_REFUSED, reason, Rejected


def _reason(error: str, description: Any, hidden: Collection[str]) -> str:
    """What the platform says of a refusal that RFC 6749 does not know, "" where that is not safe to
    show: hidden values come masked, but for those that are spelled with escapes.
    """
    if isinstance(description, str) and _DESCRIPTION.fullmatch(description):
        is_safe = MASK not in description and not any(value in description for value in hidden)
        return description.strip() if is_safe else ""
    return f"{error.replace('_', ' ')}." if _WORD.fullmatch(error) else ""
