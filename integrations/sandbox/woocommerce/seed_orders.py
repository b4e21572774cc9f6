"""Thousands of varied orders out of a seed, each made only when somebody looks at it.

Columns (when, status, customer) are made at once and are what lists filter by; the order itself is
a pure function of the seed and its number. So 100,000 orders cost four numbers each until they are
read.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from integrations.sandbox.dice import dice, numbered_dice
from integrations.sandbox.woocommerce import people
from integrations.sandbox.woocommerce.models import (
    CouponLine,
    FeeLine,
    Line,
    Meta,
    Note,
    Order,
    Product,
    Refund,
    ShippingLine,
)
from integrations.sandbox.woocommerce.money import MICRO, rounded
from integrations.sandbox.woocommerce.totals import (
    net_of,
    rates_for,
    rates_in_use,
    retax,
    tax_lines,
    totals,
)

DAY = 86_400
IDS_EACH, ITEMS_EACH, METAS_EACH, NOTES_EACH = 3, 24, 48, 4
FIRST_ITEM, FIRST_META, FIRST_NOTE = 5_000, 50_000, 1_000

_STATUSES = (
    ("completed", 52),
    ("processing", 22),
    ("on-hold", 5),
    ("pending", 4),
    ("cancelled", 6),
    ("refunded", 4),
    ("failed", 3),
)
PAID = frozenset({"completed", "processing", "refunded"})
STOCK_TAKEN = frozenset({"completed", "processing", "on-hold", "refunded"})
_NOWHERE = dict.fromkeys(
    ("first_name", "last_name", "company", "address_1", "address_2", "city", "state", "postcode",
     "country", "email", "phone"), ""
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How the seed is laid out; equal plans give equal orders. Moments are epoch seconds."""

    seed: int
    count: int
    first_id: int
    now: int
    currency: str
    decimals: int
    prices_include_tax: bool
    version: str
    history_days: int = 90
    same_second: int = 0
    custom_statuses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Offer:
    product_id: int
    variation_id: int
    name: str
    price: int
    tax_class: str
    is_counted: bool
    size: str


class SeedOrders:
    def __init__(self, plan: Plan, products: Mapping[int, Product]) -> None:
        self.plan = plan
        self.offers = [offer for p in products.values() if (offer := _offer(p, products))]
        self._lay_columns()

    def __len__(self) -> int:
        return self.plan.count

    @property
    def next_post_id(self) -> int:
        return self.plan.first_id + IDS_EACH * self.plan.count

    def id_of(self, number: int) -> int:
        return self.plan.first_id + IDS_EACH * number

    def number_of(self, order_id: int) -> int | None:
        number, rest = divmod(order_id - self.plan.first_id, IDS_EACH)
        return number if rest == 0 and 0 <= number < self.plan.count else None

    def _lay_columns(self) -> None:
        plan = self.plan
        chance = dice(plan.seed, "columns")
        words = [word for word, _ in _STATUSES]
        weights = [weight for _, weight in _STATUSES]
        custom = plan.custom_statuses
        if custom:
            words, weights = [*words, *custom], [*weights, *([1] * len(custom))]
        self.statuses = chance.choices(words, weights, k=plan.count)
        span = plan.history_days * DAY
        step = span / max(1, plan.count)
        created = array("q", (plan.now - span + int(k * step) for k in range(plan.count)))
        for k in range(0, plan.count - 5, 50):
            for twin in range(k + 1, k + 5):
                created[twin] = created[k]
        for k in range(1, plan.count):
            created[k] = max(created[k], created[k - 1])
        last = plan.now - 1
        modified = array(
            "q", (min(last, at + int(chance.expovariate(1 / (DAY / 2)))) for at in created)
        )
        block = min(plan.same_second, plan.count)
        for k in range((plan.count - block) // 2, (plan.count - block) // 2 + block):
            modified[k] = last - DAY // 4
        self.created, self.modified = created, modified
        guests = chance.choices((True, False), (6, 4), k=plan.count)
        regulars = max(1, plan.count // 6)
        self.customers = array("q", (0 if g else 2 + chance.randrange(regulars) for g in guests))

    def make(self, number: int, products: Mapping[int, Product]) -> Order:
        """The order of this number, new each time."""
        plan = self.plan
        chance = numbered_dice(plan.seed, number)
        status = self.statuses[number]
        created, modified = self.created[number], self.modified[number]
        order_id = self.id_of(number)
        order = Order(
            id=order_id,
            status=status,
            currency=plan.currency,
            created=created,
            modified=modified,
            number=str(order_id),
            prices_include_tax=plan.prices_include_tax,
            customer_id=self.customers[number],
            order_key=f"wc_order_{chance.getrandbits(64):013x}"[:22],
            ip=f"203.0.113.{chance.randrange(1, 255)}",
            version=plan.version,
            customer_note=people.CUSTOMER_NOTES[chance.randrange(len(people.CUSTOMER_NOTES))],
        )
        method, title, _ = people.GATEWAYS[min(chance.randrange(9), 5)]
        order.payment_method, order.payment_title = method, title
        if status in PAID or status in plan.custom_statuses:
            order.paid = created + chance.randrange(30, 600)
            order.transaction_id = f"txn_{chance.getrandbits(48):012x}" if method in (
                "stripe", "paypal") else ""  # fmt: skip
        if status == "completed":
            order.completed = max(order.paid or created, modified)
        self._address(order, chance, number)
        ids = _Ids(number)
        self._fill(order, chance, number, ids)
        self._finish(order, chance, ids, products)
        return order

    def _address(self, order: Order, chance: Random, number: int) -> None:
        if number % 41 == 40:
            order.billing = dict(_NOWHERE)
            order.shipping = {k: "" for k in _NOWHERE if k != "email"}
            order.created_via = "admin"
            return
        place = chance.choices(people.PLACES, [row[5] for row in people.PLACES])[0]
        country, state, city, postcode, prefix, _ = place
        who = order.customer_id or number + 100_000
        order.billing = {
            "first_name": people.FIRST_NAMES[who % len(people.FIRST_NAMES)],
            "last_name": people.LAST_NAMES[(who // 7) % len(people.LAST_NAMES)],
            "company": "Müller & Söhne GmbH" if who % 9 == 0 else "",
            "address_1": f"{people.STREETS[who % len(people.STREETS)]} {who % 300 + 1}",
            "address_2": "2. OG links" if who % 5 == 0 else "",
            "city": city,
            "state": state,
            "postcode": postcode,
            "country": country,
            "email": f"gast{who}@gaeste.example",
            "phone": f"{prefix} {who % 1_000_000:06d}",
        }
        order.shipping = {k: v for k, v in order.billing.items() if k != "email"} | {"phone": ""}

    def _fill(self, order: Order, chance: Random, number: int, ids: _Ids) -> None:
        plan = self.plan
        country = order.shipping["country"] or "DE"
        state = order.shipping["state"]
        percent_off = 10 if number % 13 == 5 else 0
        for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 4, 6))):
            offer = self.offers[chance.randrange(len(self.offers))] if self.offers else None
            if offer is None:
                break
            quantity = chance.choice((1, 1, 1, 2, 2, 3, 5, 12))
            gross = offer.price * quantity
            rates = rates_for(country, state, offer.tax_class)
            net = net_of(gross, rates) if plan.prices_include_tax else gross
            total = net * (100 - percent_off) // 100
            if not plan.prices_include_tax:
                total = rounded(total, plan.decimals)
            line = Line(
                id=ids.item(),
                name=offer.name,
                product_id=offer.product_id,
                variation_id=offer.variation_id,
                quantity=quantity,
                subtotal=net,
                total=total,
                tax_class=offer.tax_class,
            )
            fate = chance.random()
            if fate < 0.015:
                line.product_id = line.variation_id = 0
                line.name += " (discontinued)"
            elif fate < 0.025:
                line.product_id = line.variation_id = 0
                line.sku = f"UNKNOWN-{line.id}"
            elif offer.size:
                line.meta.append(Meta(ids.meta(), "grose", offer.size, "Größe"))
            if line.product_id and offer.is_counted and (
                order.status in STOCK_TAKEN or order.status in plan.custom_statuses
            ):  # fmt: skip
                line.meta.append(Meta(ids.meta(), "_reduced_stock", str(quantity)))
                order.is_stock_reduced = True
            order.lines.append(line)
        unit = MICRO if plan.decimals == 0 else MICRO // 100
        if number % 6 != 1:
            free = number % 8 == 3
            order.shipping_lines.append(
                ShippingLine(
                    ids.item(),
                    "Kostenloser Versand" if free else "Pauschale",
                    "free_shipping" if free else "flat_rate",
                    "2" if free else "1",
                    0 if free else 495 * unit,
                )
            )
        if number % 16 == 7:
            order.fee_lines.append(FeeLine(ids.item(), "Geschenkverpackung", 250 * unit))
        if number % 96 == 23:
            order.fee_lines.append(FeeLine(ids.item(), "Skonto", -100 * unit, tax_status="none"))
        retax(order, plan.decimals)
        if percent_off:
            sums = totals(order, plan.decimals)
            order.coupon_lines.append(
                CouponLine(ids.item(), "herbst10", sums.discount, sums.discount_tax)
            )
        order.tax_lines = tax_lines(order, {rate: ids.item() for rate in rates_in_use(order)})

    def _finish(
        self, order: Order, chance: Random, ids: _Ids, products: Mapping[int, Product]
    ) -> None:
        sums = totals(order, self.plan.decimals)
        for key, value in chance.sample(people.META_SAMPLES, chance.choice((0, 1, 1, 2, 4))):
            order.meta.append(Meta(ids.meta(), key, value))
        if order.status == "completed" and chance.random() < 0.5:
            order.meta.append(Meta(ids.meta(), "_tracking_carrier", "DHL"))
            order.meta.append(Meta(ids.meta(), "_tracking_number", f"003404341610{order.id:08d}"))
        if order.is_stock_reduced:
            order.notes.append(
                Note(ids.note(), order.created + 1, "WooCommerce", "Stock levels reduced: seed")
            )
        if order.status == "refunded":
            order.refunds.append(self._refund(order, sums.total, "Storno", ids, whole=True))
        elif order.status == "completed" and chance.random() < 0.06 and order.lines:
            line = order.lines[0]
            amount = rounded(line.total // line.quantity, self.plan.decimals)
            if 0 < amount < sums.total:
                order.refunds.append(
                    self._refund(order, amount, "Teilrückgabe – beschädigt", ids, whole=False)
                )

    def _refund(self, order: Order, amount: int, reason: str, ids: _Ids, *, whole: bool) -> Refund:
        refund = Refund(
            id=order.id + 1,
            created=min(self.plan.now - 1, order.modified),
            amount=amount,
            reason=reason,
            meta=[Meta(ids.meta(), "_refund_type", "full" if whole else "partial")],
        )
        if whole:
            return refund
        line = order.lines[0]
        refund.lines.append(
            Line(
                id=ids.item(),
                name=line.name,
                product_id=line.product_id,
                variation_id=line.variation_id,
                quantity=-1,
                subtotal=-amount,
                total=-amount,
                tax_class=line.tax_class,
                meta=[Meta(ids.meta(), "_refunded_item_id", str(line.id))],
                sku=line.sku,
            )
        )
        return refund


class _Ids:
    """Item, meta and note ids of one order: always the same, never another order's."""

    def __init__(self, number: int) -> None:
        self._item = FIRST_ITEM + number * ITEMS_EACH
        self._meta = FIRST_META + number * METAS_EACH
        self._note = FIRST_NOTE + number * NOTES_EACH

    def item(self) -> int:
        self._item += 1
        return self._item

    def meta(self) -> int:
        self._meta += 1
        return self._meta

    def note(self) -> int:
        self._note += 1
        return self._note


def _offer(product: Product, products: Mapping[int, Product]) -> _Offer | None:
    price = product.price
    if price is None or product.kind in ("grouped", "variable"):
        return None
    attributes: list[dict[str, Any]] = product.attributes
    counted = product.manages_stock is True or (
        product.manages_stock == "parent" and products[product.parent_id].manages_stock is True
    )
    if product.parent_id:
        return _Offer(
            product.parent_id,
            product.id,
            product.name,
            price,
            product.tax_class,
            counted,
            str(attributes[0]["option"]),
        )
    return _Offer(product.id, 0, product.name, price, product.tax_class, counted, "")
