"""Webhook signatures against a recorded delivery of a real store, and against everything that is
not quite it.
"""

from __future__ import annotations

import base64
import hmac
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.kit.signatures import SCHEMES, sign, verify

BODY = b'{"id":1,"name":"Caf\\u00e9"}'
URL = "https://hub.example/api/v1/square/webhooks/receive/abc"


def test_the_schemes_are_what_the_platforms_document() -> None:
    digest = hmac.new(b"key", BODY, sha256)
    square = hmac.new(b"key", URL.encode() + BODY, sha256)

    assert {name: sign(name, secret="key", body=BODY, url=URL) for name in SCHEMES} == {
        "hmac-sha256-base64": base64.b64encode(digest.digest()).decode(),
        "hmac-sha256-hex": digest.hexdigest(),
        "square-url-body-hmac": base64.b64encode(square.digest()).decode(),
    }


@pytest.mark.parametrize("scheme", SCHEMES)
def test_any_live_secret_fits_and_no_other(scheme: str) -> None:
    signature = sign(scheme, secret="old", body=BODY, url=URL)

    def holds(*secrets: bytes | str) -> bool:
        return verify(scheme, secrets=secrets, body=BODY, signature=signature, url=URL)

    assert holds("new", "old")
    assert holds(b"old")
    assert not holds("new")
    assert not holds()
    assert not verify(scheme, secrets=["old"], body=BODY + b" ", signature=signature, url=URL)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("junk", ["", " ", "é", "AAAA", "0" * 64, "\ud800", "=" * 44])
def test_junk_is_refused_without_an_error(scheme: str, junk: str) -> None:
    assert not verify(scheme, secrets=["s"], body=BODY, signature=junk, url=URL)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_an_empty_secret_never_fits(scheme: str) -> None:
    signature = sign(scheme, secret="", body=BODY, url=URL)

    assert not verify(scheme, secrets=["", b""], body=BODY, signature=signature, url=URL)


def test_square_binds_the_address() -> None:
    signature = sign("square-url-body-hmac", secret="s", body=BODY, url=URL)

    assert not verify(
        "square-url-body-hmac", secrets=["s"], body=BODY, signature=signature, url=URL + "x"
    )


def test_an_unknown_scheme_is_an_error() -> None:
    with pytest.raises(KeyError):
        verify("md5", secrets=["s"], body=BODY, signature="x")


@given(st.binary(max_size=200), st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_what_was_signed_is_verified(body: bytes, secret: str) -> None:
    for scheme in SCHEMES:
        signature = sign(scheme, secret=secret, body=body, url=URL)
        assert verify(scheme, secrets=[secret], body=body, signature=signature, url=URL)
