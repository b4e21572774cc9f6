"""One call of the Selling Partner API, as what answers it sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from integrations.sandbox.amazon.api.params import Query
from integrations.sandbox.amazon.marketplaces import MARKETPLACES
from integrations.sandbox.amazon.wire import Answer, Refused, Request, invalid

if TYPE_CHECKING:
    from integrations.sandbox.amazon.store import SellerStore


@dataclass(slots=True)
class Call:
    """``words`` are the parts of the path that its template leaves open."""

    store: SellerStore
    request: Request
    words: dict[str, str]

    def query(self) -> Query:
        return Query(self.request)

    def sells_in(self, ids: Iterable[str]) -> list[str]:
        """These marketplaces, where the seller sells in all of them. Raises Refused.

        That an unknown one is invalid input, and one of elsewhere forbidden, is assumed.
        """
        found = list(ids)
        for name in found:
            if name not in MARKETPLACES:
                raise invalid(f"Marketplace id {name} is not valid.")
            if name not in self.store.options.sells_in:
                raise denied()
        return found


Act = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True)
class Operation:
    """``rate`` is calls a second, ``burst`` calls at once: the model's own figures. ``roles``: the
    app needs one of these. ``scope``: it is about the app, so it takes a grantless token of this
    scope and no seller's. ``tells_limit``: the model has the header for it.
    """

    id: str
    method: str
    template: str
    rate: float
    burst: int
    act: Act
    roles: frozenset[str]
    scope: str = ""
    tells_limit: bool = True

    def words(self, segments: list[str]) -> dict[str, str] | None:
        """What fills the open parts of the template; None for another path."""
        parts = self.template.strip("/").split("/")
        if len(parts) != len(segments):
            return None
        found = {}
        for part, segment in zip(parts, segments, strict=True):
            if part.startswith("{"):
                found[part[1:-1]] = segment
            elif part != segment:
                return None
        return found


def denied(details: str = "") -> Refused:
    """As amzn/selling-partner-api-models#713 and #2147 show it."""
    return Refused(403, "Unauthorized", "Access to requested resource is denied.", details)
