"""How runs, parked records and what a batch came to look from outside."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from integrations.models import ParkedRecord, SyncRun
from integrations.sync.matching import MOST_LOOKED_AT, MOST_NAMED
from integrations.sync.outcome import Applied


class MatchedSerializer(serializers.Serializer[Any]):
    external_product_id = serializers.CharField()
    external_variant_id = serializers.CharField()
    sku = serializers.CharField(help_text="In the store.")
    title = serializers.CharField()
    linked_to = serializers.CharField(help_text="Empty: nothing.")


class MatchingSerializer(serializers.Serializer[Any]):
    looked_at = serializers.IntegerField(help_text=f"Products; at most about {MOST_LOOKED_AT}.")
    is_all = serializers.BooleanField(help_text="These are all of the store's.")
    known = serializers.IntegerField(help_text="Listings that are here already.")
    counts = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="New listings linked by `sku` or `barcode`, with an `own` new product, with one "
        "although it might be another (`blank` SKU, `ambiguous` barcode), and not linked as the "
        "store has the SKU more than once (`duplicate`).",
    )
    named = serializers.DictField(
        child=MatchedSerializer(many=True), help_text=f"The first {MOST_NAMED} of each."
    )


class RunSerializer(serializers.ModelSerializer[SyncRun]):
    store_id = serializers.UUIDField(read_only=True)
    stream = serializers.CharField(source="stream.name", read_only=True)
    progress = serializers.FloatField(
        read_only=True,
        allow_null=True,
        help_text="0 to 1; null while the store has not said how much there is.",
    )

    matching = MatchingSerializer(
        read_only=True,
        allow_null=True,
        help_text="What a dry run of products would link. Null: it is none, or not done yet.",
    )

    class Meta:
        model = SyncRun
        fields = (
            "id",
            "store_id",
            "stream",
            "kind",
            "state",
            "dry_run",
            "window_from",
            "window_to",
            "progress",
            "expected",
            "pages",
            "seen",
            "created",
            "changed",
            "unchanged",
            "parked",
            "problem",
            "matching",
            "requested_by",
            "created_at",
            "started_at",
            "finished_at",
        )
        read_only_fields = fields


class ParkedSerializer(serializers.ModelSerializer[ParkedRecord]):
    store_id = serializers.UUIDField(read_only=True)

    class Meta:
        model = ParkedRecord
        fields = (
            "id",
            "store_id",
            "stream",
            "external_id",
            "state",
            "code",
            "reason",
            "path",
            "attempts",
            "first_at",
            "last_at",
            "next_at",
            "resolved_at",
        )
        read_only_fields = fields


class AppliedSerializer(serializers.Serializer[Any]):
    """What reading came to, in records."""

    created = serializers.IntegerField()
    changed = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    stale = serializers.IntegerField(help_text="Older than what was known.")
    parked = serializers.ListField(child=serializers.CharField(), help_text="Ids in the store.")


def applied(done: Applied) -> dict[str, Any]:
    return {
        "created": done.created,
        "changed": done.changed,
        "unchanged": done.unchanged,
        "stale": done.stale,
        "parked": list(done.parked),
    }
