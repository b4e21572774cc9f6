"""Which location of a store its stock figures are of.

They are of one location alone: the one that was chosen (option ``stock_location``), or the only
active one that online orders are sent from. Where there are several and none was chosen, no figure
is read and none is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from integrations.errors import Misconfigured
from integrations.shopify import shapes
from integrations.shopify.shapes import Camel
from integrations.shopify.values import gid, text

_ANY = "gid://shopify/Location/0"


class Location(Camel):
    legacy_resource_id: shapes.Number
    name: str
    is_active: bool
    fulfills_online_orders: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """``location`` is a number, "" where there is no one location to speak of; ``choices`` are the
    names and numbers of those that could be.
    """

    location: str = ""
    choices: tuple[str, ...] = ()

    @property
    def variables(self) -> dict[str, Any]:
        """What queries for figures take."""
        return {"location": self.gid or _ANY, "atLocation": bool(self.location)}

    @property
    def gid(self) -> str:
        return gid("Location", self.location) if self.location else ""

    def to_write(self) -> str:
        """The location's global id. Raises Misconfigured, in words for who chooses it."""
        if self.location:
            return self.gid
        named = f" ({', '.join(self.choices)})" if self.choices else ""
        raise Misconfigured(
            "The store has no single location that online orders are sent from"
            f"{named}. Choose the one whose stock Logix sets: option “stock_location”.",
            code="no_stock_location",
        )


def of_options(options: Mapping[str, Any]) -> Place:
    """By what was chosen, else by what ``identify`` found."""
    chosen = text(options.get("stock_location"), 20).strip()
    rows = options.get("locations")
    found = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    names = tuple(_named(row) for row in found if row.get("online"))
    if chosen:
        return Place(chosen, names)
    ids = [text(row.get("id"), 20) for row in found if row.get("online")]
    return Place(ids[0] if len(ids) == 1 else "", names)


def to_features(found: Iterable[Location]) -> list[dict[str, Any]]:
    """As kept with the store, active ones only. ``online``: online orders are sent from there."""
    return [
        {
            "id": told.legacy_resource_id,
            "name": text(told.name, 80),
            "online": told.fulfills_online_orders,
        }
        for told in found
        if told.is_active
    ]


def warning(rows: Sequence[Mapping[str, Any]], chosen: str) -> str:
    """What a person has to choose, "" where nothing."""
    if chosen and all(row["id"] != chosen for row in rows):
        return f"The store has no active location {chosen}, which stock is to be written to."
    online = [_named(row) for row in rows if row["online"]]
    if chosen or len(online) == 1:
        return ""
    return (
        f"Online orders are sent from {len(online)} locations ({', '.join(online)}), so no stock "
        "is read or written. Choose the one whose stock Logix sets: option “stock_location”."
    )


def _named(row: Mapping[str, Any]) -> str:
    return f"{text(row.get('name'), 80)}: {text(row.get('id'), 20)}"
