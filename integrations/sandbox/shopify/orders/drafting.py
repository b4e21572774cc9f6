"""One order while it is being written: the usual course of a checkout, step by step, with chance
filling in what its kind leaves open.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from random import Random

from msgspec import structs

from integrations.sandbox.shopify.models import Attribute
from integrations.sandbox.shopify.money import rounded
from integrations.sandbox.shopify.orders import building, paying, people, totals
from integrations.sandbox.shopify.orders.customers import Customer
from integrations.sandbox.shopify.orders.desk import Desk
from integrations.sandbox.shopify.orders.hand import Hand
from integrations.sandbox.shopify.orders.models import Address, Fact, LineItem, Order
from integrations.sandbox.shopify.orders.offers import Offer, custom

App = tuple[int, str]
ONLINE: App = (580111, "Online Store")
TILL: App = (129785, "Point of Sale")
DRAFTS: App = (1354745, "Draft Orders")
BRIDGE: App = (98_765_432_101, "ERP Bridge")

PlaceOf = Callable[[LineItem], int]
_WAYS = (("Standard", "4.95"), ("DHL Paket", "5.90"), ("Express", "12.00"))
_GATEWAYS = ("shopify_payments",) * 6 + ("paypal", "paypal", "klarna", "manual")


def brought_in_at(created_at: int, number: int) -> int:
    """When an order that another app brought in was placed: days before it came."""
    return created_at - (number % 29 + 1) * 86_400


class Draft:
    """``order`` is there from the start and grows."""

    def __init__(
        self,
        desk: Desk,
        hand: Hand,
        chance: Random,
        *,
        order_id: int,
        number: int,
        customer: Customer,
        place_of: PlaceOf | None = None,
    ) -> None:
        self.desk, self.hand, self.chance = desk, hand, chance
        self._place_of = place_of
        options = desk.options
        self.order = Order(
            id=order_id,
            number=number,
            name=f"#{number}",
            created_at=hand.now,
            processed_at=hand.now,
            updated_at=hand.now,
            currency=options.currency,
            presentment_currency=options.currency,
            rate=Decimal(1),
            taxes_included=options.taxes_included,
            app=ONLINE,
            note=chance.choice(people.NOTES),
        )
        self.buy_as(customer)

    def buy_as(self, customer: Customer) -> None:
        """Their addresses, and where prices are net there, their currency."""
        order, options = self.order, self.desk.options
        order.customer_id, order.locale = customer.id, customer.locale
        order.email, order.phone = customer.email, customer.phone
        order.billing = self.copied(customer.address)
        order.shipping = self.copied(customer.address)
        is_net = customer.address.country_code in people.NET_PRICES
        order.taxes_included = options.taxes_included and not is_net
        self.shown_in(options.presentment_currency if is_net else options.currency)

    def copied(self, known: Address) -> Address:
        """With an id of its own, and coordinates where they are known."""
        is_near = known.city == "Köln"
        return structs.replace(
            known,
            id=self.hand.number("MailingAddress"),
            latitude=50.9381 if is_near else None,
            longitude=6.957 if is_near else None,
        )

    def shown_in(self, currency: str) -> None:
        """The currency the buyer pays in."""
        if currency:
            self.order.presentment_currency = currency
            self.order.rate = self.desk.rate(currency)

    # -- the basket ----------------------------------------------------------------------------

    def fill(self, lines: Sequence[tuple[Offer, int]] | None = None) -> list[LineItem]:
        """``lines`` None: what chance picks."""
        made: list[LineItem] = []
        for offer, quantity in self.basket() if lines is None else lines:
            properties = []
            if self.chance.random() < 0.1:
                properties.append(Attribute(*self.chance.choice(people.ATTRIBUTES)))
            made += building.add_line(self.hand, self.order, offer, quantity, properties=properties)
        return made

    def basket(self) -> list[tuple[Offer, int]]:
        chance = self.chance
        if not self.desk.offers:
            return [(custom("Ware", Decimal("19.90")), 1)]
        many = min(chance.choice((1, 1, 1, 2, 2, 3, 5)), len(self.desk.offers))
        chosen = chance.sample(self.desk.offers, many)
        return [(offer, chance.choice((1, 1, 1, 2, 3))) for offer in chosen]

    def bargain(self) -> None:
        """Now and then something is cheaper."""
        chance, order = self.chance, self.order
        dice = chance.random()
        if dice < 0.15:
            building.take_off(order, "code", "HERBST10", percentage=Decimal(10))
        elif dice < 0.22:
            building.take_off(
                order, "automatic", "3 für 2 „Ära“", percentage=Decimal(15), line=order.lines[0]
            )
        elif dice < 0.26:
            amount = rounded(Decimal("5.00"), order.currency)
            building.take_off(order, "manual", "Kulanz", amount=amount)

    # -- the rest of the checkout --------------------------------------------------------------

    def deliver(self) -> None:
        """A way to send it, where something is to be sent."""
        order = self.order
        if not any(line.requires_shipping for line in order.lines):
            return
        title, price = self.chance.choice(_WAYS)
        building.add_shipping(self.hand, order, title, Decimal(price))
        if totals.sold(order).subtotal.shop.amount > 150:
            building.free_shipping(order, "Versand geschenkt")

    def settle(
        self,
        *,
        gateway: str = "",
        kind: str = "SALE",
        delivery: str = "SHIPPING",
        fulfill_at: int | None = None,
    ) -> Order:
        """Tax, the work for the locations, the payment (``kind`` "": none yet)."""
        order, hand = self.order, self.hand
        building.tax(order)
        building.route(
            hand, order, self._place_of or self._any_place, delivery=delivery, fulfill_at=fulfill_at
        )
        order.original_total = totals.sold(order).total
        if kind and order.original_total.shop.amount > 0:
            paying.pay(hand, order, gateway or self.chance.choice(_GATEWAYS), kind=kind)
        if self.chance.random() < 0.1:
            order.tags = sorted(self.chance.sample(people.TAGS, self.chance.choice((1, 2, 3))))
        if self.chance.random() < 0.12:
            key, value = self.chance.choice(people.ATTRIBUTES)
            order.custom_attributes.append(Attribute(key, value))
        self._weigh_risk()
        return order

    def usual(self, lines: Sequence[tuple[Offer, int]] | None = None) -> Order:
        self.fill(lines)
        self.bargain()
        self.deliver()
        return self.settle()

    def _weigh_risk(self) -> None:
        if self.order.risk == "LOW" and self.chance.random() < 0.03:
            self.order.risk = "MEDIUM"
            self.order.risk_facts.append(
                Fact("Billing country differs from where the card was issued", "NEGATIVE")
            )

    def _any_place(self, line: LineItem) -> int:
        """Mostly the first location; now and then a line lies elsewhere."""
        homes = self.desk.homes
        return homes[0] if self.chance.random() < 0.8 else self.chance.choice(homes)
