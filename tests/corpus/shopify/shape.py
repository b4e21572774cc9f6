"""Orders as Shopify's Admin API 2026-07 answers the adapter's list of orders. All values are
invented; a test holds every node to the official schema.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from tests.corpus.exact import half_up, places_of, text
from tests.corpus.shopify.till import GivenBack, Line, Sent, Sum

_DAY = "2026-11-20T09:00:00Z"


class Writer:
    """``told["shown"]`` is what the buyer saw, at so many of it for one of the shop's.
    ``told["priced_there"]``: the till counts in that, and each amount is turned into the shop's.
    """

    def __init__(self, currency: str, told: dict[str, Any]) -> None:
        self.currency, self.told = currency, told
        shown = told.get("shown", {})
        self.shown = shown.get("currency", currency)
        self.rate = Fraction(shown.get("rate", "1"))
        self.is_priced_there = told.get("priced_there", False)

    def shop_units(self, units: int) -> int:
        if not self.is_priced_there:
            return units
        shift = places_of(self.currency) - places_of(self.shown)
        return int(half_up(units / self.rate * Fraction(10) ** shift))

    def shown_units(self, units: int) -> int:
        if self.is_priced_there:
            return units
        shift = places_of(self.shown) - places_of(self.currency)
        return int(half_up(units * self.rate * Fraction(10) ** shift))

    def bag(self, units: int) -> dict[str, Any]:
        return {"shopMoney": {"amount": _written(self.shop_units(units), self.currency)}}

    def both(self, units: int) -> dict[str, Any]:
        amount = _written(self.shown_units(units), self.shown)
        return self.bag(units) | {"presentmentMoney": {"amount": amount}}

    def order(self, number: int, found: Sum) -> dict[str, Any]:
        told = self.told
        has_duties = bool(found.duties)
        return {
            "id": f"gid://shopify/Order/{number}",
            "legacyResourceId": str(number),
            "name": f"#{number}",
            "createdAt": _DAY,
            "updatedAt": "2026-11-20T09:05:00Z",
            "processedAt": _DAY,
            "cancelledAt": _DAY if told.get("cancelled") else None,
            "cancelReason": "CUSTOMER" if told.get("cancelled") else None,
            "closedAt": None,
            "currencyCode": self.currency,
            "presentmentCurrencyCode": self.shown,
            "taxesIncluded": told.get("inside", False),
            "dutiesIncluded": told.get("duties_included", False),
            "edited": any("removed" in line.told for line in found.lines),
            "test": False,
            "sourceName": "web",
            "displayFinancialStatus": told.get("financial", "PAID"),
            "displayFulfillmentStatus": "UNFULFILLED",
            "returnStatus": "NO_RETURN",
            "email": f"buyer{number}@buyers.example",
            "phone": None,
            "note": None,
            "tags": [],
            "poNumber": None,
            "discountCodes": ["MAY"] if found.discount else [],
            "customAttributes": [],
            "customer": None,
            "purchasingEntity": None,
            "metafields": {"nodes": []},
            "totalPriceSet": self.both(found.total),
            "currentTotalPriceSet": self.bag(found.current),
            "currentShippingPriceSet": self.bag(found.current_shipping),
            "totalTaxSet": self.bag(found.tax),
            "totalDiscountsSet": self.bag(found.discount),
            "totalTipReceivedSet": self.bag(found.tip),
            "originalTotalDutiesSet": self.bag(found.duties) if has_duties else None,
            "currentTotalDutiesSet": self.bag(found.current_duties) if has_duties else None,
            "additionalFees": [self._fee(n, fee) for n, fee in enumerate(found.fees, 1)],
            "taxLines": self._rates(found),
            "billingAddress": None,
            "shippingAddress": _ADDRESS,
            "risk": {"recommendation": "ACCEPT"},
            "disputes": [],
            "parcels": None,
            "transactions": [
                self._transaction(number, n, one) for n, one in enumerate(self.payments(found))
            ],
            "lineItems": _page(
                [self._line(number, n, line) for n, line in enumerate(found.lines)]
                + self._tip_line(number, found)
            ),
            "shippingLines": _page(
                [self._shipping(number, n, one) for n, one in enumerate(found.shipping)]
            ),
            "fulfillmentOrders": _page([]),
            "fulfillments": [],
            "refunds": [self._refund(number, n, one) for n, one in enumerate(found.refunds)],
            "returns": _page([]),
        }

    def payments(self, found: Sum) -> list[dict[str, Any]]:
        """``amount`` "all" is the order's total, "rest" what others of the payments leave of it."""
        told = self.told.get("payments", [{"amount": "all"}] if found.total else [])
        taken = sum(x["amount"] for x in told if isinstance(x["amount"], int))
        sums = {"all": found.total, "rest": found.total - taken}
        return [x | {"amount": sums.get(x["amount"], x["amount"])} for x in told]

    def _transaction(self, number: int, place: int, one: dict[str, Any]) -> dict[str, Any]:
        parent = one.get("parent")
        rounding = one.get("rounding")
        return {
            "id": _transaction_id(number, place),
            "kind": one.get("kind", "SALE"),
            "status": one.get("status", "SUCCESS"),
            "formattedGateway": one.get("by", "Shopify Payments"),
            "processedAt": _DAY,
            "paymentId": f"#{number}.{place + 1}",
            "parentTransaction": None
            if parent is None
            else {"id": _transaction_id(number, parent)},
            "amountSet": self.bag(one["amount"]),
            "amountRoundingSet": self.bag(rounding) if rounding else None,
        }

    def _line(self, number: int, place: int, line: Line) -> dict[str, Any]:
        return {
            "id": f"gid://shopify/LineItem/{number}{place:03d}",
            "name": f"Mug {place + 1}",
            "sku": f"MUG-{place + 1}",
            "quantity": line.ordered,
            "currentQuantity": line.current,
            "requiresShipping": not line.told.get("gift_card", False),
            "isGiftCard": line.told.get("gift_card", False),
            "customAttributes": [],
            "variant": {"legacyResourceId": str(900 + place)},
            "product": {"legacyResourceId": str(800 + place)},
            "lineItemGroup": None,
            "originalUnitPriceSet": self.bag(line.price),
            "discountAllocations": [
                {"allocatedAmountSet": self.bag(part)} for part in line.discounts
            ],
            "taxLines": self._taxes(line.taxes),
        }

    def _tip_line(self, number: int, found: Sum) -> list[dict[str, Any]]:
        if not self.told.get("tip_is_a_line"):
            return []
        row = self._line(number, 990, Line(found.tip, 1, {}))
        none = {"variant": None, "product": None, "sku": None, "requiresShipping": False}
        return [row | none | {"name": "Tip"}]

    def _shipping(self, number: int, place: int, one: Sent) -> dict[str, Any]:
        return {
            "id": f"gid://shopify/ShippingLine/{number}{place:03d}",
            "code": "STANDARD",
            "title": "Standard",
            "discountedPriceSet": self.bag(one.price),
            "taxLines": self._taxes(one.taxes),
        }

    def _fee(self, number: int, fee: Sent) -> dict[str, Any]:
        return {
            "id": f"gid://shopify/AdditionalFee/{number}",
            "name": "Recycling fee",
            "price": self.bag(fee.price),
            "taxLines": self._taxes(fee.taxes),
        }

    def _taxes(self, taxes: list[int]) -> list[dict[str, Any]]:
        return [{"priceSet": self.bag(tax)} for tax in taxes]

    def _rates(self, found: Sum) -> list[dict[str, Any]]:
        rows: list[Any] = [*found.lines, *found.shipping, *found.fees]
        return [
            {
                "title": f"Tax {n + 1}",
                "priceSet": self.bag(sum(row.taxes[n] for row in rows if row.taxes)),
            }
            for n, _ in enumerate(self.told.get("rates", ()))
        ]

    def _refund(self, number: int, place: int, one: GivenBack) -> dict[str, Any]:
        return {
            "id": f"gid://shopify/Refund/{number}{place:03d}",
            "legacyResourceId": f"{number}{place:03d}",
            "createdAt": "2026-11-20T09:04:00Z",
            "note": "Sent back",
            "totalRefundedSet": self.bag(one.amount),
            "refundLineItems": _page(
                [
                    {
                        "quantity": units,
                        "restockType": "NO_RESTOCK",
                        "lineItem": {"id": f"gid://shopify/LineItem/{number}{line:03d}"},
                        "subtotalSet": self.bag(net),
                        "totalTaxSet": self.bag(tax),
                    }
                    for line, units, net, tax in one.lines
                ]
            ),
        }


def _written(units: int, currency: str) -> str:
    """As Shopify writes amounts: no more decimals than there are, and one at least."""
    whole, _, rest = text(units, places_of(currency)).partition(".")
    return f"{whole}.{rest.rstrip('0') or '0'}"


def _transaction_id(number: int, place: int) -> str:
    return f"gid://shopify/OrderTransaction/{number}{place:03d}"


def _page(nodes: list[Any]) -> dict[str, Any]:
    return {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": nodes}


_ADDRESS = {
    "name": "Mira Lindqvist",
    "company": None,
    "address1": "Storgatan 4",
    "address2": None,
    "city": "Malmö",
    "province": None,
    "provinceCode": None,
    "zip": "211 34",
    "countryCodeV2": "SE",
    "phone": None,
}
