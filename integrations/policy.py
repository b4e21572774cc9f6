"""What follows when a store says no: one table from the error's class to what the engine does.

Sync, outbox and webhooks ask ``decide`` and act on the answer; none of them looks at error classes
itself. Retry schedule: docs/RELIABILITY.md, "Retries".
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from integrations.errors import (
    AuthenticationFailed,
    ContractBroken,
    ItemError,
    MerchantMustAct,
    Misconfigured,
    NotFound,
    OutcomeUnknown,
    PermissionMissing,
    PlatformError,
    RateLimited,
    Rejected,
    Unavailable,
    Unsupported,
    Wait,
)

# Seconds after the 1st, 2nd … failed attempt; about 71 hours in all, then the work is parked.
SCHEDULE_S = (2, 10, 30, 120, 600, 1800, 3600, 10_800, 21_600, 43_200, 86_400, 86_400)
MAX_ATTEMPTS = len(SCHEDULE_S)

TOO_MANY_ATTEMPTS = "too_many_attempts"
INTERNAL_ERROR = "internal_error"

_HOUR_S = 3600.0


class What(StrEnum):
    """WAIT: the same again later. MERCHANT, STAFF: nothing goes out until someone acted. REFUSE:
    the store's last word on this item. PARK: set aside with the reason; a person or a changed cause
    brings it back.
    """

    WAIT = "wait"
    MERCHANT = "merchant"
    STAFF = "staff"
    REFUSE = "refuse"
    PARK = "park"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """``counts``: towards parking. ``look_first``: the write may have happened. ``stops_store``:
    the credentials are dead, so the store leaves ACTIVE. ``recheck_s``: blocked work is tried again
    by itself after so long, since the cause may have been mended where we cannot see it.
    """

    what: What
    counts: bool = True
    look_first: bool = False
    stops_store: bool = False
    recheck_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The rule applied to one error. ``delay_s``: when to try again, None: not by itself.
    ``sentence`` is for the person who must act and holds no secret and no personal data.
    """

    what: What
    code: str
    sentence: str
    delay_s: float | None
    counts: bool
    look_first: bool
    stops_store: bool


RULES: dict[type[Exception], Rule] = {
    Wait: Rule(what=What.WAIT),
    Unavailable: Rule(what=What.WAIT),
    OutcomeUnknown: Rule(what=What.WAIT, look_first=True),
    RateLimited: Rule(what=What.WAIT, counts=False),
    MerchantMustAct: Rule(what=What.MERCHANT, stops_store=True),
    AuthenticationFailed: Rule(what=What.MERCHANT, stops_store=True),
    # A read-only key still reads: orders go on flowing, only the writes stop.
    PermissionMissing: Rule(what=What.MERCHANT, recheck_s=6 * _HOUR_S),
    Misconfigured: Rule(what=What.STAFF, recheck_s=_HOUR_S),
    ItemError: Rule(what=What.REFUSE),
    Rejected: Rule(what=What.REFUSE),
    NotFound: Rule(what=What.PARK),
    ContractBroken: Rule(what=What.PARK, look_first=True, recheck_s=_HOUR_S),
    Unsupported: Rule(what=What.REFUSE),
    PlatformError: Rule(what=What.PARK),
    # Not a store's answer but a mistake of ours. A write may have gone out before it showed.
    Exception: Rule(what=What.WAIT, look_first=True),
}

# Codes that say more than their class. All but the first come from the look at an order before it
# is written.
RULES_BY_CODE: dict[str, Rule] = {
    "breaker_open": Rule(what=What.WAIT, counts=False),
    "cancelled_at_store": Rule(what=What.REFUSE),
    "cancel_requested_at_store": Rule(what=What.PARK),
    "edited_at_store": Rule(what=What.PARK),
    "address_changed_at_store": Rule(what=What.PARK),
    "rule_failed": Rule(what=What.PARK),
    "fields_fought_over": Rule(what=What.PARK),
}

# For lines of a batch, which carry a code and no exception.
_RULES_OF_LINES: dict[str, Rule] = {
    kind.code: rule for kind, rule in RULES.items() if issubclass(kind, PlatformError)
} | RULES_BY_CODE


def decide(error: Exception, *, attempts: int = 1) -> Decision:
    """What to do after ``error`` ended attempt number ``attempts`` (1 for the first)."""
    rule = rule_for(error)
    code, sentence = _words(error)
    if rule.stops_store:
        # The class's own code, by which blocked work is found when the store is active again.
        code = type(error).code if isinstance(error, PlatformError) else code
    asked = getattr(error, "retry_after_s", None)
    return _apply(rule, code, sentence, asked, attempts)


def decide_line(code: str, sentence: str, *, attempts: int = 1) -> Decision:
    """What to do with one refused line of a batch. A code of no class is the platform's own word
    for a refusal.
    """
    rule = _RULES_OF_LINES.get(code, RULES[Rejected])
    return _apply(rule, code or Rejected.code, sentence, None, attempts)


def _apply(rule: Rule, code: str, sentence: str, asked_s: float | None, attempts: int) -> Decision:
    if rule.what is What.WAIT and rule.counts and attempts >= MAX_ATTEMPTS:
        return Decision(
            what=What.PARK,
            code=TOO_MANY_ATTEMPTS,
            sentence=f"Given up after {attempts} attempts. The last answer: {sentence}",
            delay_s=None,
            counts=True,
            look_first=rule.look_first,
            stops_store=False,
        )
    return Decision(
        what=rule.what,
        code=code,
        sentence=sentence,
        delay_s=_delay_s(rule, asked_s, attempts),
        counts=rule.counts,
        look_first=rule.look_first,
        stops_store=rule.stops_store,
    )


def rule_for(error: Exception) -> Rule:
    """The rule of the error's code, else of its nearest class."""
    by_code = RULES_BY_CODE.get(getattr(error, "code", "") or "")
    if by_code:
        return by_code
    return next(RULES[kind] for kind in type(error).__mro__ if kind in RULES)


def keeps_out(error: Exception) -> bool:
    """Whether a store, asked who we are, answers as one does whose app was removed: 401, 403, 404
    or no new token. Naming a scope, it knows the app.
    """
    if isinstance(error, AuthenticationFailed):
        return True
    if isinstance(error, PermissionMissing) and error.scopes:
        return False
    return isinstance(error, PermissionMissing | NotFound) and error.status in (403, 404)


def next_delay_s(
    attempts: int,
    *,
    at_least_s: float | None = None,
    chance: Callable[[], float] = random.random,
) -> float:
    """Seconds until the next try after ``attempts`` failed ones: full jitter below the schedule's
    step, never less than what the store asked for (``at_least_s``).
    """
    step = SCHEDULE_S[min(max(attempts, 1), MAX_ATTEMPTS) - 1]
    return max(step * chance(), at_least_s or 0.0)


def _delay_s(rule: Rule, asked_s: float | None, attempts: int) -> float | None:
    if rule.what is not What.WAIT:
        return rule.recheck_s
    if not rule.counts and asked_s is not None:
        return max(asked_s, 0.1)
    return next_delay_s(attempts, at_least_s=asked_s)


def _words(error: Exception) -> tuple[str, str]:
    if isinstance(error, PlatformError):
        where = f" ({error.path})" if isinstance(error, ContractBroken) else ""
        return error.code, f"{error.message}{where}"
    kind = type(error).__name__
    return INTERNAL_ERROR, f"Logix made a mistake here ({kind}); the server's log has the details."
