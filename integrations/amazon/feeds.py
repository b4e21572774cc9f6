"""Feeds: a file that is sent up, handed in, worked off in Amazon's own time and reported on.

create a document → upload → create the feed → look → download the report. Amazon works feeds of an
account off one after the other, in the order they came (the page *Feeds API FAQ*), and asks for no
more than one of a kind under way (*Feeds API Best Practices*). Reference:
https://developer-docs.amazon.com/sp-api/docs/feeds-api-v2021-06-30-reference
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import IO

from integrations.amazon import shapes
from integrations.amazon.client import AmazonClient
from integrations.amazon.platform import CARD
from integrations.amazon.shapes import Feed
from integrations.amazon.values import as_iso
from integrations.errors import ItemError, NotFound
from integrations.kit import files

DONE = "DONE"
OPEN = ("IN_QUEUE", "IN_PROGRESS")
_GZIP = "GZIP"


def send_up(client: AmazonClient, file: IO[bytes], content_type: str) -> str:
    """Upload a file; return its document's id. Its address is good for five minutes, so it is asked
    for when the file is there.
    """
    answer = client.create_feed_document(content_type)
    made = shapes.decode(answer.body, shapes.NewDocument)
    files.upload(client.http, made.url, file, kind=content_type, hosts=CARD.file_hosts)
    return made.feed_document_id


def hand_in(client: AmazonClient, kind: str, marketplace: str, document: str) -> str:
    """The feed's id. Raises OutcomeUnknown where the answer is lost: a feed has no key to be found
    by, see ``is_any_open``.
    """
    answer = client.create_feed(kind, marketplace, document)
    return shapes.decode(answer.body, shapes.NewFeed).feed_id


def look(client: AmazonClient, feed_id: str) -> Feed | None:
    """As it is now; None where Amazon has forgotten it."""
    try:
        return shapes.decode(client.feed(feed_id).body, Feed)
    except NotFound:
        return None


def is_any_open(client: AmazonClient, kind: str, since: datetime) -> bool:
    """Whether any feed of this kind that was made since then may still do something, whoever made
    it.
    """
    asked = {
        "feedTypes": [kind],
        "processingStatuses": list(OPEN),
        "createdSince": as_iso(since),
        "pageSize": 1,
    }
    return bool(shapes.decode(client.feeds(asked).body, shapes.FeedsPage).feeds)


def cancel(client: AmazonClient, feed_id: str) -> None:
    """Only one that waits can be; quiet where it cannot."""
    try:
        client.cancel_feed(feed_id)
    except ItemError:
        return


def report(client: AmazonClient, document: str) -> Iterator[bytes]:
    """The processing report, piece by piece. Raises NotFound where it is gone."""
    told = shapes.decode(client.feed_document(document).body, shapes.Document)
    with files.opened(client.http, told.url, hosts=CARD.file_hosts) as file:
        pieces = file.pieces()
        yield from files.unzipped(pieces) if told.compression_algorithm == _GZIP else pieces
