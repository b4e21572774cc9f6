"""What the account knows of destinations and subscriptions."""

from __future__ import annotations

from msgspec import Struct


class Destination(Struct):
    """A queue of the developer's, known by its ARN."""

    id: str
    name: str
    arn: str


class Subscription(Struct):
    """``kind`` is the type of notification; the seller has one of each."""

    id: str
    kind: str
    version: str
    destination: str
    directive: dict[str, object] = {}
