"""What more than one room keeps."""

from __future__ import annotations

from msgspec import Struct


class Attribute(Struct, frozen=True):
    """A note the buyer or an app left, served as Attribute."""

    key: str
    value: str | None = None


class Metafield(Struct):
    """``owner`` is a MetafieldOwnerType, ``type`` a metafield type (``number_integer``)."""

    id: int
    owner: str
    namespace: str
    key: str
    type: str
    value: str
    created_at: int
    updated_at: int = 0


class Job(Struct):
    """Something Shopify does later. ``number`` is a uuid."""

    number: str
    is_done: bool = False
