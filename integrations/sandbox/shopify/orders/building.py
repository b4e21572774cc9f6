"""An order put together piece by piece: lines, bundles, discounts, shipping, tax, duties, tips, and
the work its lines make for the locations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from integrations.sandbox.shopify.models import Attribute
from integrations.sandbox.shopify.money import Bag
from integrations.sandbox.shopify.orders import people, totals
from integrations.sandbox.shopify.orders.fulfillment_models import (
    FulfillmentOrder,
    FulfillmentOrderLine,
)
from integrations.sandbox.shopify.orders.hand import Hand
from integrations.sandbox.shopify.orders.models import (
    Allocation,
    Discount,
    Duty,
    LineItem,
    LineItemGroup,
    Order,
    ShippingLine,
    TaxLine,
)
from integrations.sandbox.shopify.orders.offers import Offer


def add_line(
    hand: Hand,
    order: Order,
    offer: Offer,
    quantity: int,
    *,
    properties: Sequence[Attribute] = (),
    group: LineItemGroup | None = None,
    price: Decimal | None = None,
) -> list[LineItem]:
    """The lines it makes: one, or one for each part of a bundle, whose price the parts share."""
    if offer.parts:
        return _add_bundle(hand, order, offer, quantity)
    line = LineItem(
        id=hand.number("LineItem"),
        order_id=order.id,
        title=offer.title,
        quantity=quantity,
        price=totals.bag(order, offer.price if price is None else price),
        variant_title=offer.variant_title,
        sku=offer.sku,
        vendor=offer.vendor,
        product_id=offer.product_id,
        variant_id=offer.variant_id,
        item_id=offer.item_id,
        grams=offer.grams,
        taxable=offer.taxable and not offer.is_gift_card,
        requires_shipping=offer.requires_shipping,
        is_gift_card=offer.is_gift_card,
        properties=list(properties),
        group=group,
    )
    order.lines.append(line)
    return [line]


def _add_bundle(hand: Hand, order: Order, offer: Offer, quantity: int) -> list[LineItem]:
    group = LineItemGroup(
        id=hand.number("LineItemGroup"),
        title=offer.title,
        quantity=quantity,
        product_id=offer.product_id,
        variant_id=offer.variant_id,
        variant_sku=offer.sku or None,
    )
    worth = sum((part.price * many for part, many in offer.parts), Decimal(0))
    lines = []
    for part, many in offer.parts:
        share = part.price * offer.price / worth if worth else Decimal(0)
        lines += add_line(hand, order, part, many * quantity, group=group, price=share)
    return lines


def add_tip(hand: Hand, order: Order, amount: Decimal) -> None:
    order.lines.append(
        LineItem(
            id=hand.number("LineItem"),
            order_id=order.id,
            title="Tip",
            quantity=1,
            price=totals.bag(order, amount),
            taxable=False,
            requires_shipping=False,
            is_tip=True,
        )
    )


def add_shipping(
    hand: Hand, order: Order, title: str, price: Decimal, *, code: str | None = None
) -> ShippingLine:
    line = ShippingLine(
        id=hand.number("ShippingLine"),
        order_id=order.id,
        title=title,
        price=totals.bag(order, price),
        code=title if code is None else code,
    )
    order.shipping_lines.append(line)
    return line


def take_off(
    order: Order,
    kind: str,
    title: str,
    *,
    percentage: Decimal | None = None,
    amount: Decimal | None = None,
    line: LineItem | None = None,
) -> None:
    """A discount on the whole order or, with ``line``, on that line alone."""
    given = None if amount is None else totals.bag(order, amount).presentment
    discount = Discount(
        index=len(order.discounts),
        kind=kind,
        title=title,
        percentage=percentage,
        amount=given,
        target_selection="ALL" if line is None else "EXPLICIT",
        allocation_method="ACROSS" if line is None else "EACH",
    )
    order.discounts.append(discount)
    targets = [one for one in order.lines if not one.is_tip] if line is None else [line]
    if percentage is not None:
        for one in targets:
            _allocate(one, discount, totals.line_net(order, one).part(percentage, 100))
        return
    whole = totals.bag(order, amount or Decimal(0))
    base = totals.added(order, (totals.line_net(order, one) for one in targets))
    left = whole if whole.shop.amount < base.shop.amount else base
    for place, one in enumerate(targets, 1):
        net = totals.line_net(order, one)
        share = whole.part(net.shop.amount, base.shop.amount) if base.shop.amount else left
        if place == len(targets) or share.shop.amount > left.shop.amount:
            share = left
        _allocate(one, discount, share)
        left = left - share


def free_shipping(order: Order, title: str) -> None:
    discount = Discount(
        index=len(order.discounts),
        kind="automatic",
        title=title,
        percentage=Decimal(100),
        target_type="SHIPPING_LINE",
        allocation_method="EACH",
    )
    order.discounts.append(discount)
    for line in order.shipping_lines:
        line.allocations.append(Allocation(discount.index, line.price))


def _allocate(line: LineItem, discount: Discount, amount: Bag) -> None:
    if amount.shop.amount:
        line.allocations.append(Allocation(discount.index, amount))


def tax(order: Order) -> None:
    """What the destination asks for, on lines and on shipping, after discounts."""
    where = order.shipping or order.billing
    rows = people.TAXES.get(where.country_code if where else "DE", ())
    rates = [(title, Decimal(rate)) for title, rate in rows]
    for line in order.lines:
        line.tax_lines = tax_on(order, totals.line_net(order, line), rates) if line.taxable else []
    for shipping in order.shipping_lines:
        shipping.tax_lines = tax_on(order, totals.shipping_net(order, shipping), rates)


def tax_on(order: Order, net: Bag, rates: Sequence[tuple[str, Decimal]]) -> list[TaxLine]:
    whole = 1 + sum((rate for _, rate in rates), Decimal(0)) if order.taxes_included else Decimal(1)
    return [TaxLine(title, rate, net.part(rate, whole)) for title, rate in rates]


def add_duties(hand: Hand, order: Order, origin_of: dict[int, Offer]) -> None:
    """A tenth of each line's worth; ``origin_of`` tells by variant where it is from."""
    order.duties_included = False
    for line in order.lines:
        offer = origin_of.get(line.variant_id or 0)
        if offer is None or not line.requires_shipping:
            continue
        line.duties.append(
            Duty(
                id=hand.number("Duty"),
                price=totals.line_net(order, line).part(10, 100),
                harmonized_system_code=offer.customs_code,
                country_code_of_origin=offer.origin,
            )
        )


def route(
    hand: Hand,
    order: Order,
    place_of: Callable[[LineItem], int],
    *,
    delivery: str = "SHIPPING",
    fulfill_at: int | None = None,
) -> None:
    """One fulfilment order for each place and way of delivery, its stock set aside."""
    for line in order.lines:
        if not line.is_tip:
            way = delivery if line.requires_shipping else "NONE"
            add_work(hand, order, line, line.quantity, place_of(line), way, fulfill_at)


def add_work(
    hand: Hand,
    order: Order,
    line: LineItem,
    quantity: int,
    location_id: int,
    delivery: str,
    fulfill_at: int | None = None,
) -> FulfillmentOrder:
    """The units join the place's open work, or make some."""
    work = next(
        (
            one
            for one in order.fulfillment_orders
            if one.location_id == location_id
            and one.delivery == delivery
            and one.status in ("OPEN", "SCHEDULED")
        ),
        None,
    )
    if work is None:
        work = FulfillmentOrder(
            id=hand.number("FulfillmentOrder"),
            order_id=order.id,
            location_id=location_id,
            status="SCHEDULED" if fulfill_at else "OPEN",
            created_at=hand.now,
            updated_at=hand.now,
            delivery=delivery,
            fulfill_at=fulfill_at or hand.now,
        )
        order.fulfillment_orders.append(work)
    known = next((row for row in work.lines if row.line_item_id == line.id), None)
    if known is None:
        number = hand.number("FulfillmentOrderLineItem")
        work.lines.append(FulfillmentOrderLine(number, order.id, line.id, quantity, quantity))
    else:
        known.total, known.remaining = known.total + quantity, known.remaining + quantity
    work.updated_at = hand.now
    hand.commit(line, location_id, quantity)
    return work
