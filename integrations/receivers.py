"""The only ears of the connecting half: what inventory, orders and connecting announce becomes
outbox rows and due work in the same transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import structlog

from integrations import outbox, privacy, registry, sync, upkeep
from integrations.connect import opening
from integrations.connect import signals as connect_signals
from integrations.models import Command, Store, StreamName
from integrations.outbox import outside, refunds
from integrations.outbox.telling import shipment_payload
from integrations.platform import Ability
from integrations.sync import signals as sync_signals
from inventory import bundles, kept, shelves
from inventory import signals as inventory_signals
from orders import shortage
from orders import signals as order_signals
from orders.data import RefundOrder, ShipmentData, ShipmentLineData
from orders.matching import match_renamed, match_waiting_lines, settle_lines_of
from orders.models import Order, OutsideFulfillment, RefundRequest, Shipment
from orders.status import OrderStatus


def connect() -> None:
    """Called once when Django is ready. Connecting twice changes nothing: each pair has its own
    name.
    """
    for signal, receiver in _EARS:
        signal.connect(receiver, dispatch_uid=f"integrations.receivers.{receiver.__name__}")


def on_stock_changed(variant_ids: Iterable[UUID], **_: Any) -> None:
    outbox.mark_dirty(variant_ids)


def on_store_figure_changed(listing_ids: Iterable[UUID], **_: Any) -> None:
    outbox.note_store_figures(listing_ids)
    sync.take_figures(listing_ids, origin=_origin())


def on_listings_linked(store_id: UUID, listing_ids: Iterable[UUID], **_: Any) -> None:
    match_waiting_lines(store_id, listing_ids)
    kept.follow(listing_ids)
    outbox.mark_listings(listing_ids)
    sync.take_figures(listing_ids, origin="newly linked")


def on_skus_changed(store_id: UUID, sku_keys: Collection[str], **_: Any) -> None:
    match_renamed(store_id, sku_keys)


def on_listings_unlinked(listing_ids: Iterable[UUID], **_: Any) -> None:
    kept.follow(listing_ids)
    outbox.settle_unlinked(listing_ids)


def on_shelves_changed(store_id: UUID, **_: Any) -> None:
    outbox.mark_store(store_id)


def on_ruled_anew(listing_ids: Iterable[UUID], **_: Any) -> None:
    outbox.mark_listings(listing_ids)


def on_kit_changed(variant_id: UUID, actor: str, **_: Any) -> None:
    settle_lines_of(variant_id, actor=actor, request_id=_request_id())
    outbox.mark_dirty([variant_id])
    bundles.look_again(variant_id)


def on_lines_served(line_refs: Collection[UUID], **_: Any) -> None:
    shortage.resolve(line_refs)


def on_oversold(variant_ids: Collection[UUID], **_: Any) -> dict[UUID, dict[str, Any]]:
    return outbox.told_of(variant_ids)


def on_buyer_erased(order: Order, **_: Any) -> dict[str, int]:
    return {
        "commands": outbox.forget_buyer(order.pk),
        "parked": sync.forget_parked(order.store_id, order.external_id),
        "answers": upkeep.forget_answers(order.merchant_id, order.pk),
    }


def on_store_opened(store: Store, actor: str, **_: Any) -> None:
    """The store may be called or written again: what waited for that goes on."""
    outbox.unblock_store(store, actor=actor)
    sync.reread_orders(store, store.options.get("status_words") or ())
    for stream in StreamName.values:
        sync.rearm_parked(store, stream)


def on_shipment_added(shipment: Shipment, actor: str, **_: Any) -> None:
    """A parcel the store itself reported is no news to it."""
    if shipment.origin == Shipment.Origin.STORE:
        return
    _tell_parcel(shipment, _parcel(shipment), actor)
    _fields_follow(shipment.order)


def on_shipment_cancelled(shipment: Shipment, reopens: bool, actor: str, **_: Any) -> None:
    """What the store was never told of is not told any more. An order that it was told to complete
    is opened again.
    """
    order = shipment.order
    memory = outbox.forget_parcel(order, shipment, actor=actor)
    if memory is not outbox.Memory.NONE or shipment.external_id:
        parcel = replace(_parcel(shipment), cancelled=True)
        if memory is not outbox.Memory.UNSURE:
            parcel = replace(parcel, lines=())
        _tell_parcel(shipment, parcel, actor)
    if reopens:
        is_told = outbox.forget_completion(order, actor=actor)
        if is_told or order.order_status == OrderStatus.COMPLETED:
            on_status_requested(order, OrderStatus.OPEN, actor, by_parcels=True)
    _fields_follow(order)


def _parcel(shipment: Shipment) -> ShipmentData:
    return ShipmentData(
        external_id=shipment.external_id,
        reference=shipment.reference,
        external_location_id=shelves.shown_at(shipment.order.store_id, shipment.location_id),
        carrier=shipment.carrier,
        tracking_number=shipment.tracking_number,
        tracking_url=shipment.tracking_url,
        shipped_at=shipment.shipped_at,
        lines=tuple(
            ShipmentLineData(line_external_id=x.line.external_id, quantity=x.quantity)
            for x in shipment.lines.select_related("line")
        ),
        notify_customer=shipment.notify_customer,
    )


def _tell_parcel(shipment: Shipment, parcel: ShipmentData, actor: str) -> None:
    _enqueue(
        shipment.order,
        Command.Kind.SHIPMENT,
        f"shipment:{shipment.pk}:v{shipment.version}",
        shipment_payload(parcel, version=shipment.version),
        actor,
    )


def on_status_requested(
    order: Order, status: OrderStatus, actor: str, by_parcels: bool = False, **_: Any
) -> None:
    """What follows from parcels is no news to a platform that draws it from them itself."""
    if not (by_parcels and _sets_statuses_itself(order.store)):
        key = f"status:{order.pk}:{status}:{order.revision}"
        _enqueue(order, Command.Kind.STATUS, key, {"status": str(status)}, actor)
    _fields_follow(order)


def _sets_statuses_itself(store: Store) -> bool:
    try:
        return not registry.card(store.platform).can(Ability.STATUS_WRITE)
    except registry.UnknownPlatform:
        return False


def on_cancel_requested(
    order: Order, reason: str, notify_customer: bool, actor: str, **_: Any
) -> None:
    """One open cancellation an order; after one that ended, a person may ask again."""
    key = f"cancel:{order.pk}"
    ended = (Command.State.DONE, Command.State.REFUSED, Command.State.DROPPED)
    before = Command.objects.filter(
        store_id=order.store_id, order_ref=order.pk, kind=Command.Kind.CANCEL
    )
    if before.exists() and not before.exclude(state__in=ended).exists():
        key = f"{key}:{order.revision}"
    payload = {"notify_customer": notify_customer}
    _enqueue(order, Command.Kind.CANCEL, key, payload, actor, written=reason)


def on_note_requested(
    order: Order, text: str, to_customer: bool, reference: str, actor: str, **_: Any
) -> None:
    payload = {"to_customer": to_customer, "reference": reference}
    _enqueue(order, Command.Kind.NOTE, f"note:{reference}", payload, actor, written=text)


def on_refund_requested(request: RefundRequest, refund: RefundOrder, actor: str, **_: Any) -> None:
    _enqueue(
        request.order,
        Command.Kind.REFUND,
        f"refund:{request.pk}",
        refunds.payload_of(refund, reference=request.reference),
        actor,
        written=refund.reason,
    )


def on_outside_requested(fulfillment: OutsideFulfillment, actor: str, **_: Any) -> None:
    _enqueue_outside(fulfillment, Command.Kind.FULFILL, outside.key_of(fulfillment), actor)


def on_outside_cancel_requested(fulfillment: OutsideFulfillment, actor: str, **_: Any) -> bool:
    """After one that ended, it may be asked again."""
    if outside.never_told(fulfillment, actor=actor):
        return True
    key = f"unfulfill:{fulfillment.pk}:{fulfillment.order.revision}"
    _enqueue_outside(fulfillment, Command.Kind.UNFULFILL, key, actor)
    return False


def _enqueue_outside(
    fulfillment: OutsideFulfillment, kind: Command.Kind, key: str, actor: str
) -> None:
    """To the store that sends, which is not the order's."""
    outbox.enqueue_command(
        store_id=fulfillment.store_id,
        kind=kind,
        key=key,
        order_ref=fulfillment.order_id,
        external_order_id=fulfillment.reference,
        payload={"fulfillment": str(fulfillment.pk)},
        requested_by=actor,
        request_id=_request_id(),
    )


def on_orders_imported(store: Store, revisions: Mapping[UUID, int], **_: Any) -> None:
    outbox.want_fields(store.pk, revisions, request_id=_request_id())
    privacy.obey(store, revisions)
    sync.take_sold(store, revisions)
    outbox.orders_changed(store, revisions)


def on_stock_master_changed(store: Store, **_: Any) -> int:
    if store.is_stock_master:
        outbox.settle_mastered(store)
        opening.read_products_anew(store)
        return 0
    outbox.mark_store(store.pk)
    return outbox.first_push(store).counts[outbox.Outcome.WRITE]


def on_rules_changed(store: Store, **_: Any) -> None:
    outbox.rules_changed(store.pk)


def on_status_words_changed(store: Store, words: Collection[str], **_: Any) -> None:
    sync.reread_orders(store, words)


def on_channels_added(store: Store, actor: str, **_: Any) -> None:
    sync.read_past_anew(store, actor=actor)


def _fields_follow(order: Order) -> None:
    """What we tell of an order may change what rules tell of it. The change that is being made is
    the order's next revision.
    """
    outbox.want_fields(order.store_id, {order.pk: order.revision + 1}, request_id=_request_id())


def _origin() -> str:
    """By which way in a figure came."""
    found: str = structlog.contextvars.get_contextvars().get("origin", "")
    return found


def _request_id() -> str:
    found: str = structlog.contextvars.get_contextvars().get("request_id", "")
    return found


def _enqueue(
    order: Order,
    kind: Command.Kind,
    key: str,
    payload: dict[str, Any],
    actor: str,
    *,
    written: str = "",
) -> None:
    outbox.enqueue_command(
        store_id=order.store_id,
        kind=kind,
        key=key,
        order_ref=order.pk,
        external_order_id=order.external_id,
        payload=payload,
        written=written,
        requested_by=actor,
        request_id=_request_id(),
    )


_EARS = (
    (inventory_signals.stock_changed, on_stock_changed),
    (inventory_signals.store_figure_changed, on_store_figure_changed),
    (inventory_signals.listings_linked, on_listings_linked),
    (inventory_signals.skus_changed, on_skus_changed),
    (inventory_signals.listings_unlinked, on_listings_unlinked),
    (inventory_signals.shelves_changed, on_shelves_changed),
    (inventory_signals.ruled_anew, on_ruled_anew),
    (inventory_signals.kit_changed, on_kit_changed),
    (inventory_signals.lines_served, on_lines_served),
    (connect_signals.store_opened, on_store_opened),
    (order_signals.shipment_added, on_shipment_added),
    (order_signals.shipment_cancelled, on_shipment_cancelled),
    (order_signals.status_requested, on_status_requested),
    (order_signals.cancel_requested, on_cancel_requested),
    (order_signals.note_requested, on_note_requested),
    (order_signals.refund_requested, on_refund_requested),
    (order_signals.outside_requested, on_outside_requested),
    (order_signals.outside_cancel_requested, on_outside_cancel_requested),
    (order_signals.oversold, on_oversold),
    (order_signals.buyer_erased, on_buyer_erased),
    (order_signals.orders_imported, on_orders_imported),
    (sync_signals.rules_changed, on_rules_changed),
    (sync_signals.stock_master_changed, on_stock_master_changed),
    (connect_signals.status_words_changed, on_status_words_changed),
    (connect_signals.channels_added, on_channels_added),
)
