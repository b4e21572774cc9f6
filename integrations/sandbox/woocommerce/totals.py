"""What an order costs, as WooCommerce adds it up: tax per line, rounded per line, then summed."""

from __future__ import annotations

from dataclasses import dataclass

from integrations.sandbox.woocommerce.models import FeeLine, Line, Order, ShippingLine, Tax, TaxLine
from integrations.sandbox.woocommerce.money import MICRO, rounded


@dataclass(frozen=True, slots=True)
class Rate:
    id: int
    code: str
    label: str
    percent: float
    country: str
    state: str = ""
    tax_class: str = ""
    is_compound: bool = False
    on_shipping: bool = True


RATES = (
    Rate(1, "DE-MWST.-1", "MwSt.", 19, "DE"),
    Rate(2, "DE-MWST. ERM.-1", "MwSt. erm.", 7, "DE", tax_class="reduced-rate", on_shipping=False),
    Rate(3, "FR-TVA-1", "TVA", 20, "FR"),
    Rate(4, "FR-TVA RÉDUITE-1", "TVA réduite", 5.5, "FR", tax_class="reduced-rate"),
    Rate(5, "US-CA-STATE TAX-1", "State Tax", 7.25, "US", "CA"),
    Rate(6, "US-CA-COUNTY-2", "County", 1, "US", "CA", on_shipping=False),
    Rate(7, "JP-消費税-1", "消費税", 10, "JP"),
    Rate(8, "AT-UST.-1", "USt.", 20, "AT"),
)
RATE_BY_ID = {rate.id: rate for rate in RATES}


def rates_for(country: str, state: str, tax_class: str) -> tuple[Rate, ...]:
    """Rates of a place; a class without rates there falls to none, as in the store's tax table."""
    return tuple(
        rate
        for rate in RATES
        if rate.country == country and rate.state in ("", state) and rate.tax_class == tax_class
    )


def taxes_on(total: int, subtotal: int | None, rates: tuple[Rate, ...], decimals: int) -> list[Tax]:
    """Tax rows for a net amount, each rounded to the store's decimals."""
    return [
        Tax(
            rate.id,
            _share(total, rate.percent, decimals),
            None if subtotal is None else _share(subtotal, rate.percent, decimals),
        )
        for rate in rates
    ]


def net_of(price: int, rates: tuple[Rate, ...]) -> int:
    """The net part of a price that includes these taxes, kept to six places."""
    percent = sum(rate.percent for rate in rates)
    return round(price * 100 / (100 + percent))


def _share(amount: int, percent: float, decimals: int) -> int:
    return rounded(amount * round(percent * 10_000) // 1_000_000, decimals)


Row = Line | ShippingLine | FeeLine


def tax_of(row: Row) -> int:
    return sum(tax.total for tax in row.taxes)


def subtotal_tax_of(line: Line) -> int:
    return sum(tax.subtotal or 0 for tax in line.taxes)


@dataclass(frozen=True, slots=True)
class Totals:
    discount: int
    discount_tax: int
    shipping: int
    shipping_tax: int
    cart_tax: int
    total_tax: int
    total: int


def totals(order: Order, decimals: int) -> Totals:
    lines = sum(rounded(line.total, decimals) for line in order.lines)
    fees = sum(rounded(fee.total, decimals) for fee in order.fee_lines)
    shipping = sum(rounded(row.total, decimals) for row in order.shipping_lines)
    shipping_tax = sum(tax_of(row) for row in order.shipping_lines)
    taxed: tuple[Row, ...] = (*order.lines, *order.fee_lines)
    cart_tax = sum(tax_of(row) for row in taxed)
    before = sum(rounded(line.subtotal, decimals) for line in order.lines)
    return Totals(
        discount=before - lines,
        discount_tax=sum(subtotal_tax_of(line) - tax_of(line) for line in order.lines),
        shipping=shipping,
        shipping_tax=shipping_tax,
        cart_tax=cart_tax,
        total_tax=cart_tax + shipping_tax,
        total=lines + fees + shipping + cart_tax + shipping_tax,
    )


def refunded(order: Order) -> int:
    return sum(refund.amount for refund in order.refunds)


def retax(order: Order, decimals: int) -> None:
    """Compute every line's taxes anew from its net amounts and the order's address."""
    place = order.shipping if order.shipping.get("country") else order.billing
    country, state = place.get("country", "") or "DE", place.get("state", "")
    for line in order.lines:
        rates = rates_for(country, state, line.tax_class)
        line.taxes = taxes_on(line.total, line.subtotal, rates, decimals)
    for fee in order.fee_lines:
        rates = rates_for(country, state, fee.tax_class) if fee.tax_status == "taxable" else ()
        fee.taxes = taxes_on(fee.total, None, rates, decimals)
    shipped = tuple(rate for rate in rates_for(country, state, "") if rate.on_shipping)
    for row in order.shipping_lines:
        row.taxes = taxes_on(row.total, None, shipped, decimals)


def tax_lines(order: Order, ids: dict[int, int]) -> list[TaxLine]:
    """One row per rate in use; ``ids`` gives the item id of each rate."""
    cart: dict[int, int] = {}
    shipping: dict[int, int] = {}
    taxed: tuple[Row, ...] = (*order.lines, *order.fee_lines)
    for row in taxed:
        for tax in row.taxes:
            cart[tax.rate_id] = cart.get(tax.rate_id, 0) + tax.total
    for shipped in order.shipping_lines:
        for tax in shipped.taxes:
            shipping[tax.rate_id] = shipping.get(tax.rate_id, 0) + tax.total
    return [
        TaxLine(ids[rate], rate, cart.get(rate, 0), shipping.get(rate, 0))
        for rate in sorted(cart.keys() | shipping.keys())
    ]


def rates_in_use(order: Order) -> list[int]:
    rows: tuple[Row, ...] = (*order.lines, *order.fee_lines, *order.shipping_lines)
    return sorted({tax.rate_id for row in rows for tax in row.taxes})


def price_of(line: Line) -> float:
    """Unit price as the answers print it: a binary float, 62.70 / 3 → 20.900000000000002."""
    return (line.total / MICRO) / line.quantity if line.quantity else 0
