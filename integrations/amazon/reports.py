"""Reports: those that Amazon makes by itself are found, the others asked for, looked after until
they are done, and read row by row.

The calls are few: a report is created, and its file's address told, once a minute; a list is given
every 45 seconds. Reports are kept for 90 days. Source: the model ``reports_2021-06-30``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.amazon import shapes
from integrations.amazon.client import AmazonClient
from integrations.amazon.documents import JAPANESE, UTF_8, Address, Document
from integrations.amazon.shapes import Camel
from integrations.amazon.values import as_iso, known_moment
from integrations.errors import ContractBroken, NotFound, Rejected

KEPT_FOR = timedelta(days=90)
DONE, CANCELLED, FATAL = "DONE", "CANCELLED", "FATAL"
_ON_A_PAGE = 100
_JAPAN = "A1VC38T7YXB528"


class Report(Camel):
    """CANCELLED: there is nothing to tell, unless somebody called it off. FATAL: it was tried, and
    could not be made.
    """

    report_id: str
    report_type: str
    processing_status: str
    created_time: str
    report_document_id: str | None = None
    marketplace_ids: list[str] = []

    @property
    def created_at(self) -> datetime:
        return known_moment(self.created_time, "$.createdTime")

    @property
    def is_under_way(self) -> bool:
        return self.processing_status not in (DONE, CANCELLED, FATAL)


class _Listed(Camel):
    reports: list[Report]
    next_token: str | None = None


class _Created(Camel):
    report_id: str


class _Where(Camel):
    url: str
    compression_algorithm: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    reports: Sequence[Report]
    store_time: datetime | None


def found(
    client: AmazonClient, kind: str, *, since: datetime, until: datetime | None = None
) -> Found:
    """All reports of a kind that were created in the time, oldest first."""
    params: dict[str, Any] = {
        "reportTypes": kind,
        "createdSince": as_iso(max(since, datetime.now(UTC) - KEPT_FOR + timedelta(hours=1))),
        "pageSize": _ON_A_PAGE,
        **({"createdUntil": as_iso(until)} if until else {}),
    }
    rows: dict[str, Report] = {}
    while True:
        answer = client.reports(params)
        told = shapes.decode(answer.body, _Listed)
        rows |= {row.report_id: row for row in told.reports}
        token = shapes.following(told.next_token, params.get("nextToken", ""))
        if not token:
            break
        # A token stands alone.
        params = {"nextToken": token}
    in_order = sorted(rows.values(), key=lambda row: (row.created_at, row.report_id))
    return Found(in_order, answer.date)


def create(
    client: AmazonClient,
    kind: str,
    marketplaces: Sequence[str],
    *,
    since: datetime,
    until: datetime,
) -> str:
    """Have a report made on a span of time; return its id."""
    body = {
        "reportType": kind,
        "marketplaceIds": list(marketplaces),
        "dataStartTime": as_iso(since),
        "dataEndTime": as_iso(until),
    }
    return shapes.decode(client.create_report(body).body, _Created).report_id


def one(client: AmazonClient, report_id: str) -> Report:
    """Raises NotFound, for what cannot be an id as well."""
    if not report_id.isdigit():
        raise NotFound(f"“{report_id[:40]}” is not the id of a report.")
    try:
        return shapes.decode(client.report(report_id).body, Report)
    except Rejected as err:
        raise NotFound(err.message, code=err.code, status=err.status) from err


def rows(
    client: AmazonClient, report: Report, *, keeps_beyond: bool = False
) -> Iterator[dict[str, str]]:
    """The rows of a report that is DONE, and raises, as ``Document.rows``."""
    document_id = report.report_document_id
    if not document_id:
        raise ContractBroken("A report is done and has no document.", path="$.reportDocumentId")

    def ask() -> Address:
        told = shapes.decode(client.report_document(document_id).body, _Where)
        return Address(told.url, is_gzip=told.compression_algorithm == "GZIP")

    usual = JAPANESE if _JAPAN in report.marketplace_ids else UTF_8
    return Document(client.http, ask, usual=usual).rows(keeps_beyond=keeps_beyond)
