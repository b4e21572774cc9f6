"""How stores stand by their comparisons: the newest of each, and how exact orders were found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from integrations.models import Reconciliation, ReconciliationState, Store, StreamName
from integrations.reconcile.clock import OVERDUE
from integrations.reconcile.report import Cause

# Nights that the share of exact orders is told over, and what the specification asks for.
NIGHTS = 30
WANTED_EXACT = 0.999


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Orders of the last nights that were compared part by part, and how many were exact."""

    exact: int
    sampled: int

    @property
    def share(self) -> float | None:
        """0–1; None while nothing was compared."""
        return self.exact / self.sampled if self.sampled else None

    def __str__(self) -> str:
        if not self.sampled:
            return "No order was compared yet."
        share, one = 100 * self.exact / self.sampled, 100 / self.sampled
        return (
            f"{share:.2f} % exact ({self.exact} of {self.sampled} sampled orders; one of them is "
            f"{one:.2f} %)"
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """``newest``: the last comparison that was not a dry run, under way or ended; None while there
    was none. ``accuracy``: over the last 30.
    """

    newest: Reconciliation | None
    accuracy: Accuracy

    def is_overdue(self, store: Store, now: datetime) -> bool:
        """Whether no night compared it for days, though its orders are read. No statement where its
        streams are known.
        """
        compared_at = self.newest.created_at if self.newest else store.created_at
        is_read = any(x.name == StreamName.ORDERS and x.read_through for x in store.streams.all())
        return store.is_active and store.auto_sync and is_read and now - compared_at > OVERDUE


def standing(store_id: UUID) -> Standing:
    """One statement."""
    rows = Reconciliation.objects.filter(store=store_id, dry_run=False).defer("findings", "place")
    nights = list(rows[:NIGHTS])
    counts = [run.counts for run in nights if run.state == ReconciliationState.COMPLETE]
    exact = sum(told.get(Cause.EXACT, 0) for told in counts)
    sampled = sum(told.get(Cause.SAMPLED, 0) for told in counts)
    return Standing(nights[0] if nights else None, Accuracy(exact, sampled))


def asking() -> QuerySet[Reconciliation]:
    """The newest of their stores, where it stopped to ask a person."""
    return _newest_with(ReconciliationState.STOPPED)


def failed() -> QuerySet[Reconciliation]:
    """The newest of their stores, where it failed."""
    return _newest_with(ReconciliationState.FAILED)


def _newest_with(state: str) -> QuerySet[Reconciliation]:
    later = Reconciliation.objects.filter(
        store=OuterRef("store"), dry_run=False, created_at__gt=OuterRef("created_at")
    )
    return Reconciliation.objects.filter(~Exists(later), state=state, dry_run=False)
