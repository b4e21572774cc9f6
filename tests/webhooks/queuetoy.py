"""The toy platform with a queue of the merchant's own in place of webhooks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from integrations.base import QueuedNews, Subscription
from integrations.events import RawDelivery
from integrations.platform import Ability, AuthKind, Connection, CredentialField, SignIn
from tests.webhooks import toy

_CAN = frozenset({Ability.NEWS_QUEUE, Ability.ORDER_BY_ID})
CARD = replace(
    toy.CARD,
    slug="queuetoy",
    name="QueueToy",
    service="tests.webhooks.queuetoy.QueueToyIntegration",
    sign_ins=(SignIn(kind=AuthKind.API_KEYS, label="Keys"),),
    abilities=_CAN,
    exempt={ability: "Not needed in tests." for ability in Ability if ability not in _CAN},
    webhooks=None,
    topics=("order.updated",),
    queue_fields=(CredentialField(name="queue", label="Queue", required=False),),
)


class QueueStore(toy.ToyStore):
    """``waiting`` are (id, topic, body) as they lie in the queue; one that was given out and not
    acknowledged is given again by the next ``adapter``.
    """

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[tuple[str, str, bytes]] = []
        self.given: set[str] = set()
        self.deaf: Exception | None = None
        self.at_once = 10
        self.before_acknowledging: Any = None

    def put(
        self, number: str, topic: str = "order.updated", body: bytes = b"", **told: Any
    ) -> None:
        self.waiting.append((number, topic, body or toy.body_of(**told)))

    @contextmanager
    def adapter(self, store: Any, **_options: Any) -> Iterator[QueueToyIntegration]:
        self.given.clear()
        yield QueueToyIntegration(
            Connection(
                store_id=str(store.pk),
                base_url=store.base_url,
                credentials={"queue": "toy"},
                http=None,  # type: ignore[arg-type]  # nothing is called over HTTP
                options={"toy": self},
            )
        )


class QueueToyIntegration(toy.ToyIntegration):
    card = CARD

    @staticmethod
    def dedupe_key(payload: RawDelivery) -> str:
        number = payload.headers.get("number", "")
        return f"n:{number}" if number else ""

    def receive_news(self, *, wait_s: float) -> list[QueuedNews]:
        shop = self._queue
        if shop.deaf:
            raise shop.deaf
        rows = [row for row in shop.waiting if row[0] not in shop.given][: shop.at_once]
        shop.given |= {number for number, _, _ in rows}
        return [
            QueuedNews(
                receipt=number,
                delivery=RawDelivery(
                    topic=topic, body=body, headers={"number": number.partition("#")[0]}
                ),
            )
            for number, topic, body in rows
        ]

    def acknowledge_news(self, receipts: Sequence[str]) -> None:
        shop = self._queue
        if shop.before_acknowledging:
            shop.before_acknowledging()
        shop.waiting = [row for row in shop.waiting if row[0] not in receipts]

    def setup_webhooks(self, events: Sequence[str]) -> list[Subscription]:
        return [Subscription(external_id=topic, topic=topic, url="toy") for topic in events]

    @property
    def _queue(self) -> QueueStore:
        queue: QueueStore = self.connection.options["toy"]
        return queue
