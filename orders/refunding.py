"""Refunds that people ask for here: asked, told to the store, shown by the store. A request is
counted as given back from the moment it is asked for, so two together never exceed what was paid.

A refund moves money. Goods go back on the shelf only where the request says so, and only once the
store has the refund.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Literal
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from inventory import locations
from inventory.ledger import LedgerRefused
from inventory.models import Location
from orders import refund_sums, signals, timeline
from orders.changing import change, lines_of, note
from orders.data import ZERO, RefundOrder
from orders.errors import OrderError
from orders.models import Order, OrderEvent, OrderLine, RefundRequest
from orders.refund_sums import Sum, said
from orders.restocking import Back, shelve
from orders.status import CALLED_OFF, Handling, OrderStatus

OFF = "off"
GATEWAY = "gateway"
LONGEST_REASON = 200
Restock = Mapping[UUID, int] | Literal["none"]

_State = RefundRequest.State
_REFERENCE = re.compile(r"[A-Za-z0-9._#/-]{1,64}")
# Of the 64 characters of a reference, what the order's number may take.
_NUMBER_IN_REFERENCE = 50


def request_refund(
    order: Order,
    *,
    amount: Decimal | None = None,
    lines: Mapping[UUID, int] | None = None,
    shipping: Decimal | None = None,
    reason: str = "",
    restock: Restock = "none",
    location: Location | None = None,
    reference: str = "",
    actor: str,
    request_id: str = "",
) -> RefundRequest:
    """Ask the store to refund ``lines`` (units by order line) and ``shipping`` (with tax), or
    ``amount`` where that is to be another sum; without lines only money moves. Of units that the
    buyer has, ``restock`` says how many go back to stock here, at ``location``, the first open
    place where none is named.

    The same ``reference`` again returns the request that was made. Raises OrderError.
    """

    def ask(order: Order) -> RefundRequest:
        if reference and not _REFERENCE.fullmatch(reference):
            raise OrderError("bad_reference", "A reference has letters, digits and ._#/- only.")
        if len(reason) > LONGEST_REASON:
            raise OrderError("reason_too_long", f"A reason has at most {LONGEST_REASON} letters.")
        total = preview(
            order,
            amount=amount,
            lines=lines,
            shipping=shipping,
            restock=restock,
            location=location,
        )
        back = {} if restock == "none" else restock
        request = RefundRequest.objects.create(
            order=order,
            reference=reference or _next_reference(order),
            amount=total.amount,
            shipping=total.shipping,
            lines=[
                {
                    "line": row.line_external_id,
                    "quantity": row.quantity,
                    "amount": str(row.amount),
                    "tax": str(row.tax),
                }
                for row in total.lines
            ],
            restock={str(pk): units for pk, units in back.items()},
            location=location,
            moves_money=order.store.refunds == GATEWAY,
            requested_by=actor,
        )
        note(
            order,
            "refund_requested",
            f"Asked the store to {'refund' if request.moves_money else 'note a refund of'} "
            f"{said(total.amount, order)}",
            actor,
            data={"reference": request.reference, "amount": str(total.amount)},
            request_id=request_id,
        )
        signals.refund_requested.send(
            sender=RefundRequest,
            request=request,
            refund=_told(order, request, total, reason),
            actor=actor,
        )
        return request

    def once(order: Order) -> RefundRequest:
        known = order.refund_requests.filter(reference=reference).first() if reference else None
        return known or ask(order)

    return change(order, once)


def preview(
    order: Order,
    *,
    amount: Decimal | None = None,
    lines: Mapping[UUID, int] | None = None,
    shipping: Decimal | None = None,
    restock: Restock = "none",
    location: Location | None = None,
) -> Sum:
    """What such a refund would come to now; nothing is changed. Raises OrderError as
    ``request_refund`` would.
    """
    _refuse_unless_refundable(order)
    total = refund_sums.add_up(
        order,
        lines_of(order),
        refund_sums.counted(order),
        units=lines or {},
        shipping=shipping or ZERO,
        amount=amount,
    )
    _check_restock(order, {} if restock == "none" else restock, total, location)
    return total


@transaction.atomic
def refund_told(order_id: UUID, reference: str, *, actor: str = "", request_id: str = "") -> None:
    """The store has the refund. Call it in the transaction that learns so; twice is once."""
    mine = RefundRequest.objects.filter(order_id=order_id, reference=reference)
    # Settles the race with an import that shows the refund: one of the two puts goods back.
    if mine.filter(state=_State.ASKED).update(state=_State.TOLD):
        _put_back(mine.get(), actor=actor, request_id=request_id)


def refund_ended(order_id: UUID, reference: str, *, by_store: bool, problem: str) -> None:
    """The store refused, or a person gave it up: it is not counted as given back any more."""
    RefundRequest.objects.filter(order_id=order_id, reference=reference, state=_State.ASKED).update(
        state=_State.REFUSED if by_store else _State.DROPPED,
        problem=problem,
        ended_at=timezone.now(),
    )


def refund_shown(request: RefundRequest, external_id: str, *, request_id: str = "") -> None:
    """The store shows the refund among the order's own, whatever was thought to have become of the
    request. Call it in the transaction that writes the refund.
    """
    mine = RefundRequest.objects.filter(pk=request.pk)
    shown = {"state": _State.DONE, "external_id": external_id, "ended_at": timezone.now()}
    if mine.filter(state=_State.TOLD).update(**shown, problem=""):
        return
    if mine.exclude(state=_State.DONE).update(**shown, problem=""):
        _put_back(request, actor=request.requested_by, request_id=request_id)


def _refuse_unless_refundable(order: Order) -> None:
    if order.gone_at:
        raise OrderError("order_gone", "The store deleted this order; nothing can be refunded.")
    if order.order_status == OrderStatus.DRAFT:
        raise OrderError("order_draft", "The order has not been placed yet.")
    if order.store.refunds == OFF:
        raise OrderError("refunds_off", off_words(order))


def off_words(order: Order) -> str:
    """Where refunds are allowed, for somebody who was refused one."""
    return (
        f"Refunds from here are off for {order.store}. Its owner allows them at the store, under "
        "Options, or with the option “refunds” of the API."
    )


def _check_restock(
    order: Order, back: Mapping[UUID, int], total: Sum, location: Location | None
) -> None:
    if location is not None and location.merchant_id != order.merchant_id:
        raise OrderError("unknown_location", "This place belongs to somebody else.")
    if location is not None and not location.is_active:
        raise OrderError("location_closed", location.refusal)
    if unknown := set(back).difference(total.left):
        raise OrderError("unknown_line", f"Line {unknown.pop()} is not part of this refund.")
    for pk, line in _lines_with_variants(back).items():
        name, most = line.sku or line.name, total.left[pk]
        if back[pk] < 1:
            raise OrderError("bad_quantity", "Put back at least one unit of a line.")
        if back[pk] > most:
            raise OrderError(
                "too_many_restocked",
                f"{name}: {back[pk]} to be put back, and this refund has {most} that had left. "
                "What has not left is free again by itself.",
            )
        if line.variant is None:
            raise OrderError(
                "unknown_product",
                f"{name}: Logix does not know which product this is. Link its listing first, or "
                "put the units back at the stock level.",
            )
        _refuse_if_returned(order, line)


def _refuse_if_returned(order: Order, line: OrderLine) -> None:
    """Goods are put back once: by their return where there is one that is decided on."""
    returns = order.returns.exclude(status__in=CALLED_OFF).exclude(handling=Handling.OFF)
    found = returns.filter(lines__line=line).first()
    if found is not None:
        raise OrderError(
            "comes_back_by_return",
            f"{line.sku or line.name} comes back by return {found}. Put it back there.",
        )


def _told(order: Order, request: RefundRequest, total: Sum, reason: str) -> RefundOrder:
    return RefundOrder(
        amount=total.amount,
        currency=order.currency,
        lines=total.lines,
        shipping=total.shipping,
        shipping_tax=total.shipping_tax,
        moves_money=request.moves_money,
        reason=reason.strip(),
    )


def _next_reference(order: Order) -> str:
    taken = set(order.refund_requests.values_list("reference", flat=True))
    number = len(taken) + 1
    stem = re.sub(r"[^A-Za-z0-9._#/-]", "-", order.number[:_NUMBER_IN_REFERENCE])
    while f"LGX-{stem}-R{number}" in taken:
        number += 1
    return f"LGX-{stem}-R{number}"


def _put_back(request: RefundRequest, *, actor: str, request_id: str) -> None:
    """Do as was decided when the refund was asked for. What cannot be done is said on the order's
    timeline: the money is on its way in any case.
    """
    units = {UUID(pk): count for pk, count in request.restock.items()}
    if not units:
        return
    order, lines = request.order, _lines_with_variants(units)
    place = request.location or locations.default(order.merchant_id)
    named = ", ".join(f"{units[pk]} × {line.sku or line.name}" for pk, line in lines.items())
    kind, title = "restocked", f"Put back to stock at {place.name}, refunded: {named}"
    try:
        with transaction.atomic():
            shelve(
                order.pk,
                [
                    Back(line.variant.stock_item_id, units[pk], f"refund:{request.pk.hex}:{pk.hex}")
                    for pk, line in lines.items()
                    if line.variant is not None
                ],
                place,
                reason=f"Refund {request}",
                actor=actor,
                request_id=request_id,
            )
    except LedgerRefused as err:
        kind, title = "attention", f"Not put back to stock: {named}. {err}"
    timeline.write(
        order.pk,
        kind,
        title,
        origin=OrderEvent.Origin.HUB,
        actor=actor,
        data={"reference": request.reference, "location": place.code},
        request_id=request_id,
    )


def _lines_with_variants(units: Mapping[UUID, int]) -> dict[UUID, OrderLine]:
    rows = OrderLine.objects.filter(pk__in=units).select_related("variant")
    return {line.pk: line for line in rows}
