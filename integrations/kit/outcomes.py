"""What an answer or a failure means: the tables from status codes and exceptions to errors, and
when to try again.
"""

from __future__ import annotations

import http.client
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum

import requests
import urllib3

from integrations.errors import (
    AuthenticationFailed,
    ContractBroken,
    MerchantMustAct,
    Misconfigured,
    NotFound,
    OutcomeUnknown,
    PermissionMissing,
    PlatformError,
    RateLimited,
    Rejected,
    Unavailable,
)

READS = frozenset({"GET", "HEAD", "OPTIONS"})
REPEATABLE = READS | {"PUT", "DELETE"}

LONGEST_SLEEP_S = 2.0
BACKOFF_S = 0.4
UNSTATED_429_S = 5.0
LONGEST_RETRY_AFTER_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Meaning:
    """``error`` for a status; ``again``: worth another try; ``lost``: a write answered so may have
    happened.
    """

    error: type[PlatformError]
    code: str
    sentence: str
    again: bool = False
    lost: bool = False


# {host} is the store's host. An adapter's ``explain`` may replace code and sentence by the
# platform's own words.
STATUS: Mapping[int, Meaning] = {
    400: Meaning(Rejected, "rejected", "{host} refused the request."),
    401: Meaning(
        AuthenticationFailed, "authentication_failed", "{host} did not accept the credentials."
    ),
    402: Meaning(
        MerchantMustAct,
        "payment_required",
        "{host} is closed until its owner has paid the platform.",
    ),
    403: Meaning(
        PermissionMissing, "permission_missing", "The credentials for {host} do not allow this."
    ),
    404: Meaning(NotFound, "not_found", "{host} does not know what was asked for."),
    405: Meaning(
        Misconfigured,
        "method_refused",
        "{host} does not allow this kind of request. Its server or a firewall blocks it.",
    ),
    406: Meaning(
        Misconfigured,
        "blocked",
        "{host} refused the request. A firewall in front of the store may block it.",
    ),
    408: Meaning(Unavailable, "timeout", "{host} did not receive the request in time.", again=True),
    409: Meaning(
        Rejected, "conflict", "{host} refused the change because it conflicts with another."
    ),
    410: Meaning(NotFound, "gone", "{host} no longer has what was asked for."),
    421: Meaning(
        Unavailable,
        "misdirected",
        "{host} was reached at a server that does not serve it.",
        again=True,
    ),
    423: Meaning(Unavailable, "locked", "{host} is locked at the moment."),
    425: Meaning(Unavailable, "too_early", "{host} was not ready for the request.", again=True),
    426: Meaning(Misconfigured, "upgrade_required", "{host} asks for another protocol."),
    429: Meaning(RateLimited, "rate_limited", "{host} asked for fewer calls.", again=True),
    430: Meaning(Unavailable, "blocked", "{host} refused the call as a security measure."),
    451: Meaning(
        Rejected, "unavailable_for_legal_reasons", "{host} may not answer this for legal reasons."
    ),
    500: Meaning(
        Unavailable, "server_error", "{host} had an internal error.", again=True, lost=True
    ),
    501: Meaning(Unavailable, "not_implemented", "{host} cannot do this."),
    502: Meaning(
        Unavailable,
        "bad_gateway",
        "{host} is not reachable behind its gateway.",
        again=True,
        lost=True,
    ),
    503: Meaning(Unavailable, "maintenance", "{host} is overloaded or in maintenance.", again=True),
    504: Meaning(
        Unavailable,
        "gateway_timeout",
        "{host} did not answer its gateway in time.",
        again=True,
        lost=True,
    ),
    509: Meaning(
        Unavailable, "bandwidth", "{host} has used up the traffic its hosting plan allows."
    ),
}
OTHER_4XX = Meaning(Rejected, "rejected", "{host} refused the request.")
OTHER_5XX = Meaning(
    Unavailable, "server_error", "{host} had an internal error.", again=True, lost=True
)
UNEXPECTED = Meaning(
    ContractBroken, "unexpected_status", "{host} gave an answer that was not expected."
)
FIREWALL = Meaning(
    Unavailable, "firewall", "A firewall in front of {host} refused the call with a web page."
)
NOT_AN_API = Meaning(
    NotFound, "html_answer", "{host} answered with a web page: there is no API at this address."
)


def meaning_of(status: int, *, html: bool) -> Meaning:
    """The table's line for ``status``. ``html`` tells that the body is a web page, which no store's
    API sends.
    """
    if html and status in (403, 406):
        return FIREWALL
    if html and status == 404:
        return NOT_AN_API
    if status in STATUS:
        return STATUS[status]
    if 400 <= status < 500:
        return OTHER_4XX
    return OTHER_5XX if status >= 500 else UNEXPECTED


# Everything that may surface once a request is under way, and what of it is our own fault instead
# of the store's.
WIRE_ERRORS = (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError)
BAD_REQUEST = (requests.exceptions.InvalidHeader, requests.exceptions.InvalidURL, UnicodeError)


class Loss(StrEnum):
    """How an answer was lost after the request had begun to be sent."""

    TIMEOUT = "timeout"
    RESET = "reset"
    TRUNCATED = "truncated"


_LOST_SENTENCE = {
    Loss.TIMEOUT: "{host} did not answer in time.",
    Loss.RESET: "{host} closed the connection before it had answered.",
    Loss.TRUNCATED: "The answer of {host} was cut off.",
}


def loss_of(error: BaseException) -> Loss:
    """Which loss a failure of socket, http.client, urllib3 or requests amounts to."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, TimeoutError | requests.Timeout | urllib3.exceptions.ReadTimeoutError):
            return Loss.TIMEOUT
        if isinstance(
            cause, urllib3.exceptions.IncompleteRead | urllib3.exceptions.InvalidChunkLength
        ):
            return Loss.TRUNCATED
        cause = cause.__cause__ or cause.__context__
    return Loss.RESET


def lost_answer(host: str, loss: Loss, *, write: bool) -> Unavailable:
    """The error for a lost answer: for a write nobody knows whether it happened."""
    sentence = _LOST_SENTENCE[loss].format(host=host)
    if write:
        return OutcomeUnknown(f"{sentence} The change may have happened.")
    return Unavailable(sentence, code=loss)


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds of a Retry-After header, or None. A date is read against the store's own clock
    ``now`` (aware UTC).
    """
    value = headers.get("Retry-After", "").strip()
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        date = http_date(value)
        if date is None:
            return None
        seconds = (date - now).total_seconds()
    if math.isnan(seconds):
        return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_S)


def http_date(value: str) -> datetime | None:
    """An HTTP date as aware UTC, None when it is not one."""
    try:
        date = parsedate_to_datetime(value)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)


def backoff_s(tries: int, chance: float = -1.0) -> float:
    """Full jitter: anything from nothing to 0.4 s, 0.8 s, 1.6 s … capped at 2 s. ``tries`` made so
    far, from 1.
    """
    share = chance if chance >= 0 else random.random()  # noqa: S311 - spreads load, guards nothing
    return share * min(LONGEST_SLEEP_S, BACKOFF_S * 2.0 ** (tries - 1))
