"""The operations of ``queries/``: their text with the fragments they spread, and what they are
expected to cost.

A file is an operation or a fragment and is named after it. An operation's first line tells its cost
in points by the documented rule: a base, and so much for each node asked for; where a variable
lets in what few stores need, with that and without.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

QUERIES = Path(__file__).parent / "queries"
_COST = re.compile(r"# cost: (\d+)(?: \+ (\d+) each(?:, (\d+) with \$(\w+))?)?\n")
_SPREAD = re.compile(r"\.\.\.([A-Z]\w*)")
_HUMP = re.compile(r"(?<!^)(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Operation:
    """``each`` is the cost of one node where the operation lists as many as it is asked for, and
    ``with_more`` where the variable ``more`` lets in what few stores need.
    """

    name: str
    text: str
    base: int
    each: int
    with_more: int
    more: str

    @property
    def is_mutation(self) -> bool:
        return self.text.startswith("mutation")

    def asked(self, variables: Mapping[str, Any]) -> Operation:
        """With the costs it has when it is asked with these variables."""
        return replace(self, each=self.with_more) if variables.get(self.more) else self

    def cost(self, count: int = 1) -> int:
        return self.base + self.each * count


@lru_cache(maxsize=64)
def operation(name: str) -> Operation:
    text = (QUERIES / f"{name}.graphql").read_text(encoding="utf-8")
    told = _COST.match(text)
    if told is None:
        raise ValueError(f"{name}.graphql does not tell its cost.")
    body = with_fragments(text[told.end() :])
    base, each, with_more = int(told[1]), int(told[2] or 0), int(told[3] or told[2] or 0)
    return Operation(name, body, base, each, with_more, told[4] or "")


def with_fragments(text: str) -> str:
    """``text`` and the fragments it spreads."""
    fragments: dict[str, str] = {}
    _collect(text, fragments)
    return text + "".join(fragments.values())


def _collect(text: str, fragments: dict[str, str]) -> None:
    for spread in _SPREAD.findall(text):
        if spread not in fragments:
            file = QUERIES / f"{_HUMP.sub('_', spread).lower()}.graphql"
            fragments[spread] = file.read_text(encoding="utf-8")
            _collect(fragments[spread], fragments)
