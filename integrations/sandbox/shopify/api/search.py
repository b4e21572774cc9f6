"""The filter language of ``query:`` arguments, read into a predicate.

Source: shopify.dev/api/usage/search-syntax: terms ``field:value`` with comparators, joined by AND
(or a blank), OR, NOT (or ``-``), brackets, quotes; ``field:a,b`` means either. A field the list
does not know is ignored, as Shopify does (it warns in the answer's extensions).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from integrations.sandbox.shopify.clock import Clock

_TOKEN = re.compile(
    r"""\s*(?:(?P<bracket>[()])
    |(?P<minus>-)?(?:(?P<field>[\w.]+)\s*:\s*)?(?P<sign><=|>=|<|>)?\s*
     (?P<value>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[^\s()]+))""",
    re.VERBOSE,
)
# Hundreds of numbers, for each row of thousands: looked up rather than compared.
_ONE_OF = re.compile(r"(id):\d+(?: OR \1:\d+)+")
_RELATIVE = re.compile(r"(?:past|next)_(\d*)(hour|day|week|month|year)s?")
_SPANS = {"hour": 1, "day": 24, "week": 168, "month": 730, "year": 8_766}

Value = Callable[[Any], Any]
Test = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Term:
    field: str
    sign: str
    value: str


def predicate(text: str | None, fields: Mapping[str, Value], clock: Clock) -> Test:
    """``fields`` gives for each name what a row has there: a number or moment to compare, a text, a
    list of texts, None. ``""`` is the text a bare word is looked for in: one of its words must
    begin like that.
    """
    if not text or not text.strip():
        return lambda _: True
    if (named := _ONE_OF.fullmatch(text)) and (value_of := fields.get(named[1])):
        wanted = {int(number) for number in re.findall(r":(\d+)", text)}
        return lambda row: value_of(row) in wanted
    return _Reader(text, fields, clock).whole()


def unknown_fields(text: str | None, fields: Mapping[str, Value]) -> list[str]:
    """The names in a query that its list does not know."""
    found = [match["field"] for match in _TOKEN.finditer(text or "") if match["field"]]
    return sorted({name for name in found if name not in fields})


def moment(text: str, clock: Clock) -> int | None:
    """Epoch seconds of an ISO date or time (the store's zone where it has none), ``now`` or
    ``past_2days``; None for none of them.
    """
    now = clock.now()
    if text == "now":
        return now
    if relative := _RELATIVE.fullmatch(text):
        hours = int(relative[1] or 1) * _SPANS[relative[2]]
        return now + (hours if text.startswith("next") else -hours) * 3600
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return int((found if found.tzinfo else found.replace(tzinfo=clock.zone)).timestamp())


class _Reader:
    def __init__(self, text: str, fields: Mapping[str, Value], clock: Clock) -> None:
        self._tokens = [found for found in _TOKEN.finditer(text) if found[0].strip()]
        self._at, self._fields, self._clock = 0, fields, clock

    def whole(self) -> Test:
        tests = [self._either()]
        while self._peek():  # a closing bracket too many
            self._at += 1
            if self._peek():
                tests.append(self._either())
        return lambda row: all(test(row) for test in tests)

    def _peek(self) -> re.Match[str] | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _word(self, word: str) -> bool:
        token = self._peek()
        if token and not token["field"] and token["value"] == word:
            self._at += 1
            return True
        return False

    def _either(self) -> Test:
        tests = [self._every()]
        while self._word("OR"):
            tests.append(self._every())
        return tests[0] if len(tests) == 1 else lambda row: any(test(row) for test in tests)

    def _every(self) -> Test:
        tests: list[Test] = []
        while token := self._peek():
            if token["bracket"] == ")" or (not token["field"] and token["value"] == "OR"):
                break
            if not self._word("AND"):
                tests.append(self._one())
        return lambda row: all(test(row) for test in tests)

    def _one(self) -> Test:
        if self._word("NOT"):
            inner = self._one()
            return lambda row: not inner(row)
        token = self._peek()
        self._at += 1
        if token is None:
            return lambda _: True
        if token["bracket"]:
            inner = self._either()
            if (closing := self._peek()) and closing["bracket"] == ")":
                self._at += 1
            return inner
        term = Term(token["field"] or "", token["sign"] or "", _unquoted(token["value"]))
        test = self._test(term)
        return (lambda row: not test(row)) if token["minus"] else test

    def _test(self, term: Term) -> Test:
        value_of = self._fields.get(term.field)
        if value_of is None:
            return lambda _: True
        if not term.field:
            beginning = term.value.lower().rstrip("*")
            return lambda row: _begins_in(value_of(row), beginning)
        texts = [term.value] if term.sign else term.value.split(",")
        wanted = [Wanted.read(text.strip(), self._clock) for text in texts]
        return lambda row: any(_holds(value_of(row), term.sign, one) for one in wanted)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a row is compared with, read once for all rows. ``number`` is one, or a moment; for
    ``span`` seconds behind it the moment lasts: a day without an hour is the whole of it.
    """

    text: str
    number: int | None
    span: int

    @classmethod
    def read(cls, text: str, clock: Clock) -> Wanted:
        if text.lstrip("-").isdecimal():
            return cls(text.lower(), int(text), 1)
        span = 1 if "T" in text else int(timedelta(days=1).total_seconds())
        return cls(text.lower(), moment(text, clock), span)


def _unquoted(text: str) -> str:
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text


def _begins_in(text: str, wanted: str) -> bool:
    return any(word.startswith(wanted) for word in re.split(r"[\s,;/@._#-]+", text.lower()))


def _holds(found: Any, sign: str, wanted: Wanted) -> bool:
    if isinstance(found, list):
        return any(_holds(one, sign, wanted) for one in found)
    if wanted.text == "*":
        return found is not None and found != ""
    if found is None:
        return False
    if isinstance(found, bool):
        return str(found).lower() == wanted.text
    if isinstance(found, int):
        return _compared(found, sign, wanted)
    text = str(found).lower()
    if sign:
        return _SIGNS[sign](text, wanted.text)
    return text.startswith(wanted.text[:-1]) if wanted.text[-1:] == "*" else text == wanted.text


def _compared(found: int, sign: str, wanted: Wanted) -> bool:
    if wanted.number is None:
        return False
    if sign:
        return _SIGNS[sign](found, wanted.number)
    return wanted.number <= found < wanted.number + wanted.span


_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}
