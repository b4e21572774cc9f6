"""Seeded chance. One place, so that a run can be repeated from its seed; nothing here guards a
secret.
"""

from __future__ import annotations

from random import Random


def dice(*seed: object) -> Random:
    """A generator of its own for this seed; equal seeds roll equal numbers on every machine."""
    return Random("|".join(str(part) for part in seed))  # noqa: S311 - repeatable play, no secret


def numbered_dice(seed: int, number: int) -> Random:
    """Like ``dice``, cheaper: one generator for each of many numbered things."""
    return Random(seed * 2_147_483_647 + number)  # noqa: S311 - repeatable play, no secret
