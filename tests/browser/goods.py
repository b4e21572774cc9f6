"""What the shops of the browser tests sell, and who buys it: names from many places, orders in all
states.
"""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime, timedelta
from decimal import Decimal

from orders.data import (
    Address,
    Buyer,
    ChargeData,
    ChargeKind,
    LineData,
    OrderData,
    PaymentData,
    PaymentKind,
    RefundData,
    RefundLineData,
    ShipmentData,
    ShipmentLineData,
)
from orders.status import Flag, FulfillmentStatus, OrderStatus, PaymentStatus, StatusReading
from tests.factories import WORDS

# SKU, title, price, stock at the store
GOODS = (
    ("MUG-BLAU-300", "Kaffeebecher „Elbe“, blau, 300 ml", "14.90", 120),
    ("MUG-ROT-300", "Kaffeebecher „Elbe“, rot, 300 ml", "14.90", 84),
    ("TELLER-27", "Speiseteller 27 cm, Steinzeug", "22.50", 46),
    ("SCHALE-XL", "Salatschale XL", "39.00", 90),
    ("KANNE-12", "Teekanne 1,2 l mit Sieb", "49.90", 3),
    ("ZESTAW-ŁÓDŹ", "Zestaw śniadaniowy “Łódź”", "64.00", 170),
    ("急須-03", "常滑焼 急須 藍色", "82.00", 50),
    ("GUTSCHEIN-50", "Geschenkgutschein 50 €", "50.00", None),
)
BUYERS = (
    ("Zoë Žižek", "Weg 1", "50667", "Köln", "DE"),
    ("Łukasz Wiśniewski", "ul. Piotrkowska 104a", "90-926", "Łódź", "PL"),
    ("山田 花子", "神宮前1-2-3", "150-0001", "東京都", "JP"),
    ("Siobhán Ní Bhriain", "12 Grafton Street", "D02 X285", "Dublin", "IE"),
    ("محمد الفاسي", "45 Rue de la Liberté", "20250", "Casablanca", "MA"),
    ("Anna-Lena von der Heide-Schmidt", "Am alten Güterbahnhof 118 b", "22769", "Hamburg", "DE"),
)
ON_HOLD = StatusReading(
    order=OrderStatus.ON_HOLD,
    payment=PaymentStatus.UNPAID,
    fulfillment=FulfillmentStatus.NOT_READY,
)
STRANGE = StatusReading(
    order=OrderStatus.OPEN,
    payment=PaymentStatus.UNKNOWN,
    fulfillment=FulfillmentStatus.UNFULFILLED,
    known=False,
)
READINGS = {**WORDS, "on-hold": ON_HOLD, "wc-awaiting-glaze": STRANGE}
WEEK = ("processing", "processing", "completed", "on-hold", "processing", "cancelled", "processing")


def an_order(number: int, now: datetime) -> OrderData:
    word = "wc-awaiting-glaze" if number == 13 else WEEK[number % len(WEEK)]
    name, line1, postcode, city, country = BUYERS[number % len(BUYERS)]
    place = Address(name=name, line1=line1, postcode=postcode, city=city, country=country)
    lines = tuple(_line(number, position) for position in range(1 + number % 3))
    goods = sum((line.total + line.tax for line in lines), Decimal(0))
    total = goods + Decimal("5.90")
    placed = now - timedelta(hours=3 * number, minutes=7 * number % 60)
    paid = word in ("processing", "completed")
    return OrderData(
        external_id=str(4000 + number),
        number=str(4000 + number),
        currency="EUR",
        placed_at=placed,
        changed_at=now - timedelta(minutes=number),
        status=READINGS[word],
        raw_status=word,
        total=total,
        tax_total=sum((line.tax for line in lines), Decimal(0)),
        paid_at=placed + timedelta(minutes=2) if paid else None,
        buyer=Buyer(
            name=name,
            email=f"buyer{number}@buyers.example",
            phone="+49 221 1234567",
            note="Bitte beim Nachbarn abgeben 🙏" if number % 5 == 0 else "",
            billing=place,
            shipping=place,
        ),
        lines=lines,
        charges=(
            ChargeData(kind=ChargeKind.SHIPPING, title="DHL Paket", amount=Decimal("5.90")),
            ChargeData(
                kind=ChargeKind.TAX,
                title="MwSt. 19 %",
                amount=Decimal("3.80"),
                informative=True,
            ),
        ),
        payments=(
            PaymentData(
                external_id="paid",
                kind=PaymentKind.CAPTURE,
                amount=total,
                method="PayPal",
                at=placed + timedelta(minutes=2),
            ),
        )
        if paid
        else (),
        flags=frozenset({Flag.INVOICE_NEEDED}) if number % 11 == 0 else frozenset(),
        custom={"gift": "yes"} if number % 6 == 0 else {},
        raw=json.dumps({"id": 4000 + number, "status": word}).encode(),
    )


def _line(number: int, position: int) -> LineData:
    index = (number + position) % len(GOODS)
    sku, title, price, _stock = GOODS[index]
    unknown = number % 17 == 0 and position == 0
    quantity = 1 + (number + position) % 3
    net = Decimal(price) * quantity
    return LineData(
        external_id=f"{number}-{position}",
        sku="NEU-2027" if unknown else sku,
        name="Neuheit 2027" if unknown else title,
        external_product_id="p999" if unknown else f"p{index + 1}",
        external_variant_id="p999" if unknown else f"p{index + 1}",
        quantity=quantity,
        unit_price=Decimal(price),
        subtotal=net,
        total=net,
        tax=(net * Decimal("0.19")).quantize(Decimal("0.01")),
    )


def refunded(order: OrderData, when: datetime) -> OrderData:
    line = order.lines[0]
    return dataclasses.replace(
        order,
        changed_at=when,
        refunds=(
            RefundData(
                external_id="r1",
                amount=(line.total + line.tax) / line.quantity,
                reason="Henkel abgebrochen",
                created_at=when,
                lines=(
                    RefundLineData(
                        line_external_id=line.external_id, quantity=1, amount=line.unit_price
                    ),
                ),
            ),
        ),
    )


def partly_shipped(order: OrderData, when: datetime) -> OrderData:
    line = order.lines[0]
    return dataclasses.replace(
        order,
        changed_at=when,
        shipments=(
            ShipmentData(
                external_id="s1",
                reference="s1",
                carrier="DHL",
                tracking_number="00340434161094021501",
                tracking_url="https://track.example/00340434161094021501",
                shipped_at=when,
                lines=(ShipmentLineData(line_external_id=line.external_id, quantity=1),),
            ),
        ),
    )
