"""What a phase works with: the run under its lease, the store's adapter, and the report so far."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction

from integrations.base import BaseEcommerceIntegration
from integrations.models import Reconciliation, Store
from integrations.reconcile.report import Report
from integrations.sync import applying, leases
from logix.common.transactions import again_on


class TooMuch(Exception):
    """So much would change that a person is asked first. The message says what, and what to do."""


class Desk:
    """One slice of a comparison. Everything a phase changes goes through ``write``."""

    def __init__(self, run: Reconciliation, fence: int, adapter: BaseEcommerceIntegration) -> None:
        self.run = run
        self.store: Store = run.store
        self.adapter = adapter
        self.report = Report.of(run)
        self._fence = fence

    def place(self, name: str) -> list[str]:
        """The ids that wait under this name."""
        return list(self.report.place.get(name, ()))

    def keep(self, report: Report) -> None:
        """Save a report by itself. Raises Fenced."""
        self._save(report)
        self.report = report

    def write(self, work: Callable[[Report], Report]) -> None:
        """Do ``work`` and save the report it returns, in one transaction that is run again when it
        clashes; a dry run takes the work back and keeps the report. Raises Fenced, and then
        nothing of it stays.
        """

        def once() -> Report:
            with transaction.atomic():
                report = work(self.report)
                if self.run.dry_run:
                    transaction.set_rollback(True)
                else:
                    self._save(report)
            return report

        report = again_on(*applying.CLASHES)(once)
        if self.run.dry_run:
            self._save(report)
        self.report = report

    def renew(self) -> None:
        """Keep the lease while a store is slow. Raises Fenced."""
        leases.keep(Reconciliation.objects, self.run.pk, self._fence)

    def drop(self, **changes: Any) -> bool:
        return leases.drop(Reconciliation.objects, self.run.pk, self._fence, **changes)

    def _save(self, report: Report) -> None:
        columns = report.columns()
        # What is behind us was reached: whoever fails next fails for the first time.
        leases.keep(Reconciliation.objects, self.run.pk, self._fence, **columns, attempts=0)
