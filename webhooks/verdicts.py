"""What becomes of a delivery once it is read: the row ``claims.settle`` writes, and the words
people see.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone

from integrations.events import PrivacyAsk
from webhooks import claims
from webhooks.models import Delivery
from webhooks.reading import Reading, Thing

# Parked until the merchant renews the connection; ``upkeep.rearm_store`` brings these back.
WAITS_FOR_MERCHANT = "waits_for_merchant"
# Still waiting: its own content does not settle it.
ASK_STORE = "ask_store"
PRIVACY = "privacy_request"
LOOKED_SOON = "looked_soon"
_NOBODY_WAITS = "Nothing in Logix waits for this, or it was looked at already."

_State = Delivery.State


def after(reading: Reading, torn: set[Thing], parked: set[Thing], now: datetime) -> dict[str, Any]:
    delivery = reading.delivery
    if reading.problem:
        code, sentence = reading.problem
        return claims.outcome(delivery, _State.PARKED, now=now, code=code, problem=sentence)
    if reading.says_nothing:
        return claims.outcome(
            delivery, _State.IGNORED, now=now, outcome="nothing_to_do", problem=reading.why_nothing
        )
    if reading.needs_call or reading.concerns(torn):
        return claims.outcome(delivery, _State.NEW, now=now, outcome=ASK_STORE)
    if reading.only_hints:
        return _of_hints(reading, now)
    return done(delivery, parked if reading.concerns(parked) else set(), now)


def done(delivery: Delivery, parked: set[Thing], now: datetime) -> dict[str, Any]:
    if parked:
        sentence = "The record could not be applied; see the parked records of this store."
        return claims.outcome(
            delivery, _State.DONE, now=now, outcome="record_parked", problem=sentence
        )
    return claims.outcome(delivery, _State.DONE, now=now, outcome="applied")


def _of_hints(reading: Reading, now: datetime) -> dict[str, Any]:
    """Of a delivery whose hints were passed on."""
    if reading.is_awaited:
        return claims.outcome(reading.delivery, _State.DONE, now=now, outcome=LOOKED_SOON)
    return claims.outcome(
        reading.delivery, _State.IGNORED, now=now, outcome="nothing_to_do", problem=_NOBODY_WAITS
    )


def of_asks(reading: Reading, asks: Sequence[PrivacyAsk]) -> dict[str, Any]:
    """Of a delivery that is always worked: its requests are kept, or it says nothing."""
    now = timezone.now()
    if asks and not reading.problem:
        return claims.outcome(reading.delivery, _State.DONE, now=now, outcome=PRIVACY)
    return after(reading, set(), set(), now)
