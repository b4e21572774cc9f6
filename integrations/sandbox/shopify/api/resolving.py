"""What resolvers share: the call they answer, and how a thing is read where no resolver is named.

A resolver is ``f(thing, info, **args)``; the arguments' names are in snake case, ``info.context``
is the ``Call``. A field without one is read from the thing: the attribute of its name in snake
case, or the key of a dict, spelled as in the schema.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from integrations.sandbox.shopify import ids

if TYPE_CHECKING:
    from integrations.sandbox.shopify.access.models import Grant
    from integrations.sandbox.shopify.store import ShopStore

Resolver = Callable[..., Any]
Fields = dict[str, dict[str, Resolver]]
"""Type name → field name, both as in the schema → resolver."""

Load = Callable[["ShopStore", int], Any]
Nodes = dict[str, Load]
"""Type name → how one is found by its number; None where there is none."""


@dataclass(slots=True)
class Call:
    """One GraphQL request. ``version`` is the API version that answers; ``key`` the idempotency
    key of the mutation that runs; ``warnings`` go into the answer's extensions.
    """

    store: ShopStore
    grant: Grant
    version: str
    key: str | None = None
    warnings: list[dict[str, Any]] = field(default_factory=list)


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def type_of(thing: Any) -> str:
    """The schema's name of a thing's type: what it says, or else its class's."""
    if isinstance(thing, dict):
        return str(thing["__typename"])
    return getattr(thing, "TYPE", None) or type(thing).__name__


def gid_of(thing: Any) -> str:
    return ids.gid(type_of(thing), thing.id)


def reader(name: str) -> Resolver:
    """The resolver of a field that has none."""
    attribute = snake(name)

    def read(thing: Any, _info: Any) -> Any:
        return thing[name] if isinstance(thing, dict) else getattr(thing, attribute)

    def read_id(thing: Any, _info: Any) -> Any:
        return thing["id"] if isinstance(thing, dict) else gid_of(thing)

    def read_number(thing: Any, _info: Any) -> Any:
        return thing[name] if isinstance(thing, dict) else thing.id

    return {"id": read_id, "legacyResourceId": read_number}.get(name, read)
