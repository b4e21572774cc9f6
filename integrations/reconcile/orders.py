"""Orders: the store's own list of ids against what is kept here, some days at a time. What is
missing here is read by id; what the store does not list is asked for by id, and believed deleted
where it is not found either.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from integrations import channels, sync
from integrations.base import Filters, ReadBy, Unreadable
from integrations.errors import NotFound
from integrations.models import ParkedRecord, Phase, StreamName
from integrations.platform import Ability
from integrations.reconcile.desk import Desk, TooMuch
from integrations.reconcile.report import Cause, Finding, Report
from integrations.sync import reading
from orders.data import Authority, OrderData
from orders.models import Order
from orders.status import UNFINISHED

DAY = timedelta(days=1)
# Orders asked for by id in one run. A store that lost more has other troubles.
MOST_READS = 500
# More than so many, and more than this share of what is here, are not marked unasked.
MANY, SHARE = 50, 0.2
# A list of so few ids is one page of any store.
FEW, MOST_DAYS_AT_ONCE = 100, 32
_CHUNK = 5_000
_LEASE_EVERY = 100
ORIGIN = "reconcile"


def lists(desk: Desk) -> None:
    """Compare the ids of the next days: of more at a time where a store sells little."""
    if not desk.adapter.can(Ability.ORDER_IDS_IN_WINDOW):
        desk.keep(desk.report.next(Phase.SAMPLE))
        return
    since = _day(desk)
    if since >= desk.run.window_to:
        desk.keep(desk.report.next(Phase.MISSING))
        return
    days = desk.report.place.get("days", 1)
    until = min(since + days * DAY, desk.run.window_to)
    window = Filters(by=ReadBy.PLACED, since=since, until=until)
    there = _listed(desk, window)
    here = _kept(desk).filter(placed_at__gte=since, placed_at__lt=until)
    apart = _of_closed_channels(desk, here)
    ids_here = set(here.values_list("external_id", flat=True)) - apart.keys()
    # An order that is here with another time is not missing.
    missing = there - _here(desk, there)
    hidden = bool(desk.adapter.withheld(window))
    unlisted = set() if hidden else ids_here - there
    report = (
        desk.report.counted(Cause.ORDERS_THERE, len(there))
        .counted(Cause.ORDERS_HERE, len(ids_here))
        .counted(Cause.ORDERS_AGREE, len(there) - len(missing))
    )
    report, waiting = _without_parked(desk, report, missing)
    report = _put(report, "missing", waiting, Cause.MISSING_LEFT)
    report = _put(report, "unlisted", sorted(unlisted), Cause.UNLISTED_LEFT)
    open_still = sorted(x for x, status in apart.items() if status in UNFINISHED)
    report = _put(report, "unlisted", open_still[: _room(report)], Cause.UNLISTED_LEFT)
    desk.keep(report.at(day=until.isoformat(), days=_pace(days, len(there))))


def missing(desk: Desk) -> None:
    """Read one order that the store lists and that is not here."""
    waiting = desk.place("missing")
    if not waiting:
        desk.keep(desk.report.next(Phase.UNLISTED))
        return
    external_id, *rest = waiting
    asked_at, found = _ask(desk, external_id)

    def apply(report: Report) -> Report:
        reason = ""
        if isinstance(found, Unreadable):
            sync.park(desk.store, stream=StreamName.ORDERS, unreadable=found)
            reason = found.reason
        else:
            done = apply_one(desk, found, asked_at)
            if not done.parked and not done.created and not done.changed:
                # Somebody was faster.
                return report.counted(Cause.ORDERS_AGREE).at(missing=rest)
            if done.parked:
                reason = "It could not be stored."
        if reason:
            sentence = f"Order {external_id} was missing here and is parked. {reason}"
            finding = Finding(
                cause=Cause.MISSING_PARKED, sentence=sentence, external_id=external_id
            )
        else:
            sentence = f"Order {external_id} was missing here and was read."
            finding = Finding(cause=Cause.MISSING_READ, sentence=sentence, external_id=external_id)
        return report.found(finding).at(missing=rest)

    desk.write(apply)


def unlisted(desk: Desk) -> None:
    """Ask for one order that is here and that the store does not list. What is deleted there is
    kept aside until all were asked for.
    """
    waiting = desk.place("unlisted")
    if not waiting:
        _brake(desk)
        desk.keep(desk.report.next(Phase.GONE))
        return
    external_id, *rest = waiting
    asked_at, found = _ask(desk, external_id)
    if _is_gone(found):
        gone = [*desk.place("gone"), external_id]
        desk.keep(desk.report.at(unlisted=rest, gone=gone))
        return
    desk.write(lambda report: _still_there(desk, report, found, asked_at).at(unlisted=rest))


def gone(desk: Desk) -> None:
    """Mark one order that the store deleted, if it still says so."""
    waiting = desk.place("gone")
    if not waiting:
        desk.keep(desk.report.next(Phase.SAMPLE))
        return
    external_id, *rest = waiting
    asked_at, found = _ask(desk, external_id)

    def mark(report: Report) -> Report:
        if not _is_gone(found):
            return _still_there(desk, report, found, asked_at).at(gone=rest)
        if isinstance(found, Unreadable):
            sync.mark_gone(desk.store, external_id, actor="platform")
        else:
            apply_one(desk, found, asked_at)
        sentence = f"Order {external_id} was deleted at the store; it is kept here for review."
        finding = Finding(cause=Cause.GONE, sentence=sentence, external_id=external_id)
        return report.found(finding).at(gone=rest, marked=[*desk.place("marked"), external_id])

    desk.write(mark)


def apply_one(desk: Desk, found: OrderData, asked_at: datetime) -> sync.Applied:
    """Through the one door, as the store's present word."""
    return sync.apply_orders(
        desk.store, [found], authority=Authority.BY_ID, observed_at=asked_at, origin=ORIGIN
    )


def _still_there(
    desk: Desk, report: Report, found: OrderData | Unreadable, asked_at: datetime
) -> Report:
    """The order is at the store, listed or not: what it says of it counts."""
    if isinstance(found, Unreadable):
        sentence = f"The store does not list order {found.external_id}, and says: {found.reason}"
        return report.found(
            Finding(cause=Cause.UNLISTED_UNREAD, sentence=sentence, external_id=found.external_id)
        )
    apply_one(desk, found, asked_at)
    return report.counted(Cause.UNLISTED)


def _brake(desk: Desk) -> None:
    """Raises TooMuch. Those that were not asked for count as deleted."""
    deleted = len(desk.place("gone")) + desk.report.count(Cause.UNLISTED_LEFT)
    here = desk.report.count(Cause.ORDERS_HERE)
    if desk.run.go_on or deleted <= MANY or deleted <= SHARE * here:
        return
    raise TooMuch(
        f"{deleted} of {here} orders of these days are not at {desk.store} any more. Nothing was "
        "marked. If they were deleted on purpose, let the comparison go on; if not, have the "
        "store put back what it lost first."
    )


def _ask(desk: Desk, external_id: str) -> tuple[datetime, OrderData | Unreadable]:
    desk.renew()
    return timezone.now(), reading.by_id(desk.adapter, external_id)


def _is_gone(found: OrderData | Unreadable) -> bool:
    if isinstance(found, Unreadable):
        return found.code == NotFound.code
    return found.gone


def _day(desk: Desk) -> datetime:
    told = desk.report.place.get("day")
    return datetime.fromisoformat(told).astimezone(UTC) if told else desk.run.window_from


def _pace(days: int, listed: int) -> int:
    """Days to list at once after so many held so many orders."""
    if listed < FEW:
        return min(2 * days, MOST_DAYS_AT_ONCE)
    return max(1, days // 2) if listed > 10 * FEW else days


def _listed(desk: Desk, window: Filters) -> set[str]:
    there: set[str] = set()
    for number, external_id in enumerate(desk.adapter.order_ids(window)):
        there.add(external_id)
        if number % _LEASE_EVERY == 0:
            desk.renew()
    return there


def _kept(desk: Desk) -> Any:
    return Order.objects.filter(merchant=desk.store.merchant_id, store=desk.store, gone_at=None)


def _here(desk: Desk, ids: Iterable[str]) -> set[str]:
    ordered, found = sorted(ids), set()
    for start in range(0, len(ordered), _CHUNK):
        part = _kept(desk).filter(external_id__in=ordered[start : start + _CHUNK])
        found.update(part.values_list("external_id", flat=True))
    return found


def _without_parked(desk: Desk, report: Report, missing: set[str]) -> tuple[Report, list[str]]:
    """Those that stand parked, or that a person dismissed, are known to be missing: they have their
    own tries.
    """
    rows = ParkedRecord.objects.filter(
        store=desk.store, stream=StreamName.ORDERS, external_id__in=missing
    ).exclude(state=ParkedRecord.State.RESOLVED)
    aside = {row.external_id: row for row in rows.defer("raw_sealed")}
    for external_id, row in sorted(aside.items()):
        if row.state == ParkedRecord.State.DISMISSED:
            report = report.counted(Cause.MISSING_DISMISSED)
            continue
        sentence = f"Order {external_id} is missing here: it is parked. {row.reason}"
        report = report.found(
            Finding(cause=Cause.MISSING_PARKED, sentence=sentence, external_id=external_id)
        )
    return report, sorted(missing - set(aside))


def _of_closed_channels(desk: Desk, here: Any) -> dict[str, str]:
    """Orders that are here and that the store is no longer asked to list, with their statuses: they
    go on, so each that is open is asked for by id.
    """
    closed = channels.orders_of(desk.store, channels.off(desk.store))
    return dict((here & closed).values_list("external_id", "order_status"))


def _put(report: Report, name: str, ids: list[str], left: Cause) -> Report:
    """Into what is to be asked for, as far as there is room in this run."""
    room = _room(report)
    report = report.counted(left, max(0, len(ids) - room))
    return report.at(**{name: [*report.place.get(name, ()), *ids[:room]]})


def _room(report: Report) -> int:
    waiting = sum(len(report.place.get(name, ())) for name in ("missing", "unlisted"))
    return max(0, MOST_READS - waiting)
