"""``createReport``, ``getReport``, ``getReports``, ``cancelReport`` and ``getReportDocument``."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from integrations.sandbox.amazon import jobs
from integrations.sandbox.amazon.api import params
from integrations.sandbox.amazon.api.call import Call, denied
from integrations.sandbox.amazon.api.params import only
from integrations.sandbox.amazon.clock import iso, parsed
from integrations.sandbox.amazon.reports import settlements
from integrations.sandbox.amazon.reports.making import KINDS
from integrations.sandbox.amazon.reports.models import Report
from integrations.sandbox.amazon.wire import Answer, Refused, invalid, nothing


class CreateReport(Struct, rename="camel"):
    report_type: str
    marketplace_ids: list[str]
    report_options: dict[str, str] = {}
    data_start_time: str | None = None
    data_end_time: str | None = None


def create(call: Call) -> Answer:
    sent = params.body(call.request, CreateReport)
    store = call.store
    if sent.report_type == settlements.KIND:
        # As amzn/selling-partner-api-models#2010 shows it.
        raise invalid("Request for report type 1118 is not allowed at this time")
    if sent.report_type not in KINDS:
        raise invalid(f"Invalid report type: {sent.report_type}")
    if not 1 <= len(sent.marketplace_ids) <= 25:
        raise invalid()
    report = Report(
        id=str(50_000_000_000 + store.next("report")),
        kind=sent.report_type,
        marketplaces=call.sells_in(sent.marketplace_ids),
        created=store.clock.now(),
        since=_moment(sent.data_start_time),
        until=_moment(sent.data_end_time),
        options=sent.report_options,
    )
    if report.since is not None and report.until is not None and report.until < report.since:
        raise invalid("dataEndTime lies before dataStartTime.")
    store.state.reports[report.id] = report
    store.later(store.options.report_s / 2, "report", report.id)
    return Answer(202, {"reportId": report.id})


def get(call: Call) -> Answer:
    return Answer(200, _told(_found(call)))


def search(call: Call) -> Answer:
    """That settlements are refused without the role that their page names is assumed."""
    wants_settlements = settlements.KIND in call.query().text("reportTypes").split(",")
    if wants_settlements and settlements.ROLE not in call.store.state.login.roles:
        raise denied()
    rows, token = jobs.page(call, list(call.store.state.reports.values()), "reportTypes")
    document: dict[str, Any] = {"reports": [_told(row) for row in rows]}
    return Answer(200, document | ({"nextToken": token} if token else {}))


def cancel(call: Call) -> Answer:
    """Only while it waits."""
    report = _found(call)
    if report.status != "IN_QUEUE":
        raise invalid("Only reports that are IN_QUEUE can be cancelled.")
    report.status, report.ended = "CANCELLED", call.store.clock.now()
    call.store.post.note("REPORT_PROCESSING_FINISHED", report.id)
    return nothing(200)


def document(call: Call) -> Answer:
    name = call.words["reportDocumentId"]
    return Answer(200, jobs.document(call, name, "reportDocumentId"))


def _found(call: Call) -> Report:
    report = call.store.state.reports.get(call.words["reportId"])
    if report is None or report.created < call.store.clock.now() - jobs.KEPT_S:
        raise Refused(404, "NotFound", "The report was not found.")
    return report


def _moment(text: str | None) -> float | None:
    try:
        return None if text is None else parsed(text)
    except ValueError as err:
        raise invalid() from err


def _told(report: Report) -> dict[str, Any]:
    return only(
        {
            "reportId": report.id,
            "reportType": report.kind,
            "marketplaceIds": report.marketplaces,
            "dataStartTime": _iso(report.since),
            "dataEndTime": _iso(report.until),
            "createdTime": iso(report.created),
            "processingStatus": report.status,
            "processingStartTime": _iso(report.began),
            "processingEndTime": _iso(report.ended),
            "reportDocumentId": report.document or None,
        }
    )


def _iso(moment: float | None) -> str | None:
    return None if moment is None else iso(moment)
