"""Messages that Amazon puts into the seller's queue: what is asked for, and what each means. Pure.

Each names an order or a SKU, which is read again, or something that Amazon has done, which is
looked at: a message may be old, come twice, or overtake another. Source: the official schemas of
notifications, 2026-08. The names of an envelope's fields begin with capitals for most types and
with small letters for those of feeds, reports and listings' stock; both are read.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from integrations.amazon import payouts
from integrations.amazon.marketplaces import name_of
from integrations.amazon.values import text
from integrations.errors import ContractBroken
from integrations.events import Event, EventKind, RawDelivery
from integrations.kit import strictjson
from integrations.kit.text import external_id
from integrations.platform import Ability


@dataclass(frozen=True, slots=True)
class Topic:
    """``path`` leads from the payload to the id of what the news is about. ``directive`` narrows a
    subscription down.
    """

    kind: EventKind
    path: tuple[str, ...]
    directive: Mapping[str, Any] = field(default_factory=dict)


# An empty filter is refused (github.com/jlevers/selling-partner-api/issues/885), and so is one of
# marketplaces for orders (github.com/amzn/selling-partner-api-models/issues/4135): news of others
# come, and are left alone here. Tips of buyers for a delivery are left out. Listings tell through
# EventBridge alone, whose rules may forward them.
TOPICS: dict[str, Topic] = {
    "ORDER_CHANGE": Topic(
        EventKind.ORDER,
        ("OrderChangeNotification", "AmazonOrderId"),
        directive={
            "eventFilter": {
                "eventFilterType": "ORDER_CHANGE",
                "orderChangeTypes": ["OrderStatusChange", "BuyerRequestedChange"],
            }
        },
    ),
    "FBA_INVENTORY_AVAILABILITY_CHANGES": Topic(EventKind.KEPT, ("SKU",)),
    "LISTINGS_ITEM_MFN_QUANTITY_CHANGE": Topic(EventKind.PRODUCT, ("Sku",)),
    "LISTINGS_ITEM_STATUS_CHANGE": Topic(EventKind.PRODUCT, ("Sku",)),
    "FEED_PROCESSING_FINISHED": Topic(
        EventKind.FILE, ("FeedProcessingFinishedNotification", "FeedId")
    ),
    "REPORT_PROCESSING_FINISHED": Topic(
        EventKind.REPORT, ("ReportProcessingFinishedNotification", "ReportId")
    ),
    "FULFILLMENT_ORDER_STATUS": Topic(
        EventKind.OUTSIDE, ("FulfillmentOrderStatusNotification", "SellerFulfillmentOrderId")
    ),
}
# Amazon makes these unasked and tells of them all the same: the page "Retrieve automatically
# generated reports" of its documentation.
UNASKED: Mapping[str, Ability] = {payouts.KIND: Ability.PAYOUTS}
_OTHER_PLACE = "This is news of an order in {}, which is not among the marketplaces of this store."
_OTHER_SELLER = (
    "This is news of another seller account. Each account that is connected needs a queue of its "
    "own, or they take each other's news."
)


def to_events(delivery: RawDelivery, *, seller: str, places: Collection[str] = ()) -> list[Event]:
    """What a message says to the account ``seller``, of which the marketplaces ``places`` are
    connected, () for all. Raises ContractBroken for one that names nothing.
    """
    body = strictjson.parse(delivery.body)
    named = _at(body, "NotificationType") or delivery.topic
    if not isinstance(named, str) or not named:
        raise ContractBroken(
            "The message does not say what it is about.", path="$.NotificationType"
        )
    topic = text(named, 80)
    known = TOPICS.get(topic)
    if known is None:
        return [_ignored(topic, f"Logix does not listen to “{text(topic, 60)}”.")]
    payload = _at(body, "Payload")
    if _is_of_another(payload, seller):
        return [_ignored(topic, _OTHER_SELLER)]
    about, subject = None, payload
    for name in known.path:
        about, subject = subject, _at(subject, name)
    place = _at(_at(about, "Summary"), "MarketplaceId")
    if isinstance(place, str) and place and places and place not in places:
        return [_ignored(topic, _OTHER_PLACE.format(text(name_of(place), 60)))]
    try:
        subject = external_id(subject)
    except ValueError as err:
        path = ".".join(("$", "Payload", *known.path))
        raise ContractBroken("The message names nothing that could be read.", path=path) from err
    ability = UNASKED.get(str(_at(about, "ReportType")))
    return [Event(kind=known.kind, external_id=subject, topic=topic, ability=ability)]


def told(body: bytes) -> tuple[str, str]:
    """Type and id of a message, each '' where it cannot be read: such a one is kept as it is."""
    try:
        found = strictjson.parse(body)
    except ContractBroken:
        return "", ""
    names = (
        _at(found, "NotificationType"),
        _at(_at(found, "NotificationMetadata"), "NotificationId"),
    )
    kind, number = (name if isinstance(name, str) else "" for name in names)
    return text(kind, 80), number


def _ignored(topic: str, reason: str) -> Event:
    return Event(kind=EventKind.IGNORED, topic=topic, reason=reason)


def _is_of_another(payload: Any, seller: str) -> bool:
    """Where the message names a seller: in its payload or a step below."""
    below = payload.values() if isinstance(payload, dict) else ()
    found = (_at(part, "SellerId") for part in (payload, *below))
    named = next((one for one in found if isinstance(one, str) and one), seller)
    return bool(seller) and named != seller


def _at(found: Any, name: str) -> Any:
    """A field in either spelling."""
    if not isinstance(found, dict):
        return None
    return found.get(name, found.get(f"{name[:1].lower()}{name[1:]}"))
