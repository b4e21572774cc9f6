"""Many parcels in one file: a ``POST_ORDER_FULFILLMENT_DATA`` feed for each marketplace that some
of their orders are of.

Amazon says of each message whether it was taken, so no order is read; a parcel told by a call costs
three looks at its order, of which there is one in two seconds. Amazon gives the parcel a number of
its own. Sources: the page *Order Feed Type Values*, read 2026-11; what a message may say, and in
which order: OrderFulfillment.xsd; that a carrier needs a code, and “Other” a name beside it:
amzn/selling-partner-api-docs#413; that a tracking number is wanted as with a call: -models#1462.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from xml.sax.saxutils import escape

from integrations.amazon import feed_files, processing_report, shipping
from integrations.amazon.account import Account
from integrations.amazon.carriers import OTHER, code_of
from integrations.amazon.client import AmazonClient
from integrations.amazon.processing_report import Result
from integrations.amazon.refusals import NO_PACKAGE
from integrations.amazon.values import as_iso, text
from integrations.base import FileOutcome, Keep, ParcelLine, ParcelRefusal
from integrations.errors import ContractBroken
from integrations.kit.redact import redact_told
from orders.data import ShipmentData

_KIND = feed_files.Kind(
    name="POST_ORDER_FULFILLMENT_DATA",
    content="text/xml; charset=UTF-8",
    between=b"",
    tail=b"</AmazonEnvelope>",
)
# More units than can be sent, those that left before taken off: the parcel may be among them. The
# code and its words are from a published report.
_TOO_MUCH = "18021"
_WHOLE = "0"
# What XML 1.0 has no way to say.
_UNSAYABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def fits(account: Account, parcel: ParcelLine) -> bool:
    """With what Amazon wants to know of it, of an order whose marketplace is known."""
    told = parcel.shipment
    is_told = bool(told.tracking_number.strip() and told.carrier.strip())
    return is_told and bool(_place(account, parcel))


def hand_over(
    client: AmazonClient, account: Account, lines: Iterable[ParcelLine], keep: Keep
) -> dict[str, Any]:
    messages = ((_place(account, line), _message(line)) for line in lines)
    return feed_files.hand_over(client, _KIND, _head(client.seller), messages, keep)


def outcome(client: AmazonClient, handle: Mapping[str, Any]) -> FileOutcome[ParcelRefusal]:
    return feed_files.outcome(client, _KIND, handle, _of_report)


def _place(account: Account, parcel: ParcelLine) -> str:
    return account.place_named(str(parcel.custom.get("marketplace", "")))


def _head(seller: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><AmazonEnvelope><Header>'
        f"{_element('DocumentVersion', '1.01')}{_element('MerchantIdentifier', seller)}</Header>"
        f"{_element('MessageType', 'OrderFulfillment')}"
    ).encode()


def _message(line: ParcelLine) -> bytes:
    told = line.shipment
    date = as_iso(shipping.ship_date(line.placed_at, told))
    items = "".join(
        f"<Item>{_element('AmazonOrderItemCode', x.line_external_id)}"
        f"{_element('Quantity', x.quantity)}</Item>"
        for x in told.lines
    )
    return (
        f"<Message>{_element('MessageID', line.number)}<OrderFulfillment>"
        f"{_element('AmazonOrderID', line.order_id)}"
        f"{_element('MerchantFulfillmentID', shipping.number_of(told.reference))}"
        f"{_element('FulfillmentDate', date)}<FulfillmentData>{_carrier(told)}"
        f"{_element('ShipperTrackingNumber', told.tracking_number.strip())}</FulfillmentData>"
        f"{items}</OrderFulfillment></Message>"
    ).encode()


def _carrier(told: ShipmentData) -> str:
    code = code_of(told.carrier)
    named = _element("CarrierName", told.carrier.strip()) if code == OTHER else ""
    return _element("CarrierCode", code) + named


def _element(name: str, value: object) -> str:
    return f"<{name}>{escape(_UNSAYABLE.sub('', str(value)))}</{name}>"


def _of_report(pieces: Iterable[bytes], lines: int) -> Iterator[tuple[int, ParcelRefusal]]:
    """What was not taken, each with the first that is wrong; a warning is none. Raises
    ContractBroken for a file that was refused as a whole.
    """
    named: set[int] = set()
    for result in processing_report.results(pieces, lines):
        if not result.is_error:
            continue
        if result.number == _WHOLE or not result.number.isdecimal():
            raise ContractBroken(
                f"Amazon refused the file as a whole: {_words(result)}", code="feed_refused"
            )
        number = int(result.number)
        if number not in named:
            named.add(number)
            yield number, _refusal(result)


def _refusal(result: Result) -> ParcelRefusal:
    return ParcelRefusal(
        code=text(result.code, 60) or "rejected",
        error=_words(result),
        is_unsure=result.code == _TOO_MUCH or NO_PACKAGE in result.words,
    )


def _words(result: Result) -> str:
    return redact_told(text(result.words)) or "Amazon refused this parcel and gave no reason."
