"""The switches for trouble: which kinds there are, which are on, and whether one strikes now.

What a kind does to a request stands in ``spoiling``, what it does to a webhook in
``hooks/deliveries``.
"""

from __future__ import annotations

import re
import threading
from dataclasses import asdict, dataclass, field
from typing import Any

from integrations.sandbox.dice import dice


@dataclass(frozen=True, slots=True)
class Kind:
    """``seconds`` and ``status`` are what a switch has when nothing else is asked for; None: the
    kind does not know that setting.
    """

    about: str
    seconds: float | None = None
    status: int | None = None


KINDS: dict[str, Kind] = {
    # Before the work: the store has done nothing.
    "throttled": Kind("THROTTLED: the app's points are used up", status=200),
    "rate_limited": Kind("429 with Retry-After", seconds=2, status=429),
    "rate_limited_silently": Kind("429 that does not say for how long", status=429),
    "internal_error": Kind("INTERNAL_SERVER_ERROR in a 200", status=200),
    "server_error": Kind("an error of the server", status=500),
    "html_page": Kind("a page instead of JSON", status=200),
    "shop_frozen": Kind("the shop has not paid: 402", status=402),
    "forbidden": Kind("the shop refuses the app: 403", status=403),
    "shop_gone": Kind("there is no such shop: 404", status=404),
    "shop_locked": Kind("the shop is locked: 423", status=423),
    "rejected": Kind("the request looks malicious to Shopify: 430", status=430),
    "redirect": Kind("sent on to another address", status=301),
    "dropped": Kind("the connection breaks before anything is done"),
    "slow": Kind("a slow answer", seconds=5),
    "token_revoked": Kind("the token was taken back"),
    "scopes_narrowed": Kind("the app may only read"),
    "idempotency_busy": Kind("IDEMPOTENCY_CONCURRENT_REQUEST: the key's request is under way"),
    # Inside: the store itself does not do what was asked.
    "bulk_failed": Kind("a bulk operation fails half way, with what it has read"),
    # After the work: whatever was asked for has happened.
    "timeout_after_write": Kind("a mutation is done, its answer never comes", seconds=30),
    "truncated": Kind("the connection breaks amid the answer"),
    "unknown_fields": Kind("fields nobody asked for"),
    "unknown_values": Kind("a known enum has a value nobody has announced"),
    "unexpected_nulls": Kind("null where the schema promises something"),
    "edited_during_paging": Kind("a record of a page changes once the page was read"),
    # What is sent to others. The route filter is held against the topic.
    "webhook_lost": Kind("never sent"),
    "webhook_late": Kind("sent late", seconds=10),
    "webhook_duplicated": Kind("sent twice"),
    "webhook_shuffled": Kind("held up once it was built: newer ones overtake it", seconds=2),
}


@dataclass(slots=True)
class Switch:
    """Strikes a share ``rate`` (0..1) of what fits ``route``, ``count`` times at most. ``route`` is
    a regular expression, found anywhere in the path or, behind it, the names of the fields a
    GraphQL request asks for (``/admin/api/2026-07/graphql.json orders``).
    """

    kind: str
    rate: float = 1.0
    count: int | None = None
    route: str = ""
    seconds: float = 0.0
    status: int = 0
    struck: int = 0
    pattern: re.Pattern[str] = field(default_factory=lambda: re.compile(""), repr=False)

    def fits(self, path: str) -> bool:
        return self.count != 0 and self.pattern.search(path) is not None


class Faults:
    """Thread-safe. Equal seeds strike alike for equal questions in equal order."""

    def __init__(self, *, seed: int = 1) -> None:
        self._dice = dice(seed, "faults")
        self._lock = threading.Condition()
        self._on: dict[str, Switch] = {}
        self._is_over = False

    def turn_on(
        self,
        kind: str,
        *,
        rate: float = 1.0,
        count: int | None = None,
        route: str = "",
        seconds: float | None = None,
        status: int | None = None,
    ) -> Switch:
        """Replaces a switch of the same kind. Raises ValueError with a sentence for the person."""
        known = KINDS.get(kind)
        if known is None:
            raise ValueError(f"There is no fault “{kind}”. There are: {', '.join(KINDS)}.")
        if not 0 <= rate <= 1:
            raise ValueError(f"rate is a share between 0 and 1, not {rate}.")
        if count is not None and count < 1:
            raise ValueError(f"count is at least 1, not {count}.")
        if seconds is not None and not 0 <= seconds <= 3600:
            raise ValueError(f"seconds lie between 0 and 3600, not {seconds}.")
        if status is not None and not 200 <= status <= 599:
            raise ValueError(f"status lies between 200 and 599, not {status}.")
        try:
            pattern = re.compile(route)
        except re.error as err:
            raise ValueError(f"route is no regular expression: {err}.") from err
        switch = Switch(
            kind,
            rate,
            count,
            route,
            seconds=(known.seconds or 0.0) if seconds is None else seconds,
            status=(known.status or 0) if status is None else status,
            pattern=pattern,
        )
        with self._lock:
            self._on[kind] = switch
            self._lock.notify_all()
        return switch

    def turn_off(self, kind: str) -> None:
        with self._lock:
            self._on.pop(kind, None)
            self._lock.notify_all()

    def clear(self) -> None:
        with self._lock:
            self._on.clear()
            self._lock.notify_all()

    def hold(self, switch: Switch) -> None:
        """Wait as long as the switch says, or until it is turned off or the store stops."""
        with self._lock:
            self._lock.wait_for(
                lambda: self._is_over or self._on.get(switch.kind) is not switch, switch.seconds
            )

    def let_go(self) -> None:
        """The store stops: nobody waits any more."""
        with self._lock:
            self._is_over = True
            self._lock.notify_all()

    def strikes(self, kind: str, path: str) -> Switch | None:
        """The switch when it strikes this time, which counts."""
        with self._lock:
            switch = self._on.get(kind)
            if switch is None or not switch.fits(path):
                return None
            if switch.rate < 1 and self._dice.random() >= switch.rate:
                return None
            switch.struck += 1
            if switch.count is not None:
                switch.count -= 1
            return switch

    def roll(self, below: float) -> float:
        """A number of seconds from 0 up to ``below``."""
        with self._lock:
            return self._dice.random() * below

    def document(self) -> list[dict[str, Any]]:
        """The switches that are on; a used-up one is shown with ``count`` 0."""
        with self._lock:
            found = [asdict(switch) for switch in self._on.values()]
        for row in found:
            del row["pattern"]
        return found
