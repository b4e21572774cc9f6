"""``listTransactions``. What buyers pay on account is deferred for thirty days: told once as
DEFERRED, and again as RELEASED when the money is free, with which the first becomes
DEFERRED_RELEASED.

Source: the model ``finances_2024-06-19``. It names no types of breakdowns beyond its examples;
those here are the ones clients have seen, as is the order in which the newest comes first
(assumed).
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from integrations.sandbox.amazon import tokens
from integrations.sandbox.amazon.api.call import Call
from integrations.sandbox.amazon.clock import DAY, iso
from integrations.sandbox.amazon.finances import events as booked
from integrations.sandbox.amazon.finances.events import Event, Part
from integrations.sandbox.amazon.marketplaces import MARKETPLACES
from integrations.sandbox.amazon.money import NOTHING
from integrations.sandbox.amazon.wire import Answer, invalid

if TYPE_CHECKING:
    from integrations.sandbox.amazon.store import SellerStore

Told = dict[str, Any]
_PAGE = 20
_DEFERRED_S = 30 * DAY
_LONGEST_S = 180 * DAY
_UNTOLD_S = 120
_NAMES = ("FINANCIAL_EVENT_GROUP_ID", "ORDER_ID")
_STATUSES = ("DEFERRED", "RELEASED", "DEFERRED_RELEASED")

# Group and word of each part of an item.
_FEES = "AmazonFees"
_WORDS = {
    booked.PRINCIPAL: ("ProductCharges", "OurPricePrincipal"),
    booked.TAX: ("Tax", "OurPriceTax"),
    booked.SHIPPING: ("Shipping", "ShippingPrincipal"),
    booked.SHIPPING_TAX: ("Tax", "ShippingTax"),
    booked.GIFT_WRAP: ("Giftwrap", "GiftwrapPrincipal"),
    booked.PROMOTION: ("PromoRebates", "OurPriceDiscount"),
    booked.COMMISSION: (_FEES, "Commission"),
    booked.REFUND_COMMISSION: (_FEES, "RefundCommission"),
    booked.PICK_FEE: (_FEES, "FBAPerUnitFulfillmentFee"),
}
_EXPENSES = frozenset({_FEES, "PromoRebates"})


def transactions(call: Call) -> Answer:
    query, store = call.query(), call.store
    now = store.clock.exact()
    name = query.text("relatedIdentifierName", _NAMES)
    value = query.needed("relatedIdentifierValue") if name else ""
    since, until = query.moment("postedAfter"), query.moment("postedBefore")
    latest = now - _UNTOLD_S
    if since is None and not name:
        raise invalid("postedAfter is required where no related identifier is given.")
    if (since or 0) > latest or (until or 0) > latest or (until or latest) <= (since or 0):
        raise invalid("A date lies in the last two minutes, or the dates are the wrong way round.")
    until = latest if until is None else until
    place = query.text("marketplaceId")
    wanted = query.text("transactionStatus", _STATUSES)
    asked = [name, value, since, query.text("postedBefore"), place, wanted]
    start = _start(query.text("nextToken"), asked, now)
    is_too_long = since is not None and until - since > _LONGEST_S
    found = [
        row
        for row in ([] if is_too_long else told(store))
        if (since or 0) <= row["at"] < until
        and (name != "ORDER_ID" or row["order"] == value)
        and name != "FINANCIAL_EVENT_GROUP_ID"
        and place in ("", row["place"])
        and wanted in ("", row["body"]["transactionStatus"])
    ]
    found.reverse()
    payload: Told = {"transactions": [row["body"] for row in found[start : start + _PAGE]]}
    if start + _PAGE < len(found):
        payload["nextToken"] = tokens.sealed(
            "transactions", now + DAY, asked=asked, start=start + _PAGE
        )
    return Answer(200, {"payload": payload})


def told(store: SellerStore) -> Iterator[Told]:
    """Every transaction with what it is found by, oldest first."""
    now, lag = store.clock.exact(), store.options.posted_lag_s
    rows = []
    for event in booked.events(store):
        free_at = event.at + (_DEFERRED_S if event.order.company else 0)
        if not event.order.company:
            rows.append(_row(event, event.at, "RELEASED", event.name, {}))
            continue
        release = booked.name_of("release", event.name)
        is_free = free_at <= now
        more = {"RELEASE_TRANSACTION_ID": release} if is_free else {}
        status = "DEFERRED_RELEASED" if is_free else "DEFERRED"
        rows.append(_row(event, event.at, status, event.name, more))
        if is_free:
            more = {"DEFERRED_TRANSACTION_ID": event.name}
            rows.append(_row(event, int(free_at), "RELEASED", release, more))
    rows = [row for row in rows if row["at"] <= now - lag]
    return iter(sorted(rows, key=lambda row: (row["at"], row["body"]["transactionId"])))


def _start(token: str, asked: list[Any], now: float) -> int:
    """A token goes with the arguments of the call that gave it."""
    if not token:
        return 0
    place = tokens.opened(token, "transactions", now)
    if place is None or place["asked"] != asked:
        raise invalid("The nextToken is over, or was given for other arguments.")
    start: int = place["start"]
    return start


def _row(event: Event, at: int, status: str, name: str, more: dict[str, str]) -> Told:
    order, market = event.order, MARKETPLACES[event.order.marketplace]
    is_refund = event.kind == "Refund"
    names = {
        "ORDER_ID": order.id,
        "REFUND_ID" if is_refund else "SHIPMENT_ID": event.reference,
        **more,
    }
    sums: dict[str, Decimal] = {}
    for part in event.parts:
        for word, amount in part.amounts.items():
            sums[word] = sums.get(word, NOTHING) + amount
    body: Told = {
        "sellingPartnerMetadata": {"accountType": "Standard Orders", "marketplaceId": market.id},
        "relatedIdentifiers": [
            {"relatedIdentifierName": key, "relatedIdentifierValue": value}
            for key, value in names.items()
        ],
        "transactionType": event.kind,
        "transactionId": name,
        "transactionStatus": status,
        "description": "Refund Order" if is_refund else "Order Payment",
        "postedDate": iso(at),
        "totalAmount": _money(event.total, event.currency),
        "marketplaceDetails": {"marketplaceId": market.id, "marketplaceName": market.name},
        "items": [_item(event, part) for part in event.parts],
        "breakdowns": _of_transaction(sums, event.currency, is_refund=is_refund),
    }
    if order.company:
        body["contexts"] = [
            {
                "contextType": "DeferredContext",
                "deferralReason": "B2B",
                "maturityDate": iso(event.at + _DEFERRED_S),
            }
        ]
    return {"at": at, "order": order.id, "place": market.id, "body": body}


def _item(event: Event, part: Part) -> Told:
    told: Told = {
        "description": part.item.title,
        "totalAmount": _money(part.total, event.currency),
        "breakdowns": _groups(part.amounts, event.currency),
        "contexts": [
            {
                "contextType": "ProductContext",
                "asin": part.item.asin,
                "sku": part.item.sku,
                "quantityShipped": part.units,
                "fulfillmentNetwork": "AFN" if event.order.is_amazons else "MFN",
            }
        ],
    }
    if part.adjustment:
        told["relatedIdentifiers"] = [
            {
                "itemRelatedIdentifierName": "ORDER_ADJUSTMENT_ITEM_ID",
                "itemRelatedIdentifierValue": part.adjustment,
            }
        ]
    return told


def _of_transaction(sums: dict[str, Decimal], currency: str, *, is_refund: bool) -> list[Told]:
    groups = _groups(sums, currency)
    word = "Refunded " if is_refund else ""
    sides = {
        f"{word}Sales": [g for g in groups if g["breakdownType"] not in _EXPENSES],
        f"{word}Expenses": [g for g in groups if g["breakdownType"] in _EXPENSES],
    }
    return [_node(name, inner, currency) for name, inner in sides.items() if inner]


def _groups(amounts: Any, currency: str) -> list[Told]:
    groups: dict[str, list[Told]] = {}
    for name, amount in amounts.items():
        group, word = _WORDS[name]
        # A fee is told apart into itself and its tax, of which there is none here.
        inner = [_leaf("Base", amount, currency)] if group == _FEES else []
        leaf = _leaf(word, amount, currency) | {"breakdowns": inner}
        groups.setdefault(group, []).append(leaf)
    return [_node(name, leaves, currency) for name, leaves in groups.items()]


def _leaf(name: str, amount: Decimal, currency: str) -> Told:
    money = _money(amount, currency)
    return {"breakdownType": name, "breakdownAmount": money, "breakdowns": []}


def _node(name: str, inner: list[Told], currency: str) -> Told:
    total = sum((Decimal(str(x["breakdownAmount"]["currencyAmount"])) for x in inner), NOTHING)
    return {
        "breakdownType": name,
        "breakdownAmount": _money(total, currency),
        "breakdowns": inner,
    }


def _money(amount: Decimal, currency: str) -> Told:
    """A number here, where orders have text."""
    return {"currencyCode": currency, "currencyAmount": float(amount)}
