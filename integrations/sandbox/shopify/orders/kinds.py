"""The kinds of order there are, plain ones and troublesome ones; the seed and the control page
write from the same list.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from integrations.sandbox.shopify.models import Attribute, Metafield
from integrations.sandbox.shopify.orders import building, parcels, paying, people, totals
from integrations.sandbox.shopify.orders.drafting import BRIDGE, DRAFTS, TILL, Draft, brought_in_at
from integrations.sandbox.shopify.orders.models import Address, Fact, Order
from integrations.sandbox.shopify.orders.offers import custom

MANY_LINES = 300
PREORDER_S = 21 * 86_400


@dataclass(frozen=True, slots=True)
class Kind:
    """``share`` is how many of a thousand seeded orders are of it."""

    about: str
    write: Callable[[Draft], Order]
    share: int


def _plain(draft: Draft) -> Order:
    return draft.usual()


def _unicode(draft: Draft) -> Order:
    """Names in every script, right to left, combining, beyond the basic plane."""
    order = draft.order
    chance = draft.chance
    for address in (order.billing, order.shipping):
        if address is not None:
            address.first_name = chance.choice(("שָׁלוֹם 🧑‍🚀", "Zoe\u0308", "محمد", "さくら", "𝒜𝓃𝓃𝒶"))
            address.last_name = chance.choice(("O’Brien-Łęcki", "Nguyễn Thị", "الأحمد", "ﬁne"))
            address.address1 = "улица «Мира», д. 7 — кв. 12 \u202e"
    order.note = "Ünïcödé 🚚\u200f‏עברית\n\t<b>fett</b>"
    return draft.usual()


def _bundle(draft: Draft) -> Order:
    bundles = [offer for offer in draft.desk.offers if offer.parts]
    return draft.usual([(bundles[0], 2)] if bundles else None)


def _deleted_product(draft: Draft) -> Order:
    gone = draft.chance.choice(draft.desk.deleted)
    return draft.usual([(gone, 1), *draft.basket()[:1]])


def _typed_in(draft: Draft) -> Order:
    """A draft order with a line that is no product."""
    order = draft.order
    order.app, order.source_name = DRAFTS, "shopify_draft_order"
    draft.fill([(custom("Sonderanfertigung nach Maß", Decimal("149.00")), 1)])
    draft.fill(draft.basket()[:1])
    draft.deliver()
    return draft.settle(gateway="manual")


def _no_address(draft: Draft) -> Order:
    """Written in the admin by somebody in a hurry: nobody is known."""
    order = draft.order
    order.app, order.source_name = DRAFTS, "shopify_draft_order"
    order.customer_id, order.billing, order.shipping = None, None, None
    order.email = order.phone = ""
    draft.fill()
    return draft.settle(gateway="manual")


def _custom_app(draft: Draft) -> Order:
    """Brought in by another app, under its own number, from an earlier day."""
    order = draft.order
    order.app, order.source_name = BRIDGE, str(BRIDGE[0])
    order.source_identifier = f"ERP-{order.number:07d}"
    order.name = f"ERP{order.number}-A"
    order.processed_at = brought_in_at(order.created_at, order.number)
    order.custom_attributes.append(Attribute("erp_id", order.source_identifier))
    order.metafields.append(
        Metafield(
            id=draft.hand.number("Metafield"),
            owner="ORDER",
            namespace="erp",
            key="document",
            type="json",
            value='{"no": "AB-1", "weight": null}',
            created_at=draft.hand.now,
            updated_at=draft.hand.now,
        )
    )
    return draft.usual()


def _foreign(draft: Draft) -> Order:
    """Sent abroad, paid in another currency, duties on every line."""
    place = draft.chance.choice([one for one in people.PLACES if one.is_abroad])
    for address in (draft.order.billing, draft.order.shipping):
        if address is not None:
            address.country, address.country_code = place.country, place.country_code
            address.province, address.province_code = place.province, place.province_code
            address.city, address.zip = place.city, place.zip
            address.latitude = address.longitude = None
    draft.order.taxes_included = draft.desk.options.taxes_included
    draft.shown_in(draft.desk.options.presentment_currency)
    draft.fill()
    building.add_duties(draft.hand, draft.order, draft.desk.by_variant)
    draft.deliver()
    return draft.settle(gateway="shopify_payments")


def _zero_decimal(draft: Draft) -> Order:
    """Paid in yen, which have no decimals."""
    draft.shown_in("JPY")
    return draft.usual()


def _tip(draft: Draft) -> Order:
    draft.fill()
    building.add_tip(draft.hand, draft.order, Decimal("3.50"))
    draft.deliver()
    return draft.settle()


def _gift_card(draft: Draft) -> Order:
    """A gift card is bought: nothing to send, no tax."""
    cards = [offer for offer in draft.desk.offers if offer.is_gift_card]
    return draft.usual([(draft.chance.choice(cards), 1)] if cards else None)


def _paid_by_gift_card(draft: Draft) -> Order:
    """Part of it with a gift card, the rest with a card."""
    draft.fill()
    draft.deliver()
    order = draft.settle(kind="")
    half = totals.outstanding(order).part(1, 2)
    paying.pay(draft.hand, order, "gift_card", half)
    paying.pay(draft.hand, order, "shopify_payments")
    return order


def _b2b(draft: Draft) -> Order:
    """A company buys on account."""
    order, chance, companies = draft.order, draft.chance, [*draft.desk.companies.values()]
    own = [one for one in companies if one.contacts[0].customer_id == order.customer_id]
    company = chance.choice(own or companies)
    place, contact = chance.choice(company.locations), company.contacts[0]
    draft.buy_as(draft.desk.customer(contact.customer_id))
    order.company = (company.id, place.id, contact.id)
    order.po_number = f"PO/{order.number}-ß"
    order.payment_terms = "NET_30"
    order.app, order.source_name = DRAFTS, "shopify_draft_order"
    for address in (order.billing, order.shipping):
        if address is not None:
            address.company = company.name
    draft.fill([(offer, quantity * 12) for offer, quantity in draft.basket()])
    draft.deliver()
    return draft.settle(kind="")


def _till(draft: Draft) -> Order:
    """Sold over the counter and taken along."""
    order, hand = draft.order, draft.hand
    order.app, order.source_name = TILL, "pos"
    order.retail_location_id = draft.desk.retail
    order.shipping = None
    if draft.chance.random() < 0.6:
        order.customer_id, order.billing = None, None
        order.email = order.phone = ""
    draft.fill()
    order = draft.settle(gateway="cash", delivery="RETAIL")
    for work in list(order.fulfillment_orders):
        parcels.ship(hand, order, [parcels.everything(work)])
    order.closed_at = hand.now
    return order


def _pickup(draft: Draft) -> Order:
    draft.fill()
    building.add_shipping(draft.hand, draft.order, "Laden Hamburg", Decimal(0), code="pickup")
    return draft.settle(delivery="PICK_UP")


def _preorder(draft: Draft) -> Order:
    """To be shipped in three weeks."""
    draft.fill()
    draft.deliver()
    return draft.settle(fulfill_at=draft.hand.now + PREORDER_S)


def _authorized(draft: Draft) -> Order:
    draft.fill()
    draft.deliver()
    return draft.settle(gateway="shopify_payments", kind="AUTHORIZATION")


def _unpaid(draft: Draft) -> Order:
    draft.fill()
    draft.deliver()
    return draft.settle(kind="")


def _declined(draft: Draft) -> Order:
    """The first card was declined, the second went through."""
    draft.fill()
    draft.deliver()
    order = draft.settle(kind="")
    paying.fail(draft.hand, order, "shopify_payments")
    paying.pay(draft.hand, order, "shopify_payments")
    return order


def _partly_paid(draft: Draft) -> Order:
    draft.fill()
    draft.deliver()
    order = draft.settle(kind="")
    paying.pay(draft.hand, order, "Bank Deposit", totals.outstanding(order).part(1, 3))
    return order


def _free(draft: Draft) -> Order:
    draft.fill()
    building.take_off(draft.order, "code", "GESCHENKT", percentage=Decimal(100))
    return draft.settle()


def _risky(draft: Draft) -> Order:
    order = draft.usual()
    order.risk = "HIGH"
    order.risk_facts = [
        Fact("Card was used from an address that is known for fraud", "NEGATIVE"),
        Fact("The security code matched", "POSITIVE"),
    ]
    return order


def _test_order(draft: Draft) -> Order:
    draft.order.is_test = True
    draft.fill()
    draft.deliver()
    return draft.settle(gateway="bogus")


def _gift(draft: Draft) -> Order:
    """Sent to somebody else."""
    order = draft.order
    order.shipping = Address(
        id=draft.hand.number("MailingAddress"),
        first_name="Oma",
        last_name="Ærlig-Öz",
        address1="Dorfstraße 1",
        city="Wien",
        zip="1010",
        country="Austria",
        country_code="AT",
    )
    return draft.usual()


def _many_lines(draft: Draft) -> Order:
    offers = draft.desk.offers
    draft.fill([(draft.chance.choice(offers), 1) for _ in range(MANY_LINES)])
    return draft.settle()


KINDS: dict[str, Kind] = {
    "plain": Kind("An order like most", _plain, 560),
    "unicode": Kind("Names and notes in every script", _unicode, 60),
    "bundle": Kind("A bundle, sold as its parts", _bundle, 20),
    "deleted_product": Kind("A line whose product is gone", _deleted_product, 20),
    "typed_in": Kind("A line that never was a product", _typed_in, 15),
    "no_address": Kind("No customer, no address", _no_address, 10),
    "custom_app": Kind("Brought in by another app, with its own number", _custom_app, 25),
    "foreign": Kind("Another currency and duties", _foreign, 40),
    "zero_decimal": Kind("Paid in yen", _zero_decimal, 15),
    "tip": Kind("With a tip", _tip, 10),
    "gift_card": Kind("A gift card is bought", _gift_card, 10),
    "paid_by_gift_card": Kind("Paid in two parts, one by gift card", _paid_by_gift_card, 15),
    "b2b": Kind("A company buys on account", _b2b, 25),
    "till": Kind("Sold over the counter", _till, 40),
    "pickup": Kind("Fetched from the shop", _pickup, 15),
    "preorder": Kind("To be shipped in three weeks", _preorder, 10),
    "authorized": Kind("The card is only charged on shipping", _authorized, 30),
    "unpaid": Kind("Not paid yet", _unpaid, 25),
    "declined": Kind("Paid at the second attempt", _declined, 10),
    "partly_paid": Kind("A third is paid", _partly_paid, 5),
    "free": Kind("Everything for nothing", _free, 5),
    "risky": Kind("Likely fraud", _risky, 8),
    "test_order": Kind("Paid with test money", _test_order, 7),
    "gift": Kind("Sent to somebody else", _gift, 20),
    "many_lines": Kind(f"{MANY_LINES} lines", _many_lines, 0),
}
