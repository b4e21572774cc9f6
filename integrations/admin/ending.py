"""What ends by itself at a store, in words: its credentials, and what is kept of its buyers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.formats import date_format
from django.utils.timezone import localtime

from integrations import authentication, keeping, privacy, registry
from integrations.admin.base import BAD, QUIET, WARN, HubAdmin, Said, Sentence, count_of
from integrations.models import Store
from logix.accounts.models import AuditEvent
from orders import ending
from orders.models import Order

_MOST_NAMED = 5
# Of each step before the end, how loud it is told.
_TONES: Mapping[int | None, str] = {30: QUIET, 14: WARN}


def ending_words(page: HubAdmin, stores: QuerySet[Store], now: datetime) -> Said:
    """For the first page and the list of stores."""
    said: Said = []
    for one in authentication.ending_soon(stores, now)[:_MOST_NAMED]:
        words = f"{one.of}: {one.words(now)} {one.do}"
        url = page.row_url(one.store) if one.store else ""
        said.append(Sentence(_TONES.get(one.step(now), BAD), words, url=url))
    bounded = privacy.bounded_stores().filter(pk__in=stores)
    for kept in privacy.near(bounded, now)[:_MOST_NAMED]:
        words = f"{kept.store}: {kept.words(now)} {privacy.REMEDY}"
        tone = BAD if kept.is_broken(now) else WARN
        said.append(Sentence(tone, words, url=page.row_url(kept.store)))
    return said


def buyer_end_words(order: Order) -> str:
    """When what is kept of the order's buyer ends by itself; '' where it does not."""
    store = order.store
    try:
        card = registry.card(store.platform)
    except registry.UnknownPlatform:
        return ""
    kept = keeping.kept_for(card, store)
    if kept is None or order.erased_at:
        return ""
    is_over = Order.objects.filter(ending.OVER, pk=order.pk).exists()
    if ends := keeping.ends_at(card, store, order.ended_at if is_over else None):
        return f"Erased by themselves {date_format(localtime(ends), 'DATETIME_FORMAT')}."
    days = (kept - keeping.EARLY).days
    return f"Kept while something is to be sent; erased by themselves {days} days after that."


def kept_words(store: Store, now: datetime) -> str:
    """How long they are kept, how it stands, and what was erased last."""
    kept: Any = next(privacy.standing(Store.objects.filter(pk=store.pk)), None)
    if kept is None or kept.kept_for is None:
        return "Kept until somebody erases them, or chooses a number of days under “Options”."
    said = [
        f"Erased {(kept.kept_for - keeping.EARLY).days} days after an order was sent or cancelled, "
        f"a day before the {kept.kept_for.days} that are allowed are over. What is still to be "
        "sent keeps its buyer."
    ]
    if kept.since:
        said.append(f"The oldest that is kept: {count_of(kept.age(now).days, 'day')}.")
    if waiting := privacy.due(store, now).count():
        said.append(f"{count_of(waiting, 'order waits', 'orders wait')} to be erased.")
    told = AuditEvent.objects.filter(action=privacy.PURGED, object_id=str(store.pk))
    last = told.filter(object_type=Store._meta.label_lower).order_by("-id").first()
    if last is not None:
        day = date_format(localtime(last.at), "DATETIME_FORMAT")
        said.append(f"Last erased: {count_of(last.details['orders'], 'order')}, {day}.")
    return " ".join(said)
