"""Many stock figures in one file: a ``JSON_LISTINGS_FEED`` for each marketplace that tells of some
of them, because one is for one marketplace (amzn/selling-partner-api-models#4726).

A message says what a call would (``stock.patch``), so whose a listing is is asked before,
too. The report names what was not taken. Schemas: listings-feed-schema-v2,
listings-feed-processing-report-schema-v2.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import IO, Any

import msgspec

from integrations.amazon import feeds, shapes, stock
from integrations.amazon.client import AmazonClient
from integrations.amazon.listings import ListingReader
from integrations.amazon.values import moment, text
from integrations.base import StockEntry, StockLine, StockOutcome
from integrations.errors import ContractBroken, OutcomeUnknown, PlatformError
from integrations.kit import jsonstream
from integrations.kit.redact import redact_told
from inventory.data import StockResult, StockUpdate

KIND = "JSON_LISTINGS_FEED"
_CONTENT = "application/json; charset=UTF-8"
_VERSION = "2.0"
# A feed takes minutes; asking is cheap, but not free.
_SHORTEST_WAIT_S, _LONGEST_WAIT_S = 15.0, 120.0
# What was handed in a moment ago may not be listed yet.
_UNSEEN = timedelta(minutes=3)
_ENDINGS = {
    "FATAL": "Amazon broke the file off and says of no figure whether it was taken.",
    "CANCELLED": "The file was cancelled at Amazon.",
}
_GONE = "Amazon does not know the file any more."
_UNHEARD = "Amazon's answer was lost when the file was handed in."
Keep = Callable[[Mapping[str, Any]], None]


@dataclass(slots=True)
class _Part:
    """A file on its way to one marketplace."""

    place: str
    file: IO[bytes]
    lines: int = 0
    document: str = ""
    feed: str = ""

    def write(self, raw: bytes) -> None:
        self.file.write(b"," if self.lines else b"")
        self.file.write(raw)
        self.lines += 1

    @property
    def handle(self) -> dict[str, Any]:
        return {"place": self.place, "lines": self.lines, "feed": self.feed}


def entries(listings: ListingReader, updates: Sequence[StockUpdate]) -> list[StockEntry]:
    """Which of these may stand in a file; the word of one is its marketplace and product type."""
    found = listings.find([stock.sku_of(update) for update in updates])
    told = []
    for update in updates:
        row = found.get(stock.sku_of(update))
        if refused := stock.refused(row):
            told.append(StockEntry(refused=refused))
        elif row is not None:
            told.append(StockEntry(word=f"{row.place} {stock.type_of(row)}"))
    return told


def hand_over(client: AmazonClient, lines: Iterable[StockLine], keep: Keep) -> dict[str, Any]:
    """Write, send up and hand in; nothing is handed in before all is sent up."""
    with ExitStack() as stack:
        parts: dict[str, _Part] = {}
        for line in lines:
            place, _, product_type = line.word.partition(" ")
            if place not in parts:
                parts[place] = _Part(place, stack.enter_context(tempfile.TemporaryFile()))
                parts[place].file.write(_head(client.seller))
            parts[place].write(_message(line, product_type))
        for part in parts.values():
            part.file.write(b"]}")
            part.document = feeds.send_up(client, part.file, _CONTENT)
        return _hand_in(client, list(parts.values()), keep)


def _hand_in(client: AmazonClient, parts: Sequence[_Part], keep: Keep) -> dict[str, Any]:
    began = datetime.now(UTC).isoformat()

    def handle() -> dict[str, Any]:
        awaits = [part.feed for part in parts if part.feed]
        return {"began": began, "parts": [part.handle for part in parts], "awaits": awaits}

    for part in parts:
        # From here on nobody can say that it is not at Amazon.
        keep(handle())
        try:
            part.feed = feeds.hand_in(client, KIND, part.place, part.document)
        except OutcomeUnknown:
            raise
        except PlatformError:
            if part is parts[0]:
                keep({})
            raise
    return handle()


def outcome(client: AmazonClient, handle: Mapping[str, Any]) -> StockOutcome:
    """What became of all parts together. Where the answer to handing one in was lost, it is waited
    until no feed can do anything any more: then all may be told again.
    """
    began = datetime.fromisoformat(handle["began"])
    age = datetime.now(UTC) - began
    waits = StockOutcome(
        wait_s=min(max(age.total_seconds() / 4, _SHORTEST_WAIT_S), _LONGEST_WAIT_S)
    )
    parts = handle["parts"]
    found = [feeds.look(client, part["feed"]) for part in parts if part["feed"]]
    if any(feed and feed.processing_status in feeds.OPEN for feed in found):
        return waits
    if len(found) < len(parts):
        if age < _UNSEEN or feeds.is_any_open(client, KIND, began - _UNSEEN):
            return waits
        return StockOutcome(lost=_UNHEARD)
    for feed in found:
        if feed is None or feed.processing_status != feeds.DONE:
            return StockOutcome(lost=_ENDINGS.get(feed.processing_status if feed else "", _GONE))
    done = [feed for feed in found if feed is not None]
    ended = [moment(feed.processing_end_time, "$.processingEndTime") for feed in done]
    return StockOutcome(
        refused=_refused(client, done, [part["lines"] for part in parts]),
        ended_at=max((at for at in ended if at), default=None),
    )


def drop(client: AmazonClient, handle: Mapping[str, Any]) -> None:
    for part in handle["parts"]:
        if part["feed"]:
            feeds.cancel(client, part["feed"])


def _head(seller: str) -> bytes:
    header = {"sellerId": seller, "version": _VERSION}
    return b'{"header":' + msgspec.json.encode(header) + b',"messages":['


def _message(line: StockLine, product_type: str) -> bytes:
    return msgspec.json.encode(
        {
            "messageId": line.number,
            "sku": stock.sku_of(line.update),
            "operationType": "PATCH",
            **stock.patch(product_type, line.update.quantity),
        }
    )


def _refused(
    client: AmazonClient, done: Sequence[shapes.Feed], lines: Sequence[int]
) -> Iterator[tuple[int, StockResult]]:
    for feed, count in zip(done, lines, strict=True):
        yield from _of_report(feeds.report(client, feed.result_feed_document_id or ""), count)


def _of_report(pieces: Iterable[bytes], lines: int) -> Iterator[tuple[int, StockResult]]:
    """What was not taken, each with the first that is wrong. Raises ContractBroken where the report
    is not about all of the file: then nobody knows of the rest.
    """
    named: set[int] = set()
    processed = -1
    for name, raw in jsonstream.members(pieces):
        if name == "summary":
            processed = shapes.decode(raw, shapes.FeedSummary).messages_processed
        if name != "issues":
            continue
        issue = shapes.decode(raw, shapes.FeedIssue)
        if issue.severity != "ERROR" or issue.message_id in named:
            continue
        if issue.message_id is None:
            raise ContractBroken(
                f"Amazon refused the file as a whole: {_words(issue)}", code="feed_refused"
            )
        named.add(issue.message_id)
        yield issue.message_id, stock.failed(text(issue.code, 60) or "rejected", _words(issue))
    if processed != lines:
        raise ContractBroken(
            f"Amazon worked off {max(processed, 0)} of {lines} figures in the file.",
            path="$.summary.messagesProcessed",
        )


def _words(issue: shapes.FeedIssue) -> str:
    return redact_told(text(issue.message)) or "Amazon refused this item."
