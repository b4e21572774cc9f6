"""Webhook deliveries of WooCommerce: topics, the unsigned ping, and what each delivery means. Pure.

Source: WooCommerce core includes/class-wc-webhook.php; a delivery and a ping recorded from 11.0.1.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from integrations.errors import ContractBroken
from integrations.events import Event, EventKind, RawDelivery
from integrations.woocommerce import mapper, shapes
from integrations.woocommerce.refusals import plain_words
from integrations.woocommerce.values import ident, text

# topic: (kind, the body holds the whole object). A product's body lacks its variations.
TOPICS: dict[str, tuple[EventKind, bool]] = {
    "order.created": (EventKind.ORDER, True),
    "order.updated": (EventKind.ORDER, True),
    "order.restored": (EventKind.ORDER, True),
    "order.deleted": (EventKind.ORDER, False),
    "product.created": (EventKind.PRODUCT, False),
    "product.updated": (EventKind.PRODUCT, False),
    "product.restored": (EventKind.PRODUCT, False),
    "product.deleted": (EventKind.PRODUCT, False),
}
_DELETED = ("order.deleted", "product.deleted")
_PING = b"webhook_id="


def is_ping(body: bytes) -> bool:
    """Sent unsigned and form-encoded when a webhook is activated; wants exactly 200."""
    return len(body) < 40 and body.startswith(_PING) and body[len(_PING) :].strip().isdigit()


def dedupe_key(delivery: RawDelivery) -> str:
    """Topic and body, not the delivery id: that is a hash of webhook and second, so two deliveries
    within one second carry the same one.
    """
    return f"b:{delivery.topic}:{hashlib.sha256(delivery.body).hexdigest()}"


def to_events(
    delivery: RawDelivery, *, timezone: str, words: Mapping[str, str] | None = None
) -> list[Event]:
    """What a delivery says. An order whose body cannot be mapped is to be re-read; a body without
    an id raises ContractBroken.
    """
    topic = delivery.topic
    if is_ping(delivery.body):
        return [Event(kind=EventKind.PING, topic=topic)]
    if topic not in TOPICS:
        reason = f"Logix does not listen to “{text(topic, 60)}”."
        return [Event(kind=EventKind.IGNORED, topic=topic, reason=reason)]
    kind, whole = TOPICS[topic]
    thin = shapes.decode(delivery.body, shapes.Thin)
    if thin.id <= 0:
        return [_nobody(thin, topic)]
    if kind is EventKind.PRODUCT:
        return [_product(thin, topic)]
    order = None
    if whole:
        try:
            order = mapper.to_order(delivery.body, timezone=timezone, words=words)
        except ContractBroken:
            # Webhooks made for an older API version send other bodies; the API itself decides.
            order = None
    return [
        Event(
            kind=kind,
            external_id=str(thin.id),
            topic=topic,
            order=order,
            confirm=topic in _DELETED,
        )
    ]


def _product(thin: shapes.Thin, topic: str) -> Event:
    """Variations speak under their product's topics; the product is what is listed, so it is read
    again, and a variation that went is no product that went.
    """
    parent = ident(thin.parent_id) if thin.type == "variation" else ""
    return Event(
        kind=EventKind.PRODUCT,
        external_id=parent or str(thin.id),
        topic=topic,
        confirm=topic in _DELETED,
    )


def _nobody(thin: shapes.Thin, topic: str) -> Event:
    """A webhook whose WordPress user lost its rights delivers the error of reading the object."""
    if not thin.code:
        raise ContractBroken("The webhook's body names no object.", path="$.id")
    said = plain_words(str(thin.message or thin.code))
    reason = (
        f"The store sent an error in place of its news: {said} The WordPress user of the webhook "
        "may have lost its rights."
    )
    return Event(kind=EventKind.IGNORED, topic=topic, reason=reason)
