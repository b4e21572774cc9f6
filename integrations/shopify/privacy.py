"""What Shopify passes on of buyers who ask by law, and of shops that left. Pure.

Topics are not signed, bodies are: each has to hold what only its own topic tells, and the shop it
names counts. Source: the topics' own samples, 2026-07;
https://shopify.dev/docs/apps/build/compliance/privacy-law-compliance
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from integrations.events import Event, EventKind, PrivacyAsk, PrivacyKind, RawDelivery
from integrations.kit import strictjson
from integrations.shopify.values import text


class _Customer(msgspec.Struct):
    id: int | None = None
    email: str | None = None


class _DataRequest(msgspec.Struct):
    id: int


class _Export(msgspec.Struct):
    shop_domain: str
    customer: _Customer
    orders_requested: list[int]
    data_request: _DataRequest


class _EraseBuyer(msgspec.Struct):
    shop_domain: str
    customer: _Customer
    orders_to_redact: list[int]


class _EraseStore(msgspec.Struct, forbid_unknown_fields=True):
    shop_id: int
    shop_domain: str


def to_events(delivery: RawDelivery) -> list[Event]:
    """The request a delivery passes on. Raises ContractBroken for a body of another topic."""
    topic, read = delivery.topic, _READERS.get(delivery.topic)
    if read is None:
        reason = f"Logix knows no privacy request “{text(topic, 60)}”."
        return [Event(kind=EventKind.IGNORED, topic=topic, reason=reason)]
    return [Event(kind=EventKind.PRIVACY, topic=topic, privacy=read(delivery.body))]


def _export(body: bytes) -> PrivacyAsk:
    told = strictjson.decode(body, _Export)
    return PrivacyAsk(
        kind=PrivacyKind.EXPORT,
        reference=str(told.data_request.id),
        account=told.shop_domain,
        order_ids=_ids(told.orders_requested),
        customer_id=_customer_id(told.customer),
        email=told.customer.email or "",
    )


def _erase_buyer(body: bytes) -> PrivacyAsk:
    told = strictjson.decode(body, _EraseBuyer)
    return PrivacyAsk(
        kind=PrivacyKind.ERASE_BUYER,
        account=told.shop_domain,
        order_ids=_ids(told.orders_to_redact),
        customer_id=_customer_id(told.customer),
        email=told.customer.email or "",
    )


def _erase_store(body: bytes) -> PrivacyAsk:
    """Anything more in the body would make it another topic's."""
    told = strictjson.decode(body, _EraseStore)
    return PrivacyAsk(kind=PrivacyKind.ERASE_STORE, account=told.shop_domain)


def _ids(numbers: list[int]) -> tuple[str, ...]:
    return tuple(str(number) for number in numbers)


def _customer_id(customer: _Customer) -> str:
    return str(customer.id) if customer.id else ""


_READERS: dict[str, Callable[[bytes], PrivacyAsk]] = {
    "customers/data_request": _export,
    "customers/redact": _erase_buyer,
    "shop/redact": _erase_store,
}
