"""Amounts are shown with the decimals of the order's currency, wherever they stand."""

from __future__ import annotations

from decimal import Decimal

import pytest

from integrations.models import Store
from orders.data import ChargeData, ChargeKind, RefundData, RefundLineData
from tests import factories
from tests.integrations.api.client import Api, import_orders


@pytest.mark.parametrize(
    ("currency", "price", "shown", "nothing"),
    [
        ("EUR", "4.9", "4.90", "0.00"),
        ("JPY", "490.0", "490", "0"),
        ("KWD", "4.9", "4.900", "0.000"),
        ("EUR", "0.475000", "0.475", "0.00"),
    ],
)
def test_charges_and_lines_of_refunds_are_written_in_the_orders_currency(
    api: Api, store: Store, currency: str, price: str, shown: str, nothing: str
) -> None:
    amount = Decimal(price)
    line = RefundLineData(line_external_id="l1", quantity=1, amount=amount)
    data = factories.make_order(
        currency=currency,
        charges=(ChargeData(kind=ChargeKind.SHIPPING, title="Parcel", amount=amount),),
        refunds=(RefundData(external_id="r1", amount=amount, lines=(line,)),),
    )
    (order,) = import_orders(store, [data])

    told = api.get(f"/orders/{order.pk}").json()

    charge = told["charges"][0]
    assert (charge["amount"], charge["tax"]) == (shown, nothing)
    (row,) = told["refunds"][0]["lines"]
    assert (row["amount"], row["tax"]) == (shown, nothing)
