"""What the resolvers of this room share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from integrations.sandbox.shopify.api.resolving import Resolver, snake
from integrations.sandbox.shopify.orders.models import Order


def order_of(part: Any, info: Any) -> Order:
    """The order a part belongs to."""
    order: Order = info.context.store.orders.existing(part.order_id)
    return order


def texts(*names: str) -> dict[str, Resolver]:
    """Resolvers for fields whose empty text is null."""
    return {name: _text(snake(name)) for name in names}


def _text(attribute: str) -> Resolver:
    return lambda thing, _: getattr(thing, attribute) or None


def constant(value: Any) -> Resolver:
    return lambda *_: value


def at(*places: str) -> Resolver:
    """The attribute at the end of this way."""

    def read(thing: Any, _: Any) -> Any:
        for place in places:
            thing = getattr(thing, place)
        return thing

    return read


def first_of(rows: Iterable[Any], first: int | None) -> list[Any]:
    found = list(rows)
    return found if first is None else found[:first]
