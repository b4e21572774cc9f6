"""What the settings are read from: the environment, a file named ``.env``, and the secrets an
embedded hub makes itself.

``python -m logix.environment`` prints fresh secrets for a production environment,
``python -m logix.environment k2`` a further key for the ring.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import os
import re
import secrets
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from logix.common.crypto import KEY_BYTES, KeyRing

EMBEDDED = "embedded"
PRODUCTION = "production"

_SECRET_KEY_CHARS = 50
_PEPPER_CHARS = 32
_METRICS_TOKEN_CHARS = 16
_DISTINCT_CHARS = 12
# What deploy/env.sample writes where a password belongs.
_PLACEHOLDER = "change-me"
_OAUTH = "LOGIX_OAUTH_"
_APPLICATION = "LOGIX_APPLICATION_"
# A name, a name with all below it (.example.com), or an address of IPv6 in brackets.
_HOST = re.compile(r"\.?[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")
_GENERATE = "`python -m logix.environment` prints a fresh one"


def new_secrets() -> dict[str, str]:
    """Everything that must be secret and random, freshly made."""
    return {
        "SECRET_KEY": secrets.token_urlsafe(64),
        "LOGIX_KEYS": new_ring_key("k1"),
        "LOGIX_PEPPER": secrets.token_urlsafe(48),
    }


def new_ring_key(name: str) -> str:
    """A fresh entry for ``LOGIX_KEYS``, ``name:<32 bytes in base64>``."""
    return f"{name}:{base64.b64encode(os.urandom(KEY_BYTES)).decode()}"


def load(root: Path) -> environ.Env:
    """The environment, completed from ``LOGIX_ENV_FILE`` (default ``.env`` beside manage.py, if
    there is one).
    """
    env = environ.Env()
    file = _env_file(env, root)
    if file is not None:
        env.read_env(file)
    return env


def _env_file(env: environ.Env, root: Path) -> Path | None:
    name = env.str("LOGIX_ENV_FILE", default=str(root / ".env"))
    return Path(name) if name and Path(name).is_file() else None


def secret_files(root: Path, data: Path) -> list[Path]:
    """The files of this hub that hold secrets, as far as there are any."""
    files = (_env_file(environ.Env(), root), data / "secrets.env")
    return [file for file in files if file is not None and file.is_file()]


def oauth_apps(env: environ.Env) -> dict[str, str]:
    """The hub's apps with platforms as they are written, ``LOGIX_OAUTH_SHOPIFY=client_id:secret``,
    by the platform's name.
    """
    return _by_platform(env, _OAUTH)


def application_ids(env: environ.Env) -> dict[str, str]:
    """By what other name than its client id a platform's consent page knows the hub's app, where it
    does: ``LOGIX_APPLICATION_<PLATFORM>``, by the platform's name.
    """
    return _by_platform(env, _APPLICATION)


def oauth_app(spec: str) -> tuple[str, str] | None:
    """Client id and secret; None when they are not written ``client_id:client_secret``."""
    client_id, _, secret = spec.partition(":")
    words = (client_id, secret)
    good = all(word and word.isascii() and word.isprintable() and " " not in word for word in words)
    return (client_id, secret) if good else None


def oauth_variable(platform: str) -> str:
    return f"{_OAUTH}{_in_capitals(platform)}"


def application_variable(platform: str) -> str:
    return f"{_APPLICATION}{_in_capitals(platform)}"


def _in_capitals(platform: str) -> str:
    return platform.upper().replace("-", "_")


def _by_platform(env: environ.Env, prefix: str) -> dict[str, str]:
    names = [name for name in env.ENVIRON if name.startswith(prefix)]
    written = {name: env.str(name).strip() for name in names}
    return {
        name.removeprefix(prefix).lower().replace("_", "-"): value
        for name, value in written.items()
        if value
    }


def settings_or_exit() -> None:
    """Load Django's settings; where they refuse, end the process with their sentences alone."""
    from django.conf import settings

    try:
        settings.INSTALLED_APPS  # noqa: B018 - the first look loads them
    except ImproperlyConfigured as err:
        raise SystemExit(str(err)) from None


def is_production(name: str) -> bool:
    """Whether ``LOGIX_ENV`` says production. Raises ImproperlyConfigured for a word that means
    neither.
    """
    if name not in {EMBEDDED, PRODUCTION}:
        raise ImproperlyConfigured(
            f"LOGIX_ENV is '{name}'; it must be '{EMBEDDED}' (default) or '{PRODUCTION}'."
        )
    return name == PRODUCTION


def badge(_request: object) -> tuple[str, str]:
    """The word beside the title in the admin and its colour."""
    from django.conf import settings

    return ("Production", "danger") if settings.PRODUCTION else ("Embedded", "info")


def own_secrets(folder: Path) -> dict[str, str]:
    """The secrets of an embedded hub, made on its first start in ``secrets.env`` (mode 0600).

    Several processes may start at once: each writes its own file in full and links it to the name;
    the first link wins and everybody reads the winner.
    """
    target = folder / "secrets.env"
    if not target.exists():
        _make_folder(folder)
        handle, name = tempfile.mkstemp(dir=folder, prefix=".secrets-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(
                    "# Made on the first start. Back it up: without LOGIX_KEYS every stored "
                    "credential is lost.\n"
                )
                file.writelines(f"{name}={value}\n" for name, value in new_secrets().items())
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(name, target)
        finally:
            os.unlink(name)
    return _read_own(target)


def _read_own(file: Path) -> dict[str, str]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as err:
        raise ImproperlyConfigured(
            f"The secrets of this hub in {file} cannot be read ({err.strerror}). "
            "Start Logix as the user who owns them."
        ) from err
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    found = {name.strip(): value.strip() for name, value in pairs}
    missing = [name for name in new_secrets() if not found.get(name)]
    if missing:
        # Fresh ones would open nothing of what is stored.
        raise ImproperlyConfigured(
            f"{file} lacks {', '.join(missing)}. Restore the file from its backup; only a hub that "
            "holds nothing yet may delete it and start with fresh secrets."
        )
    return found


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as err:
        raise ImproperlyConfigured(
            f"The data folder {folder} cannot be made or written ({err.strerror}). "
            "Set LOGIX_DATA to a folder this user may write."
        ) from err


def refuse_weak_production(env: environ.Env) -> None:
    """Stop the start when a production setting is missing or weak, naming all of them at once.

    Raises ImproperlyConfigured.
    """
    found = [
        sentence for name, judge in _PRODUCTION_NEEDS.items() if (sentence := judge(env, name))
    ]
    if found:
        raise ImproperlyConfigured(
            "Logix does not start with LOGIX_ENV=production until this is set in the environment:\n"
            + "\n".join(f"  - {sentence}" for sentence in found)
        )


def _database(env: environ.Env, name: str) -> str:
    url = urlsplit(env.str(name, default=""))
    if url.scheme not in {"postgres", "postgresql", "psql", "pgsql"}:
        return (
            f"{name}: the address of a PostgreSQL database, "
            "postgres://user:password@host:5432/logix."
        )
    return _placeholder(url, name)


def _broker(env: environ.Env, name: str) -> str:
    url = urlsplit(env.str(name, default=""))
    if url.scheme not in {"amqp", "amqps", "pyamqp", "redis", "rediss"}:
        return (
            f"{name}: the address of RabbitMQ (amqp://user:password@host:5672/vhost) "
            "or Redis (redis://:password@host:6379/0)."
        )
    return _placeholder(url, name)


def _placeholder(url: SplitResult, name: str) -> str:
    if url.password == _PLACEHOLDER:
        return f"{name}: its password is still the one of deploy/env.sample; choose another."
    return ""


def _secret_key(env: environ.Env, name: str) -> str:
    return _random_text(env.str(name, default=""), name, _SECRET_KEY_CHARS)


def _pepper(env: environ.Env, name: str) -> str:
    return _random_text(env.str(name, default=""), name, _PEPPER_CHARS)


def _random_text(value: str, name: str, length: int) -> str:
    if value.startswith("django-insecure-"):
        return f"{name}: begins with django-insecure-, so it was never secret; {_GENERATE}."
    if len(value) < length or len(set(value)) < _DISTINCT_CHARS:
        return f"{name}: {length} or more random characters; {_GENERATE}."
    return ""


def _keys(env: environ.Env, name: str) -> str:
    spec = env.str(name, default="")
    if not spec:
        return f"{name}: the key ring, k1:<32 bytes in base64>, first key writes; {_GENERATE}."
    try:
        KeyRing(spec)
    except ValueError as err:
        return f"{str(err).rstrip('.')}; {_GENERATE}."
    weak = [part for part in spec.split(",") if len(set(_key_bytes(part))) < _DISTINCT_CHARS]
    return f"{name}: a key that is not random; {_GENERATE}." if weak else ""


def _key_bytes(part: str) -> bytes:
    return base64.b64decode(part.partition(":")[2])


def _hosts(env: environ.Env, name: str) -> str:
    """Host names alone: an address or a port in the list would match nothing."""
    hosts = env.list(name, default=[])
    if hosts and all(_HOST.fullmatch(host) for host in hosts):
        return ""
    return (
        f"{name}: the host names this hub answers to, separated by commas, without *, scheme or "
        "port; e.g. hub.example.com."
    )


def _metrics_token(env: environ.Env, name: str) -> str:
    """It may be left out: then only this machine reads the metrics."""
    token = env.str(name, default="")
    return _random_text(token, name, _METRICS_TOKEN_CHARS) if token else ""


def _public_url(env: environ.Env, name: str) -> str:
    url = urlsplit(env.str(name, default=""))
    bare = url.path in {"", "/"} and not (url.query or url.fragment or url.username)
    if url.scheme != "https" or not url.hostname or not bare:
        return (
            f"{name}: the https:// address under which stores reach this hub, without a path; "
            "e.g. https://hub.example.com."
        )
    hosts: list[str] = env.list("ALLOWED_HOSTS", default=[])
    if not any(_same_host(url.hostname, host.lower()) for host in hosts):
        return (
            f"{name}: its host {url.hostname} is not in ALLOWED_HOSTS, so webhooks would be "
            "refused; add it there."
        )
    return ""


def _same_host(host: str, allowed: str) -> bool:
    return host == allowed or (allowed.startswith(".") and f".{host}".endswith(allowed))


_PRODUCTION_NEEDS: dict[str, Callable[[Any, str], str]] = {
    "DATABASE_URL": _database,
    "CELERY_BROKER_URL": _broker,
    "SECRET_KEY": _secret_key,
    "LOGIX_KEYS": _keys,
    "LOGIX_PEPPER": _pepper,
    "ALLOWED_HOSTS": _hosts,
    "LOGIX_PUBLIC_URL": _public_url,
    "LOGIX_METRICS_TOKEN": _metrics_token,
}


def main(names: list[str]) -> None:
    if names:
        sys.stdout.writelines(f"{new_ring_key(name)}\n" for name in names)
    else:
        sys.stdout.writelines(f"{name}={value}\n" for name, value in new_secrets().items())


if __name__ == "__main__":
    main(sys.argv[1:])
