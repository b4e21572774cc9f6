"""Single values as PHP writes them."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from integrations.errors import ContractBroken
from integrations.woocommerce import catalogue, shapes, values
from integrations.woocommerce.shapes import Meta


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("12.50", "12.50"),
        (None, "0"),
        ("", "0"),
        (False, "0"),
        (12.5, "12.5"),
        (7, "7"),
        (20.900000000000002, "20.900000"),
        ("-3.1415926535", "-3.141593"),
        (" 5.00 ", "5.00"),
    ],
)
def test_an_amount_is_read(value: Any, expected: str) -> None:
    assert str(values.money(value, "$.x")) == expected


@pytest.mark.parametrize(
    "value", ["1,5", "NaN", "1e5", "Infinity", True, "1" * 20, 10**25, "--1", "٣", "1_000", "\0"]
)
def test_what_is_no_amount_is_refused(value: Any) -> None:
    with pytest.raises(ContractBroken) as caught:
        values.money(value, "$.x")

    assert (caught.value.code, caught.value.path) == ("bad_amount", "$.x")


def test_a_number_that_would_cost_minutes_costs_nothing() -> None:
    began = time.perf_counter()

    for hostile in ("1e1000000", "9" * 100_000, "-1E-999999999", 10**5000, "NaN", "sNaN", "inf"):
        assert values.number_of(hostile) is None

    assert time.perf_counter() - began < 1


@pytest.mark.parametrize("value", ["0000-00-00T00:00:00", "-0001-11-30T00:00:00", "", None, False])
def test_a_moment_that_never_was_is_none(value: Any) -> None:
    assert values.gmt(value, "$.x") is None
    assert values.local(value, "Europe/Berlin", "$.x") is None


def test_times_end_in_utc_whatever_they_carry() -> None:
    ten = datetime(2026, 7, 1, 10, tzinfo=UTC)

    assert values.gmt("2026-07-01T10:00:00", "$.x") == ten
    assert values.gmt("2026-07-01T12:00:00+02:00", "$.x") == ten
    assert values.local("2026-07-01T12:00:00", "Europe/Berlin", "$.x") == ten
    assert values.local("2026-07-01T10:00:00Z", "Europe/Berlin", "$.x") == ten
    assert values.local("2026-07-01T10:00:00", "../../etc/passwd", "$.x") == ten
    assert values.as_gmt(datetime.fromisoformat("2026-07-01T12:00:00+02:00")) == (
        "2026-07-01T10:00:00"
    )


def test_meta_data_becomes_plain_text_without_the_bookkeeping() -> None:
    rows = [
        Meta(key="_internal", value="x"),
        Meta(key="size", value=7),
        Meta(key="gift", value=True),
        Meta(key="none", value=None),
        Meta(key="empty", value=""),
        Meta(key="nested", value={"a": 1}),
        Meta(key=None, value="x"),
        Meta(key="z\0", value="long" * 400),
    ]

    found = values.plain_meta(rows, 3)

    assert found == {"gift": "True", "size": "7", "z": "long" * 125}
    assert values.plain_meta(rows, 1) == {"gift": "True"}


@pytest.mark.parametrize(
    ("value", "word"), [(0, ""), ("0", ""), (None, ""), (7, "7"), (" 7 ", "7")]
)
def test_an_id_of_something_else(value: Any, word: str) -> None:
    assert values.ident(value) == word


@pytest.mark.parametrize(
    ("ref", "address"),
    [
        ("product:5", catalogue.StockAddress(5)),
        ("variation:5:6", catalogue.StockAddress(5, 6)),
    ],
)
def test_a_stock_address_reads_back(ref: str, address: catalogue.StockAddress) -> None:
    assert catalogue.StockAddress.read(ref) == address
    assert str(address) == ref


@pytest.mark.parametrize(
    "ref", ["", "product", "product:", "shelf:1", "product:x", "variation:1:x"]
)
def test_what_is_no_stock_address_is_refused(ref: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(ref)}$"):
        catalogue.StockAddress.read(ref)


@pytest.mark.parametrize(
    ("weight", "unit", "grams"),
    [("1.5", "kg", 1500), ("12", "g", 12), ("1", "lbs", Decimal("453.592")), ("2", "stone", 2000)],
)
def test_weights_are_grams(weight: str, unit: str, grams: Any) -> None:
    item = shapes.Product(id=1, weight=weight, date_modified_gmt="2026-01-01T00:00:00")

    (variant,) = catalogue.to_product(item, [], timezone="UTC", weight_unit=unit).variants

    assert variant.weight_g == grams


@pytest.mark.parametrize("weight", ["", "0", "-1", "heavy", "1e9", None])
def test_no_weight_is_none(weight: Any) -> None:
    item = shapes.Product(id=1, weight=weight, price="call us", date_modified_gmt="2026-01-01")

    (variant,) = catalogue.to_product(item, [], timezone="UTC").variants

    assert (variant.weight_g, variant.price, variant.stock) == (None, None, None)


def test_a_product_without_a_time_is_broken() -> None:
    with pytest.raises(ContractBroken):
        catalogue.to_product(shapes.Product(id=1), [], timezone="UTC")


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (b'{"id": 1, "name": "a\\ud83db"}', "a\ufffdb"),
        (b'{"id": 1, "name": "\\ud83d\\ude00 \\ude00"}', "\U0001f600 \ufffd"),
        (b'{"id": 1, "name": "a\xffb"}', "a\ufffdb"),
    ],
)
def test_broken_text_is_mended_rather_than_refused(raw: bytes, name: str) -> None:
    assert shapes.decode(raw, shapes.Product).name == name


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b'{"id": 1, "meta_data": [{"value": ' + b"[" * 5000 + b"]" * 5000 + b"}]}", "too_deep"),
        (b'{"id": 1, "name": "\xff", "variations": {"a": "b"}}', "contract_broken"),
        (b'{"id": 1, "name": "\xff", "meta_data": [{"value": ' + b"[" * 5000, "not_json"),
        (b'{"id": 1, "name": NaN}', "not_json"),
        (b"", "not_json"),
    ],
)
def test_a_record_that_cannot_be_read_says_why_and_shows_nothing(raw: bytes, code: str) -> None:
    with pytest.raises(ContractBroken) as caught:
        shapes.decode(raw, shapes.Product)

    assert caught.value.code == code
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("kept", "read"),
    [
        ("Tea &amp; Biscuits", "Tea & Biscuits"),
        ("K&#8217;s &#x1F375; mug", "K’s 🍵 mug"),
        ("R&D", "R&D"),
        ("NUL &#0; and &#xD800;", "NUL \ufffd and \ufffd"),
    ],
)
def test_a_name_is_read_as_people_do(kept: str, read: str) -> None:
    assert values.title(kept) == read
