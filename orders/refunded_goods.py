"""Goods of refunds that no return tells of: a refund moves money only, until a person says of its
units that they are back and can be sold again, or that nothing comes back.

Units that had not left are free by themselves, and those of a line with a return are decided on
there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Sum
from django.utils import timezone

from inventory import kits, locations
from inventory.kits import Recipe
from inventory.models import Location, MovementKind, StockMovement
from orders.changing import change, note
from orders.coming_back import handling_of
from orders.errors import OrderError
from orders.lines import item_of
from orders.models import GoodsDecision, Order, OrderLine, ReturnLine
from orders.restocking import Back, shelve
from orders.status import CALLED_OFF, Handling

_Outcome = GoodsDecision.Outcome


@dataclass(frozen=True, slots=True)
class Goods:
    """Units of a line that were refunded after they had left; ``waits``: on how many of them nobody
    has decided, nor put them back otherwise.
    """

    line: OrderLine
    refunded: int
    waits: int


def goods_of(order: Order) -> dict[UUID, Goods]:
    """The lines with such units, by id; none where the store's option ``returns`` is off."""
    if handling_of(order.store) is Handling.OFF:
        return {}
    found = {x.pk: x for x in order.lines.select_related("variant").with_items()}
    came = _came(order, found)
    if not came:
        return {}
    live = order.goods_decisions.filter(withdrawn_at=None)
    decided: dict[UUID, int] = defaultdict(int)
    lost: dict[UUID, int] = defaultdict(int)
    for pk, outcome, units in live.values_list("line", "outcome", "units"):
        decided[pk] += units
        lost[pk] += units if outcome == _Outcome.NOTHING else 0
    recipes = _recipes(found[pk] for pk in came)
    room = _room(order, came, lost, recipes)
    goods = {}
    for pk, units in came.items():
        free = [room[part] // each for part, each in recipes.get(pk, {}).items()]
        waits = max(0, min([units - decided[pk], *free]))
        for part, each in recipes.get(pk, {}).items():
            room[part] -= waits * each
        goods[pk] = Goods(found[pk], units, waits)
    return goods


def decide_goods(
    order: Order,
    *,
    back: Mapping[UUID, int],
    nothing: Mapping[UUID, int],
    location: Location | None = None,
    seen: int | None = None,
    actor: str,
    request_id: str = "",
) -> list[GoodsDecision]:
    """Of refunded units by order line, put some ``back`` at ``location``, the first open place
    where none is named, and expect ``nothing`` of others. Never more than wait. ``seen``: how many
    decisions the order had when the person looked; another figure means that somebody was faster,
    and is refused. Raises OrderError, LedgerRefused.
    """

    def decide(order: Order) -> list[GoodsDecision]:
        if seen is not None and seen != order.goods_decisions.count():
            raise OrderError(
                "decided_meanwhile",
                "Somebody decided on goods of this order since you looked at it. Look again before "
                "you decide more.",
            )
        place = location or locations.default(order.merchant_id)
        _refuse_place(order, place)
        goods = goods_of(order)
        _refuse(order, goods, back, nothing)
        made = [
            GoodsDecision(
                order=order,
                line=goods[pk].line,
                outcome=outcome,
                units=units,
                location=place if outcome == _Outcome.BACK else None,
                decided_by=actor,
                decided_at=timezone.now(),
            )
            for outcome, told in ((_Outcome.BACK, back), (_Outcome.NOTHING, nothing))
            for pk, units in told.items()
        ]
        GoodsDecision.objects.bulk_create(made)
        shelve(
            order.pk,
            [
                Back(item, one.units, f"goods:{one.pk.hex}")
                for one in made
                if one.outcome == _Outcome.BACK and (item := item_of(one.line)) is not None
            ],
            place,
            reason="Refunded",
            actor=actor,
            request_id=request_id,
        )
        for kind, title, told in (
            ("restocked", f"Put back to stock at {place.name}, refunded", back),
            ("nothing_back", "Refunded, and nothing comes back", nothing),
        ):
            if told:
                named = ", ".join(f"{n} × {_name(goods[pk].line)}" for pk, n in told.items())
                note(order, kind, f"{title}: {named}", actor, request_id=request_id)
        return made

    return change(order, decide)


def expect_goods(decision: GoodsDecision, *, actor: str, request_id: str = "") -> GoodsDecision:
    """Take back that nothing comes back: its units wait for a decision again. Once more changes
    nothing. Raises OrderError.
    """

    def expect(order: Order) -> GoodsDecision:
        found = order.goods_decisions.select_related("line").get(pk=decision.pk)
        if found.outcome == _Outcome.BACK:
            raise OrderError(
                "back_already",
                "These units were put back to stock. If they are not there, count the item at its "
                "stock level.",
            )
        if found.withdrawn_at:
            return found
        found.withdrawn_at, found.withdrawn_by = timezone.now(), actor
        found.save(update_fields=["withdrawn_at", "withdrawn_by"])
        title = f"May come back after all: {found.units} × {_name(found.line)}"
        note(order, "goods_expected", title, actor, request_id=request_id)
        return found

    return change(decision.order, expect)


def _came(order: Order, lines: Mapping[UUID, OrderLine]) -> dict[UUID, int]:
    """Units refunded after they had left, by line, without those that returns are about."""
    rows = ReturnLine.objects.filter(parent__order=order, line__isnull=False)
    lives = rows.exclude(parent__status__in=CALLED_OFF).exclude(parent__handling=Handling.OFF)
    by_return = set(lives.values_list("line", flat=True))
    back = dict(rows.order_by().values_list("line").annotate(Sum("restocked")))
    came = {
        # A refund takes those that have not left first.
        pk: line.quantity_refunded + line.quantity_shipped - line.quantity - back.get(pk, 0)
        for pk, line in lines.items()
        if line.quantity_refunded and pk not in by_return
    }
    return {pk: units for pk, units in came.items() if units > 0}


def _recipes(lines: Iterable[OrderLine]) -> dict[UUID, Recipe]:
    """What goes on the shelf for one unit of each line whose product is known."""
    items = {line.pk: item for line in lines if (item := item_of(line)) is not None}
    made_of = kits.recipes(items.values())
    return {pk: made_of.get(item, {item: 1}) for pk, item in items.items()}


def _room(
    order: Order,
    came: Mapping[UUID, int],
    lost: Mapping[UUID, int],
    recipes: Mapping[UUID, Recipe],
) -> dict[UUID, int]:
    """Units by stock item that may still go on the shelf. What went there for this order counts,
    whoever said so: a refund from here, the store, or somebody at the stock level.
    """
    room: dict[UUID, int] = defaultdict(int)
    for pk, recipe in recipes.items():
        for part, each in recipe.items():
            room[part] += (came[pk] - lost[pk]) * each
    moved = StockMovement.objects.filter(
        order_ref=order.pk, kind=MovementKind.RESTOCK, variant__in=room
    ).exclude(cause__startswith="return:")
    for part, units in moved.order_by().values_list("variant").annotate(Sum("delta")):
        room[part] -= units
    return room


def _refuse_place(order: Order, place: Location) -> None:
    if place.merchant_id != order.merchant_id:
        raise OrderError("unknown_location", "This place belongs to somebody else.")
    if not place.is_active:
        raise OrderError("location_closed", place.refusal)


def _refuse(
    order: Order,
    goods: Mapping[UUID, Goods],
    back: Mapping[UUID, int],
    nothing: Mapping[UUID, int],
) -> None:
    if handling_of(order.store) is Handling.OFF:
        raise OrderError(
            "returns_off",
            f"Goods that come back are only shown for {order.store}: its option “returns” is off. "
            "Put units back at the stock level, or choose another option.",
        )
    if not back and not nothing:
        raise OrderError("nothing_decided", "Say how many units of which line are back, or not.")
    for pk in {**back, **nothing}:
        if pk not in goods:
            raise OrderError(
                "unknown_line",
                f"Line {pk} has no refunded units that had left, or a return is about them.",
            )
        line, wanted = goods[pk].line, back.get(pk, 0) + nothing.get(pk, 0)
        if min(back.get(pk, 1), nothing.get(pk, 1)) < 1:
            raise OrderError("bad_quantity", "Decide on at least one unit of a line.")
        if wanted > goods[pk].waits:
            raise OrderError(
                "too_many",
                f"{_name(line)}: {wanted} decided on, {goods[pk].waits} wait for a decision.",
            )
        if pk in back and item_of(line) is None:
            raise OrderError(
                "unknown_product",
                f"{_name(line)}: Logix does not know which product this is. Link its listing "
                "first, or put the units back at the stock level.",
            )


def _name(line: OrderLine) -> str:
    return line.sku or line.name
