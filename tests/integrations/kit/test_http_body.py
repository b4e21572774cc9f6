"""``PlatformSession``: cut-off, oversized, packed and mislabelled bodies, and certificates."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any

import pytest

from integrations.errors import (
    ContractBroken,
    Misconfigured,
    NotFound,
    OutcomeUnknown,
    Unavailable,
)
from tests.integrations.kit.conftest import Authority, Desk
from tests.integrations.kit.server import ScriptedStore, answer, say_and_hang_up

Store = Callable[..., ScriptedStore]
Desks = Callable[..., Desk]


# -- size and shape of the body


def test_a_cut_off_body_is_unavailable_and_tried_again(store: Store, desk: Desks) -> None:
    cut = say_and_hang_up(answer(200, b'{"a":', length=500))
    session = desk(store(cut, answer(200, {"a": 1}))).session

    assert session.get("a").json() == {"a": 1}

    with pytest.raises(Unavailable) as caught:
        desk(store(cut)).session.get("a")
    assert caught.value.code == "truncated"


def test_a_cut_off_chunked_body_is_unavailable(store: Store, desk: Desks) -> None:
    cut = say_and_hang_up(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n[1,2,\r\n9\r\n3,4"
    )

    with pytest.raises(Unavailable):
        desk(store(cut), retries=0).session.get("a")


def test_a_cut_off_answer_to_a_write_is_unknown(store: Store, desk: Desks) -> None:
    with pytest.raises(OutcomeUnknown):
        desk(store(say_and_hang_up(answer(201, b'{"id":', length=500)))).session.post("a", json={})


def test_gzip_is_undone(store: Store, desk: Desks) -> None:
    packed = gzip.compress(b'{"a":') + gzip.compress(b"1}")

    assert desk(store(answer(200, packed, Content_Encoding="gzip"))).session.get("a").json() == {
        "a": 1
    }


def test_a_gzip_bomb_stops_at_the_cap(store: Store, desk: Desks) -> None:
    bomb = gzip.compress(b"0" * (30 * 1024 * 1024))
    assert len(bomb) < 100_000

    with pytest.raises(ContractBroken) as caught:
        desk(store(answer(200, bomb, Content_Encoding="gzip"))).session.get("a")

    assert caught.value.code == "too_large"


def test_half_a_gzip_is_not_a_body(store: Store, desk: Desks) -> None:
    half = gzip.compress(b'{"a":1}' * 100)[:-9]

    with pytest.raises(Unavailable) as caught:
        desk(store(answer(200, half, Content_Encoding="gzip")), retries=0).session.get("a")

    assert caught.value.code == "truncated"


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "deflate"])
def test_an_encoding_nobody_asked_for_is_refused(store: Store, desk: Desks, encoding: str) -> None:
    with pytest.raises(ContractBroken):
        desk(store(answer(200, b"x", Content_Encoding=encoding))).session.get("a")


def test_what_only_claims_to_be_gzip_is_refused(store: Store, desk: Desks) -> None:
    with pytest.raises(ContractBroken) as caught:
        desk(store(answer(200, b'{"a":1}', Content_Encoding="gzip"))).session.get("a")

    assert caught.value.code == "bad_encoding"


def test_an_error_is_named_whatever_its_page_is_packed_in(store: Store, desk: Desks) -> None:
    session = desk(store(answer(404, b"x", Content_Encoding="br"))).session

    with pytest.raises(NotFound):
        session.get("a")


def test_an_endless_error_page_is_read_in_part(store: Store, desk: Desks) -> None:
    session = desk(
        store(answer(404, b"<html>" + b"x" * 3_000_000, content_type="text/html"))
    ).session

    with pytest.raises(NotFound) as caught:
        session.get("a")

    assert caught.value.code == "html_answer"


def test_a_body_beyond_the_cap_is_refused_and_one_at_the_cap_is_not(
    store: Store, desk: Desks
) -> None:
    with pytest.raises(ContractBroken):
        desk(store(answer(200, b"x" * 1001)), max_body=1000).session.get("a")

    assert len(desk(store(answer(200, b"x" * 1000)), max_body=1000).session.get("a").body) == 1000


def test_headers_beyond_the_cap_are_refused(store: Store, desk: Desks) -> None:
    many: Any = {f"X_{number}": "y" * 8000 for number in range(20)}
    big = answer(200, b"{}", **many)

    with pytest.raises(ContractBroken) as caught:
        desk(store(big)).session.get("a")

    assert caught.value.code == "headers_too_large"


def test_a_web_page_is_not_json_and_says_so(store: Store, desk: Desks) -> None:
    shop = store(answer(200, b"<!DOCTYPE html><p>Maintenance", content_type="text/html"))
    got = desk(shop).session.get("a")

    assert got.is_html
    with pytest.raises(ContractBroken, match="web page instead of JSON"):
        got.json()


def test_what_is_not_http_is_unavailable(store: Store, desk: Desks) -> None:
    with pytest.raises(Unavailable):
        desk(store(say_and_hang_up(b"SSH-2.0-OpenSSH_9\r\n\r\n")), retries=0).session.get("a")


# -- TLS


def test_a_trusted_certificate_is_accepted(store: Store, desk: Desks, authority: Authority) -> None:
    shop = store(answer(200, {"a": 1}), tls=authority.server("localhost"))

    got = desk(shop, ca_bundle=str(authority.bundle)).session.get("a")

    assert got.json() == {"a": 1}


@pytest.mark.parametrize(
    ("made", "code"),
    [
        ({"host": "localhost", "expired": True}, "tls_expired"),
        ({"host": "localhost", "own": True}, "tls_self_signed"),
        ({"host": "other.example"}, "tls_wrong_host"),
    ],
)
def test_a_bad_certificate_is_staffs_business_and_is_not_retried(
    store: Store, desk: Desks, authority: Authority, made: dict[str, Any], code: str
) -> None:
    shop = store(answer(), tls=authority.server(**made))
    call = desk(shop, ca_bundle=str(authority.bundle))

    with pytest.raises(Misconfigured, match="The certificate of localhost") as caught:
        call.session.get("a")

    assert caught.value.code == code
    assert shop.requests == []
    assert call.records[0].attempts == 1


def test_an_unknown_authority_is_refused_without_its_bundle(
    store: Store, desk: Desks, authority: Authority
) -> None:
    shop = store(answer(), tls=authority.server("localhost"))

    with pytest.raises(Misconfigured) as caught:
        desk(shop).session.get("a")

    assert caught.value.code == "tls_incomplete"


def test_plain_http_on_a_tls_port_is_named(store: Store, desk: Desks) -> None:
    shop = store(answer())
    shop.greeting = b"HTTP/1.1 400 Bad\r\n\r\n"

    with pytest.raises(Misconfigured) as caught:
        desk(shop.url.replace("http:", "https:")).session.get("a")

    assert caught.value.code == "tls_failed"


def test_the_tls_context_is_shared_between_sessions(desk: Desks) -> None:
    from integrations.kit.wire import tls_context

    desk("https://shop.example")
    first = tls_context()
    desk("https://other.example")

    assert tls_context() is first
