"""The file of a bulk operation: lines of JSON, each order's own line followed by what is below it.

Only so much of it is held as one piece and the order at hand. What is not as promised costs one
order where it can: such a group is marked as doubtful. Source: as in ``bulk``; that children follow
their parents is what ``groupObjects`` asks for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec
from msgspec import Struct

from integrations.errors import ContractBroken
from integrations.kit.files import RemoteFile
from integrations.shopify import records
from integrations.shopify.records import Item

LONGEST_LINE = 8 * 1024 * 1024
_PARENT = b'"__parentId"'
LINES, SHIPPING, METAFIELDS = "LineItem", "ShippingLine", "Metafield"
_KINDS = frozenset({LINES, SHIPPING, METAFIELDS})


class _Line(Struct):
    id: str
    parent: str | None = msgspec.field(default=None, name="__parentId")


@dataclass(slots=True)
class Line:
    """One line; ``end`` is the place in the file behind it. ``told`` None: it cannot be read."""

    raw: bytes
    end: int
    told: _Line | None

    @property
    def is_child(self) -> bool:
        return self.told.parent is not None if self.told else _PARENT in self.raw


@dataclass
class Group:
    """One order of the file. ``below`` are its children by kind, without their parent's id, each
    once.
    """

    raw: bytes
    end: int
    doubtful: bool = False
    below: dict[str, dict[bytes, None]] = field(default_factory=dict)

    @cached_property
    def item(self) -> Item:
        return records.item_of(self.raw)

    @property
    def global_id(self) -> str:
        return f"gid://shopify/Order/{self.item.external_id}"

    def nodes(self, kind: str) -> bytes:
        """What is below it of one kind, as JSON."""
        return b"[" + b",".join(self.below.get(kind, ())) + b"]"

    def take(self, line: Line) -> None:
        """A child. Raises ContractBroken for somebody else's."""
        self.end = line.end
        if line.told is None:
            self.doubtful = True
            return
        if line.told.parent != self.global_id and self.item.external_id.isdigit():
            raise ContractBroken(
                "Lines of the file do not stand below their orders.", code="not_grouped"
            )
        kind = line.told.id.split("/")[3:4]
        if not kind or kind[0] not in _KINDS:
            self.doubtful = True
            return
        self.below.setdefault(kind[0], {})[_without_parent(line.raw)] = None


def groups(file: RemoteFile, start: int) -> Iterator[Group]:
    """The orders from byte ``start`` on, which is where one begins. Raises ContractBroken where the
    file is not what was promised, and what reading it raises.
    """
    group: Group | None = None
    for line in _lines(file, start):
        if line.is_child:
            if group is None:
                raise ContractBroken("The file begins amid an order.", code="not_grouped")
            group.take(line)
            continue
        if group is not None and line.raw == group.raw:
            group.end = line.end  # the same line once more
            continue
        if group is not None:
            yield group
        group = Group(line.raw, line.end)
    if group is not None:
        yield group


def joined(pairs: dict[str, Any]) -> bytes:
    """Fields as JSON, without the braces around them."""
    return b",".join(msgspec.json.encode(name) + b":" + bytes(raw) for name, raw in pairs.items())


def _without_parent(raw: bytes) -> bytes:
    told = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    return b"{" + joined({name: raw for name, raw in told.items() if name != "__parentId"}) + b"}"


def _lines(file: RemoteFile, start: int) -> Iterator[Line]:
    place, rest = start, b""
    while piece := file.piece(place + len(rest)):
        held = rest + piece
        *whole, rest = held.split(b"\n")
        for raw in whole:
            place += len(raw) + 1
            if raw.strip():
                yield _line(raw, place)
        if len(rest) > LONGEST_LINE:
            raise ContractBroken("A line of the file has no end.", code="too_large")
        if file.size is not None and place + len(rest) >= file.size:
            break
    if rest.strip():
        yield _line(rest, place + len(rest))


def _line(raw: bytes, end: int) -> Line:
    try:
        return Line(raw, end, msgspec.json.decode(raw, type=_Line))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Line(raw, end, None)
