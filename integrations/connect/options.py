"""What staff may set for a store beyond its form: one table, checked before anything is kept.

``adopt_stock``           take the store's figures as the first count (default yes)
``orders_read_within_s``  how old the last reading of orders may be when stock is written, 10–86,400
``calls_per_s``           calls a second in place of the platform's declared limit, 0.1–100
``status_words``          a plugin's order status → the platform's own status it counts as
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from integrations.lifecycle import ConnectError
from integrations.platform import PlatformCard

_MOST_WORDS = 100


def check(card: PlatformCard, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options as they are kept; None stands for “remove”. Raises ConnectError naming the one
    that cannot be right.
    """
    if strange := sorted(set(options) - set(_CHECKS)):
        raise ConnectError(
            f"There is no option {', '.join(strange)}. Options are {', '.join(_CHECKS)}.",
            code="unknown_option",
        )
    for name, value in options.items():
        problem = None if value is None else _CHECKS[name](card, value)
        if problem:
            raise ConnectError(f"The option {name} {problem}", code="option_malformed")
    return dict(options)


def _yes_or_no(_: PlatformCard, value: Any) -> str | None:
    return None if isinstance(value, bool) else "must be true or false."


def _number(lowest: float, highest: float) -> Callable[[PlatformCard, Any], str | None]:
    def problem(_: PlatformCard, value: Any) -> str | None:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number and lowest <= value <= highest:
            return None
        return f"must be a number from {lowest:g} to {highest:g}."

    return problem


def _words(card: PlatformCard, value: Any) -> str | None:
    if not isinstance(value, Mapping) or len(value) > _MOST_WORDS:
        return "must map statuses of this store to statuses of the platform."
    if not card.status_words:
        return f"is not used by {card.name}."
    for word, meaning in value.items():
        if not re.fullmatch(card.status_pattern, str(word)):
            return (
                f"names “{word}”, which {card.name} never says; take the word of a waiting order."
            )
        if word in card.status_words:
            return f"cannot give {card.name}'s own status “{word}” another meaning."
        if meaning not in card.status_words:
            return f"maps “{word}” to “{meaning}”; choose one of {', '.join(card.status_words)}."
    return None


_CHECKS: Mapping[str, Callable[[PlatformCard, Any], str | None]] = {
    "adopt_stock": _yes_or_no,
    "orders_read_within_s": _number(10, 86_400),
    "calls_per_s": _number(0.1, 100),
    "status_words": _words,
}
