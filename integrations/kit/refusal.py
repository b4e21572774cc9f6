"""From an answer that is none to the error that says who must act, in words for that person."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
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
from integrations.kit.redact import MASK, redact_told
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
    hidden: Collection[str] = (),
) -> PlatformError:
    """The error of ``answer``. ``stated_s`` is its Retry-After; ``lost``: a write that may have
    happened; ``hidden`` are values that must not be repeated, whatever the store says.
    """
    code, sentence, kind = meaning.code, meaning.sentence.format(host=host), meaning.error
    explained = _explained(answer, explain, hidden)
    if explained:
        code = explained[0] or code
        words = redact_told(clean_text(explained[1], LONGEST_WORDS))
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


def redirected(origin: Origin, answer: Answer, hidden: Collection[str] = ()) -> Misconfigured:
    try:
        target = urljoin(answer.url, answer.headers["Location"])
        parts = urlsplit(target)
        place = _without(hidden, f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}")
    except ValueError:
        place = "an address that is not valid"
    if place == str(origin):
        return Misconfigured(
            f"The store's address redirects inside {origin.host}, to "
            f"{_without(hidden, route_of(target))}. "
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


def _without(hidden: Collection[str], text: str) -> str:
    for value in hidden:
        text = text.replace(value, MASK)
    return redact_told(text)


def _explained(
    answer: Answer, explain: Explain | None, hidden: Collection[str]
) -> Explained | None:
    """What the adapter makes of the body. Error bodies come from anywhere, so a failure to read one
    is no error. Hidden values are taken out first: adapters cut words short, and the half of a
    value is no longer recognized.
    """
    if explain is None:
        return None
    body = answer.body
    for value in hidden:
        body = body.replace(value.encode(), MASK.encode())
    try:
        return explain(replace(answer, body=body))
    except ContractBroken:
        return None
    except Exception:
        log.exception("explain_failed", status=answer.status, request_id=answer.request_id)
        return None
