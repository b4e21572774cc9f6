"""What must never be shown is not shown, however it is asked for."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest

from logix.common.redact import MASK, Pii, Secret, redact, redact_event, redact_value


@pytest.mark.parametrize("kind", [Secret, Pii])
def test_a_wrapped_value_is_given_away_by_reveal_alone(kind: type[Secret]) -> None:
    value = kind("hush-hush")

    shown = [str(value), repr(value), f"{value}", f"{value:>20}", f"{value!r}", "%s" % (value,)]  # noqa: UP031
    assert shown == [MASK] * 6
    assert "hush" not in repr({"a": [value]})
    assert "hush" not in json.dumps({"a": value}, default=str)
    for leave in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="not pickled"):
            leave(value)
    assert value.reveal() == "hush-hush"


def test_wrapped_values_compare_and_count_by_what_they_hold() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2
    assert [bool(Secret(text)) for text in ("", "a")] == [False, True]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Basic Y2tfMTpjc18x", "Authorization: ***"),
        ('{"consumer_secret": "cs_x y", "n": 1}', '{"consumer_secret": ***, "n": 1}'),
        ("postgres://logix:pw@db:5432/logix", "postgres://***@db:5432/logix"),
        ("key ck_0123456789abcdef here", "key *** here"),
        ("token lgx_0123456789abcdef", "token ***"),
        ("GET /api/v1/woocommerce/webhooks/receive/abc-DEF_1?x=1", "webhooks/receive/***"),
        ("https://shop.example/wp-json?consumer_key=1&q=2", "https://shop.example/wp-json?***"),
        ("order 1001 is paid", "order 1001 is paid"),
    ],
)
def test_credentials_are_found_by_their_name_or_their_looks(text: str, shown: str) -> None:
    assert shown in redact(text)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"password": "x", "code": "not_found"}, {"password": MASK, "code": "not_found"}),
        ([("token=abcdefgh", 3)], [["token=***", 3]]),
        (b"bytes", "<5 bytes>"),
        (None, None),
        (1.5, 1.5),
        (Secret("x"), MASK),
    ],
)
def test_values_are_masked_through_whatever_holds_them(value: Any, shown: Any) -> None:
    assert redact_value(value) == shown


def test_what_is_nested_without_end_is_cut_off() -> None:
    endless: dict[str, Any] = {}
    endless["again"] = endless

    assert "…" in repr(redact_value(endless))


def test_an_event_is_masked_field_by_field() -> None:
    event = {"event": "call", "signature": "abc", "url": "https://x.example/?key=1"}

    assert redact_event(None, "info", event) == {
        "event": "call",
        "signature": MASK,
        "url": "https://x.example/?***",
    }


@pytest.mark.parametrize(
    "text",
    [
        "Forbidden (CSRF token missing.): /admin/login/",
        "Forbidden (CSRF token incorrect.)",
        "The token expired. Basic authentication is switched off.",
        "a bearer certificate",
    ],
)
def test_a_word_of_a_sentence_is_no_credential(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer abcdefghijkl",
        "Authorization: token abcdefghijkl",
        '{"Authorization": "Basic abcdefghijkl"}',
        "token abcdefghijk1",
        "token abcdefghIjkl",
        "bearer abcdefghijklmnopqrstuvwxyz",
        "basic abcdefg=",
        "token abcd_efghijkl",
    ],
)
def test_what_may_be_a_credential_is_masked_wherever_it_stands(text: str) -> None:
    assert "abcd" not in redact(text)


NAMES = (
    *("authorization", "Proxy-Authorization", "access_token", "X-Secret", "password", "db_passwd"),
    *("x-signature", "api_key", "apikey", "API-Key", "consumer_key", "consumerkey", "oauth_nonce"),
    *("oauth_consumer_key", "code", "hmac", "sig", "cookie", "Set-Cookie", "ſecret", "ſıg"),
)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("sentence", ["{}=hushhush", '{{"{}": "hushhush"}}', "x {} : hushhush"])
def test_every_name_of_a_secret_is_found_in_a_text_that_holds_nothing_else(
    name: str, sentence: str
) -> None:
    """Most texts are let through by a quicker look; it must know all the names."""
    assert "hushhush" not in redact(sentence.format(name))


@pytest.mark.parametrize(
    "text",
    [
        *("ck_12345678", "cs_12345678", "Y2tfMTIzNDU2Nzg="),
        *("EAAA12345678", "shpat_12345678", "shpua_12345678", "Atza|12345678", "Atzr|12345678"),
        *("sq0atp-12345678", "lgx_12345678", "amqp://a:12345678@b", "http://a/?12345678"),
        "/webhooks/receive/12345678",
    ],
)
def test_every_look_of_a_secret_is_found_in_a_text_that_holds_nothing_else(text: str) -> None:
    assert "***" in redact(text)
    assert "1234567" not in redact(text)
