"""What a call leaves behind: the answer, strictly readable, and the record for the request log."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

from integrations.kit import strictjson

T = TypeVar("T")

# What is an id in a path: digits, long hex, a UUID, or anything long that has a digit in it.
_ID_SEGMENT = re.compile(
    r"\d+"
    r"|[0-9a-fA-F]{16,}"
    r"|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
    r"|(?=.*\d)[\w.%~:=-]{12,}"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, read completely and decompressed. ``url`` has no query; ``date`` is the
    store's clock, aware UTC.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    url: str
    date: datetime | None
    elapsed_s: float
    request_id: str

    @property
    def is_html(self) -> bool:
        kind = self.headers.get("Content-Type", "").lower()
        return "html" in kind or self.body[:64].lstrip().lower().startswith(
            (b"<!doctype", b"<html")
        )

    def json(self) -> Any:
        """The body as JSON, strictly read (``kit.strictjson``). Raises ContractBroken."""
        return strictjson.parse(self.body)

    def decode(self, type_: type[T], *, strict: bool = True) -> T:
        """The body as ``type_`` by msgspec. ``strict=False`` takes "3" for an int. Raises
        ContractBroken with the path.
        """
        return strictjson.decode(self.body, type_, strict=strict)


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call with all its tries, for the request log: no secret, no body, no query. Times in
    seconds, ``at`` aware UTC.

    ``route`` is the path with ids replaced by ``{id}``; ``wait_s`` what was slept for limits and
    between tries.
    """

    store_id: str
    method: str
    route: str
    status: int | None
    error: str
    attempts: int
    elapsed_s: float
    wait_s: float
    bytes_in: int
    request_id: str
    bucket: str
    at: datetime


def route_of(url: str) -> str:
    """The path of ``url`` with ids replaced by ``{id}``, at most 160 characters:
    ``/wp-json/wc/v3/orders/{id}``.
    """
    segments = urlsplit(url).path.split("/")
    return "/".join("{id}" if _ID_SEGMENT.fullmatch(part) else part for part in segments)[:160]
