"""Orders of other stores that a store sends from its platform's warehouses: which stores can, how
one is asked and called off, what the end of such a command means, and the looks at how far it is.

A command bears no address: the order's own is read when the store is told, so that none is kept
twice.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

import structlog
from django.db.models import Min, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from integrations import authentication, registry
from integrations.base import BaseEcommerceIntegration
from integrations.errors import ItemError, NotFound, PlatformError, Rejected
from integrations.models import Command, Store, StoreStatus
from integrations.platform import Ability
from logix.common.bell import ring
from orders import outside, outside_news, services
from orders.data_outside import Offer
from orders.errors import OrderError
from orders.models import Order, OutsideFulfillment
from orders.status import Flag, OrderStatus

log = structlog.get_logger(__name__)

KINDS = (Command.Kind.FULFILL, Command.Kind.UNFULFILL)
_KIND, _State = Command.Kind, Command.State
_Outside = OutsideFulfillment.State
# A worker that looks has so long before another may; and it looks for so long at most.
_LEASE = timedelta(minutes=5)
_BUDGET_S = 40.0
_CALLED_OFF = "It was called off before the store was told."
_CANCELLED = "The order was cancelled at its own store a moment before."
_CANCEL_REQUESTED = "The buyer has asked the order's own store to cancel it. Decide that first."
_EDITED = "The order was edited at its own store a moment before. Look at it, then ask again."
_MOVED = "The address was changed at the order's own store. Read the order again, then ask again."


# -- who can, and what it would cost ---------------------------------------------------------------


def senders(order: Order) -> list[Store]:
    """The merchant's other stores that can be asked to send an order."""
    stores = Store.objects.filter(
        merchant_id=order.merchant_id, status=StoreStatus.ACTIVE, writes_enabled=True
    ).exclude(pk=order.store_id)
    return [store for store in stores.order_by("name", "pk") if _can(store)]


def sender(order: Order, store_id: UUID) -> Store:
    """One of them. Raises OrderError saying why another cannot."""
    store = Store.objects.filter(merchant_id=order.merchant_id, pk=store_id).first()
    if store is None:
        raise OrderError("unknown_store", "There is no such store.")
    if not _can(store):
        raise OrderError(
            "cannot_send", f"{store} cannot send orders of other stores. {_why(store)}"
        )
    if not store.writes_enabled:
        raise OrderError("writes_off", f"Writing to {store} is off. Turn it on at the store.")
    if not store.is_active:
        raise OrderError("store_not_active", f"{store} is not active.")
    return store


def preview(order: Order, store: Store, units: Mapping[UUID, int] | None) -> tuple[Offer, ...]:
    """Asks the store; nothing is kept. Raises OrderError, PlatformError."""
    drawn_up = outside.drawn_up(order, outside.plan(order, store, units))
    with authentication.adapter_for(store, insists=True) as adapter:
        adapter.require(Ability.FULFILS_FOR_OTHERS)
        return adapter.preview_fulfillment(drawn_up)


def _can(store: Store) -> bool:
    try:
        card = registry.card(store.platform)
    except registry.UnknownPlatform:
        return False
    return card.can(Ability.FULFILS_FOR_OTHERS)


def _why(store: Store) -> str:
    try:
        return registry.card(store.platform).exempt[Ability.FULFILS_FOR_OTHERS]
    except registry.UnknownPlatform:
        return "Its platform is not installed."


# -- telling ---------------------------------------------------------------------------------------


def request(adapter: BaseEcommerceIntegration, command: Command) -> tuple[bool, str]:
    """Whether the store was changed, and a sentence for the order's timeline. Raises Rejected for
    what must not be sent any more.
    """
    found = _of(command)
    if found.state != _Outside.REQUESTED:
        return _request_no_more(adapter, found)
    _refuse_if_unwanted(found)
    try:
        wanted = outside.asked(found)
    except OrderError as err:
        raise Rejected(err.message, code=err.code) from err
    changed = adapter.request_fulfillment(wanted)
    return changed, f"{found.store} {'took over' if changed else 'had already'} {found}"


def cancel(adapter: BaseEcommerceIntegration, command: Command) -> tuple[bool, str]:
    found = _of(command)
    try:
        changed = adapter.cancel_fulfillment(found.reference)
    except NotFound:
        return False, f"{found.store} has no {found}"
    return changed, f"{found.store} {'called off' if changed else 'does not send'} {found}"


def _request_no_more(
    adapter: BaseEcommerceIntegration, found: OutsideFulfillment
) -> tuple[bool, str]:
    """It was called off while its answer was lost: what is there is called off next, and what is
    not there is not made any more.
    """
    try:
        adapter.read_fulfillment(found.reference)
    except NotFound:
        raise Rejected(_CALLED_OFF, code="superseded") from None
    return False, f"{found.store} had already {found}"


def _refuse_if_unwanted(found: OutsideFulfillment) -> None:
    """Goods are physical: the order's own store is asked once more before they leave. Where it does
    not answer, what is known of it holds.
    """
    order = found.order
    try:
        with authentication.adapter_for(order.store) as adapter:
            if not adapter.can(Ability.ORDER_BY_ID):
                return
            there = adapter.read_order(order.external_id)
    except PlatformError as err:
        log.warning("outside_order_unread", order=str(order.pk), code=err.code)
        return
    if there.status.order is OrderStatus.CANCELLED:
        raise Rejected(_CANCELLED, code="cancelled")
    if Flag.CANCEL_REQUESTED in there.flags and not services.goes_on(order):
        raise Rejected(_CANCEL_REQUESTED, code="cancel_requested")
    ordered = {line.external_id: line.quantity for line in there.lines}
    rows = found.lines.select_related("line")
    if any(ordered.get(row.line.external_id, 0) < row.quantity for row in rows):
        raise Rejected(_EDITED, code="edited")
    if services.goes_elsewhere(order, there.buyer):
        raise Rejected(_MOVED, code="address_changed")


# -- what came of it -------------------------------------------------------------------------------


def follow(command: Command, state: str, problem: str) -> None:
    """What a command's end means to the order. Call it in the transaction that ends the command."""
    pk, actor = UUID(command.payload["fulfillment"]), command.requested_by
    if state not in (_State.DONE, _State.REFUSED, _State.DROPPED):
        outside_news.held_up(pk, problem)
    elif command.kind == _KIND.FULFILL:
        if state == _State.DONE:
            outside_news.taken(pk)
        elif state == _State.REFUSED:
            outside_news.refused(pk, problem, actor=actor)
        else:
            # Each claim raises the fence: without one nobody ever sent it.
            outside_news.given_up(pk, was_sent=command.fence > 0, actor=actor)
    elif state == _State.DONE:
        outside_news.called_off(pk, actor=actor)
    else:
        outside_news.not_called_off(pk, problem, actor=actor)


def never_told(found: OutsideFulfillment, *, actor: str) -> bool:
    """Take back a request that no worker had in hands yet: its store never hears of it. False where
    one had.
    """
    waiting = Command.objects.filter(
        store_id=found.store_id, key=key_of(found), state=_State.NEW, fence=0
    )
    return bool(
        waiting.update(
            state=_State.DROPPED,
            fence=1,
            next_at=None,
            done_at=Now(),
            problem_code="superseded",
            problem=_CALLED_OFF,
        )
    )


def key_of(found: OutsideFulfillment) -> str:
    return f"fulfill:{found.pk}"


def _of(command: Command) -> OutsideFulfillment:
    rows = OutsideFulfillment.objects.select_related("store", "order__store__data_key")
    return rows.get(pk=command.payload["fulfillment"])


# -- looking ---------------------------------------------------------------------------------------


def look_soon(store_id: UUID, reference: str) -> bool:
    """The store announced news of a request: look at once. False for one that is not known, or of
    which nothing is expected any more.
    """
    mine = OutsideFulfillment.objects.filter(
        store_id=store_id, reference=reference, next_look_at__isnull=False
    )
    known = bool(mine.update(next_look_at=Now()))
    if known:
        _ring(store_id)
    return known


def ring_looks() -> int:
    """Ring for each store that is to be asked how far it is; return how many."""
    rows = _due().values("store_id").annotate(first=Min("next_look_at")).order_by("first")
    stores = list(rows.values_list("store_id", flat=True)[:200])
    for store_id in stores:
        _ring(store_id)
    return len(stores)


def look(store_id: UUID) -> int:
    """Ask a store how far it is with what is due; return how many were asked about. Safe to run
    beside itself.
    """
    store = Store.objects.live().select_related("data_key", "merchant").filter(pk=store_id).first()
    claimed = _claim(store_id) if store else None
    if store is None or claimed is None:
        return 0
    asked, until = 0, time.monotonic() + _BUDGET_S
    try:
        with authentication.adapter_for(store) as adapter:
            while claimed is not None:
                asked += 1
                if not _look_at(adapter, store, claimed) or time.monotonic() > until:
                    break
                claimed = _claim(store_id)
    except PlatformError as err:
        # It cannot be called at all just now: no credentials, or an address that is blocked.
        authentication.note_failure(store, err)
        log.info("outside_not_looked", store=str(store_id), code=err.code)
    return asked


def _due() -> QuerySet[OutsideFulfillment]:
    return OutsideFulfillment.objects.filter(
        next_look_at__lte=Now(), store__status=StoreStatus.ACTIVE
    ).order_by()


def _claim(store_id: UUID) -> OutsideFulfillment | None:
    """The next one, its time put off: of two workers one gets it."""
    while found := _due().filter(store_id=store_id).order_by("next_look_at", "pk").first():
        mine = OutsideFulfillment.objects.filter(pk=found.pk, next_look_at__lte=Now())
        if mine.update(next_look_at=Now() + _LEASE):
            return found
    return None


def _look_at(adapter: BaseEcommerceIntegration, store: Store, found: OutsideFulfillment) -> bool:
    """False when the trouble is the whole store's."""
    try:
        news = adapter.read_fulfillment(found.reference)
    except PlatformError as err:
        outside_news.unseen(found.pk, err.message, now=timezone.now())
        log.info("outside_unseen", fulfillment=str(found.pk), code=err.code)
        authentication.note_failure(store, err)
        return isinstance(err, ItemError)
    outside_news.hear(found.pk, news, now=timezone.now())
    return True


def _ring(store_id: UUID) -> None:
    ring("integrations.tasks.look_outside", str(store_id), queue="bulk")
