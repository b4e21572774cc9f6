"""Who may use a control page: whoever reaches it may do anything to an invented store and read its
keys. It knows no platform.

It answers only to a loopback name in the Host header (a page elsewhere cannot rebind its own name
to here), and changes only what is sent as JSON from its own origin.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

HEADERS = (
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
)
"""Of every answer."""

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def refusal(method: str, headers: Mapping[str, str]) -> str:
    """Why this request is not answered; empty for one that is. Header names are in lower case."""
    host = headers.get("host", "")
    if _name(f"//{host}") not in _LOOPBACK:
        return "The control page answers only to localhost and 127.0.0.1."
    if method in ("GET", "HEAD"):
        return ""
    origin = headers.get("origin")
    is_foreign = origin is not None and origin.partition("://")[2] != host
    if is_foreign or headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return "A change must come from the control page itself or from no page at all."
    if headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        return "A change is sent as application/json."
    return ""


def _name(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None
