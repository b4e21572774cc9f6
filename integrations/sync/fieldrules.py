"""Field rules of a store as people keep them: saved when they can work, tried on orders of the past
before they are, removed. ``mapping.rules`` says what a rule is; ``applying`` uses them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import prefetch_related_objects

from integrations import registry
from integrations.mapping.rules import Rule, RuleFailed, RuleInvalid, apply_in, without_own
from integrations.models import FieldRule, Store, StreamName
from integrations.platform import Ability
from integrations.sync import parking, signals
from logix.accounts import audit
from orders import services, shapes
from orders.data import OrderData
from orders.models import Order
from orders.status import FulfillmentStatus, OrderStatus, PaymentStatus, StatusReading

# Whose records rules may reach, with what they are called.
RULED = tuple((name.value, name.label) for name in (StreamName.ORDERS, StreamName.PRODUCTS))
# One preview opens the sealed payload of so many orders at most.
MOST_ORDERS = 25


@dataclass(frozen=True, slots=True)
class Tried:
    """What a rule would do to one order. ``problem``: in words, why the order would be set
    aside.
    """

    target: str
    before: Any
    after: Any
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """``problem``: why nothing could be tried on this order; '' when something was."""

    order: Order
    tried: tuple[Tried, ...] = ()
    problem: str = ""


def save_rule(
    store: Store, rule: FieldRule | None = None, *, actor: str, **fields: Any
) -> FieldRule:
    """Make a rule, or change ``rule``. It counts from the next record on, and what was parked is
    tried again. Raises RuleInvalid.
    """
    saved = rule or FieldRule(store=store)
    for name, value in fields.items():
        setattr(saved, name, value)
    check_rule(store, saved)
    try:
        with transaction.atomic():
            # Only what was asked for: two people may change the same rule.
            saved.save(update_fields=list(fields) if rule else None)
            rules_changed(store, saved.stream)
            audit.record(
                "rule.changed" if rule else "rule.created",
                actor=actor,
                merchant=store.merchant,
                obj=saved,
                details={"store": store.name, **fields},
            )
    except IntegrityError as err:
        raise RuleInvalid(
            f"Another rule of {store.name} sets “{saved.target}” already. Change that one."
        ) from err
    return saved


def remove_rule(rule: FieldRule, *, actor: str) -> None:
    """What the rule has set so far stays in the orders."""
    store = rule.store
    with transaction.atomic():
        FieldRule.objects.filter(pk=rule.pk).delete()
        rules_changed(store, rule.stream)
        audit.record(
            "rule.removed",
            actor=actor,
            merchant=store.merchant,
            obj=rule,
            details={"store": store.name, "path": rule.path, "target": rule.target},
        )


def check_rule(store: Store, rule: FieldRule) -> Rule:
    """The rule, ready for use. Raises RuleInvalid when it cannot work, or not with this store."""
    if rule.stream not in dict(RULED):
        raise RuleInvalid("Field rules are for orders and products.")
    compiled = rule.compiled()
    if compiled.outbound:
        card = registry.card(store.platform)
        if reason := card.exempt.get(Ability.ORDER_FIELDS_WRITE):
            raise RuleInvalid(f"{card.name} takes no fields of orders. {reason}")
        if card.reserves(compiled.target):
            raise RuleInvalid(
                f"“{compiled.target}” is used by {card.name} or by Logix itself. "
                "Choose a key of your own."
            )
    return compiled


def rules_changed(store: Store, stream: str) -> None:
    """What an earlier rule set aside may pass now. Call it in the transaction of the change."""
    parking.rearm(store, stream)
    signals.rules_changed.send(sender=FieldRule, store=store)


def broken_rules(store: Store) -> dict[FieldRule, str]:
    """Enabled rules that cannot work, each with the reason in words."""
    found = {}
    for rule in FieldRule.objects.filter(store=store, enabled=True):
        try:
            check_rule(store, rule)
        except RuleInvalid as err:
            found[rule] = str(err)
    return found


def preview(rules: Sequence[Rule], orders: Sequence[Order]) -> list[Preview]:
    """What ``rules`` would make of these orders, and of what their store is told; nothing is
    written. Give the orders with ``store`` and ``payload`` loaded. Raises SealBroken.
    """
    chosen = orders[:MOST_ORDERS]
    if any(rule.outbound for rule in rules):
        prefetch_related_objects(chosen, *shapes.PARTS)
    return [_preview_one(rules, order) for order in chosen]


def _preview_one(rules: Sequence[Rule], order: Order) -> Preview:
    """What goes out is made of the order as it stands here; what came in, of the store's record."""
    outbound = [rule for rule in rules if rule.outbound]
    raw = services.payload_of(order) if len(outbound) < len(rules) else b""
    if raw is None:
        return Preview(order, problem="The store's own record of this order is no longer kept.")
    record = as_record(order, raw)
    shape = shapes.for_rules(order, record.buyer) if outbound else {}
    source = without_own(outbound, shape)
    return Preview(
        order,
        tuple(_try_out(rule, source) if rule.outbound else _try(rule, record) for rule in rules),
    )


def _try(rule: Rule, record: OrderData) -> Tried:
    """By the code that applies rules to what comes in, one rule at a time."""
    before = _present(record, rule.target)
    try:
        after = apply_in([rule], record)
    except RuleFailed as err:
        return Tried(rule.target, before, None, str(err))
    return Tried(rule.target, before, _present(after, rule.target))


def _try_out(rule: Rule, source: Mapping[str, Any]) -> Tried:
    """What the store has there now is not looked up: ``before`` is None."""
    try:
        return Tried(rule.target, None, rule.value(source))
    except RuleFailed as err:
        return Tried(rule.target, None, None, str(err))


def as_record(order: Order, raw: bytes) -> OrderData:
    """The order as its store would tell it, as far as rules look at it."""
    return OrderData(
        external_id=order.external_id,
        number=order.number,
        currency=order.currency,
        placed_at=order.placed_at,
        changed_at=order.changed_at,
        status=StatusReading(
            order=OrderStatus(order.order_status),
            payment=PaymentStatus(order.payment_status),
            fulfillment=FulfillmentStatus(order.fulfillment_status),
        ),
        raw_status=order.raw_status,
        total=order.total,
        buyer=services.buyer_of(order),
        external_customer_id=order.external_customer_id,
        custom=order.custom,
        raw=raw,
    )


def _present(record: OrderData, target: str) -> Any:
    if target.startswith("custom."):
        return record.custom.get(target.removeprefix("custom."))
    if target == "buyer.note":
        return record.buyer.note if record.buyer else None
    return getattr(record, target)
