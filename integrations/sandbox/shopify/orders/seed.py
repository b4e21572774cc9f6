"""Thousands of varied orders out of a seed, each written only when somebody looks at it.

Columns (when, which kind, which fate, whose) are drawn at once and are what lists sort by; the
order itself is a pure function of the seed and its number.
"""

from __future__ import annotations

from array import array

from integrations.sandbox.dice import dice, numbered_dice
from integrations.sandbox.shopify.orders import people
from integrations.sandbox.shopify.orders.customers import Customer, customer_id, make_customer
from integrations.sandbox.shopify.orders.desk import Desk
from integrations.sandbox.shopify.orders.drafting import Draft
from integrations.sandbox.shopify.orders.fates import FATES, Told, live
from integrations.sandbox.shopify.orders.hand import SeedHand
from integrations.sandbox.shopify.orders.kinds import KINDS, PREORDER_S
from integrations.sandbox.shopify.orders.models import Order

DAY = 86_400
FIRST_ORDER, ORDERS_APART = 6_100_000_000_000, 32
FIRST_PART, PARTS_EACH = 15_200_000_000_000, 1_024
FIRST_NUMBER = 1001
PARTS = (
    "LineItem", "LineItemGroup", "ShippingLine", "Duty", "OrderTransaction", "MailingAddress",
    "Refund", "RefundLineItem", "RefundShippingLine", "OrderAdjustment", "Return",
    "ReturnLineItem", "FulfillmentOrder", "FulfillmentOrderLineItem", "FulfillmentHold",
    "Fulfillment", "FulfillmentLineItem", "OrderEdit", "Metafield",
)  # fmt: skip
"""What orders number; the seed's ids of all of these stand in one range."""


class SeedOrders:
    """``count`` orders up to ``now`` (epoch seconds)."""

    def __init__(
        self, *, seed: int, count: int, now: int, history_days: int, same_second: int
    ) -> None:
        self.seed, self.count, self.now = seed, count, now
        chance = dice(seed, "shopify", "orders")
        self._lay_moments(history_days, same_second)
        self.kinds = chance.choices(list(KINDS), [kind.share for kind in KINDS.values()], k=count)
        self.fates = chance.choices(list(FATES), [share for _, share in FATES.values()], k=count)
        self.people = max(8, count // 3)
        self.customers = array("q", (chance.randrange(self.people) for _ in range(count)))
        for place, kind in enumerate(self.kinds):
            if kind == "b2b":  # the first people are those who buy for the companies
                self.customers[place] = chance.randrange(len(people.COMPANIES))
        self.orders_of: dict[int, list[int]] = {}
        for number, person in enumerate(self.customers):
            self.orders_of.setdefault(person, []).append(number)

    def __len__(self) -> int:
        return self.count

    # -- numbers -------------------------------------------------------------------------------

    def id_of(self, number: int) -> int:
        return FIRST_ORDER + ORDERS_APART * number

    def number_of(self, order_id: int) -> int | None:
        number, rest = divmod(order_id - FIRST_ORDER, ORDERS_APART)
        return number if rest == 0 and 0 <= number < self.count else None

    def owner_of(self, part_id: int) -> int | None:
        """The id of the order a part may belong to."""
        number = (part_id - FIRST_PART) // PARTS_EACH
        return self.id_of(number) if 0 <= number < self.count else None

    @property
    def last_order_id(self) -> int:
        return FIRST_ORDER + ORDERS_APART * self.count

    @property
    def last_part_id(self) -> int:
        return FIRST_PART + PARTS_EACH * self.count

    # -- making --------------------------------------------------------------------------------

    def make(self, number: int, desk: Desk) -> Order:
        """The order of this number, new each time."""
        chance = numbered_dice(self.seed, number)
        hand = SeedHand(FIRST_PART + PARTS_EACH * number, self.created[number])
        draft = Draft(
            desk,
            hand,
            chance,
            order_id=self.id_of(number),
            number=FIRST_NUMBER + number,
            customer=desk.customer(customer_id(self.customers[number])),
        )
        order = KINDS[self.kinds[number]].write(draft)
        told = Told(hand, chance, order, desk.homes)
        live(told, self.fates[number], self.updated[number], self.now)
        return order

    def waiting(self) -> list[tuple[int, int]]:
        """(order id, moment) of work that is for a later day."""
        return [
            (self.id_of(number), self.created[number] + PREORDER_S)
            for number, kind in enumerate(self.kinds)
            if kind == "preorder" and self.created[number] + PREORDER_S > self.now
        ]

    def customer(self, number: int) -> Customer | None:
        if not 0 <= number < self.people:
            return None
        bought = self.orders_of.get(number, ())
        born = self.created[bought[0]] if bought else self.now - 300 * DAY
        last = self.created[bought[-1]] if bought else born
        return make_customer(self.seed, number, born - 60, last)

    def _lay_moments(self, history_days: int, same_second: int) -> None:
        """Placed evenly over the past, each fiftieth with four more in its second; changed a while
        later, ``same_second`` of them in one and the same.
        """
        chance = dice(self.seed, "shopify", "moments")
        count, last = self.count, self.now - 1
        span = history_days * DAY
        step = span / max(1, count)
        created = array("q", (self.now - span + int(place * step) for place in range(count)))
        for place in range(0, count - 5, 50):
            for twin in range(place + 1, place + 5):
                created[twin] = created[place]
        for place in range(1, count):
            created[place] = max(created[place], created[place - 1])
        updated = array(
            "q", (min(last, at + int(chance.expovariate(1 / (2 * DAY)))) for at in created)
        )
        block = min(same_second, count)
        first = (count - block) // 2
        if block:
            moment = max(created[first + block - 1], last - DAY // 4)
            for place in range(first, first + block):
                updated[place] = moment
        self.created, self.updated = created, updated
