"""Ways to sign a call, checked on what would go over the wire."""

from __future__ import annotations

import base64
import hmac
from hashlib import sha1, sha256
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
import requests
from oauthlib.oauth1 import Client
from oauthlib.oauth1.rfc5849 import signature as reference

from integrations.errors import AuthenticationFailed
from integrations.kit.auth import BasicAuth, HeaderAuth, OneLeggedOAuth1, QueryAuth


def prepared(auth: Any, url: str, method: str = "GET", **options: Any) -> requests.PreparedRequest:
    return requests.Request(method, url, auth=auth, **options).prepare()


def expected(method: str, url: str, secret: str, digest: Any, extra: str = "") -> str:
    """RFC 5849 section 3.4, written out: the signature of everything in ``url`` but the signature
    itself.
    """
    parts = urlsplit(url)
    pairs = parse_qsl(parts.query, keep_blank_values=True) + parse_qsl(
        extra, keep_blank_values=True
    )
    coded = sorted(
        (quote(k, safe="~"), quote(v, safe="~")) for k, v in pairs if k != "oauth_signature"
    )
    port = (
        "" if parts.port in (None, {"http": 80, "https": 443}[parts.scheme]) else f":{parts.port}"
    )
    base = "&".join(
        quote(part, safe="~")
        for part in (
            method,
            f"{parts.scheme}://{parts.hostname}{port}{parts.path or '/'}",
            "&".join(f"{k}={v}" for k, v in coded),
        )
    )
    key = quote(secret, safe="~") + "&"
    return base64.b64encode(hmac.new(key.encode(), base.encode(), digest).digest()).decode()


CASES = [
    ("GET", "http://localhost:8080/wp-json/wc/v3/orders", {"page": "1", "per_page": "100"}),
    ("GET", "http://localhost/wp-json/wc/v3/orders", {"status[0]": "a", "status[1]": "b"}),
    ("GET", "http://localhost/o", [("a[]", "2"), ("a[]", "1"), ("a", "")]),
    ("GET", "http://localhost/o", {"search": "Žluťoučký kůň & Söhne +1 ~*'()"}),
    ("GET", "http://localhost/o", {"after": "2026-11-01T00:00:00+00:00", "empty": ""}),
    ("DELETE", "https://shop.example/o/1?force=true", {}),
    ("GET", "https://shop.example:8443/sub dir/o", {"q": "a=b&c%20d"}),
    ("GET", "http://localhost/?rest_route=/wc/v3/orders", {"x": "1"}),
]


@pytest.mark.parametrize("name", ["HMAC-SHA256", "HMAC-SHA1"])
@pytest.mark.parametrize(("method", "url", "params"), CASES)
def test_an_oauth1_signature_is_the_one_of_the_rfc(
    method: str, url: str, params: Any, name: str
) -> None:
    auth = OneLeggedOAuth1("ck_1", "cs_&ü", signature=name)

    sent = str(prepared(auth, url, method, params=params).url)

    query = dict(parse_qsl(urlsplit(sent).query, keep_blank_values=True))
    digest = {"HMAC-SHA256": sha256, "HMAC-SHA1": sha1}[name]
    assert query["oauth_signature"] == expected(method, sent, "cs_&ü", digest)
    assert query["oauth_signature_method"] == name
    assert query["oauth_consumer_key"] == "ck_1"


@pytest.mark.parametrize(("method", "url", "params"), CASES)
def test_the_query_a_server_reads_is_the_query_that_was_meant(
    method: str, url: str, params: Any
) -> None:
    plain = parse_qsl(urlsplit(str(prepared(None, url, params=params).url)).query, True)
    signed = parse_qsl(
        urlsplit(str(prepared(OneLeggedOAuth1("k", "s"), url, params=params).url)).query, True
    )

    assert [pair for pair in signed if not pair[0].startswith("oauth_")] == plain


def test_our_expectation_meets_the_worked_example_of_the_rfc() -> None:
    """The request of RFC 5849 section 1.2, signed one-legged: oauthlib agrees with our own
    writing-out.
    """
    url = "http://photos.example.net/photos?file=vacation.jpg&size=original&oauth_nonce=chapoH"
    pairs = reference.collect_parameters(urlsplit(url).query)
    base = reference.signature_base_string(
        "GET",
        reference.base_string_uri(url),
        reference.normalize_parameters(pairs),  # type: ignore[arg-type]  # stubs want a dict
    )
    theirs = reference.sign_hmac_sha256_with_client(  # type: ignore[no-untyped-call]
        base, Client("k", client_secret="kd94hf93k423kf44")
    )

    assert expected("GET", url, "kd94hf93k423kf44", sha256) == theirs


def test_the_fields_of_a_form_are_signed_with_it() -> None:
    request = prepared(
        OneLeggedOAuth1("k", "s"), "http://localhost/o?a=1", "POST", data={"b": "2 3"}
    )

    sent = str(request.url)
    query = dict(parse_qsl(urlsplit(sent).query))
    assert query["oauth_signature"] == expected("POST", sent, "s", sha256, extra="b=2+3")
    assert request.body == "b=2+3"


def test_a_json_body_is_left_alone() -> None:
    request = prepared(OneLeggedOAuth1("k", "s"), "http://localhost/o", "POST", json={"a": 1})

    query = dict(parse_qsl(urlsplit(str(request.url)).query))
    assert request.body == b'{"a": 1}'
    assert query["oauth_signature"] == expected("POST", str(request.url), "s", sha256)


def test_two_calls_never_share_a_nonce() -> None:
    auth = OneLeggedOAuth1("k", "s")

    nonces = {
        dict(parse_qsl(urlsplit(str(prepared(auth, "http://localhost/o").url)).query))[
            "oauth_nonce"
        ]
        for _ in range(20)
    }

    assert len(nonces) == 20


def test_an_unknown_signature_method_is_refused() -> None:
    with pytest.raises(ValueError, match="HMAC-SHA256"):
        OneLeggedOAuth1("k", "s", signature="PLAINTEXT")


def test_basic_auth_is_utf8() -> None:
    header = prepared(BasicAuth("ück", "päss:word"), "https://s.example/").headers["Authorization"]

    assert base64.b64decode(header.removeprefix("Basic ")).decode() == "ück:päss:word"


def test_query_auth_leaves_the_rest_of_the_query_as_it_was() -> None:
    auth = QueryAuth(consumer_key="ck &1", consumer_secret="cs=2")

    assert prepared(auth, "https://s.example/a", params={"q": "x y"}).url == (
        "https://s.example/a?q=x+y&consumer_key=ck+%261&consumer_secret=cs%3D2"
    )
    assert str(prepared(auth, "https://s.example/a").url).startswith("https://s.example/a?consumer")


@pytest.mark.parametrize("token", ["", " abc", "abc\n", "a\r\nX-Evil: 1", "ključ", "a\x00b"])
def test_a_token_that_no_header_can_carry_is_refused(token: str) -> None:
    with pytest.raises(AuthenticationFailed):
        HeaderAuth("X-Auth-Token", token)


@pytest.mark.parametrize(
    "auth",
    [
        BasicAuth("s3cret", "s3cret"),
        QueryAuth(k="s3cret"),
        HeaderAuth("X", "s3cret"),
        OneLeggedOAuth1("s3cret", "s3cret"),
    ],
)
def test_no_way_of_signing_shows_its_secret(auth: Any) -> None:
    assert "s3cret" not in f"{auth!r} {auth} {[auth]}"
