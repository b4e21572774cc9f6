"""The server over real sockets: connections that live on, answers spoilt on purpose, the end."""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from integrations.sandbox import server as server_module
from integrations.sandbox.server import Incoming, Server
from tests.integrations.sandbox.receiver import within


@dataclass
class Answer:
    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b"hello"
    fate: str = ""

    def content(self) -> bytes:
        return self.body


class Echo:
    """Remembers what came and answers what it was told."""

    def __init__(self) -> None:
        self.came: list[Incoming] = []
        self.answer = Answer()
        self.life: list[str] = []
        self.held = threading.Event()
        self.holds = False

    def open(self, url: str) -> None:
        self.life.append(f"open {url}")

    def handle(self, incoming: Incoming) -> Answer:
        self.came.append(incoming)
        if self.holds:
            self.held.wait(10)
        return self.answer

    def let_go(self) -> None:
        self.life.append("let go")
        self.held.set()

    def close(self) -> None:
        self.life.append("close")


@pytest.fixture
def site() -> Echo:
    return Echo()


@pytest.fixture
def server(site: Echo) -> Iterator[Server]:
    with Server(site) as running:
        yield running


@pytest.fixture
def line(server: Server) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    yield connection
    connection.close()


def asked(line: http.client.HTTPConnection, method: str = "GET", path: str = "/") -> bytes:
    line.request(method, path)
    return line.getresponse().read()


def test_a_request_arrives_as_it_was_sent(line: http.client.HTTPConnection, site: Echo) -> None:
    line.request("POST", "/a%20b/%C3%BC?x=1%2B1&y[]=2", b"\x00\xff", {"X-Odd-Name": "v"})
    line.getresponse().read()

    came = site.came[0]
    assert (came.method, came.path, came.raw_path) == ("POST", "/a b/ü", "/a%20b/%C3%BC")
    assert came.raw_query == "x=1%2B1&y[]=2"
    assert came.body == b"\x00\xff"
    assert came.headers["x-odd-name"] == "v"
    assert came.is_tls is False


def test_one_connection_serves_many_requests(line: http.client.HTTPConnection, site: Echo) -> None:
    line.connect()
    first = line.sock

    for number in range(20):
        line.request("POST", f"/{number}", b"x" * number)
        assert line.getresponse().read() == b"hello"

    assert line.sock is first
    assert [came.path for came in site.came] == [f"/{number}" for number in range(20)]


def test_a_body_sent_in_chunks_is_put_together(
    line: http.client.HTTPConnection, site: Echo
) -> None:
    line.request("POST", "/", iter([b"one ", b"two"]), encode_chunked=True)
    line.getresponse().read()
    asked(line)

    assert [came.body for came in site.came] == [b"one two", b""]


def test_a_client_that_asks_first_whether_to_send_is_told_to_go_on(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 5) as sock:
        sock.sendall(
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
        )
        assert sock.recv(1000).startswith(b"HTTP/1.1 100")

        sock.sendall(b"ok")
        assert b"200 OK" in sock.recv(1000)


def test_a_head_request_is_answered_without_a_body(
    line: http.client.HTTPConnection, site: Echo
) -> None:
    line.request("HEAD", "/")
    answer = line.getresponse()

    assert (answer.read(), answer.headers["Content-Length"]) == (b"", "5")
    assert asked(line) == b"hello"


def test_a_dropped_answer_is_no_answer(line: http.client.HTTPConnection, site: Echo) -> None:
    site.answer = Answer(fate="drop")

    line.request("GET", "/")
    with pytest.raises(http.client.RemoteDisconnected):
        line.getresponse()


def test_a_truncated_answer_promises_more_than_comes(
    line: http.client.HTTPConnection, site: Echo
) -> None:
    site.answer = Answer(body=b"0123456789", fate="truncate")

    line.request("GET", "/")
    answer = line.getresponse()
    with pytest.raises(http.client.IncompleteRead) as caught:
        answer.read()

    assert caught.value.partial == b"01234"


def test_a_simulator_that_fails_answers_500_and_lives(
    line: http.client.HTTPConnection, site: Echo, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Incoming) -> Answer:
        raise ZeroDivisionError

    monkeypatch.setattr(site, "handle", broken)
    line.request("GET", "/")
    assert line.getresponse().status == 500

    monkeypatch.undo()
    assert asked(line) == b"hello"


def test_a_body_beyond_all_reason_is_refused_unread(
    line: http.client.HTTPConnection, site: Echo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "MOST_BODY", 10)

    line.request("POST", "/", b"x" * 11)

    assert line.getresponse().status == 413
    assert site.came == []


def test_many_clients_are_served_at_once(server: Server, site: Echo) -> None:
    site.holds = True
    clients = [http.client.HTTPConnection("127.0.0.1", server.port, timeout=5) for _ in range(5)]
    for client in clients:
        client.request("GET", "/")

    assert within(5, lambda: len(site.came) == 5)
    site.held.set()
    assert [client.getresponse().read() for client in clients] == [b"hello"] * 5
    for client in clients:
        client.close()


def test_sites_live_side_by_side_under_their_prefixes() -> None:
    first, second = Echo(), Echo()
    with Server({"": first, "/second": second}) as server:
        line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
        for path in ("/", "/second", "/second/x", "/seconds"):
            asked(line, path=path)
        line.close()

    assert [came.path for came in first.came] == ["/", "/seconds"]
    assert [came.path for came in second.came] == ["/second", "/second/x"]
    assert second.life[0] == f"open {server.url}/second"


def test_an_address_outside_all_sites_is_404() -> None:
    site = Echo()
    with Server({"/only": site}) as server:
        line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
        line.request("GET", "/other")
        assert line.getresponse().status == 404
        line.close()

    assert site.came == []


def test_who_is_being_answered_at_the_end_still_hears_the_answer(site: Echo) -> None:
    site.holds = True
    with Server(site) as server:
        line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
        line.request("GET", "/")
        assert within(5, lambda: len(site.came) == 1)

    assert line.getresponse().read() == b"hello"
    assert site.life[1:] == ["let go", "close"]
    line.close()


def test_after_the_end_nothing_is_left(site: Echo) -> None:
    before = threading.active_count()
    with Server(site) as server:
        line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
        asked(line)

    assert within(5, lambda: threading.active_count() <= before)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port), 1)
    line.close()


def test_a_port_in_use_is_an_error_one_can_catch(server: Server, site: Echo) -> None:
    with pytest.raises(OSError, match="in use"):
        Server(site, port=server.port)


def test_a_site_that_cannot_open_closes_those_before_it(site: Echo) -> None:
    broken = Echo()
    broken.open = lambda url: (_ for _ in ()).throw(RuntimeError(url))  # type: ignore[method-assign]

    with pytest.raises(RuntimeError), Server({"": site, "/broken": broken}):
        pass

    assert site.life[-1] == "close"


def test_tls_is_served_and_told(site: Echo, tmp_path: Path) -> None:
    with Server(site, tls=_certified(tmp_path)) as server:
        trusting = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
        line = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=5, context=trusting)
        assert asked(line) == asked(line) == b"hello"
        line.close()

    assert server.url.startswith("https://")
    assert [came.is_tls for came in site.came] == [True, True]


def test_a_client_that_breaks_the_handshake_stops_nobody(site: Echo, tmp_path: Path) -> None:
    with Server(site, tls=_certified(tmp_path)) as server:
        with socket.create_connection(("127.0.0.1", server.port), 5) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
            with contextlib.suppress(OSError):
                sock.recv(100)
        trusting = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
        line = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=5, context=trusting)
        assert asked(line) == b"hello"
        line.close()


def _certified(folder: Path) -> ssl.SSLContext:
    """A certificate for 127.0.0.1, valid today, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sandbox")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context
