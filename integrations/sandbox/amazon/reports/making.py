"""A report is worked off: IN_QUEUE, IN_PROGRESS, then DONE, CANCELLED where there is nothing to
tell, or FATAL.

How often Amazon makes one of its warehouses' is on the page "Fulfillment by Amazon (FBA) Reports":
near real-time ones every 30 minutes, daily ones every four hours. That other days count as the same
report is assumed.

The encodings are assumed from what clients report: the old flat files of listings come in Windows'
code pages, outside Japan the western one; what it cannot write becomes a question mark.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from integrations.sandbox.amazon import files
from integrations.sandbox.amazon.clock import DAY
from integrations.sandbox.amazon.reports import flat_files, return_files
from integrations.sandbox.amazon.reports.models import Report

if TYPE_CHECKING:
    from integrations.sandbox.amazon.store import SellerStore

Rows = list[list[str]]

LONGEST_S = 30 * DAY + 3_600
"""A report on orders or returns covers thirty days at most (assumed), give or take an hour."""


@dataclass(frozen=True, slots=True)
class Kind:
    """``write`` gives heading and rows. ``has_window``: it is about a span of time, and CANCELLED
    when nothing happened in it. ``apart_s``: it is made so many seconds after the last one at the
    earliest, and FATAL before.
    """

    write: Callable[[SellerStore, Report], Rows]
    is_old: bool = False
    has_window: bool = False
    apart_s: float = 0


KINDS: dict[str, Kind] = {
    "GET_MERCHANT_LISTINGS_ALL_DATA": Kind(flat_files.listings, is_old=True),
    "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL": Kind(
        flat_files.orders_by_update, has_window=True
    ),
    "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL": Kind(
        flat_files.orders_by_date, has_window=True
    ),
    "GET_FBA_MYI_ALL_INVENTORY_DATA": Kind(flat_files.fba_inventory, apart_s=1_800),
    "GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE": Kind(return_files.by_seller, has_window=True),
    "GET_FBA_FULFILLMENT_CUSTOMER_RETURNS_DATA": Kind(
        return_files.by_amazon, has_window=True, apart_s=4 * 3_600
    ),
}


def go_on(store: SellerStore, key: str, at: float) -> None:
    """From one state to the next."""
    report = store.state.reports[key]
    if report.status == "IN_QUEUE":
        report.status, report.began = "IN_PROGRESS", int(at)
        store.at(at + store.options.report_s / 2, "report", key)
    elif report.status == "IN_PROGRESS":
        report.ended = int(at)
        _finish(store, report)
        store.post.note("REPORT_PROCESSING_FINISHED", report.id)


def _finish(store: SellerStore, report: Report) -> None:
    kind = KINDS[report.kind]
    is_too_long = (
        report.until is not None
        and report.since is not None
        and (report.until - report.since > LONGEST_S)
    )
    is_too_soon = any(
        one.kind == report.kind
        and one.document
        and report.created < (one.ended or 0) + kind.apart_s
        for one in store.state.reports.values()
    )
    if (
        store.strikes("report_fatal", f"report {report.kind}")
        or (kind.has_window and is_too_long)
        or is_too_soon
    ):
        report.status = "FATAL"
        return
    rows = kind.write(store, report)
    if kind.has_window and len(rows) == 1:
        report.status = "CANCELLED"
        return
    text = "".join("\t".join(map(_clean, row)) + "\r\n" for row in rows)
    code, name = _encoding(store, kind)
    file = files.new_file(
        store, f"text/plain; charset={name}", text.encode(code, "replace"), is_gzip=True
    )
    report.status, report.document = "DONE", file.id


def _encoding(store: SellerStore, kind: Kind) -> tuple[str, str]:
    """Python's name and the header's."""
    if not kind.is_old:
        return "utf-8", "UTF-8"
    return ("cp932", "Shift_JIS") if store.options.region == "fe" else ("cp1252", "Cp1252")


def _clean(value: str) -> str:
    """A flat file has no quotes: what would break a row is a space."""
    return " ".join(value.replace("\t", " ").splitlines())
