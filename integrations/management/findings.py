"""What ``doctor`` says: one finding per thing looked at, in words, with what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Level(StrEnum):
    OK = "ok"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """``what`` is so; ``do`` mends it. ``do`` of what is well says what that means."""

    level: Level
    about: str
    what: str
    do: str


Check = Callable[[], Iterator[Finding]]


def ok(about: str, what: str, do: str = "Nothing to do.") -> Finding:
    return Finding(Level.OK, about, what, do)


def warn(about: str, what: str, do: str) -> Finding:
    return Finding(Level.WARN, about, what, do)


def bad(about: str, what: str, do: str) -> Finding:
    return Finding(Level.BAD, about, what, do)


def in_words(age: timedelta) -> str:
    """ "45 s", "12 min", "5 h", "3 days"."""
    seconds = max(0, int(age.total_seconds()))
    for size, word in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {word}"
    return f"{seconds} s"
