"""The example for developers works as its page says: it verifies, it refuses, and it delivers to
Logix.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.request import Request, urlopen

import pytest

from integrations.kit import signatures
from tests.conftest import ROOT
from tests.factories import make_store
from tests.webhooks.conftest import TOKEN, make_endpoint
from webhooks.models import Delivery

EXAMPLE = ROOT / "docs" / "examples" / "webhook_handler.py"
BODY = b'{"id":7,"number":"7","status":"processing"}'
ENV = {**os.environ, "WEBHOOK_SECRET": "shh"}


@pytest.fixture(scope="module")
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("webhook_handler", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def receiver() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    command = [sys.executable, str(EXAMPLE), "receive", "--port", "0"]
    with subprocess.Popen(command, env=ENV, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        yield line.removeprefix("Listening on ").strip(), process
        process.terminate()


def send(url: str, folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    file = folder / "order.json"
    file.write_bytes(BODY)
    return subprocess.run(
        [sys.executable, str(EXAMPLE), "send", "--url", url, "--body", str(file)],
        env={**ENV, **env},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_it_signs_and_verifies_as_logix_does(example: ModuleType) -> None:
    signature = signatures.sign("hmac-sha256-base64", secret="shh", body=BODY)

    assert example.sign("shh", BODY) == signature
    assert example.verify(["new", "shh"], BODY, signature)
    assert not example.verify(["shh"], BODY + b" ", signature)
    assert not example.verify([""], BODY, example.sign("", BODY))


def test_what_it_sends_it_also_takes(receiver: Any, tmp_path: Path) -> None:
    url, process = receiver

    assert send(url, tmp_path).stdout == "HTTP 200\n"
    assert process.stdout.readline() == "order.updated: order 7 is processing\n"
    assert send(url, tmp_path, WEBHOOK_SECRET="other").returncode == 1
    with urlopen(Request(url, data=b"webhook_id=5"), timeout=10) as ping:  # noqa: S310 - our own
        assert ping.status == 200


def test_it_asks_for_the_secret_when_there_is_none(tmp_path: Path) -> None:
    refused = send("http://127.0.0.1:9", tmp_path, WEBHOOK_SECRET="")

    assert refused.returncode == 2
    assert "Set WEBHOOK_SECRET" in refused.stderr


@pytest.mark.django_db(transaction=True)
def test_it_delivers_to_logix(live_server: Any, tmp_path: Path) -> None:
    make_endpoint(make_store(), secret="shh")
    address = f"{live_server.url}/api/v1/woocommerce/webhooks/receive/{TOKEN}"

    assert send(address, tmp_path).stdout == "HTTP 200\n"
    assert Delivery.objects.get().topic == "order.updated"

    wrong = send(address, tmp_path, WEBHOOK_SECRET="other")
    assert wrong.returncode == 1
    assert "the signature does not fit" in wrong.stderr
