"""What staff may set for a store: the options all stores have, and those of its platform's card."""

from __future__ import annotations

from typing import Any

import pytest

from integrations import registry
from integrations.connect import options
from integrations.lifecycle import ConnectError

SHOPIFY, WOOCOMMERCE = registry.card("shopify"), registry.card("woocommerce")


@pytest.mark.parametrize(
    "chosen",
    [
        {"adopt_stock": False, "calls_per_s": 0.5, "orders_read_within_s": 60},
        {"order_metafields": ["custom.gift", "app.note"]},
        {"order_metafields": None, "calls_per_s": None},
        {"returns": "automatic"},
        {"reserve_from": "no_split"},
        {},
    ],
)
def test_what_can_be_right_is_kept_as_it_is(chosen: dict[str, Any]) -> None:
    assert options.check(SHOPIFY, chosen) == chosen


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"colour": "red"}, "There is no option colour. Options are adopt_stock"),
        ({"order_metafields": [77]}, "order_metafields cannot be “77”"),
        ({"order_metafields": "custom.gift"}, "order_metafields must be a list"),
        ({"order_metafields": ["custom.gift", "x"]}, "order_metafields cannot be “x”"),
        ({"order_metafields": ["app.note"] * 26}, "a list of at most 25"),
        ({"calls_per_s": True}, "calls_per_s must be a number"),
        (
            {"reserve_from": "anywhere"},
            "reserve_from must be one of ranked, most_stock, single_or_split, pinned, no_split",
        ),
        ({"returns": "always"}, "returns must be one of off, record, automatic"),
    ],
)
def test_what_cannot_be_right_is_named(chosen: dict[str, Any], said: str) -> None:
    with pytest.raises(ConnectError, match=said) as refused:
        options.check(SHOPIFY, chosen)

    assert refused.value.code in ("unknown_option", "option_malformed")


def test_an_option_of_one_platform_is_none_of_another() -> None:
    with pytest.raises(ConnectError, match="There is no option order_metafields"):
        options.check(WOOCOMMERCE, {"order_metafields": ["custom.gift"]})
