"""``createFeedDocument``, ``createFeed``, ``getFeed``, ``getFeeds``, ``cancelFeed`` and
``getFeedDocument``.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from integrations.sandbox.amazon import files, jobs
from integrations.sandbox.amazon.api import params
from integrations.sandbox.amazon.api.call import Call
from integrations.sandbox.amazon.api.params import only
from integrations.sandbox.amazon.clock import DAY, iso
from integrations.sandbox.amazon.feeds.models import Feed
from integrations.sandbox.amazon.feeds.processing import KINDS
from integrations.sandbox.amazon.wire import Answer, Refused, invalid, nothing

INPUT_KEPT_S = 28 * DAY


class CreateDocument(Struct, rename="camel"):
    content_type: str


class CreateFeed(Struct, rename="camel"):
    feed_type: str
    marketplace_ids: list[str]
    input_feed_document_id: str
    feed_options: dict[str, str] = {}


def create_document(call: Call) -> Answer:
    sent = params.body(call.request, CreateDocument)
    if not sent.content_type:
        raise invalid()
    file = files.new_file(call.store, sent.content_type)
    return Answer(201, {"feedDocumentId": file.id, "url": files.url(call.store, file, "PUT")})


def create(call: Call) -> Answer:
    """The file must have been sent up; each is good for one feed."""
    sent = params.body(call.request, CreateFeed)
    store = call.store
    file = store.state.files.get(sent.input_feed_document_id)
    is_used = any(feed.input == sent.input_feed_document_id for feed in store.state.feeds.values())
    if sent.feed_type not in KINDS:
        raise invalid(f"Invalid feed type: {sent.feed_type}")
    if not 1 <= len(sent.marketplace_ids) <= 25:
        raise invalid()
    if sent.feed_type == "JSON_LISTINGS_FEED" and len(sent.marketplace_ids) > 1:
        # amzn/selling-partner-api-models#4726
        raise invalid("Too many 'marketplaceIds' values provided. Expected a maximum of 1.")
    is_old = file is not None and file.made_at < store.clock.now() - INPUT_KEPT_S
    if file is None or file.content is None or is_used or is_old:
        raise invalid("Invalid Feed Document Id")
    feed = Feed(
        id=str(60_000_000_000 + store.next("feed")),
        kind=sent.feed_type,
        marketplaces=call.sells_in(sent.marketplace_ids),
        created=store.clock.now(),
        input=file.id,
        options=sent.feed_options,
    )
    store.state.feeds[feed.id] = feed
    store.later(store.options.feed_s / 2, "feed", feed.id)
    return Answer(202, {"feedId": feed.id})


def get(call: Call) -> Answer:
    return Answer(200, _told(_found(call)))


def search(call: Call) -> Answer:
    rows, token = jobs.page(call, list(call.store.state.feeds.values()), "feedTypes")
    document: dict[str, Any] = {"feeds": [_told(row) for row in rows]}
    return Answer(200, document | ({"nextToken": token} if token else {}))


def cancel(call: Call) -> Answer:
    """Only while it waits."""
    feed = _found(call)
    if feed.status != "IN_QUEUE":
        raise invalid("Only feeds that are IN_QUEUE can be cancelled.")
    feed.status, feed.ended = "CANCELLED", call.store.clock.now()
    call.store.post.note("FEED_PROCESSING_FINISHED", feed.id)
    return nothing(200)


def document(call: Call) -> Answer:
    name = call.words["feedDocumentId"]
    return Answer(200, jobs.document(call, name, "feedDocumentId"))


def _found(call: Call) -> Feed:
    feed = call.store.state.feeds.get(call.words["feedId"])
    if feed is None or feed.created < call.store.clock.now() - jobs.KEPT_S:
        raise Refused(404, "NotFound", "The feed was not found.")
    return feed


def _told(feed: Feed) -> dict[str, Any]:
    return only(
        {
            "feedId": feed.id,
            "feedType": feed.kind,
            "marketplaceIds": feed.marketplaces,
            "createdTime": iso(feed.created),
            "processingStatus": feed.status,
            "processingStartTime": _iso(feed.began),
            "processingEndTime": _iso(feed.ended),
            "resultFeedDocumentId": feed.result or None,
        }
    )


def _iso(moment: float | None) -> str | None:
    return None if moment is None else iso(moment)
