"""Checks of the installation itself: database, migrations, settings, broker, clock, disk, pages,
public address.
"""

from __future__ import annotations

import ipaddress
import shutil
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from celery import Celery
from django.conf import settings
from django.core import checks
from django.core.cache import cache
from django.db import DatabaseError, ProgrammingError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.http.request import validate_host
from django.utils import timezone

from integrations.management.findings import Check, Finding, bad, ok, warn
from integrations.models import Heartbeat, Store, StoreStatus
from logix.common.ids import uuid7
from logix.common.redact import redact

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
    if problem := _refuses_writes():
        yield bad("database", *problem)
    elif not weak:
        yield ok("database", f"{connection.display_name} answers and keeps what it commits.")


def _refuses_writes() -> tuple[str, str] | None:
    """Writes a row and takes it back. What is wrong and what to do, or None."""
    try:
        with transaction.atomic():
            Heartbeat.objects.create(name=f"doctor:{uuid7()}", kind="doctor", at=timezone.now())
            transaction.set_rollback(True)
    except ProgrammingError:
        return None  # no tables yet: the migrations say so
    except DatabaseError as err:
        told = first_line(err)
        if "no such table" in told:
            return None
        if "read-only" in told or "readonly" in told:
            return (
                f"{connection.display_name} only reads ({told}).",
                "Point DATABASE_URL at the primary."
                if connection.vendor == "postgresql"
                else "Give the user Logix runs as the right to write the file and its folder.",
            )
        return (
            f"{connection.display_name} refuses to write ({told}).",
            "Mend what it says: often a full disk, or another process that holds the file.",
        )
    return None


def migrations() -> Iterator[Finding]:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        names = ", ".join(f"{m.app_label}.{m.name}" for m, _ in missing[:3])
        yield bad("migrations", f"{len(missing)} are missing ({names}).", "Run manage.py migrate.")
    else:
        yield ok("migrations", "All are applied.")


def system_checks() -> Iterator[Finding]:
    """Django's own checks, and ours behind them; in production with those of ``check --deploy``."""
    found = checks.run_checks(include_deployment_checks=settings.PRODUCTION)
    serious = [m for m in found if m.level >= checks.WARNING and not m.is_silenced()]
    for message in serious:
        say = bad if message.level >= checks.ERROR else warn
        yield say("settings", str(message.msg), str(message.hint or "Run manage.py check."))
    if not serious:
        yield ok("settings", "The system checks find nothing.")


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


def shared_cache() -> Iterator[Finding]:
    """The API counts its callers there: without it every call of the API fails."""
    name = f"doctor:{uuid7()}"
    try:
        cache.set(name, "kept", timeout=10)
        kept = cache.get(name) == "kept"
        cache.delete(name)
    except DatabaseError as err:
        yield bad("cache", f"It cannot be used ({first_line(err)}).", "Run manage.py migrate.")
    except Exception as err:  # whatever a cache's client raises
        yield bad(
            "cache",
            f"It cannot be reached ({type(err).__name__}), so the API answers with errors.",
            "Start Redis, or correct REDIS_URL; unset it to keep the cache in the database.",
        )
    else:
        if kept:
            yield ok("cache", "It keeps what it is given.")
        else:
            yield warn("cache", "It forgets at once what it is given.", "Give it more memory.")


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


def pages() -> Iterator[Finding]:
    """In production the pages' style and scripts are collected once per release."""
    manifest = settings.STATIC_ROOT / "staticfiles.json"
    if settings.PRODUCTION and not manifest.is_file():
        yield bad(
            "pages",
            f"Their style and scripts are not in {settings.STATIC_ROOT}, so the admin does not "
            "open.",
            "Run manage.py collectstatic --noinput with the same LOGIX_DATA, then restart the web "
            "processes.",
        )
    else:
        yield ok("pages", "Their style and scripts are in place.")


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
    elif settings.PRODUCTION and not settings.LOGIX_BEHIND_PROXY:
        yield warn(
            "public address",
            "LOGIX_BEHIND_PROXY is false, so Logix takes every request that comes through a proxy "
            "for plain http and refuses it.",
            "Set LOGIX_BEHIND_PROXY=true if a proxy ends TLS (deploy/nginx.conf); leave it only "
            "if gunicorn itself was given a certificate.",
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


MACHINE: tuple[Check, ...] = (
    system_checks,
    migrations,
    broker,
    shared_cache,
    clock,
    disk,
    pages,
    public_url,
)


def reachable() -> Iterator[Finding]:
    """The database, before anything else is asked of it."""
    try:
        yield from database()
    except DatabaseError as err:
        yield bad(
            "database",
            f"It cannot be reached ({first_line(err)}).",
            "Start it, or correct DATABASE_URL. Nothing else can be checked until then.",
        )


def first_line(err: BaseException) -> str:
    """Of an error's text, without the password an address may hold."""
    return redact((str(err).strip() or type(err).__name__).splitlines()[0])[:200]
