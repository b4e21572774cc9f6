"""What every test may rely on: no network beyond this machine, a quiet bell, a place for official
contracts.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from django.core.cache import cache
from django.test import TransactionTestCase
from kombu import Connection, Producer

from integrations.api import throttling
from logix.common import bell
from tests import emptying

ROOT = Path(__file__).resolve().parent.parent

# With any of these a test commits, and what is committed rings the bell.
_COMMITTING = {"transactional_db", "live_server", "django_capture_on_commit_callbacks"}
_LOCAL = {"127.0.0.1", "::1", "localhost", "", "0.0.0.0", "::"}  # noqa: S104 - compared, never bound


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that commit are marked ``broker``: what they do depends on which broker there is."""
    for item in items:
        mark = item.get_closest_marker("django_db")
        commits = mark is not None and mark.kwargs.get("transaction")
        if commits or _COMMITTING.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("broker")


@pytest.fixture(autouse=True)
def broker_is_announced(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """A test that speaks to the broker without the mark fails, though whoever rings never notices:
    unmarked ones are taken to do the same on every broker.
    """
    if request.node.get_closest_marker("broker"):
        yield
        return
    spoken: list[str] = []
    for owner, name in ((Connection, "_establish_connection"), (Producer, "publish")):
        monkeypatch.setattr(owner, name, _noting(getattr(owner, name), spoken))
    yield
    assert not spoken, "This test speaks to the broker: mark it with pytest.mark.broker."


def _noting(real: Callable[..., Any], spoken: list[str]) -> Callable[..., Any]:
    def noted(*args: Any, **kwargs: Any) -> Any:
        spoken.append(real.__qualname__)
        return real(*args, **kwargs)

    return noted


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that reaches for another machine fails with its name instead of hanging."""
    real = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> Any:
        host = address[0] if isinstance(address, tuple) else ""
        if host not in _LOCAL:
            raise AssertionError(f"A test tried to reach {host}: tests stay on this machine.")
        return real(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)


@pytest.fixture(autouse=True)
def fresh_process() -> Iterator[None]:
    """What a process remembers between requests is forgotten between tests."""
    bell.reset()
    throttling.reset()
    cache.clear()
    structlog.contextvars.clear_contextvars()
    yield
    structlog.contextvars.clear_contextvars()


@pytest.fixture(scope="session", autouse=True)
def quick_emptying() -> Iterator[None]:
    """Tests that commit are cleared up after in our way."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", emptying.empty)
        yield


@pytest.fixture(scope="session")
def contracts() -> Path | None:
    """The folder with the platforms' official contracts: ``LOGIX_SHARED``, or ``../shared``. None
    on a machine without them, where much can be tested all the same; where ``CI=true``, that fails.
    """
    folder = Path(os.environ.get("LOGIX_SHARED", ROOT.parent / "shared")).resolve()
    if (folder / "contracts").is_dir():
        return folder
    if os.environ.get("CI") == "true":
        pytest.fail(f"The official contracts are not at {folder}; set LOGIX_SHARED.")
    return None


@pytest.fixture(scope="session")
def shared(contracts: Path | None) -> Path:
    """The same, for tests that are about the contracts: skipped where there are none."""
    if contracts is None:
        pytest.skip("The official contracts are not here; set LOGIX_SHARED.")
    return contracts
