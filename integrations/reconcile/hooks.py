"""Webhooks: how many of the store's subscriptions the audit had to make right since the last
comparison. The audit has its own clock; here its work is counted.
"""

from __future__ import annotations

from integrations.models import Endpoint, Reconciliation, ReconciliationState
from integrations.reconcile.desk import Desk
from integrations.reconcile.report import Cause, Finding

_SO_FAR = "hooks_mended_so_far"


def count(desk: Desk) -> None:
    """Once in a comparison that is no dry run. An endpoint counts what was mended from the day it
    was opened on, and each comparison keeps how far that had come.
    """
    if desk.run.dry_run or _SO_FAR in desk.report.place:
        return
    open_ones = Endpoint.objects.filter(store=desk.store).exclude(status=Endpoint.Status.CLOSED)
    so_far = open_ones.values_list("mended", flat=True).first() or 0
    earlier = Reconciliation.objects.filter(
        store=desk.store, dry_run=False, state=ReconciliationState.COMPLETE
    )
    # The store may have been connected anew since, with an endpoint that counts from the start.
    before = earlier.values_list(f"place__{_SO_FAR}", flat=True).first() or 0
    news = so_far - before if so_far >= before else so_far
    report = desk.report.at(**{_SO_FAR: so_far})
    if news:
        were = "webhook of the store was" if news == 1 else "webhooks of the store were"
        sentence = f"{news} {were} missing or switched off, and made right; its news was read."
        found = report.found(Finding(cause=Cause.HOOKS_MENDED, sentence=sentence))
        report = found.counted(Cause.HOOKS_MENDED, news - 1)
    desk.keep(report)
