"""Webhook deliveries of Shopify: topics, and what each delivery means; privacy requests are read in
``privacy``. Pure.

Bodies are JSON in the shape of the old REST API, not of the API that Logix reads, so none is taken
for the order or product itself: it is read again by its id. Source: the topics' own samples,
2026-07; https://shopify.dev/docs/apps/build/webhooks
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from integrations.errors import ContractBroken
from integrations.events import Event, EventKind, RawDelivery
from integrations.kit import strictjson
from integrations.shopify.products import ITEM
from integrations.shopify.values import text

# returns/process and returns/update name no order: what they tell of changes the order as well.
ON_RETURNS = (
    "returns/request",
    "returns/approve",
    "returns/decline",
    "returns/cancel",
    "returns/close",
    "returns/reopen",
)
# Of one topic whose scope is lacking Shopify refuses the subscription. Source: its webhook
# reference of 2026-07. What the rest need, no store is connected without.
_SCOPES = {"fulfillments": "read_fulfillments", "returns": "read_returns"}


@dataclass(frozen=True, slots=True)
class _Topic:
    """``subject`` finds the id in a body; ``confirm``: it says that the thing is gone."""

    kind: EventKind
    subject: Callable[[dict[str, object]], object]
    confirm: bool = False
    prefix: str = ""


def scope_of(topic: str) -> str:
    """The scope that deliveries of a topic take besides those without which nothing works; '' for
    none.
    """
    return _SCOPES.get(topic.partition("/")[0], "")


def _own(body: dict[str, object]) -> object:
    return body.get("id")


def _order(body: dict[str, object]) -> object:
    return body.get("order_id")


def _returned(body: dict[str, object]) -> object:
    """A return is asked for, agreed to or declined with its order inside; then it names it."""
    order = body.get("order")
    return order.get("id") if isinstance(order, dict) else body.get("order_id")


def _edited(body: dict[str, object]) -> object:
    edit = body.get("order_edit")
    return edit.get("order_id") if isinstance(edit, dict) else None


def _item(body: dict[str, object]) -> object:
    return body.get("inventory_item_id")


TOPICS: dict[str, _Topic] = {
    "orders/create": _Topic(EventKind.ORDER, _own),
    "orders/updated": _Topic(EventKind.ORDER, _own),
    "orders/cancelled": _Topic(EventKind.ORDER, _own),
    "orders/edited": _Topic(EventKind.ORDER, _edited),
    "orders/delete": _Topic(EventKind.ORDER, _own, confirm=True),
    "fulfillments/create": _Topic(EventKind.ORDER, _order),
    "fulfillments/update": _Topic(EventKind.ORDER, _order),
    "refunds/create": _Topic(EventKind.ORDER, _order),
    **{topic: _Topic(EventKind.ORDER, _returned) for topic in ON_RETURNS},
    "products/create": _Topic(EventKind.PRODUCT, _own),
    "products/update": _Topic(EventKind.PRODUCT, _own),
    "products/delete": _Topic(EventKind.PRODUCT, _own, confirm=True),
    "inventory_levels/update": _Topic(EventKind.PRODUCT, _item, prefix=ITEM),
}
# About the app at the shop: the shop is asked what is true.
_STORE = {
    "app/uninstalled": EventKind.STORE_GONE,
    "app/scopes_update": EventKind.SCOPES_CHANGED,
}


def to_events(delivery: RawDelivery) -> list[Event]:
    """What a delivery says. Raises ContractBroken for a body that names nothing."""
    topic = delivery.topic
    if topic in _STORE:
        return [Event(kind=_STORE[topic], topic=topic, confirm=True)]
    known = TOPICS.get(topic)
    if known is None:
        reason = f"Logix does not listen to “{text(topic, 60)}”."
        return [Event(kind=EventKind.IGNORED, topic=topic, reason=reason)]
    body = strictjson.parse(delivery.body)
    found = known.subject(body) if isinstance(body, dict) else None
    if isinstance(found, bool) or not isinstance(found, int) or found <= 0:
        raise ContractBroken("The webhook's body names no object.", path="$.id")
    return [
        Event(
            kind=known.kind,
            external_id=f"{known.prefix}{found}",
            topic=topic,
            confirm=known.confirm,
        )
    ]
