"""How much of what is there a store may sell; ``rules.py`` finds which rule holds for a listing."""

from __future__ import annotations

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q

from inventory.data import MOST_UNITS

_FOR_ALL = Q(store=None)
_FOR_STORE = Q(store__isnull=False, listing=None, variant=None, category="")
_UNITS = (MaxValueValidator(MOST_UNITS),)


class StockRule(models.Model):
    """Of the rules that hold for a listing the narrowest wins: its own, that of its SKU in the
    store, of one of its categories, of the store, of the merchant (``store`` null).

    ``always``: the figure is this, whatever is there (made to order, sent by a supplier).
    """

    merchant = models.ForeignKey("accounts.Merchant", on_delete=models.PROTECT)
    store = models.ForeignKey(
        "integrations.Store",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="stock_rules",
    )
    listing = models.OneToOneField(
        "inventory.Listing",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="stock_rule",
    )
    variant = models.ForeignKey(
        "inventory.Variant",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="stock_rules",
    )
    category = models.CharField(max_length=120, blank=True)
    buffer = models.PositiveIntegerField(default=0, validators=_UNITS, help_text="Units kept back.")
    percent = models.PositiveSmallIntegerField(default=100, help_text="Share of the rest, 0–100.")
    max_listed = models.PositiveIntegerField(null=True, blank=True, validators=_UNITS)
    end_when = models.PositiveIntegerField(
        default=0, validators=_UNITS, help_text="Show 0 at or below this pool."
    )
    always = models.PositiveIntegerField(
        null=True, blank=True, validators=_UNITS, help_text="Show this figure whatever is there."
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(percent__lte=100), name="rule_percent"),
            models.CheckConstraint(
                condition=_FOR_ALL & Q(listing=None, variant=None, category="")
                | _FOR_STORE
                | Q(store__isnull=False, listing__isnull=False, variant=None, category="")
                | Q(store__isnull=False, listing=None, variant__isnull=False, category="")
                | Q(store__isnull=False, listing=None, variant=None) & ~Q(category=""),
                name="rule_of_one_scope",
            ),
            models.UniqueConstraint(
                fields=["merchant"], condition=_FOR_ALL, name="rule_one_default"
            ),
            models.UniqueConstraint(
                fields=["store"], condition=_FOR_STORE, name="rule_one_of_store"
            ),
            models.UniqueConstraint(
                fields=["store", "variant"],
                condition=Q(variant__isnull=False),
                name="rule_one_of_sku",
            ),
            models.UniqueConstraint(
                fields=["store", "category"],
                condition=~Q(category=""),
                name="rule_one_of_category",
            ),
        ]

    def __str__(self) -> str:
        if self.always is not None:
            return f"always {self.always}"
        return f"buffer {self.buffer}, {self.percent} %"
