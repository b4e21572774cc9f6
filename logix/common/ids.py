"""Identifiers: UUID version 7 (RFC 9562), time-ordered, so rows know their key before they are
written.
"""

from __future__ import annotations

import os
import time
from uuid import UUID

_VERSION_AND_VARIANT = (0x7 << 76) | (0x2 << 62)
_RANDOM_BITS = ((0xFFF) << 64) | ((1 << 62) - 1)


def uuid7() -> UUID:
    """A new UUID: 48 bits of Unix milliseconds, then 74 random bits."""
    millis = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big") & _RANDOM_BITS
    return UUID(int=(millis << 80) | _VERSION_AND_VARIANT | random)
