"""What a comparison found, counted by cause: the causes in words, and the sentence a person signs.

``Report`` is what a run knows while it works. It is never changed, only replaced, so that a
transaction that has to run again counts nothing twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from integrations.models import Reconciliation, ReconciliationState

MOST_FINDINGS = 200


class Cause(StrEnum):
    """What an order, a listing or an order of the sample was counted as."""

    ORDERS_THERE = "orders_there"
    ORDERS_HERE = "orders_here"
    ORDERS_AGREE = "orders_agree"
    MISSING_READ = "missing_read"
    MISSING_PARKED = "missing_parked"
    MISSING_DISMISSED = "missing_dismissed"
    MISSING_LEFT = "missing_left"
    GONE = "gone"
    UNLISTED = "unlisted"
    UNLISTED_UNREAD = "unlisted_unread"
    UNLISTED_LEFT = "unlisted_left"
    LISTINGS = "listings"
    LISTINGS_AGREE = "listings_agree"
    LISTINGS_UNLINKED = "listings_unlinked"
    LISTINGS_UNCOUNTED = "listings_uncounted"
    LISTINGS_LEFT_ALONE = "listings_left_alone"
    LISTINGS_UNREADABLE = "listings_unreadable"
    STOCK_PUSHING = "stock_pushing"
    STOCK_SOLD = "stock_sold"
    STOCK_DRIFT = "stock_drift"
    STOCK_TAKEN = "stock_taken"
    STOCK_BLOCKED = "stock_blocked"
    STOCK_UNREAD = "stock_unread"
    CHANNELS_LOOKED = "channels_looked"
    PRODUCTS_READ = "products_read"
    SAMPLED = "sampled"
    EXACT = "exact"
    SAMPLE_READ = "sample_read"
    SAMPLE_LEFT = "sample_left"
    SAMPLE_UNREAD = "sample_unread"
    HOOKS_MENDED = "hooks_mended"


# In the order of the report. Each order listed or kept, each listing and each order of the sample
# is counted under one of its causes.
CAUSES: Mapping[Cause, str] = {
    Cause.ORDERS_THERE: "Orders the store lists",
    Cause.ORDERS_HERE: "Orders kept here",
    Cause.ORDERS_AGREE: "Orders in both",
    Cause.MISSING_READ: "Missing here: read now",
    Cause.MISSING_PARKED: "Missing here: parked, each says why",
    Cause.MISSING_DISMISSED: "Missing here: dismissed by a person",
    Cause.MISSING_LEFT: "Missing here: left for the next run",
    Cause.GONE: "Deleted at the store: marked so here",
    Cause.UNLISTED: "Not listed, but still at the store",
    Cause.UNLISTED_UNREAD: "Not listed, and the store does not show them",
    Cause.UNLISTED_LEFT: "Not listed: left for the next run",
    Cause.LISTINGS: "Listings compared",
    Cause.LISTINGS_AGREE: "Listings in step",
    Cause.LISTINGS_UNLINKED: "Not compared: linked to nothing here",
    Cause.LISTINGS_UNCOUNTED: "Not compared: the store does not count them",
    Cause.LISTINGS_LEFT_ALONE: "Not compared: left alone, never written by Logix",
    Cause.LISTINGS_UNREADABLE: "Not compared: the store shows no figure of any place here",
    Cause.STOCK_PUSHING: "Differ: Logix is writing them now",
    Cause.STOCK_SOLD: "Differ: explained by sales",
    Cause.STOCK_DRIFT: "Differ: drift, told anew",
    Cause.STOCK_TAKEN: "Differ: counted here by the store's figure",
    Cause.STOCK_BLOCKED: "Differ: cannot be written, each says why",
    Cause.STOCK_UNREAD: "Listings whose figure could not be read",
    Cause.PRODUCTS_READ: "… products read again because of that",
    Cause.CHANNELS_LOOKED: "Listings looked at in every channel",
    Cause.SAMPLED: "Orders compared part by part",
    Cause.EXACT: "Exact",
    Cause.SAMPLE_READ: "Differed: read now",
    Cause.SAMPLE_LEFT: "Differ still",
    Cause.SAMPLE_UNREAD: "Could not be read",
    Cause.HOOKS_MENDED: "Webhooks made anew or switched on again since the last comparison",
}
# Listings of the store that no figure was compared of, in a few words.
NOT_COMPARED: Mapping[Cause, str] = {
    Cause.LISTINGS_UNLINKED: "not linked",
    Cause.LISTINGS_UNCOUNTED: "not counted there",
    Cause.LISTINGS_LEFT_ALONE: "left alone",
    Cause.LISTINGS_UNREADABLE: "not readable",
}
# Differences that are mended now, and those that wait for somebody or for the next run.
HEALED = (
    Cause.MISSING_READ,
    Cause.GONE,
    Cause.STOCK_DRIFT,
    Cause.STOCK_TAKEN,
    Cause.SAMPLE_READ,
    Cause.HOOKS_MENDED,
)
OPEN = (
    Cause.MISSING_PARKED,
    Cause.MISSING_LEFT,
    Cause.UNLISTED_UNREAD,
    Cause.UNLISTED_LEFT,
    Cause.STOCK_BLOCKED,
    Cause.STOCK_UNREAD,
    Cause.SAMPLE_LEFT,
    Cause.SAMPLE_UNREAD,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One difference: which order (``external_id``) or listing (``object_id``), in a sentence, and
    whether it is mended.
    """

    cause: Cause
    sentence: str
    external_id: str = ""
    object_id: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "cause": str(self.cause),
            "sentence": self.sentence,
            "external_id": self.external_id,
            "object_id": self.object_id,
            "healed": self.cause not in OPEN,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """Counts, findings and the place to go on from."""

    phase: str
    place: Mapping[str, Any] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    findings: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def of(cls, run: Reconciliation) -> Report:
        return cls(run.phase, run.place, run.counts, tuple(run.findings))

    def count(self, cause: Cause) -> int:
        return self.counts.get(cause, 0)

    def counted(self, cause: Cause, number: int = 1) -> Report:
        if not number:
            return self
        return replace(self, counts={**self.counts, str(cause): self.count(cause) + number})

    def found(self, finding: Finding) -> Report:
        """Counted, and noted while there is room."""
        counted = self.counted(finding.cause)
        if len(self.findings) >= MOST_FINDINGS:
            return counted
        return replace(counted, findings=(*self.findings, finding.as_json()))

    def at(self, **place: Any) -> Report:
        return replace(self, place={**self.place, **place})

    def next(self, phase: str) -> Report:
        return replace(self, phase=str(phase))

    def columns(self) -> dict[str, Any]:
        return {
            "phase": self.phase,
            "place": dict(self.place),
            "counts": dict(self.counts),
            "findings": list(self.findings),
        }


def all_counts(run: Reconciliation) -> dict[str, int]:
    """Every cause, zeros included, in the order of the report."""
    return {str(cause): run.counts.get(cause, 0) for cause in CAUSES}


def healed(run: Reconciliation) -> int:
    return sum(run.counts.get(cause, 0) for cause in HEALED)


def left_open(run: Reconciliation) -> int:
    return sum(run.counts.get(cause, 0) for cause in OPEN)


def verdict(run: Reconciliation) -> str:
    """The run in a sentence. That there was no difference is said, with what was looked at."""
    if run.state == ReconciliationState.RUNNING:
        return f"Under way: {run.get_phase_display().lower()}. {run.problem}".strip()
    if run.state != ReconciliationState.COMPLETE:
        return run.problem
    looked_at = _looked_at(run)
    mended, waits = healed(run), left_open(run)
    if not mended and not waits:
        said = f"0 differences: {looked_at}."
    else:
        differ = "1 difference" if mended + waits == 1 else f"{mended + waits} differences"
        healed_words = "would be healed" if run.dry_run else "healed"
        said = f"{differ}, {mended} {healed_words}, {waits} open: {looked_at}."
    return f"{said} {run.problem}".strip()


def _looked_at(run: Reconciliation) -> str:
    counts = all_counts(run)
    return (
        f"{counts[Cause.ORDERS_THERE]} orders at the store and {counts[Cause.ORDERS_HERE]} here, "
        f"{_figures(counts)}, "
        f"{counts[Cause.EXACT]} of {counts[Cause.SAMPLED]} sampled orders exact"
    )


def _figures(counts: Mapping[str, int]) -> str:
    """What was not compared is said, so that the figures add up to the store's listings."""
    compared = counts[Cause.LISTINGS]
    left = {words: counts[cause] for cause, words in NOT_COMPARED.items() if counts[cause]}
    if not left:
        return f"{compared} stock figures"
    named = ", ".join(f"{count} {words}" for words, count in left.items())
    return f"{compared} of {compared + sum(left.values())} stock figures (not compared: {named})"
