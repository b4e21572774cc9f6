"""Shopify's Admin API (GraphQL) in its own words; the only place that knows its address.

Reference: https://shopify.dev/docs/api/admin-graphql
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from integrations.errors import (
    ContractBroken,
    NotFound,
    OutcomeUnknown,
    PlatformError,
    RateLimited,
    Unavailable,
)
from integrations.kit.http import Answer
from integrations.kit.oauth2 import StaticToken, TokenAuth
from integrations.kit.outcomes import LONGEST_SLEEP_S
from integrations.platform import Connection
from integrations.shopify import pacing, refusals, shapes
from integrations.shopify.operations import Operation, operation
from integrations.shopify.pacing import Extensions, Ledger
from integrations.shopify.platform import CARD
from integrations.shopify.refusals import TooCostly
from integrations.shopify.shapes import Camel, UserError

T = TypeVar("T")
Variables = Mapping[str, Any]
NO_VARIABLES: Variables = {}
MOST = 250
_TRIES = 3
_A_PAGE = "The store answered with a web page instead of data. It is asked again later."


class Envelope(Camel):
    data: dict[str, msgspec.Raw] | None = None
    errors: Any = None
    extensions: Extensions | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """The root fields of an answer, raw. ``store_time`` is the store's clock, aware UTC."""

    data: Mapping[str, msgspec.Raw]
    store_time: datetime | None

    def at(self, name: str, type_: type[T]) -> T:
        """One root field, decoded. Raises NotFound where it is null, ContractBroken."""
        raw = bytes(self.data.get(name, b""))
        if not raw:
            raise ContractBroken(
                "Shopify's answer lacks what was asked for.", path=f"$.data.{name}"
            )
        if raw == b"null":
            raise NotFound("The store does not have this any more.")
        return shapes.decode(raw, type_)


class ShopifyClient:
    """Calls with one store. Raises any PlatformError."""

    def __init__(self, connection: Connection) -> None:
        self.http = connection.http
        token = connection.token or StaticToken(connection.credentials.get("access_token", ""))
        self.http.auth = TokenAuth("X-Shopify-Access-Token", "", token)
        self.http.explain = refusals.explain
        self.http.learn = pacing.learn
        self.ledger = Ledger(connection.options.get("costs"))
        # The version that answered: one that is retired is answered by the oldest that lives.
        self.served = ""

    def ask(
        self,
        name: str,
        variables: Variables = NO_VARIABLES,
        *,
        count: int = 1,
        repeatable: bool | None = None,
    ) -> Reply:
        """One operation. ``count``: for how many nodes it asks; ``repeatable``: whether sending it
        twice does no harm, which is so of queries.
        """
        known = operation(name).asked(variables)
        is_safe = not known.is_mutation if repeatable is None else repeatable
        charge, tries = self.ledger.charge(known, count), 0
        while True:
            tries += 1
            answer = self._post(known, variables, charge, repeatable=is_safe)
            envelope = shapes.decode(answer.body, Envelope)
            cost = envelope.extensions.cost if envelope.extensions else None
            errors = _errors(envelope)
            if not any(refusals.code_of(error) == refusals.THROTTLED for error in errors):
                break
            # Not carried out: whatever it is, it may be sent again.
            wait = pacing.wait_s(cost, known.cost(count))
            if tries == _TRIES or wait > LONGEST_SLEEP_S:
                raise RateLimited(
                    "Shopify asked for fewer calls.", retry_after_s=wait, code="throttled"
                )
            charge = (cost and cost.requested_query_cost) or known.cost(count)
        if errors:
            raise self._refusal(known, count, errors, repeatable=is_safe)
        self.ledger.note(known, count, cost)
        if envelope.data is None:
            raise ContractBroken("Shopify's answer has no data.", path="$.data")
        return Reply(envelope.data, answer.date)

    def page(self, name: str, variables: Variables, wanted: int) -> tuple[Reply, int]:
        """One page of at most ``wanted`` nodes, as many as one query may ask for, and how many that
        were.
        """
        while True:
            size = self.ledger.fit(operation(name).asked(variables), min(wanted, MOST))
            try:
                return self.ask(name, {**variables, "first": size}, count=size), size
            except TooCostly:
                if size == 1:
                    raise

    def by_ids(
        self, name: str, ids: Sequence[str], variables: Variables = NO_VARIABLES
    ) -> Iterator[tuple[Sequence[str], Reply]]:
        """Nodes by their global ids, as many at a time as one query may ask for."""
        start = 0
        while start < len(ids):
            size = self.ledger.fit(operation(name).asked(variables), MOST)
            part = ids[start : start + size]
            try:
                reply = self.ask(name, {**variables, "ids": list(part)}, count=len(part))
            except TooCostly:
                if len(part) == 1:
                    raise
                continue
            start += len(part)
            yield part, reply

    def connection(
        self,
        name: str,
        variables: Variables,
        root: str,
        field: str,
        type_: type[T],
        after: str | None = None,
    ) -> Iterator[T]:
        """A connection inside one object, or what is left of it after a cursor, page by page."""
        cursor = after
        while True:
            reply, _ = self.page(name, {**variables, "after": cursor}, MOST)
            inside = reply.at(root, dict[str, msgspec.Raw])
            found = shapes.decode(bytes(inside.get(field, b"null")), shapes.Connection[type_])  # type: ignore[valid-type]
            yield from found.nodes
            if found.rest is None or found.rest == cursor:
                return
            cursor = found.rest

    def change(
        self,
        name: str,
        variables: Variables,
        root: str,
        *,
        repeatable: bool = False,
        errors: str = "userErrors",
    ) -> dict[str, msgspec.Raw]:
        """A mutation that is done whole or not at all; its payload. Raises Rejected."""
        payload = self.ask(name, variables, repeatable=repeatable).at(root, dict[str, msgspec.Raw])
        if found := user_errors(payload, errors):
            raise refusals.rejection(found)
        return payload

    def _post(
        self, known: Operation, variables: Variables, charge: float, *, repeatable: bool
    ) -> Answer:
        answer = self.http.post(
            f"/admin/api/{CARD.api_version}/graphql.json",
            json={"query": known.text, "variables": dict(variables)},
            cost=charge,
            repeatable=repeatable,
        )
        if answer.is_html:
            kind = Unavailable if repeatable else OutcomeUnknown
            raise kind(_A_PAGE, code="html_answer")
        self.served = answer.headers.get("X-Shopify-API-Version", self.served)
        return answer

    def _refusal(
        self, known: Operation, count: int, errors: Sequence[Any], *, repeatable: bool
    ) -> PlatformError:
        error = refusals.error_of(errors, known, repeatable=repeatable)
        if isinstance(error, TooCostly):
            self.ledger.refused(known, count, error.cost)
        return error


def user_errors(payload: Mapping[str, msgspec.Raw], name: str = "userErrors") -> list[UserError]:
    raw = bytes(payload.get(name, b"[]"))
    return shapes.decode(raw, list[UserError])


def _errors(envelope: Envelope) -> list[Any]:
    found = envelope.errors
    if found is None or isinstance(found, list):
        return found or []
    raise ContractBroken("Shopify's errors are no list of them.", path="$.errors")
