"""A listing as the API shows it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from integrations.api.fields import Money
from inventory.models import LinkProblem, Listing, ListingChannel
from logix.common.amounts import money, places_of


class BundlePartSerializer(serializers.Serializer[dict[str, Any]]):
    external_variant_id = serializers.CharField()
    sku = serializers.CharField(allow_blank=True, help_text="In the store.")
    quantity = serializers.IntegerField(help_text="Of it in one bundle.")


class ListingChannelSerializer(serializers.ModelSerializer[ListingChannel]):
    price = serializers.SerializerMethodField()

    class Meta:
        model = ListingChannel
        fields = (
            "channel",
            "external_id",
            "title",
            "price",
            "currency",
            "raw_status",
            "is_buyable",
            "seen_at",
        )
        read_only_fields = fields
        extra_kwargs = {
            "channel": {"help_text": "Its `external_id`, see `/integrations/{id}/channels`."},
            "external_id": {"help_text": "What the listing is called there."},
            "raw_status": {"help_text": "In the channel's own words."},
            "is_buyable": {"help_text": "Shoppers can buy it there now."},
        }

    @extend_schema_field(Money(allow_null=True, help_text="Decimal number as text, in `currency`."))
    def get_price(self, row: ListingChannel) -> str | None:
        return money(row.price, places_of(row.currency))


class ListingSerializer(serializers.ModelSerializer[Listing]):
    store_id = serializers.UUIDField(read_only=True)
    variant_id = serializers.UUIDField(
        read_only=True, allow_null=True, help_text="Null: `link_problem` says why."
    )
    link_problem = serializers.ChoiceField(
        choices=LinkProblem.choices,
        read_only=True,
        help_text="`blank_sku` and `ambiguous` are linked to a product of their own, and may be "
        "another. Empty: linked.",
    )
    price = serializers.SerializerMethodField()
    currency = serializers.SerializerMethodField(help_text="Of `price`.")
    channels = ListingChannelSerializer(
        many=True,
        read_only=True,
        help_text="What each of the store's channels that offers it says. Empty where the store "
        "is one channel.",
    )
    seen_at_places = serializers.DictField(
        child=serializers.IntegerField(),
        read_only=True,
        help_text="`seen_quantity` by the store's own id of each location whose figure is read, "
        "see `/integrations/{id}/locations`. Empty where the store keeps one figure.",
    )
    backorders = serializers.BooleanField(
        read_only=True, help_text="The store goes on selling it below zero."
    )
    is_bundle = serializers.BooleanField(
        read_only=True,
        help_text="The store computes its figure from `bundle_parts`; Logix never writes it.",
    )
    bundle_parts = BundlePartSerializer(
        many=True, read_only=True, help_text="What the store says there is in one."
    )
    kit_problem = serializers.CharField(
        read_only=True, help_text="Why its variant is no kit of `bundle_parts`; empty: it is one."
    )

    class Meta:
        model = Listing
        fields = (
            "id",
            "store_id",
            "variant_id",
            "link_problem",
            "external_product_id",
            "external_variant_id",
            "sku",
            "title",
            "price",
            "currency",
            "raw_status",
            "is_listed",
            "mode",
            "fixed_quantity",
            "seen_quantity",
            "seen_at_places",
            "seen_at",
            "backorders",
            "changed_at",
            "gone_at",
            "is_bundle",
            "bundle_parts",
            "kit_problem",
            "channels",
        )
        read_only_fields = fields

    @extend_schema_field(Money(allow_null=True, help_text="Decimal number as text, in `currency`."))
    def get_price(self, listing: Listing) -> str | None:
        return money(listing.price, places_of(listing.priced_in))

    def get_currency(self, listing: Listing) -> str:
        return listing.priced_in
