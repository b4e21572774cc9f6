"""How true the stored orders are: a sample of them, read by id and compared part by part."""

from __future__ import annotations

from datetime import UTC
from random import Random
from uuid import UUID

from django.utils import timezone

from integrations.base import Filters, ReadBy, Unreadable
from integrations.errors import NotFound
from integrations.models import Phase, StreamName
from integrations.platform import Ability
from integrations.reconcile.desk import Desk
from integrations.reconcile.orders import apply_one
from integrations.reconcile.report import Cause, Finding, Report
from integrations.sync import reading
from integrations.sync.inbound import Inbound
from orders import apart
from orders.comparing import differing
from orders.data import OrderData
from orders.models import Order

# Thirty nights make 3,000, of which 99.9 % can be told: three may differ. One order takes one to
# three calls, behind all that is more urgent, so that even a store that gives one call a second is
# through in five minutes. A store with fewer orders in the window has all of them compared.
SAMPLE = 100


def sample(desk: Desk) -> None:
    """Compare one order of the sample, which is chosen first."""
    if not desk.adapter.can(Ability.ORDER_BY_ID):
        desk.keep(desk.report.next(Phase.STOCK))
        return
    if "sample" not in desk.report.place:
        desk.keep(desk.report.at(sample=_chosen(desk)))
    waiting = desk.place("sample")
    if not waiting:
        desk.keep(desk.report.next(Phase.STOCK))
        return
    pk, *rest = waiting
    order = Order.objects.filter(merchant=desk.store.merchant_id, pk=UUID(pk), gone_at=None).first()
    if order is None:
        desk.keep(desk.report.at(sample=rest))
        return
    desk.renew()
    asked_at = timezone.now()
    found = reading.by_id(desk.adapter, order.external_id)

    def compare(report: Report) -> Report:
        report = report.at(sample=rest)
        if isinstance(found, Unreadable):
            return _unread(report, order, found)
        if found.changed_at > desk.run.window_to:
            # It was changed a moment ago, and its news may be on the way.
            return report
        parts = _differing(desk, found, order)
        report = report.counted(Cause.SAMPLED)
        if not parts:
            return report.counted(Cause.EXACT)
        done = apply_one(desk, found, asked_at)
        healed = bool(done.changed)
        then = "it was read now." if healed else "that could not be mended: read the order again."
        cause = Cause.SAMPLE_READ if healed else Cause.SAMPLE_LEFT
        sentence = f"Order {order} differed ({', '.join(parts)}); {then}"
        return report.found(_finding(cause, sentence, order))

    desk.write(compare)


def _chosen(desk: Desk) -> list[str]:
    """By chance, the same for all runs of a day. Orders that came while the run was under way
    would only prove themselves.
    """
    rows = Order.objects.filter(
        merchant=desk.store.merchant_id,
        store=desk.store,
        placed_at__gte=desk.run.window_from,
        placed_at__lt=desk.run.window_to,
        imported_at__lt=desk.run.created_at,
        gone_at=None,
        erased_at=None,
    ).exclude(external_id__in=[*desk.place("gone"), *desk.place("marked")])
    all_pks = list(rows.order_by("pk").values_list("pk", flat=True))
    day = desk.run.window_to.astimezone(UTC).date()
    chosen = Random(f"{desk.store.pk}:{day}").sample(all_pks, min(SAMPLE, len(all_pks)))  # noqa: S311 - no secret
    placed = Order.objects.filter(pk__in=chosen).values_list("pk", "placed_at")
    shown = {pk for pk, at in placed if not desk.adapter.withheld(_placed_at(at))}
    return [str(pk) for pk in chosen if pk in shown]


def _placed_at(at: object) -> Filters:
    return Filters(by=ReadBy.PLACED, since=at)  # type: ignore[arg-type]


def _differing(desk: Desk, found: OrderData, order: Order) -> tuple[str, ...]:
    mapped, failed = Inbound.of(desk.store, StreamName.ORDERS).apply([found])
    if failed:
        return ("a field rule that fails",)
    (whole,), _ = apart.completed(desk.store, mapped)
    return differing(whole, order)


def _unread(report: Report, order: Order, found: Unreadable) -> Report:
    """One that was deleted since the lists were compared is for the next run."""
    if found.code == NotFound.code:
        return report
    sentence = f"Order {order} could not be read again. {found.reason}"
    return report.counted(Cause.SAMPLED).found(_finding(Cause.SAMPLE_UNREAD, sentence, order))


def _finding(cause: Cause, sentence: str, order: Order) -> Finding:
    return Finding(
        cause=cause,
        sentence=sentence,
        external_id=order.external_id,
        object_id=str(order.pk),
    )
