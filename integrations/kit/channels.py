"""The channels of a store: markets of one platform that one connection sells in, and which of them
are chosen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

# Among a store's features: those it was found to sell in.
FEATURE = "channels"
# What people say for a country that ISO 3166 calls otherwise.
_SAID = {"UK": "GB"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """``country`` is ISO 3166, ``currency`` ISO 4217, ``timezone`` IANA's name of the zone."""

    external_id: str
    name: str
    country: str = ""
    currency: str = ""
    timezone: str = "UTC"


_NAMES = frozenset(field.name for field in fields(Channel))


def chosen(named: Sequence[str], among: Iterable[Channel]) -> tuple[Channel, ...]:
    """Which of the channels ``among`` are meant: those that are named by id or country, in the
    order in which they are named, or all where nobody named any.
    """
    rows = tuple(among)
    if not named:
        return rows
    words = [word.strip().upper() for word in named]
    found = (x for w in words for x in rows if _SAID.get(w, w) in (x.external_id, x.country))
    return tuple(dict.fromkeys(found))


def as_kept(channels: Iterable[Channel]) -> list[dict[str, str]]:
    return [asdict(channel) for channel in channels]


def of_kept(kept: Any) -> tuple[Channel, ...]:
    """Those that ``as_kept`` gave; none for anything else."""
    rows = kept if isinstance(kept, list) else []
    return tuple(Channel(**row) for row in rows if isinstance(row, dict) and set(row) == _NAMES)
