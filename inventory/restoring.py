"""Undo for stock rules: each entry that ``ruling`` leaves in the audit log keeps what the rule said
before, and that can be put back. Putting back leaves an entry itself, so it can be undone too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction
from django.db.models import QuerySet

from inventory import ruling
from inventory.errors import PutBackRefused
from inventory.models import StockRule
from logix.accounts.models import AuditEvent, Merchant
from logix.common.redact import MASK

_ACTIONS = ("stockrule.added", "stockrule.changed", "stockrule.deleted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Restoration:
    """``scope`` is a rule that is not saved, for what the entry is about. What it says ``now`` and
    said before (``then``), by the names in ``ruling.VALUES``; None: there is, or was, none.
    """

    scope: StockRule
    now: Mapping[str, int | None] | None
    then: Mapping[str, int | None] | None

    @property
    def differs(self) -> bool:
        return self.now != self.then


def changes(merchant: Merchant) -> QuerySet[AuditEvent]:
    """Entries about stock rules."""
    return AuditEvent.objects.filter(merchant=merchant, action__in=_ACTIONS)


def is_change(event: AuditEvent) -> bool:
    """Whether the entry is about a stock rule and keeps what was before."""
    return event.action in _ACTIONS and "scope" in event.details and "was" in event.details


def look(event: AuditEvent) -> Restoration:
    """What putting back would change. Raises PutBackRefused."""
    if not is_change(event) or event.merchant is None:
        raise PutBackRefused("This entry does not keep what a stock rule said before.")
    scope = _scope(event.merchant, event.details["scope"])
    rule = ruling.alike(scope).first()
    return Restoration(
        scope=scope,
        now=None if rule is None else ruling.values_of(rule),
        then=event.details["was"],
    )


@transaction.atomic
def put_back(event: AuditEvent, *, actor: str, request_id: str = "") -> StockRule:
    """Let there be the rule that was before the entry, or none if there was none. Return it, or
    the one that is no more. Raises PutBackRefused, RuleTaken.
    """
    found = look(event)
    rule = ruling.alike(found.scope).first()
    by: dict[str, Any] = {"actor": actor, "request_id": request_id, "puts_back": event.sequence}
    if not found.differs:
        raise PutBackRefused(
            f"Nothing to put back: the rule for {ruling.scope_of(found.scope)} is as it was before."
        )
    if found.then is None:
        assert rule is not None  # noqa: S101 - it differs from none
        ruling.remove(rule, **by)
        return rule
    said: dict[str, Any] = {**found.then, **by}
    if rule is not None:
        return ruling.change(rule, **said)
    scope = {name: getattr(found.scope, name) for name in ("store", "listing", "variant")}
    return ruling.create(found.scope.merchant, **scope, category=found.scope.category, **said)


def _scope(merchant: Merchant, ids: Mapping[str, Any]) -> StockRule:
    rule = StockRule(
        merchant=merchant,
        store_id=ids["store"],
        listing_id=ids["listing"],
        variant_id=ids["variant"],
        category=ids["category"],
    )
    try:
        ruling.scope_of(rule)
    except ObjectDoesNotExist as err:
        raise PutBackRefused("What this rule was for is no longer there.") from err
    if MASK in rule.category:
        raise PutBackRefused("The category of this rule is masked in the audit log.")
    return rule
