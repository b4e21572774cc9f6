"""Figures in a feed, over HTTP: one for each marketplace, what is refused by its report, and what
is done where Amazon's word is lost.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from integrations.amazon import feed_files, stock_feed
from integrations.amazon.platform import CARD
from integrations.amazon.service import AmazonIntegration
from integrations.base import FileOutcome, StockLine
from integrations.errors import (
    ContractBroken,
    Misconfigured,
    OutcomeUnknown,
    PlatformError,
    RateLimited,
    Unavailable,
)
from integrations.kit import files
from inventory.data import StockResult
from tests.integrations.amazon.conftest import MakeAdapter, MakeWorld
from tests.integrations.amazon.test_listings import amazons, own, rows, to
from tests.integrations.amazon.world import SELLER, AmazonWorld
from tests.integrations.sandbox.amazon.client import DE, FR


class Kept:
    """The handle as the engine keeps it."""

    def __init__(self) -> None:
        self.handle: Mapping[str, Any] = {}

    def __call__(self, handle: Mapping[str, Any]) -> None:
        self.handle = json.loads(json.dumps(handle))


def lines_of(adapter: AmazonIntegration, figures: Mapping[str, int]) -> list[StockLine]:
    updates = [to(sku, quantity) for sku, quantity in figures.items()]
    entries = adapter.stock_entries(updates)
    assert not [entry for entry in entries if entry.refused]
    return [
        StockLine(number=number, update=update, word=entry.word)
        for number, (update, entry) in enumerate(zip(updates, entries, strict=True), 1)
    ]


def handed(
    adapter: AmazonIntegration, figures: Mapping[str, int], keep: Kept | None = None
) -> Mapping[str, Any]:
    return adapter.hand_over_stock(iter(lines_of(adapter, figures)), keep or Kept())


def later(world: AmazonWorld, seconds: float = 61) -> None:
    with world.shop.store.working():
        world.shop.store.clock.ahead_s += seconds


def worked_off(adapter: AmazonIntegration, handle: Mapping[str, Any]) -> dict[int, StockResult]:
    outcome = adapter.stock_outcome(handle)
    assert (outcome.wait_s, outcome.lost) == (None, "")
    return dict(outcome.refused)


def sent_up(world: AmazonWorld) -> list[dict[str, Any]]:
    with world.shop.store.working():
        state = world.shop.store.state
        return [json.loads(state.files[feed.input].plain()) for feed in state.feeds.values()]


def test_figures_are_sent_up_worked_off_and_shown(
    make_world: MakeWorld, make_adapter: MakeAdapter, shared: Path
) -> None:
    world = make_world(orders=0, marketplaces=(DE,))
    adapter, keep = make_adapter(world), Kept()
    figures = {sku: number for number, sku in enumerate(own(world), 5)}

    handle = handed(adapter, figures, keep)
    assert handle == json.loads(json.dumps(handle))
    waits = adapter.stock_outcome(handle)
    assert waits.wait_s is not None
    assert 10 <= waits.wait_s <= 120
    later(world)

    outcome = adapter.stock_outcome(handle)
    assert list(outcome.refused) == []
    assert outcome.ended_at is not None
    assert {sku: rows(world)[sku].quantity for sku in figures} == figures
    (sent,) = sent_up(world)
    folder = shared / "contracts" / "amazon" / "schemas" / "feeds"
    schema = json.loads((folder / "listings-feed-schema-v2.json").read_text())
    assert list(Draft7Validator(schema).iter_errors(sent)) == []
    assert sent["header"]["sellerId"] == SELLER
    types = {x["sku"]: x["productType"] for x in sent["messages"]}
    assert types == {sku: rows(world)[sku].product_type for sku in figures}
    assert {x["operationType"] for x in sent["messages"]} == {"PATCH"}
    (feed,) = handle["parts"]
    assert feed["lines"] == len(figures)
    assert handle["awaits"] == [feed["feed"]]
    assert (keep.handle["parts"][0]["feed"], keep.handle["awaits"]) == ("", [])


def test_each_marketplace_gets_its_own_feed(
    make_world: MakeWorld, make_adapter: MakeAdapter
) -> None:
    world = make_world(orders=0, products=30, marketplaces=(DE, FR))
    adapter = make_adapter(world)
    with world.shop.store.working():
        listings = world.shop.store.state.listings
        some = own(world)[:6]
        for sku in some[:3]:
            listings[sku].offers = {FR: next(iter(listings[sku].offers.values()))}

    handle = handed(adapter, dict.fromkeys(some, 8))
    later(world)

    assert worked_off(adapter, handle) == {}
    assert {part["place"]: part["lines"] for part in handle["parts"]} == {DE: 3, FR: 3}
    assert handle["awaits"] == [part["feed"] for part in handle["parts"]]
    assert {rows(world)[sku].quantity for sku in some} == {8}


def test_what_is_refused_is_named_by_its_line_in_amazons_words(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    good, gone, huge = own(world)[:3]
    lines = lines_of(adapter, {good: 4, gone: 5, huge: 10**9 + 1})
    with world.shop.store.working():
        del world.shop.store.state.listings[gone]

    handle = adapter.hand_over_stock(lines, Kept())
    later(world)
    refused = worked_off(adapter, handle)

    assert set(refused) == {2, 3}
    assert all(not result.ok and result.observed is None for result in refused.values())
    assert gone in refused[2].error
    assert refused[3].error_code == "4000001"
    assert rows(world)[good].quantity == 4


def test_what_amazon_keeps_or_does_not_have_is_not_put_into_a_file(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    good = own(world)[0]

    found = adapter.stock_entries([to(amazons(world), 5), to("nowhere", 5), to(good, 5)])

    codes = [entry.refused.error_code if entry.refused else "" for entry in found]
    assert codes == ["kept_by_amazon", "not_found", ""]
    place, _, product_type = found[2].word.partition(" ")
    assert place in rows(world)[good].offers
    assert product_type == rows(world)[good].product_type
    assert world.calls("createFeed") == 0


def test_a_fatal_feed_brings_no_word_on_any_figure(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    world.shop.faults.turn_on("feed_fatal")
    handle = handed(adapter, {own(world)[0]: 4})
    later(world)

    outcome = adapter.stock_outcome(handle)

    assert outcome == FileOutcome(lost=feed_files._ENDINGS["FATAL"])


def test_one_that_waits_can_be_dropped_and_then_does_nothing(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    sku = own(world)[0]
    before = rows(world)[sku].quantity
    handle = handed(adapter, {sku: 99})

    adapter.drop_stock(handle)
    adapter.drop_stock(handle)
    later(world, 1_000)

    assert adapter.stock_outcome(handle).lost == "The file was cancelled at Amazon."
    assert rows(world)[sku].quantity == before


def test_a_feed_that_amazon_forgot_is_lost(world: AmazonWorld, adapter: AmazonIntegration) -> None:
    handle = handed(adapter, {own(world)[0]: 4})
    with world.shop.store.working():
        world.shop.store.state.feeds.clear()

    assert adapter.stock_outcome(handle).lost == "Amazon does not know the file any more."


def test_a_feed_whose_answer_was_lost_is_waited_for_until_it_cannot_do_anything(
    world: AmazonWorld, make_adapter: MakeAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter, keep = make_adapter(world, retries=0), Kept()
    sku = own(world)[0]
    world.shop.faults.turn_on("truncated", route="createFeed$", count=1)
    with pytest.raises(OutcomeUnknown):
        handed(adapter, {sku: 4}, keep)
    world.peace()
    assert len(sent_up(world)) == 1
    # Too young to be listed for certain; then listed, and open.
    assert adapter.stock_outcome(keep.handle).wait_s is not None
    monkeypatch.setattr(feed_files, "_UNSEEN", feed_files._UNSEEN * 0)
    began = keep.handle["began"]
    assert adapter.stock_outcome(keep.handle).wait_s is not None
    assert world.calls("getFeeds") == 1
    later(world)

    assert adapter.stock_outcome(keep.handle).lost == feed_files._UNHEARD
    assert keep.handle["began"] == began
    assert rows(world)[sku].quantity == 4


@pytest.mark.parametrize(
    ("trouble", "error"),
    [("throttled", RateLimited), ("unavailable", Unavailable)],
)
def test_a_feed_that_was_refused_leaves_no_handle(
    world: AmazonWorld, make_adapter: MakeAdapter, trouble: str, error: type[PlatformError]
) -> None:
    adapter, keep = make_adapter(world, retries=0), Kept()
    world.shop.faults.turn_on(trouble, route="createFeed$", count=1)

    with pytest.raises(error):
        handed(adapter, {own(world)[0]: 4}, keep)

    assert keep.handle == {}
    assert sent_up(world) == []


def test_nothing_is_handed_in_before_all_is_sent_up(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    lines, keep = lines_of(adapter, dict.fromkeys(own(world)[:2], 4)), Kept()

    def breaks_off() -> Iterable[StockLine]:
        yield lines[0]
        raise KeyError

    with pytest.raises(KeyError):
        adapter.hand_over_stock(breaks_off(), keep)

    assert keep.handle == {}
    assert world.calls("createFeedDocument") == 0


def test_a_file_goes_to_amazons_own_hosts_alone(
    world: AmazonWorld, adapter: AmazonIntegration, tmp_path: Path
) -> None:
    path = tmp_path / "feed"
    path.write_bytes(b"{}")
    for url in ("https://files.example/x", "https://tortuga-prod-eu.s3.evil.example/x"):
        with path.open("rb") as file, pytest.raises(Misconfigured):
            files.upload(adapter.client.http, url, file, kind="a/b", hosts=CARD.file_hosts)
    for host in (
        "tortuga-prod-na.s3-external-1.amazonaws.com",
        "tortuga-prod-eu.s3-eu-west-1.amazonaws.com",
        "tortuga-prod-fe.s3-us-west-2.amazonaws.com",
        "tortuga-prod-na.s3.amazonaws.com",
    ):
        assert __import__("re").fullmatch(CARD.file_hosts, host)


def test_an_upload_that_is_broken_off_is_sent_again_from_its_beginning(
    world: AmazonWorld, make_adapter: MakeAdapter
) -> None:
    adapter = make_adapter(world)
    world.shop.faults.turn_on("dropped", method="PUT", count=1)

    handle = handed(adapter, {own(world)[0]: 4})
    later(world)

    assert worked_off(adapter, handle) == {}


@pytest.mark.parametrize(
    ("report", "words"),
    [
        ({"issues": [], "summary": {"messagesProcessed": 1}}, "1 of 2 figures"),
        ({"issues": []}, "0 of 2 figures"),
        (
            {
                "issues": [{"code": "4002005", "severity": "ERROR", "message": "No merchant."}],
                "summary": {"messagesProcessed": 0},
            },
            "as a whole: No merchant.",
        ),
    ],
)
def test_a_report_that_is_not_about_all_of_the_file_is_not_believed(
    report: dict[str, Any], words: str
) -> None:
    with pytest.raises(ContractBroken, match=words):
        list(stock_feed._of_report([json.dumps(report).encode()], 2))


def test_a_warning_is_no_refusal_and_of_several_errors_the_first_is_told() -> None:
    issues = [
        {"messageId": 1, "severity": "WARNING", "code": "1", "message": "Hm."},
        {"messageId": 2, "severity": "ERROR", "code": "2", "message": "No."},
        {"messageId": 2, "severity": "ERROR", "code": "3", "message": "Neither."},
    ]
    report = {"issues": issues, "summary": {"messagesProcessed": 2}}

    found = list(stock_feed._of_report([json.dumps(report).encode()], 2))

    assert found == [(2, StockResult(ok=False, changed=False, error_code="2", error="No."))]
