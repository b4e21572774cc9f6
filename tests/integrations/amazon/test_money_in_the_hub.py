"""From what Amazon books to what the order, the return and the payout show in the hub."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from integrations import connect, sync
from integrations.amazon.return_mapper import BY_AMAZON
from integrations.models import ParkedRecord, RateBucket, RunKind, Store, Stream, SyncGap, SyncRun
from integrations.sandbox.amazon import files
from logix.accounts.models import Merchant
from logix.common import bell
from orders import restocking
from orders.errors import OrderError
from orders.models import Order, Payout, PayoutLine, Refund, Return, ToldPart
from orders.status import PaymentStatus
from tests.factories import make_merchant
from tests.integrations.amazon.conftest import MakeWorld
from tests.integrations.amazon.test_in_the_hub import fetched
from tests.integrations.amazon.test_payouts import content, rewrite, settled
from tests.integrations.amazon.world import AmazonWorld
from tests.integrations.sync.conftest import before_the_first_order, run_to_end

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def quiet_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bell, "publish", lambda *_args, **_options: True)


@pytest.fixture
def merchant(transactional_db: None) -> Merchant:
    return make_merchant()


@pytest.fixture
def store(world: AmazonWorld, merchant: Merchant) -> Store:
    return opened(world, merchant)


def opened(world: AmazonWorld, merchant: Merchant) -> Store:
    """Its orders are read; products are not, for they cost time and nobody needs them here."""
    store = connect.connect_store(
        merchant=merchant,
        platform="amazon",
        base_url=world.url,
        credentials=world.credentials,
        auto_sync=False,
        import_since=before_the_first_order(),
        actor="user:anna",
    )
    Stream.objects.filter(store=store, name="products").update(read_through=Now())
    walk(world, store, "orders")
    run_to_end(past(store, "orders"))
    return store


def past(store: Store, name: str) -> SyncRun:
    """One window is enough: each costs a call of those that are few."""
    run = SyncRun.objects.get(store=store, stream__name=name, kind=RunKind.BACKFILL)
    SyncRun.objects.filter(pk=run.pk).update(checkpoint={"window_s": 200 * 86_400})
    return run


def walk(world: AmazonWorld, store: Store, name: str) -> Stream:
    """To its end, over the waits it asks for."""
    rows = Stream.objects.filter(store=store, name=name)
    for _ in range(30):
        rows.update(next_at=Now())
        more = sync.run_stream(rows.get().pk)
        stream = rows.get()
        if not more and not stream.position:
            return stream
        wait_until(world, stream.next_at)
    raise AssertionError(rows.get().last_error)


def wait_until(world: AmazonWorld, moment: datetime) -> None:
    """Meanwhile Amazon gives calls back."""
    world.wait(max(60, (moment - timezone.now()).total_seconds()))
    RateBucket.objects.all().delete()


def read_payouts(world: AmazonWorld, store: Store) -> None:
    walk(world, store, "payouts")
    run = run_to_end(past(store, "payouts"))
    assert run.state == "completed", run.problem


def test_a_refund_is_in_the_order_once_whatever_came_first(
    world: AmazonWorld, store: Store
) -> None:
    known = world.place_order()
    before = fetched(store, known)
    assert (before.refunded_total, before.payment_status) == (0, PaymentStatus.PAID)
    world.refund_a_unit(known)
    unknown = world.place_order()
    world.refund_a_unit(unknown)

    for _ in range(3):
        assert walk(world, store, "refunds").last_error == ""

    order = Order.objects.get(store=store, external_id=known)
    with world.shop.store.working():
        (back,) = [x for x in world.shop.store.state.returns if x.order == known]
    assert order.refunded_total == back.refunded > 0
    assert order.payment_status == PaymentStatus.PARTIALLY_REFUNDED
    assert order.refunds.count() == 1
    waits = ToldPart.objects.filter(store=store, waits=True)
    assert [x.external_order_id for x in waits] == [unknown]
    late = fetched(store, unknown)
    assert (late.refunds.count(), late.refunded_total > 0) == (1, True)
    assert list(waits.values_list("external_order_id", "kind", "told")) == []


def test_an_order_that_cannot_be_read_gets_its_refund_when_it_can(
    world: AmazonWorld, store: Store
) -> None:
    order_id = world.place_order()
    fetched(store, order_id)
    world.refund_a_unit(order_id)
    world.trouble("missing_fields", route="getOrder")

    walk(world, store, "refunds")

    (parked,) = ParkedRecord.objects.filter(store=store, state=ParkedRecord.State.PARKED)
    assert (parked.stream, parked.external_id) == ("orders", order_id)
    calls = world.calls("getOrder")
    walk(world, store, "refunds")
    assert world.calls("getOrder") == calls  # it has its own tries
    world.peace()
    ParkedRecord.objects.update(next_at=timezone.now() - timedelta(seconds=1))
    assert sync.retry_due_parked() == 1
    assert Refund.objects.filter(order__external_id=order_id).count() == 1
    assert not ToldPart.objects.filter(waits=True, external_order_id=order_id).exists()


def test_a_return_is_shown_and_what_amazon_sent_does_not_come_back_here(
    world: AmazonWorld, store: Store
) -> None:
    mine = world.place_order()
    (amazons,) = world.place("fba")
    for order_id in (mine, amazons):
        world.refund_a_unit(order_id)
        fetched(store, order_id)

    walk(world, store, "returns")
    run_past(world, store)

    here = Return.objects.get(order__external_id=mine)
    (line,) = here.lines.all()
    assert (line.quantity, line.received) == (1, 1)
    assert line.line is not None
    there = Return.objects.get(order__external_id=amazons)
    with pytest.raises(OrderError, match="from its own stock"):
        restocking.restock_return(there, units={there.lines.get().pk: 1}, actor="user:anna")


def test_what_amazon_could_not_report_is_a_gap_that_closes_once_it_did(
    world: AmazonWorld, store: Store
) -> None:
    (amazons,) = world.place("fba")
    world.refund_a_unit(amazons)
    fetched(store, amazons)
    world.trouble("report_fatal", route=BY_AMAZON)
    stream = walk(world, store, "returns")
    gap = SyncGap.objects.get(stream=stream)
    assert (stream.last_error, gap.closed_at) == ("", None)
    assert "what it sends (FBA)" in gap.reason
    world.peace()

    for _ in range(40):
        SyncGap.objects.update(next_at=timezone.now() - timedelta(seconds=1))
        if sync.reread_gaps():
            break
        gap.refresh_from_db()
        assert gap.position
        wait_until(world, gap.next_at)

    gap.refresh_from_db()
    assert gap.closed_at
    assert ToldPart.objects.filter(store=store, external_order_id=amazons).count() == 1


def test_returns_are_shown_while_amazons_own_report_is_waited_for(
    world: AmazonWorld, store: Store
) -> None:
    mine = world.place_order()
    world.refund_a_unit(mine)
    (amazons,) = world.place("fba")
    with world.earlier(40 * 24 * 3600):
        world.refund_a_unit(amazons)
    for order_id in (mine, amazons):
        fetched(store, order_id)
    rows = Stream.objects.filter(store=store, name="returns")

    for _ in range(8):
        rows.update(next_at=Now())
        sync.run_stream(rows.get().pk)
        if rows.get().next_at > timezone.now() + timedelta(hours=3):
            break
        wait_until(world, rows.get().next_at)

    assert rows.get().next_at > timezone.now() + timedelta(hours=3)
    assert {x.order.external_id for x in Return.objects.all()} == {mine, amazons}


def run_past(world: AmazonWorld, store: Store) -> None:
    """The returns of before, over the waits for their reports."""
    run = past(store, "returns")
    SyncRun.objects.filter(pk=run.pk).update(window_from=timezone.now() - timedelta(days=3))
    for _ in range(60):
        SyncRun.objects.filter(pk=run.pk).update(next_at=Now())
        sync.run_slice(run.pk)
        run.refresh_from_db()
        if run.finished_at:
            assert run.state == "completed", run.problem
            return
        wait_until(world, run.next_at or timezone.now())
    raise AssertionError(run.problem)


def test_payouts_add_up_and_lead_to_their_orders(world: AmazonWorld, store: Store) -> None:
    read_payouts(world, store)

    found = Payout.objects.filter(store=store)
    assert found.count() == len(settled(world)) > 2
    assert not found.unexplained().exists()
    lines = PayoutLine.objects.filter(payout__store=store).exclude(external_order_id="")
    assert lines.exists()
    assert not lines.filter(order=None).exists()
    # Another look finds nothing new, and reads no file to its end.
    seen = found.values_list("revision", flat=True)
    walk(world, store, "payouts")
    assert set(seen) == {0}


def test_a_settlement_that_does_not_add_up_is_kept_and_says_so(
    make_world: MakeWorld, merchant: Merchant
) -> None:
    world = make_world(orders=30)
    report = settled(world)[-1]
    rows = content(world, report).split(b"\r\n")
    place = next(n for n, row in enumerate(rows) if b"\tCommission\t" in row)
    rewrite(world, report, b"\r\n".join(rows[:place] + rows[place + 1 :]))
    store = opened(world, merchant)

    read_payouts(world, store)

    (odd,) = Payout.objects.filter(store=store).unexplained()
    assert odd.remainder is not None
    assert odd.remainder < 0
    assert "more than the payout" in odd.problem
    assert odd.line_count == len(rows) - 4


def test_a_settlement_whose_file_is_broken_is_read_when_it_is_mended(
    make_world: MakeWorld, merchant: Merchant
) -> None:
    world = make_world(orders=30)
    report = settled(world)[-1]
    whole = content(world, report)
    with world.shop.store.working():
        world.shop.store.state.files[report.document].content = b"not packed"
    store = opened(world, merchant)
    read_payouts(world, store)
    (parked,) = ParkedRecord.objects.filter(store=store, stream="payouts")
    assert (parked.external_id, "unpacked" in parked.reason) == (report.id, True)
    count = Payout.objects.count()

    with world.shop.store.working():
        report.document = files.new_file(world.shop.store, "text/plain", whole, is_gzip=True).id

    assert sync.retry_parked(parked, actor="user:anna")
    assert Payout.objects.count() == count + 1
    assert Payout.objects.order_by("-imported_at")[0].net_total != Decimal(0)
