"""The channels of a store that its platform reaches through one connection: which are on, and what
follows from that. What is chosen is kept as the store's option, what there is among its features.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, QuerySet
from django.db.models.fields.json import KT

from integrations import registry
from integrations.kit import channels
from integrations.kit.channels import Channel
from integrations.lifecycle import ConnectError
from integrations.models import Store
from inventory.models import ListingChannel
from orders.data import OrderData
from orders.models import Order

COUNTED_FOR = timedelta(days=30)
_OFF = "It was placed in {}, a channel of this store that is off."


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A channel of a store, how many listings it offers and how many orders came from it lately."""

    channel: Channel
    is_on: bool
    listings: int
    orders: int


def all_of(store: Store) -> tuple[Channel, ...]:
    """Those the store sells in, as it said when it was last asked who it is; none of a store that
    is a channel itself.
    """
    return channels.of_kept(store.features.get(channels.FEATURE))


def on(store: Store, options: Mapping[str, Any] | None = None) -> tuple[Channel, ...]:
    """Those that are read and sold in, first choice first; with ``options`` in place of its own."""
    chosen = (store.options if options is None else options).get(option_of(store))
    return channels.chosen(chosen or (), all_of(store))


def off(store: Store) -> tuple[Channel, ...]:
    there = all_of(store)
    kept = on(store) if there else ()
    return tuple(channel for channel in there if channel not in kept)


def option_of(store: Store) -> str:
    """The name of the option that says which are on; "" where nothing is chosen."""
    card = registry.known_card(store.platform)
    return card.channels_option if card else ""


def of_first(store: Store, options: Mapping[str, Any]) -> dict[str, str]:
    """What a store with these options has from its first channel. Raises ConnectError where none
    would be on.
    """
    if not all_of(store):
        return {}
    kept = on(store, options)
    if not kept:
        raise none_left(store)
    return {"currency": kept[0].currency or store.currency, "timezone": kept[0].timezone}


def none_left(store: Store) -> ConnectError:
    names = ", ".join(channel.name for channel in all_of(store))
    return ConnectError(
        f"At least one channel of {store} has to stay on. It sells in {names}.", code="no_channel"
    )


def orders_of(store: Store, among: Iterable[Channel]) -> QuerySet[Order]:
    """The store's orders that came from one of these channels."""
    rows = Order.objects.filter(store=store)
    names = [channel.name for channel in among]
    return rows.filter(**{f"custom__{field_of(store)}__in": names}) if names else rows.none()


def field_of(store: Store) -> str:
    """Under which name an order has its channel's name in ``custom``."""
    card = registry.known_card(store.platform)
    return card.channel_field if card else ""


def of_order(order: Order) -> Channel | None:
    """The channel it came from; None where it came from the store itself, or nobody knows."""
    known = {channel.name: channel for channel in all_of(order.store)}
    return known.get(order.custom.get(field_of(order.store))) if known else None


def sorted_out(store: Store, records: Sequence[OrderData]) -> Sequence[OrderData]:
    """The same; those of a channel that is off say why they are left out."""
    closed = {channel.name for channel in off(store)}
    if not closed:
        return records
    field = field_of(store)
    return [_left_out(x, field) if x.custom.get(field) in closed else x for x in records]


def _left_out(order: OrderData, field: str) -> OrderData:
    return order if order.left_out else replace(order, left_out=_OFF.format(order.custom[field]))


def standing(store: Store, *, now: datetime) -> list[Standing]:
    """All of them, those that are on first, in the order in which they are chosen."""
    kept = on(store)
    if not kept:
        return []
    offered = ListingChannel.objects.filter(listing__store=store, listing__gone_at=None)
    listings = dict(offered.values_list("channel").annotate(Count("pk")))
    placed = Order.objects.filter(store=store, placed_at__gte=now - COUNTED_FOR)
    named = placed.order_by().values_list(KT(f"custom__{field_of(store)}"))
    orders = dict(named.annotate(Count("pk")))
    return [
        Standing(
            channel=channel,
            is_on=channel in kept,
            listings=listings.get(channel.external_id, 0),
            orders=orders.get(channel.name, 0),
        )
        for channel in (*kept, *off(store))
    ]
