"""What is wrong with this installation, asked by ``manage.py check`` and before a process serves.

``check --database default`` adds the questions that need the database, ``check --deploy`` those
that only matter in production. Every answer says what to change.
"""

from __future__ import annotations

import stat
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import (
    ERROR,
    CheckMessage,
    Error,
    Info,
    Tags,
    Warning,
    register,
    run_checks,
)
from django.db import DatabaseError, connection, connections

from logix import broker, environment
from logix.accounts import keys
from logix.accounts.models import DataKey
from logix.common.crypto import SealBroken

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
# PostgreSQL setting → values under which a committed row survives a power cut.
_DURABLE = {
    "fsync": {"on"},
    "full_page_writes": {"on"},
    "synchronous_commit": {"on", "local", "remote_write", "remote_apply"},
}

Databases = Sequence[str] | None


def stop_on_errors() -> None:
    """Called before a server, worker or clock starts. Raises SystemExit with every error in a
    sentence; in production the errors of ``check --deploy`` are among them.

    A database that is down is no error here: the process starts, ``/readyz`` says so, and it works
    once the database is back.
    """
    found = run_checks(
        tags=["logix"], databases=["default"], include_deployment_checks=settings.PRODUCTION
    )
    connections.close_all()
    errors = [f"  - {m.msg} {m.hint or ''}".rstrip() for m in found if m.level >= ERROR]
    if errors:
        raise SystemExit("Logix does not start:\n" + "\n".join(errors))


@register("logix", Tags.database)
def the_keys_open_what_was_sealed(databases: Databases = None, **_: Any) -> list[CheckMessage]:
    """One data key per ring key in use must open."""
    if not databases:
        return []
    live = DataKey.objects.exclude(wrapped="")
    try:
        kids = live.order_by("kid").values_list("kid", flat=True).distinct()
        rows = [live.filter(kid=kid).latest("created_at") for kid in kids]
    except DatabaseError:
        return []  # away, or not migrated yet: others say so
    found: list[CheckMessage] = []
    for row in rows:
        try:
            keys.vault(row.pk)
        except SealBroken as err:
            found.append(
                Error(
                    f"What was sealed with key '{row.kid}' does not open: {err}",
                    hint=f"Put the key that was called '{row.kid}' back into LOGIX_KEYS.",
                    id="logix.E001",
                )
            )
    return found


@register("logix")
def apps_are_written_as_pairs(**_: Any) -> list[CheckMessage]:
    """The hub's apps with platforms. The value is never repeated: half of it is a secret."""
    return [
        Error(
            f"{environment.oauth_variable(platform)} is not written client_id:client_secret.",
            hint="Take both from the app's settings at the platform, without blanks.",
            id="logix.E004",
        )
        for platform, spec in settings.LOGIX_OAUTH_APPS.items()
        if environment.oauth_app(spec) is None
    ]


@register("logix", deploy=True)
def production_is_called_production(**_: Any) -> list[CheckMessage]:
    if settings.PRODUCTION:
        return []
    return [
        Warning(
            "This hub runs with the settings for one machine (LOGIX_ENV=embedded).",
            hint="Set LOGIX_ENV=production; deploy/env.sample names what it needs.",
            id="logix.W001",
        )
    ]


@register("logix", deploy=True)
def the_broker_knows_who_we_are(**_: Any) -> list[CheckMessage]:
    """A broker without a password lets anyone on its network ring and listen."""
    url = urlsplit(settings.CELERY_BROKER_URL)
    kind = broker.kind(settings.CELERY_BROKER_URL)
    if kind == "files" or (url.hostname or "localhost") in _LOOPBACK:
        return []
    if url.password and not (kind == "amqp" and url.username == "guest"):
        return []
    return [
        Error(
            f"The broker on {url.hostname} is used without a password, or as guest.",
            hint="Give it a user of its own and put user and password into CELERY_BROKER_URL.",
            id="logix.E002",
        )
    ]


@register("logix", deploy=True)
def stores_are_elsewhere(**_: Any) -> list[CheckMessage]:
    """A merchant may type any address: one of this machine is a door to what listens here."""
    if not (settings.PRODUCTION and settings.LOGIX_ALLOW_LOOPBACK_STORES):
        return []
    return [
        Warning(
            "Stores on this very machine may be called (LOGIX_ALLOW_LOOPBACK_STORES).",
            hint="Unset it; it is for simulated stores.",
            id="logix.W003",
        )
    ]


@register("logix", deploy=True)
def the_secrets_are_ours_alone(**_: Any) -> list[CheckMessage]:
    """Files with secrets, readable by every user of this machine."""
    return [
        Warning(
            f"Every user of this machine can read the secrets in {file}.",
            hint=f"chmod 600 {file}",
            id="logix.W004",
        )
        for file in environment.secret_files(settings.ROOT, settings.LOGIX_DATA)
        if file.stat().st_mode & stat.S_IROTH
    ]


@register("logix", Tags.database, deploy=True)
def a_committed_row_survives(databases: Databases = None, **_: Any) -> list[CheckMessage]:
    """A webhook is answered 200 because its row is committed, so commits must reach the disk."""
    if not databases or connection.vendor != "postgresql":
        return []
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", [list(_DURABLE)]
            )
            found = dict(cursor.fetchall())
    except DatabaseError:
        return []
    return [
        Error(
            f"PostgreSQL runs with {name} = {found[name]}: acknowledged orders can be lost.",
            hint=f"Set {name} = on in postgresql.conf and reload.",
            id="logix.E003",
        )
        for name, good in _DURABLE.items()
        if name in found and found[name] not in good
    ]


@register("logix", deploy=True)
def redis_forgets_nothing(**_: Any) -> list[CheckMessage]:
    """Under any policy but noeviction a full Redis drops limits and messages in silence."""
    if not settings.REDIS_URL:
        return []
    import redis  # 20 MB that only a hub with Redis has to carry

    try:
        client = redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1
        )
        policy = str(client.config_get("maxmemory-policy").get("maxmemory-policy", ""))
    except redis.RedisError as err:
        return [
            Info(
                f"Redis was not asked for its maxmemory-policy ({type(err).__name__}).",
                hint="See that it is noeviction.",
                id="logix.I001",
            )
        ]
    if policy in {"noeviction", ""}:
        return []
    return [
        Warning(
            f"Redis has maxmemory-policy {policy}: a full Redis drops messages and rate limits.",
            hint="Set maxmemory-policy noeviction.",
            id="logix.W002",
        )
    ]
