"""Child processes that live and die together: each in its own group, its output in a file, none
left behind.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_GRACE_S = 15.0
_PR_SET_PDEATHSIG = 1


class ChildDied(Exception):
    """A process ended that should be running; the message names its log."""


class RunsAlready(Exception):
    """Another demonstration holds this folder; the message says where it is."""


@contextmanager
def alone(folder: Path, told: str) -> Iterator[None]:
    """Hold ``folder`` for this process; ``told`` is what another one is told of us. The system
    lets go of it with the process, however that ends. Raises RunsAlready.
    """
    with (folder / "demo.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as err:
            lock.seek(0)
            raise RunsAlready(lock.read().strip()) from err
        lock.truncate(0)
        lock.write(told)
        lock.flush()
        yield


class Group:
    """``with Group(logs) as group``: leaving the block ends every child, however it is left."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        logs.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Group:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, name: str, command: list[str]) -> None:
        """Start a child; its group can be signalled as a whole and does not get the terminal's
        Ctrl-C.
        """
        with (self._logs / f"{name}.log").open("ab") as log:
            self._children[name] = subprocess.Popen(  # noqa: S603 - our own commands
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_end_with_parent if sys.platform == "linux" else None,
            )

    def check(self) -> None:
        """Raises ChildDied."""
        for name, child in self._children.items():
            if child.poll() is not None:
                log = self._logs / f"{name}.log"
                raise ChildDied(f"The {name} process ended ({child.returncode}). See {log}.")

    def stop(self) -> None:
        """Ask every group to end, wait, and kill what did not."""
        for child in reversed(self._children.values()):
            _signal(child, signal.SIGTERM)
        end = time.monotonic() + _GRACE_S
        for child in self._children.values():
            try:
                child.wait(max(0.1, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal(child, signal.SIGKILL)
                child.wait()
        self._children.clear()


def _end_with_parent() -> None:
    """Between fork and exec: a parent that is killed ends its children as well."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _signal(child: subprocess.Popen[bytes], number: int) -> None:
    try:
        os.killpg(child.pid, number)
    except ProcessLookupError:
        return


def free_port(first: int) -> int:
    """``first``, or the next port nobody listens on."""
    for port in range(first, first + 100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise ChildDied(f"No free port between {first} and {first + 99}.")


def wait_for(url: str, group: Group, *, timeout_s: float = 60) -> None:
    """Until ``url`` answers anything below 500. Raises ChildDied."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        group.check()
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own loopback address
                return
        except urllib.error.HTTPError as err:
            if err.code < 500:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise ChildDied(f"{url} did not answer within {timeout_s:.0f} seconds.")
