"""How the answers about orders are described in OpenAPI. Nothing is serialized with these: see
``order_shapes``.
"""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from integrations.api.fields import Money
from integrations.models import Command
from orders.data import PayoutLineKind
from orders.models import Conflict, OrderEvent, Shipment
from orders.status import (
    Flag,
    FulfillmentStatus,
    Handling,
    ImportState,
    OrderReturnStatus,
    OrderStatus,
    PaymentStatus,
    ReturnStatus,
)


class StoreRefSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    platform = serializers.CharField()


class ShipToSerializer(serializers.Serializer[Any]):
    country = serializers.CharField()
    region = serializers.CharField()
    city = serializers.CharField()


class OrderSummarySerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    store = StoreRefSerializer()
    external_id = serializers.CharField(help_text="The order's id in the store.")
    number = serializers.CharField(help_text="The number the buyer sees.")
    order_status = serializers.ChoiceField([str(x) for x in OrderStatus])
    payment_status = serializers.ChoiceField([str(x) for x in PaymentStatus])
    fulfillment_status = serializers.ChoiceField([str(x) for x in FulfillmentStatus])
    import_state = serializers.ChoiceField([str(x) for x in ImportState])
    import_problem = serializers.CharField(help_text="Why a person has to look, in words.")
    flags = serializers.ListField(child=serializers.ChoiceField([str(x) for x in Flag]))
    raw_status = serializers.CharField(help_text="The store's own word.")
    currency = serializers.CharField()
    total = Money()
    paid_total = Money()
    refunded_total = Money()
    line_count = serializers.IntegerField()
    unit_count = serializers.IntegerField()
    ship_to = ShipToSerializer()
    placed_at = serializers.DateTimeField()
    changed_at = serializers.DateTimeField(help_text="Last change at the store.")
    imported_at = serializers.DateTimeField()
    paid_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)
    cancelled_at = serializers.DateTimeField(allow_null=True)
    gone_at = serializers.DateTimeField(
        allow_null=True, help_text="When we learnt that the store had deleted the order."
    )


class OrderLineSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    external_id = serializers.CharField()
    position = serializers.IntegerField()
    variant_id = serializers.UUIDField(allow_null=True, help_text="Null: the SKU is not known.")
    sku = serializers.CharField()
    name = serializers.CharField()
    external_product_id = serializers.CharField()
    external_variant_id = serializers.CharField()
    quantity = serializers.IntegerField()
    quantity_refunded = serializers.IntegerField()
    quantity_shipped = serializers.IntegerField()
    unit_price = Money()
    subtotal = Money(help_text="Before discounts, without tax.")
    total = Money(help_text="After discounts, without tax.")
    tax = Money()
    requires_shipping = serializers.BooleanField()
    attributes = serializers.DictField()
    removed_at = serializers.DateTimeField(
        allow_null=True, help_text="The line was taken out of the order at the store."
    )


class ChargeSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField()
    code = serializers.CharField()
    title = serializers.CharField()
    amount = Money()
    tax = Money()
    informative = serializers.BooleanField(
        help_text="True: explains an amount that is in the lines already."
    )


class AddressSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(allow_null=True)
    company = serializers.CharField(allow_null=True)
    line1 = serializers.CharField(allow_null=True)
    line2 = serializers.CharField(allow_null=True)
    city = serializers.CharField()
    region = serializers.CharField()
    postcode = serializers.CharField(allow_null=True)
    country = serializers.CharField()
    phone = serializers.CharField(allow_null=True)


class BuyerSerializer(serializers.Serializer[Any]):
    masked = serializers.BooleanField(help_text="True without the scope `pii`.")
    name = serializers.CharField(allow_null=True)
    email = serializers.CharField(allow_null=True)
    phone = serializers.CharField(allow_null=True)
    company = serializers.CharField(allow_null=True)
    note = serializers.CharField(allow_null=True)
    billing = AddressSerializer(allow_null=True)
    shipping = AddressSerializer(allow_null=True)


class PaymentSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    kind = serializers.CharField()
    amount = Money()
    method = serializers.CharField()
    reference = serializers.CharField(allow_null=True, help_text="Needs the scope `pii`.")
    at = serializers.DateTimeField(allow_null=True)


class RefundSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    external_id = serializers.CharField()
    amount = Money()
    reason = serializers.CharField()
    lines = serializers.ListField(child=serializers.DictField())
    created_at = serializers.DateTimeField(allow_null=True)


class ReturnLineSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    external_id = serializers.CharField()
    line_id = serializers.UUIDField(
        allow_null=True, help_text="The order's line; null where the store does not say."
    )
    quantity = serializers.IntegerField(help_text="Units that are to come back.")
    received = serializers.IntegerField(help_text="Units of them the store has taken in.")
    restocked = serializers.IntegerField(help_text="Units that were put back to stock here.")
    reason = serializers.CharField(help_text="One of the store's own words.")
    note = serializers.CharField(
        allow_null=True,
        help_text="What people wrote: shown with the whole order, and with the scope `pii`.",
    )


class ReturnSerializer(serializers.Serializer[Any]):
    """Goods that are to come back, or have. It moves neither money nor stock."""

    id = serializers.UUIDField()
    external_id = serializers.CharField(help_text="The return's id in the store.")
    name = serializers.CharField(help_text="What people call it.")
    status = serializers.ChoiceField([str(x) for x in ReturnStatus])
    raw_status = serializers.CharField(help_text="The store's own word.")
    problem = serializers.CharField(help_text="Why a person has to look, in words.")
    handling = serializers.ChoiceField(
        [str(x) for x in Handling],
        help_text="The store's option `returns` when it was first told. `off`: it is shown alone.",
    )
    created_at = serializers.DateTimeField(allow_null=True)
    lines = ReturnLineSerializer(many=True)


class ConflictSideSerializer(serializers.Serializer[Any]):
    sku = serializers.CharField()
    quantity = serializers.IntegerField()
    unit_price = Money()


class ConflictLineSerializer(serializers.Serializer[Any]):
    change = serializers.ChoiceField(["added", "removed", "changed"])
    line_id = serializers.UUIDField()
    external_id = serializers.CharField()
    name = serializers.CharField()
    before = ConflictSideSerializer(allow_null=True, help_text="Null: the line was added.")
    after = ConflictSideSerializer(allow_null=True, help_text="Null: the line was removed.")
    shipped = serializers.IntegerField(help_text="Units that had left; they stay as shipped.")


class ConflictFieldSerializer(serializers.Serializer[Any]):
    field = serializers.ChoiceField(["address", "method", "note"])
    before = serializers.CharField(
        allow_null=True, help_text="Null for an address and a note: only that they are others."
    )
    after = serializers.CharField(allow_null=True)


class ConflictSerializer(serializers.Serializer[Any]):
    """What the store changed since picking began, all its edits together."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(Conflict.State.choices)
    edits = serializers.IntegerField(help_text="Grows with each edit that changes the difference.")
    edited_at = serializers.DateTimeField(help_text="The store's time of the last edit.")
    source_version = serializers.IntegerField(
        allow_null=True, help_text="The store's version then, where it has one."
    )
    opened_at = serializers.DateTimeField()
    closed_at = serializers.DateTimeField(allow_null=True)
    decided_by = serializers.CharField()
    lines = ConflictLineSerializer(many=True)
    fields = ConflictFieldSerializer(many=True)  # type: ignore[assignment]  # really called so


class PayoutLineSerializer(serializers.Serializer[Any]):
    """One movement that a payout is made of, from the merchant's side: what comes in is above
    zero.
    """

    payout_id = serializers.UUIDField()
    external_id = serializers.CharField()
    kind = serializers.ChoiceField([str(x) for x in PayoutLineKind])
    raw_kind = serializers.CharField(help_text="The platform's own word.")
    currency = serializers.CharField()
    amount = Money(help_text="Before the fee.")
    fee = Money(help_text="What was taken off the amount.")
    net = Money(help_text="What is added up.")
    at = serializers.DateTimeField(allow_null=True)
    order_id = serializers.UUIDField(
        allow_null=True, help_text="Null: about no order, or about one that is not here yet."
    )
    external_order_id = serializers.CharField(help_text="The order's id in the store.")
    external_transaction_id = serializers.CharField()


class ShipmentLineSerializer(serializers.Serializer[Any]):
    line_id = serializers.UUIDField()
    quantity = serializers.IntegerField()


class ShipmentSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    reference = serializers.CharField()
    external_id = serializers.CharField()
    origin = serializers.ChoiceField(Shipment.Origin.choices)
    carrier = serializers.CharField()
    tracking_number = serializers.CharField()
    tracking_url = serializers.CharField()
    location_id = serializers.UUIDField(allow_null=True)
    shipped_at = serializers.DateTimeField()
    cancelled_at = serializers.DateTimeField(allow_null=True, help_text="It was taken back.")
    store_cancelled_at = serializers.DateTimeField(
        allow_null=True, help_text="When the store was first seen to have taken it back."
    )
    notify_customer = serializers.BooleanField(help_text="The store tells its customer of it.")
    version = serializers.IntegerField(help_text="Grows when what the store is told changes.")
    lines = ShipmentLineSerializer(many=True)


class CommandSerializer(serializers.Serializer[Any]):
    """Something the store was asked to do, and what came of it."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(Command.Kind.choices)
    state = serializers.ChoiceField(Command.State.choices)
    attempts = serializers.IntegerField()
    next_at = serializers.DateTimeField(allow_null=True)
    problem_code = serializers.CharField()
    problem = serializers.CharField()
    created_at = serializers.DateTimeField()
    done_at = serializers.DateTimeField(allow_null=True)


class PlatformFeeSerializer(serializers.Serializer[Any]):
    word = serializers.CharField(help_text="The platform's own.")
    amount = Money(help_text="With the tax on it; below zero where it is given back.")


class PlatformFeesSerializer(serializers.Serializer[Any]):
    """What the platform booked of an order for itself at one time."""

    external_id = serializers.CharField(help_text="The platform's id of the transaction.")
    posted_at = serializers.DateTimeField()
    currency = serializers.CharField()
    total = Money()
    amounts = PlatformFeeSerializer(many=True)


class OrderSerializer(OrderSummarySerializer):
    line_total = Money()
    discount_total = Money()
    shipping_total = Money()
    fee_total = Money(help_text="What the buyer was charged besides lines and shipping.")
    tax_total = Money()
    rounding = Money(help_text="What the parts and the store's total differ by.")
    raw_payment = serializers.CharField()
    raw_fulfillment = serializers.CharField()
    prices_include_tax = serializers.BooleanField()
    moves_stock = serializers.BooleanField(
        help_text="False: imported as past, or shipped by the platform itself."
    )
    picking_since = serializers.DateTimeField(
        allow_null=True, help_text="When a person said that picking began."
    )
    external_customer_id = serializers.CharField()
    custom = serializers.DictField(help_text="What the store's field rules filled.")
    observed_at = serializers.DateTimeField(help_text="When the store was last asked.")
    applied_at = serializers.DateTimeField()
    erased_at = serializers.DateTimeField(allow_null=True)
    charges = ChargeSerializer(many=True)
    buyer = BuyerSerializer(allow_null=True)
    lines = OrderLineSerializer(many=True)
    payments = PaymentSerializer(many=True)
    refunds = RefundSerializer(many=True)
    return_status = serializers.ChoiceField(
        [str(x) for x in OrderReturnStatus], help_text="What its returns come to."
    )
    returns = ReturnSerializer(many=True)
    shipments = ShipmentSerializer(many=True)
    conflict = ConflictSerializer(
        allow_null=True, help_text="An edit after picking began that waits for a decision."
    )
    platform_fees = PlatformFeesSerializer(
        many=True, help_text="What the platform takes, as it booked it, oldest first."
    )
    platform_fees_total = Money(
        allow_null=True,
        help_text="What was booked comes to. Null: the platform booked nothing yet, or does not "
        "tell of it before the payout.",
    )
    platform_fees_settled = Money(
        allow_null=True,
        help_text="The fees in `payout_lines`: the same money once more. Null: nothing was "
        "settled yet.",
    )
    payout_lines = PayoutLineSerializer(many=True, help_text="How its money was paid out.")
    commands = CommandSerializer(many=True)


class OrderEventSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    at = serializers.DateTimeField()
    kind = serializers.CharField()
    title = serializers.CharField(help_text="A sentence.")
    data = serializers.DictField()  # type: ignore[assignment]  # the field is really called so
    origin = serializers.ChoiceField(OrderEvent.Origin.choices)
    actor = serializers.CharField()
    request_id = serializers.CharField()
