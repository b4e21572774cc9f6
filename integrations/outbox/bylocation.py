"""Figures of a listing by the store's own location, as they were seen and told. A store that keeps
one figure has it under "".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integrations.models import Push
from inventory.models import Listing

Figures = Mapping[str, int]


def seen_at(listing: Listing) -> Figures:
    """What the store showed last; nothing where it does not count the item."""
    if listing.seen_at_places:
        return dict(listing.seen_at_places)
    return {} if listing.seen_quantity is None else {"": listing.seen_quantity}


def told_at(push: Push) -> Figures:
    """What the store was told last."""
    if push.pushed_at_places:
        return dict(push.pushed_at_places)
    return {} if push.pushed_value is None else {"": push.pushed_value}


def is_shown(wanted: Figures, seen: Figures) -> bool:
    return all(seen.get(at) == units for at, units in wanted.items())


def seen_columns(figures: Figures) -> dict[str, Any]:
    places = _places(figures)
    return {"seen_quantity": sum(figures.values()), "seen_at_places": places}


def told_columns(figures: Figures) -> dict[str, Any]:
    return {"pushed_value": sum(figures.values()), "pushed_at_places": _places(figures)}


def _places(figures: Figures) -> dict[str, int]:
    return {at: units for at, units in figures.items() if at}
