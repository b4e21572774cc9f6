"""Order ids in the order of a moment, so that a list need not be sorted for every page."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence

Key = tuple[int, int]


class Shelf:
    """(moment, id) pairs, ascending."""

    def __init__(self, pairs: Iterable[Key]) -> None:
        self._keys = sorted(pairs)
        self._moments = {number: moment for moment, number in self._keys}

    def put(self, moment: int, number: int) -> None:
        """Where it stood before, it stands no more."""
        if self._moments.get(number) == moment:
            return
        self.drop(number)
        insort(self._keys, (moment, number))
        self._moments[number] = moment

    def drop(self, number: int) -> None:
        moment = self._moments.pop(number, None)
        if moment is not None:
            place = bisect_left(self._keys, (moment, number))
            del self._keys[place]

    def span(self, low: int | None = None, high: int | None = None) -> Sequence[Key]:
        """Those of the moments from ``low`` to ``high``, both included."""
        if low is None and high is None:
            return self._keys
        start = 0 if low is None else bisect_left(self._keys, (low, 0))
        end = len(self._keys) if high is None else bisect_left(self._keys, (high + 1, 0))
        return self._keys[start:end]

    def moment(self, number: int) -> int:
        return self._moments[number]
