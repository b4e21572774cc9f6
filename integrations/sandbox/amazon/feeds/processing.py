"""A feed is worked off: IN_QUEUE, IN_PROGRESS, then DONE with a report on it, or FATAL where the
file cannot be read at all. One that is called off while it waits is CANCELLED.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from integrations.sandbox.amazon import files
from integrations.sandbox.amazon.feeds import fulfillment_feed, listings_feed
from integrations.sandbox.amazon.feeds.models import Feed

if TYPE_CHECKING:
    from integrations.sandbox.amazon.store import SellerStore

Report = tuple[str, bytes]
"""Its content type, and what it says."""

KINDS: dict[str, Callable[[SellerStore, Feed, bytes], Report | None]] = {
    "JSON_LISTINGS_FEED": listings_feed.work_off,
    "POST_ORDER_FULFILLMENT_DATA": fulfillment_feed.work_off,
}
"""The report on a feed, None for one that is FATAL."""


def go_on(store: SellerStore, key: str, at: float) -> None:
    """From one state to the next."""
    feed = store.state.feeds[key]
    if feed.status == "IN_QUEUE" and store.strikes("feed_cancelled", f"feed {feed.kind}"):
        feed.status, feed.ended = "CANCELLED", int(at)
        store.post.note("FEED_PROCESSING_FINISHED", feed.id)
    elif feed.status == "IN_QUEUE":
        feed.status, feed.began = "IN_PROGRESS", int(at)
        store.at(at + store.options.feed_s / 2, "feed", key)
    elif feed.status == "IN_PROGRESS" and not store.strikes("feed_stuck", f"feed {feed.kind}"):
        feed.ended = int(at)
        _finish(store, feed)
        store.post.note("FEED_PROCESSING_FINISHED", feed.id)


def _finish(store: SellerStore, feed: Feed) -> None:
    told = None
    if not store.strikes("feed_fatal", f"feed {feed.kind}"):
        try:
            told = KINDS[feed.kind](store, feed, store.state.files[feed.input].plain())
        except ValueError:
            told = None
    if told is None:
        feed.status = "FATAL"
        return
    kind, content = told
    file = files.new_file(store, kind, content, is_gzip=True)
    feed.status, feed.result = "DONE", file.id
