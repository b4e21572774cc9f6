"""News of very many orders at once, where a look at each is dear: they are left to the next reading
of changes, which answers all of them with a few calls.

A reading answers what came before the moment until which it tells, by our clock. News that none has
answered after a while are looked at one by one, and so are all where readings fail.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from integrations import registry
from integrations.models import Stream, StreamName
from webhooks import verdicts
from webhooks.models import Delivery

LEFT = "left_to_reading"
_PATIENCE = timedelta(minutes=15)
# What a reading takes, once it is due.
_A_READING = timedelta(minutes=1)
_NEW, _DONE = Delivery.State.NEW, Delivery.State.DONE


def leave_to_reading(store_id: UUID) -> None:
    """Settle the news of this store that a reading has answered, and leave to the next one what
    waits, if it is many.
    """
    rows = Stream.objects.filter(store=store_id, name=StreamName.ORDERS, enabled=True)
    stream = rows.select_related("store").first()
    card = registry.known_card(stream.store.platform) if stream else None
    if stream is None or card is None or not card.news_by_reading_from:
        return
    mine, now = Delivery.objects.filter(store=store_id, state=_NEW), timezone.now()
    if stream.read_through:
        until = stream.read_through - timedelta(milliseconds=stream.skew_ms)
        answered = mine.filter(outcome=LEFT, received_at__lte=until)
        answered.update(state=_DONE, outcome="coalesced", done_at=Now())
    waits = mine.filter(
        Q(outcome=verdicts.ASK_STORE) | Q(outcome=LEFT),
        resource="order",
        problem_code="",
        next_at__lte=Now(),
        received_at__gt=now - _PATIENCE,
    )
    if stream.failures or waits.count() < card.news_by_reading_from:
        return
    due = now + timedelta(seconds=stream.lag_s)
    rows.filter(asked_at=None).update(asked_at=now)
    rows.filter(next_at__gt=due).update(next_at=due)
    waits.update(outcome=LEFT, next_at=due + _A_READING)
