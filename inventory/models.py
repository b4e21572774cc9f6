"""What is sold and what is there: products, their listings in stores, locations, levels, and the
trail of every unit.

``ledger.py`` is the only writer of levels, movements and reservations; ``catalogue.py`` of the
rest.
"""

from __future__ import annotations

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models.functions import Now

from inventory.data import MOST_UNITS, ProductKind
from inventory.models_allocations import Allocation
from inventory.models_channels import ListingChannel
from inventory.models_kept import KeptUnits
from inventory.models_kits import KitPart
from inventory.models_places import Location, StoreLocation, StorePlace
from inventory.models_rules import StockRule
from logix.common.ids import uuid7

__all__ = [
    "Allocation",
    "Bucket",
    "KeptUnits",
    "KitPart",
    "LinkProblem",
    "Listing",
    "ListingChannel",
    "ListingMode",
    "Location",
    "MovementKind",
    "Product",
    "Reservation",
    "StockLevel",
    "StockMovement",
    "StockRule",
    "StoreLocation",
    "StorePlace",
    "Variant",
]


class Product(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    merchant = models.ForeignKey("accounts.Merchant", on_delete=models.PROTECT)
    title = models.CharField(max_length=300)
    kind = models.CharField(max_length=10, choices=[(k, k) for k in ProductKind])
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["title", "id"]
        indexes = [models.Index(fields=["merchant", "title", "id"], name="product_by_title")]

    def __str__(self) -> str:
        return self.title


class Variant(models.Model):
    """The thing that is counted. ``counted_as`` points to the variant that holds the count when
    stores keep one figure for several (sizes sharing the parent's stock).
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    merchant = models.ForeignKey("accounts.Merchant", on_delete=models.PROTECT)
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="variants")
    sku = models.CharField("SKU", max_length=128, blank=True)
    sku_key = models.CharField(max_length=128, null=True, editable=False)  # noqa: DJ001 - NULLs are distinct
    barcode = models.CharField(max_length=64, blank=True)
    title = models.CharField(max_length=300, blank=True)
    weight_g = models.DecimalField(max_digits=12, decimal_places=3, null=True, blank=True)
    counted_as = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="counts_for"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    archived_at = models.DateTimeField(null=True, blank=True)
    # Of a kit whose parts a store told: the bundle they are of. Null: a person chose them.
    kit_listing = models.ForeignKey(
        "inventory.Listing", null=True, editable=False, on_delete=models.SET_NULL, related_name="+"
    )
    # A person chose its parts, or took them off: what a store tells does not change that.
    kit_by_hand = models.BooleanField(default=False, db_default=False, editable=False)

    class Meta:
        ordering = ["sku", "id"]
        constraints = [
            models.UniqueConstraint(fields=["merchant", "sku_key"], name="variant_sku_once"),
        ]
        indexes = [
            models.Index(fields=["merchant", "sku", "id"], name="variant_by_sku"),
            models.Index(
                fields=["merchant", "barcode"],
                condition=~models.Q(barcode=""),
                name="variant_by_barcode",
            ),
        ]

    def __str__(self) -> str:
        return self.sku or self.title or str(self.pk)

    @property
    def stock_item_id(self):  # type: ignore[no-untyped-def]  # UUID; django-stubs types the two sides apart
        """Id of the variant whose levels count for this one."""
        return self.counted_as_id or self.pk


class ListingMode(models.TextChoices):
    NORMAL = "normal", "Computed from stock"
    FIXED = "fixed", "Always the fixed figure"
    IGNORE = "ignore", "Never written by Logix"
    PAUSED = "paused", "Sold out on purpose (0)"


class LinkProblem(models.TextChoices):
    """With the second and third the listing has a product of its own, and might be another."""

    NONE = "", "Linked"
    BLANK_SKU = "blank_sku", "Came without a SKU"
    AMBIGUOUS = "ambiguous", "Several products have its barcode"
    DUPLICATE_SKU = "duplicate_sku", "The store uses this SKU more than once"
    UNLINKED = "unlinked", "Unlinked by hand"


class Listing(models.Model):
    """One variant as one store sells it. ``seen_*`` is what the store last told us,
    ``seen_at_places`` its figure by the store's location, where it keeps several, ``kept_back``
    what it takes off its figures by itself; with ``backorders`` it goes on selling below zero.
    ``currency`` is that of ``price`` where it is not the store's.
    ``shares_figure``: the store keeps one figure for it and for others of its product, those with
    the same ``stock_ref``. ``variant`` null means unmatched. Of a bundle the store computes the
    figure: ``bundle_parts`` are what it says there is in one, and ``kit_problem`` why its variant
    is no kit of these.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    merchant = models.ForeignKey("accounts.Merchant", on_delete=models.PROTECT)
    store = models.ForeignKey(
        "integrations.Store", on_delete=models.CASCADE, related_name="listings"
    )
    external_product_id = models.CharField(max_length=128)
    external_variant_id = models.CharField(max_length=128)
    variant = models.ForeignKey(
        Variant, null=True, blank=True, on_delete=models.SET_NULL, related_name="listings"
    )
    link_problem = models.CharField(
        max_length=16, choices=LinkProblem.choices, default="", blank=True
    )
    sku = models.CharField("SKU in the store", max_length=128, blank=True)
    sku_key = models.CharField(max_length=128, blank=True, editable=False)
    barcode = models.CharField(max_length=64, blank=True, db_default="")
    title = models.CharField(max_length=300, blank=True)
    price = models.DecimalField(max_digits=20, decimal_places=6, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True, db_default="")
    raw_status = models.CharField(max_length=40, blank=True)
    is_listed = models.BooleanField(default=True)
    stock_ref = models.CharField(max_length=160, blank=True)
    shares_figure = models.BooleanField(default=False, db_default=False)
    seen_quantity = models.IntegerField(null=True, blank=True)
    seen_at_places = models.JSONField(default=dict, db_default={}, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True)
    kept_back = models.JSONField(default=dict, db_default={}, blank=True)
    backorders = models.BooleanField(default=False, db_default=False)
    changed_at = models.DateTimeField()
    digest = models.CharField(max_length=32, editable=False)
    mode = models.CharField(max_length=8, choices=ListingMode.choices, default=ListingMode.NORMAL)
    fixed_quantity = models.PositiveIntegerField(
        null=True, blank=True, validators=[MaxValueValidator(MOST_UNITS)]
    )
    gone_at = models.DateTimeField(null=True, blank=True)
    categories = models.JSONField(default=list, db_default=[], blank=True)
    is_bundle = models.BooleanField(default=False, db_default=False)
    bundle_parts = models.JSONField(default=list, db_default=[], blank=True)
    kit_problem = models.CharField(max_length=400, blank=True, db_default="")
    custom = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["store", "external_product_id", "external_variant_id"],
                name="listing_once",
            ),
        ]
        indexes = [
            models.Index(fields=["store", "sku_key"], name="listing_by_sku"),
            models.Index(fields=["store", "external_variant_id"], name="listing_by_variant"),
            models.Index(fields=["merchant", "sku", "id"], name="listing_merchant_sku"),
            models.Index(
                fields=["store"],
                condition=~models.Q(kit_problem=""),
                name="listing_kit_waits",
            ),
        ]

    def __str__(self) -> str:
        return self.sku or self.title or self.external_variant_id

    @property
    def priced_in(self) -> str:
        return self.currency or self.store.currency


class StockLevel(models.Model):
    """Units of one variant at one place; ``allocated`` are set aside for single stores and not
    taken yet, ``held`` and ``damaged`` lie there and are not sold. ``counted_at`` null: nobody has
    counted it yet, so it is never pushed nor called oversold. ``free`` may be negative; it is
    stored as it is. At a place that a platform keeps nobody here ever counts; see ``kept.py``.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    merchant = models.ForeignKey("accounts.Merchant", on_delete=models.PROTECT)
    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="levels")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="levels")
    on_hand = models.IntegerField(default=0)
    reserved = models.IntegerField(default=0)
    allocated = models.IntegerField(default=0, db_default=0)
    held = models.IntegerField(default=0)
    damaged = models.IntegerField(default=0)
    counted_at = models.DateTimeField(null=True, blank=True)
    version = models.BigIntegerField(default=0)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["variant", "location"], name="level_once"),
            models.CheckConstraint(condition=models.Q(reserved__gte=0), name="level_reserved_ge_0"),
            models.CheckConstraint(
                condition=models.Q(allocated__gte=0), name="level_allocated_ge_0"
            ),
            models.CheckConstraint(condition=models.Q(held__gte=0), name="level_held_ge_0"),
            models.CheckConstraint(condition=models.Q(damaged__gte=0), name="level_damaged_ge_0"),
        ]

    def __str__(self) -> str:
        return f"{self.variant} at {self.location}: {self.on_hand}"

    @property
    def free(self) -> int:
        return self.on_hand - self.reserved - self.allocated - self.held - self.damaged


class MovementKind(models.TextChoices):
    OPENING = "opening", "Opening count"
    COUNT = "count", "Counted"
    ADJUSTMENT = "adjustment", "Adjusted by hand"
    RESERVE = "reserve", "Reserved for an order"
    RELEASE = "release", "Reservation released"
    SHIPMENT = "shipment", "Shipped"
    UNSHIP = "unship", "Shipment taken back"
    RESTOCK = "restock", "Returned to stock"
    ALLOCATE = "allocate", "Set aside for a store"
    DEALLOCATE = "deallocate", "No longer set aside"
    HOLD = "hold", "Held back"
    UNHOLD = "unhold", "No longer held back"
    DAMAGE = "damage", "Found damaged"
    REPAIR = "repair", "No longer damaged"
    WRITE_OFF = "write_off", "Written off"
    TOLD = "told", "Told by the platform that keeps it"


class Bucket(models.TextChoices):
    ON_HAND = "on_hand"
    RESERVED = "reserved"
    ALLOCATED = "allocated"
    HELD = "held", "Held back"
    DAMAGED = "damaged", "Damaged"


class StockMovement(models.Model):
    """Append-only trail. For every (level, bucket): before + delta = after, and the sum of deltas
    is the level.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    merchant = models.ForeignKey("accounts.Merchant", on_delete=models.PROTECT)
    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="movements")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="movements")
    kind = models.CharField(max_length=12, choices=MovementKind.choices)
    bucket = models.CharField(max_length=10, choices=Bucket.choices, default=Bucket.ON_HAND)
    before = models.IntegerField()
    delta = models.IntegerField()
    after = models.IntegerField()
    cause = models.CharField(max_length=160, unique=True)
    reason = models.CharField(max_length=200, blank=True)
    order_ref = models.UUIDField(null=True, blank=True, db_index=True)
    actor = models.CharField(max_length=150, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["variant", "location", "-at"], name="movement_by_level"),
            models.Index(fields=["merchant", "-at", "-id"], name="movement_recent"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.delta:+d}"


class Reservation(models.Model):
    """What one order line holds of one variant at one place: ``quantity`` reserved, ``short``
    wanted but not there, ``shipped`` already gone; ``drawn`` of what is reserved or gone came from
    ``allocation``. The row stays for explanation when all of it is shipped or released.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    merchant = models.ForeignKey("accounts.Merchant", on_delete=models.PROTECT)
    store = models.ForeignKey("integrations.Store", on_delete=models.CASCADE)
    order_ref = models.UUIDField(db_index=True)
    line_ref = models.UUIDField()
    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="reservations")
    location = models.ForeignKey(Location, on_delete=models.PROTECT)
    quantity = models.PositiveIntegerField(default=0)
    short = models.PositiveIntegerField(default=0)
    shipped = models.IntegerField(default=0)
    allocation = models.ForeignKey(
        Allocation, null=True, on_delete=models.PROTECT, related_name="taken", db_index=False
    )
    drawn = models.PositiveIntegerField(default=0, db_default=0)
    version = models.PositiveIntegerField(default=0)
    placed_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["line_ref", "variant", "location"], name="reservation_once"
            ),
        ]
        indexes = [
            models.Index(
                fields=["variant", "placed_at"],
                condition=models.Q(short__gt=0),
                name="reservation_short",
            ),
            models.Index(
                fields=["variant"],
                condition=models.Q(quantity__gt=0),
                name="reservation_open",
            ),
            models.Index(
                fields=["expires_at"],
                condition=models.Q(expires_at__isnull=False),
                name="reservation_lapses",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of {self.variant_id} for line {self.line_ref}"
