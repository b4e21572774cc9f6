"""One POST as WordPress's HTTP client makes it: its headers, no redirect, nothing of this machine's
proxy settings.
"""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from urllib.parse import urlsplit

TIMEOUT_S = 60.0
_WORDPRESS = {"11": "7.0.4", "8": "6.5.5"}


def headers(version: str, content_type: str) -> dict[str, str]:
    """As recorded from real stores; Host and Content-Length come with the sending."""
    wordpress = _WORDPRESS.get(version.partition(".")[0], _WORDPRESS["11"])
    return {
        "User-Agent": f"WooCommerce/{version} Hookshot (WordPress/{wordpress})",
        "Accept": "*/*",
        "Accept-Encoding": "deflate, gzip, br, zstd",
        "Content-Type": content_type,
        "Connection": "close",
    }


def post(url: str, body: bytes, headers: Mapping[str, str], timeout_s: float = TIMEOUT_S) -> int:
    """The answer's status, or 0 when there was none: bad address, refused, timed out, no HTTP."""
    try:
        target = urlsplit(url)
        secure = target.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(target.hostname or "", target.port, timeout=timeout_s)
    except (ValueError, http.client.HTTPException):
        return 0
    path = (target.path or "/") + (f"?{target.query}" if target.query else "")
    try:
        connection.request("POST", path, body, dict(headers))
        return connection.getresponse().status
    except (OSError, http.client.HTTPException, ValueError):
        return 0
    finally:
        connection.close()
