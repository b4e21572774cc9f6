"""The store's time: a settable ``now``, the site's zone, and the two ways WordPress writes a
moment.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

_OFFSET = re.compile(r"(Z|[+-]\d{2}:?\d{2})$", re.IGNORECASE)
_DATE = re.compile(
    r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?(Z|[+-]\d{2}:?\d{2})?$", re.I
)

Now = Callable[[], "float | datetime"]


class SiteClock:
    """Moments are whole epoch seconds, as the store's database keeps them."""

    def __init__(self, timezone: str, now: Now | None = None) -> None:
        self.zone = ZoneInfo(timezone)
        self.source: Now = now or time.time

    def now(self) -> int:
        moment = self.source()
        return int(moment.timestamp() if isinstance(moment, datetime) else moment)

    def site(self, moment: int | None) -> str | None:
        """Site time without offset: ``2026-11-20T10:48:54``."""
        if moment is None:
            return None
        return datetime.fromtimestamp(moment, self.zone).replace(tzinfo=None).isoformat()

    def gmt(self, moment: int | None) -> str | None:
        if moment is None:
            return None
        return datetime.fromtimestamp(moment, UTC).replace(tzinfo=None).isoformat()

    def offset_hours(self) -> int | float:
        """Hours ahead of UTC now, as WordPress's ``gmt_offset`` shows them."""
        offset = datetime.fromtimestamp(self.now(), self.zone).utcoffset()
        hours = offset.total_seconds() / 3600 if offset else 0
        return int(hours) if hours == int(hours) else hours

    def read(self, value: str, *, is_gmt: bool) -> int:
        """A filter's date. An offset or Z in the value changes nothing (issues #19976, #28111)."""
        naive = datetime.fromisoformat(_OFFSET.sub("", value.strip()))
        return int(naive.replace(tzinfo=UTC if is_gmt else self.zone).timestamp())


def is_date(value: str) -> bool:
    """What WordPress accepts for the format ``date-time``."""
    if not _DATE.match(value.strip()):
        return False
    try:
        datetime.fromisoformat(_OFFSET.sub("", value.strip()))
    except ValueError:
        return False
    return True
