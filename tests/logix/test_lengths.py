"""A body without a length is refused, by every server and at every address, before anything is
done.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client

from logix.accounts import tokens
from logix.accounts.models import Scope
from orders.models import Shipment
from tests import factories
from tests.integrations.api.client import import_orders, import_products

ROOT = Path(__file__).parents[2]
PATHS = (
    "/api/v1/orders/0190c0de-0000-7000-8000-000000000001/shipments",
    "/api/v1/woocommerce/webhooks/receive/abc",
    "/api/v1/nothing",
    "/admin/login/",
    "/livez",
)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("length", ["", "2"])
def test_chunks_are_refused_at_every_address(client: Client, path: str, length: str) -> None:
    response = client.generic(
        "POST",
        path,
        b"{}",
        "application/json",
        headers={"Transfer-Encoding": "chunked"},
        CONTENT_LENGTH=length,
    )

    told = response.json()
    assert response.status_code == told["status"] == 411
    assert response["Content-Type"] == "application/problem+json"
    assert (told["code"], told["errors"]) == ("no_length", [])
    assert "Content-Length" in told["detail"]
    assert told["request_id"] == response["X-Request-ID"]


@pytest.mark.django_db(transaction=True)
def test_a_parcel_told_in_chunks_does_not_ship_the_whole_order(live_server: Any) -> None:
    store = factories.make_store()
    import_products(store, 1)
    order = import_orders(store, [factories.make_order(1)])[0]
    _, token = tokens.issue(store.merchant, name="warehouse", scopes=Scope.values)
    line = http.client.HTTPConnection(urlsplit(live_server.url).netloc, timeout=20)

    status, told = in_chunks(line, f"/api/v1/orders/{order.pk}/shipments", token)

    assert (status, told["code"]) == (411, "no_length")
    assert not Shipment.objects.exists()


def test_gunicorn_with_our_application_refuses_chunks(gunicorn: Path) -> None:
    line = _Line(gunicorn)

    for path in PATHS[:2]:
        status, told = in_chunks(line, path, "lgx_0123456789abcdef")
        assert (status, told["code"]) == (411, "no_length")


class _Line(http.client.HTTPConnection):
    """HTTP over a socket file, so that no port has to be found."""

    def __init__(self, place: Path) -> None:
        super().__init__("127.0.0.1", timeout=20)
        self.place = place

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(str(self.place))


def in_chunks(line: http.client.HTTPConnection, path: str, token: str) -> tuple[int, Any]:
    """The answer to an order's parcel in two chunks. Sent in one piece: the server answers and
    closes without reading the body, which would break a second send.
    """
    chunks = (b'{"lines": [{"sku": "SKU-1", ', b'"quantity": 1}]}', b"")
    head = (
        f"POST {path} HTTP/1.1",
        f"Host: {line.host}",
        f"Authorization: Bearer {token}",
        "Content-Type: application/json",
        "Transfer-Encoding: chunked",
    )
    line.connect()
    line.sock.sendall(
        "".join(f"{field}\r\n" for field in (*head, "")).encode()
        + b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    )
    answer = http.client.HTTPResponse(line.sock, method="POST")
    answer.begin()
    return answer.status, json.loads(answer.read())


@pytest.fixture
def gunicorn(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "hub.sock"
    bare = {k: v for k, v in os.environ.items() if k in {"PATH", "HOME", "LANG"}}
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "gunicorn", "logix.wsgi", "--bind", f"unix:{place}"),
            *("--worker-class", "gthread", "--no-control-socket"),
        ],
        cwd=ROOT,
        env={**bare, "LOGIX_ENV_FILE": "", "LOGIX_ENV": "embedded", "LOGIX_DATA": str(tmp_path)},
        stderr=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + 60
        while not place.exists() and time.monotonic() < end:
            assert server.poll() is None, "gunicorn ended"
            time.sleep(0.05)
        yield place
    finally:
        server.terminate()
        server.wait(timeout=30)
