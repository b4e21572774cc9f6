"""That the corpus is written as the platforms write: held against their own schema, and against
answers that were recorded.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integrations.shopify.operations import operation
from tests.corpus.cases import Case, all_cases
from tests.integrations.sandbox.shopify.official import faults, official

# Whatever the merchant keeps; a picture that is not there is "" or 0.
_FREE = {"_links", "meta_data", "image"}


def answers(platform: str) -> list[Case]:
    return [case for case in all_cases() if case.platform == platform]


def test_every_order_of_shopifys_is_an_answer_of_the_official_schema(shared: Path) -> None:
    page = {"hasNextPage": False, "endCursor": None}
    nodes = [case.answer for case in answers("shopify")]
    data = {"orders": {"pageInfo": page, "nodes": nodes}}

    assert faults(official(shared), operation("orders").text, data) == []


def recorded(shared: Path, name: str) -> Any:
    return json.loads((shared / f"contracts/woocommerce/real/{name}.json").read_text())


@pytest.fixture(scope="module")
def orders_schema(shared: Path) -> Any:
    return recorded(shared, "options/orders")["schema"]["properties"]


def test_every_order_of_woocommerces_has_the_fields_that_were_recorded(
    shared: Path, orders_schema: Any
) -> None:
    order, refund = (recorded(shared, f"samples/{name}") for name in ("order", "refund"))
    coupons = orders_schema["coupon_lines"]["items"]["properties"]
    # The sample has no coupon; its schema says what one has.
    sample = {**order, "coupon_lines": [dict.fromkeys(coupons)]}

    for case in answers("woocommerce"):
        wrong = list(unlike(case.answer["order"], sample, "$"))
        for one in case.answer["refunds"]:
            wrong += unlike(one, refund, "$")
        assert wrong == [], case.name


def test_every_amount_of_woocommerces_is_text_where_the_schema_says_so(orders_schema: Any) -> None:
    for case in answers("woocommerce"):
        order = case.answer["order"]
        for name, kind in orders_schema.items():
            if kind["type"] == "string" and order.get(name) is not None:
                assert isinstance(order[name], str), f"{case.name} {name}"


def unlike(made: Any, sample: Any, path: str) -> Iterator[str]:
    """Where fields or their kinds differ; a row of a list is to be like one of the sample's."""
    if isinstance(made, dict) and isinstance(sample, dict):
        if made.keys() != sample.keys():
            yield f"{path}: {sorted(made.keys() ^ sample.keys())}"
        for name in (made.keys() & sample.keys()) - _FREE:
            yield from unlike(made[name], sample[name], f"{path}.{name}")
    elif isinstance(made, list) and isinstance(sample, list):
        for row in made if sample else ():
            yield from min(([*unlike(row, one, f"{path}[]")] for one in sample), key=len)
    elif None not in (made, sample) and _kind(made) is not _kind(sample):
        yield f"{path}: {made!r} is written as {sample!r}"


def _kind(value: Any) -> type:
    return float if type(value) is int else type(value)
