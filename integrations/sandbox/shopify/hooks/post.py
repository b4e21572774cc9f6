"""One POST as Shopify makes it: a second to connect, five in all, no redirect, nothing of this
machine's proxy settings.
"""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

CONNECT_S, TOTAL_S = 1.0, 5.0


def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """The answer's status, or 0 when there was none: bad address, refused, timed out, no HTTP."""
    try:
        target = urlsplit(url)
        secure = target.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(target.hostname or "", target.port, timeout=CONNECT_S)
    except (ValueError, http.client.HTTPException):
        return 0
    path = (target.path or "/") + (f"?{target.query}" if target.query else "")
    began = time.monotonic()
    try:
        connection.connect()
        line: socket.socket | None = connection.sock
        if line is not None:
            line.settimeout(TOTAL_S - (time.monotonic() - began))
        connection.request("POST", path, body, dict(headers))
        return connection.getresponse().status
    except (OSError, http.client.HTTPException, ValueError):
        return 0
    finally:
        connection.close()
