"""Having another store send an order from its platform's warehouses: what it would cost, asking for
it, how far it is, calling it off.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations import outbox
from integrations.api.errors import request_id
from integrations.api.fields import Money, Strict
from integrations.api.order_writes import ParcelLine, Reason, units_of
from integrations.api.views import ApiViewSet
from logix.accounts.models import Scope
from logix.common.amounts import money, places_of
from orders import services
from orders.data_outside import Fee, Offer, Speed
from orders.models import Order, OutsideFulfillment

_SPEEDS = [speed.value for speed in Speed]
_SHOWN = (
    "id",
    "store_id",
    "reference",
    "speed",
    "state",
    "raw_status",
    "problem",
    "requested_by",
    "created_at",
    "ended_at",
)


class OutsideAsked(Strict):
    store = serializers.UUIDField(help_text="Id of the store that is to send it.")
    lines = ParcelLine(
        many=True,
        required=False,
        allow_empty=False,
        help_text="Without it, all that is left to ship.",
    )


class OutsideRequest(OutsideAsked):
    speed = serializers.ChoiceField(_SPEEDS, default=Speed.STANDARD.value)


class FeeSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    amount = Money()
    currency = serializers.CharField()


class UnsendableSerializer(serializers.Serializer[Any]):
    sku = serializers.CharField(help_text="As the store that sends knows it.")
    quantity = serializers.IntegerField()
    reason = serializers.CharField()


class OfferSerializer(serializers.Serializer[Any]):
    speed = serializers.ChoiceField(_SPEEDS)
    can_send = serializers.BooleanField()
    fees = FeeSerializer(many=True)
    ships_by = serializers.DateTimeField(allow_null=True)
    arrives_from = serializers.DateTimeField(allow_null=True)
    arrives_until = serializers.DateTimeField(allow_null=True)
    reasons = serializers.ListField(
        child=serializers.CharField(), help_text="Why it cannot be sent, in words."
    )
    lacking = UnsendableSerializer(many=True, help_text="Items that cannot be sent.")


class OutsidePreviewSerializer(serializers.Serializer[Any]):
    store_id = serializers.UUIDField()
    offers = OfferSerializer(many=True)


class OutsideLineSerializer(serializers.Serializer[Any]):
    line_id = serializers.UUIDField()
    sku = serializers.CharField(help_text="As the store that sends knows it.")
    quantity = serializers.IntegerField()
    sent = serializers.IntegerField(help_text="Units that have left there.")


class OutsideFulfillmentSerializer(serializers.Serializer[Any]):
    """`requested`, `accepted`, `sending` and `cancelling` are under way; the others are over."""

    id = serializers.UUIDField()
    store_id = serializers.UUIDField(help_text="The store that sends.")
    reference = serializers.CharField(help_text="By which that store knows it.")
    speed = serializers.ChoiceField(_SPEEDS)
    state = serializers.ChoiceField(OutsideFulfillment.State.choices)
    raw_status = serializers.CharField(help_text="That store's own word.")
    problem = serializers.CharField()
    lines = OutsideLineSerializer(many=True)
    requested_by = serializers.CharField()
    created_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)


class OutsideViews(ApiViewSet):
    """What other stores send, or sent, of one order. The parcels stand with the order itself."""

    tag = "Orders"
    write_scope = Scope.ORDERS_WRITE
    talks_to_store = frozenset({"preview"})
    serializer_class = OutsideFulfillmentSerializer

    def get_queryset(self) -> QuerySet[OutsideFulfillment]:
        rows = OutsideFulfillment.objects.filter(order__merchant=self.merchant)
        return rows.prefetch_related("lines")

    @extend_schema(
        summary="What other stores send of an order, latest first",
        responses=OutsideFulfillmentSerializer(many=True),
    )
    def list(self, request: Request, pk: UUID) -> Response:
        return self.page(self.get_queryset().filter(order=self._order(pk)), _shape)

    @extend_schema(
        summary="What it would cost to have another store send an order",
        description="Asks that store, and changes nothing. Of each speed it says what it costs, "
        "when it arrives, and what cannot be sent.",
        request=OutsideAsked,
        responses={200: OutsidePreviewSerializer},
    )
    def preview(self, request: Request, pk: UUID) -> Response:
        order, asked = self._order(pk), self.read(OutsideAsked)
        store = outbox.sender(order, asked["store"])
        offers = outbox.preview_outside(order, store, _units(order, asked))
        return Response({"store_id": store.pk, "offers": [_offer(one) for one in offers]})

    @extend_schema(
        summary="Have another store send an order",
        description="From the warehouses of its platform. Until it is over, these units cannot be "
        "shipped here, and no stock of yours is kept for them. What leaves there becomes a parcel "
        "of the order, of which the order's own store is told as of any other. Give it an "
        "`Idempotency-Key`.",
        request=OutsideRequest,
        responses={202: OutsideFulfillmentSerializer},
        examples=[
            OpenApiExample(
                "All that is left",
                {"store": "0197c0de-0000-7000-8000-000000000001", "speed": "standard"},
                request_only=True,
            )
        ],
    )
    def create(self, request: Request, pk: UUID) -> Response:
        order, asked = self._order(pk), self.read(OutsideRequest)
        store = outbox.sender(order, asked["store"])
        made = self.audited(
            "order.outside_requested",
            order,
            lambda: services.request_outside(
                order,
                store,
                units=_units(order, asked),
                speed=Speed(asked["speed"]),
                actor=self.actor,
                request_id=request_id(),
            ),
            store=str(store.pk),
        )
        return Response(_shape(self.get_queryset().get(pk=made.pk)), status=202)

    @extend_schema(
        summary="Call off what another store sends",
        description="That store decides whether it is in time; `state` says what became of it. "
        "Once more changes nothing.",
        request=Reason,
        responses={202: OutsideFulfillmentSerializer},
    )
    def cancel(self, request: Request, pk: UUID, outside_id: UUID) -> Response:
        order, asked = self._order(pk), self.read(Reason)
        found = self.get_queryset().filter(order=order, pk=outside_id).first()
        if found is None:
            raise Http404
        self.audited(
            "order.outside_cancel_requested",
            order,
            lambda: services.cancel_outside(
                found, reason=asked["reason"], actor=self.actor, request_id=request_id()
            ),
            reference=found.reference,
        )
        return Response(_shape(self.get_queryset().get(pk=found.pk)), status=202)

    def _order(self, pk: UUID) -> Order:
        rows = Order.objects.filter(merchant=self.merchant).select_related("store")
        order = rows.filter(pk=pk).first()
        if order is None:
            raise Http404
        return order


def _units(order: Order, asked: Mapping[str, Any]) -> dict[UUID, int] | None:
    return units_of(order, asked["lines"]) if "lines" in asked else None


def _offer(offer: Offer) -> dict[str, Any]:
    return {
        "speed": offer.speed.value,
        "can_send": offer.can_send,
        "fees": [_fee(one) for one in offer.fees],
        "ships_by": offer.ships_by,
        "arrives_from": offer.arrives_from,
        "arrives_until": offer.arrives_until,
        "reasons": list(offer.reasons),
        "lacking": [
            {"sku": one.sku, "quantity": one.quantity, "reason": one.reason}
            for one in offer.lacking
        ],
    }


def _fee(fee: Fee) -> dict[str, Any]:
    amount = money(fee.amount, places_of(fee.currency))
    return {"name": fee.name, "amount": amount, "currency": fee.currency}


def _shape(found: OutsideFulfillment) -> dict[str, Any]:
    return {
        **{name: getattr(found, name) for name in _SHOWN},
        "lines": [
            {"line_id": row.line_id, "sku": row.sku, "quantity": row.quantity, "sent": row.sent}
            for row in found.lines.all()
        ],
    }
