"""Where the seller sells, and which of it is connected: read once, then kept with the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from integrations.amazon import marketplaces, shapes
from integrations.amazon.client import AmazonClient
from integrations.kit import channels
from integrations.kit.channels import Channel


class Account:
    """``options`` are those of the connection."""

    def __init__(self, client: AmazonClient, options: Mapping[str, Any]) -> None:
        self._client = client
        named = options.get("marketplaces")
        self.named = [str(word) for word in named] if isinstance(named, list) else []
        self._kept = channels.of_kept(options.get(channels.FEATURE))

    @cached_property
    def channels(self) -> tuple[Channel, ...]:
        """The marketplaces where the account sells, the connected ones and the others."""
        return self._kept or to_channels(participating(self._client.participations().body))

    @cached_property
    def places(self) -> tuple[str, ...]:
        """The ids of those that are connected; the first gives the store its currency."""
        return tuple(x.external_id for x in channels.chosen(self.named, self.channels))

    @property
    def places_asked_for(self) -> tuple[str, ...]:
        """() where all are meant: then no list of them has to be known."""
        return self.places if self.named else ()

    @property
    def places_known(self) -> tuple[str, ...]:
        """Those asked for, where it takes no call to know them; () for all."""
        return self.places_asked_for if self._kept else ()

    def place_named(self, name: str) -> str:
        """The id of a marketplace by what an order calls it, without a call; "" where it is not
        known.
        """
        known = {channel.name: channel.external_id for channel in self._kept}
        return known.get(name) or marketplaces.id_of(name)

    @property
    def currencies(self) -> Mapping[str, str]:
        """As far as they are known without a call."""
        return {channel.external_id: channel.currency for channel in self._kept}


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


def to_channels(rows: Sequence[shapes.Participating]) -> tuple[Channel, ...]:
    """Amazon names no time zones; those of the table are its."""
    return tuple(_to_channel(row.marketplace) for row in rows)


def _to_channel(told: shapes.Marketplace) -> Channel:
    known = marketplaces.MARKETPLACES.get(told.id)
    return Channel(
        external_id=told.id,
        name=told.name or marketplaces.name_of(told.id),
        country=known.country if known else told.country_code,
        currency=told.default_currency_code or (known.currency if known else ""),
        timezone=known.zone if known else "UTC",
    )
