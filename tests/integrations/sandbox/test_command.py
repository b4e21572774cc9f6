"""``manage.py sandbox`` as a person starts it: another process, ended by a signal."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.core.management.base import CommandParser

from integrations.management.commands import demo
from integrations.management.commands.sandbox import Command
from integrations.management.demo.shops import SHOPS
from integrations.sandbox.state import load
from tests.conftest import ROOT
from tests.integrations.sandbox.receiver import within

_WAIT_S = 60


@contextmanager
def started(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """The process and what it printed by label, once it answers."""
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), "sandbox", "--port=0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    told: dict[str, str] = {}
    lines: list[str] = []
    try:
        for line in process.stdout:
            lines.append(line)
            if line.startswith("  "):
                told[line[2:18].strip()] = line[18:].strip()
            if line.startswith("Ctrl-C"):
                break
        else:
            pytest.fail(f"It did not start:\n{''.join(lines)}")
        yield process, told
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(_WAIT_S)
        process.stdout.close()


def state_of(told: dict[str, str]) -> Any:
    line = http.client.HTTPConnection(told["Address"].removeprefix("http://"), timeout=10)
    try:
        line.request("GET", "/_sandbox/api/state")
        return json.load(line.getresponse())
    finally:
        line.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_told_to_stop_and_leaves_nothing(number: signal.Signals) -> None:
    with started("--orders=5", "--products=6") as (process, told):
        shown = state_of(told)["store"]
        assert shown["url"] == f"{told['Address']}/"
        assert shown["consumer_key"] == told["Consumer key"]
        assert told["Consumer key"].startswith("ck_")
        assert len(told["Consumer key"]) == len(told["Consumer secret"]) == 43

        process.send_signal(number)

        assert process.wait(_WAIT_S) == 0
        assert process.stdout is not None
        assert process.stdout.read().splitlines()[-1] == "The store is closed."
        port = int(told["Address"].rsplit(":", 1)[1])
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 1)


def test_every_wish_is_heard(tmp_path: Path) -> None:
    wishes = (
        "--key=ck_mine", "--secret=cs_mine", "--orders=7", "--products=6", "--seed=3",
        "--per-minute=0.5", "--version=8.9.3", "--currency=jpy", "--timezone=Asia/Tokyo",
        "--plugins", "ast", "fulfillments", "--same-second=4",
    )  # fmt: skip
    with started(*wishes) as (_, told):
        shown = state_of(told)

    assert told["Kept in"] == "memory only"
    assert shown["store"] | {"url": ""} == {
        "title": "Musterladen",
        "url": "",
        "version": "8.9.3",
        "currency": "JPY",
        "timezone": "Asia/Tokyo",
        "plugins": ["ast", "fulfillments"],
        "consumer_key": "ck_mine",
        "consumer_secret": "cs_mine",
    }
    assert shown["counts"]["orders"] == 7
    assert shown["traffic"] == {"per_minute": 0.5}
    moments = [order["modified_gmt"] for order in shown["orders"]]
    assert max(moments.count(moment) for moment in moments) >= 4


def test_it_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    state = tmp_path / "sandbox.json"
    with started(f"--state={state}", "--orders=5", "--products=8", "--per-minute=3000") as (
        process,
        told,
    ):
        assert within(_WAIT_S, lambda: state_of(told)["counts"]["orders"] >= 8)
        process.terminate()
        assert process.wait(_WAIT_S) == 0
    kept = load(state)
    assert kept is not None

    with started(f"--state={state}", "--orders=5", "--products=8") as (_, told):
        seeded = 5
        made = sum(1 for order in kept["store"]["orders"] if order["id"] >= 2_000 + 3 * seeded)
        assert state_of(told)["counts"]["orders"] == seeded + made
        assert told["Kept in"] == str(state)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"currency": "XXX"}, "“XXX” is no currency WooCommerce knows."),
        ({"timezone": "Mars/Olympus"}, "“Mars/Olympus” is no time zone."),
        ({"orders": -1}, "--orders cannot be negative."),
        ({"per_minute": -1.0}, "--per-minute cannot be negative."),
        ({"port": 99_999}, "--port is a number from 0 to 65535."),
        ({"port": -1}, "--port is a number from 0 to 65535."),
    ],
)
def test_a_wish_no_store_can_have_is_refused_in_words(options: dict[str, Any], told: str) -> None:
    with pytest.raises(CommandError, match=told):
        call_command("sandbox", stdout=StringIO(), **{"port": 0, **options})


def test_a_port_in_use_is_told_with_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(CommandError, match=rf"Port {port} cannot be opened .* --port"):
            call_command("sandbox", port=port, orders=1, products=1, stdout=StringIO())


def test_a_damaged_state_is_told_with_the_way_out(tmp_path: Path) -> None:
    state = tmp_path / "sandbox.json"
    state.write_text("{")

    with pytest.raises(CommandError, match=r"is damaged .* Remove it"):
        call_command("sandbox", port=0, state=state, stdout=StringIO())


def test_a_state_that_cannot_be_kept_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    state = tmp_path / "file" / "sandbox.json"
    process = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "sandbox", "--port=0", f"--state={state}"],
        capture_output=True,
        text=True,
        timeout=_WAIT_S,
        check=False,
    )

    assert process.returncode == 1
    assert "sandbox.json" in process.stderr
    assert "Traceback" not in process.stderr


def test_what_the_demo_asks_of_it_is_understood(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The demo's own arguments, parsed by the command's own parser."""
    asked: dict[str, list[str]] = {}

    class Group:
        def start(self, name: str, command: list[str]) -> None:
            asked[name] = command

    monkeypatch.setattr(demo, "wait_for", lambda *_: None)
    for number, shop in enumerate(SHOPS):
        monkeypatch.setenv(shop.port_variable, str(8123 + number))
    options = {"orders": 10, "products": 4, "per_minute": 2.5}
    demo.Command()._start(Group(), tmp_path, options)  # type: ignore[arg-type]

    parser: CommandParser = Command().create_parser("manage.py", "sandbox")
    for number, shop in enumerate(SHOPS):
        place = asked[shop.platform].index("sandbox")
        parsed = parser.parse_args(asked[shop.platform][place + 1 :])

        assert (parsed.platform, parsed.port) == (shop.platform, 8123 + number)
        assert (parsed.orders, parsed.products) == (round(10 * shop.share), 4)
        assert (parsed.per_minute, parsed.state) == (2.5 * shop.share, tmp_path / shop.state_file)
        keys = {parsed.key, parsed.secret, parsed.token, parsed.seller}
        assert set(shop.credentials.values()) <= keys
