"""Parcels in a feed, over HTTP: one for each marketplace, what is refused by its report, and what
is done where Amazon's word is lost.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

import pytest

from integrations.amazon import feed_files, parcel_feed, shipping
from integrations.amazon.service import AmazonIntegration
from integrations.base import FileOutcome, ParcelLine, ParcelRefusal
from integrations.errors import ContractBroken, OutcomeUnknown, RateLimited
from orders.data import ShipmentData, ShipmentLineData
from orders.status import OrderStatus
from tests.integrations.amazon.conftest import MakeAdapter, MakeWorld
from tests.integrations.amazon.test_shipping import parcel
from tests.integrations.amazon.test_stock_feed import Kept, handed, later
from tests.integrations.amazon.world import SELLER, AmazonWorld
from tests.integrations.conformance.suite import told
from tests.integrations.sandbox.amazon.client import DE, FR


def line(adapter: AmazonIntegration, order_id: str, number: int = 1, **changes: Any) -> ParcelLine:
    """A parcel of all that was bought."""
    order = adapter.read_order(order_id)
    shipment = parcel(
        reference=f"LGX-{number}",
        tracking_number=f"0034043416100000{number:04}",
        lines=tuple(
            ShipmentLineData(line_external_id=x.external_id, quantity=x.quantity)
            for x in order.lines
        ),
    )
    return ParcelLine(
        number=number,
        order_id=order_id,
        shipment=replace(shipment, **changes),
        placed_at=order.placed_at,
        custom=order.custom,
    )


def worked_off(adapter: AmazonIntegration, handle: Mapping[str, Any]) -> dict[int, ParcelRefusal]:
    outcome = adapter.parcels_outcome(handle)
    assert (outcome.wait_s, outcome.lost) == (None, "")
    return dict(outcome.refused)


def sent_up(world: AmazonWorld) -> list[ElementTree.Element]:
    with world.shop.store.working():
        state = world.shop.store.state
        found = [state.files[feed.input].plain() for feed in state.feeds.values()]
    return [ElementTree.fromstring(raw) for raw in found]  # noqa: S314 - our own


def shape(element: ElementTree.Element) -> Any:
    """Names and texts, in their order."""
    if len(element):
        return element.tag, [shape(child) for child in element]
    return element.tag, element.text


def test_parcels_are_sent_up_worked_off_and_shown(
    make_world: MakeWorld, make_adapter: MakeAdapter
) -> None:
    world = make_world(orders=0, marketplaces=(DE,))
    adapter, keep = make_adapter(world), Kept()
    lines = [line(adapter, world.place_order(), number) for number in (1, 2, 3)]
    assert all(adapter.fits_file(one) for one in lines)
    reads = world.calls("getOrder")

    handle = adapter.hand_over_parcels(iter(lines), keep)
    assert handle == json.loads(json.dumps(handle))
    assert keep.handle["parts"][0]["feed"] == ""
    assert adapter.parcels_outcome(handle).wait_s is not None
    later(world)
    outcome = adapter.parcels_outcome(handle)

    assert list(outcome.refused) == []
    assert outcome.ended_at is not None
    assert (world.calls("createFeed"), world.calls("confirmShipment")) == (1, 0)
    assert world.calls("getOrder") == reads
    for one in lines:
        order = adapter.read_order(one.order_id)
        (shown,) = order.shipments or ()
        assert order.status.order is OrderStatus.COMPLETED
        assert (shown.carrier, shown.tracking_number) == ("DHL", one.shipment.tracking_number)
        assert shown.lines == one.shipment.lines


def test_a_message_says_what_the_schema_asks_for_in_its_order(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    """OrderFulfillment.xsd: a sequence; a carrier by its code, or else by its name."""
    first = line(adapter, world.place_order(), 1)
    second = line(adapter, world.place_order(), 2, carrier="Rad & Tat <Süd>\x07", lines=())
    shipped_at = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
    first = replace(
        first,
        placed_at=datetime(2026, 11, 19, tzinfo=UTC),
        shipment=replace(first.shipment, shipped_at=shipped_at),
    )

    adapter.hand_over_parcels([first, second], Kept())

    (sent,) = sent_up(world)
    header, kind, one, two = (shape(child) for child in sent)
    assert header == ("Header", [("DocumentVersion", "1.01"), ("MerchantIdentifier", SELLER)])
    assert kind == ("MessageType", "OrderFulfillment")
    items = [
        ("Item", [("AmazonOrderItemCode", x.line_external_id), ("Quantity", str(x.quantity))])
        for x in first.shipment.lines
    ]
    assert one == (
        "Message",
        [
            ("MessageID", "1"),
            (
                "OrderFulfillment",
                [
                    ("AmazonOrderID", first.order_id),
                    ("MerchantFulfillmentID", shipping.number_of("LGX-1")),
                    ("FulfillmentDate", "2026-11-20T08:30:00Z"),
                    (
                        "FulfillmentData",
                        [
                            ("CarrierCode", "DHL"),
                            ("ShipperTrackingNumber", first.shipment.tracking_number),
                        ],
                    ),
                    *items,
                ],
            ),
        ],
    )
    data = sent.findall("Message/OrderFulfillment/FulfillmentData")[1]
    assert shape(data)[1][:2] == [("CarrierCode", "Other"), ("CarrierName", "Rad & Tat <Süd>")]
    assert [name for name, _ in two[1][1][1]][-1] == "FulfillmentData"


def test_a_carrier_that_amazon_does_not_know_goes_by_its_name(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    one = line(adapter, world.place_order(), carrier="Fahrradkurier Süd")

    handle = adapter.hand_over_parcels([one], Kept())
    later(world)

    assert worked_off(adapter, handle) == {}
    assert world.order(one.order_id).packages[0].carrier == "Fahrradkurier Süd"


def test_each_marketplace_gets_its_own_feed(
    make_world: MakeWorld, make_adapter: MakeAdapter
) -> None:
    world = make_world(orders=0, products=30, marketplaces=(DE, FR))
    adapter = make_adapter(world)
    with world.shop.store.working():
        listings = world.shop.store.state.listings
        french = world.own_skus()[0]
        listings[french].offers = {FR: next(iter(listings[french].offers.values()))}
    order_ids = [world.buy((french, 1)), *(world.place_order() for _ in range(2))]
    lines = [line(adapter, order_id, number) for number, order_id in enumerate(order_ids, 1)]

    handle = adapter.hand_over_parcels(lines, Kept())
    later(world)

    assert worked_off(adapter, handle) == {}
    assert {part["place"]: part["lines"] for part in handle["parts"]} == {DE: 2, FR: 1}
    assert {world.order(order_id).status for order_id in order_ids} == {"SHIPPED"}


@pytest.mark.parametrize(
    "changes",
    [{"tracking_number": " "}, {"carrier": ""}],
)
def test_what_amazon_needs_and_is_not_there_keeps_a_parcel_out_of_a_file(
    world: AmazonWorld, adapter: AmazonIntegration, changes: dict[str, str]
) -> None:
    one = line(adapter, world.place_order())

    assert adapter.fits_file(one)
    assert not adapter.fits_file(replace(one, shipment=replace(one.shipment, **changes)))
    for name in ("", "Amazon.example"):
        assert not adapter.fits_file(replace(one, custom={"marketplace": name}))


def test_what_is_refused_is_named_by_its_line_in_amazons_words(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    lines = [line(adapter, world.place_order(), number) for number in range(1, 6)]
    gone, shipped, cancelled, spoiled = lines[1:]
    world.delete_order(gone.order_id)
    world.act("ship", shipped.order_id)
    world.act("cancel", cancelled.order_id)
    world.shop.faults.turn_on("feed_message_refused", route=spoiled.order_id)

    handle = adapter.hand_over_parcels(lines, Kept())
    later(world)
    refused = worked_off(adapter, handle)

    assert {number: (x.code, x.is_unsure) for number, x in refused.items()} == {
        2: ("18028", False),
        3: ("18028", True),
        4: ("18028", False),
        5: ("18028", False),
    }
    assert gone.order_id in refused[2].error
    assert refused[5].error == "The data you submitted is incomplete or invalid."
    assert world.order(lines[0].order_id).status == "SHIPPED"
    # A call finds out about the one that may be there.
    assert told(adapter, shipped.order_id, shipped.shipment) is False


def test_more_units_than_are_left_may_be_the_parcel_itself(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    order_id = world.place_order()
    whole = line(adapter, order_id)
    part = replace(whole.shipment, lines=whole.shipment.lines[:1])
    first = replace(whole, shipment=part)

    handle = adapter.hand_over_parcels([first], Kept())
    later(world)
    assert worked_off(adapter, handle) == {}
    handle = adapter.hand_over_parcels([first], Kept())
    later(world)

    (refusal,) = worked_off(adapter, handle).values()
    assert (refusal.code, refusal.is_unsure) == ("18021", True)
    assert told(adapter, order_id, part) is False
    assert len(world.parcels(order_id)) == 1


def test_a_correction_finds_the_parcel_by_amazons_own_number(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    """The file's number is Amazon's, not ours."""
    one = line(adapter, world.place_order())
    handle = adapter.hand_over_parcels([one], Kept())
    later(world)
    assert worked_off(adapter, handle) == {}
    (shown,) = adapter.read_order(one.order_id).shipments or ()
    assert shown.external_id != shipping.number_of("LGX-1")

    again = replace(one.shipment, external_id=shown.external_id, tracking_number="T-NEW")

    assert told(adapter, one.order_id, again) is True
    assert world.parcels(one.order_id) == [("T-NEW",)]


def test_a_parcel_of_a_file_is_known_by_its_tracking_without_that_number(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    one = line(adapter, world.place_order())
    handle = adapter.hand_over_parcels([one], Kept())
    later(world)
    assert worked_off(adapter, handle) == {}

    assert told(adapter, one.order_id, one.shipment) is False
    assert world.calls("confirmShipment") == 0


def test_a_fatal_feed_brings_no_word_on_any_parcel(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    world.shop.faults.turn_on("feed_fatal")
    handle = adapter.hand_over_parcels([line(adapter, world.place_order())], Kept())
    later(world)

    assert adapter.parcels_outcome(handle) == FileOutcome(lost=feed_files._ENDINGS["FATAL"])


def test_a_file_of_which_there_is_no_report_is_made_up_for(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    handle = adapter.hand_over_parcels([line(adapter, world.place_order())], Kept())
    later(world)
    adapter.parcels_outcome(handle)
    with world.shop.store.working():
        (feed,) = world.shop.store.state.feeds.values()
        feed.result = ""

    assert adapter.parcels_outcome(handle) == FileOutcome(lost=feed_files._UNTOLD)


def test_one_that_waits_can_be_dropped_and_then_does_nothing(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    one = line(adapter, world.place_order())
    handle = adapter.hand_over_parcels([one], Kept())

    adapter.drop_parcels(handle)
    adapter.drop_parcels(handle)
    later(world, 1_000)

    assert adapter.parcels_outcome(handle).lost == "The file was cancelled at Amazon."
    assert world.parcels(one.order_id) == []


def test_a_feed_whose_answer_was_lost_is_waited_for_until_it_cannot_do_anything(
    world: AmazonWorld, make_adapter: MakeAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter, keep = make_adapter(world, retries=0), Kept()
    one = line(adapter, world.place_order())
    world.shop.faults.turn_on("truncated", route="createFeed$", count=1)
    with pytest.raises(OutcomeUnknown):
        adapter.hand_over_parcels([one], keep)
    world.peace()
    assert adapter.parcels_outcome(keep.handle).wait_s is not None
    monkeypatch.setattr(feed_files, "_UNSEEN", feed_files._UNSEEN * 0)
    assert adapter.parcels_outcome(keep.handle).wait_s is not None
    later(world)

    assert adapter.parcels_outcome(keep.handle).lost == feed_files._UNHEARD
    assert told(adapter, one.order_id, one.shipment) is False
    assert len(world.parcels(one.order_id)) == 1


def test_a_feed_that_was_refused_leaves_no_handle(
    world: AmazonWorld, make_adapter: MakeAdapter
) -> None:
    adapter, keep = make_adapter(world, retries=0), Kept()
    one = line(adapter, world.place_order())
    world.shop.faults.turn_on("throttled", route="createFeed$", count=1)

    with pytest.raises(RateLimited):
        adapter.hand_over_parcels([one], keep)

    assert (keep.handle, sent_up(world)) == ({}, [])


def test_a_feed_of_stock_is_no_feed_of_parcels(
    world: AmazonWorld, make_adapter: MakeAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One kind under way does not hold up the other."""
    adapter, keep = make_adapter(world, retries=0), Kept()
    one = line(adapter, world.place_order())
    world.shop.faults.turn_on("dropped", route="createFeed$", count=1)
    with pytest.raises(OutcomeUnknown):
        adapter.hand_over_parcels([one], keep)
    world.peace()
    handed(adapter, {world.own_skus()[0]: 5})
    monkeypatch.setattr(feed_files, "_UNSEEN", feed_files._UNSEEN * 0)

    assert adapter.parcels_outcome(keep.handle).lost == feed_files._UNHEARD


def report(
    results: Sequence[tuple[str, str]] = (), *, processed: int = 2, wrong: int | None = None
) -> list[bytes]:
    """Results by message and code, in pieces of a few bytes."""
    rows = "".join(
        f"<Result><MessageID>{number}</MessageID><ResultCode>{kind}</ResultCode>"
        f"<ResultMessageCode>18028</ResultMessageCode><ResultDescription>It &amp; {kind}."
        "</ResultDescription><AdditionalInfo><AmazonOrderID>1</AmazonOrderID></AdditionalInfo>"
        "</Result>"
        for number, kind in results
    )
    count = len({x for x, kind in results if kind == "Error"}) if wrong is None else wrong
    said = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<AmazonEnvelope xmlns:xsi="http://www.w3.org/2001/'
        'XMLSchema-instance" xsi:noNamespaceSchemaLocation="amzn-envelope.xsd">\n<Header>'
        "<DocumentVersion>1.02</DocumentVersion></Header><MessageType>ProcessingReport"
        "</MessageType><Message><MessageID>1</MessageID><ProcessingReport><StatusCode>Complete"
        "</StatusCode><ProcessingSummary>\n "
        f"<MessagesProcessed>{processed}</MessagesProcessed><MessagesWithError>{count}"
        f"</MessagesWithError></ProcessingSummary>{rows}</ProcessingReport></Message>"
        "</AmazonEnvelope>"
    ).encode()
    return [said[start : start + 7] for start in range(0, len(said), 7)]


def refusals(pieces: Iterable[bytes], lines: int = 2) -> dict[int, ParcelRefusal]:
    return dict(parcel_feed._of_report(pieces, lines))


def test_a_warning_is_no_refusal_and_of_several_errors_the_first_is_told() -> None:
    found = refusals(report([("1", "Warning"), ("2", "Error"), ("2", "Error")]))

    assert found == {2: ParcelRefusal(code="18028", error="It & Error.")}


@pytest.mark.parametrize(
    ("pieces", "words"),
    [
        (report(processed=1), "1 of 2 messages"),
        (report([("0", "Error")], processed=0), "as a whole: It & Error."),
        (report([("", "Error")]), "as a whole"),
        (report([("1", "Error")], wrong=2), "refused 2 messages in the file and names 1"),
        ([b"<AmazonEnvelope>"], "no XML"),
        ([b"gone"], "no XML"),
        ([b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'], "document type"),
        ([b"<AmazonEnvelope/>"], "0 of 2 messages"),
    ],
)
def test_a_report_that_is_not_about_all_of_the_file_is_not_believed(
    pieces: list[bytes], words: str
) -> None:
    with pytest.raises(ContractBroken, match=words):
        refusals(pieces)


def test_parcels_of_long_ago_or_to_come_get_a_date_that_can_be() -> None:
    now = datetime.now(UTC)
    for shipped_at in (datetime(2020, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC), None):
        date = shipping.ship_date(now, ShipmentData(shipped_at=shipped_at))
        assert abs((date - now).total_seconds()) < 5
