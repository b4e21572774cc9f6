"""Keeps what a simulator knows in a file, so that it goes on where it was. It knows no platform."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

EVERY_S = 5.0

log = logging.getLogger("sandbox")


class StateBroken(Exception):
    """The file cannot be read; the message says what to do."""


def load(path: Path) -> dict[str, Any] | None:
    """What was saved, or None when nothing was. Raises StateBroken."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as err:
        raise StateBroken(f"{path} cannot be read: {err}.") from err
    try:
        found = json.loads(text)
    except ValueError as err:
        raise StateBroken(
            f"{path} is damaged ({err}). Remove it to start with a fresh store."
        ) from err
    if not isinstance(found, dict):
        raise StateBroken(f"{path} holds no store. Remove it to start with a fresh one.")
    return found


def encode(state: dict[str, Any]) -> bytes:
    return json.dumps(state, separators=(",", ":")).encode("ascii")


def save(path: Path, content: bytes) -> None:
    """Replace the file in one step; it holds keys, so only its owner may read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


class Keeper:
    """Saves ``snapshot()`` at the start, every few seconds when it has changed, and at the end.

    A disk that is full costs the saved state, not the running store: it is told once and tried
    again.
    """

    def __init__(
        self,
        path: Path,
        snapshot: Callable[[], dict[str, Any]],
        *,
        every_s: float = EVERY_S,
    ) -> None:
        self._path, self._snapshot, self._every_s = path, snapshot, every_s
        self._saved = b""
        self._is_well = True
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sandbox-state", daemon=True)

    def start(self) -> None:
        """Saves once, so that a place that cannot be written to is known at once: OSError."""
        self._save()
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread, then saves once more. Raises OSError when that does not work."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        self._save()

    def _run(self) -> None:
        while not self._stopping.wait(self._every_s):
            try:
                self._save()
                self._is_well = True
            except OSError as err:
                if self._is_well:
                    log.warning("The store's state could not be saved: %s", err)
                self._is_well = False

    def _save(self) -> None:
        content = encode(self._snapshot())
        digest = hashlib.sha256(content).digest()
        if digest != self._saved:
            save(self._path, content)
            self._saved = digest
