"""Many stock figures in one file: a ``JSON_LISTINGS_FEED`` for each marketplace that tells of some
of them, because one is for one marketplace (amzn/selling-partner-api-models#4726).

A message says what a call would (``stock.patch``), so whose a listing is is asked before,
too. The report names what was not taken. Schemas: listings-feed-schema-v2,
listings-feed-processing-report-schema-v2.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from integrations.amazon import feed_files, shapes, stock
from integrations.amazon.client import AmazonClient
from integrations.amazon.listings import ListingReader
from integrations.amazon.values import text
from integrations.base import FileOutcome, Keep, StockEntry, StockLine
from integrations.errors import ContractBroken
from integrations.kit import jsonstream
from integrations.kit.redact import redact_told
from inventory.data import StockResult, StockUpdate

_KIND = feed_files.Kind(
    name="JSON_LISTINGS_FEED",
    content="application/json; charset=UTF-8",
    between=b",",
    tail=b"]}",
)
_VERSION = "2.0"


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
    messages = (_message(line) for line in lines)
    return feed_files.hand_over(client, _KIND, _head(client.seller), messages, keep)


def outcome(client: AmazonClient, handle: Mapping[str, Any]) -> FileOutcome[StockResult]:
    return feed_files.outcome(client, _KIND, handle, _of_report)


def _head(seller: str) -> bytes:
    header = {"sellerId": seller, "version": _VERSION}
    return b'{"header":' + msgspec.json.encode(header) + b',"messages":['


def _message(line: StockLine) -> tuple[str, bytes]:
    """With its marketplace."""
    place, _, product_type = line.word.partition(" ")
    return place, msgspec.json.encode(
        {
            "messageId": line.number,
            "sku": stock.sku_of(line.update),
            "operationType": "PATCH",
            **stock.patch(product_type, line.update.quantity),
        }
    )


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
