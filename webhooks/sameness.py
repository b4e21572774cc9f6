"""By which key a delivery that comes again is known: the platform's own idea of "the same again",
its word or the id it gives each delivery; else topic and content.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from integrations.base import BaseEcommerceIntegration
from integrations.events import RawDelivery
from logix.common import crypto
from webhooks.models import Delivery

_KEY_LENGTH = Delivery._meta.get_field("dedupe_key").max_length or 0


def dedupe_key(adapter: type[BaseEcommerceIntegration], delivery: RawDelivery) -> str:
    key = asks(adapter, "dedupe_key", delivery)
    scheme = adapter.card.webhooks
    number = delivery.headers.get(scheme.event_id_header.lower(), "") if scheme else ""
    if not key and number:
        key = f"e:{delivery.topic}:{number}"
    if not key:
        key = f"b:{delivery.topic}:{hashlib.sha256(delivery.body).hexdigest()}"
    key = clean(str(key))
    return key if len(key) <= _KEY_LENGTH else f"h:{crypto.digest(key)}"


def asks(adapter: type[BaseEcommerceIntegration], question: str, subject: Any) -> Any:
    """What the platform's class says of a delivery, where it has something to say (static, no
    adapter is built).
    """
    answer: Callable[[Any], Any] | None = getattr(adapter, question, None)
    return answer(subject) if answer is not None else None


def clean(text: str) -> str:
    return text if text.isprintable() else "".join(c for c in text if c.isprintable())
