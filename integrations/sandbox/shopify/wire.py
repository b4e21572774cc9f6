"""HTTP as the simulator hears and answers it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

JSON = ("Content-Type", "application/json; charset=utf-8")


@dataclass(slots=True)
class Request:
    """``path`` is decoded; header names are in lower case."""

    method: str
    path: str
    raw_query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.raw_query, keep_blank_values=True))

    def sent(self) -> dict[str, Any] | None:
        """The body's fields, sent as JSON or as a form; None for what cannot be read."""
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "application/x-www-form-urlencoded":
            return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))
        try:
            found = json.loads(self.body or b"{}")
        except ValueError:
            return None
        return found if isinstance(found, dict) else None


@dataclass(slots=True)
class Answer:
    """``document`` is encoded when ``body`` is None. ``fate`` tells the server to spoil it: "drop"
    closes the connection unanswered, "truncate" after half the body.
    """

    status: int = 200
    document: Any = None
    headers: list[tuple[str, str]] = field(default_factory=lambda: [JSON])
    body: bytes | None = None
    fate: str = ""

    def content(self) -> bytes:
        if self.body is None:
            self.body = json.dumps(self.document, separators=(",", ":")).encode()
        return self.body

    def header(self, name: str) -> str | None:
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

    def set_header(self, name: str, value: str) -> None:
        wanted = name.lower()
        self.headers = [pair for pair in self.headers if pair[0].lower() != wanted]
        self.headers.append((name, value))


def html(status: int, body: str, *headers: tuple[str, str]) -> Answer:
    return Answer(
        status,
        headers=[("Content-Type", "text/html; charset=utf-8"), *headers],
        body=body.encode("utf-8", "replace"),
    )
