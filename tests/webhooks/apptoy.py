"""The toy platform as one app for all stores: deliveries name their store in a header, are signed
with the app's secret, and pass on what buyers ask by law.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from integrations.base import StoreIdentity
from integrations.events import Event, EventKind, PrivacyAsk, PrivacyKind, RawDelivery
from integrations.platform import WebhookScheme
from tests.webhooks import toy

ACCOUNT = "X-Toy-Shop"
PRIVACY = ("privacy/export", "privacy/erase_buyer", "privacy/erase_store")

CARD = replace(
    toy.CARD,
    slug="apptoy",
    name="AppToy",
    service="tests.webhooks.apptoy.AppToyIntegration",
    webhooks=WebhookScheme(
        scheme="hmac-sha256-base64",
        signature_header=toy.SIGNATURE,
        topic_header=toy.TOPIC,
        signed_by_app=True,
        account_header=ACCOUNT,
    ),
    always_topics=PRIVACY,
)


class AppToyIntegration(toy.ToyIntegration):
    card = CARD
    granted: tuple[str, ...] = ("read", "write")
    missing: tuple[str, ...] = ()

    @staticmethod
    def read_always(payload: RawDelivery) -> list[Event]:
        told: dict[str, Any] = json.loads(payload.body)
        if told.get("unreadable"):
            toy.product_of(told)
        ask = PrivacyAsk(
            kind=PrivacyKind(payload.topic.partition("/")[2]),
            reference=told.get("reference", ""),
            account=told.get("shop", ""),
            order_ids=tuple(str(x) for x in told.get("orders", ())),
            customer_id=str(told.get("customer", "")),
            email=told.get("email", ""),
        )
        return [Event(kind=EventKind.PRIVACY, topic=payload.topic, privacy=ask)]

    def handle_webhook(self, payload: RawDelivery) -> list[Event]:
        if payload.topic == "scopes":
            return [Event(kind=EventKind.SCOPES_CHANGED, topic=payload.topic)]
        if payload.topic == "unnamed":
            told = replace(payload, topic="privacy/erase_store")
            return self.read_always(told)
        return super().handle_webhook(payload)

    def identify(self) -> StoreIdentity:
        self._store.answer({"me": True}, "me")
        return StoreIdentity(
            name="Toy",
            base_url="",
            currency="EUR",
            timezone="UTC",
            granted=self.granted,
            missing=self.missing,
        )
