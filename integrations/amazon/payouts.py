"""Reading payouts: the settlement reports that Amazon makes by itself, each one payout.

They cannot be asked for, only found, by when they were created; one is told once it is closed, and
never changes. A report's file is opened to see which settlement it is, and read on only where that
is not known. Source: the page "Settlement Reports" of
https://developer-docs.amazon.com/sp-api/docs/report-type-values-settlement.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from integrations.amazon import reports
from integrations.amazon.client import AmazonClient
from integrations.amazon.reports import Report
from integrations.amazon.settlements import Settlement
from integrations.amazon.values import moment
from integrations.base import Filters, Page, Unreadable
from integrations.errors import ContractBroken, Misconfigured, NotFound
from orders.data import PayoutData

KIND = "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2"
_NOT_MADE = (
    "Amazon could not make this settlement report, and says no more than FATAL. Look in Seller "
    "Central → Payments → Reports Repository whether it is there, and ask Amazon for it if not."
)


class PayoutReader:
    def __init__(self, client: AmazonClient) -> None:
        self._client = client

    def read(self, filters: Filters) -> Iterator[Page[PayoutData]]:
        """A page for each report, oldest first. Reports of the last 90 days are all there are."""
        if filters.ids:
            yield from self._by_ids(filters)
            return
        oldest = datetime.now(UTC) - reports.KEPT_FOR
        if filters.until and filters.until <= oldest:
            yield Page(records=(), last=True)
            return
        told = reports.found(self._client, KIND, since=filters.since or oldest, until=filters.until)
        rows = [row for row in told.reports if _is_after(row, filters.position or {})]
        rows = [row for row in rows if not row.is_under_way]
        if not rows:
            yield Page(records=(), store_time=told.store_time, last=True)
        for place, row in enumerate(rows, 1):
            yield self._page(
                row,
                filters,
                position={"at": row.created_at.isoformat(), "report": row.report_id},
                store_time=told.store_time,
                last=place == len(rows),
            )

    def _page(self, report: Report, filters: Filters, **more: Any) -> Page[PayoutData]:
        if report.processing_status == reports.CANCELLED:
            # There was nothing to settle.
            return Page(records=(), **more)
        if report.processing_status == reports.FATAL:
            return Page(records=(), unreadable=(_unreadable(report, report.report_id),), **more)
        name = report.report_id
        try:
            opened = Settlement(reports.rows(self._client, report))
            name = opened.external_id
            if filters.known and filters.known({name: opened.raw}):
                return Page(records=(), known=(name,), **more)
            payout = opened.payout(raw_status=report.processing_status)
            return Page(records=(payout,), **more)
        except (ContractBroken, NotFound, Misconfigured) as err:
            return Page(records=(), unreadable=(_unreadable(report, name, err),), **more)

    def _by_ids(self, filters: Filters) -> Iterator[Page[PayoutData]]:
        """By the settlement's id, or the report's where it never told one."""
        for name in filters.ids:
            report = self._report_of(name)
            yield self._page(report, Filters()) if report else Page(records=())

    def _report_of(self, name: str) -> Report | None:
        oldest = datetime.now(UTC) - reports.KEPT_FOR
        for report in reversed(reports.found(self._client, KIND, since=oldest).reports):
            if report.report_id == name:
                return report
            if report.processing_status != reports.DONE:
                continue
            try:
                opened = Settlement(reports.rows(self._client, report))
            except (ContractBroken, NotFound):
                continue
            if opened.external_id == name:
                return report
        return None


def _is_after(report: Report, position: dict[str, Any] | Any) -> bool:
    at = moment(position.get("at"), "$")
    return at is None or (report.created_at, report.report_id) > (at, position.get("report", ""))


def _unreadable(report: Report, name: str, err: Exception | None = None) -> Unreadable:
    if err is None:
        return Unreadable(external_id=name, reason=_NOT_MADE, code="report_fatal")
    return Unreadable(
        external_id=name,
        reason=str(err),
        code=getattr(err, "code", "contract_broken"),
        path=getattr(err, "path", "$"),
        changed_at=report.created_at,
    )
