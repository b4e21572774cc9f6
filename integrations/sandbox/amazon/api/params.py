"""The parameters of a call, read as its model has them. What does not fit is refused as Amazon
does: 400 and InvalidInput.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeVar

import msgspec

from integrations.sandbox.amazon.clock import parsed
from integrations.sandbox.amazon.wire import Request, invalid

Body = TypeVar("Body")


class Query:
    """A parameter that comes twice is refused: the models know lists as one value with commas."""

    def __init__(self, request: Request) -> None:
        pairs = request.pairs
        self.given: dict[str, str] = dict(pairs)
        if len(self.given) != len(pairs):
            raise invalid()

    def text(self, name: str, among: Collection[str] = ()) -> str:
        """Empty where it was not given."""
        value = self.given.get(name, "")
        if value and among and value not in among:
            raise invalid()
        return value

    def texts(
        self, name: str, among: Collection[str] = (), *, most: int = 1_000, least: int = 0
    ) -> list[str]:
        value = self.given.get(name, "")
        found = value.split(",") if value else []
        is_odd = "" in found or (among and not set(found) <= set(among))
        if is_odd or not least <= len(found) <= most:
            raise invalid()
        return found

    def needed(self, name: str, among: Collection[str] = ()) -> str:
        value = self.text(name, among)
        if not value:
            raise invalid(f"Required parameter {name} is missing.")
        return value

    def moment(self, name: str) -> float | None:
        value = self.given.get(name)
        if value is None:
            return None
        try:
            return parsed(value)
        except ValueError as err:
            raise invalid() from err

    def number(self, name: str, *, least: int, most: int, usual: int) -> int:
        value = self.given.get(name)
        if value is None:
            return usual
        if not value.isdecimal() or not least <= int(value) <= most:
            raise invalid()
        return int(value)

    def flag(self, name: str) -> bool:
        return self.text(name, ("true", "false")) == "true"


def body(request: Request, kind: type[Body]) -> Body:
    """The JSON body. The words about a wrong type are those of
    amzn/selling-partner-api-models#5094.
    """
    try:
        return msgspec.json.decode(request.body, type=kind)
    except msgspec.ValidationError as err:
        path = str(err).rpartition("`$.")[2].rstrip("`")
        where = f" Please check the fields with invalid type [{path}]." if path else ""
        raise invalid(f"The input you have submitted is not valid.{where}") from err
    except msgspec.DecodeError as err:
        raise invalid() from err


def only(found: dict[str, Any]) -> dict[str, Any]:
    """Without what is not there: the models know no null."""
    return {name: value for name, value in found.items() if value is not None}
