"""What staff may set for a store beyond its form: one table, checked before anything is kept.

``adopt_stock``           take the store's figures as the first count (default yes)
``orders_read_within_s``  how old the last reading of orders may be when stock is written, 10–86,400
``calls_per_s``           calls a second in place of the platform's declared limit, 0.1–100
``unpaid_hold_m``         minutes that an unpaid order holds its units, 0 for ever (default: as the
                          store does)
``refunds``               what becomes of a refund asked for here: ``off`` (default), ``record``
                          (the store notes it, no money moves), ``gateway`` (the money goes back)
``returns``               what becomes here of goods that the store refunds or takes back: ``off``
                          (they are shown), ``record`` (default: a person decides what can be sold
                          again), ``automatic`` (what the store put back on sale goes on the shelf)
``reserve_from``          where the units of an order come from: ``ranked`` (default),
                          ``most_stock``, ``single_or_split``, ``pinned`` or ``no_split``
``keep_buyers_days``      days that buyers' data are kept once an order was sent or cancelled, from
                          2 to what the platform allows (default: as long as that, else until
                          somebody erases them)
``reconcile_days``        days of orders that the nightly comparison looks at, 1–365 (default 30)
``stock_master``          who counts what the store sells, ``hub`` (default) or ``store``: chosen
                          when it is connected, later switched by ``sync.set_stock_master``
``status_words``          a plugin's order status → the platform's own status it counts as

A platform's card may name others of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from integrations import keeping, mastery
from integrations.lifecycle import ConnectError
from integrations.platform import PlatformCard, StoreOption
from inventory.shelves import OPTION, Strategy
from orders.status import Handling

_MOST_WORDS = 100
_MOST_VALUES = 25


def check(card: PlatformCard, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options as they are kept; None stands for “remove”. Raises ConnectError naming the one
    that cannot be right.
    """
    own = {option.name: option for option in card.options}
    if strange := sorted(set(options) - set(_CHECKS) - set(own)):
        raise ConnectError(
            f"There is no option {', '.join(strange)}. Options are {', '.join((*_CHECKS, *own))}.",
            code="unknown_option",
        )
    for name, value in options.items():
        if value is None:
            continue
        problem = _CHECKS[name](card, value) if name in _CHECKS else _own(own[name], value)
        if problem:
            raise ConnectError(f"The option {name} {problem}", code="option_malformed")
    return dict(options)


def _own(option: StoreOption, value: Any) -> str | None:
    """One of the platform's own."""
    values = value if option.many else [value]
    if not isinstance(values, list) or len(values) > _MOST_VALUES:
        return f"must be a list of at most {_MOST_VALUES}."
    wrong = [x for x in values if not isinstance(x, str) or not re.fullmatch(option.pattern, x)]
    return f"cannot be “{str(wrong[0])[:60]}”. {option.help}" if wrong else None


def _yes_or_no(_: PlatformCard, value: Any) -> str | None:
    return None if isinstance(value, bool) else "must be true or false."


def _number(lowest: float, highest: float) -> Callable[[PlatformCard, Any], str | None]:
    def problem(_: PlatformCard, value: Any) -> str | None:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number and lowest <= value <= highest:
            return None
        return f"must be a number from {lowest:g} to {highest:g}."

    return problem


def _keep_buyers(card: PlatformCard, value: Any) -> str | None:
    most = card.buyers_kept.days if card.buyers_kept else keeping.MOST_DAYS
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if is_number and keeping.FEWEST_DAYS <= value <= most:
        return None
    bound = f": {card.name} allows no more" if card.buyers_kept else ""
    return f"must be a whole number of days from {keeping.FEWEST_DAYS} to {most}{bound}."


def _refunds(card: PlatformCard, value: Any) -> str | None:
    choices = ("off", *card.refunds)
    if value in choices:
        return None
    return f"must be one of {', '.join(choices)}, as far as {card.name} can."


def _returns(_: PlatformCard, value: Any) -> str | None:
    choices = [word.value for word in Handling]
    return None if value in choices else f"must be one of {', '.join(choices)}."


def _reserve_from(_: PlatformCard, value: Any) -> str | None:
    choices = [way.value for way in Strategy]
    return None if value in choices else f"must be one of {', '.join(choices)}."


def _stock_master(card: PlatformCard, value: Any) -> str | None:
    if value not in ("hub", "store"):
        return "must be hub or store."
    problem = mastery.why_not(card) if value == "store" else ""
    return f"cannot be store. {problem}" if problem else None


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
            return (
                f"cannot give {card.name}'s own status “{word}” another meaning: Logix writes "
                "by these words too, and would not know its own writing again."
            )
        if meaning not in card.status_words:
            return f"maps “{word}” to “{meaning}”; choose one of {', '.join(card.status_words)}."
    return None


_CHECKS: Mapping[str, Callable[[PlatformCard, Any], str | None]] = {
    "adopt_stock": _yes_or_no,
    "orders_read_within_s": _number(10, 86_400),
    "calls_per_s": _number(0.1, 100),
    "unpaid_hold_m": _number(0, 43_200),
    "refunds": _refunds,
    "returns": _returns,
    OPTION: _reserve_from,
    keeping.OPTION: _keep_buyers,
    "reconcile_days": _number(1, 365),
    "stock_master": _stock_master,
    "status_words": _words,
}
