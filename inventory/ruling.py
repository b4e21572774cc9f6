"""The only writer of stock rules. A changed rule is noted in the audit log, and the stores it holds
for are told their figures anew, all in one transaction.
"""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from inventory import signals
from inventory.errors import RuleTaken
from inventory.models import Listing, StockRule, Variant
from logix.accounts import audit
from logix.accounts.models import Merchant

# What a rule says; the rest of its columns is its scope, which never changes.
VALUES = ("buffer", "percent", "max_listed", "end_when", "always")


@transaction.atomic
def create(
    merchant: Merchant,
    *,
    store: Any = None,
    listing: Listing | None = None,
    variant: Variant | None = None,
    category: str = "",
    actor: str,
    request_id: str = "",
    puts_back: int | None = None,
    **values: int | None,
) -> StockRule:
    """A rule for all stores, for ``store``, or for one of the three in ``store``; ``values`` by the
    names in VALUES. Raises RuleTaken.
    """
    rule = StockRule(
        merchant=merchant,
        store=store,
        listing=listing,
        variant=variant,
        category=category,
        **values,
    )
    try:
        with transaction.atomic():
            rule.save(force_insert=True)
    except IntegrityError as err:
        if not alike(rule).exists():
            raise
        raise RuleTaken(taken(rule)) from err
    details = {"for": scope_of(rule), **values_of(rule), **_before(rule, None, puts_back)}
    _tell(rule, "added", details, actor=actor, request_id=request_id)
    return rule


@transaction.atomic
def change(
    rule: StockRule,
    *,
    actor: str,
    request_id: str = "",
    puts_back: int | None = None,
    **values: int | None,
) -> StockRule:
    """Let it say something else; what is so already is no change."""
    rule = _all_of(StockRule.objects.select_for_update(of=("self",))).get(pk=rule.pk)
    changed = {
        name: {"from": getattr(rule, name), "to": value}
        for name, value in values.items()
        if getattr(rule, name) != value
    }
    if changed:
        before = _before(rule, values_of(rule), puts_back)
        details = {"for": scope_of(rule), **changed, **before}
        for name, value in values.items():
            setattr(rule, name, value)
        rule.save(update_fields=list(changed))
        _tell(rule, "changed", details, actor=actor, request_id=request_id)
    return rule


@transaction.atomic
def remove(
    rule: StockRule, *, actor: str, request_id: str = "", puts_back: int | None = None
) -> None:
    """From now on the next wider rule holds."""
    pk, rule = rule.pk, _all_of(StockRule.objects.all()).get(pk=rule.pk)
    rule.delete()
    rule.pk = pk  # it is named once more, on the audit log
    values = values_of(rule)
    details = {"for": scope_of(rule), **values, **_before(rule, values, puts_back)}
    _tell(rule, "deleted", details, actor=actor, request_id=request_id)


def values_of(rule: StockRule) -> dict[str, int | None]:
    """What it says, by the names in VALUES."""
    return {name: getattr(rule, name) for name in VALUES}


def scope_of(rule: StockRule) -> str:
    """What the rule is for, for people."""
    if rule.store is None:
        return f"all stores of {rule.merchant}"
    if rule.listing is not None:
        return f"the listing {rule.listing} in {rule.store}"
    if rule.variant is not None:
        return f"{rule.variant} in {rule.store}"
    if rule.category:
        return f"the category “{rule.category}” in {rule.store}"
    return str(rule.store)


def taken(rule: StockRule) -> str:
    """Why there cannot be a second one, for people."""
    return f"There is a rule for {scope_of(rule)} already. Change that one instead."


def alike(rule: StockRule) -> QuerySet[StockRule]:
    """Rules of its scope, itself among them."""
    return StockRule.objects.filter(
        merchant=rule.merchant,
        store=rule.store,
        listing=rule.listing,
        variant=rule.variant,
        category=rule.category,
    )


def listings_under(rule: StockRule) -> QuerySet[Listing]:
    """All it may hold for. What is not linked has no figure unless it is always the same."""
    rows = listings_in_scope(rule)
    return rows if rule.always is not None else rows.filter(~Q(variant=None))


def listings_in_scope(rule: StockRule) -> QuerySet[Listing]:
    """Linked or not. Those of a category are not told from the others of their store: their figures
    are looked at and found to be right.
    """
    rows = Listing.objects.filter(merchant=rule.merchant_id)
    if rule.store_id is not None:
        rows = rows.filter(store=rule.store_id)
    if rule.listing_id is not None:
        rows = rows.filter(pk=rule.listing_id)
    elif rule.variant_id is not None:
        rows = rows.filter(variant=rule.variant_id)
    return rows


def _before(
    rule: StockRule, was: dict[str, int | None] | None, puts_back: int | None
) -> dict[str, Any]:
    """What ``restoring`` needs to undo it: whose rule it is by ids, and what it said before (None:
    there was none). ``puts_back``: the entry of the audit log that this one undoes.
    """
    ids = {name: getattr(rule, f"{name}_id") for name in ("store", "listing", "variant")}
    scope = {**ids, "category": rule.category}
    undoes = {} if puts_back is None else {"puts_back": puts_back}
    return {"scope": scope, "was": was, **undoes}


def _all_of(rows: QuerySet[StockRule]) -> QuerySet[StockRule]:
    return rows.select_related("merchant", "store", "listing", "variant")


def _tell(
    rule: StockRule, did: str, details: dict[str, Any], *, actor: str, request_id: str
) -> None:
    listing_ids = frozenset(listings_under(rule).values_list("pk", flat=True))
    signals.ruled_anew.send(sender=StockRule, listing_ids=listing_ids)
    audit.record(
        f"stockrule.{did}",
        actor=actor,
        merchant=rule.merchant,
        obj=rule,
        details={**details, "listings": len(listing_ids)},
        request_id=request_id,
    )
