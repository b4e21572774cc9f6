"""What gets past the border: text, money and ids, with the traps a hostile platform may set."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.kit.text import MONEY, clean_text, external_id, parse_money

HUGE = pytest.param(10**5000, id="huge")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("plain", "plain"),
        (None, ""),
        (12, "12"),
        ("a\0b", "ab"),
        ("a\ud800b\udfff", "a\ufffdb\ufffd"),
        ("e\u0301", "\u00e9"),
        ("x" * 50, "x" * 20),
        ("😀" * 30, "😀" * 20),
    ],
)
def test_text_is_made_storable(given: Any, kept: str) -> None:
    assert clean_text(given, 20) == kept


@given(st.text(st.characters()), st.integers(0, 30))
def test_clean_text_is_always_storable_and_clean_already(text: str, cap: int) -> None:
    clean = clean_text(text, cap)

    assert len(clean) <= cap
    assert "\0" not in clean
    clean.encode("utf-8")
    assert clean_text(clean, cap) == clean


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        ("12.50", "12.50"),
        (" -0.5 ", "-0.5"),
        ("0", "0"),
        (7, "7"),
        (Decimal("1.230"), "1.230"),
        (0.1, "0.1"),
        (20.900000000000002, "20.900000"),
        (1e-5, "0.00001"),
        (1e-9, "0.000000"),
        (1e13, "10000000000000.0"),
        ("99999999999999.999999", "99999999999999.999999"),
        ("1.1000000000", "1.100000"),
    ],
)
def test_an_amount_is_what_was_written(value: Any, amount: str) -> None:
    assert str(parse_money(value)) == amount


@pytest.mark.parametrize(
    "value",
    [
        "",
        None,
        True,
        "NaN",
        "Infinity",
        "1e5",
        "1e1000000",
        Decimal("1e1000000"),
        Decimal("NaN"),
        Decimal("-Infinity"),
        float("nan"),
        float("inf"),
        1e300,
        HUGE,
        "1,50",
        "1 000",
        "+1",
        ".5",
        "1.",
        "--1",
        "0x10",
        "٣",
        "1.1234567",
        "123456789012345",
        [],
        {},
        b"1",
    ],
)
def test_what_is_no_amount_is_refused_at_once_in_words(value: Any) -> None:
    started = time.perf_counter()

    with pytest.raises(ValueError, match="An amount is") as caught:
        parse_money(value)

    assert time.perf_counter() - started < 0.1
    assert len(str(caught.value)) < 120


def test_more_decimals_are_rounded_only_on_request() -> None:
    assert parse_money("1.12345650001", rounded=True) == Decimal("1.123457")
    assert parse_money("-2.0000005", rounded=True) == Decimal("-2.000000")


@given(st.decimals(-(10**13), 10**13, places=6))
def test_every_storable_amount_survives(amount: Decimal) -> None:
    text = format(amount, "f")

    assert MONEY.fullmatch(text)
    assert parse_money(text) == amount == parse_money(amount)


@pytest.mark.parametrize(
    ("value", "text"),
    [(12, "12"), (" gid://shopify/Order/1 ", "gid://shopify/Order/1"), ("0", "0")],
)
def test_an_id_is_text(value: Any, text: str) -> None:
    assert external_id(value) == text


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "  ",
        True,
        1.5,
        "x" * 129,
        "a\0b",
        "a\nb",
        pytest.param("\ud800", id="surrogate"),
        HUGE,
        [],
        {},
    ],
)
def test_what_is_no_id_is_refused_in_words(value: Any) -> None:
    with pytest.raises(ValueError, match="An id"):
        external_id(value)
