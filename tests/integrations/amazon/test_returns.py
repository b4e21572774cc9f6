"""Returns from the two reports that are asked for, waited for and read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integrations.amazon import reports, return_mapper, returns
from integrations.amazon.documents import BEYOND, TOO_WIDE
from integrations.amazon.return_mapper import BY_AMAZON, BY_SELLER, Returns
from integrations.amazon.service import AmazonIntegration
from integrations.base import Filters, Page
from integrations.errors import ContractBroken, PermissionMissing
from integrations.sandbox.amazon.play import acts as account
from orders.data import PartData, ReturnData
from orders.status import ReturnStatus
from tests.integrations.amazon.test_documents import keep
from tests.integrations.amazon.world import AmazonWorld

SELLERS = {
    "Order ID": "303-1-1",
    "Return request date": "10-Nov-2026",
    "Return request status": "Approved",
    "Amazon RMA ID": "D1RRMA",
    "Merchant SKU": "A-1",
    "Return quantity": "1",
    "Return Reason": "CR-DEFECTIVE",
    "Return delivery date": "",
}
AMAZONS = {
    "return-date": "2026-11-10T08:00:00+00:00",
    "order-id": "303-2-2",
    "sku": "B-2",
    "quantity": "1",
    "reason": "DEFECTIVE",
    "status": "Unit returned to inventory",
    "license-plate-number": "LPN1",
    "customer-comments": "It is broken, says Anna",
}


def walk(world: AmazonWorld, adapter: AmazonIntegration, **asked: Any) -> list[Page[PartData]]:
    """The whole of a read, with its waits."""
    filters = {"since": datetime.now(UTC) - timedelta(days=58), **asked}
    found: list[Page[PartData]] = []
    for _ in range(40):
        for page in adapter.read_returns(Filters(**filters)):
            found.append(page)
        if found[-1].last:
            return found
        assert found[-1].wait_s
        assert found[-1].records == ()
        filters["position"] = found[-1].position
        world.wait(found[-1].wait_s)
    raise AssertionError("It never ends.")


def told(pages: list[Page[PartData]]) -> dict[str, ReturnData]:
    parts = [record for page in pages for record in page.records]
    assert all(part.by_sku for part in parts)
    found = {x.external_id: x.told for x in parts if isinstance(x.told, ReturnData)}
    assert len(found) == len(parts)
    return found


@pytest.fixture
def sent_back(world: AmazonWorld) -> tuple[str, str, str]:
    """One on its way, one that arrived, and one of Amazon's."""
    waits, there = world.place("plain", 2)
    with world.earlier(2 * 24 * 3600):
        world.act("ship", waits)
        world.act("return", waits)
    world.refund_a_unit(there)
    (amazons,) = world.place("fba")
    world.refund_a_unit(amazons)
    return waits, there, amazons


def test_returns_of_both_kinds_are_told_of_their_orders(
    world: AmazonWorld, adapter: AmazonIntegration, sent_back: tuple[str, str, str]
) -> None:
    pages = walk(world, adapter)
    found = {name.partition("/")[0]: one for name, one in told(pages).items()}

    waits, there, amazons = (found[order_id] for order_id in sent_back)
    assert (waits.status, waits.raw_status) == (ReturnStatus.OPEN, "Approved")
    assert waits.lines[0].received == 0
    assert (there.status, there.lines[0].received) == (ReturnStatus.CLOSED, 1)
    assert there.name.endswith("RRMA")
    assert (amazons.status, amazons.lines[0].received) == (ReturnStatus.CLOSED, 1)
    assert amazons.raw_status == "Unit returned to inventory"
    sku = world.order(sent_back[0]).items[0].sku
    assert waits.lines[0].line_external_id == sku
    assert waits.lines[0].reason
    # Two spans of thirty days of the seller's, the last one of Amazon's, whose rows stay as they
    # are; where nothing happened Amazon cancels the report.
    assert world.calls("createReport") == 3
    assert [page for page in pages if page.unreadable] == []


def test_a_read_that_waits_names_the_reports_that_are_not_done(
    world: AmazonWorld, adapter: AmazonIntegration, sent_back: tuple[str, str, str]
) -> None:
    filters = {"since": datetime.now(UTC) - timedelta(days=5)}
    (asked,) = adapter.read_returns(Filters(**filters))
    assert asked.awaits == (), "more may have to be asked for"
    reports = [job[3] for job in asked.position["jobs"]]

    (waits,) = adapter.read_returns(Filters(**filters, position=asked.position))
    assert (set(waits.awaits), len(waits.awaits)) == (set(reports), 2)
    with world.shop.store.working():
        world.shop.store.state.reports[reports[0]].status = "CANCELLED"
    (waits,) = adapter.read_returns(Filters(**filters, position=waits.position))

    assert waits.awaits == (reports[1],)


def test_a_read_goes_on_amid_a_report_and_asks_for_none_again(
    world: AmazonWorld,
    adapter: AmazonIntegration,
    sent_back: tuple[str, str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(returns, "_ON_A_PAGE", 1)
    pages = walk(world, adapter)
    first = next(page for page in pages if page.records)
    asked = world.calls("createReport")

    rest = walk(world, adapter, position=first.position)

    assert len(told(pages)) == 3
    assert {**told([first]), **told(rest)} == told(pages)
    assert not set(told([first])) & set(told(rest))
    assert world.calls("createReport") == asked


def test_a_report_that_fails_is_asked_for_again_and_then_given_up_in_words(
    world: AmazonWorld, adapter: AmazonIntegration, sent_back: tuple[str, str, str]
) -> None:
    since = datetime.now(UTC) - timedelta(days=5)
    world.trouble("report_fatal", count=1)
    assert len(told(walk(world, adapter, since=since))) == 3

    world.trouble("report_fatal", route=BY_SELLER)
    pages = walk(world, adapter, since=since)
    assert "report on returns of what you send" in "".join(page.gap for page in pages)
    world.peace()
    assert "".join(page.gap for page in walk(world, adapter, since=since)) == ""


def test_amazons_report_is_asked_for_once_in_four_hours_and_costs_no_other(
    world: AmazonWorld, adapter: AmazonIntegration, sent_back: tuple[str, str, str]
) -> None:
    assert len(told(walk(world, adapter))) == 3
    asked = world.calls("createReport")

    # A walk leaves it to the next one.
    soon = walk(world, adapter)
    assert {name.partition("/")[0] for name in told(soon)} == set(sent_back[:2])
    assert world.calls("createReport") == asked + 2
    assert "".join(page.gap for page in soon) == ""

    # The past waits for it, and is told of the seller's meanwhile.
    now = datetime.now(UTC)
    past = walk(world, adapter, since=now - timedelta(days=50), until=now)
    assert len(told(past)) == 3
    (long,) = (place for place, page in enumerate(past) if (page.wait_s or 0) > 3 * 3600)
    assert len(told(past[:long])) == 2
    world.wait(5 * 3600)
    assert len(told(walk(world, adapter))) == 3
    assert not [x for x in world.shop.store.state.reports.values() if x.status == "FATAL"]


def test_a_report_that_fails_for_another_programs_haste_is_told_and_the_sellers_are_read(
    world: AmazonWorld, adapter: AmazonIntegration, sent_back: tuple[str, str, str]
) -> None:
    world.trouble("report_fatal", route=BY_AMAZON)

    pages = walk(world, adapter)

    assert {name.partition("/")[0] for name in told(pages)} == set(sent_back[:2])
    (gap,) = (page.gap for page in pages if page.gap)
    assert "returns of what it sends (FBA)" in gap
    assert "within four hours" in gap

    # Of the past, whose reading goes on for hours, it is told when nothing is waited for any more.
    now = datetime.now(UTC)
    past = walk(world, adapter, since=now - timedelta(days=50), until=now)
    last_wait = max(place for place, page in enumerate(past) if page.wait_s)
    assert [bool(page.gap) for page in past[last_wait + 1 :]] == [True, True, False]
    assert not any(page.gap for page in past[:last_wait])


def test_a_report_that_amazon_has_forgotten_is_asked_for_again(
    world: AmazonWorld, adapter: AmazonIntegration, sent_back: tuple[str, str, str]
) -> None:
    since = datetime.now(UTC) - timedelta(days=5)
    (asked,) = adapter.read_returns(Filters(since=since))
    account.move_clock(world.shop.store, 91 * 24 * 3600)

    pages = walk(world, adapter, since=since, position={**asked.position, "row": 2})

    assert len(told(pages)) == 3


def test_nothing_is_asked_for_where_there_is_nothing_to_tell(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    now = datetime.now(UTC)
    (page,) = adapter.read_returns(Filters(since=now))
    assert page.last
    (page,) = adapter.read_returns(Filters(since=now - timedelta(days=900), counted=True))
    assert page.last
    years_ago = now - timedelta(days=900)
    (page,) = adapter.read_returns(Filters(since=years_ago, until=years_ago + timedelta(days=30)))
    assert page.last
    (page,) = adapter.read_returns(Filters(ids=("303-1-1/D1",)))
    assert page.unreadable[0].external_id == "303-1-1/D1"
    assert world.calls("createReport") == 0


def test_without_the_role_for_its_warehouses_the_sellers_returns_are_read(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    day = "2026-01-01T00:00:00Z"
    place = returns.Place([returns.Job(BY_AMAZON, day, day)])
    world.trouble("role_missing", route="createReport")

    page = adapter._returns._ask(place, 0)

    assert page is not None
    assert place.left == []
    with pytest.raises(PermissionMissing):
        adapter._returns._ask(returns.Place([returns.Job(BY_SELLER, day, day)]), 0)


def test_rows_of_one_return_are_one_wherever_they_stand() -> None:
    found = Returns(BY_SELLER)
    for change in (
        {},
        {"Amazon RMA ID": "D2RRMA", "Return request status": "Novelty"},
        {"Merchant SKU": "C-3", "Return delivery date": "12-Nov-2026", "Return quantity": "2"},
        {"Return quantity": "2"},
    ):
        found.add({**SELLERS, **change})

    first, second = (x.told for x in found.parts())
    assert isinstance(first, ReturnData)
    assert isinstance(second, ReturnData)
    assert [(x.line_external_id, x.quantity, x.received) for x in first.lines] == [
        ("A-1", 3, 0),
        ("C-3", 2, 2),
    ]
    assert first.created_at == datetime(2026, 11, 10, tzinfo=UTC)
    assert (second.status, second.raw_status) == (ReturnStatus.UNKNOWN, "Novelty")


def test_what_buyers_wrote_is_not_kept_and_a_row_that_breaks_is_set_aside() -> None:
    found = Returns(BY_AMAZON)
    found.add(AMAZONS)
    found.add({**AMAZONS, "license-plate-number": "LPN2", "quantity": "many"})
    found.add({**AMAZONS, "license-plate-number": "LPN3", "return-date": ""})

    (part,) = found.parts()
    assert "Anna" not in repr(part)
    assert part.external_id == "303-2-2/LPN1"
    assert [(x.external_id, x.code) for x in found.unreadable] == [
        ("303-2-2/LPN2", "bad_units"),
        ("303-2-2/LPN3", "bad_time"),
    ]
    with pytest.raises(ContractBroken, match="lacks the column “sku”"):
        found.add({name: value for name, value in AMAZONS.items() if name != "sku"})
    assert set(return_mapper.STATUS_IN.values()) <= set(ReturnStatus)


def test_what_a_buyer_wrote_shifts_no_row_and_names_nothing() -> None:
    """A tab among a buyer's words makes a row too wide, a line break makes it two."""
    found = Returns(BY_AMAZON)
    found.add({**AMAZONS, BEYOND: TOO_WIDE})
    found.add({**dict.fromkeys(AMAZONS, ""), "return-date": "call Anna", "order-id": "0177 1234"})
    found.add({**AMAZONS, "order-id": "Anna, 12 Mill Lane", "license-plate-number": "her door"})

    assert found.parts() == []
    assert [(x.external_id, x.code) for x in found.unreadable] == [
        ("303-2-2/LPN1", "contract_broken"),
        ("?/?", "bad_time"),
        ("?/?", "contract_broken"),
    ]
    assert "Anna" not in repr(found.unreadable)


def test_a_row_that_is_too_wide_costs_no_other_return(
    world: AmazonWorld, adapter: AmazonIntegration, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = {**AMAZONS, "order-id": "303-3-3", "customer-comments": "broken\tand late"}
    rows = (AMAZONS, AMAZONS.values(), wide.values())
    report = keep(world, "text/plain", "\n".join("\t".join(row) for row in rows).encode())
    monkeypatch.setattr(reports, "one", lambda *_: report)

    records, unreadable = adapter._returns._returns(returns.Job(BY_AMAZON, "", "", "1"))

    assert [record.external_order_id for record in records] == ["303-2-2"]
    assert [x.external_id for x in unreadable] == ["303-3-3/LPN1"]


def test_amazons_report_without_a_status_is_read() -> None:
    found = Returns(BY_AMAZON)

    found.add({name: value for name, value in AMAZONS.items() if name != "status"})

    (part,) = found.parts()
    assert isinstance(part.told, ReturnData)
    assert (part.told.status, part.told.raw_status) == (ReturnStatus.CLOSED, "")


def test_a_labelled_unit_that_is_told_of_twice_is_one() -> None:
    found = Returns(BY_AMAZON)
    found.add(AMAZONS)
    found.add({**AMAZONS, "return-date": "2026-11-12T08:00:00+00:00"})
    found.add({**AMAZONS, "license-plate-number": ""})
    found.add({**AMAZONS, "license-plate-number": ""})

    one, two = (x.told for x in found.parts())
    assert isinstance(one, ReturnData)
    assert isinstance(two, ReturnData)
    assert (one.lines[0].quantity, two.lines[0].quantity) == (1, 2)
