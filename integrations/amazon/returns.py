"""Reading returns: two reports that are asked for, of what the seller sends and of what Amazon
sends from its own warehouses.

A read asks for its reports, waits for them, then goes through their rows; where it stands is its
position. A report covers thirty days and tells returns as they are now, so the same days are
asked for again as long as a return may change. One that Amazon cannot make is a gap of the read.
Source: the page "Returns Reports" of https://developer-docs.amazon.com/sp-api (60 days at most).

Amazon makes its own report once in four hours at most, and answers FATAL before that: the page
"Fulfillment by Amazon (FBA) Reports", …/docs/fba-sales-reports-attributes;
amzn/selling-partner-api-models#4032, -docs#2803 and #1572. What the seller sends is read meanwhile.
Who follows changes looks so far back that the last one may be left to the next time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.amazon import reports, return_mapper
from integrations.amazon.account import Account
from integrations.amazon.client import AmazonClient
from integrations.amazon.platform import CARD
from integrations.amazon.return_mapper import BY_AMAZON, BY_SELLER
from integrations.amazon.values import as_iso, known_moment
from integrations.base import Filters, Page, Unreadable
from integrations.errors import NotFound, PermissionMissing, RateLimited, Unavailable
from integrations.platform import Ability
from orders.data import PartData

_DAYS = timedelta(days=30)
_APART = timedelta(hours=4)
# A unit that Amazon took in stays as it was told.
_AMAZONS_BACK = timedelta(days=28)
_SHORTEST = timedelta(minutes=1)
_TOLD_FOR = timedelta(days=2 * 365)
_ON_A_PAGE = 200
_AT_ONCE, _MOST_TRIES = 4, 3
_ASK_ON_S, _LOOK_S = 5.0, 45.0
_NOT_MADE = {
    BY_SELLER: "Amazon could not make the report on returns of what you send, and says no more "
    "than FATAL. Logix asks for it again by itself; until then look at them in Seller Central.",
    BY_AMAZON: "Amazon could not make the report on returns of what it sends (FBA). So it is when "
    "another program has asked for it within four hours. Logix asks for it again by itself.",
}
_IN_REPORTS_ALONE = (
    "A row about this return could not be read. Amazon tells of it in reports alone, so it is read "
    "again with the next one, within some hours. If it stays, look at the return in Seller Central."
)


@dataclass(slots=True)
class Job:
    """One report. ``report`` "" before it is asked for; ``is_over``: all its rows were read, or
    there are none; ``is_given_up``: Amazon does not make it, which is still to be told.
    """

    kind: str
    since: str
    until: str
    report: str = ""
    tries: int = 0
    is_over: bool = False
    is_given_up: bool = False

    @property
    def kept(self) -> list[Any]:
        asked = [self.kind, self.since, self.until, self.report, self.tries]
        return [*asked, self.is_over, self.is_given_up]

    def again(self) -> None:
        self.tries, self.report = self.tries + 1, ""
        self.is_given_up = self.tries >= _MOST_TRIES


@dataclass(slots=True)
class Place:
    """``row``: how many returns of the first report that is ready were read."""

    jobs: list[Job] = field(default_factory=list)
    row: int = 0

    @classmethod
    def of(cls, filters: Filters) -> Place:
        if filters.position:
            return cls([Job(*job) for job in filters.position["jobs"]], filters.position["row"])
        now = datetime.now(UTC)
        until = min(filters.until or now, now)
        since = max(filters.since or now - _TOLD_FOR, now - _TOLD_FOR)
        amazons = since
        if filters.until is None:
            needed = since + CARD.apart[Ability.RETURNS] - _AMAZONS_BACK
            amazons = max(since, min(needed, until - _AMAZONS_BACK))
        return cls([*_jobs(BY_SELLER, since, until), *_jobs(BY_AMAZON, amazons, until)])

    @property
    def position(self) -> dict[str, Any]:
        return {"jobs": [job.kept for job in self.jobs], "row": self.row}

    @property
    def left(self) -> list[Job]:
        return [job for job in self.jobs if not job.is_over]

    @property
    def unasked(self) -> list[Job]:
        return [job for job in self.left if not job.report and not job.is_given_up]

    @property
    def ready(self) -> list[Job]:
        """To be read; what was given up is told once nothing else is left to wait for."""
        asked = [job for job in self.left if job.report]
        return asked or ([] if self.unasked else self.left)

    def put_off(self) -> None:
        """What failed is told, and Amazon's last report left to the next walk."""
        for job in self.unasked:
            if job.kind == BY_AMAZON:
                job.is_given_up = job.tries > 0
                job.is_over = job is self.jobs[-1] and not job.tries


class ReturnReader:
    def __init__(self, client: AmazonClient, account: Account) -> None:
        self._client, self._account = client, account

    def read(self, filters: Filters) -> Iterator[Page[PartData]]:
        """Oldest days first. How many there are is not told: it would take the reports."""
        if filters.ids:
            yield from self._by_ids(filters.ids)
            return
        place = Place.of(filters)
        if filters.counted:
            place.jobs = []
        rest_s = self._rest_s(place)
        if rest_s > _LOOK_S and filters.until is None:
            place.put_off()
        while place.left:
            if waiting := self._ask(place, rest_s) or self._look(place):
                yield waiting
                return
            if not place.ready:
                yield _waiting(place, rest_s)
                return
            yield from self._read(place)
        yield Page(records=(), last=True)

    # -- the reports ---------------------------------------------------------------------------

    def _rest_s(self, place: Place) -> float:
        """Seconds until another of Amazon's own may be asked for, whoever asked for the last one;
        0 where none is wanted. One that is CANCELLED was not made.
        """
        if BY_AMAZON not in {job.kind for job in place.unasked}:
            return 0
        if BY_AMAZON in {job.kind for job in place.left if job.report}:
            return _LOOK_S
        now = datetime.now(UTC)
        try:
            told = reports.found(self._client, BY_AMAZON, since=now - _APART)
        except PermissionMissing:
            return 0
        made = [x.created_at for x in told.reports if x.processing_status != reports.CANCELLED]
        if not made:
            return 0
        return max(0, (max(made) + _APART - (told.store_time or now)).total_seconds())

    def _ask(self, place: Place, rest_s: float) -> Page[PartData] | None:
        """Ask for some that were not asked for; None where none can be. What was asked for is in
        the position before more is: it would be asked for again. One of Amazon's at a time; an app
        without the role for it is told of what the seller sends.
        """
        todo = [job for job in place.unasked if job.kind == BY_SELLER or not rest_s][:_AT_ONCE]
        wait_s = _ASK_ON_S
        for number, job in enumerate(todo):
            try:
                self._create(job)
            except RateLimited as err:
                if not number:
                    raise
                wait_s = err.retry_after_s
                break
            except PermissionMissing:
                if job.kind != BY_AMAZON:
                    raise
                job.is_over = True
            if job.kind == BY_AMAZON and job.report:
                break
        return _waiting(place, wait_s) if todo else None

    def _create(self, job: Job) -> None:
        job.report = reports.create(
            self._client,
            job.kind,
            self._account.places,
            since=known_moment(job.since, "$"),
            until=known_moment(job.until, "$"),
        )

    def _look(self, place: Place) -> Page[PartData] | None:
        """None where all are done. CANCELLED: there was no return in these days. One that Amazon
        has forgotten is asked for again, and read from its beginning.
        """
        awaited, is_late = [], False
        for job in place.ready:
            if not job.report:
                continue
            try:
                report = reports.one(self._client, job.report)
            except NotFound:
                place.row, is_late = 0, True
                job.again()
                continue
            if report.is_under_way:
                awaited.append(job.report)
            elif report.processing_status == reports.CANCELLED:
                job.is_over = True
            elif report.processing_status == reports.FATAL:
                job.again()
                is_late = True
        if awaited or is_late:
            return _waiting(place, _LOOK_S, awaits=tuple(awaited))
        return None

    # -- their rows ----------------------------------------------------------------------------

    def _read(self, place: Place) -> Iterator[Page[PartData]]:
        for job in place.ready:
            records, unreadable = self._returns(job)
            while batch := records[place.row : place.row + _ON_A_PAGE]:
                place.row += len(batch)
                yield Page(records=tuple(batch), position=place.position)
            job.is_over, place.row = True, 0
            gap = _NOT_MADE[job.kind] if job.is_given_up else ""
            yield Page(records=(), unreadable=tuple(unreadable), position=place.position, gap=gap)

    def _returns(self, job: Job) -> tuple[list[PartData], list[Unreadable]]:
        """The returns of a report, by what is theirs: rows of one may stand apart."""
        if job.is_given_up:
            return [], []
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


def _jobs(kind: str, since: datetime, until: datetime) -> Iterator[Job]:
    while until - since >= _SHORTEST:
        end = min(since + _DAYS, until)
        yield Job(kind, as_iso(since), as_iso(end))
        since = end


def _waiting(place: Place, wait_s: float, *, awaits: Sequence[str] = ()) -> Page[PartData]:
    return Page(records=(), position=place.position, wait_s=wait_s, awaits=tuple(awaits))
