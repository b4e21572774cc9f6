"""Putting a request together: address below the store's own, query, body, headers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit
from uuid import uuid4

import msgspec
import requests
import structlog
from requests.auth import AuthBase

from integrations.errors import Misconfigured, Rejected
from integrations.kit.ssrf import AddressGuard

Params = Mapping[str, Any] | Iterable[tuple[str, Any]]
Prepare = Callable[[], requests.PreparedRequest]

_PATH_SAFE = "/%:@!$&()*+,;=~"
_REQUEST_ID = re.compile(r"[\w.:-]{1,64}")


def url_below(base_url: str, path: str, guard: AddressGuard) -> str:
    """The address of ``path``: below ``base_url``, or ``path`` itself when it is absolute and of
    the same origin.

    Raises Misconfigured for another origin, Rejected when an id in it would climb out of its place.
    """
    is_absolute = "://" in path.partition("?")[0]
    url = path if is_absolute else f"{base_url}/{path.lstrip('/')}"
    origin = guard.check_url(base_url)
    if guard.check_url(url) != origin:
        raise Misconfigured(
            f"A call to another address than {origin} was refused.", code="foreign_origin"
        )
    parts = urlsplit(url)
    if any(unquote(segment) in (".", "..") for segment in parts.path.split("/")):
        raise Rejected("An id with dots in the place of a name cannot be called.", code="bad_path")
    query = f"?{parts.query}" if parts.query else ""
    return f"{origin}{quote(parts.path, safe=_PATH_SAFE)}{query}"


def preparer(
    method: str,
    url: str,
    *,
    params: Params | None,
    json: Any,
    data: Any,
    headers: Mapping[str, str],
    auth: AuthBase | None,
) -> Prepare:
    """Makes the request anew for each try: a nonce or a timestamp must not be sent twice, and
    ``data`` that is a file is sent from its beginning.
    """
    sent = {"Accept": "application/json", "Accept-Encoding": "gzip"}
    if json is not None:
        data = msgspec.json.encode(json)
        sent["Content-Type"] = "application/json"
    sent |= headers
    pairs = query_pairs(params)

    def prepare() -> requests.PreparedRequest:
        if hasattr(data, "seek"):
            data.seek(0)
        return requests.Request(
            method, url, params=pairs, data=data, headers=sent, auth=auth
        ).prepare()

    return prepare


def query_pairs(params: Params | None) -> list[tuple[str, Any]]:
    """Pairs without None; booleans as the APIs spell them; a list repeats its name."""
    pairs = params.items() if isinstance(params, Mapping) else params or ()
    spelled = {True: "true", False: "false"}
    return [
        (name, spelled[value] if isinstance(value, bool) else value)
        for name, value in pairs
        if value is not None
    ]


def request_id() -> str:
    """The id bound to this piece of work in structlog's context, else a new one."""
    bound = str(structlog.contextvars.get_contextvars().get("request_id") or "")
    return bound if _REQUEST_ID.fullmatch(bound) else uuid4().hex
