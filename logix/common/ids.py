"""Identifiers: UUID version 7 (RFC 9562), time-ordered, so rows know their key before they are
written.
"""

from __future__ import annotations

import os
import struct
import time
from uuid import UUID

_VERSION_AND_VARIANT = (0x7 << 76) | (0x2 << 62)
_RANDOM_BITS = (1 << 62) - 1
# Random words drawn 512 at a time: a page of orders takes thousands, each a trip to the kernel.
_WORDS = struct.Struct("<512Q")
_drawn: list[int] = []
os.register_at_fork(after_in_child=_drawn.clear)


def uuid7() -> UUID:
    """A new UUID: 48 bits of Unix milliseconds, 12 bits of the part of the millisecond that has
    passed (RFC 9562, 6.2, method 3), 62 random bits.

    A call takes longer than 1/4096 ms, so the ids of one process sort as they were made: rows of
    one transaction keep their order.
    """
    millis, nanos = divmod(time.time_ns(), 1_000_000)
    passed = (nanos << 12) // 1_000_000
    random = _word() & _RANDOM_BITS
    return UUID(int=(millis << 80) | _VERSION_AND_VARIANT | (passed << 64) | random)


def _word() -> int:
    while True:  # another thread may take the last one
        try:
            return _drawn.pop()
        except IndexError:
            _drawn.extend(_WORDS.unpack(os.urandom(_WORDS.size)))
