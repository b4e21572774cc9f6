"""What reports and feeds have in common: lists that a token goes through alone, and their files."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

from integrations.sandbox.amazon import files, tokens
from integrations.sandbox.amazon.api.call import Call
from integrations.sandbox.amazon.clock import DAY
from integrations.sandbox.amazon.wire import Refused, invalid

KEPT_S = 90 * DAY
STATUSES = ("CANCELLED", "DONE", "FATAL", "IN_PROGRESS", "IN_QUEUE")


class Job(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def marketplaces(self) -> list[str]: ...
    @property
    def created(self) -> int: ...
    @property
    def status(self) -> str: ...


Row = TypeVar("Row", bound=Job)


def page(call: Call, jobs: list[Row], types: str) -> tuple[list[Row], str]:
    """The newest first, and the token of the next page. A token stands alone; without one, the
    types are needed. Raises Refused.
    """
    query, now = call.query(), call.store.clock.exact()
    if "nextToken" in query.given:
        place = tokens.opened(query.given["nextToken"], types, now)
        if place is None or len(query.given) > 1:
            raise invalid()
    else:
        since, until = query.moment("createdSince"), query.moment("createdUntil")
        query.needed(types)
        place = {
            "types": query.texts(types, least=1, most=10),
            "statuses": query.texts("processingStatuses", STATUSES),
            "marketplaces": call.sells_in(query.texts("marketplaceIds", most=10)),
            "size": query.number("pageSize", least=1, most=100, usual=10),
            "since": now - KEPT_S if since is None else max(since, now - KEPT_S),
            "until": now if until is None else until,
            "start": 0,
        }
    found = [job for job in jobs if _fits(job, place)]
    found.sort(key=lambda job: (-job.created, job.id))
    start, end = place["start"], place["start"] + place["size"]
    token = ""
    if end < len(found):
        token = tokens.sealed(types, now + DAY, **(place | {"start": end}))
    return found[start:end], token


def _fits(job: Job, place: dict[str, Any]) -> bool:
    return (
        job.kind in place["types"]
        and (not place["statuses"] or job.status in place["statuses"])
        and (not place["marketplaces"] or bool({*place["marketplaces"]} & {*job.marketplaces}))
        and place["since"] <= job.created <= place["until"]
    )


def document(call: Call, name: str, key: str) -> dict[str, Any]:
    """Where a file is to be had. Raises Refused."""
    file = call.store.state.files.get(name)
    tells = call.query().flag("enableContentEncodingUrlHeader")
    if file is None or file.content is None or file.made_at < call.store.clock.now() - KEPT_S:
        raise Refused(404, "NotFound", "The document was not found.")
    told = {key: name, "url": files.url(call.store, file, "GET", tells_encoding=tells)}
    return told | ({"compressionAlgorithm": "GZIP"} if file.is_gzip else {})
