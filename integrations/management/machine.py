"""Checks of the installation itself: database, migrations, keys, broker, clock, disk, public
address.
"""

from __future__ import annotations

import ipaddress
import shutil
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from celery import Celery
from django.conf import settings
from django.core import checks
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Count
from django.http.request import validate_host
from django.utils import timezone

from integrations.management.findings import Check, Finding, bad, ok, warn
from integrations.models import Store, StoreStatus
from logix.accounts import audit, keys
from logix.accounts.models import DataKey
from logix.common import crypto

GIB = 1024**3
_SKEW_WARNS_S, _SKEW_HURTS_S = 2.0, 60.0
_DISK_WARNS, _DISK_HURTS = 5 * GIB, 1 * GIB

# What the database must promise, so that "committed" survives a power cut. Setting: (values that
# do, remedy).
_POSTGRES: Mapping[str, tuple[frozenset[str], str]] = {
    "fsync": (frozenset({"on"}), "Set fsync = on in postgresql.conf and restart PostgreSQL."),
    "full_page_writes": (frozenset({"on"}), "Set full_page_writes = on in postgresql.conf."),
    "synchronous_commit": (
        frozenset({"on", "local", "remote_write", "remote_apply"}),
        "Set synchronous_commit = on for this database or role.",
    ),
}
_SQLITE: Mapping[str, tuple[frozenset[str], str]] = {
    "journal_mode": (
        frozenset({"wal", "memory"}),
        "Start Logix with its own settings; they turn WAL on.",
    ),
    "synchronous": (
        frozenset({"2", "3"}),
        "Start Logix with its own settings; they set synchronous=FULL.",
    ),
    "foreign_keys": (
        frozenset({"1"}),
        "Start Logix with its own settings; they turn foreign keys on.",
    ),
}


def database() -> Iterator[Finding]:
    """Reachable, and durable as it must be."""
    wanted = _POSTGRES if connection.vendor == "postgresql" else _SQLITE
    ask = "SHOW {}" if connection.vendor == "postgresql" else "PRAGMA {}"
    weak = []
    with connection.cursor() as cursor:
        for name, (good, remedy) in wanted.items():
            cursor.execute(ask.format(name))
            value = str(cursor.fetchone()[0]).lower()
            if value not in good:
                weak.append(bad("database", f"{connection.vendor}: {name} is {value}.", remedy))
    yield from weak
    if not weak:
        yield ok("database", f"{connection.display_name} answers and keeps what it commits.")


def migrations() -> Iterator[Finding]:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        names = ", ".join(f"{m.app_label}.{m.name}" for m, _ in missing[:3])
        yield bad("migrations", f"{len(missing)} are missing ({names}).", "Run manage.py migrate.")
    else:
        yield ok("migrations", "All are applied.")


def system_checks() -> Iterator[Finding]:
    """Django's own checks, and ours behind them."""
    found = [m for m in checks.run_checks() if m.level >= checks.ERROR]
    for message in found:
        yield bad("settings", str(message.msg), str(message.hint or "Run manage.py check."))
    if not found:
        yield ok("settings", "The system checks find no error.")


def key_ring() -> Iterator[Finding]:
    """One data key of every ring key in use is opened: losing a ring key means losing what it
    wrapped.
    """
    try:
        write_kid = crypto.ring().write_kid
    except ValueError as err:
        yield bad("keys", str(err), "Restore LOGIX_KEYS from its backup.")
        return
    living = DataKey.objects.exclude(wrapped="")
    counts = dict(living.order_by("kid").values_list("kid").annotate(Count("pk")))
    well = True
    for kid, count in counts.items():
        sample = living.filter(kid=kid).order_by("pk").first()
        if sample is None:
            continue
        keys.vault.cache_clear()
        try:
            keys.vault(sample.pk)
        except crypto.SealBroken as err:
            well = False
            yield bad(
                "keys",
                f"The first of {count} data keys under “{kid}” does not open: {err}",
                "Put that key back into LOGIX_KEYS; without it their stores must be connected "
                "again.",
            )
    old = sum(count for kid, count in counts.items() if kid != write_kid)
    if old:
        yield warn(
            "keys",
            f"{old} data keys are still under an old key.",
            "Run manage.py rotate_keys before you remove the old key from LOGIX_KEYS.",
        )
    elif well:
        yield ok("keys", f"{sum(counts.values())} data keys open with “{write_kid}”.")


def broker() -> Iterator[Finding]:
    """The broker only rings; without it work is done later, by the sweepers of a running worker."""
    from logix.celery import app

    try:
        _connect(app)
    except Exception as err:  # any transport, any failure: the answer is the same
        yield bad(
            "broker",
            f"It cannot be reached ({type(err).__name__}). Nothing is lost, but all work is late.",
            "Start the broker, or correct CELERY_BROKER_URL.",
        )
    else:
        yield ok("broker", "It answers.")


def _connect(app: Celery) -> None:
    with app.connection_for_write() as link:
        link.connect()
        link.default_channel  # noqa: B018 - Redis is only spoken to when a channel opens


def clock() -> Iterator[Finding]:
    """This machine's clock against the database's."""
    if connection.vendor != "postgresql":
        yield ok("clock", "The database is on this machine and has its clock.")
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        there = cursor.fetchone()[0]
    skew = abs((there - timezone.now()).total_seconds())
    do = "Have both machines set their clocks by NTP."
    if skew > _SKEW_HURTS_S:
        yield bad("clock", f"This machine and the database differ by {skew:.0f} s.", do)
    elif skew > _SKEW_WARNS_S:
        yield warn("clock", f"This machine and the database differ by {skew:.0f} s.", do)
    else:
        yield ok("clock", "This machine and the database agree.")


def disk() -> Iterator[Finding]:
    try:
        free = shutil.disk_usage(settings.LOGIX_DATA).free
    except OSError as err:
        yield bad(
            "disk",
            f"The data folder {settings.LOGIX_DATA} cannot be read ({err.strerror}).",
            "Set LOGIX_DATA to a folder this user may write.",
        )
        return
    told = f"{free / GIB:.1f} GiB are free where {settings.LOGIX_DATA} lies."
    if free < _DISK_HURTS:
        yield bad("disk", told, "Make room now: a full disk stops the hub.")
    elif free < _DISK_WARNS:
        yield warn("disk", told, "Make room soon.")
    else:
        yield ok("disk", told)


def public_url() -> Iterator[Finding]:
    """Whether stores can deliver webhooks to the address we tell them."""
    url = settings.LOGIX_PUBLIC_URL
    parts = urlsplit(url)
    host = parts.hostname or ""
    outside = [
        base
        for base in Store.objects.exclude(status=StoreStatus.DISCONNECTED).values_list(
            "base_url", flat=True
        )
        if not _is_private(urlsplit(base).hostname or "")
    ]
    if not validate_host(host, settings.ALLOWED_HOSTS):
        yield bad(
            "public address",
            f"{host or url} is not in ALLOWED_HOSTS, so webhooks sent to {url} are refused.",
            "Add it to ALLOWED_HOSTS.",
        )
    elif not outside:
        yield ok("public address", f"{url}; no store outside this network needs it.")
    elif parts.scheme != "https" or _is_private(host):
        yield bad(
            "public address",
            f"{len(outside)} stores on the internet are told to deliver to {url}, which they "
            "cannot reach. "
            "Their orders are read by polling only.",
            "Set LOGIX_PUBLIC_URL to the https:// address of this hub, then press “Check webhooks” "
            "on each store.",
        )
    else:
        yield ok("public address", f"{url} looks reachable for stores.")


def _is_private(host: str) -> bool:
    if host == "localhost" or ("." not in host and ":" not in host):
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host.endswith((".local", ".internal", ".lan"))


def audit_log() -> Iterator[Finding]:
    """Every chain from its first event; takes a while on an old hub."""
    found = False
    for merchant, where in audit.breaks():
        found = True
        name = merchant.name if merchant else "the hub itself"
        yield bad(
            "audit log",
            f"The chain of {name} does not hold: {where}",
            "Find out who could write to the database; compare with a backup.",
        )
    if not found:
        yield ok("audit log", "All chains hold.")


MACHINE: tuple[Check, ...] = (
    system_checks,
    migrations,
    key_ring,
    broker,
    clock,
    disk,
    public_url,
)


def reachable() -> Iterator[Finding]:
    """The database, before anything else is asked of it."""
    try:
        yield from database()
    except DatabaseError as err:
        yield bad(
            "database",
            f"It cannot be reached ({_first_line(err)}).",
            "Start it, or correct DATABASE_URL. Nothing else can be checked until then.",
        )


def _first_line(err: Any) -> str:
    return (str(err).strip() or type(err).__name__).splitlines()[0][:200]
