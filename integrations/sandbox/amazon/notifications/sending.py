"""Messages on their way into the developer's queue, over HTTP to whatever speaks SQS at the
account's ``queue_endpoint``.

Like Amazon the account only writes where the queue's policy lets it, and says nothing where it may
not. What is told while the account works is sent when it is done, so that it is the last state that
is told. Source: docs.aws.amazon.com/AWSSimpleQueueService (SendMessage, GetQueueAttributes, as
JSON).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from integrations.sandbox.amazon.notifications import bodies

if TYPE_CHECKING:
    from integrations.sandbox.amazon.store import SellerStore

ACCOUNT = "437568002678"
"""From which Amazon writes into queues."""

_TIMEOUT_S = 5.0
log = logging.getLogger("sandbox")


@dataclass(frozen=True, slots=True)
class Letter:
    arn: str
    body: str


class Post:
    """``note`` what happened, under the account's lock; ``collected`` there as well, and ``send``
    what that gave when the lock is let go.
    """

    def __init__(self, store: SellerStore) -> None:
        self._store = store
        self._noted: dict[tuple[str, str], None] = {}
        self._ready: list[Letter] = []
        self._kept: list[Letter] = []

    def note(self, kind: str, key: str) -> None:
        """Something happened to an order, ours or another shop's, a SKU, a feed or a report."""
        if kind in self._store.state.subscriptions:
            self._noted[kind, key] = None

    def test(self, kind: str, arn: str) -> None:
        """A message of this type that speaks of nothing that is."""
        payload = {"TestNotification": {"SellerId": self._store.options.seller_id}}
        told = bodies.envelope(self._store, kind, payload, subscription="test")
        self._ready.append(Letter(arn, json.dumps(told)))

    def collected(self) -> list[Letter]:
        state, store = self._store.state, self._store
        noted, self._noted = list(self._noted), {}
        letters, self._ready = self._ready, []
        for kind, key in noted:
            subscription = state.subscriptions.get(kind)
            payload = bodies.KINDS[kind](store, key)
            if subscription is None or payload is None:
                continue
            target = state.destinations[subscription.destination]
            told = bodies.envelope(store, kind, payload, subscription=subscription.id)
            letters += self._spoiled(f"{kind} {key}", Letter(target.arn, json.dumps(told)))
        return letters

    def _spoiled(self, where: str, letter: Letter) -> list[Letter]:
        """What becomes of a letter: lost, kept until the next has overtaken it, or doubled."""
        strikes = self._store.strikes
        if strikes("news_lost", where):
            return []
        if strikes("news_unordered", where):
            self._kept.append(letter)
            return []
        kept, self._kept = self._kept, []
        return [letter, *kept] * (2 if strikes("news_duplicated", where) else 1)

    def send(self, letters: Sequence[Letter]) -> None:
        """One that cannot be sent is lost."""
        for letter in letters:
            is_denied = self._store.strikes("queue_denied", letter.arn)
            if is_denied or not self._store.options.queue_endpoint:
                continue
            try:
                if self._may_write(letter.arn):
                    self._ask(letter.arn, "SendMessage", MessageBody=letter.body)
            except (OSError, HTTPException, ValueError):
                log.warning("A message could not be put into %s", letter.arn)

    def _may_write(self, arn: str) -> bool:
        told = self._ask(arn, "GetQueueAttributes", AttributeNames=["Policy"])
        policy = json.loads(told.get("Attributes", {}).get("Policy") or "{}")
        return any(_lets_write(one) for one in policy.get("Statement", ()))

    def _ask(self, arn: str, action: str, **asked: Any) -> dict[str, Any]:
        """Raises OSError, HTTPException, ValueError."""
        region, account, name = arn.split(":")[3:]
        parts = urlsplit(self._store.options.queue_endpoint)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        line = kind(parts.netloc, timeout=_TIMEOUT_S)
        url = f"{parts.scheme}://{parts.netloc}/{account}/{name}"
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": f"AmazonSQS.{action}",
            # Which region is meant stands in the signature; nobody checks the rest here.
            "Authorization": "AWS4-HMAC-SHA256 Credential="
            f"SANDBOX/20260101/{region}/sqs/aws4_request, SignedHeaders=host, Signature=0",
        }
        try:
            line.request("POST", "/", json.dumps({"QueueUrl": url, **asked}), headers)
            answer = line.getresponse()
            body = answer.read()
        finally:
            line.close()
        if answer.status != 200:
            raise ValueError(f"{action} was answered {answer.status}.")
        told = json.loads(body or b"{}")
        return told if isinstance(told, dict) else {}


def _lets_write(statement: dict[str, Any]) -> bool:
    principal, action = statement.get("Principal"), statement.get("Action")
    named = principal.get("AWS") if isinstance(principal, dict) else principal
    people = named if isinstance(named, list) else [named]
    actions = action if isinstance(action, list) else [action]
    return (
        statement.get("Effect") == "Allow"
        and any(one == "*" or ACCOUNT in str(one) for one in people)
        and any(str(one).lower() in ("sqs:sendmessage", "sqs:*", "*") for one in actions)
    )
