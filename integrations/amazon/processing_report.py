"""The processing report on an XML feed: how many messages were worked off, and what is wrong with
which. Read piece by piece, for a report may name every message.

An envelope with one ``ProcessingReport``: a ``ProcessingSummary`` first, then a ``Result`` for each
message that is not simply good, ``0`` standing for the whole file. Source: reports in
amzn/selling-partner-api-models#1089 and jrl84/amazon-sp-api#24; Amazon's schema is
ProcessingReport.xsd of its release 4.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NoReturn
from xml.etree import ElementTree

from integrations.errors import ContractBroken

_LONGEST = 2_000


@dataclass(frozen=True, slots=True)
class Result:
    """Of a message: ``is_error``, or a warning. ``number`` "0" is the whole file."""

    number: str
    is_error: bool
    code: str
    words: str


def results(pieces: Iterable[bytes], lines: int) -> Iterator[Result]:
    """Raises ContractBroken for what is no report, or not about all ``lines`` messages of the file,
    or counts more that are wrong than it names: then nobody knows of the rest.
    """
    told = _Report()
    parser = ElementTree.XMLParser(target=told)  # noqa: S314 - refuses a document type
    try:
        for piece in pieces:
            parser.feed(piece)
            yield from told.taken()
        parser.close()
    except ElementTree.ParseError as err:
        raise ContractBroken("Amazon's report on the file is no XML.", path="$") from err
    yield from told.taken()
    if told.processed != lines:
        raise ContractBroken(
            f"Amazon worked off {max(told.processed, 0)} of {lines} messages in the file.",
            path="$.ProcessingSummary.MessagesProcessed",
        )
    if told.with_error > len(told.wrong):
        raise ContractBroken(
            f"Amazon refused {told.with_error} messages in the file and names {len(told.wrong)}.",
            path="$.ProcessingSummary.MessagesWithError",
        )


@dataclass(slots=True)
class _Report:
    """What the parser calls. Of each element only short text is kept, and of those of a result."""

    processed: int = -1
    with_error: int = 0
    wrong: set[str] = field(default_factory=set)
    _found: list[Result] = field(default_factory=list)
    _row: dict[str, str] | None = None
    _text: str = ""

    def taken(self) -> list[Result]:
        """What has been read since."""
        found, self._found = self._found, []
        return found

    def doctype(self, *_: object) -> NoReturn:
        """Entities are what XML does harm with, and they need one."""
        raise ContractBroken("Amazon's report on the file has a document type.", path="$")

    def start(self, tag: str, _attributes: dict[str, str]) -> None:
        self._text = ""
        if tag == "Result":
            self._row = {}

    def data(self, text: str) -> None:
        self._text = (self._text + text)[:_LONGEST]

    def end(self, tag: str) -> None:
        said, self._text = self._text.strip(), ""
        if tag == "MessagesProcessed" and said.isdecimal():
            self.processed = int(said)
        elif tag == "MessagesWithError" and said.isdecimal():
            self.with_error = int(said)
        elif tag == "Result" and self._row is not None:
            self._end_result(_result(self._row))
            self._row = None
        elif self._row is not None:
            self._row.setdefault(tag, said)

    def close(self) -> None:
        return

    def _end_result(self, result: Result) -> None:
        self._found.append(result)
        if result.is_error:
            self.wrong.add(result.number)


def _result(row: dict[str, str]) -> Result:
    return Result(
        number=row.get("MessageID", "0"),
        is_error=row.get("ResultCode") == "Error",
        code=row.get("ResultMessageCode", ""),
        words=row.get("ResultDescription", ""),
    )
