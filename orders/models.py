"""Orders as the hub knows them. ``services.py`` and ``importing.py`` are the only writers.

An order belongs to a store and keeps the platform's id in ``external_id``; what the platform is,
nobody here knows. Money is in the order's ``currency``. Times: placed (buyer), changed (platform),
observed (our request), applied (us). ``picking_since``: when a person said that picking
began; a parcel or the store may say so as well. ``told_restocks``: what the store says it put back
on sale, as far as it was told; None for orders read before that was asked. ``ended_at``: since when
nothing is left to send (``ending``), so long the buyer's data are kept at most as the store says.
"""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models.functions import Now

from logix.common.ids import uuid7
from orders.columns import choices as _choices
from orders.columns import money as _money
from orders.data import PaymentKind
from orders.models_apart import ToldPart
from orders.models_conflicts import Conflict
from orders.models_fees import OrderFee
from orders.models_goods import GoodsDecision
from orders.models_outside import OutsideFulfillment, OutsideLine
from orders.models_oversells import Oversell
from orders.models_payouts import Payout, PayoutLine
from orders.models_refunds import RefundRequest
from orders.models_returns import Return, ReturnLine
from orders.models_timeline import OrderEvent, OrderPayload
from orders.status import (
    CameBy,
    Flag,
    FulfillmentStatus,
    ImportState,
    OrderReturnStatus,
    OrderStatus,
    PaymentStatus,
    ReturnStatus,
    return_status,
)

__all__ = [
    "Conflict",
    "GoodsDecision",
    "Order",
    "OrderEvent",
    "OrderFee",
    "OrderLine",
    "OrderPayload",
    "OutsideFulfillment",
    "OutsideLine",
    "Oversell",
    "Payment",
    "Payout",
    "PayoutLine",
    "Refund",
    "RefundRequest",
    "Return",
    "ReturnLine",
    "Shipment",
    "ShipmentLine",
    "ToldPart",
]


def numbered(number: str) -> str:
    """An order's number as people say it; some platforms write the sign themselves."""
    return number if number.startswith("#") else f"#{number}"


class Order(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    merchant = models.ForeignKey("accounts.Merchant", on_delete=models.PROTECT)
    store = models.ForeignKey("integrations.Store", on_delete=models.PROTECT, related_name="orders")
    external_id = models.CharField(max_length=128)
    number = models.CharField(max_length=64)

    order_status = models.CharField(max_length=12, choices=_choices(OrderStatus))
    payment_status = models.CharField(max_length=20, choices=_choices(PaymentStatus))
    fulfillment_status = models.CharField(max_length=20, choices=_choices(FulfillmentStatus))
    import_state = models.CharField(max_length=20, choices=_choices(ImportState))
    import_problem = models.TextField(blank=True)
    flags = models.CharField(max_length=160, blank=True)
    raw_status = models.CharField(max_length=60)
    raw_payment = models.CharField(max_length=60, blank=True)
    raw_fulfillment = models.CharField(max_length=60, blank=True)

    currency = models.CharField(max_length=3)
    total = _money()
    line_total = _money()
    discount_total = _money()
    shipping_total = _money()
    fee_total = _money()
    tax_total = _money()
    rounding = _money()
    paid_total = _money()
    refunded_total = _money()
    prices_include_tax = models.BooleanField(default=False)
    charges = models.JSONField(default=list)
    custom = models.JSONField(default=dict)

    placed_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)
    gone_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    holds_until = models.DateTimeField(null=True)

    buyer_sealed = models.BinaryField(null=True)
    email_index = models.CharField(max_length=32, blank=True)
    phone_index = models.CharField(max_length=32, blank=True)
    erased_at = models.DateTimeField(null=True)
    external_customer_id = models.CharField(max_length=128, blank=True)
    ship_country = models.CharField(max_length=2, blank=True)
    ship_region = models.CharField(max_length=80, blank=True)
    ship_city = models.CharField(max_length=120, blank=True)

    binds_stock = models.BooleanField(
        default=True, help_text="What has not left is to be kept for the buyer."
    )
    moves_stock = models.BooleanField(default=True, help_text="False: imported as past.")
    picking_since = models.DateTimeField(null=True)
    told_restocks = models.JSONField(null=True)
    line_count = models.PositiveIntegerField(default=0)
    unit_count = models.PositiveIntegerField(default=0)

    changed_at = models.DateTimeField()
    source_version = models.BigIntegerField(null=True)
    authority = models.PositiveSmallIntegerField()
    observed_at = models.DateTimeField()
    digest = models.CharField(max_length=32)
    details = models.JSONField(default=dict)
    raw_mark = models.CharField(max_length=32, blank=True)
    revision = models.PositiveIntegerField(default=0)
    came_by = models.CharField(
        max_length=10, blank=True, db_default="", choices=_choices(CameBy), editable=False
    )
    imported_at = models.DateTimeField(db_default=Now())
    applied_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["store", "external_id"], name="order_once"),
        ]
        indexes = [
            models.Index(fields=["merchant", "-placed_at", "-id"], name="order_recent"),
            models.Index(
                fields=["merchant", "order_status", "-placed_at", "-id"], name="order_by_status"
            ),
            models.Index(fields=["store", "-placed_at", "-id"], name="order_store_recent"),
            models.Index(fields=["merchant", "number"], name="order_by_number"),
            models.Index(
                fields=["merchant", "email_index"],
                condition=~models.Q(email_index=""),
                name="order_by_email",
            ),
            models.Index(
                fields=["merchant", "phone_index"],
                condition=~models.Q(phone_index=""),
                name="order_by_phone",
            ),
            models.Index(
                fields=["merchant", "import_state"],
                condition=~models.Q(import_state="accepted"),
                name="order_needs_look",
            ),
            models.Index(
                fields=["store", "ended_at"],
                condition=models.Q(erased_at=None),
                name="order_buyer_kept",
            ),
        ]

    def __str__(self) -> str:
        return numbered(self.number)

    @property
    def flag_set(self) -> frozenset[Flag]:
        return frozenset(Flag(word) for word in self.flags.split(",") if word)

    @property
    def is_cancelled(self) -> bool:
        return self.order_status == OrderStatus.CANCELLED

    def holds_units(self, now: datetime) -> bool:
        """Whether it binds stock; one that was not paid in time has let go of it."""
        return self.binds_stock and (self.holds_until is None or self.holds_until > now)

    @property
    def return_status(self) -> OrderReturnStatus:
        """What its returns come to; read them with ``prefetch_related("returns__lines")``."""
        found = {one: ReturnStatus(one.status) for one in self.returns.all()}
        closed = [one for one, status in found.items() if status is ReturnStatus.CLOSED]
        returned = sum(line.quantity for one in closed for line in one.lines.all())
        return return_status(found.values(), returned=returned, ordered=self.unit_count)


class OrderLineQuerySet(models.QuerySet["OrderLine"]):
    def with_items(self) -> OrderLineQuerySet:
        """With ``counted_as_id``: the variant that holds the count, where it is another one."""
        return self.annotate(counted_as_id=models.F("variant__counted_as_id"))


class OrderLine(models.Model):
    """One line. ``variant`` null: the SKU is not known yet; the order waits for it, it is never
    refused.

    ``removed_at``: the line was edited away at the store; it stays for the record and counts
    nothing. ``assigned``: units still to be sent by the store's location that is to send them.
    ``held_quantity``: units wanted before an edit that nobody decided yet, where that was more;
    they stay reserved until then. ``outside_quantity``: units that another store's warehouse is to
    send, and so not ours; ``outside_shipped``: those of ``quantity_shipped`` that left there.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    external_id = models.CharField(max_length=128)
    position = models.PositiveIntegerField()
    variant = models.ForeignKey(
        "inventory.Variant", null=True, on_delete=models.SET_NULL, related_name="order_lines"
    )
    sku = models.CharField(max_length=128, blank=True)
    name = models.CharField(max_length=300, blank=True)
    external_product_id = models.CharField(max_length=128, blank=True)
    external_variant_id = models.CharField(max_length=128, blank=True)
    quantity = models.PositiveIntegerField()
    quantity_refunded = models.PositiveIntegerField(default=0)
    quantity_shipped = models.PositiveIntegerField(default=0)
    unit_price = _money()
    subtotal = _money()
    total = _money()
    tax = _money()
    requires_shipping = models.BooleanField(default=True)
    held_quantity = models.PositiveIntegerField(default=0, db_default=0)
    outside_quantity = models.PositiveIntegerField(default=0, db_default=0)
    outside_shipped = models.PositiveIntegerField(default=0, db_default=0)
    assigned = models.JSONField(default=dict, db_default={})
    attributes = models.JSONField(default=dict)
    removed_at = models.DateTimeField(null=True)

    objects = OrderLineQuerySet.as_manager()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["order", "external_id"], name="line_once"),
        ]
        indexes = [
            models.Index(
                fields=["sku"],
                condition=models.Q(variant=None, removed_at=None),
                name="line_unmatched",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.sku or self.name}"


class Shipment(models.Model):
    """One parcel. ``reference`` is ours and unique in the order; ``origin`` tells who said it was
    shipped. ``store_cancelled_at``: when the store was first seen to have taken it back, which ends
    a parcel of the store's own, and of ours is for a person to decide.
    """

    class Origin(models.TextChoices):
        HUB = "hub", "Shipped from Logix"
        STORE = "store", "Reported by the store"
        OTHER = "other", "Sent by another store’s warehouse"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="shipments")
    reference = models.CharField(max_length=64)
    external_id = models.CharField(max_length=128, blank=True)
    origin = models.CharField(max_length=5, choices=Origin.choices)
    carrier = models.CharField(max_length=80, blank=True)
    tracking_number = models.CharField(max_length=120, blank=True)
    tracking_url = models.URLField(max_length=500, blank=True)
    location = models.ForeignKey("inventory.Location", null=True, on_delete=models.SET_NULL)
    shipped_at = models.DateTimeField()
    cancelled_at = models.DateTimeField(null=True)
    store_cancelled_at = models.DateTimeField(null=True)
    notify_customer = models.BooleanField(
        default=True, db_default=True, help_text="The store tells its customer of it."
    )
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["shipped_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["order", "reference"], name="shipment_once"),
        ]

    def __str__(self) -> str:
        return f"{self.carrier} {self.tracking_number}".strip() or self.reference


class ShipmentLine(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    shipment = models.ForeignKey(Shipment, on_delete=models.CASCADE, related_name="lines")
    line = models.ForeignKey(OrderLine, on_delete=models.CASCADE, related_name="shipped_in")
    quantity = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["shipment", "line"], name="shipment_line_once"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.line_id}"


class Payment(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="payments")
    external_id = models.CharField(max_length=128)
    kind = models.CharField(max_length=16, choices=_choices(PaymentKind))
    amount = _money()
    method = models.CharField(max_length=120, blank=True)
    reference = models.CharField(max_length=160, blank=True)
    at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "external_id"], name="payment_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount}"


class Refund(models.Model):
    """Money given back. ``lines``: [{line, quantity, amount, tax}] by the line's external id, []
    when not told.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="refunds")
    external_id = models.CharField(max_length=128)
    amount = _money()
    reason = models.CharField(max_length=300, blank=True)
    lines = models.JSONField(default=list)
    created_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "external_id"], name="refund_once"),
        ]

    def __str__(self) -> str:
        return f"refund {self.amount}"
