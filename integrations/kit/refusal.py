"""From an answer that is none to the error that says who must act, in words for that person."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urljoin, urlsplit

import structlog

from integrations.errors import (
    ContractBroken,
    Misconfigured,
    OutcomeUnknown,
    PlatformError,
    RateLimited,
    Unavailable,
)
from integrations.kit import outcomes
from integrations.kit.answer import Answer, route_of
from integrations.kit.outcomes import Meaning
from integrations.kit.redact import redact
from integrations.kit.ssrf import Origin
from integrations.kit.text import clean_text

log = structlog.get_logger(__name__)

LONGEST_WORDS = 300

# What an adapter's ``explain`` may say: the platform's code and sentence, and an error class where
# the status alone misleads.
Explained = tuple[str, str] | tuple[str, str, type[PlatformError]]
Explain = Callable[[Answer], Explained | None]


def refusal(
    answer: Answer,
    host: str,
    meaning: Meaning,
    *,
    explain: Explain | None,
    stated_s: float | None,
    lost: bool,
) -> PlatformError:
    """The error of ``answer``. ``stated_s`` is its Retry-After; ``lost``: a write that may have
    happened.
    """
    code, sentence, kind = meaning.code, meaning.sentence.format(host=host), meaning.error
    explained = _explained(answer, explain)
    if explained:
        code = explained[0] or code
        words = redact(clean_text(explained[1], LONGEST_WORDS))
        sentence = f"{sentence} It said: {words}" if words else sentence
        kind = explained[2] if len(explained) == 3 else kind
    if lost and kind is Unavailable:
        kind, sentence = OutcomeUnknown, f"{sentence} The change may have happened."
    if issubclass(kind, RateLimited):
        wait_s = outcomes.UNSTATED_429_S if stated_s is None else stated_s
        return kind(sentence, retry_after_s=wait_s, code=code, status=answer.status)
    if issubclass(kind, Unavailable):
        return kind(sentence, retry_after_s=stated_s, code=code, status=answer.status)
    return kind(sentence, code=code, status=answer.status)


def redirected(origin: Origin, answer: Answer) -> Misconfigured:
    try:
        target = urljoin(answer.url, answer.headers["Location"])
        parts = urlsplit(target)
        place = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    except ValueError:
        place = "an address that is not valid"
    if place == str(origin):
        return Misconfigured(
            f"The store's address redirects inside {origin.host}, to {route_of(target)}. "
            "Enter the address the store ends up at.",
            code="redirected",
            status=answer.status,
        )
    return Misconfigured(
        f"The store's address redirects to {place[:120]}; enter that address.",
        code="redirected",
        status=answer.status,
    )


def unsendable(host: str, err: Exception) -> ContractBroken:
    broken = ContractBroken(
        f"A request to {host} could not be put together: {type(err).__name__}.", code="bad_request"
    )
    broken.__cause__ = err
    return broken


def _explained(answer: Answer, explain: Explain | None) -> Explained | None:
    """What the adapter makes of the body. Error bodies come from anywhere, so a failure to read one
    is no error.
    """
    if explain is None:
        return None
    try:
        return explain(answer)
    except ContractBroken:
        return None
    except Exception:
        log.exception("explain_failed", status=answer.status, request_id=answer.request_id)
        return None
