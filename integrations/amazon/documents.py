"""Files that Amazon prepared and put elsewhere: read in pieces from the beginning to the end, never
held as a whole.

An address is good for five minutes and carries what opens it, so no token goes there. When it is
over amid the file, it is asked for anew and the file goes on where it stood. A file may be packed
(GZIP), in any encoding; a text's lines and columns are parted before they are decoded, which is
safe in every encoding that Amazon names. Source: the model ``reports_2021-06-30``, ReportDocument;
that settlement reports come without a charset: amzn/selling-partner-api-docs#2338.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from integrations.amazon.platform import CARD
from integrations.errors import ContractBroken, NotFound, Unavailable
from integrations.kit import files
from integrations.kit.http import MIB, PlatformSession

LONGEST_LINE: Final = 8 * MIB
# Unpacked. No seller has so much to settle, and a few megabytes may be packed of it.
LARGEST: Final = 8 * 1024 * MIB
UTF_8, JAPANESE = "utf-8", "cp932"
# The name of what a row has beyond the columns of its heading.
BEYOND: Final = ""
TOO_WIDE: Final = "A row of Amazon's file has more columns than its heading."
_CHARSET = re.compile(r"charset=\"?([\w.:-]+)", re.IGNORECASE)
# By Python's names: in these a tab or the end of a line is no part of another character.
_PARTED = re.compile(r"ascii|utf-8(?:-sig)?|iso8859-\d+|cp125\d|cp932|shift_jis|euc_\w+|gb\w+|big5")
# Python's narrower readings of what Microsoft's code pages hold as well.
_WESTERN = "cp1252"
_WIDER = {"shift_jis": JAPANESE, "iso8859-1": _WESTERN}


@dataclass(frozen=True, slots=True)
class Address:
    """Where a file lies for the next minutes."""

    url: str
    is_gzip: bool = False


Ask = Callable[[], Address]


class Document:
    """``ask`` tells where the file lies. ``charset`` is known once the first piece came; ``usual``
    is that of a file that does not say.
    """

    def __init__(self, http: PlatformSession, ask: Ask, *, usual: str = UTF_8) -> None:
        self._http, self._ask = http, ask
        self.charset = usual

    def pieces(self) -> Iterator[bytes]:
        """The plain bytes, a piece at a time. Raises ContractBroken for a file that cannot be
        unpacked or is absurdly large, Misconfigured for one on a foreign host, Unavailable,
        RateLimited.
        """
        address = self._ask()
        stored = self._stored(address)
        return _bounded(files.unzipped(stored) if address.is_gzip else stored)

    def rows(self, *, keeps_beyond: bool = False) -> Iterator[dict[str, str]]:
        """The rows of a tab-delimited text by the words of its heading; ``""`` where a row ends
        early. One that goes on beyond its heading is ContractBroken, or says so under ``BEYOND``
        where that is kept. Raises likewise.
        """
        heading: list[str] | None = None
        for line in _lines(self.pieces()):
            cells = [self._decoded(cell).strip() for cell in line.split(b"\t")]
            if heading is None:
                heading = [cell.removeprefix("\ufeff") for cell in cells]
                continue
            beyond = any(cells[len(heading) :])
            if beyond and not keeps_beyond:
                raise ContractBroken(TOO_WIDE)
            cells += [""] * (len(heading) - len(cells))
            row = dict(zip(heading, cells, strict=False))
            yield {**row, BEYOND: TOO_WIDE} if beyond else row

    def _stored(self, address: Address) -> Iterator[bytes]:
        place, is_fresh = 0, True
        while True:
            try:
                with files.opened(self._http, address.url, hosts=CARD.file_hosts) as file:
                    while piece := file.piece(place):
                        if not place:
                            self._learn(file.content_type)
                        place, is_fresh = place + len(piece), False
                        yield piece
                        if file.size is not None and place >= file.size:
                            return
                if place:
                    words = "Amazon's file ends before its end."
                    raise ContractBroken(words, code="cut_short")
                return
            except NotFound as err:
                if err.code != files.GONE:
                    raise
                if is_fresh:
                    # The address was given a moment ago.
                    raise Unavailable(err.message, code=err.code) from err
            address, is_fresh = self._ask(), True

    def _learn(self, content_type: str) -> None:
        """A charset that nobody knows is none, nor is one whose lines cannot be parted before."""
        if told := _CHARSET.search(content_type):
            with suppress(LookupError):
                name = codecs.lookup(told[1]).name
                if _PARTED.fullmatch(name):
                    self.charset = _WIDER.get(name, name)

    def _decoded(self, cell: bytes) -> str:
        """What is not in the encoding it is said to be in is read as the west writes."""
        try:
            return cell.decode(self.charset)
        except UnicodeDecodeError:
            return cell.decode(_WESTERN, "replace")


def _bounded(pieces: Iterator[bytes]) -> Iterator[bytes]:
    left = LARGEST
    for piece in pieces:
        left -= len(piece)
        if left < 0:
            raise ContractBroken("Amazon's file has no end.", code="too_large")
        yield piece


def _lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Those that are not empty."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from (line.rstrip(b"\r") for line in whole if line.strip())
        if len(rest) > LONGEST_LINE:
            raise ContractBroken("A line of Amazon's file has no end.", code="too_large")
    if rest.strip():
        yield rest.rstrip(b"\r")
