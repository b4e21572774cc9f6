"""Files that a platform put on another host: where they may lie, what is sent there, how they are
read.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from typing import Any

import pytest

from integrations.errors import ContractBroken, Misconfigured, NotFound, PlatformError, Unavailable
from integrations.kit import files
from integrations.kit.auth import HeaderAuth
from integrations.kit.breaker import MemoryBreaker, State
from integrations.kit.ssrf import AddressGuard
from tests.integrations.kit.conftest import Desk
from tests.integrations.kit.server import (
    Request,
    ScriptedStore,
    answer,
    hang_up,
    say_and_hang_up,
)

Store = Callable[..., ScriptedStore]
Desks = Callable[..., Desk]

NOBODY = "nobody"
CONTENT = b"".join(b"line %03d\n" % number for number in range(100))


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "PIECE", 300)


def serving(content: bytes) -> Callable[[Request, socket.socket], None]:
    """As Google's storage answers."""

    def serve(request: Request, sock: socket.socket) -> None:
        start, end = (int(x) for x in re.findall(r"\d+", request.headers["Range"]))
        part = content[start : end + 1]
        if not part:
            sock.sendall(answer(416, b"", Content_Range=f"bytes */{len(content)}"))
            return
        span = f"bytes {start}-{start + len(part) - 1}/{len(content)}"
        sock.sendall(answer(206, part, content_type="text/plain", Content_Range=span))

    return serve


def read(desk: Desk, url: str, *, start: int = 0, hosts: str = NOBODY) -> bytes:
    found = b""
    with files.opened(desk.session, url, hosts=hosts) as file:
        while piece := file.piece(start + len(found)):
            found += piece
    return found


def test_a_file_is_read_in_pieces_to_its_end(store: Store, desk: Desks) -> None:
    shop = store(serving(CONTENT))
    desk_ = desk(shop)

    with files.opened(desk_.session, f"{shop.url}/f?signature=s", hosts=NOBODY) as file:
        assert file.size is None
        assert file.piece(0) == CONTENT[:300]
        assert file.size == 900
        assert file.piece(850) == CONTENT[850:]
        assert file.piece(900) == b""
    assert read(desk_, f"{shop.url}/f", start=10) == CONTENT[10:]


def test_nothing_that_proves_who_we_are_goes_there(store: Store, desk: Desks) -> None:
    shop = store(serving(CONTENT))
    desk_ = desk(shop, auth=HeaderAuth("X-Token", "secret"))
    desk_.session.learn = lambda answer: pytest.fail("asked for the store's limits")
    desk_.session.explain = lambda answer: pytest.fail("asked for the store's words")

    read(desk_, f"{shop.url}/f?signature=s")

    assert all("X-Token" not in request.headers for request in shop.requests)
    assert {request.headers["Accept-Encoding"] for request in shop.requests} == {"identity"}
    assert {request.target for request in shop.requests} == {"/f?signature=s"}
    assert {record.route for record in desk_.records} == {"/f"}
    assert "signature" not in str(desk_.records)


@pytest.mark.parametrize(
    "url",
    [
        "https://files.example.org/f",
        "https://a.files.example/f",
        "https://files.example.evil/f",
        "https://files.example@evil.example/f",
        "https://files.example:8443/f",
        "http://files.example/f",
        "https://shop.example:8443/f",
        "https://files.example\\@evil.example/f",
        "file:///etc/passwd",
        "//files.example/f",
        "https://127.0.0.1/f",
        "https://[::1]/f",
    ],
)
def test_a_file_anywhere_else_is_not_fetched(desk: Desks, url: str) -> None:
    session = desk("https://shop.example", guard=AddressGuard()).session

    with pytest.raises(Misconfigured), files.opened(session, url, hosts=r"files\.example"):
        pytest.fail("opened")


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.9", "169.254.169.254", "::1"])
def test_a_named_host_that_leads_inside_is_refused(
    desk: Desks, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [(family, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    session = desk("https://shop.example", guard=AddressGuard()).session

    with (
        files.opened(session, "https://files.example/f", hosts=r"files\.example") as file,
        pytest.raises(Misconfigured, match="not a public internet address"),
    ):
        file.piece(0)


def test_a_redirect_is_not_followed(store: Store, desk: Desks) -> None:
    there = store(serving(CONTENT))
    shop = store(answer(302, b"", Location=f"{there.url}/f"))

    with pytest.raises(Misconfigured) as caught:
        read(desk(shop), f"{shop.url}/f")

    assert caught.value.code == "redirected"
    assert there.requests == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_file_that_is_gone_says_so(store: Store, desk: Desks, status: int) -> None:
    shop = store(answer(status, b"<Error/>", content_type="application/xml"))

    with pytest.raises(NotFound) as caught:
        read(desk(shop), f"{shop.url}/f?signature=s")

    assert (caught.value.code, caught.value.status) == (files.GONE, status)
    assert "signature" not in str(caught.value)


def test_a_host_that_gives_all_at_once_is_understood(store: Store, desk: Desks) -> None:
    shop = store(answer(200, CONTENT[:500], content_type="text/plain"))

    assert read(desk(shop), f"{shop.url}/f", start=100) == CONTENT[100:500]


def test_more_than_a_piece_at_once_is_refused(store: Store, desk: Desks) -> None:
    shop = store(answer(200, CONTENT, content_type="text/plain"))

    with pytest.raises(ContractBroken) as caught:
        read(desk(shop), f"{shop.url}/f")

    assert caught.value.code == "too_large"


@pytest.mark.parametrize(
    "span", ["bytes 5-304/900", "bytes 0-298/900", "bytes */900", "lines 0-299/900", ""]
)
def test_another_part_than_was_asked_for_is_refused(store: Store, desk: Desks, span: str) -> None:
    shop = store(answer(206, CONTENT[:300], Content_Range=span))

    with pytest.raises(ContractBroken) as caught:
        read(desk(shop), f"{shop.url}/f")

    assert caught.value.code == "wrong_piece"


def test_a_piece_that_breaks_off_is_asked_for_again(store: Store, desk: Desks) -> None:
    whole = answer(206, CONTENT[:300], Content_Range="bytes 0-299/900")
    shop = store(say_and_hang_up(whole[:-100]), serving(CONTENT))

    assert read(desk(shop), f"{shop.url}/f") == CONTENT


@pytest.mark.parametrize("script", [answer(503), hang_up])
def test_trouble_of_the_files_host_is_none_of_the_store(
    store: Store, desk: Desks, script: Any
) -> None:
    shop, breaker = store(script), MemoryBreaker()
    desk_ = desk(shop, breaker=breaker)
    for _ in range(6):
        with pytest.raises(PlatformError) as caught:
            read(desk_, f"{shop.url}/f")

    assert isinstance(caught.value, Unavailable)
    assert breaker.state.state is State.CLOSED


@pytest.mark.parametrize("end", [answer(416, b""), answer(200, b""), answer(200, CONTENT[:200])])
def test_a_file_that_ends_before_its_size_is_cut_short(
    store: Store, desk: Desks, end: bytes
) -> None:
    shop = store(answer(206, CONTENT[:300], Content_Range="bytes 0-299/900"), end)

    with (
        files.opened(desk(shop).session, f"{shop.url}/f", hosts=NOBODY) as file,
        pytest.raises(ContractBroken) as caught,
    ):
        list(file.pieces())

    assert caught.value.code == "cut_short"
