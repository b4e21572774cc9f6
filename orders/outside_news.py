"""What the store that sends an order of another one says of it: taken, refused, on its way, left,
called off. Told twice, or late, it comes to the same.

What has left there becomes a parcel of the order, of which the order's own store is told as of any
other; no stock of ours moves. Units go back to those that are sent from here only when it is sure
that they will not leave there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from logix.common import bulk
from orders.changing import change, lines_of, note, settle_stock
from orders.data_outside import OutsideNews, OutsideParcel, Progress
from orders.models import Order, OutsideFulfillment, OutsideLine, Shipment
from orders.outside import State, end, lock, start_calling_off, write_lines
from orders.shipping import correct_tracking, dispatch
from orders.status import Flag

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# How long after each look the next one follows; then every half day, until nobody expects anything.
_RHYTHM = (
    _MINUTE, 5 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE, _HOUR, _HOUR, 2 * _HOUR, 2 * _HOUR,
    3 * _HOUR, 3 * _HOUR, 6 * _HOUR, 6 * _HOUR,
)  # fmt: skip
_SLOWEST = 12 * _HOUR
_GIVEN_UP_AFTER = 45 * _DAY
# How long after it was called off unseen one may still turn up at the store.
_MAY_TURN_UP = 20 * _MINUTE
_OPEN = frozenset({Progress.ACCEPTED, Progress.SENDING})
_STATES = {
    Progress.ACCEPTED: State.ACCEPTED,
    Progress.SENDING: State.SENDING,
    Progress.SENT: State.SENT,
    Progress.PARTLY_SENT: State.PARTLY_SENT,
    Progress.REFUSED: State.REFUSED,
    Progress.CANCELLED: State.CANCELLED,
}
_TOO_LATE = (
    "The order was cancelled at its own store, and {store} sends it all the same: {why} Have the "
    "parcel stopped there, or expect it back as a return."
)


def next_look(looks: int, created_at: datetime, now: datetime) -> datetime | None:
    """When to look again after so many looks; None: nobody expects anything any more."""
    if now - created_at > _GIVEN_UP_AFTER:
        return None
    return now + (_RHYTHM[looks] if looks < len(_RHYTHM) else _SLOWEST)


def taken(pk: UUID, *, actor: str = "") -> None:
    """The store has it. Twice is once."""

    def take(order: Order, found: OutsideFulfillment) -> None:
        if found.state == State.REQUESTED:
            found.state, found.problem = State.ACCEPTED, ""
            found.save(update_fields=["state", "problem"])
        if found.is_open and found.next_look_at is None:
            found.next_look_at = timezone.now() + _RHYTHM[0]
            found.save(update_fields=["next_look_at"])

    _change(pk, take)


def held_up(pk: UUID, problem: str) -> None:
    """The store was not told yet, and why."""
    OutsideFulfillment.objects.open().filter(pk=pk).update(problem=problem)


def refused(pk: UUID, problem: str, *, actor: str = "") -> None:
    """The store refused it, and nothing of it is there."""

    def refuse(order: Order, found: OutsideFulfillment) -> None:
        if found.state == State.CANCELLING:
            _end_called_off(order, found, actor)
        elif found.state == State.REQUESTED:
            end(order, found, State.REFUSED, problem=problem, actor=actor)

    _change(pk, refuse)


def given_up(pk: UUID, *, was_sent: bool, actor: str) -> None:
    """A person gave the request up. One that may have reached the store is called off there."""

    def give_up(order: Order, found: OutsideFulfillment) -> None:
        if found.state != State.REQUESTED:
            return
        if was_sent:
            start_calling_off(order, found, why="the request was dropped", actor=actor)
        else:
            end(order, found, State.CANCELLED, actor=actor)

    _change(pk, give_up)


def called_off(pk: UUID, *, actor: str = "") -> None:
    """Nothing of it will leave. It is looked for once more: where an answer was lost, what was not
    there may still turn up.
    """

    def end_it(order: Order, found: OutsideFulfillment) -> None:
        if found.is_open:
            _end_called_off(order, found, actor)

    _change(pk, end_it)


def not_called_off(pk: UUID, problem: str, *, actor: str = "") -> None:
    """It goes on: the store said that it is too late, or a person dropped the wish. Where nobody
    wants the goods any more, people have to see to it.
    """

    def go_on(order: Order, found: OutsideFulfillment) -> None:
        if found.state != State.CANCELLING:
            return
        found.state, found.problem = State.SENDING, problem
        found.next_look_at = timezone.now()
        found.save(update_fields=["state", "problem", "next_look_at"])
        words = f"{found.store} sends {found} all the same: {problem}"
        if order.is_cancelled or order.gone_at:
            _flag(order)
            words = _TOO_LATE.format(store=found.store, why=problem)
        note(order, "attention", words, actor, data={"reference": found.reference})

    _change(pk, go_on)


def hear(pk: UUID, news: OutsideNews, *, now: datetime) -> None:
    """The store says how far it is."""

    def take_over(order: Order, found: OutsideFulfillment) -> None:
        was_over = not found.is_open
        if was_over and not _turned_up(order, found, news):
            return
        found.raw_status = news.raw_status[:40]
        rows = {row.key: row for row in found.lines.select_related("line")}
        for parcel in news.parcels:
            _parcel(order, found, rows, parcel, now)
        _go_on(order, found, rows, news, now)

    _change(pk, take_over)


def unseen(pk: UUID, problem: str, *, now: datetime) -> None:
    """The store could not be asked, or does not show it."""

    def wait(order: Order, found: OutsideFulfillment) -> None:
        if found.is_open:
            found.problem = problem
        _looked(order, found, now)

    _change(pk, wait)


def _change(pk: UUID, work: Callable[[Order, OutsideFulfillment], None]) -> None:
    order = OutsideFulfillment.objects.select_related("order").get(pk=pk).order
    change(order, lambda fresh: work(fresh, lock(pk)))


def _end_called_off(order: Order, found: OutsideFulfillment, actor: str) -> None:
    end(order, found, State.CANCELLED, actor=actor)
    found.next_look_at = timezone.now() + _MAY_TURN_UP
    found.save(update_fields=["next_look_at"])


def _turned_up(order: Order, found: OutsideFulfillment, news: OutsideNews) -> bool:
    """Whether one that was called off before the store showed it is there after all. Its units are
    not ours to send, then, and it is called off once more.
    """
    found.next_look_at = None
    found.save(update_fields=["next_look_at"])
    if found.state != State.CANCELLED or news.progress in (Progress.CANCELLED, Progress.REFUSED):
        return False
    lines = {row.line_id: row.line for row in found.lines.select_related("line")}
    for row in found.lines.all():
        lines[row.line_id].outside_quantity += row.quantity - row.sent
    write_lines(lines.values())
    settle_stock(order, lines_of(order), actor="system")
    found.state, found.ended_at = State.ACCEPTED, None
    found.save(update_fields=["state", "ended_at"])
    words = f"{found.store} has {found} after all, which was believed to be called off"
    note(order, "attention", words, "system", data={"reference": found.reference})
    if news.progress in _OPEN:
        start_calling_off(order, found, why="it was called off before", actor="system")
    return True


def _parcel(
    order: Order,
    found: OutsideFulfillment,
    rows: Mapping[str, OutsideLine],
    told: OutsideParcel,
    now: datetime,
) -> None:
    """Make it a parcel of the order; of one that is known, follow its tracking."""
    reference = f"{found.reference}-{told.external_id}"[:64]
    known = order.shipments.filter(reference=reference).first()
    if known is not None:
        known.order = order
        correct_tracking(
            order,
            known,
            carrier=told.carrier,
            tracking_number=told.tracking_number,
            actor="system",
        )
        return
    units: dict[UUID, int] = defaultdict(int)
    for key, count in told.units:
        row = rows.get(key)
        taken_now = min(count, row.quantity - row.sent) if row else 0
        if row and taken_now:
            row.sent += taken_now
            units[row.line_id] += taken_now
    if not units:
        return
    bulk.update(OutsideLine, [{"id": row.pk, "sent": row.sent} for row in rows.values()])
    by_id = {line.pk: line for line in order.lines.with_items()}
    for pk, count in units.items():
        by_id[pk].outside_quantity = max(0, by_id[pk].outside_quantity - count)
        by_id[pk].outside_shipped += count
    write_lines(by_id[pk] for pk in units)
    dispatch(
        order,
        by_id,
        units,
        by=str(found.store),
        actor="system",
        reference=reference,
        origin=Shipment.Origin.OTHER,
        carrier=told.carrier[:80],
        tracking_number=told.tracking_number[:120],
        shipped_at=told.shipped_at or now,
    )
    if order.is_cancelled or order.gone_at:
        _flag(order)


def _flag(order: Order) -> None:
    """Its own store does not want it any more, and the goods have left, or will."""
    order.flags = ",".join(sorted(order.flag_set | {Flag.CANCEL_REQUESTED}))
    order.save(update_fields=["flags"])


def _go_on(
    order: Order,
    found: OutsideFulfillment,
    rows: Mapping[str, OutsideLine],
    news: OutsideNews,
    now: datetime,
) -> None:
    if news.progress in _OPEN:
        if found.state != State.CANCELLING:
            found.state, found.problem = _STATES[news.progress], ""
        _looked(order, found, now)
        return
    if news.progress in (Progress.SENT, Progress.PARTLY_SENT):
        lost = dict(news.lost)
        rest = tuple(
            (key, row.quantity - row.sent - min(row.quantity - row.sent, lost.get(key, 0)))
            for key, row in rows.items()
        )
        # What is said to have left, and stands in no parcel, has left all the same.
        _parcel(order, found, rows, OutsideParcel(external_id="rest", units=rest), now)
    end(order, found, _STATES[news.progress], problem=news.reason, actor="system")


def _looked(order: Order, found: OutsideFulfillment, now: datetime) -> None:
    found.looks += 1
    found.next_look_at = next_look(found.looks, found.created_at, now) if found.is_open else None
    if found.is_open and found.next_look_at is None:
        found.problem = (
            f"{found.store} has not said for {_GIVEN_UP_AFTER.days} days that it was sent. Look "
            "there, and call it off here if it will not be."
        )
        note(order, "attention", found.problem, "system", data={"reference": found.reference})
    found.save(update_fields=["state", "problem", "raw_status", "looks", "next_look_at"])
