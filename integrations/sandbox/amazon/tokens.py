"""Page tokens: opaque to the client, they carry where to go on and until when they are good. Like
Amazon's they hold characters that must be encoded in a query.
"""

from __future__ import annotations

import base64
import json
from typing import Any


def sealed(purpose: str, until: float, /, **place: Any) -> str:
    """``place`` is what ``opened`` gives back."""
    text = json.dumps({"for": purpose, "until": until, "at": place}, separators=(",", ":"))
    # The filler keeps a "+" or "/" and the padding in every token.
    return base64.b64encode(b"\xfb\xff" + text.encode()).decode()


def opened(token: str, purpose: str, now: float) -> dict[str, Any] | None:
    """None for what was never given out for this purpose, or is over."""
    try:
        found = json.loads(base64.b64decode(token, validate=True)[2:])
    except ValueError:
        return None
    if not isinstance(found, dict) or found.get("for") != purpose or found.get("until", 0) <= now:
        return None
    place: dict[str, Any] = found["at"]
    return place
