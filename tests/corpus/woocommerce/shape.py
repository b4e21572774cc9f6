"""Orders as WooCommerce 11.0 answers them: which fields there are and how each is written follows
recorded answers (``tests/corpus/SOURCES.md``); all values are invented. Totals are written with the
store's decimals; parts of a tax with as many as there are, a line's ``price`` as a binary float.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from tests.corpus.exact import decimal, half_up, plain, text
from tests.corpus.woocommerce.till import Rate, Row, Sum

_SHOP = "https://shop.example"
_DAY, _PAID = "2026-11-20T09:00:00", "2026-11-20T09:01:00"


class Writer:
    """``places`` are the decimals the store shows and rounds to."""

    def __init__(self, places: int, rates: list[Rate]) -> None:
        self.places, self.rates = places, rates

    def order(self, number: int, currency: str, told: dict[str, Any], found: Sum) -> dict[str, Any]:
        before = sum((row.subtotal for row in found.lines), Fraction(0))
        after = sum((row.net for row in found.lines), Fraction(0))
        saved = sum((row.tax for row in found.lines), Fraction(0))
        is_paid = told.get("paid", True)
        status = told.get("status", "processing")
        return {
            "id": number,
            "parent_id": 0,
            "status": status,
            "currency": currency,
            "version": "11.0.1",
            "prices_include_tax": told.get("inside", False),
            "date_created": _DAY,
            "date_modified": _PAID,
            "discount_total": self.shown(before - after),
            "discount_tax": self.shown(self._tax_before(found) - saved),
            "shipping_total": self.shown(_sum(row.net for row in found.shipping)),
            "shipping_tax": self.shown(found.shipping_tax),
            "cart_tax": self.shown(found.cart_tax),
            "total": self.shown(found.total),
            "total_tax": self.shown(found.cart_tax + found.shipping_tax),
            "customer_id": 0,
            "order_key": f"wc_order_invented{number}",
            "billing": _place(email=f"buyer{number}@buyers.example"),
            "shipping": _place(),
            "payment_method": told.get("method", "bacs"),
            "payment_method_title": "Bank transfer",
            "transaction_id": "",
            "customer_ip_address": "192.0.2.7",
            "customer_user_agent": "",
            "created_via": "checkout",
            "customer_note": "",
            "date_completed": _PAID if status == "completed" else None,
            "date_paid": _PAID if is_paid else None,
            "cart_hash": "",
            "number": str(number),
            "meta_data": [
                {"id": number * 100 + n, "key": key, "value": value}
                for n, (key, value) in enumerate(told.get("meta", {}).items())
            ],
            "line_items": [
                self._line(number * 1000 + n, n, row) for n, row in enumerate(found.lines)
            ],
            "tax_lines": list(self._tax_lines(number, found)),
            "shipping_lines": [
                self._shipping(number * 1000 + 500 + n, row) for n, row in enumerate(found.shipping)
            ],
            "fee_lines": [
                self._fee(number * 1000 + 600 + n, row) for n, row in enumerate(found.fees)
            ],
            "coupon_lines": [
                self._coupon(number * 1000 + 700 + n, *one) for n, one in enumerate(found.coupons)
            ],
            "refunds": [],
            "payment_url": f"{_SHOP}/checkout/order-pay/{number}/?pay_for_order=true",
            "is_editable": False,
            "needs_payment": not is_paid,
            "needs_processing": True,
            "date_created_gmt": _DAY,
            "date_modified_gmt": _PAID,
            "date_completed_gmt": _PAID if status == "completed" else None,
            "date_paid_gmt": _PAID if is_paid else None,
            "currency_symbol": "¤",
            "_links": {"self": [{"href": f"{_SHOP}/wp-json/wc/v3/orders/{number}"}]},
        }

    def refund(
        self, number: int, order: dict[str, Any], amount: int, lines: list[list[int]], found: Sum
    ) -> dict[str, Any]:
        """``lines`` are places among the order's lines, units, net and tax."""
        return {
            "id": number,
            "date_created": _PAID,
            "date_created_gmt": _PAID,
            "amount": self.shown(amount),
            "reason": "Sent back",
            "refunded_by": 1,
            "refunded_payment": False,
            "meta_data": [],
            "line_items": [
                self._refund_line(number * 1000 + n, order["line_items"][place], units, net, tax)
                for n, (place, units, net, tax) in enumerate(lines)
            ],
            "shipping_lines": [],
            "tax_lines": [],
            "fee_lines": [],
            "_links": {"self": [{"href": f"{_SHOP}/wp-json/wc/v3/orders/{order['id']}/refunds"}]},
        }

    def shown(self, units: Fraction | int) -> str:
        return text(units, self.places)

    def _line(self, number: int, place: int, row: Row) -> dict[str, Any]:
        price = float(decimal(row.net / row.quantity, self.places)) if row.quantity else 0
        return {
            "id": number,
            "name": f"Mug {place + 1}",
            "product_id": 300 + place,
            "variation_id": 0,
            "quantity": row.quantity,
            "tax_class": "",
            "subtotal": self.shown(row.subtotal),
            "subtotal_tax": self.shown(_sum(row.subtotal_taxes.values())),
            "total": self.shown(row.net),
            "total_tax": self.shown(row.tax),
            "taxes": [
                {
                    "id": rate,
                    "total": plain(tax, self.places),
                    "subtotal": plain(row.subtotal_taxes[rate], self.places),
                }
                for rate, tax in row.taxes.items()
            ],
            "meta_data": [],
            "sku": f"MUG-{place + 1}",
            "global_unique_id": "",
            "price": int(price) if price == int(price) else price,
            "image": {"id": "", "src": ""},
            "parent_name": None,
        }

    def _shipping(self, number: int, row: Row) -> dict[str, Any]:
        return {
            "id": number,
            "method_title": "Parcel",
            "method_id": "flat_rate",
            "instance_id": "1",
            "total": self.shown(row.net),
            "total_tax": self.shown(row.tax),
            "taxes": self._beside(row),
            "tax_status": "taxable",
            "meta_data": [],
        }

    def _fee(self, number: int, row: Row) -> dict[str, Any]:
        return {
            "id": number,
            "name": "Gift wrap" if row.net >= 0 else "Loyalty",
            "tax_class": "",
            "tax_status": "taxable" if row.taxes else "none",
            "amount": plain(row.net, self.places),
            "total": self.shown(row.net),
            "total_tax": self.shown(row.tax),
            "taxes": self._beside(row),
            "meta_data": [],
        }

    def _beside(self, row: Row) -> list[dict[str, Any]]:
        return [
            {"id": rate, "total": plain(tax, self.places), "subtotal": ""}
            for rate, tax in row.taxes.items()
        ]

    def _coupon(self, number: int, net: Fraction, tax: Fraction) -> dict[str, Any]:
        return {
            "id": number,
            "code": f"may{number % 10}",
            "discount": plain(net, self.places),
            "discount_tax": plain(tax, self.places),
            "meta_data": [],
            "discount_type": "percent",
            "nominal_amount": 10,
            "free_shipping": False,
        }

    def _tax_lines(self, number: int, found: Sum) -> Iterator[dict[str, Any]]:
        for place, rate in enumerate(self.rates):
            rows = [*found.lines, *found.fees]
            yield {
                "id": number * 1000 + 400 + place,
                "rate_code": f"XX-TAX-{rate.id}",
                "rate_id": rate.id,
                "label": f"Tax {rate.id}",
                "compound": rate.is_compound,
                "tax_total": self.shown(_sum(row.taxes.get(rate.id, 0) for row in rows)),
                "shipping_tax_total": self.shown(
                    _sum(row.taxes.get(rate.id, 0) for row in found.shipping)
                ),
                "rate_percent": float(rate.percent),
                "meta_data": [],
            }

    def _refund_line(
        self, number: int, line: dict[str, Any], units: int, net: int, tax: int
    ) -> dict[str, Any]:
        meta = {"key": "_refunded_item_id", "value": str(line["id"])}
        return {
            **line,
            "id": number,
            "quantity": -units,
            "subtotal": self.shown(-net),
            "subtotal_tax": self.shown(-tax),
            "total": self.shown(-net),
            "total_tax": self.shown(-tax),
            "taxes": [],
            "meta_data": [
                {
                    "id": number,
                    **meta,
                    "display_key": meta["key"],
                    "display_value": meta["value"],
                }
            ],
        }

    def _tax_before(self, found: Sum) -> Fraction:
        return _sum(half_up(_sum(row.subtotal_taxes.values())) for row in found.lines)


def _sum(values: Any) -> Fraction:
    return sum(values, Fraction(0))


def _place(**more: str) -> dict[str, str]:
    return {
        "first_name": "Mira",
        "last_name": "Lindqvist",
        "company": "",
        "address_1": "Storgatan 4",
        "address_2": "",
        "city": "Malmö",
        "state": "",
        "postcode": "211 34",
        "country": "SE",
        **more,
        "phone": "",
    }
