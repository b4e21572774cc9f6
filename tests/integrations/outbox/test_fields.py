"""Outbound field rules: the store is told what they say of an order as it is, once, and its echo is
no news.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations import outbox, sync, upkeep
from integrations.mapping.rules import RuleInvalid
from integrations.models import Command, FieldRule, Store, Stream
from integrations.outbox.reasons import Reason
from orders import services
from orders.data import Authority
from orders.importing import import_orders
from orders.models import Order, OrderEvent
from orders.status import ImportState
from tests.factories import COMPLETED, NOW, make_line, make_order
from tests.integrations.outbox import toy

S = Command.State


def rule(store: Store, path: str, target: str, **more: Any) -> FieldRule:
    fields = {"direction": "out", "path": path, "target": target, **more}
    return sync.save_rule(store, actor="user:anna", **fields)


def bring(store: Store, *numbers: int, minute: int = 0, **changes: Any) -> list[Order]:
    """Orders as the store shows them ``minute`` minutes later."""
    when = NOW + timedelta(minutes=minute)
    data = [
        make_order(n, **{"lines": (make_line(quantity=3),), "changed_at": when, **changes})
        for n in numbers
    ]
    import_orders(store, data, authority=Authority.LIST_PAGE, observed_at=when, now=when)
    ids = [d.external_id for d in data]
    return list(Order.objects.filter(store=store, external_id__in=ids).order_by("external_id"))


def commands() -> list[tuple[str, str]]:
    return list(Command.objects.order_by("sequence", "pk").values_list("kind", "state"))


@pytest.fixture
def tracked(store: Store, shop: toy.ToyShop) -> Order:
    """An order of a store with a rule that tells the newest tracking number."""
    rule(store, "shipments[-1].tracking_number", "erp_tracking")
    shop.orders["1001"] = make_order(1, lines=(make_line(quantity=3),))
    return bring(store, 1)[0]


def test_an_order_that_comes_in_is_told_by_the_rules(store: Store, shop: toy.ToyShop) -> None:
    rule(store, "number", "erp_number")
    rule(store, "lines[0].quantity", "erp_units", cast="integer")
    rule(store, "shipments[0].tracking_number", "erp_tracking")

    bring(store, 1)
    assert outbox.send_commands(store.pk) == 1

    assert shop.fields == {"1001": {"erp_number": "1001", "erp_units": 3}}
    command = Command.objects.get()
    assert (command.state, command.changed, command.requested_by) == (S.DONE, True, "rules")
    told = OrderEvent.objects.get(kind="store_told")
    assert told.title == "The store took over erp_number, erp_units"


def test_a_store_without_outbound_rules_costs_one_statement(store: Store) -> None:
    rule(store, "number", "custom.x", direction="in")
    rule(store, "number", "erp_number", enabled=False)
    order = bring(store, 1)[0]

    with CaptureQueriesContext(connection) as queries:
        outbox.want_fields(store.pk, {order.pk: 2})

    assert not Command.objects.exists()
    assert len([q for q in queries if "SAVEPOINT" not in q["sql"]]) == 1


def test_a_hundred_orders_cost_as_much_as_one(store: Store) -> None:
    rule(store, "number", "erp_number")

    def cost(*numbers: int) -> int:
        orders = bring(store, *numbers)
        Command.objects.all().delete()
        with CaptureQueriesContext(connection) as queries:
            assert outbox.want_fields(store.pk, {o.pk: 9 for o in orders}) == len(numbers)
        return len(queries)

    assert cost(*range(1, 101)) == cost(200)


def test_a_page_of_new_orders_stays_within_its_statements(store: Store) -> None:
    rule(store, "number", "erp_number")

    with CaptureQueriesContext(connection) as queries:
        bring(store, *range(1, 101))

    assert Command.objects.count() == 100
    assert len(queries) <= 40


def test_what_was_told_long_ago_is_forgotten_and_what_waits_is_kept(
    store: Store, shop: toy.ToyShop
) -> None:
    rule(store, "number", "erp_number")
    bring(store, 1, 2)
    outbox.send_commands(store.pk)
    now = timezone.now()
    Command.objects.filter(external_order_id="1001").update(done_at=now - timedelta(days=31))
    bring(store, 3)

    assert upkeep.purge(now)["told fields"] == 1

    assert set(Command.objects.values_list("external_order_id", flat=True)) == {"1002", "1003"}


def test_two_rounds_settle_and_the_echo_writes_nothing(
    store: Store, shop: toy.ToyShop, tracked: Order
) -> None:
    services.add_shipment(
        tracked, lines={tracked.lines.get().pk: 1}, tracking_number="T1", actor="user:anna"
    )
    outbox.send_commands(store.pk)
    assert shop.fields == {"1001": {"erp_tracking": "T1"}}
    writes = len(shop.told("fields"))

    # The store's own news of our write: the key shows among the order's fields.
    bring(store, 1, minute=5, custom={"erp_tracking": "T1"})
    outbox.send_commands(store.pk)
    bring(store, 1, minute=6, custom={"erp_tracking": "T1"})
    outbox.send_commands(store.pk)

    assert len(shop.told("fields")) == writes + 1
    last = Command.objects.order_by("sequence").last()
    assert last is not None
    assert (last.kind, last.state, last.changed) == ("fields", S.DONE, False)
    assert OrderEvent.objects.filter(title="The store took over erp_tracking").count() == 1
    tracked.refresh_from_db()
    assert set(Command.objects.values_list("state", flat=True)) == {S.DONE}


def test_only_fields_that_were_written_have_the_store_read_again(
    store: Store, shop: toy.ToyShop
) -> None:
    rule(store, "number", "erp_number")
    shop.fields["1001"] = {"erp_number": "1001"}
    due = Stream.objects.filter(store=store, name="orders").values_list("next_at", flat=True)
    before = due.get()

    bring(store, 1)
    assert outbox.send_commands(store.pk) == 1
    assert due.get() == before

    bring(store, 2)
    assert outbox.send_commands(store.pk) == 1
    assert due.get() < before


def test_a_parcel_is_told_first_and_its_fields_after_it(
    store: Store, shop: toy.ToyShop, tracked: Order
) -> None:
    outbox.send_commands(store.pk)
    services.add_shipment(tracked, tracking_number="T1", actor="user:anna")

    assert commands()[1:] == [("shipment", S.NEW), ("status", S.NEW), ("fields", S.NEW)]
    outbox.send_commands(store.pk)

    told = [call[0] for call in shop.calls if call[0] != "read"]
    assert told == ["shipment", "status", "fields"]
    assert shop.fields["1001"] == {"erp_tracking": "T1"}


def test_late_tracking_is_told_too(store: Store, shop: toy.ToyShop, tracked: Order) -> None:
    parcel = services.add_shipment(tracked, actor="user:anna")
    outbox.send_commands(store.pk)
    assert shop.fields == {}

    services.update_tracking(parcel, tracking_number="T9", actor="user:anna")
    outbox.send_commands(store.pk)

    assert shop.fields["1001"] == {"erp_tracking": "T9"}


def test_a_required_value_that_is_missing_parks_its_command_and_nothing_else(
    store: Store, shop: toy.ToyShop
) -> None:
    rule(store, "shipments[-1].tracking_number", "erp_tracking", mode="required")
    shop.orders["1001"] = make_order(1, lines=(make_line(quantity=3),))
    order = bring(store, 1)[0]

    assert outbox.send_commands(store.pk) == 0

    parked = Command.objects.get()
    assert (parked.state, parked.problem_code) == (S.PARKED, Reason.RULE_FAILED)
    assert parked.problem == (
        "“erp_tracking” is required, and nothing was found at shipments[-1].tracking_number."
    )
    services.add_note(order, text="Call first", actor="user:anna")
    assert outbox.send_commands(store.pk) == 1
    assert shop.notes


def test_a_parked_command_goes_again_when_the_order_changes(
    store: Store, shop: toy.ToyShop
) -> None:
    rule(store, "shipments[-1].tracking_number", "erp_tracking", mode="required")
    shop.orders["1001"] = make_order(1, lines=(make_line(quantity=3),))
    order = bring(store, 1)[0]
    outbox.send_commands(store.pk)

    services.add_shipment(order, tracking_number="T1", actor="user:anna")
    outbox.send_commands(store.pk)

    assert shop.fields == {"1001": {"erp_tracking": "T1"}}
    assert {state for _, state in commands()} == {S.DONE}


def test_a_parked_command_goes_again_when_a_rule_changes(store: Store, shop: toy.ToyShop) -> None:
    made = rule(store, "missing", "erp_x", mode="required")
    bring(store, 1)
    outbox.send_commands(store.pk)

    sync.save_rule(store, made, actor="user:anna", path="number")
    outbox.send_commands(store.pk)

    assert shop.fields == {"1001": {"erp_x": "1001"}}


def test_while_writing_is_off_one_command_an_order_waits(store: Store, shop: toy.ToyShop) -> None:
    rule(store, "number", "erp_number")
    rule(store, "total", "erp_total")
    Store.objects.update(writes_enabled=False)

    for minute in range(3):
        bring(store, 1, minute=minute, external_customer_id=f"c{minute}")

    command = Command.objects.get()
    assert (command.state, command.problem_code) == (S.NEW, Reason.WRITES_OFF)
    assert command.payload == {"revision": Order.objects.get().revision}
    assert command.next_at is None
    assert outbox.send_commands(store.pk) == 0

    Store.objects.update(writes_enabled=True)
    outbox.unblock_store(Store.objects.get(), actor="user:anna")
    assert outbox.send_commands(store.pk) == 1
    assert shop.fields["1001"] == {"erp_number": "1001", "erp_total": "28.75"}


def test_the_same_news_twice_is_one_command(store: Store, shop: toy.ToyShop) -> None:
    rule(store, "number", "erp_number")
    order = bring(store, 1)[0]
    outbox.send_commands(store.pk)

    assert outbox.want_fields(store.pk, {order.pk: order.revision}) == 0

    assert commands() == [("fields", S.DONE)]


def test_news_that_come_while_a_command_is_sent_are_a_command_of_their_own(
    store: Store, shop: toy.ToyShop
) -> None:
    rule(store, "number", "erp_number")
    order = bring(store, 1)[0]

    def meanwhile(call: Any) -> None:
        shop.after = lambda _: None
        outbox.want_fields(store.pk, {order.pk: order.revision + 1})

    shop.after = meanwhile

    assert outbox.send_commands(store.pk) == 2
    assert commands() == [("fields", S.DONE), ("fields", S.DONE)]


def test_only_when_empty_leaves_what_the_store_has(store: Store, shop: toy.ToyShop) -> None:
    rule(store, "number", "mine", mode="fill")
    rule(store, "number", "other", mode="fill")
    shop.fields["1001"] = {"mine": "by hand"}

    bring(store, 1)
    outbox.send_commands(store.pk)

    assert shop.fields["1001"] == {"mine": "by hand", "other": "1001"}


def test_orders_of_the_past_drafts_and_deleted_ones_are_left_alone(store: Store) -> None:
    rule(store, "number", "erp_number")
    long_ago = store.stock_since - timedelta(days=30)
    bring(store, 1, status=COMPLETED, raw_status="completed", completed_at=long_ago)
    bring(store, 2, status=replace(COMPLETED, skip=True), completed_at=NOW)
    bring(store, 3, gone=True)

    assert Order.objects.get(external_id="1002").import_state == ImportState.SKIPPED
    assert not Command.objects.exists()


def test_two_systems_that_fight_over_a_field_are_left_to_a_person(
    store: Store, shop: toy.ToyShop
) -> None:
    rule(store, "number", "erp_number")
    for minute in range(11):
        bring(store, 1, minute=minute, external_customer_id=f"c{minute}")
        outbox.send_commands(store.pk)
        shop.fields["1001"]["erp_number"] = "mine!"

    last = Command.objects.order_by("sequence").last()
    assert last is not None
    assert (last.state, last.problem_code) == (S.PARKED, Reason.FIELDS_FOUGHT_OVER)
    assert len(shop.told("fields")) == 10

    bring(store, 1, minute=20, external_customer_id="c20")
    assert outbox.send_commands(store.pk) == 0

    later = timezone.now() - timedelta(minutes=16)
    Command.objects.filter(changed=True).update(done_at=later)
    last.refresh_from_db()
    outbox.retry_command(last, actor="user:anna")
    assert outbox.send_commands(store.pk) == 1
    assert shop.fields["1001"] == {"erp_number": "1001"}


def test_a_rule_that_reads_what_it_wrote_does_not_feed_on_it(
    store: Store, shop: toy.ToyShop
) -> None:
    rule(store, "to_string(custom)", "erp_all")
    bring(store, 1, custom={"gift": "yes"})
    outbox.send_commands(store.pk)
    echo = shop.fields["1001"]["erp_all"]

    bring(store, 1, minute=1, custom={"gift": "yes", "erp_all": echo})
    outbox.send_commands(store.pk)

    assert shop.fields["1001"]["erp_all"] == echo == '{"gift":"yes"}'


@pytest.mark.parametrize("name", ["changed_at", "observed_at", "applied_at", "commands"])
def test_a_rule_cannot_read_what_moves_with_every_echo(
    store: Store, shop: toy.ToyShop, name: str
) -> None:
    rule(store, name, "erp_seen", cast="json", default="nothing")

    bring(store, 1)
    outbox.send_commands(store.pk)

    assert shop.fields["1001"] == {"erp_seen": "nothing"}


def test_parcels_do_not_queue_behind_the_fields_of_a_page(
    store: Store, shop: toy.ToyShop, tracked: Order
) -> None:
    rule(store, "number", "erp_number")
    bring(store, *range(2, 30))
    Command.objects.update(next_at=NOW)
    services.add_shipment(
        tracked, lines={tracked.lines.get().pk: 1}, tracking_number="T1", actor="user:anna"
    )

    outbox.send_commands(store.pk)

    assert next(call[0] for call in shop.calls if call[0] != "read") == "shipment"


def test_the_values_stand_in_no_command_and_on_no_timeline(store: Store, shop: toy.ToyShop) -> None:
    rule(store, "buyer.email", "erp_mail")

    bring(store, 1)
    outbox.send_commands(store.pk)

    assert shop.fields["1001"] == {"erp_mail": "zoe@buyers.example"}
    kept = [*Command.objects.values(), *OrderEvent.objects.values()]
    assert "buyers.example" not in repr(kept)


def test_an_erased_buyer_is_told_to_nobody(store: Store, shop: toy.ToyShop) -> None:
    rule(store, "buyer.email", "erp_mail")
    order = bring(store, 1)[0]
    services.erase_buyer(order, actor="user:anna")

    assert outbox.send_commands(store.pk) == 1

    assert shop.fields == {}


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("_toy_parcels", "“_toy_parcels” is used by Toy shop or by Logix itself"),
        ("_TOY_x", "is used by Toy shop"),
        (" erp", "cannot be a key in the store"),
        ("", "cannot be a key in the store"),
        ("x" * 121, "cannot be a key in the store"),
        ("a\nb", "cannot be a key in the store"),
    ],
)
def test_a_key_that_is_not_the_merchants_own_is_refused_when_the_rule_is_saved(
    store: Store, target: str, words: str
) -> None:
    with pytest.raises(RuleInvalid, match=words):
        rule(store, "number", target)
    assert not FieldRule.objects.exists()


def test_rules_that_tell_of_products_are_refused(store: Store) -> None:
    with pytest.raises(RuleInvalid, match="Only fields of orders"):
        rule(store, "title", "erp_title", stream="products")


def test_a_platform_that_takes_no_fields_says_so(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    able = toy.CARD.abilities - {toy.Ability.ORDER_FIELDS_WRITE}
    reason = {toy.Ability.ORDER_FIELDS_WRITE: "Its orders have no fields of one's own."}
    poor = replace(toy.CARD, abilities=able, exempt={**toy.CARD.exempt, **reason})
    monkeypatch.setattr("integrations.registry.card", lambda slug: poor)

    with pytest.raises(RuleInvalid, match="takes no fields of orders"):
        rule(store, "number", "erp_number")
