"""The address guard: what may be written, what may be resolved to, what may be reached."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest

from integrations.errors import Misconfigured, Unavailable
from integrations.kit.ssrf import AddressGuard
from tests.integrations.kit.server import ScriptedStore, answer

FORBIDDEN = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",  # noqa: S104 - a forbidden address
    "10.1.2.3",
    "100.64.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "203.0.113.5",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "3fff::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]
PUBLIC = ["93.184.216.34", "8.8.8.8", "172.15.255.255", "2606:4700::1111", "::ffff:8.8.8.8"]


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """``dns("shop.example", "1.2.3.4", …)``: fakes the answer; the list returned notes who was
    asked for.
    """
    known: dict[str, tuple[str, ...]] = {}
    asked: list[str] = []
    real = socket.getaddrinfo

    def fake(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if host not in known:
            return real(host, port, *args, **kwargs)
        asked.append(host)
        return [
            (
                socket.AF_INET6 if ":" in address else socket.AF_INET,
                socket.SOCK_STREAM,
                6,
                "",
                (address, port, 0, 0) if ":" in address else (address, port),
            )
            for address in known[host]
        ]

    def say(host: str, *addresses: str) -> list[str]:
        known[host] = addresses
        return asked

    monkeypatch.setattr(socket, "getaddrinfo", fake)
    return say


def reach(guard: AddressGuard, host: str) -> list[str]:
    """The two checks a call goes through before it connects."""
    return guard.resolve(guard.check_url(f"https://{host}/").host, 443)


@pytest.mark.parametrize("address", FORBIDDEN)
def test_a_name_that_leads_to_a_forbidden_address_is_refused(
    dns: Callable[..., list[str]], address: str
) -> None:
    dns("shop.example", address)

    with pytest.raises(Misconfigured, match=r"shop\.example leads to"):
        AddressGuard(allow_loopback_http=True).connect("shop.example", 443, 1)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_pass(dns: Callable[..., list[str]], address: str) -> None:
    dns("shop.example", address)

    assert AddressGuard().resolve("shop.example", 443) == [address]


def test_one_bad_address_among_good_ones_refuses_them_all(dns: Callable[..., list[str]]) -> None:
    dns("shop.example", "93.184.216.34", "10.0.0.1")

    with pytest.raises(Misconfigured):
        AddressGuard().resolve("shop.example", 443)


@pytest.mark.parametrize(
    "host",
    ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "①②⑦.⓪.⓪.①", "127.0.0.1", "[::1]", "0"],
)
def test_every_spelling_of_loopback_is_refused(host: str) -> None:
    with pytest.raises(Misconfigured):
        reach(AddressGuard(), host)


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1"])
def test_odd_spellings_stay_refused_where_loopback_is_open(host: str) -> None:
    with pytest.raises(Misconfigured):
        reach(AddressGuard(allow_loopback_http=True), host)


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/",
        "ftp://shop.example/",
        "file:///etc/passwd",
        "shop.example",
        "//shop.example",
        "https://",
        "https://user@shop.example/",
        "https://user:pw@shop.example/",
        "https://@shop.example/",
        "https://shop.example\\@evil.example/",
        "https://shop.example/\r\nX: y",
        "https://shop.example/a b",
        "https://shop.example/\x00",
        "https://shop.example:22/",
        "https://shop.example:0/",
        "https://shop.example:99999/",
        "https://shop.example:x/",
        "https://shop..example/",
        "https://-shop.example/",
        "https://" + "a" * 64 + ".example/",
        "https://[::1/",
        "https://sh%6fp.example/",
        "https://xn--/",
        "https://a,b.example/",
    ],
)
def test_an_address_that_is_not_a_plain_https_one_is_refused(url: str) -> None:
    with pytest.raises(Misconfigured):
        AddressGuard(allow_loopback_http=True).check_url(url)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Shop.Example/a?b", "https://shop.example"),
        ("https://shop.example:443", "https://shop.example"),
        ("https://shop.example.:8443/x", "https://shop.example:8443"),
        ("https://bücher.example/", "https://xn--bcher-kva.example"),
        ("https://[2606:4700::1111]/", "https://[2606:4700::1111]"),
    ],
)
def test_an_origin_has_one_spelling(url: str, origin: str) -> None:
    assert str(AddressGuard().check_url(url)) == origin


@pytest.mark.parametrize(
    "url",
    ["http://localhost:5000/x", "http://127.0.0.1:5000", "http://[::1]:9", "https://localhost:1"],
)
def test_loopback_is_open_only_where_it_was_opened(url: str) -> None:
    assert AddressGuard(allow_loopback_http=True).check_url(url)
    with pytest.raises(Misconfigured):
        AddressGuard().check_url(url)


def test_localhost_must_really_be_loopback(dns: Callable[..., list[str]]) -> None:
    dns("localhost", "10.0.0.1")

    with pytest.raises(Misconfigured):
        AddressGuard(allow_loopback_http=True).connect("localhost", 80, 1)


def test_the_hubs_own_network_may_be_allowed_and_its_own_addresses_denied(
    dns: Callable[..., list[str]],
) -> None:
    dns("lan.example", "192.168.7.5")
    dns("self.example", "192.168.7.1")
    guard = AddressGuard(allow_cidrs=["192.168.7.0/24"], deny_cidrs=["192.168.7.1/32"])

    assert guard.resolve("lan.example", 443) == ["192.168.7.5"]
    with pytest.raises(Misconfigured):
        guard.resolve("self.example", 443)


def test_dns_is_asked_once_and_its_answer_is_what_is_connected_to(
    dns: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = ScriptedStore([answer()])
    asked = dns("shop.example", "127.0.0.1")
    guard = AddressGuard(allow_cidrs=["127.0.0.1/32"], ports=(shop.port,))

    sock = guard.connect("shop.example", shop.port, 1)

    assert sock.getpeername() == ("127.0.0.1", shop.port)
    assert asked == ["shop.example"]
    sock.close()
    shop.close()


def test_the_address_that_was_reached_is_looked_at_again(
    dns: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = ScriptedStore([answer()])
    dns("shop.example", "93.184.216.34")
    real = socket.create_connection
    monkeypatch.setattr(
        socket, "create_connection", lambda *_args, **_kw: real(("127.0.0.1", shop.port))
    )

    with pytest.raises(Misconfigured, match=r"leads to 127\.0\.0\.1"):
        AddressGuard().connect("shop.example", 443, 1)
    shop.close()


def test_an_unknown_name_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: Any, **_kwargs: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)

    with pytest.raises(Unavailable) as caught:
        AddressGuard().connect("nowhere.example", 443, 1)
    assert caught.value.code == "dns"


def test_the_next_address_is_tried_when_one_does_not_answer(dns: Callable[..., list[str]]) -> None:
    shop = ScriptedStore([answer()])
    dns("shop.example", "::1", "127.0.0.1")
    shop_only = AddressGuard(allow_cidrs=["127.0.0.0/8", "::1/128"], ports=(shop.port,))

    sock = shop_only.connect("shop.example", shop.port, 1)

    assert sock.getpeername()[0] == "127.0.0.1"
    sock.close()
    shop.close()
