"""The broker of an embedded hub: a folder of small files, ``files://`` in Celery's words.

kombu's own file transport publishes a file before it is written, so a reader that is quick finds it
empty and the worker dies of it (kombu 5.7: 36 of 11,000 messages in a tight loop). Here a message
or binding gets its name only when it is whole, by one rename.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from typing import Any, NamedTuple
from urllib.parse import quote
from uuid import uuid4

import structlog
from kombu.transport import TRANSPORT_ALIASES, virtual
from kombu.utils.json import dumps, loads

log = structlog.get_logger(__name__)

SCHEME = "files"

# With no worker running nobody takes messages away. They are doorbells: one more is no loss.
_FULL = 1000
# Nobody needs longer to write or read one message.
_LEFTOVER_S = 600


class Binding(NamedTuple):
    routing_key: str
    pattern: str
    queue: str


class Channel(virtual.Channel):
    """A message is ``queues/<queue>/<time>-<unique>``, a binding a file in ``exchanges/``."""

    supports_fanout = True

    @property
    def _root(self) -> Path:
        client: Any = self.connection.client
        return Path(client.transport_options["folder"])

    def _queue(self, name: str) -> Path:
        return self._root / "queues" / quote(name, safe="@.")

    def _exchange(self, name: str) -> Path:
        return self._root / "exchanges" / quote(name or "default", safe="@.")

    def _new_queue(self, queue: str, **_kwargs: Any) -> None:
        folder = self._queue(queue)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sweep_up(folder)

    def _has_queue(self, queue: str, **_kwargs: Any) -> bool:
        return self._queue(queue).is_dir()

    def _put(self, queue: str, message: dict[str, Any], **_kwargs: Any) -> None:
        folder = self._queue(queue)
        if len(_names(folder)) < _FULL:
            _write(folder, f"{time.time_ns():020}-{uuid4().hex}", dumps(message))

    def _put_fanout(
        self, exchange: str, message: dict[str, Any], _routing_key: str, **_kwargs: Any
    ) -> None:
        for _key, _pattern, queue in self.get_table(exchange):
            self._put(queue, message)

    def _get(self, queue: str, timeout: float | None = None) -> dict[str, Any]:
        """Take the oldest message. Its rename settles which of two readers has it."""
        folder = self._queue(queue)
        for name in sorted(_names(folder)):
            taken = folder / f".{name}"
            try:
                os.rename(folder / name, taken)
                text = taken.read_bytes()
                taken.unlink()
                message: dict[str, Any] = loads(text)
            except FileNotFoundError:
                continue
            except ValueError:
                # Cut short by a power failure: a ring that is lost, not a worker.
                log.warning("broken_message", queue=queue)
                continue
            return message
        raise Empty

    def _size(self, queue: str) -> int:
        return len(_names(self._queue(queue)))

    def _purge(self, queue: str) -> int:
        names = _names(self._queue(queue))
        for name in names:
            (self._queue(queue) / name).unlink(missing_ok=True)
        return len(names)

    def _delete(self, queue: str, exchange: str = "", *args: Any, **_kwargs: Any) -> None:
        folder = self._exchange(exchange)
        for name, binding in _bindings(folder):
            if binding.queue == queue:
                (folder / name).unlink(missing_ok=True)
        shutil.rmtree(self._queue(queue), ignore_errors=True)

    def get_table(self, exchange: str) -> list[tuple[str, str, str]]:
        """Bindings of ``exchange``, whichever process made them."""
        return [binding for _name, binding in _bindings(self._exchange(exchange))]

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        binding = Binding(routing_key or "", pattern or "", queue or "")
        _write(self._exchange(exchange), quote("|".join(binding), safe="@|"), dumps(binding))


class Transport(virtual.Transport):
    """Virtual transport over one folder; ``transport_options["folder"]`` names it."""

    Channel = Channel
    default_port = 0
    driver_type = "filesystem"
    driver_name = "logix.filebroker"
    implements = virtual.Transport.implements.extend(
        asynchronous=False, exchange_type=frozenset({"direct", "topic", "fanout"})
    )

    def __init__(self, client: Any, **kwargs: Any) -> None:
        super().__init__(client, **kwargs)
        self.state = virtual.BrokerState()

    def driver_version(self) -> str:
        return "1"


TRANSPORT_ALIASES[SCHEME] = f"{__name__}:Transport"


def _names(folder: Path) -> list[str]:
    try:
        return [name for name in os.listdir(folder) if not name.startswith(".")]
    except FileNotFoundError:
        return []


def _bindings(folder: Path) -> Iterator[tuple[str, Binding]]:
    for name in _names(folder):
        try:
            yield name, Binding(*loads((folder / name).read_bytes()))
        except (FileNotFoundError, ValueError, TypeError):
            # Unbound by another process this moment, or cut short by a power failure; whoever
            # listens writes it again at its start.
            continue


def _write(folder: Path, name: str, text: str) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = folder / f".{uuid4().hex}"
    try:
        unfinished.write_text(text, encoding="utf-8")
        os.rename(unfinished, folder / name)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise


def _sweep_up(folder: Path) -> None:
    """Remove what processes killed in the middle left behind: hidden files of long ago."""
    before = time.time() - _LEFTOVER_S
    for entry in os.scandir(folder):
        with contextlib.suppress(FileNotFoundError):
            if entry.name.startswith(".") and entry.stat().st_mtime < before:
                os.unlink(entry.path)
