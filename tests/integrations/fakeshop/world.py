"""The shops that exist, by address. A test puts one here and looks at what happened to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from integrations.errors import PlatformError


@dataclass
class Shop:
    """``secret``: what opens it; ``refuses``: an error every call meets; ``hooks``: topic → signing
    secret.
    """

    secret: str = "s3cret"
    name: str = "Fake & Sons"
    currency: str = "EUR"
    may_write: bool = True
    refuses: PlatformError | None = None
    refuses_hooks: PlatformError | None = None
    learned: dict[str, Any] = field(default_factory=dict)
    hooks: dict[str, str] = field(default_factory=dict)
    asleep: set[str] = field(default_factory=set)
    delivers_to: str = ""
    calls: list[str] = field(default_factory=list)
    connections: list[Any] = field(default_factory=list)


SHOPS: dict[str, Shop] = {}
