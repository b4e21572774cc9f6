"""``POST_ORDER_FULFILLMENT_DATA``: shipments in XML, each good or bad by itself. Unlike
``confirmShipment`` it takes a parcel without a number, and says so when it does not know a carrier.
One that stands by its name alone is anybody's, as OrderFulfillment.xsd has it. The package gets a
number of Amazon's; the seller's (``MerchantFulfillmentID``) is read by nobody.

Sources: amzn/selling-partner-api-models#4329 and -docs#772; the report's shape and its codes 5000
(no XML), 18021 (more than can be shipped) and 18028 (no such order) from reports that were
published. That any other complaint is an 18028 is assumed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from integrations.sandbox.amazon.clock import parsed
from integrations.sandbox.amazon.feeds.models import Feed
from integrations.sandbox.amazon.orders import shipping
from integrations.sandbox.amazon.orders.models import Order
from integrations.sandbox.amazon.wire import Refused

if TYPE_CHECKING:
    from integrations.sandbox.amazon.store import SellerStore

_NO_XML, _TOO_MUCH, _WRONG = "5000", "18021", "18028"


class _Bad(Exception):
    """A message that is not taken."""

    def __init__(self, code: str, words: str, order_id: str = "") -> None:
        super().__init__(words)
        self.code, self.order_id = code, order_id


def work_off(store: SellerStore, feed: Feed, content: bytes) -> tuple[str, bytes]:
    """The processing report, in XML as well."""
    results: list[tuple[str, _Bad]] = []
    processed = 0
    try:
        messages = _messages(store, content)
    except _Bad as bad:
        results.append(("0", bad))
        messages = []
    for message in messages:
        processed += 1
        try:
            _work_off(store, message)
        except _Bad as bad:
            results.append((_text(message, "MessageID") or "0", bad))
    told = _report(store.options.seller_id, feed, processed, results)
    return "text/xml; charset=UTF-8", told.encode()


def _messages(store: SellerStore, content: bytes) -> list[ElementTree.Element]:
    """Raises _Bad for the whole."""
    # Entities are what XML does harm with, and they need a document type, here or in UTF-16.
    if b"<!DOCTYPE" in content or b"\x00" in content:
        raise _Bad(_NO_XML, "A document type is not allowed.")
    try:
        root = ElementTree.fromstring(content)  # noqa: S314 - without a document type, see above
    except ElementTree.ParseError as err:
        raise _Bad(_NO_XML, f"XML Parsing Error: {err}") from err
    if _text(root, "Header/MerchantIdentifier") != store.options.seller_id:
        raise _Bad(_WRONG, "The MerchantIdentifier is not the seller's.")
    if _text(root, "MessageType") != "OrderFulfillment":
        raise _Bad(_NO_XML, "The MessageType is not OrderFulfillment.")
    return root.findall("Message")


def _work_off(store: SellerStore, message: ElementTree.Element) -> None:
    """Raises _Bad."""
    told = message.find("OrderFulfillment")
    order_id = _text(message, "OrderFulfillment/AmazonOrderID")
    order = store.state.orders.get(order_id)
    if told is None or order is None:
        raise _Bad(_WRONG, f"The order id {order_id} is not known.", order_id)
    if store.strikes("feed_message_refused", f"feed {_text(message, 'MessageID')} {order_id}"):
        raise _Bad(_WRONG, "The data you submitted is incomplete or invalid.", order_id)
    carrier = _text(told, "FulfillmentData/CarrierCode")
    if carrier not in shipping.CARRIERS:
        raise _Bad(_WRONG, f"The carrier code {carrier} is not known.", order_id)
    try:
        ship_time = parsed(_text(told, "FulfillmentDate"))
        detail = _detail(told, order)
        shipping.register(store, order, detail, ship_time, is_lost=False)
    except ValueError as err:
        raise _Bad(_WRONG, "A date or a quantity cannot be read.", order_id) from err
    except Refused as refused:
        code = _TOO_MUCH if str(refused).startswith("Quantity") else _WRONG
        raise _Bad(code, str(refused), order_id) from refused


def _detail(told: ElementTree.Element, order: Order) -> shipping.PackageDetail:
    """A new package; without items it holds all that is open. Raises ValueError."""
    taken = {package.reference for package in order.packages}
    asked = [
        shipping.ConfirmedItem(_text(item, "AmazonOrderItemCode"), int(_text(item, "Quantity")))
        for item in told.findall("Item")
    ]
    return shipping.PackageDetail(
        package_reference_id=next(str(n) for n in range(1, 1_000) if str(n) not in taken),
        carrier_code=_text(told, "FulfillmentData/CarrierCode"),
        carrier_name=_text(told, "FulfillmentData/CarrierName"),
        shipping_method=_text(told, "FulfillmentData/ShippingMethod"),
        tracking_number=_text(told, "FulfillmentData/ShipperTrackingNumber"),
        ship_date=_text(told, "FulfillmentDate"),
        order_items=asked
        or [shipping.ConfirmedItem(item.id, item.open) for item in order.items if item.open],
    )


def _text(element: ElementTree.Element, path: str) -> str:
    return (element.findtext(path) or "").strip()


def _report(seller: str, feed: Feed, processed: int, results: list[tuple[str, _Bad]]) -> str:
    failed = sum(1 for number, _ in results if number != "0")
    rows = "".join(
        f"<Result><MessageID>{escape(number)}</MessageID><ResultCode>Error</ResultCode>"
        f"<ResultMessageCode>{bad.code}</ResultMessageCode>"
        f"<ResultDescription>{escape(str(bad))}</ResultDescription>{_more(bad)}</Result>"
        for number, bad in results
    )
    counts = (
        ("MessagesProcessed", processed),
        ("MessagesSuccessful", processed - failed),
        ("MessagesWithError", len(results)),
        ("MessagesWithWarning", 0),
    )
    summary = "".join(f"<{name}>{many}</{name}>" for name, many in counts)
    report = (
        '<?xml version="1.0" encoding="UTF-8"?><AmazonEnvelope><Header><DocumentVersion>1.02'
        f"</DocumentVersion><MerchantIdentifier>{escape(seller)}</MerchantIdentifier></Header>"
        "<MessageType>ProcessingReport</MessageType><Message><MessageID>1</MessageID>"
        f"<ProcessingReport><DocumentTransactionID>{feed.id}</DocumentTransactionID>"
        f"<StatusCode>Complete</StatusCode><ProcessingSummary>{summary}</ProcessingSummary>{rows}"
        "</ProcessingReport></Message></AmazonEnvelope>"
    )
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", "", report)


def _more(bad: _Bad) -> str:
    if not bad.order_id:
        return ""
    order_id = f"<AmazonOrderID>{escape(bad.order_id)}</AmazonOrderID>"
    return f"<AdditionalInfo>{order_id}</AdditionalInfo>"
