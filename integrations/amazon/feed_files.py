"""Many messages of one kind in files: a feed for each marketplace that some of them are of, handed
in together, looked after together, each by a handle that survives whoever handed it in.

What a message and a report say is left to ``stock_feed`` and ``parcel_feed``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import IO, Any

from integrations.amazon import feeds, shapes
from integrations.amazon.client import AmazonClient
from integrations.amazon.values import moment
from integrations.base import FileOutcome, Keep, Refusal
from integrations.errors import OutcomeUnknown, PlatformError

# A feed takes minutes; asking is cheap, but not free.
_SHORTEST_WAIT_S, _LONGEST_WAIT_S = 15.0, 120.0
# What was handed in a moment ago may not be listed yet.
_UNSEEN = timedelta(minutes=3)
_ENDINGS = {
    "FATAL": "Amazon broke the file off and says of nothing in it whether it was taken.",
    "CANCELLED": "The file was cancelled at Amazon.",
}
_GONE = "Amazon does not know the file any more."
_UNTOLD = "Amazon worked the file off and says of nothing in it whether it was taken."
_UNHEARD = "Amazon's answer was lost when the file was handed in."
# A report's pieces and how many messages were in the file, to what was not taken, by numbers.
Reader = Callable[[Iterable[bytes], int], Iterator[tuple[int, Refusal]]]


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of feed by Amazon's name, the media type of its files, and what stands between
    messages and behind the last.
    """

    name: str
    content: str
    between: bytes
    tail: bytes


@dataclass(slots=True)
class _Part:
    """A file on its way to one marketplace."""

    place: str
    file: IO[bytes]
    lines: int = 0
    document: str = ""
    feed: str = ""

    def write(self, message: bytes, between: bytes) -> None:
        self.file.write(between if self.lines else b"")
        self.file.write(message)
        self.lines += 1

    @property
    def handle(self) -> dict[str, Any]:
        return {"place": self.place, "lines": self.lines, "feed": self.feed}


def hand_over(
    client: AmazonClient,
    kind: Kind,
    head: bytes,
    messages: Iterable[tuple[str, bytes]],
    keep: Keep,
) -> dict[str, Any]:
    """Write messages, each with its marketplace, send the files up and hand them in; nothing is
    handed in before all is sent up.
    """
    with ExitStack() as stack:
        parts: dict[str, _Part] = {}
        for place, message in messages:
            if place not in parts:
                parts[place] = _Part(place, stack.enter_context(tempfile.TemporaryFile()))
                parts[place].file.write(head)
            parts[place].write(message, kind.between)
        for part in parts.values():
            part.file.write(kind.tail)
            part.document = feeds.send_up(client, part.file, kind.content)
        return _hand_in(client, kind, list(parts.values()), keep)


def _hand_in(
    client: AmazonClient, kind: Kind, parts: Sequence[_Part], keep: Keep
) -> dict[str, Any]:
    began = datetime.now(UTC).isoformat()

    def handle() -> dict[str, Any]:
        awaits = [part.feed for part in parts if part.feed]
        return {"began": began, "parts": [part.handle for part in parts], "awaits": awaits}

    for part in parts:
        # From here on nobody can say that it is not at Amazon.
        keep(handle())
        try:
            part.feed = feeds.hand_in(client, kind.name, part.place, part.document)
        except OutcomeUnknown:
            raise
        except PlatformError:
            if part is parts[0]:
                keep({})
            raise
    return handle()


def outcome(
    client: AmazonClient, kind: Kind, handle: Mapping[str, Any], read: Reader[Refusal]
) -> FileOutcome[Refusal]:
    """What became of all parts together. Where the answer to handing one in was lost, it is waited
    until no feed can do anything any more: then all may be told again.
    """
    began = datetime.fromisoformat(handle["began"])
    age = datetime.now(UTC) - began
    waits: FileOutcome[Refusal] = FileOutcome(
        wait_s=min(max(age.total_seconds() / 4, _SHORTEST_WAIT_S), _LONGEST_WAIT_S)
    )
    parts = handle["parts"]
    found = [feeds.look(client, part["feed"]) for part in parts if part["feed"]]
    if any(feed and feed.processing_status in feeds.OPEN for feed in found):
        return waits
    if len(found) < len(parts):
        if age < _UNSEEN or feeds.is_any_open(client, kind.name, began - _UNSEEN):
            return waits
        return FileOutcome(lost=_UNHEARD)
    for feed in found:
        if feed is None or feed.processing_status != feeds.DONE:
            return FileOutcome(lost=_ENDINGS.get(feed.processing_status if feed else "", _GONE))
        if not feed.result_feed_document_id:
            return FileOutcome(lost=_UNTOLD)
    done = [feed for feed in found if feed is not None]
    ended = [moment(feed.processing_end_time, "$.processingEndTime") for feed in done]
    return FileOutcome(
        refused=_refused(client, done, [part["lines"] for part in parts], read),
        ended_at=max((at for at in ended if at), default=None),
    )


def drop(client: AmazonClient, handle: Mapping[str, Any]) -> None:
    for part in handle["parts"]:
        if part["feed"]:
            feeds.cancel(client, part["feed"])


def _refused(
    client: AmazonClient, done: Sequence[shapes.Feed], lines: Sequence[int], read: Reader[Refusal]
) -> Iterator[tuple[int, Refusal]]:
    for feed, count in zip(done, lines, strict=True):
        yield from read(feeds.report(client, feed.result_feed_document_id or ""), count)
