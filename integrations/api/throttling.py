"""How much one token may ask: a fixed window, counted in Redis where there is one, else by each
process for itself.

Rates come from the settings (``LOGIX_API_RATE``); the window is the rate's own period.
"""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.core.cache import BaseCache, cache
from django.core.cache.backends.locmem import LocMemCache
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import BaseThrottle, SimpleRateThrottle

from logix.accounts.models import ApiToken

_DEFAULT_RATES = {"user": "1200/min", "anon": "60/min"}
# A cache in the database would cost more statements than the request itself.
_OWN_COUNTERS = LocMemCache("api-rate", {"OPTIONS": {"MAX_ENTRIES": 20_000}})


class TokenThrottle(BaseThrottle):
    """Two cache operations a request. A lost counter costs a fuller window, never a refusal."""

    def __init__(self) -> None:
        self._wait: float | None = None

    def allow_request(self, request: Request, view: Any) -> bool:
        kind, who = self._caller(request)
        most, span_s = _rate(kind)
        now = time.time()
        counters = _counters()
        key = f"api-rate:{kind}:{who}:{int(now // span_s)}"
        counters.add(key, 0, span_s)
        try:
            count = counters.incr(key)
        except ValueError:
            return True
        if count <= most:
            return True
        self._wait = span_s - now % span_s
        return False

    def wait(self) -> float | None:
        return self._wait

    def _caller(self, request: Request) -> tuple[str, str]:
        if isinstance(request.auth, ApiToken):
            return "user", str(request.auth.pk)
        return "anon", self.get_ident(request) or "unknown"


def reset() -> None:
    """Forget what was counted here, as a fresh process would."""
    _OWN_COUNTERS.clear()


def _counters() -> BaseCache:
    return cache if getattr(settings, "REDIS_URL", "") else _OWN_COUNTERS


def _rate(kind: str) -> tuple[int, int]:
    """(requests, seconds)."""
    text = (api_settings.DEFAULT_THROTTLE_RATES or {}).get(kind) or _DEFAULT_RATES[kind]
    most, span_s = SimpleRateThrottle.parse_rate(None, text)  # type: ignore[arg-type]
    return (most or 0, span_s or 60)
