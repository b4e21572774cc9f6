"""How the facts behind an item's figures look over the API."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rest_framework import serializers

from integrations.api.allocations import SetAsideSerializer, set_aside_row
from integrations.api.stock import KEPT_BY, PlaceSerializer, StockItemSerializer
from integrations.models import Push
from integrations.outbox.facts import Counted, Facts, Figure, Shown
from integrations.outbox.verdicts import Verdict
from inventory.availability import Target
from inventory.models import Bucket, Listing, ListingMode, MovementKind, Variant

_MOVEMENT = ("id", "at", "kind", "bucket", "before", "delta", "after", "reason", "actor")
_LEVEL = ("id", "on_hand", "reserved", "allocated", "held", "damaged", "free", "counted_at")


class TermsSerializer(serializers.Serializer[Any]):
    """How the figure is computed, see docs/STOCK.md."""

    on_hand = serializers.IntegerField()
    reserved = serializers.IntegerField()
    set_aside = serializers.IntegerField(help_text="For other stores, and not taken yet.")
    held = serializers.IntegerField(help_text="Not to be sold for now.")
    damaged = serializers.IntegerField()
    lacking = serializers.IntegerField(
        help_text="What is reserved, set aside, held or damaged at a place beyond what lies there: "
        "other places do not give it."
    )
    own_set_aside = serializers.IntegerField(help_text="Of the pool: set aside for this store.")
    pool = serializers.IntegerField(
        help_text="Free at the places the store sells from: "
        "on_hand − reserved − set_aside − held − damaged + lacking."
    )
    buffer = serializers.IntegerField()
    percent = serializers.IntegerField()
    share = serializers.IntegerField(help_text="⌊(pool − buffer) × percent / 100⌋")
    max_listed = serializers.IntegerField(allow_null=True)
    end_when = serializers.IntegerField()


class RuleOfFigureSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(allow_null=True, help_text="Of `/stock/rules`; null: none holds.")
    words = serializers.CharField(help_text="Which rule it is.")


class TakesOffSerializer(serializers.Serializer[Any]):
    kept_back = serializers.IntegerField(help_text="Its threshold or safety stock.")
    open_there = serializers.IntegerField(help_text="Of its own orders, until they leave there.")


class TargetSerializer(serializers.Serializer[Any]):
    value = serializers.IntegerField(
        allow_null=True, help_text="What the store should sell. Null: Logix leaves it alone."
    )
    reason = serializers.CharField()
    rule = RuleOfFigureSerializer(allow_null=True, help_text="Null: no rule has a say in it.")
    terms = TermsSerializer(allow_null=True, help_text="Null where it is not computed.")
    takes_off = TakesOffSerializer(
        allow_null=True, help_text="What the store takes off its figure by itself. Null: nothing."
    )
    told = serializers.IntegerField(
        allow_null=True, help_text="What the store is told and should show: with what it takes off."
    )
    by_location = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="`told` by the store's own id of each location; empty where it keeps one figure.",
    )


class ListedSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    sku = serializers.CharField()
    title = serializers.CharField()
    mode = serializers.ChoiceField(ListingMode.choices)


class SoldInSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    status = serializers.CharField()
    writes_enabled = serializers.BooleanField()


class FigureSerializer(serializers.Serializer[Any]):
    location = serializers.CharField(
        help_text="The store's own id of it; empty where it keeps one figure."
    )
    name = serializers.CharField()
    places = PlaceSerializer(
        many=True, allow_null=True, help_text="Yours whose units it shows. Null: all that are open."
    )
    should_show = serializers.IntegerField(allow_null=True)
    told = serializers.IntegerField(allow_null=True)
    seen = serializers.IntegerField(allow_null=True)


class PushedSerializer(serializers.Serializer[Any]):
    state = serializers.ChoiceField(Push.State.choices)
    told = serializers.IntegerField(allow_null=True)
    told_at = serializers.DateTimeField(allow_null=True)
    waiting_since = serializers.DateTimeField(allow_null=True)
    next_at = serializers.DateTimeField(allow_null=True)
    problem_code = serializers.CharField()
    problem = serializers.CharField()


class ShownSerializer(serializers.Serializer[Any]):
    store = SoldInSerializer()
    listing = ListedSerializer()
    verdict = serializers.ChoiceField(
        [verdict.value for verdict in Verdict],
        help_text="`in_step`: the store shows what it should. `told`: it was told and was not read "
        "since. `waiting`: it is about to be told. `blocked`: somebody must act. `left_alone`: "
        "Logix does not write it. `differs`: none of these.",
    )
    words = serializers.CharField(help_text="The same in a sentence, with what to do.")
    should_show = TargetSerializer()
    push = PushedSerializer(allow_null=True)
    seen = serializers.IntegerField(allow_null=True)
    seen_at = serializers.DateTimeField(allow_null=True)
    figures = FigureSerializer(many=True, help_text="The same at each location of the store.")


class LevelOfItemSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    location = PlaceSerializer()
    kept_by = serializers.UUIDField(allow_null=True, help_text=KEPT_BY)
    is_open = serializers.BooleanField(help_text="False: no store is offered what is there.")
    on_hand = serializers.IntegerField()
    reserved = serializers.IntegerField()
    allocated = serializers.IntegerField(help_text="Set aside for single stores, not taken yet.")
    held = serializers.IntegerField()
    damaged = serializers.IntegerField()
    free = serializers.IntegerField()
    counted_at = serializers.DateTimeField(allow_null=True)


class CountedSerializer(serializers.Serializer[Any]):
    variant = StockItemSerializer()
    units = serializers.IntegerField(help_text="Of it in one; more than 1 only in a kit.")
    levels = LevelOfItemSerializer(many=True)


class OfOrderSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    number = serializers.CharField()


class MovedSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    at = serializers.DateTimeField()
    kind = serializers.ChoiceField(MovementKind.choices)
    bucket = serializers.ChoiceField([b.value for b in Bucket])
    before = serializers.IntegerField()
    delta = serializers.IntegerField()
    after = serializers.IntegerField()
    reason = serializers.CharField()
    actor = serializers.CharField()
    order = OfOrderSerializer(allow_null=True)
    variant = StockItemSerializer()
    location = PlaceSerializer()


class HoldingSerializer(serializers.Serializer[Any]):
    order = OfOrderSerializer()
    variant = StockItemSerializer()
    location = PlaceSerializer()
    units = serializers.IntegerField(help_text="Reserved.")
    short = serializers.IntegerField(help_text="Wanted, and not there.")
    placed_at = serializers.DateTimeField()


class ShownListSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    rows = ShownSerializer(many=True)


class MovedListSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    rows = MovedSerializer(many=True, help_text="The newest, newest first.")


class HoldingListSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    units = serializers.IntegerField(help_text="Reserved, of all of them.")
    short = serializers.IntegerField()
    rows = HoldingSerializer(many=True, help_text="Oldest orders first.")


class KitListSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    rows = StockItemSerializer(many=True)


class ExplainedSerializer(serializers.Serializer[Any]):
    variant = StockItemSerializer()
    is_kit = serializers.BooleanField(help_text="True: what is counted are its parts.")
    counted = CountedSerializer(many=True, help_text="The item, or of a kit its parts.")
    in_kits = KitListSerializer(help_text="Kits it is a part of: their figures follow from it.")
    listings = ShownListSerializer()
    movements = MovedListSerializer()
    reservations = HoldingListSerializer(help_text="Open ones.")
    set_aside = SetAsideSerializer(many=True, help_text="What single stores alone may take.")
    differences = serializers.ListField(
        child=serializers.CharField(),
        help_text="Where levels are not what their movements and reservations add up to. Empty: "
        "all are.",
    )


class SupposedRowSerializer(serializers.Serializer[Any]):
    store = SoldInSerializer()
    listing = ListedSerializer()
    now = TargetSerializer()
    supposed = TargetSerializer()


class SupposedSerializer(serializers.Serializer[Any]):
    variant = StockItemSerializer()
    listings = SupposedRowSerializer(many=True)


def explained(facts: Facts) -> dict[str, Any]:
    return {
        "variant": item(facts.variant),
        "is_kit": facts.is_kit,
        "counted": [_counted(one) for one in facts.counted],
        "in_kits": _list(facts.in_kits_count, facts.in_kits, item),
        "listings": _list(facts.shown_count, facts.shown, _shown),
        "movements": _list(facts.movement_count, facts.movements, _movement),
        "reservations": {
            "units": facts.reserved,
            "short": facts.short,
            **_list(facts.reservation_count, facts.reservations, _holding),
        },
        "set_aside": [set_aside_row(row) for row in facts.set_aside],
        "differences": [str(one) for one in facts.untrue],
    }


def supposed_row(listing: Listing, now: Target, then: Target) -> dict[str, Any]:
    return {**_sold(listing), "now": target(now), "supposed": target(then)}


def target(of: Target) -> dict[str, Any]:
    return {
        "value": of.value,
        "reason": of.reason,
        "rule": {"id": of.rule_id, "words": of.rule} if of.rule else None,
        "terms": of.terms or None,
        "takes_off": of.takes_off or None,
        "told": sum(of.told.values()) if of.added else of.value,
        "by_location": {at: units for at, units in of.told.items() if at},
    }


def item(variant: Variant) -> dict[str, Any]:
    return {"id": variant.pk, "sku": variant.sku, "title": variant.title}


def _list(count: int, rows: Iterable[Any], shape: Callable[[Any], Any]) -> dict[str, Any]:
    return {"count": count, "rows": [shape(row) for row in rows]}


def _sold(listing: Listing) -> dict[str, Any]:
    store = listing.store
    return {
        "store": {
            "id": store.pk,
            "name": store.name,
            "status": store.status,
            "writes_enabled": store.writes_enabled,
        },
        "listing": {name: getattr(listing, name) for name in ("id", "sku", "title", "mode")},
    }


def _shown(one: Shown) -> dict[str, Any]:
    return {
        **_sold(one.listing),
        "verdict": one.verdict,
        "words": one.words,
        "should_show": target(one.target),
        "push": _pushed(one.push) if one.push else None,
        "seen": one.listing.seen_quantity,
        "seen_at": one.listing.seen_at,
        "figures": [_figure(figure) for figure in one.figures],
    }


def _pushed(push: Push) -> dict[str, Any]:
    return {
        "state": push.state,
        "told": push.pushed_value,
        "told_at": push.pushed_at,
        "waiting_since": push.dirty_since,
        "next_at": push.next_at,
        "problem_code": push.problem_code,
        "problem": push.problem,
    }


def _figure(figure: Figure) -> dict[str, Any]:
    return {
        "location": figure.at,
        "name": figure.name,
        "places": None if figure.places is None else [_place(x) for x in figure.places],
        "should_show": figure.should,
        "told": figure.told,
        "seen": figure.seen,
    }


def _counted(one: Counted) -> dict[str, Any]:
    levels = [
        {
            **{name: getattr(level, name) for name in _LEVEL},
            "location": _place(level.location),
            "kept_by": level.location.kept_by_id,
            "is_open": level.location.is_active,
        }
        for level in one.levels
    ]
    return {"variant": item(one.variant), "units": one.units, "levels": levels}


def _movement(row: Any) -> dict[str, Any]:
    return {**{name: getattr(row, name) for name in _MOVEMENT}, **_where(row), "order": _order(row)}


def _holding(row: Any) -> dict[str, Any]:
    return {
        **_where(row),
        "order": _order(row),
        "units": row.quantity,
        "short": row.short,
        "placed_at": row.placed_at,
    }


def _where(row: Any) -> Mapping[str, Any]:
    return {"variant": item(row.variant), "location": _place(row.location)}


def _order(row: Any) -> dict[str, Any] | None:
    """None where the movement was for none, or its order is gone."""
    if row.order_number is None:
        return None
    return {"id": row.order_ref, "number": row.order_number}


def _place(location: Any) -> dict[str, Any]:
    return {"id": location.pk, "code": location.code, "name": location.name}
