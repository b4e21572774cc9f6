"""Checks of the work: do worker and clock live, what waits too long, which store needs someone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.db import models
from django.db.models import Count, Min, Q
from django.utils import timezone

from integrations import authentication, metrics, privacy, reconcile, registry, upkeep
from integrations.management.findings import Check, Finding, bad, in_words, ok, warn
from integrations.models import (
    Endpoint,
    Heartbeat,
    ParkedRecord,
    Push,
    ScheduleSlot,
    Store,
    StoreBreaker,
    StoreStatus,
    Stream,
)
from inventory.models import StockMovement

YOUNG = timedelta(seconds=60)
WAITS_TOO_LONG = timedelta(minutes=2)
_SKEW_MS = 60_000
_QUEUES = {
    "push": "stock pushes",
    "command": "commands to stores",
    "stream": "store readings",
    "backfill": "back-fills",
}
_MOST_NAMED = 20
_UNTRUE = (
    "Something other than Logix wrote to its tables. Find out what, and put back what it changed; "
    "a backup shows what was there. manage.py verify_stock lists all that differs."
)
_START = (
    "Start it: `celery -A logix worker --queues live,push,bulk,admin` and `celery -A logix beat` "
    "(`make run` starts both on one machine)."
)


def worker() -> Iterator[Finding]:
    """The clock rings, and a worker answers with a heartbeat."""
    now = timezone.now()
    last = Heartbeat.objects.filter(kind="worker").order_by("-at").first()
    if last is None or now - last.at > YOUNG:
        ago = "never" if last is None else f"{in_words(now - last.at)} ago"
        yield bad("worker", f"The last sign of life of a worker was {ago}.", _START)
    else:
        young = Heartbeat.objects.filter(kind="worker", at__gt=now - YOUNG).count()
        yield ok("worker", f"{young} alive, the last sign {in_words(now - last.at)} ago.")


def clock_ticks() -> Iterator[Finding]:
    """Ticks are noted by the worker that answers them, so a dead worker looks like a dead clock."""
    now = timezone.now()
    last = ScheduleSlot.objects.filter(job="tick").order_by("-slot").first()
    if last is None or now - last.slot > YOUNG:
        ago = "never" if last is None else f"{in_words(now - last.slot)} ago"
        yield bad("clock ticks", f"The clock last rang {ago}, so nothing is polled.", _START)
    else:
        yield ok("clock ticks", f"The last was {in_words(now - last.slot)} ago.")


def waiting() -> Iterator[Finding]:
    """The oldest of everything that should have been done by now."""
    now = timezone.now()
    delivery = Store.objects.live().aggregate(
        at=Min("deliveries__next_at", filter=Q(deliveries__state="new"))
    )["at"]
    yield _waited("webhook deliveries", now - delivery if delivery else timedelta())
    for queue, _count, age_s in metrics.queues(now):
        yield _waited(_QUEUES[queue], timedelta(seconds=age_s))


def _waited(what: str, age: timedelta) -> Finding:
    if age < WAITS_TOO_LONG:
        return ok("waiting", f"No {what} wait too long.")
    return bad(
        "waiting",
        f"The oldest of the {what} should have been done {in_words(age)} ago.",
        "See that worker and clock run, and that each lane (live, push, bulk, admin) has a worker; "
        "start more workers if they are all there.",
    )


def stores() -> Iterator[Finding]:
    """Stores that need someone, each with what to do."""
    rows = Store.objects.exclude(status=StoreStatus.DISCONNECTED)
    found = [
        *_refused(rows.filter(status=StoreStatus.NEEDS_MERCHANT)),
        *_unfinished(rows.filter(status=StoreStatus.TESTING)),
        *_broken(),
        *_failing(),
        *_deaf(),
        *_blocked(),
        *_parked(),
        *_compared(),
        *_ending(rows),
        *_kept_too_long(),
    ]
    yield from found
    if not found:
        yield ok("stores", f"{rows.count()} connected, none needs anybody.")


def stock() -> Iterator[Finding]:
    """What the nightly proof found to differ, while it does; and whether there is such a proof."""
    now = timezone.now()
    untrue = upkeep.untrue_stock()
    for one in untrue[:_MOST_NAMED]:
        yield bad("stock levels", str(one), _UNTRUE)
    if len(untrue) > _MOST_NAMED:
        yield bad("stock levels", f"{len(untrue) - _MOST_NAMED} more differ.", _UNTRUE)
    long_ago = now - upkeep.PROOF_IS_NEWS
    proven_at = upkeep.stock_proven_at()
    if proven_at and proven_at > long_ago:
        if not untrue:
            yield ok("stock levels", f"All added up {in_words(now - proven_at)} ago.")
    elif StockMovement.objects.filter(at__lt=long_ago).exists():
        ago = f"{in_words(now - proven_at)} ago" if proven_at else "never"
        yield warn(
            "stock levels",
            f"They were last compared with their movements {ago}.",
            "That happens every night while worker and clock run; manage.py verify_stock does it "
            "at once.",
        )


def _refused(rows: models.QuerySet[Store]) -> Iterator[Finding]:
    for store in rows:
        yield bad(
            f"store {store.name}",
            f"It does not accept its credentials any more. {store.status_reason}",
            f"Make a new key there and give it to Logix. {_help(store)}".strip(),
        )


def _unfinished(rows: models.QuerySet[Store]) -> Iterator[Finding]:
    for store in rows:
        yield warn(
            f"store {store.name}",
            "It was tested but never started.",
            "Resume it in the admin, or disconnect it.",
        )


def _broken() -> Iterator[Finding]:
    rows = StoreBreaker.objects.exclude(state="closed").filter(store__status=StoreStatus.ACTIVE)
    for row in rows.select_related("store"):
        yield bad(
            f"store {row.store.name}",
            f"It keeps failing and is left alone for a while. {row.last_error}",
            "See that the store is up; Logix looks again by itself. “Test connection” looks at "
            "once.",
        )


def _failing() -> Iterator[Finding]:
    rows = Stream.objects.filter(
        enabled=True, failures__gte=metrics.FAILURES, store__status=StoreStatus.ACTIVE
    )
    for stream in rows.select_related("store"):
        yield bad(
            f"store {stream.store.name}",
            f"Its {stream.name} could not be read {stream.failures} times in a row. "
            f"{stream.last_error}",
            "Mend what the message says; Logix tries again by itself.",
        )
    skewed = Stream.objects.filter(store__status=StoreStatus.ACTIVE).exclude(
        skew_ms__range=(-_SKEW_MS, _SKEW_MS)
    )
    for stream in skewed.select_related("store"):
        yield warn(
            f"store {stream.store.name}",
            f"Its clock differs from ours by {abs(stream.skew_ms) // 1000} s.",
            "Ask the store's operator to set its clock by NTP.",
        )


def _deaf() -> Iterator[Finding]:
    rows = Endpoint.objects.filter(
        status=Endpoint.Status.ACTIVE,
        store__status=StoreStatus.ACTIVE,
        store__auto_sync=True,
    ).exclude(problem="")
    for endpoint in rows.select_related("store", "news_queue"):
        way = (
            "Its queue is not heard" if hasattr(endpoint, "news_queue") else "It sends no webhooks"
        )
        yield warn(
            f"store {endpoint.store.name}",
            f"{way}: {endpoint.problem}",
            "Mend the cause, then press “Check webhooks”. Until then its orders are read by "
            "polling.",
        )


def _blocked() -> Iterator[Finding]:
    rows = Push.objects.filter(
        state=Push.State.BLOCKED,
        store__status=StoreStatus.ACTIVE,
        store__writes_enabled=True,
    )
    for store_id, name, count in (
        rows.order_by()
        .values_list("store", "store__name")
        .annotate(Count("pk"))
        .order_by("store__name")
    ):
        example = rows.filter(store=store_id).exclude(problem="").first()
        yield warn(
            f"store {name}",
            f"{count} stock figures cannot be sent. {example.problem if example else ''}".strip(),
            "Open the pushes of this store in the admin: each says why. Retry them when it is "
            "mended.",
        )


def _parked() -> Iterator[Finding]:
    rows = ParkedRecord.objects.filter(state=ParkedRecord.State.PARKED).exclude(
        store__status=StoreStatus.DISCONNECTED
    )
    counts = rows.order_by().values_list("store__name").annotate(Count("pk"))
    for name, count in counts.order_by("store__name"):
        yield warn(
            f"store {name}",
            f"{count} records are parked because they could not be understood.",
            "Open the parked records in the admin: each says why, and can be retried or dismissed.",
        )


def _compared() -> Iterator[Finding]:
    """Nightly comparisons that ask a person, failed or did not happen."""
    active = {"store__status": StoreStatus.ACTIVE}
    for run in reconcile.asking().filter(**active).select_related("store"):
        yield bad(
            f"store {run.store.name}",
            f"Its comparison stopped to ask. {run.problem}",
            "Open the comparison in the admin and let it go on, or mend the store first.",
        )
    for run in reconcile.failed().filter(**active).select_related("store"):
        yield warn(
            f"store {run.store.name}",
            f"Its last comparison failed. {run.problem}",
            "Mend what the message says; the next night compares again, manage.py reconcile at "
            "once.",
        )
    for store in reconcile.overdue(timezone.now()).order_by("name"):
        yield warn(
            f"store {store.name}",
            "It was not compared with what is kept here for three days.",
            "See that a worker serves the lane bulk; manage.py reconcile compares at once.",
        )


def _ending(rows: models.QuerySet[Store]) -> Iterator[Finding]:
    """Credentials that end by themselves, from 30 days before."""
    now = timezone.now()
    for one in authentication.ending_soon(rows, now):
        step = one.step(now)
        say = bad if step is not None and step <= authentication.STEPS[-1] else warn
        yield say(f"store {one.of}" if one.store else one.of, one.words(now), one.do)


def _kept_too_long() -> Iterator[Finding]:
    now = timezone.now()
    for kept in privacy.near(privacy.bounded_stores(), now):
        say = bad if kept.is_broken(now) else warn
        yield say(f"store {kept.store.name}", kept.words(now), privacy.REMEDY)


def _help(store: Store) -> str:
    try:
        fields = registry.card(store.platform).credential_fields
    except registry.UnknownPlatform as err:
        return str(err)
    return fields[0].help if fields else ""


WELLBEING: tuple[Check, ...] = (worker, clock_ticks, waiting, stores, stock)
