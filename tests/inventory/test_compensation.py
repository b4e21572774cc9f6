"""What a store takes off a figure by itself, in figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from inventory.availability import Target
from inventory.compensation import added

CASES: list[tuple[str, Sequence[str], Mapping[str, int], int, Mapping[str, int]]] = [
    ("nothing", [""], {}, 0, {"": 0}),
    ("open orders", [""], {}, 1, {"": 1}),
    ("a threshold and open orders", [""], {"": 2}, 3, {"": 5}),
    ("all at the first source", ["de", "at"], {"": 2}, 3, {"de": 5, "at": 0}),
    ("a safety stock at each location", ["1", "2"], {"1": 4, "2": 1, "3": 9}, 0, {"1": 4, "2": 1}),
    ("both kinds", ["1", "2"], {"": 1, "2": 2}, 3, {"1": 4, "2": 2}),
    ("nowhere", [], {"": 2}, 3, {}),
]


@pytest.mark.parametrize(
    ("locations", "kept_back", "open_there", "wanted"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_what_is_added(
    locations: Sequence[str],
    kept_back: Mapping[str, int],
    open_there: int,
    wanted: Mapping[str, int],
) -> None:
    assert added(locations, kept_back=kept_back, open_there=open_there) == wanted


def test_what_is_told_is_the_figure_with_what_is_added_and_never_below_0() -> None:
    at = {"de": 4, "at": 0, "ch": 1}
    target = Target(value=5, reason="", at=at, added={"de": 1, "at": -2})

    assert target.told == {"de": 5, "at": 0, "ch": 1}
