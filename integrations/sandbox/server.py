"""Serves simulated stores over real HTTP/1.1 on Werkzeug: one thread a connection, kept alive, and
answers that can be spoilt on purpose. It knows no platform.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from wsgiref.types import StartResponse, WSGIEnvironment

from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.wrappers import Request

MOST_BODY = 64 * 1024 * 1024
_IDLE_S = 30
_STOP_S = 3.0
_BODILESS = frozenset({204, 304})

log = logging.getLogger("sandbox")


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """``path`` is decoded, ``raw_path`` and ``raw_query`` are as sent; header names are in lower
    case.
    """

    method: str
    path: str
    raw_path: str
    raw_query: str
    headers: dict[str, str]
    body: bytes
    is_tls: bool


class Outgoing(Protocol):
    """An answer. ``fate`` "drop" closes the connection unanswered, "truncate" after half a body."""

    status: int
    headers: list[tuple[str, str]]
    fate: str

    def content(self) -> bytes: ...


class Site(Protocol):
    """What can be served: ``open`` with its address (no slash at the end) before the first request,
    ``let_go`` of clients that are made to wait when the end has come, ``close`` after the last
    answer.
    """

    def open(self, url: str) -> None: ...

    def handle(self, incoming: Incoming) -> Outgoing: ...

    def let_go(self) -> None: ...

    def close(self) -> None: ...


class Server:
    """``with Server(site) as server: server.url``. The port is taken when the object is made, so
    OSError (port in use) is raised there; 0 takes a free one.

    ``sites`` is one site, or several by path prefix: ``{"": first, "/second": another}``.
    """

    def __init__(
        self,
        sites: Site | Mapping[str, Site],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._sites = dict(sites) if isinstance(sites, Mapping) else {"": sites}
        with socket.create_server((host, port)) as bound:
            self._listener = _Listener(host, bound, self._app, tls)
        self.port: int = self._listener.port
        self.url = f"{'https' if tls else 'http'}://{host}:{self.port}"
        self._thread = threading.Thread(
            target=self._listener.serve_forever, args=(0.05,), name="sandbox-http", daemon=True
        )

    def __enter__(self) -> Server:
        opened: list[Site] = []
        try:
            for prefix, site in self._sites.items():
                site.open(self.url + prefix)
                opened.append(site)
        except BaseException:
            for site in opened:
                site.close()
            self._listener.server_close()
            raise
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Take no more requests, finish those under way, end every connection, close the sites."""
        self._listener.shutdown()
        self._thread.join(_STOP_S)
        for site in self._sites.values():
            site.let_go()
        self._listener.hang_up(_STOP_S)
        for site in self._sites.values():
            site.close()

    def _app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        request.max_content_length = MOST_BODY
        try:
            body = request.get_data()
        except HTTPException as err:  # 413: larger than any client here has reason for, and unread
            start_response(f"{err.code} {err.name}", [("Connection", "close")])
            return []
        raw_path = environ["RAW_URI"].partition("?")[0]
        for prefix in sorted(self._sites, key=len, reverse=True):
            if request.path == prefix or request.path.startswith(f"{prefix}/"):
                break
        else:
            start_response("404 Not Found", [("Content-Length", "0")])
            return []
        incoming = Incoming(
            method=request.method,
            path=request.path,
            raw_path=raw_path,
            raw_query=request.query_string.decode("latin-1"),
            headers={name.lower(): value for name, value in request.headers.items()},
            body=body,
            is_tls=request.is_secure,
        )
        return _sent(self._sites[prefix].handle(incoming), environ, start_response)


def _sent(
    answer: Outgoing, environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    """Raises ConnectionAbortedError for an answer that is to be dropped."""
    if answer.fate == "drop":
        raise ConnectionAbortedError
    content = answer.content()
    headers = list(answer.headers)
    if answer.status not in _BODILESS:
        headers.append(("Content-Length", str(len(content))))
    reason = HTTP_STATUS_CODES.get(answer.status, "Unknown")
    start_response(f"{answer.status} {reason}", headers)
    return [content[: len(content) // 2] if answer.fate == "truncate" else content]


class _Listener(ThreadedWSGIServer):
    """Knows its open connections, so that stopping does not wait for clients that keep theirs."""

    def __init__(
        self, host: str, bound: socket.socket, app: Any, tls: ssl.SSLContext | None
    ) -> None:
        self._open: set[socket.socket] = set()
        self._changed = threading.Condition()
        super().__init__(
            host,
            bound.getsockname()[1],
            app,
            _Handler,
            ssl_context=tls,
            # An own descriptor: Werkzeug prints and exits the process when it cannot bind.
            fd=bound.fileno(),
        )

    def came(self, connection: socket.socket) -> None:
        with self._changed:
            self._open.add(connection)

    def went(self, connection: socket.socket) -> None:
        with self._changed:
            self._open.discard(connection)
            self._changed.notify_all()

    def hang_up(self, within_s: float) -> None:
        """First no more is read, so that who is being answered still hears the answer."""
        with self._changed:
            for how in (socket.SHUT_RD, socket.SHUT_RDWR):
                for connection in self._open:
                    with contextlib.suppress(OSError):
                        connection.shutdown(how)
                self._changed.wait_for(lambda: not self._open, within_s)


class _Handler(WSGIRequestHandler):
    """Werkzeug's handler closes every connection and then reads on until the client is silent. Here
    the application has read the whole body before it answers, so the next request can follow.
    """

    protocol_version = "HTTP/1.1"
    server: _Listener
    timeout = _IDLE_S
    # Head and body leave in one segment, at once: no 40 ms between Nagle and a delayed ACK.
    wbufsize = -1
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.server.came(self.connection)

    def finish(self) -> None:
        try:
            with contextlib.suppress(OSError):
                super().finish()
        finally:
            self.server.went(self.connection)

    def handle_expect_100(self) -> bool:
        super().handle_expect_100()
        self.wfile.flush()
        return True

    def run_wsgi(self) -> None:
        self.environ = environ = self.make_environ()
        told: list[Any] = []

        def start_response(status: str, headers: Any, exc_info: Any = None) -> Any:
            told[:] = [status, headers]

        try:
            body = b"".join(self.server.app(environ, start_response))
        except ConnectionError:
            self.close_connection = True
            return
        except Exception:
            log.exception("The simulator failed on %s %s", self.command, self.path)
            told[:] = ["500 Internal Server Error", [("Content-Length", "0")]]
            body, self.close_connection = b"", True
        self._answer(told[0], dict(told[1]), told[1], body)

    def _answer(
        self, status: str, by_name: dict[str, str], headers: list[tuple[str, str]], body: bytes
    ) -> None:
        code, _, reason = status.partition(" ")
        length = by_name.get("Content-Length")
        if length is not None and int(length) != len(body):
            self.close_connection = True
        self.send_response(int(code), reason)
        for name, value in headers:
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log(self, type: str, message: str, *args: Any) -> None:
        log.debug(message.rstrip(), *args)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """The sites keep their own log."""
