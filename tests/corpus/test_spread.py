"""That the corpus is as wide as it is said to be."""

from __future__ import annotations

from collections import Counter

from tests.corpus.cases import all_cases, platforms
from tests.corpus.exact import places_of

CASES = all_cases()


def test_there_are_at_least_two_hundred_orders_and_a_hundred_of_each_platform() -> None:
    found = Counter(case.platform for case in CASES)

    assert len(CASES) >= 200
    assert set(found) == set(platforms()) >= {"shopify", "woocommerce"}
    assert min(found.values()) >= 100


def test_every_platform_counts_in_many_currencies_with_none_two_and_three_decimals() -> None:
    for platform in platforms():
        found = Counter(c.truth.currency for c in CASES if c.platform == platform)
        many = [currency for currency, count in found.items() if count >= 10]

        assert len(many) >= 4
        assert {places_of(currency) for currency in many} == {0, 2, 3}


def test_every_platform_has_taxes_on_both_sides_refunds_and_every_way_of_standing() -> None:
    standing = {"paid", "unpaid", "refunded", "partially_refunded", "voided"}
    for platform in platforms():
        truths = [c.truth for c in CASES if c.platform == platform]

        assert {t.prices_include_tax for t in truths} == {True, False}
        assert {t.payment for t in truths} >= standing
        assert sum(not t.total for t in truths) >= 4
        assert sum(not t.is_exact for t in truths) >= 10


def test_no_two_cases_have_one_name_or_one_order() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    assert len({case.record.external_id for case in CASES}) == len(CASES)
