"""The switches for trouble: which are on, and whether one strikes now. What kinds there are, each
simulator says itself; it knows no platform.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
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


@dataclass(slots=True)
class Switch:
    """Strikes a share ``rate`` (0..1) of what fits ``route`` (a regular expression, found anywhere
    in what the simulator holds it against) and ``method``, ``count`` times at most.
    """

    kind: str
    rate: float = 1.0
    count: int | None = None
    route: str = ""
    method: str = ""
    seconds: float = 0.0
    status: int = 0
    struck: int = 0
    pattern: re.Pattern[str] = field(default_factory=lambda: re.compile(""), repr=False)

    def fits(self, method: str, path: str) -> bool:
        return (
            self.count != 0
            and self.method in ("", method)
            and self.pattern.search(path) is not None
        )


class Faults:
    """Thread-safe. Equal seeds strike alike for equal questions in equal order."""

    def __init__(self, kinds: Mapping[str, Kind], *, seed: int = 1) -> None:
        self._kinds = kinds
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
        method: str = "",
        seconds: float | None = None,
        status: int | None = None,
    ) -> Switch:
        """Replaces a switch of the same kind. Raises ValueError with a sentence for the person."""
        known = self._kinds.get(kind)
        if known is None:
            raise ValueError(f"There is no fault “{kind}”. There are: {', '.join(self._kinds)}.")
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
            method.upper(),
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

    def strikes(self, kind: str, path: str, method: str = "POST") -> Switch | None:
        """The switch when it strikes this time, which counts."""
        with self._lock:
            switch = self._on.get(kind)
            if switch is None or not switch.fits(method, path):
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
