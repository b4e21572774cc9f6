"""What a store takes off a figure by itself before it sells from it, and is therefore told more:
``told = target + added``. Pure; which store takes off what, its platform's card says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def added(
    locations: Sequence[str], *, kept_back: Mapping[str, int], open_there: int = 0
) -> dict[str, int]:
    """By the store's location ("" where it keeps one figure), the first-ranked first: what it keeps
    back there. What it keeps back of all of them together (``kept_back[""]``), and the units of its
    own orders that it takes off until they leave (``open_there``), stand at the first.
    """
    if not locations:
        return {}
    found = {at: kept_back.get(at, 0) for at in locations}
    first = locations[0]
    found[first] += open_there + (kept_back.get("", 0) if first else 0)
    return found
