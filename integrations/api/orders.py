"""Orders over the API: the list, one order, its timeline, and what may be done with it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from integrations import privacy, sync
from integrations.api import conflicts, order_filters, order_shapes, order_writes
from integrations.api.auth import may
from integrations.api.errors import Refused, request_id
from integrations.api.order_schema import (
    OrderEventSerializer,
    OrderSerializer,
    OrderSummarySerializer,
    ShipmentSerializer,
)
from integrations.api.order_writes import (
    Cancellation,
    Note,
    Parcel,
    Reason,
    StatusWish,
    TrackingChange,
)
from integrations.api.runs_schema import applied
from integrations.api.stores_schema import RefetchedSerializer
from integrations.api.views import ApiViewSet
from integrations.models import Command
from logix.accounts import audit
from logix.accounts.models import Scope
from orders import fees, services
from orders.models import Order, Shipment
from orders.shapes import PARTS
from orders.status import Flag, OrderStatus

_COMMANDS_SHOWN = 20


class OrderViews(ApiViewSet):
    """Orders of all stores."""

    tag = "Orders"
    write_scope = Scope.ORDERS_WRITE
    talks_to_store = frozenset({"refetch"})
    ordering = ("-placed_at", "-id")
    serializer_class = OrderSerializer

    def get_queryset(self) -> QuerySet[Order]:
        return Order.objects.filter(merchant=self.merchant)

    @extend_schema(
        summary="List orders, latest first",
        parameters=[order_filters.OrderQuery],
        responses=OrderSummarySerializer(many=True),
    )
    def list(self, request: Request) -> Response:
        asked = self.query(order_filters.OrderQuery)
        if "email" in asked and not may(request, Scope.PII):
            raise Refused(403, "scope_missing", "Searching by e-mail needs the scope “pii”.")
        rows = order_filters.apply(self.get_queryset(), self.merchant.pk, asked)
        return self.page(rows.values(*order_shapes.SUMMARY_COLUMNS), order_shapes.summary)

    @extend_schema(summary="One order in full", responses=OrderSerializer)
    def retrieve(self, request: Request, pk: UUID) -> Response:
        return Response(self._detail(pk))

    @extend_schema(
        summary="An order's timeline, oldest first", responses=OrderEventSerializer(many=True)
    )
    @action(detail=True)
    def timeline(self, request: Request, pk: UUID) -> Response:
        self.ordering = ("at", "id")
        return self.page(self._order(pk).events.all(), order_shapes.event)

    @extend_schema(
        summary="Ask the store for another status",
        description="The order shows the status when the store has confirmed it.",
        request=StatusWish,
        responses={202: OrderSerializer},
    )
    @action(detail=True, methods=["post"])
    def status(self, request: Request, pk: UUID) -> Response:
        order, asked = self._order(pk), self.read(StatusWish)
        wish = OrderStatus(asked["status"])
        self.audited(
            "order.status_requested",
            order,
            lambda: services.request_status(
                order, status=wish, actor=self.actor, request_id=request_id()
            ),
            status=wish.value,
        )
        return Response(self._detail(pk), status=202)

    @extend_schema(
        summary="Ship a parcel",
        description="Without `lines` everything that is left is shipped. The store is told, and "
        "tells the buyer unless `notify_customer` is false. The same `reference` again returns the "
        "parcel that was made.",
        request=Parcel,
        responses={201: ShipmentSerializer},
    )
    @action(detail=True, methods=["post"])
    def shipments(self, request: Request, pk: UUID) -> Response:
        order, asked = self._order(pk), self.read(Parcel)
        told = order_writes.parcel(order, self.merchant, asked)
        parcel = self.audited(
            "order.shipped",
            order,
            lambda: services.add_shipment(order, **told, actor=self.actor, request_id=request_id()),
            reference=asked.get("reference", ""),
        )
        return Response(order_shapes.shipment(parcel), status=201)

    @extend_schema(
        summary="Set a parcel's tracking", request=TrackingChange, responses=ShipmentSerializer
    )
    @action(detail=True, methods=["patch"])
    def tracking(self, request: Request, pk: UUID, shipment_id: UUID) -> Response:
        order, asked = self._order(pk), self.read(TrackingChange)
        parcel = _parcel(order, shipment_id)
        changed = self.audited(
            "order.tracking_changed",
            order,
            lambda: services.update_tracking(
                parcel, **asked, actor=self.actor, request_id=request_id()
            ),
            shipment=str(shipment_id),
        )
        return Response(order_shapes.shipment(changed))

    @extend_schema(
        summary="Take a parcel back",
        description="One that was made here and did not leave, or is back: its units lie on the "
        "shelf again and are still to leave. The store is told, if it heard of the parcel. Once "
        "more changes nothing.",
        request=Reason,
        responses=ShipmentSerializer,
    )
    @action(detail=True, methods=["post"])
    def unship(self, request: Request, pk: UUID, shipment_id: UUID) -> Response:
        order, asked = self._order(pk), self.read(Reason)
        parcel = _parcel(order, shipment_id)
        cancelled = self.audited(
            "order.shipment_cancelled",
            order,
            lambda: services.cancel_shipment(
                parcel, reason=asked["reason"], actor=self.actor, request_id=request_id()
            ),
            shipment=str(shipment_id),
        )
        return Response(order_shapes.shipment(cancelled))

    @extend_schema(
        summary="Ask the store to cancel",
        description="Stock is released when the store has confirmed.",
        request=Cancellation,
        responses={202: OrderSerializer},
    )
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: UUID) -> Response:
        order, asked = self._order(pk), self.read(Cancellation)
        order_writes.refuse_unless_quiet(order, notify_customer=asked["notify_customer"])
        self.audited(
            "order.cancel_requested",
            order,
            lambda: services.cancel_order(
                order, **asked, actor=self.actor, request_id=request_id()
            ),
        )
        return Response(self._detail(pk), status=202)

    @extend_schema(
        summary="Put a note on the order at the store",
        request=Note,
        responses={202: OrderEventSerializer},
    )
    @action(detail=True, methods=["post"])
    def notes(self, request: Request, pk: UUID) -> Response:
        order, asked = self._order(pk), self.read(Note)
        written = self.audited(
            "order.note_requested",
            order,
            lambda: services.add_note(order, **asked, actor=self.actor, request_id=request_id()),
            to_customer=asked["to_customer"],
        )
        return Response(order_shapes.event(written), status=202)

    @extend_schema(
        summary="Mark an order as reviewed",
        description="Takes off the flag `cancel_requested`: a person has looked, and the order "
        "goes on. An open edit stays open: `POST /orders/{id}/conflict/accept` decides it, and an "
        "order of which nothing else waits answers 409 `edit_undecided`.",
        request=None,
        responses=OrderSerializer,
    )
    @action(detail=True, methods=["post"])
    def review(self, request: Request, pk: UUID) -> Response:
        order = self._order(pk)
        self.audited(
            "order.reviewed",
            order,
            lambda: services.mark_reviewed(order, actor=self.actor, request_id=request_id()),
        )
        return Response(self._detail(pk))

    @extend_schema(
        summary="Say that picking began",
        description="From now on an edit at the store waits for a person, as after the first "
        "parcel. The store is not told. Once more changes nothing.",
        request=None,
        responses=OrderSerializer,
    )
    @action(detail=True, methods=["post"])
    def begin_picking(self, request: Request, pk: UUID) -> Response:
        order = self._order(pk)
        self.audited(
            "order.picking_begun",
            order,
            lambda: services.begin_picking(order, actor=self.actor, request_id=request_id()),
        )
        return Response(self._detail(pk))

    @extend_schema(
        summary="Say that an order is not being picked after all",
        description="An edit at the store is applied at once again, unless a parcel left or the "
        "store says that somebody is at it. Once more changes nothing.",
        request=None,
        responses=OrderSerializer,
    )
    @action(detail=True, methods=["post"])
    def undo_picking(self, request: Request, pk: UUID) -> Response:
        order = self._order(pk)
        self.audited(
            "order.picking_undone",
            order,
            lambda: services.undo_picking(order, actor=self.actor, request_id=request_id()),
        )
        return Response(self._detail(pk))

    @extend_schema(
        summary="Erase the buyer of an order",
        description="For good, and everywhere in Logix; what the store still sends of them is not "
        "kept. Amounts, country and city stay, and the store is not told. Once more changes "
        "nothing. Needs the scope `pii` as well.",
        request=None,
        responses=OrderSerializer,
    )
    @action(detail=True, methods=["post"], url_path="erase-buyer")
    def erase_buyer(self, request: Request, pk: UUID) -> Response:
        if not may(request, Scope.PII):
            raise Refused(403, "scope_missing", "Erasing a buyer needs the scope “pii” as well.")
        privacy.erase_buyer(self._order(pk), actor=self.actor, request_id=request_id())
        return Response(self._detail(pk))

    @extend_schema(
        summary="Read the order again from its store",
        request=None,
        responses=RefetchedSerializer,
    )
    @action(detail=True, methods=["post"])
    def refetch(self, request: Request, pk: UUID) -> Response:
        order = self._order(pk)
        done = sync.refetch_order(order.store, external_id=order.external_id, actor=self.actor)
        audit.record(
            "order.refetched",
            actor=self.actor,
            merchant=self.merchant,
            obj=order,
            request_id=request_id(),
        )
        return Response({"applied": applied(done), "order": self._detail(pk)})

    def _order(self, pk: UUID) -> Order:
        order = self.get_queryset().select_related("store__data_key").filter(pk=pk).first()
        if order is None:
            raise Http404
        return order

    def _detail(self, pk: UUID) -> dict[str, Any]:
        """Ten statements, whatever the order holds, and one where there are fees; an audit row when
        the buyer is shown.
        """
        rows = self.get_queryset().select_related("store").prefetch_related(*PARTS)
        found = rows.annotate(has_fees=fees.are_told()).filter(pk=pk).first()
        if found is None:
            raise Http404
        commands = Command.objects.filter(store_id=found.store_id, order_ref=found.pk)
        return order_shapes.detail(
            found,
            self._buyer(found),
            commands=commands.order_by("-id")[:_COMMANDS_SHOWN],
            booked=list(fees.of(found)) if found.has_fees else [],
            conflict=self._conflict(found),
        )

    def _conflict(self, order: Order) -> dict[str, Any] | None:
        """Asked for only where the flag says that there may be one."""
        if Flag.EDITED_AFTER_IMPORT not in order.flag_set:
            return None
        found = order.conflicts.open().select_related("order").first()
        return conflicts.shape(found) if found else None

    def _buyer(self, order: Order) -> Any:
        if not order.buyer_sealed or not may(self.request, Scope.PII):
            return None
        buyer = services.buyer_of(order)
        audit.record(
            "order.buyer_seen",
            actor=self.actor,
            merchant=self.merchant,
            obj=order,
            request_id=request_id(),
        )
        return buyer


def _parcel(order: Order, shipment_id: UUID) -> Shipment:
    parcel = Shipment.objects.filter(order=order, pk=shipment_id).first()
    if parcel is None:
        raise Http404
    parcel.order = order
    return parcel
