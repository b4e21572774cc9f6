"""How stock rules look over the API: what they are for, what they say, and what one would do."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from integrations.api.errors import ProblemSerializer
from integrations.api.fields import Strict
from integrations.api.lookups import listing_of, store_of, variant_by_id, variant_by_sku
from integrations.outbox import brake
from integrations.outbox.rehearsing import MOST_NAMED as LISTINGS_NAMED
from inventory import ruling
from inventory.data import MOST_UNITS
from inventory.models import StockRule
from logix.accounts.models import Merchant

# What narrows a rule to a part of a store; one of them at most.
_NARROWER = ("listing", "sku", "variant", "category")


class StockRuleSerializer(serializers.ModelSerializer[StockRule]):
    scope = serializers.SerializerMethodField(help_text="What it is for, in words.")
    store_id = serializers.UUIDField(
        read_only=True, allow_null=True, help_text="Null: all stores without a narrower rule."
    )
    listing_id = serializers.UUIDField(read_only=True, allow_null=True)
    variant_id = serializers.UUIDField(read_only=True, allow_null=True)

    class Meta:
        model = StockRule
        fields = ("id", "scope", "store_id", "listing_id", "variant_id", "category", *ruling.VALUES)
        read_only_fields = fields

    def get_scope(self, rule: StockRule) -> str:
        return ruling.scope_of(rule)


class StockRuleValues(Strict):
    buffer = serializers.IntegerField(
        required=False, min_value=0, max_value=MOST_UNITS, help_text="Units kept back. Default: 0."
    )
    percent = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=100,
        help_text="Share of the rest that is shown, rounded down. Default: 100.",
    )
    max_listed = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=MOST_UNITS,
        help_text="No more than this is shown. Null: no such limit.",
    )
    end_when = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=MOST_UNITS,
        help_text="0 is shown when no more than this is free. Default: 0.",
    )
    always = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=MOST_UNITS,
        help_text="This is shown, whatever is there. Null: it is computed.",
    )


class NewStockRule(StockRuleValues):
    store = serializers.UUIDField(
        allow_null=True,
        help_text="Null: all your stores.",
        error_messages={"required": "Say in which store; null means all of them."},
    )
    listing = serializers.UUIDField(required=False, help_text="This one of the store alone.")
    sku = serializers.CharField(
        max_length=128, required=False, help_text="This item in the store; this or `variant`."
    )
    variant = serializers.UUIDField(required=False)
    category = serializers.CharField(
        max_length=120,
        required=False,
        help_text="What the store has in this category, named exactly as the store does.",
    )

    def validate(self, asked: dict[str, Any]) -> dict[str, Any]:
        narrower = [name for name in _NARROWER if name in asked]
        if len(narrower) > 1:
            raise serializers.ValidationError(
                f"Give one of {' and '.join(f'“{name}”' for name in narrower)}: a rule is for one "
                "thing.",
                "several_scopes",
            )
        if narrower and asked["store"] is None:
            raise serializers.ValidationError(
                {"store": serializers.ErrorDetail("Say in which store.", "required")}
            )
        if not any(name in asked for name in ruling.VALUES):
            raise serializers.ValidationError(
                f"Say what the rule does: give at least one of {', '.join(ruling.VALUES)}.",
                "nothing_said",
            )
        return asked


class Confirmed(Strict):
    confirm = serializers.BooleanField(
        default=False, help_text="True: do it although much is sold out by it."
    )


class AddedStockRule(NewStockRule, Confirmed):
    pass


class StockRuleChange(StockRuleValues, Confirmed):
    pass


class RefiguredSerializer(serializers.Serializer[Any]):
    listing_id = serializers.UUIDField(source="listing.pk")
    store_id = serializers.UUIDField(source="listing.store_id")
    sku = serializers.CharField(source="listing.sku")
    title = serializers.CharField(source="listing.title")
    before = serializers.IntegerField(allow_null=True, help_text="Null: left alone.")
    after = serializers.IntegerField(allow_null=True)


class SoldOutSerializer(serializers.Serializer[Any]):
    store_id = serializers.UUIDField(source="store.pk")
    store = serializers.CharField(source="store.name")
    listings = serializers.IntegerField(help_text="Would fall to 0.")


class StockRuleTriedSerializer(serializers.Serializer[Any]):
    listings = serializers.IntegerField(help_text="It may hold for.")
    changed = serializers.IntegerField(help_text="Would be told another figure.")
    zeros = serializers.IntegerField(help_text="… which would be 0.")
    sold_out = SoldOutSerializer(
        many=True,
        help_text=f"Stores of which more than {brake.MOST} listings would fall to 0. Where there "
        "are any, the rule is kept only with `confirm`.",
    )
    named = RefiguredSerializer(many=True, help_text=f"The first {LISTINGS_NAMED} of `changed`.")


class RuleProblemSerializer(ProblemSerializer):
    tried = StockRuleTriedSerializer(
        required=False, help_text="Of the code `sells_out`: what it would do."
    )


def scope_of_rule(merchant: Merchant, asked: dict[str, Any]) -> dict[str, Any]:
    """Raises ValidationError naming what there is none of."""
    if asked["store"] is None:
        return {}
    store = store_of(merchant, asked["store"], field="store")
    scope: dict[str, Any] = {"store": store, "category": asked.get("category", "")}
    if "listing" in asked:
        scope["listing"] = listing_of(store, asked["listing"], field="listing")
    if "sku" in asked:
        scope["variant"] = variant_by_sku(merchant, asked["sku"], field="sku")
    if "variant" in asked:
        scope["variant"] = variant_by_id(merchant, asked["variant"], field="variant")
    return scope
