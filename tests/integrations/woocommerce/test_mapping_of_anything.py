"""Whatever a store may send: mapping ends with a record that every database stores, or with
``ContractBroken``; nothing else is raised, and money always adds up.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations.errors import ContractBroken
from integrations.events import RawDelivery
from integrations.woocommerce import catalogue, mapper, money, shapes
from integrations.woocommerce.webhooks import to_events
from tests.integrations.woocommerce.test_mapping import parts, raw

WHOLE = ("order_simple", "order_completed_with_parcels", "order_discounted")
VARIABLE = "product_variable_stock_at_parent"

odd = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**40), 10**40),
    st.floats(),
    st.text(st.characters(), max_size=12),
    st.sampled_from(
        [
            *("", "0", "NaN", "-Infinity", "1e1000000", "0x10", "1.5", "-3", "1,5", "٣", "9" * 400),
            *(
                "0000-00-00T00:00:00",
                "-0001-11-30T00:00:00",
                "9999-12-31T23:59:59-14:00",
                "2026-W1",
            ),
            *("\0", "a\0b", "\ud800", "\udfff\ud800", "e\u0301", "trash", "wc-", "parent"),
        ]
    ),
    st.lists(st.none() | st.integers() | st.text(max_size=3), max_size=2),
    st.dictionaries(
        st.text(max_size=3), st.none() | st.integers() | st.text(max_size=3), max_size=2
    ),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    if isinstance(value, dict | list):
        for key, child in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(child, (*path, key))


@st.composite
def spoiled(draw: st.DrawFn, *names: str) -> bytes:
    """A good answer in which up to four values became anything, or went."""
    document = json.loads(raw(draw(st.sampled_from(names))))
    document = document[0] if isinstance(document, list) else document
    for _ in range(draw(st.integers(1, 4))):
        path = draw(st.sampled_from(sorted(places(document), key=repr)))
        holder: Any = document
        for key in path[:-1]:
            holder = holder[key]
        if draw(st.booleans()):
            holder[path[-1]] = draw(odd)
        elif isinstance(holder, dict):
            del holder[path[-1]]
    return json.dumps(document, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")


def texts(value: Any) -> Iterator[str]:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            if field.name != "raw":
                yield from texts(getattr(value, field.name))
    elif isinstance(value, dict):
        for key, child in value.items():
            yield from (str(key), *texts(child))
    elif isinstance(value, tuple | list):
        for child in value:
            yield from texts(child)
    elif isinstance(value, str):
        yield value
    elif isinstance(value, datetime):
        assert value.tzinfo is not None
    elif isinstance(value, Decimal):
        assert value.is_finite()
        assert value.adjusted() < 16


def assert_storable(record: Any) -> None:
    for text in texts(record):
        assert "\0" not in text
        text.encode()


MANY = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@MANY
@given(spoiled(*WHOLE))
def test_an_order_is_mapped_or_broken_and_its_money_adds_up(body: bytes) -> None:
    try:
        order = mapper.to_order(body, timezone="Pacific/Kiritimati")
    except ContractBroken as err:
        assert_storable([str(err), err.path, err.code])
        return

    assert parts(order) == order.total
    assert 0 < len(order.external_id) <= 40
    assert_storable(order)


@MANY
@given(spoiled(VARIABLE, "product_simple"), spoiled(f"{VARIABLE}.variations"))
def test_a_product_is_mapped_or_broken(body: bytes, other: bytes) -> None:
    try:
        product, variation = (shapes.decode(x, shapes.Product) for x in (body, other))
        found = catalogue.to_product(product, [variation], timezone="America/St_Johns")
        catalogue.named(product)
    except ContractBroken:
        return

    for variant in found.variants:
        assert variant.stock is None or abs(variant.stock) <= 10**9
        assert catalogue.StockAddress.read(variant.stock_ref)
    assert_storable(found)


@MANY
@given(spoiled("order_refunded_with_lines.refunds"))
def test_a_refund_is_mapped_or_broken(body: bytes) -> None:
    try:
        refund = money.to_refund(body)
    except ContractBroken:
        return

    assert refund.amount >= 0
    assert_storable(refund)


@MANY
@given(spoiled(*WHOLE), st.sampled_from(["order.updated", "order.deleted", "product.updated", ""]))
def test_a_delivery_is_news_or_broken(body: bytes, topic: str) -> None:
    try:
        events = to_events(RawDelivery(topic=topic, body=body), timezone="UTC")
    except ContractBroken:
        return

    assert len(events) == 1
    assert_storable(events)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60))
def test_bytes_of_any_kind_are_an_order_or_broken(body: bytes) -> None:
    for whole in (body, b'{"id": 1, "name": "' + body + b'"}'):
        try:
            mapper.to_order(whole)
        except ContractBroken:
            continue
        raise AssertionError("An order without a total was accepted.")
