"""What the Selling Partner API says when it refuses, in words for the person who can act.

Errors are ``{"errors": [{"code", "message", "details"}]}``. A token that is over and a role that is
missing are both 403 “Unauthorized”; only ``details`` tells them apart
(https://github.com/amzn/selling-partner-api-docs/issues/2147). 429 states no time to wait:
https://developer-docs.amazon.com/sp-api/docs/usage-plans-and-rate-limits-in-the-sp-api.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from integrations.amazon.platform import CARD
from integrations.errors import (
    AuthenticationFailed,
    ContractBroken,
    NotFound,
    PermissionMissing,
    PlatformError,
)
from integrations.kit.http import Answer, Explained
from integrations.kit.ratelimit import LimitNews

ACCESS_REFUSED = "access_refused"
ROLE_MISSING = "role_missing"
# Of a parcel: there is nothing left to ship, so it could only be another one's correction.
# https://github.com/amzn/selling-partner-api-models/issues/5037
ALREADY_FULFILLED = "already_fulfilled"
NO_PACKAGE = "PackageToUpdateNotFound"
# Of an order to be sent for another store: 400, where others are 404. Clients wait for these words.
_NO_OUTBOUND = re.compile(r"Requested order .*not found")
_REQUEST_ID, _LIMIT = "x-amzn-RequestId", "x-amzn-RateLimit-Limit"
# The slowest operation is called once in three minutes; nobody means once in a quarter of an hour.
_SLOWEST, _FASTEST = 0.001, 1_000
_RATES = {limit.bucket: limit.rate for limit in CARD.limits}
_MOST_WORDS = 180

_AUTHORISE = (
    "Authorise the app again in Seller Central → Develop Apps, and enter the new refresh token."
)
_ROLES = (
    "The app lacks a role for this, or the account does not sell there. Give it the role in Seller "
    "Central → Develop Apps → Edit App, then authorise it again."
)


def explain(answer: Answer) -> Explained | None:
    """The hook of ``PlatformSession``."""
    error = first_error(answer)
    if error is None:
        return None
    code, message, details = (_word(error, name) for name in ("code", "message", "details"))
    told = f"{message} {details}".strip()[:_MOST_WORDS]
    sentence = told
    kind: type[PlatformError] | None = None
    if refuses_token(answer):
        code, sentence, kind = ACCESS_REFUSED, f"{told} {_AUTHORISE}", AuthenticationFailed
    elif answer.status == 403:
        code, sentence, kind = ROLE_MISSING, f"{told} {_ROLES}", PermissionMissing
    elif code.upper() in ("NOTFOUND", "NOT_FOUND"):
        kind = NotFound
    elif _NO_OUTBOUND.match(message):
        code, kind = NotFound.code, NotFound
    elif NO_PACKAGE in message:
        code = ALREADY_FULFILLED
    if number := answer.headers.get(_REQUEST_ID):
        sentence = f"{sentence} Amazon's number of this request: {number[:60]}."
    return (code[:60], sentence, kind) if kind else (code[:60], sentence)


def refuses_token(answer: Answer) -> bool:
    """Whether another access token may be all it takes."""
    if answer.status not in (401, 403):
        return False
    error = first_error(answer)
    return answer.status == 401 or bool(error and "token" in _word(error, "details").lower())


def learn(answer: Answer) -> LimitNews | None:
    """The rate of the operation, where it is told."""
    try:
        rate = float(answer.headers.get(_LIMIT, ""))
    except ValueError:
        return None
    return LimitNews(rate=rate) if _SLOWEST <= rate < _FASTEST else None


def rest_s(bucket: str) -> float:
    """Seconds until one call of the operation is given back."""
    return 1 / _RATES.get(bucket, CARD.limits[0].rate)


def first_error(answer: Answer) -> Mapping[str, Any] | None:
    try:
        body = answer.json()
    except ContractBroken:
        return None
    errors = body.get("errors") if isinstance(body, dict) else None
    first = errors[0] if isinstance(errors, list) and errors else None
    return first if isinstance(first, dict) else None


def _word(error: Mapping[str, Any], name: str) -> str:
    value = error.get(name)
    return " ".join(value.split()) if isinstance(value, str) else ""
