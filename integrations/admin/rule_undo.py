"""Undo for stock rules: an act of their entries in the audit log, which says what it would do."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpRequest

from integrations import outbox
from integrations.admin.acts import Act, again
from integrations.admin.roles import actor
from integrations.admin.stock_rule_form import tried_words
from integrations.admin.stock_rules import says
from inventory import restoring, ruling
from inventory.errors import PutBackRefused, RuleTaken
from inventory.models import StockRule
from logix.accounts.models import AuditEvent, Role


def _put_back(request: HttpRequest, event: AuditEvent) -> str:
    found = restoring.look(event)
    again(lambda: restoring.put_back(event, actor=actor(request)))
    return f"Put back, for {ruling.scope_of(found.scope)}: {_said(found.then)}."


def _would(event: AuditEvent) -> str:
    try:
        found = restoring.look(event)
        tried = outbox.try_rule(lambda: restoring.put_back(event, actor="rehearsal"))
    except (PutBackRefused, RuleTaken) as err:
        return str(err)
    return (
        f"For {ruling.scope_of(found.scope)}: now {_said(found.now)}, then {_said(found.then)}. "
        f"{tried_words(tried)}"
    )


def _said(values: Mapping[str, int | None] | None) -> str:
    return "no rule" if values is None else says(StockRule(**values))


PUT_BACK = Act(
    verb="put-back",
    label="Put back",
    run=_put_back,
    role=Role.OWNER,
    shown=restoring.is_change,
    warns=_would,
    confirm="The stock rule becomes what it was before this entry, and stores are told. That is a "
    "change itself, and can be put back too.",
)
