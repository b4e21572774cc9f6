"""Where the hub may connect to: the check of an address as written, and of the address the socket
really reached.

A merchant types a store's address, and a hacked store's DNS may answer anything, so both are
hostile. Names are resolved once, every address they resolve to must be public, and the socket's own
peer is looked at after connecting.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import idna

from integrations.errors import Misconfigured, Unavailable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# ``is_global`` says True for several of these in Python 3.11 (multicast, NAT64, 6to4,
# ``::a.b.c.d``, site-local), so the list is written out and ``is_global`` is only the second net.
# Source: IANA special-purpose registries, 2025-10.
DENIED: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    )
)

DEFAULT_PORTS = {"https": 443, "http": 80}
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f-\x9f\\]")
_HOST_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host (A-label or bare IP) and port of an address that may be called."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"


class AddressGuard:
    """Decides which addresses may be called.

    ``allow_cidrs`` are networks of the hub's own LAN that hold stores (server configuration only);
    ``deny_cidrs`` the hub's own public addresses. ``allow_loopback_http`` opens http and any port
    for ``localhost`` and loopback literals: for the simulators, never in production.
    """

    def __init__(
        self,
        allow_cidrs: Iterable[str] = (),
        allow_loopback_http: bool = False,
        ports: Sequence[int] = (443, 8443),
        deny_cidrs: Iterable[str] = (),
    ) -> None:
        self.allowed = tuple(ipaddress.ip_network(cidr) for cidr in allow_cidrs)
        self.denied = DENIED + tuple(ipaddress.ip_network(cidr) for cidr in deny_cidrs)
        self.own = self.denied[len(DENIED) :]
        self.allow_loopback_http = allow_loopback_http
        self.ports = frozenset(ports)

    def check_url(self, url: str) -> Origin:
        """The origin of ``url``; raises Misconfigured with a sentence when it may not be called. No
        DNS is asked.
        """
        if _UNPRINTABLE.search(url):
            raise _refused(
                "The store's address contains spaces, backslashes or control characters."
            )
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as err:
            raise _refused("The store's address is not a valid web address.") from err
        if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
            raise _refused("The store's address must look like https://shop.example.")
        if "@" in parts.netloc:
            raise _refused("The store's address must not contain a user name or password.")
        host = _ascii_host(parts.hostname)
        origin = Origin(parts.scheme, host, DEFAULT_PORTS[parts.scheme] if port is None else port)
        if self._is_open_loopback(host):
            return origin
        if origin.scheme != "https":
            raise _refused("The store's address must begin with https://.", "https_required")
        if origin.port not in self.ports:
            known = ", ".join(str(number) for number in sorted(self.ports))
            raise _refused(f"Port {origin.port} of {host} may not be called; allowed are {known}.")
        return origin

    def is_open_inside(self, host: str) -> bool:
        """Whether ``host`` is a loopback name or an address of the hub's own networks that the
        operator opened for stores. No DNS is asked.
        """
        if self._is_open_loopback(host):
            return True
        try:
            return _within(ipaddress.ip_address(host), self.allowed)
        except ValueError:
            return False

    def check_address(self, host: str, address: str) -> None:
        """Raise Misconfigured when ``address``, which ``host`` resolved or connected to, is not a
        public one.
        """
        ip = ipaddress.ip_address(address.split("%", 1)[0])
        inner = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
        ip = inner or ip
        if self._is_open_loopback(host):
            if ip.is_loopback:
                return
        elif _within(ip, self.allowed) and not _within(ip, self.own):
            return
        if not _within(ip, self.denied) and ip.is_global:
            return
        raise _refused(
            f"{host} leads to {ip}, which is not a public internet address. "
            "Enter the store's public address, or ask the operator of this hub to allow that "
            "network."
        )

    def resolve(self, host: str, port: int) -> list[str]:
        """All addresses of ``host``, each checked; one bad address refuses them all. Asks DNS once.

        Raises Misconfigured, or Unavailable when DNS does not know the name or does not answer.
        """
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as err:
            raise Unavailable(
                f"The name {host} could not be found in DNS. Check the store's address.", code="dns"
            ) from err
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        for address in addresses:
            self.check_address(host, address)
        return addresses

    def connect(self, host: str, port: int, timeout_s: float) -> socket.socket:
        """A TCP connection to a checked address of ``host``. Each address may take ``timeout_s``,
        all of them twice that, so that one dead IPv6 address does not hide the store.

        Raises Misconfigured for a forbidden address, Unavailable when nobody answers.
        """
        error: OSError | None = None
        deadline = time.monotonic() + 2 * timeout_s
        for address in self.resolve(host, port):
            left = min(timeout_s, deadline - time.monotonic())
            if left <= 0:
                break
            try:
                sock = socket.create_connection((address, port), timeout=left)
            except OSError as err:
                error = err
                continue
            try:
                self.check_address(host, str(sock.getpeername()[0]))
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except Misconfigured:
                sock.close()
                raise
            except OSError as err:
                sock.close()
                error = err
                continue
            return sock
        if isinstance(error, TimeoutError):
            raise Unavailable(
                f"{host} did not accept a connection within {timeout_s:.0f} s.",
                code="connect_timeout",
            ) from error
        raise Unavailable(
            f"{host} refused the connection on port {port}.", code="refused"
        ) from error

    def _is_open_loopback(self, host: str) -> bool:
        if not self.allow_loopback_http:
            return False
        if host == "localhost":
            return True
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False


def _within(ip: Address, networks: Iterable[Network]) -> bool:
    return any(ip.version == network.version and ip in network for network in networks)


def _ascii_host(host: str) -> str:
    """``host`` as DNS knows it: lower case, A-labels, no trailing dot; IP literals in their
    canonical spelling.
    """
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        name = host if host.isascii() else idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError as err:
        raise _refused(f"{host!r} is not a valid host name.") from err
    name = name.lower().removesuffix(".")
    if len(name) > 253 or not _HOST_NAME.fullmatch(name):
        raise _refused(f"{name!r} is not a valid host name.")
    return name


def _refused(sentence: str, code: str = "address_refused") -> Misconfigured:
    return Misconfigured(sentence, code=code)
