"""Asking the store before its news are believed: what it says by id is applied, what it does not
know is gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from integrations import sync
from integrations.base import BaseEcommerceIntegration
from integrations.errors import NotFound
from integrations.events import EventKind
from integrations.models import Store
from inventory.data import ProductData
from orders.data import Authority, OrderData
from webhooks import claims, standing
from webhooks.models import Delivery
from webhooks.reading import Reading, Thing, must_ask, orders, products
from webhooks.standing import StoreAnswer

ORIGIN = "webhook"
LEFT_OUT = "left_out"


class NotThereYet(Exception):
    """The store told of something it does not know when asked. Once proves nothing (a replica may
    lag): ask again.
    """

    code = "not_found"
    delay_s = 600.0


@dataclass(frozen=True, slots=True)
class Question:
    """``told_gone``: the delivery itself said "deleted", so one "not found" settles it."""

    kind: EventKind
    external_id: str
    told_gone: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What the store said at ``observed_at``; no record means that it is not there."""

    question: Question
    observed_at: datetime
    record: OrderData | ProductData | None

    def apply(self, store: Store) -> tuple[str, set[Thing], str]:
        """Write it: (outcome, what was parked, why it stays out). Call inside a transaction."""
        external_id = self.question.external_id
        if isinstance(self.record, OrderData):
            done = sync.apply_orders(
                store,
                [self.record],
                authority=Authority.BY_ID,
                observed_at=self.observed_at,
                origin=ORIGIN,
            )
            why = done.left_out.get(external_id, "")
            return (LEFT_OUT if why else "applied"), orders(done.parked), why
        if isinstance(self.record, ProductData):
            done = sync.apply_products(
                store, [self.record], observed_at=self.observed_at, origin=ORIGIN
            )
            return "applied", products(done.parked), ""
        if self.question.kind is EventKind.ORDER:
            known = sync.mark_gone(store, external_id, actor="platform")
            return ("gone" if known else "gone_unknown"), set(), ""
        gone = ProductData(
            external_id=external_id, title="", changed_at=self.observed_at, gone=True
        )
        sync.apply_products(store, [gone], observed_at=self.observed_at, origin=ORIGIN)
        return "gone", set(), ""


def questions(reading: Reading, torn: set[Thing]) -> list[Question]:
    """What has to be asked: what the events do not settle, and the ids in ``torn``. Each thing
    once.
    """
    wanted: dict[tuple[EventKind, str], Question] = {}
    for event in reading.events:
        if event.kind in (EventKind.IGNORED, EventKind.PING):
            continue
        if must_ask(event) or (event.kind, event.external_id) in torn:
            key = (event.kind, event.external_id)
            before = wanted.get(key)
            told_gone = event.confirm or (before is not None and before.told_gone)
            wanted[key] = Question(event.kind, event.external_id, told_gone)
    return list(wanted.values())


def ask(
    store: Store, adapter: BaseEcommerceIntegration, delivery: Delivery, question: Question
) -> Answer | StoreAnswer:
    """One call to the store, outside any transaction. Raises PlatformError, NotThereYet, Fenced."""
    claims.keep(delivery)
    observed_at = timezone.now()
    if question.kind in standing.KINDS:
        return standing.ask(store, adapter, question.kind, observed_at)
    try:
        return Answer(question, observed_at, _read(adapter, question))
    except NotFound:
        if question.told_gone or delivery.problem_code == NotThereYet.code:
            return Answer(question, observed_at, None)
        raise NotThereYet(
            f"{store.name} told of {question.kind} {question.external_id} but does not know it. "
            "Logix asks once more in ten minutes before it believes that."
        ) from None


def _read(adapter: BaseEcommerceIntegration, question: Question) -> OrderData | ProductData:
    if question.kind is EventKind.ORDER:
        return adapter.read_order(question.external_id)
    return adapter.read_product(question.external_id)
