"""``JSON_LISTINGS_FEED``: messages about listings, each good or bad by itself, and a report on it.

Source: Amazon's schemas of the feed and its processing report, version 2; the words about a message
that breaks the schema from amzn/selling-partner-api-models#4554, about a header that does from
#4636. UPDATE and DELETE, which make and end listings, are not taken here and told so.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from integrations.sandbox.amazon.feeds.models import Feed
from integrations.sandbox.amazon.listings import bodies, submissions
from integrations.sandbox.amazon.listings.models import Issue, Listing
from integrations.sandbox.amazon.wire import Refused

if TYPE_CHECKING:
    from integrations.sandbox.amazon.store import SellerStore

MOST = 25_000
Told = dict[str, Any]
_BAD = ("BAD_REQUEST", "Invalid parameters provided.")
_NOT_HERE = ("SANDBOX", "This simulated account takes PATCH and PARTIAL_UPDATE alone.")


class _Bad(Exception):
    """A message that is not taken: the issues as the report tells them."""

    def __init__(self, *issues: tuple[str, str, str]) -> None:
        super().__init__()
        self.issues = issues


def work_off(store: SellerStore, feed: Feed, content: bytes) -> tuple[str, bytes] | None:
    """The processing report; None for what is no JSON."""
    try:
        sent = json.loads(content)
    except ValueError:
        return None
    told = json.dumps(_report(store, feed, sent), ensure_ascii=False)
    return "application/json; charset=UTF-8", told.encode()


def _report(store: SellerStore, feed: Feed, sent: Any) -> Told:
    report = _Report(store, feed)
    header = sent.get("header") if isinstance(sent, dict) else None
    messages = sent.get("messages") if isinstance(sent, dict) else None
    if not isinstance(header, dict) or header.get("sellerId") != store.options.seller_id:
        report.refuse("4002005", "Attribute 'Merchant' is required, but not present.")
    elif header.get("version") != "2.0" or not isinstance(messages, list) or not messages:
        report.refuse("4000000", "The feed does not match its schema.")
    elif len(messages) > MOST:
        report.refuse("4000000", f"A feed holds {MOST} messages at most.")
    else:
        report.include(header.get("report"))
        twice = Counter(_number(one) for one in messages)
        for message in messages:
            report.work_off(message, is_twice=twice[_number(message)] > 1)
    return report.document()


def _number(message: Any) -> Any:
    found = message.get("messageId") if isinstance(message, dict) else None
    return found if isinstance(found, int) and not isinstance(found, bool) else None


class _Report:
    def __init__(self, store: SellerStore, feed: Feed) -> None:
        self._store, self._feed = store, feed
        self._issues: list[Told] = []
        self._counts = {"messagesProcessed": 0, "messagesAccepted": 0, "messagesInvalid": 0}
        self._included: Told | None = None
        self._touched: dict[str, Listing] = {}

    def refuse(self, code: str, message: str) -> None:
        self._issues.append({"code": code, "severity": "ERROR", "message": message})

    def include(self, asked: Any) -> None:
        """The listings as they are told by the Listings Items API, where the header asks for it."""
        if isinstance(asked, dict) and asked.get("apiVersion") == "2021-08-01":
            names = asked.get("includedData")
            if isinstance(names, list) and names and set(names) <= set(bodies.DATA):
                self._included = {"includedData": names, "apiVersion": "2021-08-01"}

    def work_off(self, message: Any, *, is_twice: bool) -> None:
        self._counts["messagesProcessed"] += 1
        try:
            row, patches = self._read(message, is_twice=is_twice)
        except _Bad as bad:
            self._counts["messagesInvalid"] += 1
            self._tell(message, bad)
            return
        submissions.accept(self._store, row, self._places(row), patches)
        self._touched[row.sku] = row
        self._counts["messagesAccepted"] += 1

    def _read(self, message: Any, *, is_twice: bool) -> tuple[Listing, list[Told]]:
        """Raises _Bad."""
        number = _number(message)
        if number is None or number < 1 or is_twice or not _is_text(message.get("sku")):
            raise _Bad((*_BAD, ""))
        if message.get("operationType") in ("UPDATE", "DELETE"):
            raise _Bad((*_NOT_HERE, ""))
        patches = _patches(message)
        if patches is None or not _is_text(message.get("productType")):
            raise _Bad((*_BAD, ""))
        row = self._store.state.listings.get(message["sku"])
        if row is None or not self._places(row):
            raise _Bad(("4000003", f"There is no listing with the SKU {message['sku']}.", ""))
        try:
            found = submissions.faults(row, patches)
        except Refused as refused:
            raise _Bad((*_BAD, "")) from refused
        if found:
            raise _Bad(*(_told(one) for one in found))
        return row, patches

    def _places(self, row: Listing) -> list[str]:
        """The feed's marketplaces where the listing is offered."""
        return [name for name in self._feed.marketplaces if name in row.offers]

    def _tell(self, message: Any, bad: _Bad) -> None:
        for code, words, attribute in bad.issues:
            told: Told = {"code": code, "severity": "ERROR", "message": words}
            if _number(message) is not None and _number(message) >= 1:
                told["messageId"] = message["messageId"]
            if isinstance(message, dict) and _is_text(message.get("sku")):
                told["sku"] = message["sku"]
            if attribute:
                told["attributeName"] = attribute
            self._issues.append(told)

    def document(self) -> Told:
        header: Told = {
            "sellerId": self._store.options.seller_id,
            "version": "2.0",
            "feedId": self._feed.id,
        }
        summary: Told = {"errors": len(self._issues), "warnings": 0, **self._counts}
        told: Told = {"header": header, "issues": self._issues, "summary": summary}
        if self._included:
            header["report"] = self._included
            names = self._included["includedData"]
            told["items"] = [
                bodies.item(row, self._feed.marketplaces, names) for row in self._touched.values()
            ]
            summary["itemSummary"] = {"items": len(self._touched), "errors": 0, "warnings": 0}
        return told


def _patches(message: Told) -> list[Told] | None:
    """PARTIAL_UPDATE is PATCH with "replace". None for a message that is neither, or is wrong."""
    kind = message.get("operationType")
    if kind == "PATCH" and "attributes" not in message:
        patches = message.get("patches")
        is_right = isinstance(patches, list) and all(_is_patch(one) for one in patches)
        return patches or None if is_right else None
    attributes = message.get("attributes")
    if kind != "PARTIAL_UPDATE" or "patches" in message or not isinstance(attributes, dict):
        return None
    found: list[Told] = [
        {"op": "replace", "path": f"{submissions.ROOT}{name}", "value": value}
        for name, value in attributes.items()
    ]
    return found if found and all(_is_patch(one) for one in found) else None


def _is_patch(one: Any) -> bool:
    if not isinstance(one, dict) or one.get("op") not in ("add", "replace", "merge", "delete"):
        return False
    values = one.get("value", [])
    is_list = isinstance(values, list) and all(isinstance(value, dict) for value in values)
    return isinstance(one.get("path"), str) and is_list


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _told(one: Issue) -> tuple[str, str, str]:
    return one.code, one.message, one.attributes[0] if one.attributes else ""
