"""Every operation of the API as its OpenAPI description lists it, with an address that can be
called.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from drf_spectacular.generators import SchemaGenerator

from integrations import registry

METHODS = ("get", "post", "patch", "put", "delete")
# Reads of one object that is named in the query, which is refused without.
NAMED = frozenset({"/api/v1/stock/explain"})
# Rows that are counted, not named.
NUMBERED = frozenset({"{rule_id}", "{change_id}"})
NOBODYS = "00000000-0000-7000-8000-000000000000"


class Operation(NamedTuple):
    method: str
    path: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def address(self, ids: Mapping[str, Any]) -> str:
        """Below ``/api/v1``; ``ids`` by the noun before the placeholder (``orders``), nobody's id
        where there is none.
        """
        parts = self.path.removeprefix("/api/v1").split("/")
        for place, part in enumerate(parts):
            if part.startswith("{"):
                nobodys = 0 if part in NUMBERED else NOBODYS
                parts[place] = str(ids.get(parts[place - 1], nobodys))
        return "/".join(parts)


@lru_cache(maxsize=1)
def description() -> dict[str, Any]:
    found: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return found


def operations() -> list[Operation]:
    return [
        Operation(method, path)
        for path, item in description()["paths"].items()
        for method in item
        if method in METHODS
    ]


def is_twin(path: str) -> bool:
    """An address that several platforms have: the first one's stands for the others'."""
    noun, *_ = path.removeprefix("/api/v1/").split("/")
    slugs = list(registry.slugs())
    if noun not in slugs:
        return False
    earlier = (path.replace(f"/{noun}/", f"/{slug}/", 1) for slug in slugs[: slugs.index(noun)])
    return any(address in description()["paths"] for address in earlier)
