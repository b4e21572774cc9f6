"""A hub made of real processes on the test's own database."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

from django.conf import settings
from django.db import connection

ROOT = Path(settings.ROOT)
LANES = {"live": "live", "push": "push", "bulk": "bulk,admin"}
_GRACE_S = 30.0


class Hub:
    """``with Hub(log_folder) as hub``: everything runs inside, nothing is left after."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Hub:
        self.start_web()
        for lane in LANES:
            self.start_worker(lane)
        self._start("clock", "-m", "celery", "-A", "logix", "beat")
        return self

    def __exit__(self, *_: object) -> None:
        for child in self._children.values():
            _tell(child, signal.SIGTERM)
        end = time.monotonic() + _GRACE_S
        for child in self._children.values():
            try:
                child.wait(max(0.1, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                _tell(child, signal.SIGKILL)
                child.wait()

    def start_web(self) -> None:
        self._start(
            "web",
            *("-m", "gunicorn", "logix.wsgi", "--bind", f"127.0.0.1:{self.port}"),
            *("--worker-class", "gthread", "--workers", "1", "--threads", "4"),
        )
        until(lambda: _answers(f"{self.url}/livez"), 60, "the web process answers")

    def start_worker(self, lane: str) -> None:
        self._start(
            lane,
            *("-m", "celery", "-A", "logix", "worker", "--queues", LANES[lane]),
            *("--concurrency", "2", "--hostname", f"{lane}@%h"),
            *("--without-gossip", "--without-mingle"),
        )

    def kill(self, name: str) -> None:
        """SIGKILL to the process and its children: nothing of it gets to tidy up."""
        _tell(self._children[name], signal.SIGKILL)
        self._children[name].wait()

    def log(self, name: str) -> str:
        return (self._logs / f"{name}.log").read_text()

    def _start(self, name: str, *arguments: str) -> None:
        with (self._logs / f"{name}.log").open("ab") as log:
            self._children[name] = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env=environment(LOGIX_PUBLIC_URL=self.url),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )


def environment(**more: str) -> dict[str, str]:
    """Of a process that works on the test's own database, with the product's settings."""
    base, _, _ = os.environ["TEST_DATABASE_URL"].rpartition("/")
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "logix.settings",
        "DATABASE_URL": f"{base}/{connection.settings_dict['NAME']}",
        "CELERY_BROKER_URL": os.environ["TEST_BROKER_URL"],
        "LOGIX_LOG_LEVEL": "INFO",
        **more,
    }


def until(holds: Callable[[], object], within_s: float, what: str) -> None:
    """Look until it holds. Fails with ``what`` when it does not come about."""
    end = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > end:
            raise AssertionError(f"Within {within_s:.0f} s it did not happen that {what}.")
        time.sleep(0.25)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=2):  # noqa: S310 - our own loopback address
            return True
    except HTTPError:
        return False
    except OSError:
        return False


def _tell(child: subprocess.Popen[bytes], number: int) -> None:
    try:
        os.killpg(child.pid, number)
    except ProcessLookupError:
        return
