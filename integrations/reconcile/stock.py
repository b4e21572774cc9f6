"""Stock figures: what the store shows of every linked listing against what it showed when we last
looked, and what it should show. A difference is noted as seen and marked, so that the outbox tells
the store its figure anew; nothing is written from here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from integrations import channels, mastery, outbox, sync
from integrations.errors import NotFound
from integrations.models import Phase, Push, StreamName
from integrations.outbox import sales
from integrations.outbox.bylocation import Figures, is_shown, seen_at
from integrations.outbox.reasons import Reason
from integrations.platform import Ability
from integrations.reconcile.desk import Desk, TooMuch
from integrations.reconcile.orders import MANY, ORIGIN, SHARE
from integrations.reconcile.report import Cause, Finding, Report
from integrations.sync import kinds, reading
from inventory.data import StockResult
from inventory.models import Listing, ListingMode
from inventory.shelves import of_stores
from orders.data import Authority

BATCH = 200
MOST_PRODUCTS = 100


@dataclass(frozen=True, slots=True)
class _Shown:
    """What the store answered about one listing: its figures by location, or why there are none."""

    figures: Figures
    trouble: StockResult | None = None


@dataclass(frozen=True, slots=True)
class _Compared:
    """A listing with what was seen before, what it should show, and what became of it."""

    listing: Listing
    shown: Figures
    expected: Figures
    cause: Cause

    @property
    def is_emptied(self) -> bool:
        """Nobody can say why the store shows nothing of what it should have."""
        is_drift = self.cause in (Cause.STOCK_DRIFT, Cause.STOCK_TAKEN)
        return is_drift and not any(self.shown.values()) and any(self.expected.values())


def stock(desk: Desk) -> None:
    """Compare the next listings. Those that show an unexplained 0 wait until all were looked at."""
    rows = _compared(desk)
    is_readable = desk.adapter.can(Ability.STOCK_READ) and bool(_shelves(desk))
    if "listings" not in desk.report.place:
        desk.keep(_left_out(desk, is_readable=is_readable))
    if not is_readable:
        desk.keep(desk.report.next(Phase.DONE))
        return
    after = desk.report.place.get("after")
    batch = list((rows.filter(pk__gt=after) if after else rows).order_by("pk")[:BATCH])
    if not batch:
        desk.keep(desk.report.next(Phase.ZEROS))
        return
    asked_at, shown = _read(desk, batch)

    def note(report: Report) -> Report:
        return _note(desk, report.at(after=str(batch[-1].pk)), shown, asked_at, waits_at_0=True)

    desk.write(note)
    _brake(desk)


def zeros(desk: Desk) -> None:
    """Listings that showed a 0 nobody can explain, looked at again."""
    waiting = desk.place("zeros")
    if not waiting:
        has_channels = bool(channels.all_of(desk.store))
        desk.keep(desk.report.next(Phase.CHANNELS if has_channels else Phase.PRODUCTS))
        return
    batch = list(_compared(desk).filter(pk__in=waiting[:BATCH]))
    asked_at, shown = _read(desk, batch)

    def note(report: Report) -> Report:
        rest = report.at(zeros=waiting[BATCH:])
        return _note(desk, rest, shown, asked_at, waits_at_0=False)

    desk.write(note)


def products(desk: Desk) -> None:
    """Read one product again whose figure could not be had: it may be gone, or not counted any
    more.
    """
    waiting = desk.place("products")
    if not waiting:
        desk.keep(desk.report.next(Phase.DONE))
        return
    external_id, *rest = waiting
    kind = kinds.of(StreamName.PRODUCTS)
    desk.renew()
    asked_at = timezone.now()
    found = None
    is_gone = False
    try:
        found = kind.read_one(desk.adapter, external_id)
    except NotFound:
        is_gone = True
    except reading.ONLY_THIS:
        pass  # its figure is counted as unread, which says that somebody has to look

    def apply(report: Report) -> Report:
        if is_gone:
            kind.gone(desk.store, external_id, asked_at)
        elif found is not None:
            kind.apply(desk.store, [found], Authority.BY_ID, asked_at, ORIGIN)
        return report.counted(Cause.PRODUCTS_READ).at(products=rest)

    desk.write(apply)


def _compared(desk: Desk) -> QuerySet[Listing]:
    """Those that are linked, that the store counts, and that Logix minds."""
    rows = Listing.objects.filter(
        store=desk.store, gone_at=None, variant__isnull=False, seen_quantity__isnull=False
    )
    return rows.exclude(mode=ListingMode.IGNORE)


def _left_out(desk: Desk, *, is_readable: bool) -> Report:
    """How many listings are to be compared, and why each of the others is not: counted under the
    first reason that holds.
    """
    linked, counted = Q(variant__isnull=False), Q(seen_quantity__isnull=False)
    minded = ~Q(mode=ListingMode.IGNORE)
    found = Listing.objects.filter(store=desk.store, gone_at=None).aggregate(
        unlinked=Count("pk", filter=~linked),
        uncounted=Count("pk", filter=linked & ~counted),
        left_alone=Count("pk", filter=linked & counted & ~minded),
        compared=Count("pk", filter=linked & counted & minded),
    )
    report = (
        desk.report.at(listings=found["compared"])
        .counted(Cause.LISTINGS_UNLINKED, found["unlinked"])
        .counted(Cause.LISTINGS_UNCOUNTED, found["uncounted"])
        .counted(Cause.LISTINGS_LEFT_ALONE, found["left_alone"])
    )
    return report if is_readable else report.counted(Cause.LISTINGS_UNREADABLE, found["compared"])


def _shelves(desk: Desk) -> list[str]:
    return [shelf.at for shelf in of_stores([desk.store.pk])[desk.store.pk]]


def _read(desk: Desk, batch: Sequence[Listing]) -> tuple[datetime, dict[UUID, _Shown]]:
    places = _shelves(desk)
    asked = [(x, at) for x in batch for at in places]
    desk.renew()
    asked_at = timezone.now()
    answers = desk.adapter.read_stock([outbox.stock_update(x, at, 0) for x, at in asked])
    figures: dict[UUID, dict[str, int]] = defaultdict(dict)
    trouble: dict[UUID, StockResult] = {}
    for (listing, at), answer in zip(asked, answers, strict=True):
        if answer.ok and answer.observed is not None:
            figures[listing.pk][at] = answer.observed
        else:
            trouble[listing.pk] = answer
    return asked_at, {x.pk: _Shown(figures[x.pk], trouble.get(x.pk)) for x in batch}


def _note(
    desk: Desk,
    report: Report,
    shown: Mapping[UUID, _Shown],
    asked_at: datetime,
    *,
    waits_at_0: bool,
) -> Report:
    compared = _compared(desk).filter(pk__in=shown).select_related("push", "store")
    rows = list(compared.order_by("pk"))
    readable = [x for x in rows if shown[x.pk].trouble is None]
    for listing in rows:
        if trouble := shown[listing.pk].trouble:
            report = _unread(report, listing, trouble)
    found = _causes(desk, readable, shown, asked_at)
    if waits_at_0 and not desk.run.go_on:
        emptied = [str(x.listing.pk) for x in found if x.is_emptied]
        found = [x for x in found if not x.is_emptied]
        report = report.at(zeros=[*report.place.get("zeros", ()), *emptied])
    differing = {x.listing.pk: x.shown for x in found if x.cause is not Cause.LISTINGS_AGREE}
    if desk.store.is_stock_master:
        # A figure that counts is good for the time it was last read at, also when it is the same.
        outbox.note_seen({x.listing.pk: x.shown for x in found}, asked_at)
    elif differing:
        outbox.note_seen(differing, asked_at)
    if differing:
        outbox.note_store_figures(differing)
    found = _counted_by_store(desk, found)
    for one in found:
        report = report.counted(Cause.LISTINGS)
        if one.cause in (Cause.STOCK_DRIFT, Cause.STOCK_TAKEN, Cause.STOCK_BLOCKED):
            report = report.found(_finding(desk, one))
        else:
            report = report.counted(one.cause)
    return report


def _causes(
    desk: Desk, rows: Sequence[Listing], shown: Mapping[UUID, _Shown], asked_at: datetime
) -> list[_Compared]:
    """Why each differs, if it does. Of a store that is not written to only what was seen counts."""
    targets = outbox.targets(rows) if desk.store.writes_enabled and rows else {}
    counted_there = mastery.mastered(rows)
    told = [(x, x.seen_at) for x in rows if x.seen_at is not None]
    moved = sales.since(told)
    done = []
    for listing in rows:
        sold = moved.get(listing.pk, sales.Moved()).taken
        before, now = seen_at(listing), shown[listing.pk].figures
        target = targets.get(listing.pk)
        wanted: Figures = {}
        if target is not None and target.value is not None:
            wanted = target.told
        push = getattr(listing, "push", None)
        is_seen = is_shown(now, {**dict.fromkeys(now, 0), **before})
        looked_meanwhile = listing.seen_at is not None and listing.seen_at > asked_at
        if looked_meanwhile or (is_seen and is_shown(wanted, now)):
            cause = Cause.LISTINGS_AGREE
        elif push is not None and push.state in Push.UNSENT:
            cause = Cause.STOCK_PUSHING
        elif not is_seen and 0 < _sum(before) - _sum(now) == sold:
            cause = Cause.STOCK_SOLD
        elif listing.pk in counted_there:
            cause = Cause.STOCK_TAKEN
        elif _is_blocked(push):
            cause = Cause.STOCK_BLOCKED
        else:
            cause = Cause.STOCK_DRIFT
        done.append(_Compared(listing, now, wanted or before, cause))
    return done


def _counted_by_store(desk: Desk, found: list[_Compared]) -> list[_Compared]:
    """Where the store counts its stock, all figures are weighed against what is counted here, also
    those that are what they were. A 0 that came this far was read twice, or somebody believes it.
    """
    if not desk.store.is_stock_master:
        return found
    sure = {one.listing.pk for one in found if one.is_emptied}
    done = sync.take_figures([one.listing.pk for one in found], origin=ORIGIN, confirmed=sure)
    return [
        replace(one, cause=Cause.STOCK_TAKEN) if one.listing.pk in done.changed else one
        for one in found
    ]


def _is_blocked(push: Push | None) -> bool:
    """Writing that is off keeps a figure from going out, and is nobody's mistake."""
    return (
        push is not None
        and push.state == Push.State.BLOCKED
        and push.problem_code != Reason.WRITES_OFF
    )


def _sum(figures: Figures) -> int:
    return sum(figures.values())


def _finding(desk: Desk, one: _Compared) -> Finding:
    shows = f"{one.listing} shows {_sum(one.shown)} where {_sum(one.expected)} was expected"
    if one.cause is Cause.STOCK_TAKEN:
        told = "and is counted here by what it shows."
    elif one.cause is Cause.STOCK_BLOCKED:
        told = f"and cannot be written: {one.listing.push.problem}"
    elif desk.store.writes_enabled:
        told = "and is told its figure again."
    else:
        told = "and was noted; writing to this store is off."
    sentence = f"{shows}, {told}"
    return Finding(cause=one.cause, sentence=sentence, object_id=str(one.listing.pk))


def _unread(report: Report, listing: Listing, trouble: StockResult) -> Report:
    """Its product is read again, which says what became of it."""
    sentence = f"The figure of {listing} could not be read. {trouble.error}"
    finding = Finding(cause=Cause.STOCK_UNREAD, sentence=sentence, object_id=str(listing.pk))
    report = report.counted(Cause.LISTINGS).found(finding)
    return to_read(report, [listing.external_product_id])


def to_read(report: Report, external_ids: Sequence[str]) -> Report:
    """With these products among those that are read again, as far as there is room."""
    waiting = dict.fromkeys([*report.place.get("products", ()), *external_ids])
    return report.at(products=list(waiting)[:MOST_PRODUCTS])


def _brake(desk: Desk) -> None:
    """Raises TooMuch."""
    emptied, of = len(desk.place("zeros")), desk.report.place["listings"]
    if desk.run.go_on or emptied <= MANY or emptied <= SHARE * of:
        return
    raise TooMuch(
        f"{emptied} of {of} listings of {desk.store} show 0, and no sale explains it. None of "
        "these figures was taken over or told anew. Look at the store's stock; then let the "
        "comparison go on, and Logix tells the store its figures again."
    )
