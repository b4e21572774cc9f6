"""Reading returns: two reports that are asked for, of what the seller sends and of what Amazon
sends from its own warehouses.

A read asks for all its reports first, waits for them, then goes through their rows; where it stands
is its position. A report covers thirty days and tells returns as they are now, so the same days are
asked for again as long as a return may change. Source: the page "Returns Reports" of
https://developer-docs.amazon.com/sp-api (60 days at most).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.amazon import reports, return_mapper
from integrations.amazon.account import Account
from integrations.amazon.client import AmazonClient
from integrations.amazon.values import as_iso, known_moment
from integrations.base import Filters, Page, Unreadable
from integrations.errors import (
    PermissionMissing,
    RateLimited,
    Unavailable,
    Unsupported,
)
from orders.data import PartData

KINDS = (return_mapper.BY_SELLER, return_mapper.BY_AMAZON)
_DAYS = timedelta(days=30)
_SHORTEST = timedelta(minutes=1)
_TOLD_FOR = timedelta(days=2 * 365)
_ON_A_PAGE = 200
_AT_ONCE, _MOST_TRIES = 4, 3
_ASK_ON_S, _LOOK_S = 5.0, 45.0
_IN_REPORTS_ALONE = (
    "A row about this return could not be read. Amazon tells of it in reports alone, so it is read "
    "again with the next one, within some hours. If it stays, look at the return in Seller Central."
)


@dataclass(slots=True)
class Job:
    """One report. ``report`` "" before it is asked for; ``is_over``: all its rows were read, or
    there are none.
    """

    kind: str
    since: str
    until: str
    report: str = ""
    tries: int = 0
    is_over: bool = False

    @property
    def kept(self) -> list[Any]:
        return [self.kind, self.since, self.until, self.report, self.tries, self.is_over]


@dataclass(slots=True)
class Place:
    """``row``: how many returns of the first report that is not over were read."""

    jobs: list[Job] = field(default_factory=list)
    row: int = 0

    @classmethod
    def of(cls, filters: Filters) -> Place:
        if filters.position:
            return cls([Job(*job) for job in filters.position["jobs"]], filters.position["row"])
        now = datetime.now(UTC)
        until = min(filters.until or now, now)
        since = max(filters.since or now - _TOLD_FOR, now - _TOLD_FOR)
        jobs = []
        while until - since >= _SHORTEST:
            end = min(since + _DAYS, until)
            jobs += [Job(kind, as_iso(since), as_iso(end)) for kind in KINDS]
            since = end
        return cls(jobs)

    @property
    def position(self) -> dict[str, Any]:
        return {"jobs": [job.kept for job in self.jobs], "row": self.row}

    @property
    def left(self) -> list[Job]:
        return [job for job in self.jobs if not job.is_over]


class ReturnReader:
    def __init__(self, client: AmazonClient, account: Account) -> None:
        self._client, self._account = client, account

    def read(self, filters: Filters) -> Iterator[Page[PartData]]:
        """Oldest days first. How many there are is not told: it would take the reports. Raises
        Unsupported where Amazon cannot make one.
        """
        if filters.ids:
            yield from self._by_ids(filters.ids)
            return
        place = Place.of(filters)
        if filters.counted or not place.left:
            yield Page(records=(), last=True)
            return
        if asked := self._ask(place):
            yield asked
            return
        if waiting := self._look(place):
            yield waiting
            return
        yield from self._read(place)

    # -- the reports ---------------------------------------------------------------------------

    def _ask(self, place: Place) -> Page[PartData] | None:
        """Ask for some that were not asked for; None where none is left to be. What was asked for
        is in the position before more is: it would be asked for again.
        """
        todo = [job for job in place.left if not job.report][:_AT_ONCE]
        wait_s = _ASK_ON_S
        for number, job in enumerate(todo):
            try:
                self._create(job)
            except RateLimited as err:
                if not number:
                    raise
                wait_s = err.retry_after_s
                break
        return Page(records=(), position=place.position, wait_s=wait_s) if todo else None

    def _create(self, job: Job) -> None:
        """What Amazon sends is told to apps with another role. An app that lacks it is told of what
        the seller sends.
        """
        try:
            job.report = reports.create(
                self._client,
                job.kind,
                self._account.places,
                since=known_moment(job.since, "$"),
                until=known_moment(job.until, "$"),
            )
        except PermissionMissing:
            if job.kind != return_mapper.BY_AMAZON:
                raise
            job.is_over = True

    def _look(self, place: Place) -> Page[PartData] | None:
        """None where all are done. CANCELLED: there was no return in these days."""
        awaited, is_late = [], False
        for job in place.left:
            report = reports.one(self._client, job.report)
            if report.is_under_way:
                awaited.append(job.report)
            elif report.processing_status == reports.CANCELLED:
                job.is_over = True
            elif report.processing_status == reports.FATAL:
                self._again(job)
                is_late = True
        if awaited or is_late:
            return Page(records=(), position=place.position, wait_s=_LOOK_S, awaits=tuple(awaited))
        return None

    def _again(self, job: Job) -> None:
        job.tries, job.report = job.tries + 1, ""
        if job.tries >= _MOST_TRIES:
            raise Unsupported(
                f"Amazon could not make the report on returns from {job.since[:10]} to "
                f"{job.until[:10]}, and says no more than FATAL. Look at the returns in Seller "
                "Central.",
                code="report_fatal",
            )

    # -- their rows ----------------------------------------------------------------------------

    def _read(self, place: Place) -> Iterator[Page[PartData]]:
        jobs = place.left
        if not jobs:
            yield Page(records=(), last=True)
        for job in jobs:
            records, unreadable = self._returns(job)
            while batch := records[place.row : place.row + _ON_A_PAGE]:
                place.row += len(batch)
                yield Page(records=tuple(batch), position=place.position)
            job.is_over, place.row = True, 0
            yield Page(
                records=(),
                unreadable=tuple(unreadable),
                position=place.position,
                last=not place.left,
            )

    def _returns(self, job: Job) -> tuple[list[PartData], list[Unreadable]]:
        """The returns of a report, by what is theirs: rows of one may stand apart."""
        report = reports.one(self._client, job.report)
        if report.processing_status != reports.DONE:
            raise Unavailable("A report on returns is gone that was there a moment ago.")
        found = return_mapper.Returns(job.kind)
        for row in reports.rows(self._client, report, keeps_beyond=True):
            found.add(row)
        return found.parts(), found.unreadable

    def _by_ids(self, wanted: Sequence[str]) -> Iterator[Page[PartData]]:
        """A return cannot be asked for alone."""
        for name in wanted:
            told = Unreadable(external_id=name, reason=_IN_REPORTS_ALONE, code="in_reports_alone")
            yield Page(records=(), unreadable=(told,), last=name == wanted[-1])
