"""The bytes below ``kit.http``: guarded connections, one deadline down to each ``recv``, shared TLS
contexts.

What goes wrong before a request is sent leaves here already named as a ``PlatformError``; what goes
wrong after it leaves as urllib3 and requests put it, and ``Wire.sent`` tells the two apart.
"""

from __future__ import annotations

import io
import socket
import ssl
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from http.client import HTTPResponse
from typing import Any

import certifi
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.poolmanager import PoolManager
from urllib3.util.ssl_ import create_urllib3_context

from integrations.errors import ContractBroken, Misconfigured, PlatformError, Unavailable
from integrations.kit.ssrf import AddressGuard

_SEND_CHUNK = 64 * 1024
_READ_AHEAD = 16 * 1024

# OpenSSL's verify codes (x509_vfy.h) → our code and what the person who connects the store can do.
CERTIFICATE_PROBLEMS: dict[int, tuple[str, str]] = {
    9: (
        "tls_not_yet_valid",
        "is not valid yet. Check the clock of this hub, then the store's certificate.",
    ),
    10: ("tls_expired", "has expired. The store's operator must renew it."),
    18: (
        "tls_self_signed",
        "is self-signed. The store needs one from a public certificate authority.",
    ),
    19: (
        "tls_self_signed",
        "comes from a private authority. The store needs one from a public authority.",
    ),
    20: (
        "tls_incomplete",
        "comes without its intermediate certificates. The store's operator must add the chain.",
    ),
    21: (
        "tls_incomplete",
        "comes without its intermediate certificates. The store's operator must add the chain.",
    ),
    23: ("tls_revoked", "has been revoked. The store's operator must replace it."),
    62: (
        "tls_wrong_host",
        "belongs to another host. Check the store's address, with or without www.",
    ),
    64: (
        "tls_wrong_host",
        "belongs to another host. Check the store's address, with or without www.",
    ),
}
OTHER_CERTIFICATE_PROBLEM = ("tls_untrusted", "is not trusted. The store's operator must mend it.")


@dataclass(slots=True)
class Wire:
    """One try under way. ``deadline`` is a reading of ``clock``; seconds throughout."""

    guard: AddressGuard
    deadline: float
    connect_s: float
    read_s: float
    max_headers: int
    clock: Callable[[], float] = time.monotonic
    sent: bool = False

    def left(self, at_most: float) -> float:
        """Seconds the next step may take. Raises TimeoutError when the deadline has passed."""
        left = min(at_most, self.deadline - self.clock())
        if left <= 0:
            raise TimeoutError("the total deadline has passed")
        return left


# Connections are reached through three layers of library that carry no argument of ours. Unset,
# nothing connects.
CURRENT: ContextVar[Wire] = ContextVar("wire")


class _TimedReader(io.RawIOBase):
    """Reads a socket so that no trickle of single bytes outlives the deadline, and no header
    outgrows its cap.
    """

    def __init__(self, sock: socket.socket, wire: Wire) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._wire = wire
        self.header_room: int | None = wire.max_headers + _READ_AHEAD

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._wire.left(self._wire.read_s))
        count = self._raw.readinto(buffer)
        if self.header_room is not None and count:
            self.header_room -= count
            if self.header_room < 0:
                raise ContractBroken(
                    f"The store sent more than {self._wire.max_headers // 1000} kB of headers.",
                    code="headers_too_large",
                )
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self._timed = _TimedReader(sock, CURRENT.get())
        self.fp = io.BufferedReader(self._timed, _READ_AHEAD)

    def begin(self) -> None:
        super().begin()
        self._timed.header_room = None


class _Guarded:
    """What both connection classes add: the guard's connection, timed sending, the note that
    sending began.
    """

    response_class = _Response
    sock: Any
    host: str
    port: int

    def _new_conn(self) -> socket.socket:
        wire = CURRENT.get()
        try:
            sock = wire.guard.connect(self.host, self.port, wire.left(wire.connect_s))
        except TimeoutError as err:
            raise no_time_left(self.host) from err
        # A handshake that follows may take what is left, and fails at once when nothing is.
        sock.settimeout(max(0.001, min(wire.connect_s, wire.deadline - wire.clock())))
        return sock

    def send(self, data: Any) -> None:
        wire = CURRENT.get()
        if self.sock is None:
            self.connect()  # type: ignore[attr-defined]  # from the urllib3 class mixed in
        wire.sent = True
        view = memoryview(data)
        for start in range(0, len(view), _SEND_CHUNK):
            self.sock.settimeout(wire.left(wire.read_s))
            self.sock.sendall(view[start : start + _SEND_CHUNK])


class _PlainConnection(_Guarded, HTTPConnection):  # type: ignore[misc]  # narrower types than urllib3 declares
    pass


class _TLSConnection(_Guarded, HTTPSConnection):  # type: ignore[misc]
    def connect(self) -> None:
        """Raises Misconfigured for a bad certificate, Unavailable when the handshake fails
        otherwise.
        """
        try:
            super().connect()
        except PlatformError:
            raise
        except Exception as err:
            raise _handshake_error(self.host, err) from err


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


class GuardedAdapter(HTTPAdapter):
    """Transport of requests whose connections obey ``CURRENT``. Keeps ``per_host`` connections open
    for each host.
    """

    def __init__(self, *, per_host: int, ca_bundle: str | None = None) -> None:
        self._tls = tls_context(ca_bundle)
        super().__init__(pool_connections=2, pool_maxsize=per_host, max_retries=0)

    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any
    ) -> None:
        manager = PoolManager(
            num_pools=connections, maxsize=maxsize, block=block, ssl_context=self._tls
        )
        manager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TLSPool}
        self.poolmanager = manager

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """The shared context verifies; the stock method would load the root certificates for every
        connection.
        """


@lru_cache(maxsize=8)
def tls_context(ca_bundle: str | None = None) -> ssl.SSLContext:
    """TLS 1.2 or newer, public roots, and those of the PEM file ``ca_bundle`` beside them. Building
    one costs ~20 ms.
    """
    context = create_urllib3_context(ssl_minimum_version=ssl.TLSVersion.TLSv1_2)
    context.verify_mode = ssl.CERT_REQUIRED
    context.check_hostname = True
    context.load_verify_locations(certifi.where())
    if ca_bundle:
        context.load_verify_locations(ca_bundle)
    return context


def no_time_left(host: str) -> Unavailable:
    return Unavailable(f"{host} did not answer in the time allowed for the call.", code="timeout")


def _handshake_error(host: str, err: Exception) -> PlatformError:
    cause: BaseException | None = err
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            code, sentence = CERTIFICATE_PROBLEMS.get(cause.verify_code, OTHER_CERTIFICATE_PROBLEM)
            return Misconfigured(f"The certificate of {host} {sentence}", code=code)
        if isinstance(cause, TimeoutError):
            return Unavailable(
                f"{host} did not finish the TLS handshake in time.", code="connect_timeout"
            )
        if isinstance(cause, ssl.SSLError) and not isinstance(
            cause, ssl.SSLEOFError | ssl.SSLZeroReturnError
        ):
            return Misconfigured(
                f"{host} does not speak TLS 1.2 or newer on this port. Check the address and the "
                "port.",
                code="tls_failed",
            )
        cause = cause.__cause__ or cause.__context__
    return Unavailable(f"{host} closed the connection during the TLS handshake.", code="reset")
