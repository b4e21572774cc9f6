"""HTTP as WordPress speaks it: a request taken apart as PHP does, an answer with its headers,
errors by code.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote

_NESTED = re.compile(r"^([^\[\]]+)((?:\[[^\[\]]*\])+)$")
_KEY = re.compile(r"\[([^\[\]]*)\]")

JSON_HEADERS = (
    ("Content-Type", "application/json; charset=UTF-8"),
    ("X-Robots-Tag", "noindex"),
    ("X-Content-Type-Options", "nosniff"),
    ("Access-Control-Expose-Headers", "X-WP-Total, X-WP-TotalPages, Link"),
    (
        "Access-Control-Allow-Headers",
        "Authorization, X-WP-Nonce, Content-Disposition, Content-MD5, Content-Type",
    ),
)
NO_CACHE = (
    ("Expires", "Wed, 11 Jan 1984 05:00:00 GMT"),
    ("Cache-Control", "no-cache, must-revalidate, max-age=0, no-store, private"),
)


@dataclass(slots=True)
class Request:
    """``path`` is decoded, ``raw_path`` and ``raw_query`` as sent; header names are lower-case."""

    method: str
    path: str
    raw_path: str = ""
    raw_query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    is_tls: bool = False
    query: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.raw_path = self.raw_path or quote(self.path)
        self.query = php_query(self.raw_query)


@dataclass(slots=True)
class Answer:
    """``document`` is encoded when ``body`` is None. ``fate`` tells the server to spoil it: "drop"
    closes the connection unanswered, "truncate" after half the body.
    """

    status: int = 200
    document: Any = None
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes | None = None
    fate: str = ""

    def content(self) -> bytes:
        if self.body is None:
            self.body = encode(self.document)
        return self.body

    def header(self, name: str) -> str | None:
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

    def set_header(self, name: str, value: str) -> None:
        wanted = name.lower()
        self.headers = [pair for pair in self.headers if pair[0].lower() != wanted]
        self.headers.append((name, value))


class Refused(Exception):
    """A WP_Error on its way out."""

    def __init__(self, code: str, message: str, status: int, **data: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.data = data

    def document(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "message": self.message,
            "data": {"status": self.status} | self.data,
        }

    def answer(self) -> Answer:
        return Answer(self.status, self.document(), list(JSON_HEADERS))


def no_route() -> Refused:
    return Refused("rest_no_route", "No route was found matching the URL and request method.", 404)


def encode(document: Any) -> bytes:
    """ASCII JSON with escaped slashes, as ``wp_json_encode`` writes it without flags."""
    text = json.dumps(document, ensure_ascii=True, separators=(",", ":"))
    return text.replace("/", "\\/").encode("ascii")


def html(status: int, body: str, *headers: tuple[str, str]) -> Answer:
    return Answer(
        status, headers=[("Content-Type", "text/html; charset=UTF-8"), *headers], body=body.encode()
    )


def php_query(raw: str) -> dict[str, Any]:
    """``status[]=a&status[]=b`` and ``status[0]=a`` become ``{"status": {"0": "a", …}}``; the last
    plain value wins.
    """
    found: dict[str, Any] = {}
    for name, value in parse_qsl(raw, keep_blank_values=True):
        nested = _NESTED.match(name)
        if nested is None:
            found[name] = value
            continue
        keys = [nested[1], *_KEY.findall(nested[2])]
        node = found
        for index, key in enumerate(keys[:-1]):
            below = node.get(_place(node, key) if index else key)
            if not isinstance(below, dict):
                below = {}
                node[_place(node, key) if index else key] = below
            node = below
        node[_place(node, keys[-1])] = value
    return found


def _place(node: dict[str, Any], key: str) -> str:
    if key:
        return key
    numbers = [int(k) for k in node if k.isdecimal()]
    return str(max(numbers, default=-1) + 1)


def url_query(values: dict[str, Any]) -> str:
    """A query string as ``add_query_arg`` writes it: nested keys encoded, booleans as 1 and nothing
    for false.
    """
    parts: list[str] = []

    def walk(prefix: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, below in value.items():
                walk(f"{prefix}[{key}]", below)
        elif isinstance(value, list | tuple):
            for index, below in enumerate(value):
                walk(f"{prefix}[{index}]", below)
        elif value is False:
            parts.append(f"{quote(prefix, safe='')}=0")
        else:
            shown = "1" if value is True else str(value)
            parts.append(f"{quote(prefix, safe='')}={quote(shown, safe='')}")

    for name, value in values.items():
        walk(name, value)
    return "&".join(parts)
