"""Every promise of ``BaseEcommerceIntegration``, kept or refused with a reason. Sorted as a store
is used: connect, read, write, listen, trouble.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from integrations import registry
from integrations.base import BaseEcommerceIntegration, Filters, Page, ParcelLine, ReadBy, StockLine
from integrations.errors import (
    AuthenticationFailed,
    Misconfigured,
    NotFound,
    OutcomeUnknown,
    PermissionMissing,
    PlatformError,
    RateLimited,
    Rejected,
    Unavailable,
    Unsupported,
)
from integrations.events import EventKind, RawDelivery
from integrations.kit import signatures
from integrations.platform import Ability
from inventory.data import StockUpdate, VariantData
from logix.common.amounts import places_of
from orders.data import (
    OrderData,
    PartKind,
    RefundData,
    RefundLineData,
    RefundOrder,
    ShipmentData,
    ShipmentLineData,
)
from orders.status import OrderStatus
from tests.integrations.conformance.world import SECRET, World, adapter_of

EVERYTHING = Filters(since=datetime(2000, 1, 1, tzinfo=UTC))


class AdapterConformance:
    """Inherit, and give a ``world``. What the card exempts is checked to be refused in words."""

    @pytest.fixture
    def adapter(self, world: World) -> Iterator[BaseEcommerceIntegration]:
        with adapter_of(world) as connected:
            yield knowing(world, connected)

    # -- Connecting ----------------------------------------------------------------------------

    def test_the_card_says_of_every_ability_what_is_so(self, world: World) -> None:
        card = registry.card(world.slug)

        assert card.abilities | set(card.exempt) == set(Ability)
        assert all(len(reason) > 10 and reason.endswith(".") for reason in card.exempt.values())
        assert card.webhooks is None or signatures.verify is not None
        assert card.guide
        assert {field.name for field in card.credential_fields} >= set(world.credentials)

    def test_right_credentials_are_accepted(self, adapter: BaseEcommerceIntegration) -> None:
        assert adapter.authenticate() is True

    def test_wrong_credentials_are_refused_without_being_repeated(self, world: World) -> None:
        with (
            adapter_of(world, world.wrong_credentials) as stranger,
            pytest.raises(AuthenticationFailed) as caught,
        ):
            stranger.authenticate()

        for secret in world.wrong_credentials.values():
            assert secret not in f"{caught.value!r} {caught.value}"

    def test_a_key_taken_back_is_the_merchants_to_renew(
        self, world: World, adapter: BaseEcommerceIntegration
    ) -> None:
        world.trouble("key_revoked")

        with pytest.raises(AuthenticationFailed):
            adapter.authenticate()

    def test_the_store_says_who_it_is(self, adapter: BaseEcommerceIntegration) -> None:
        identity = adapter.identify()

        assert identity.name
        assert len(identity.currency) == 3
        assert identity.timezone
        assert identity.version
        assert identity.missing == ()
        assert identity.clock_skew_s is not None
        assert abs(identity.clock_skew_s) < 60

    def test_channels_are_told_with_their_money_and_zone_and_chosen_by_their_ids(
        self, world: World, adapter: BaseEcommerceIntegration
    ) -> None:
        card, identity = adapter.card, adapter.identify()
        ids = [channel.external_id for channel in identity.channels]
        products = list(adapter.sync_products(EVERYTHING))
        told = [(x.channel, x.external_variant_id) for p in products for x in p.channels]
        assert len(told) == len(set(told))
        assert {channel for channel, _ in told} == set(ids)
        if not adapter.can(Ability.MULTI_CHANNEL):
            assert (ids, card.channels_option, card.channel_field) == ([], "", "")
            return
        assert len(ids) == len(set(ids)) > 1
        for channel in identity.channels:
            assert channel.name
            assert (len(channel.country), len(channel.currency)) == (2, 3)
            assert ZoneInfo(channel.timezone)
        first, last = identity.channels[0], identity.channels[-1]
        assert (identity.currency, identity.timezone) == (first.currency, first.timezone)
        for product in products:
            variants = {variant.external_id for variant in product.variants}
            assert product.channels
            assert {x.external_variant_id for x in product.channels} <= variants
        assert card.channel_field in card.lasting_fields
        names = {channel.name for channel in identity.channels}
        orders = orders_of(adapter.read_orders(EVERYTHING))
        assert {order.custom[card.channel_field] for order in orders} <= names

        options = {**identity.kept, card.channels_option: [last.external_id]}
        alone = type(adapter)(replace(adapter.connection, options=options))

        assert alone.identify().currency == last.currency
        assert alone.identify().channels == identity.channels
        found = {x.channel for p in alone.sync_products(EVERYTHING) for x in p.channels}
        assert found == {last.external_id}
        orders = orders_of(alone.read_orders(EVERYTHING))
        assert {order.custom[card.channel_field] for order in orders} <= {last.name}

    def test_a_key_that_may_only_read_is_known_as_such(
        self, world: World, adapter: BaseEcommerceIntegration
    ) -> None:
        world.trouble("key_read_only")

        identity = adapter.identify()

        assert identity.missing
        assert identity.warnings
        order_id = min(world.order_ids())
        with pytest.raises(PermissionMissing):
            adapter.cancel_order(order_id)
        assert not world.is_cancelled(order_id)

    # -- Reading orders ------------------------------------------------------------------------

    def test_the_walk_along_changes_meets_every_order_once_and_in_order(
        self, world: World, adapter: BaseEcommerceIntegration
    ) -> None:
        found = orders_of(adapter.read_orders(EVERYTHING))

        ids = [order.external_id for order in found]
        assert sorted(ids) == sorted(world.order_ids())
        assert [o.changed_at for o in found] == sorted(o.changed_at for o in found)

    def test_a_walk_cut_anywhere_goes_on_where_it_was(
        self, world: World, adapter: BaseEcommerceIntegration
    ) -> None:
        pages = list(adapter.read_orders(lean(EVERYTHING, 7)))

        assert len(pages) > 2
        for cut in range(len(pages) - 1):
            rest = lean(EVERYTHING, 7, position=pages[cut].position)
            before = {o.external_id for page in pages[: cut + 1] for o in page.records}
            after = {o.external_id for o in orders_of(adapter.read_orders(rest))}
            assert before | after == world.order_ids()

    def test_only_what_changed_since_is_read_again(
        self, world: World, adapter: BaseEcommerceIntegration
    ) -> None:
        newest = max(o.changed_at for o in orders_of(adapter.read_orders(EVERYTHING)))
        chosen = min(world.order_ids())
        world.edit_order(chosen)

        since = newest + timedelta(seconds=1)
        found = {o.external_id for o in orders_of(adapter.read_orders(Filters(since=since)))}

        assert chosen in found
        assert len(found) < len(world.order_ids())

    def test_many_orders_of_one_second_are_all_read(
        self, world: World, adapter: BaseEcommerceIntegration
    ) -> None:
        world.edit_many(sorted(world.order_ids()))

        found = [o.external_id for o in orders_of(adapter.read_orders(lean(EVERYTHING, 5)))]

        assert set(found) == world.order_ids()

    def test_orders_edited_while_a_list_is_read_are_not_skipped(
        self, world: World, adapter: BaseEcommerceIntegration
    ) -> None:
        waiting = sorted(world.order_ids())
        found: set[str] = set()
        for page in adapter.read_orders(lean(EVERYTHING, 5)):
            found |= {order.external_id for order in page.records}
            if waiting:
                world.edit_order(waiting.pop(0))

        assert found == world.order_ids()

    def test_windows_of_creation_divide_the_past_without_a_seam(
        self, world: World, adapter: BaseEcommerceIntegration
    ) -> None:
        placed = sorted(o.placed_at for o in orders_of(adapter.read_orders(EVERYTHING)))
        middle = placed[len(placed) // 2]
        edges = [placed[0], middle, placed[-1] + timedelta(seconds=1)]
        found: list[str] = []
        for since, until in pairwise(edges):
            window = Filters(since=since, until=until, by=ReadBy.PLACED, page_size=7)
            found += [o.external_id for o in orders_of(adapter.read_orders(window))]

        assert set(found) == world.order_ids()
        assert len(found) - len(set(found)) <= placed.count(middle)

    def test_a_window_that_the_store_prepares_as_a_whole_tells_what_pages_tell(
        self, adapter: BaseEcommerceIntegration
    ) -> None:
        """It comes after some waiting, and each page's place brings what is behind it."""
        if not adapter.card.whole_from:
            with pytest.raises(Unsupported):
                adapter.drop_whole({})
            return
        until = datetime.now(UTC) + timedelta(days=1)
        window = Filters(since=EVERYTHING.since, until=until, by=ReadBy.PLACED)
        (page,) = adapter.read_orders(replace(window, whole=True))
        assert (page.records, page.last) == ((), False)
        for _ in range(20):
            if page.wait_s is None:
                break
            page, *_ = adapter.read_orders(replace(window, whole=True, position=page.position))
        rest = adapter.read_orders(replace(window, whole=True, position=page.position))

        found = [*page.records, *(() if page.last else orders_of(rest))]

        told = {order.external_id: order for order in orders_of(adapter.read_orders(window))}
        assert {order.external_id: order for order in found} == told
        assert len(found) == len(told)

    def test_the_ids_of_a_window_are_the_stores(
        self, world: World, adapter: BaseEcommerceIntegration
    ) -> None:
        if self._is_exempt(
            world, Ability.ORDER_IDS_IN_WINDOW, lambda: adapter.order_ids(EVERYTHING)
        ):
            return
        until = datetime.now(UTC) + timedelta(days=1)

        found = list(adapter.order_ids(Filters(since=EVERYTHING.since, until=until)))

        assert sorted(found) == sorted(world.order_ids())

    def test_the_parts_of_every_order_add_up_to_its_total(
        self, adapter: BaseEcommerceIntegration
    ) -> None:
        for order in orders_of(adapter.read_orders(EVERYTHING)):
            parts = sum((line.total + line.tax for line in order.lines), Decimal(0))
            parts += sum((c.amount + c.tax for c in order.charges if not c.informative), Decimal(0))
            assert parts == order.total, order.external_id
            assert len(order.currency) == 3

    def test_an_order_is_read_whole_by_its_id(
        self, world: World, adapter: BaseEcommerceIntegration
    ) -> None:
        order_id = world.place_order()
        world.refund_a_unit(order_id)

        order = adapter.read_order(order_id)

        assert order.external_id == order_id
        assert order.lines
        if not adapter.card.can(Ability.REFUNDS_READ):
            assert order.refunds == ()
            return
        if Ability.REFUNDS_READ in adapter.card.apart:
            assert order.refunds is None
            pages = list(adapter.read_refunds(EVERYTHING))
            mine = [x for page in pages for x in page.records if x.external_order_id == order_id]
            (told,) = [x for x in mine if x.kind is PartKind.REFUND]
            assert isinstance(told.told, RefundData)
            assert told.told.amount > 0
            assert told.currency == order.currency
            return
        assert order.refunds is not None
        (refund,) = order.refunds
        assert refund.amount > 0
        assert refund.lines
        assert sum(line.quantity for line in refund.lines) == 1

    def test_what_the_platform_keeps_is_told_whole_each_time_and_no_unit_twice(
        self, world: World, adapter: BaseEcommerceIntegration
    ) -> None:
        if self._is_exempt(
            world, Ability.PLATFORM_STOCK, lambda: list(adapter.read_kept(EVERYTHING))
        ):
            return

        pages = list(adapter.read_kept(EVERYTHING))

        told = [record for page in pages for record in page.records]
        assert len({record.external_id for record in told}) == len(told) > 0
        assert pages[-1].last
        listed = {v.external_id for p in adapter.sync_products(EVERYTHING) for v in p.variants}
        assert {record.external_variant_id for record in told} <= listed
        again = adapter.read_kept(replace(EVERYTHING, since=datetime.now(UTC)))
        assert [record for page in again for record in page.records] == told
        (same,) = adapter.read_kept(Filters(ids=(told[0].external_id,)))
        assert same.records == (told[0],)

    def test_an_order_that_is_not_there_is_not_found(
        self, world: World, adapter: BaseEcommerceIntegration
    ) -> None:
        order_id = world.place_order()
        world.delete_order(order_id)

        with pytest.raises(NotFound):
            adapter.read_order(order_id)

    def test_an_order_is_found_by_the_number_its_buyer_knows(
        self, adapter: BaseEcommerceIntegration
    ) -> None:
        some = orders_of(adapter.read_orders(EVERYTHING))[3]

        found = [o.external_id for o in adapter.sync_orders(Filters(number=some.number))]

        assert found == [some.external_id]

    # -- Reading products and stock ------------------------------------------------------------

    def test_products_come_with_their_variants(self, adapter: BaseEcommerceIntegration) -> None:
        products = list(adapter.sync_products(EVERYTHING))

        assert len({p.external_id for p in products}) == len(products) > 0
        assert all(p.title and p.changed_at.tzinfo for p in products)
        assert any(len(p.variants) > 1 for p in products)
        assert any(v.stock is not None and v.sku for p in products for v in p.variants)

    def test_figures_are_told_by_location_where_the_store_has_some(
        self, world: World, adapter: BaseEcommerceIntegration
    ) -> None:
        found = [v for p in adapter.sync_products(EVERYTHING) for v in p.variants]

        told = adapter.identify().locations
        assert (told is not None) == bool(world.locations)
        assert {row.external_id for row in told or () if row.is_active} >= set(world.locations)
        assert {at for variant in found for at in variant.stock_at} == set(world.locations)
        if world.locations:
            counted = [v for v in found if v.stock is not None]
            assert [v.stock for v in counted] == [sum(v.stock_at.values()) for v in counted]

    def test_a_product_read_by_id_is_the_one_of_the_list(
        self, adapter: BaseEcommerceIntegration
    ) -> None:
        listed = next(p for p in adapter.sync_products(EVERYTHING) if len(p.variants) > 1)

        assert adapter.read_product(listed.external_id) == listed

    # -- Writing stock -------------------------------------------------------------------------

    def test_a_figure_written_is_the_stores_figure(
        self, world: World, adapter: BaseEcommerceIntegration
    ) -> None:
        update = an_update(adapter, 17)

        (result,) = adapter.update_inventories([update])

        assert (result.ok, result.observed) == (True, 17)
        assert figure(world, update) == 17
        assert adapter.read_stock([update])[0].observed == 17

    def test_writing_the_same_figure_again_changes_nothing(
        self, world: World, adapter: BaseEcommerceIntegration
    ) -> None:
        update = an_update(adapter, 23)
        adapter.update_inventories([update])

        (result,) = adapter.update_inventories([update])

        assert result.ok
        assert figure(world, update) == 23

    def test_one_bad_line_of_a_batch_costs_only_itself(
        self, world: World, adapter: BaseEcommerceIntegration
    ) -> None:
        good = [an_update(adapter, 3, place) for place in (0, 1)]
        stranger = StockUpdate(
            sku="gone",
            quantity=1,
            external_product_id="999999999",
            external_variant_id="999999999",
        )

        results = adapter.update_inventories([good[0], stranger, good[1]])

        assert [r.ok for r in results] == [True, False, True]
        assert results[1].error
        assert results[1].error_code
        for update in good:
            assert figure(world, update) == 3

    def test_a_sku_alone_is_enough(self, world: World, adapter: BaseEcommerceIntegration) -> None:
        update = an_update(adapter, 0)

        adapter.update_inventory(update.sku, 9)

        assert figure(world, update) == 9
        with pytest.raises(NotFound, match="no listing"):
            adapter.update_inventory("no such sku", 1)

    # -- Writing orders ------------------------------------------------------------------------

    def test_a_status_is_written_once(
        self, world: World, adapter: BaseEcommerceIntegration
    ) -> None:
        order_id = world.place_order()
        if self._is_exempt(
            world,
            Ability.STATUS_WRITE,
            lambda: adapter.update_order_status(order_id, OrderStatus.COMPLETED),
        ):
            return

        assert adapter.update_order_status(order_id, OrderStatus.COMPLETED) is True
        assert adapter.read_order(order_id).status.order is OrderStatus.COMPLETED
        writes = world.writes()
        assert adapter.update_order_status(order_id, OrderStatus.COMPLETED) is False
        assert world.writes() == writes

    def test_a_cancellation_is_told_once(
        self, world: World, adapter: BaseEcommerceIntegration
    ) -> None:
        order_id = world.place_order()
        if self._is_exempt(world, Ability.CANCEL, lambda: adapter.cancel_order(order_id)):
            return

        assert adapter.cancel_order(order_id, "out of stock") is True
        assert world.is_cancelled(order_id)
        writes = world.writes()
        assert adapter.cancel_order(order_id, "out of stock") is False
        assert world.writes() == writes

    def test_a_note_is_left_once(self, world: World, adapter: BaseEcommerceIntegration) -> None:
        order_id = world.place_order()
        if self._is_exempt(
            world, Ability.NOTES, lambda: adapter.add_note(order_id, "x", reference="r")
        ):
            return

        assert adapter.add_note(order_id, "Left with the neighbour", reference="n-1") is True
        assert adapter.add_note(order_id, "Left with the neighbour", reference="n-1") is False
        assert world.notes(order_id).count("Left with the neighbour") == 1

    def test_fields_are_set_once_and_others_left_alone(
        self, world: World, adapter: BaseEcommerceIntegration
    ) -> None:
        order_id = world.place_order()
        fields = {"erp_number": "A-7", "erp_units": 3, "erp_ready": False, "erp_places": ["N", "S"]}
        if self._is_exempt(
            world, Ability.ORDER_FIELDS_WRITE, lambda: adapter.write_order_fields(order_id, fields)
        ):
            return

        assert adapter.write_order_fields(order_id, fields) is True
        writes = world.writes()
        assert adapter.write_order_fields(order_id, fields) is False
        assert adapter.write_order_fields(order_id, {"erp_number": "B"}, fill={"erp_number"}) is (
            False
        )
        assert world.writes() == writes
        assert adapter.write_order_fields(order_id, {"erp_number": "A-8"}) is True
        assert set(world.fields(order_id)) >= set(fields)
        assert world.fields(order_id)["erp_number"] == "A-8"
        assert world.fields(order_id)["erp_places"] == ["N", "S"]

    def test_fields_whose_answer_was_lost_are_not_written_twice(
        self, world: World, adapter: BaseEcommerceIntegration
    ) -> None:
        order_id = world.place_order()
        if not registry.card(world.slug).can(Ability.ORDER_FIELDS_WRITE):
            return
        world.trouble("dropped", method="PUT", count=1)

        with (
            adapter_of(world, read_s=0.5, retries=0) as hasty,
            pytest.raises((OutcomeUnknown, Unavailable)),
        ):
            hasty.write_order_fields(order_id, {"erp_number": "A-7"})
        world.peace()

        adapter.write_order_fields(order_id, {"erp_number": "A-7"})
        assert adapter.write_order_fields(order_id, {"erp_number": "A-7"}) is False
        assert world.fields(order_id)["erp_number"] == "A-7"

    def test_fields_of_the_platforms_own_are_refused(
        self, world: World, adapter: BaseEcommerceIntegration
    ) -> None:
        card = registry.card(world.slug)
        order_id = world.place_order()
        before = world.fields(order_id)

        for name in card.reserved_fields:
            with pytest.raises(Rejected):
                adapter.write_order_fields(order_id, {"erp_x": 1, name.replace("*", "x"): "1"})

        assert world.fields(order_id) == before

    def test_figures_in_a_file_are_the_stores_figures_once_it_is_worked_off(
        self, world: World, adapter: BaseEcommerceIntegration
    ) -> None:
        """The world's store works a file off at once."""
        update = an_update(adapter, 23)
        if self._is_exempt(world, Ability.STOCK_BULK, lambda: adapter.stock_entries([update])):
            for call in (adapter.stock_outcome, adapter.drop_stock):
                with pytest.raises(Unsupported):
                    call({})
            return
        (entry,) = adapter.stock_entries([update])
        assert entry.refused is None
        kept: list[Any] = []

        line = StockLine(number=7, update=update, word=entry.word)
        handle = adapter.hand_over_stock(iter([line]), kept.append)

        assert kept
        assert json.loads(json.dumps(handle)) == handle
        for _ in range(2):
            outcome = adapter.stock_outcome(handle)
            assert (outcome.wait_s, outcome.lost, list(outcome.refused)) == (None, "", [])
        assert figure(world, update) == 23
        adapter.drop_stock(handle)

    def test_parcels_in_a_file_are_the_stores_parcels_once_it_is_worked_off(
        self, world: World, adapter: BaseEcommerceIntegration
    ) -> None:
        """The world's store works a file off at once."""
        order = adapter.read_order(world.place_order())
        line = ParcelLine(
            number=7,
            order_id=order.external_id,
            shipment=parcel(adapter, order.external_id, "P-1", "T-1"),
            placed_at=order.placed_at,
            custom=order.custom,
        )
        kept: list[Any] = []
        if not adapter.card.parcels_bulk_from:
            for call in (adapter.fits_file, adapter.parcels_outcome, adapter.drop_parcels):
                with pytest.raises(Unsupported):
                    call(line)  # type: ignore[operator]
            with pytest.raises(Unsupported):
                adapter.hand_over_parcels([line], kept.append)
            return
        assert adapter.fits_file(line)

        handle = adapter.hand_over_parcels(iter([line]), kept.append)

        assert kept
        assert json.loads(json.dumps(handle)) == handle
        for _ in range(2):
            outcome = adapter.parcels_outcome(handle)
            assert (outcome.wait_s, outcome.lost, list(outcome.refused)) == (None, "", [])
        (shown,) = adapter.read_order(order.external_id).shipments or ()
        assert shown.tracking_number == "T-1"
        assert told(adapter, order.external_id, line.shipment) is False
        adapter.drop_parcels(handle)

    def test_two_parcels_with_late_tracking_are_two_parcels(
        self, world: World, adapter: BaseEcommerceIntegration
    ) -> None:
        order_id = world.place_order()
        first, second = parcel(adapter, order_id, "P-1"), parcel(adapter, order_id, "P-2", "T-2")

        assert told(adapter, order_id, first) is True
        assert told(adapter, order_id, second) is True
        late = parcel(adapter, order_id, "P-1", "T-1")
        assert told(adapter, order_id, late) is True

        writes = world.writes()
        assert told(adapter, order_id, late) is False
        assert told(adapter, order_id, second) is False
        assert world.writes() == writes
        found = adapter.read_order(order_id).shipments
        assert found is not None
        numbers = sorted(p.tracking_number for p in found)
        assert numbers == ["T-1", "T-2"]
        assert {p.reference for p in found} == {"P-1", "P-2"}

    def test_a_parcel_whose_answer_was_lost_is_not_told_twice(
        self, world: World, adapter: BaseEcommerceIntegration
    ) -> None:
        order_id = world.place_order()
        shipment = parcel(adapter, order_id, "P-9", "T-9")
        world.trouble("timeout_after_write", seconds=30, method="POST", count=1)
        world.trouble("dropped", method="PUT", count=1)

        with adapter_of(world, read_s=0.5, retries=0) as hasty:
            for _ in range(4):
                try:
                    told(knowing(world, hasty), order_id, shipment)
                    break
                except (OutcomeUnknown, Unavailable):
                    continue
        world.peace()

        told(adapter, order_id, shipment)
        assert told(adapter, order_id, shipment) is False
        parcels = world.parcels(order_id)
        assert len(parcels) == len(set(parcels)) == 1

    def test_a_parcel_is_taken_back_once_and_the_other_stays(
        self, world: World, adapter: BaseEcommerceIntegration
    ) -> None:
        order_id = world.place_order()
        first, second = parcel(adapter, order_id, "P-1", "T-1"), parcel(adapter, order_id, "P-2")
        if self._is_exempt(
            world, Ability.SHIPMENT_CANCEL, lambda: adapter.cancel_shipment(order_id, first)
        ):
            return
        told(adapter, order_id, first)
        told(adapter, order_id, second)
        both = [one.reference for one in there(adapter, order_id)]

        named = replace(first, lines=(), cancelled=True)
        assert adapter.cancel_shipment(order_id, named) is True
        writes = world.writes()
        assert adapter.cancel_shipment(order_id, named) is False
        assert adapter.cancel_shipment(order_id, replace(first, cancelled=True)) is False

        assert world.writes() == writes
        assert sorted(both) == ["P-1", "P-2"]
        assert [one.reference for one in there(adapter, order_id)] == ["P-2"]
        assert adapter.cancel_shipment(order_id, replace(second, cancelled=True)) is True
        assert there(adapter, order_id) == []
        assert told(adapter, order_id, parcel(adapter, order_id, "P-3", "T-1")) is True
        assert [one.reference for one in there(adapter, order_id)] == ["P-3"]

    def test_a_parcel_that_was_never_there_is_taken_back_already(
        self, world: World, adapter: BaseEcommerceIntegration
    ) -> None:
        order_id = world.place_order()
        if not registry.card(world.slug).can(Ability.SHIPMENT_CANCEL):
            return
        writes = world.writes()

        shipment = replace(parcel(adapter, order_id, "P-1", "T-1"), cancelled=True)
        assert adapter.cancel_shipment(order_id, shipment) is False

        assert world.writes() == writes

    def test_taking_back_whose_answer_was_lost_is_done_once(
        self, world: World, adapter: BaseEcommerceIntegration
    ) -> None:
        order_id = world.place_order()
        if not registry.card(world.slug).can(Ability.SHIPMENT_CANCEL):
            return
        shipment = parcel(adapter, order_id, "P-1", "T-1")
        told(adapter, order_id, shipment)
        mails = len(world.mails(order_id))
        world.trouble("timeout_after_write", seconds=30, method="DELETE", count=1)
        world.trouble("dropped", method="PUT", count=1)

        with adapter_of(world, read_s=0.5, retries=0) as hasty:
            for _ in range(4):
                try:
                    knowing(world, hasty).cancel_shipment(order_id, shipment)
                    break
                except (OutcomeUnknown, Unavailable):
                    continue
        world.peace()

        assert adapter.cancel_shipment(order_id, shipment) in (True, False)
        assert adapter.cancel_shipment(order_id, shipment) is False
        assert there(adapter, order_id) == []
        assert len(world.mails(order_id)) - mails <= 1

    def test_a_quiet_parcel_is_told_without_a_word_to_the_customer(
        self, world: World, adapter: BaseEcommerceIntegration
    ) -> None:
        if not registry.card(world.slug).can(Ability.QUIET_SHIPMENTS):
            return
        order_id, other = world.place_order(), world.place_order()
        quiet = replace(parcel(adapter, order_id, "P-1"), notify_customer=False)

        told(adapter, order_id, quiet)
        tracked = replace(parcel(adapter, order_id, "P-1", "T-1"), notify_customer=False)
        assert told(adapter, order_id, tracked) is True
        assert [one.tracking_number for one in there(adapter, order_id)] == ["T-1"]
        adapter.cancel_shipment(order_id, tracked)
        assert world.mails(order_id) == []

        told(adapter, other, parcel(adapter, other, "P-1", "T-1"))
        assert world.mails(other) or not world.mails_of_parcels

    def test_a_quiet_cancellation_is_told_without_a_word_to_the_customer(
        self, world: World, adapter: BaseEcommerceIntegration
    ) -> None:
        if not registry.card(world.slug).can(Ability.QUIET_CANCEL):
            return
        quiet, loud = world.place_order(), world.place_order()

        adapter.cancel_order(quiet, "Twice", notify_customer=False)
        adapter.cancel_order(loud, "Twice")

        assert world.is_cancelled(quiet)
        assert (world.mails(quiet), world.mails(loud)) == ([], ["cancelled"])

    def test_a_refund_is_told_once_and_never_more_than_was_paid(
        self, world: World, adapter: BaseEcommerceIntegration
    ) -> None:
        order_id = world.place_order()
        refund = a_unit_back(adapter, order_id)
        if self._is_exempt(
            world,
            Ability.REFUNDS_WRITE,
            lambda: adapter.refund_order(order_id, refund, reference="R-1"),
        ):
            return

        assert adapter.refund_order(order_id, refund, reference="R-1") is True
        writes = world.writes()
        assert adapter.refund_order(order_id, refund, reference="R-1") is False
        assert world.writes() == writes
        line = refund.lines[0].line_external_id
        assert world.refunds(order_id) == [(refund.amount, "Chipped [R-1]", {line: 1})]
        (shown,) = adapter.read_order(order_id).refunds or ()
        assert shown.reason == "Chipped [R-1]"
        assert shown.amount == refund.amount
        paid = adapter.read_order(order_id).total
        with pytest.raises(Rejected):
            adapter.refund_order(order_id, replace(refund, lines=(), amount=paid), reference="R-2")
        assert len(world.refunds(order_id)) == 1

    def test_a_refund_whose_answer_was_lost_is_not_made_twice(
        self, world: World, adapter: BaseEcommerceIntegration
    ) -> None:
        order_id = world.place_order()
        if not registry.card(world.slug).can(Ability.REFUNDS_WRITE):
            return
        refund = a_unit_back(adapter, order_id)
        world.trouble("timeout_after_write", seconds=30, route="refund", method="POST", count=1)

        with (
            adapter_of(world, read_s=0.5, retries=0) as hasty,
            pytest.raises(OutcomeUnknown),
        ):
            hasty.refund_order(order_id, refund, reference="R-1")
        world.peace()

        assert adapter.refund_order(order_id, refund, reference="R-1") is False
        assert len(world.refunds(order_id)) == 1

    # -- Listening -----------------------------------------------------------------------------

    def test_subscriptions_are_made_kept_mended_and_removed(
        self, world: World, adapter: BaseEcommerceIntegration
    ) -> None:
        topics = registry.card(world.slug).topics
        if self._is_exempt(world, Ability.WEBHOOKS, lambda: adapter.setup_webhooks(topics)):
            assert (topics == ()) is not registry.card(world.slug).can(Ability.NEWS_QUEUE)
            with pytest.raises(Unsupported):
                adapter.drop_webhooks()
            return

        made = adapter.setup_webhooks(topics)
        assert sorted(s.topic for s in made) == sorted(topics)
        assert all(s.active and s.url == world.callback and s.mended for s in made)
        assert sorted(t for t, _, _ in world.subscriptions()) == sorted(topics)

        writes = world.writes()
        assert not any(s.mended for s in adapter.setup_webhooks(topics))
        assert world.writes() == writes

        world.put_subscription_to_sleep()
        assert sum(bool(s.mended) for s in adapter.setup_webhooks(topics)) == 1
        assert all(active for _, _, active in world.subscriptions())

        adapter.drop_webhooks()
        assert world.subscriptions() == []

    def test_what_the_store_sends_is_signed_and_understood(
        self, world: World, adapter: BaseEcommerceIntegration
    ) -> None:
        scheme = registry.card(world.slug).webhooks
        if not registry.card(world.slug).can(Ability.WEBHOOKS):
            assert scheme is None
            return
        assert scheme is not None
        adapter.setup_webhooks(registry.card(world.slug).topics)
        order_id = world.place_order()
        world.edit_order(order_id)
        world.withdraw_order(order_id)

        sent = world.deliveries()

        kinds = set()
        for delivery, signature in sent:
            if not is_ping(adapter, delivery):
                assert signatures.verify(
                    scheme.scheme,
                    secrets=[SECRET.encode()],
                    body=delivery.body,
                    signature=signature,
                    url=world.callback,
                )
            for event in adapter.handle_webhook(delivery):
                kinds.add(event.kind)
        assert EventKind.ORDER in kinds
        assert any(
            event.confirm and event.external_id == order_id
            for delivery, _ in sent
            for event in adapter.handle_webhook(delivery)
        )

    def test_a_pushed_order_is_the_order_that_is_read(
        self, world: World, adapter: BaseEcommerceIntegration
    ) -> None:
        """Told by webhook or by list, the same order is the same record."""
        if not registry.card(world.slug).can(Ability.WEBHOOKS):
            return
        adapter.setup_webhooks(registry.card(world.slug).topics)
        order_id = world.place_order()

        pushed = [
            event.order
            for delivery, _ in world.deliveries()
            for event in adapter.handle_webhook(delivery)
            if event.external_id == order_id and event.order is not None
        ]

        listed = next(
            o for o in orders_of(adapter.read_orders(EVERYTHING)) if o.external_id == order_id
        )
        assert pushed
        assert pushed[-1] == listed

    def test_without_a_queue_there_is_none_to_read(self, adapter: BaseEcommerceIntegration) -> None:
        with pytest.raises(Unsupported, match=r"queue"):
            adapter.receive_news(wait_s=0)
        with pytest.raises(Unsupported, match=r"queue"):
            adapter.acknowledge_news(["r-1"])

    def test_a_topic_nobody_listens_to_is_ignored_with_a_reason(
        self, adapter: BaseEcommerceIntegration
    ) -> None:
        (event,) = adapter.handle_webhook(RawDelivery(topic="weather.changed", body=b'{"id": 1}'))

        assert event.kind is EventKind.IGNORED
        assert event.reason

    # -- Trouble -------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("kind", "error"),
        [
            ("rate_limited", RateLimited),
            ("server_error", Unavailable),
            ("maintenance", Unavailable),
            ("dropped", Unavailable),
            ("truncated", Unavailable),
            ("html_page", Unavailable),
            ("redirect", Misconfigured),
        ],
    )
    def test_trouble_has_its_name(
        self, world: World, kind: str, error: type[PlatformError]
    ) -> None:
        with adapter_of(world, retries=0) as adapter:
            world.trouble(kind)
            with pytest.raises(error) as caught:
                next(iter(adapter.read_orders(EVERYTHING)))

        assert str(caught.value).endswith(".")
        if isinstance(caught.value, RateLimited):
            assert caught.value.retry_after_s > 0

    def test_a_passing_fault_is_ridden_out(
        self, world: World, adapter: BaseEcommerceIntegration
    ) -> None:
        world.trouble("server_error", count=1)

        assert {o.external_id for o in orders_of(adapter.read_orders(EVERYTHING))} == (
            world.order_ids()
        )

    def test_new_fields_and_notices_hurt_nobody(
        self, world: World, adapter: BaseEcommerceIntegration
    ) -> None:
        before = orders_of(adapter.read_orders(EVERYTHING))
        world.trouble("unknown_fields")
        world.trouble("php_notice")

        assert orders_of(adapter.read_orders(EVERYTHING)) == before

    def test_a_field_of_another_type_sets_its_record_aside_alone(
        self, world: World, adapter: BaseEcommerceIntegration
    ) -> None:
        world.trouble("changed_types", count=1)

        pages = list(adapter.read_orders(EVERYTHING))

        met = {o.external_id for p in pages for o in p.records}
        aside = {bad.external_id for p in pages for bad in p.unreadable}
        assert met | aside == world.order_ids()
        assert len(met) >= len(world.order_ids()) - 1

    # -- Exempt --------------------------------------------------------------------------------

    def _is_exempt(self, world: World, ability: Ability, call: Any) -> bool:
        """Whether the card exempts this; then the call must say so."""
        if registry.card(world.slug).can(ability):
            return False
        with pytest.raises(Unsupported):
            call()
        return True


# --- Small words the tests are written in ---


def knowing(world: World, adapter: BaseEcommerceIntegration) -> BaseEcommerceIntegration:
    """The adapter as the hub makes it after connecting: it is handed what ``identify`` found."""
    return type(adapter)(replace(adapter.connection, options=adapter.identify().kept))


def orders_of(pages: Iterator[Page[OrderData]]) -> list[OrderData]:
    found: list[OrderData] = []
    for page in pages:
        assert page.unreadable == ()
        found += page.records
    return found


def lean(filters: Filters, size: int, *, position: Any = None) -> Filters:
    return Filters(since=filters.since, page_size=size, position=position)


def an_update(adapter: BaseEcommerceIntegration, quantity: int, place: int = 0) -> StockUpdate:
    """For the n-th item the store counts by itself and whose SKU is its own."""
    counted: dict[str, tuple[str, VariantData]] = {}
    for product in adapter.sync_products(EVERYTHING):
        for variant in product.variants:
            if variant.sku and variant.stock is not None:
                counted.setdefault(variant.stock_ref, (product.external_id, variant))
    skus = [variant.sku for _, variant in counted.values()]
    product_id, chosen = [(p, v) for p, v in counted.values() if skus.count(v.sku) == 1][place]
    return StockUpdate(
        sku=chosen.sku,
        quantity=quantity,
        external_product_id=product_id,
        external_variant_id=chosen.external_id,
        stock_ref=chosen.stock_ref,
        external_location_id=next(iter(chosen.stock_at), ""),
    )


def figure(world: World, update: StockUpdate) -> int | None:
    """The store's own, where an update sets it."""
    return world.stock(
        update.external_product_id, update.external_variant_id, update.external_location_id
    )


def parcel(
    adapter: BaseEcommerceIntegration, order_id: str, reference: str, tracking: str = ""
) -> ShipmentData:
    line = adapter.read_order(order_id).lines[0]
    return ShipmentData(
        reference=reference,
        carrier="DHL" if tracking else "",
        tracking_number=tracking,
        shipped_at=datetime(2026, 11, 20, 9, 0, tzinfo=UTC),
        lines=(ShipmentLineData(line_external_id=line.external_id, quantity=1),),
    )


def a_unit_back(adapter: BaseEcommerceIntegration, order_id: str) -> RefundOrder:
    """One unit of the order's first line, for what it cost."""
    order = adapter.read_order(order_id)
    line, places = order.lines[0], places_of(order.currency)
    row = RefundLineData(
        line_external_id=line.external_id,
        quantity=1,
        amount=round(line.total / line.quantity, places),
        tax=round(line.tax / line.quantity, places),
    )
    return RefundOrder(
        amount=row.amount + row.tax,
        currency=order.currency,
        lines=(row,),
        moves_money="record" not in registry.card(adapter.card.slug).refunds,
        reason="Chipped",
    )


def there(adapter: BaseEcommerceIntegration, order_id: str) -> list[ShipmentData]:
    """Parcels on their way, as the store shows them."""
    return [one for one in adapter.read_order(order_id).shipments or () if not one.cancelled]


def told(adapter: BaseEcommerceIntegration, order_id: str, shipment: ShipmentData) -> bool:
    return adapter.update_order_status(order_id, OrderStatus.OPEN, shipment=shipment)


def is_ping(adapter: BaseEcommerceIntegration, delivery: RawDelivery) -> bool:
    asked = getattr(adapter, "is_ping", None)
    return bool(asked and asked(delivery.body))
