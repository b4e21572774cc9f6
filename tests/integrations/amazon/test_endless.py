"""Lists that lead from a page to the same page again: no read follows them for ever."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from integrations.amazon.service import AmazonIntegration
from integrations.base import Filters, Page
from integrations.errors import ContractBroken
from integrations.kit.http import Answer
from tests.integrations.amazon.world import AmazonWorld
from tests.integrations.conformance.suite import EVERYTHING

TOKEN = "R290IGdldCBhY3RpdmUgZm5Ta3UgbWFw"
Read = Callable[[AmazonIntegration], Iterator[Page[Any]]]
READS: dict[str, Read] = {
    "orders": lambda adapter: adapter.read_orders(EVERYTHING),
    "refunds": lambda adapter: adapter.read_refunds(EVERYTHING),
    "refunds by id": lambda adapter: adapter.read_refunds(Filters(ids=("302-1-1/x",))),
    "payouts": lambda adapter: adapter.read_payouts(EVERYTHING),
    "kept": lambda adapter: adapter.read_kept(Filters()),
    "kept by id": lambda adapter: adapter.read_kept(Filters(ids=("EU:A-1",))),
}


@pytest.fixture
def stuck(adapter: AmazonIntegration, monkeypatch: pytest.MonkeyPatch) -> AmazonIntegration:
    """Every list goes on at the same token, and begins there again."""
    real, calls = adapter.client.http.request, []

    def request(method: str, path: str, *, params: dict[str, Any], **options: Any) -> Answer:
        calls.append(path)
        assert len(calls) < 20, "It never ends."
        first = {name: value for name, value in params.items() if value != TOKEN}
        answer = real(method, path, params=first or calls_of[path], **options)
        calls_of.setdefault(path, first)
        body = json.loads(answer.body)
        told = {"nextToken": TOKEN}
        for at in (body, body.get("payload")):
            if isinstance(at, dict):
                at |= told
        return replace(answer, body=json.dumps({**body, "pagination": told}).encode())

    calls_of: dict[str, dict[str, Any]] = {}
    monkeypatch.setattr(adapter.client.http, "request", request)
    return adapter


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_a_token_that_leads_to_itself_ends_the_read_and_says_so(
    world: AmazonWorld, stuck: AmazonIntegration, read: Read
) -> None:
    with pytest.raises(ContractBroken, match="same page again") as caught:
        list(read(stuck))

    assert caught.value.code == "endless"


def test_the_next_read_of_orders_does_not_begin_at_the_token_that_leads_nowhere(
    world: AmazonWorld, stuck: AmazonIntegration
) -> None:
    places: list[Any] = []

    def read(**place: Any) -> None:
        for page in stuck.read_orders(Filters(since=EVERYTHING.since, **place)):
            places.append(page.position)

    with pytest.raises(ContractBroken):
        read()
    with pytest.raises(ContractBroken):
        read(position=places[-1])

    assert [place.get("token") for place in places] == [TOKEN, None] * 2
