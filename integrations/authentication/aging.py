"""Credentials that end by themselves: a secret that the platform ends some time after it was made,
a consent that its owner has to give anew. Told in time, in steps, until a new one is entered. What
the hub's own app with a platform ends with is told once for all stores that hang on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils.formats import date_format
from django.utils.timezone import localtime

from integrations import registry
from integrations.authentication.oauth_apps import hub_secret_since
from integrations.models import Credential, Store, StoreStatus
from integrations.platform import AuthKind, PlatformCard
from logix import environment

# Days before the end from which on it is told: to be known, to be done, to be done at once.
STEPS = (30, 14, 3)


@dataclass(frozen=True, slots=True)
class Ending:
    """``since``: when it was entered here, or given; what the platform counts from may have been
    earlier. ``store`` None: it is the hub's own, with that platform.
    """

    store: Store | None
    platform: str
    what: str
    since: datetime
    ends_at: datetime
    do: str

    @property
    def of(self) -> str:
        """Whose it is."""
        return self.store.name if self.store else registry.card(self.platform).name

    def days_left(self, now: datetime) -> int:
        """Whole days; below 0 once it has ended."""
        return (self.ends_at - now) // timedelta(days=1)

    def step(self, now: datetime) -> int | None:
        """The last of the steps that was reached, 0 when it has ended; None: there is time."""
        left = self.days_left(now)
        return 0 if left < 0 else min((x for x in STEPS if left <= x), default=None)

    def words(self, now: datetime) -> str:
        day = date_format(localtime(self.ends_at), "DATE_FORMAT")
        left = self.days_left(now)
        if left < 0:
            return f"The {self.what} ended on {day}."
        when = {0: "today", 1: "tomorrow"}.get(left, f"in {left} days")
        return f"The {self.what} ends {when}, on {day}."


def endings(stores: QuerySet[Store]) -> list[Ending]:
    """What ends by itself, of those of ``stores`` that are connected, soonest first. One
    statement, and one for each app of the hub that they hang on.
    """
    ending = [card.slug for card in registry.cards() if card.has_endings]
    rows = Credential.objects.filter(store__in=stores, store__platform__in=ending)
    rows = rows.exclude(state=Credential.State.REVOKED)
    rows = rows.exclude(store__status=StoreStatus.DISCONNECTED).select_related("store")
    found = [x for row in rows for x in _of(row, row.store)]
    by_hub = {x.store.platform for x in rows if x.kind == AuthKind.OAUTH2 and not x.secret_since}
    found += [x for platform in by_hub for x in _of_hub(registry.card(platform))]
    return sorted(found, key=lambda x: x.ends_at)


def ending_soon(stores: QuerySet[Store], now: datetime) -> list[Ending]:
    return [x for x in endings(stores) if x.step(now) is not None]


def _of(row: Credential, store: Store) -> Iterator[Ending]:
    """Of credentials older than their own moments the store's age is what is known."""
    card = registry.card(store.platform)
    sign_in = card.sign_in(row.kind)
    if sign_in is None:
        return
    lasting = sign_in.lasting
    since = row.secret_since
    if since is None and lasting and lasting.required:
        since = store.created_at
    if lasting and lasting.lasts and since:
        do = f"Make a new one at {card.name} and enter it under “New keys” of the store, or with "
        do += f"PATCH to this integration. {lasting.help}"
        ends_at = since + lasting.lasts
        yield Ending(store, card.slug, lasting.label, since, ends_at, do.strip())
    if sign_in.consent_lasts:
        given = row.consented_at or store.created_at
        do = f"Connect {store.name} again: its owner consents anew at {card.name}."
        ends_at = given + sign_in.consent_lasts
        yield Ending(store, card.slug, "consent of its owner", given, ends_at, do)


def _of_hub(card: PlatformCard) -> Iterator[Ending]:
    sign_in = card.sign_in(AuthKind.OAUTH2)
    lasting = sign_in.lasting if sign_in else None
    since = hub_secret_since(card.slug)
    if lasting and lasting.lasts and since:
        what = f"{lasting.label} of this hub's app"
        do = f"Whoever runs this hub makes a new one at {card.name} and sets "
        do += f"{environment.oauth_variable(card.slug)}; no store has to be connected again."
        yield Ending(None, card.slug, what, since, since + lasting.lasts, do)
