"""HTTP as the simulator hears and answers it, and how it says no."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

JSON = ("Content-Type", "application/json")


@dataclass(slots=True)
class Request:
    """``path`` is as sent, still encoded; header names are in lower case."""

    method: str
    path: str
    raw_query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def segments(self) -> list[str]:
        """The path's parts, decoded one by one: a SKU may hold an encoded slash."""
        return [unquote(part) for part in self.path.strip("/").split("/")]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        return parse_qsl(self.raw_query, keep_blank_values=True)

    @property
    def query(self) -> dict[str, str]:
        return dict(self.pairs)

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def sent(self) -> dict[str, Any] | None:
        """The body's fields, sent as JSON or as a form; None for what cannot be read."""
        if self.content_type == "application/x-www-form-urlencoded":
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
            self.body = json.dumps(
                self.document, ensure_ascii=False, separators=(",", ":")
            ).encode()
        return self.body

    def header(self, name: str) -> str | None:
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

    def set_header(self, name: str, value: str) -> None:
        wanted = name.lower()
        self.headers = [pair for pair in self.headers if pair[0].lower() != wanted]
        self.headers.append((name, value))


class Refused(Exception):
    """An error of the Selling Partner API."""

    def __init__(self, status: int, code: str, message: str, details: str = "") -> None:
        super().__init__(message)
        self.status, self.code, self.details = status, code, details

    def answer(self) -> Answer:
        return errors(self.status, self.code, str(self), self.details)


def errors(status: int, code: str, message: str, details: str = "") -> Answer:
    """Every error of the Selling Partner API looks like this."""
    return Answer(status, {"errors": [{"code": code, "message": message, "details": details}]})


def invalid(message: str = "") -> Refused:
    return Refused(
        400,
        "InvalidInput",
        message
        or "The input you have submitted is not valid. Please check your input and try again.",
    )


def nothing(status: int = 204) -> Answer:
    return Answer(status, headers=[], body=b"")


def html(status: int, body: str, *headers: tuple[str, str]) -> Answer:
    return Answer(
        status,
        headers=[("Content-Type", "text/html; charset=utf-8"), *headers],
        body=body.encode("utf-8", "replace"),
    )
