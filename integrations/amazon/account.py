"""Where the seller sells, and which of it is connected: read once, then kept with the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from integrations.amazon import marketplaces, shapes
from integrations.amazon.client import AmazonClient

# The name under which ``identify`` keeps them among the store's features.
FEATURE = "participations"


class Account:
    """``options`` are those of the connection."""

    def __init__(self, client: AmazonClient, options: Mapping[str, Any]) -> None:
        self._client = client
        named = options.get("marketplaces")
        self.named = [str(word) for word in named] if isinstance(named, list) else []
        self._kept = options.get(FEATURE)

    @cached_property
    def participations(self) -> Sequence[Mapping[str, str]]:
        """``id``, ``name`` and ``currency`` of each marketplace where the account sells."""
        if isinstance(self._kept, list) and self._kept:
            return [row for row in self._kept if isinstance(row, dict) and row.get("id")]
        return kept(participating(self._client.participations().body))

    @cached_property
    def places(self) -> tuple[str, ...]:
        """The marketplaces that are connected; the first gives the store its currency."""
        return marketplaces.chosen(self.named, [row["id"] for row in self.participations])

    @property
    def places_asked_for(self) -> tuple[str, ...]:
        """() where all are meant: then no list of them has to be known."""
        return self.places if self.named else ()

    def place_named(self, name: str) -> str:
        """The id of a marketplace by what an order calls it, without a call; "" where it is not
        known.
        """
        rows = self._kept if isinstance(self._kept, list) else []
        known = {row.get("name"): row["id"] for row in rows if isinstance(row, dict)}
        return known.get(name) or marketplaces.id_of(name)

    @property
    def currencies(self) -> Mapping[str, str]:
        """As far as they are known without a call."""
        rows = self._kept if isinstance(self._kept, list) else []
        return {row["id"]: row.get("currency", "") for row in rows if isinstance(row, dict)}


def participating(body: bytes) -> list[shapes.Participating]:
    """The marketplaces where the account sells. Amazon also names others of the region, and ones
    that are no shop: “Non-Amazon”, where orders of other shops are booked
    (amzn/selling-partner-api-models#1367, -docs#761 and #1260). Raises ContractBroken.
    """
    told = shapes.decode(body, shapes.Participations)
    return [
        row
        for row in told.payload
        if row.participation.is_participating and _is_shop(row.marketplace)
    ]


def _is_shop(place: shapes.Marketplace) -> bool:
    return place.id in marketplaces.MARKETPLACES or place.domain_name.startswith("www.amazon.")


def kept(rows: Sequence[shapes.Participating]) -> list[dict[str, str]]:
    return [
        {
            "id": row.marketplace.id,
            "name": row.marketplace.name or marketplaces.name_of(row.marketplace.id),
            "currency": row.marketplace.default_currency_code,
        }
        for row in rows
    ]
