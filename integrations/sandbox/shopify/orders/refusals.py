"""Why a thing cannot be done to an order."""

from __future__ import annotations


class Impossible(Exception):
    """``field`` is the way to the input that is to blame, ``code`` the schema's word for it."""

    def __init__(self, message: str, *field: str | int, code: str | None = None) -> None:
        super().__init__(message)
        self.field, self.code = field, code
