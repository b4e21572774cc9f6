"""Stores of both platforms in which something happened that nobody told: a comparison finds it,
heals it and counts it by its cause.
"""

from __future__ import annotations

import pytest

from integrations import reconcile, sync
from integrations.models import Endpoint, ParkedRecord, Push, Store, Stream
from integrations.reconcile import Cause
from integrations.sandbox.woocommerce import placing, selling
from inventory.models import Listing
from orders.models import Order
from tests.integrations.reconcile.conftest import (
    World,
    compare,
    counted_listing,
    said,
    set_stock,
    shown,
    told,
)
from tests.integrations.woocommerce.world import WooWorld

pytestmark = pytest.mark.django_db(transaction=True)


def in_step(store: Store, **changes: int) -> dict[str, int]:
    """What a comparison counts where nothing differs, but for ``changes``."""
    orders = Order.objects.filter(store=store).count()
    rows = Listing.objects.filter(store=store, gone_at=None)
    listings = rows.filter(variant__isnull=False, seen_quantity__isnull=False).count()
    told = {
        Cause.ORDERS_THERE: orders,
        Cause.ORDERS_HERE: orders,
        Cause.ORDERS_AGREE: orders,
        Cause.LISTINGS: listings,
        Cause.LISTINGS_AGREE: listings,
        Cause.LISTINGS_UNLINKED: rows.filter(variant=None).count(),
        Cause.LISTINGS_UNCOUNTED: rows.filter(
            variant__isnull=False, seen_quantity__isnull=True
        ).count(),
        Cause.SAMPLED: min(100, orders),
        Cause.EXACT: min(100, orders),
    }
    counts = {str(k): v for k, v in {**told, **changes}.items()}
    return {cause: number for cause, number in counts.items() if number}


def test_where_nothing_differs_a_zero_is_said_with_what_was_looked_at(store: Store) -> None:
    run = compare(store)

    assert (run.state, said(run), run.findings) == ("complete", in_step(store), [])
    counts = reconcile.all_counts(run)
    assert reconcile.verdict(run) == (
        f"0 differences: {counts['orders_there']} orders at the store and "
        f"{counts['orders_here']} here, {figures(store)}, "
        f"{counts['exact']} of {counts['sampled']} sampled orders exact."
    )


def figures(store: Store) -> str:
    """The part of the sentence that must add up to all that the store lists."""
    counts = in_step(store)
    every = Listing.objects.filter(store=store, gone_at=None).count()
    left = {
        "not linked": counts.get(Cause.LISTINGS_UNLINKED, 0),
        "not counted there": counts.get(Cause.LISTINGS_UNCOUNTED, 0),
        "left alone": counts.get(Cause.LISTINGS_LEFT_ALONE, 0),
    }
    assert counts[Cause.LISTINGS] + sum(left.values()) == every
    if not any(left.values()):
        return f"{every} stock figures"
    named = ", ".join(f"{count} {why}" for why, count in left.items() if count)
    return f"{counts[Cause.LISTINGS]} of {every} stock figures (not compared: {named})"


def test_what_is_not_compared_is_counted_by_why_not(woo_store: Store) -> None:
    counted = Listing.objects.filter(
        store=woo_store, gone_at=None, variant__isnull=False, seen_quantity__isnull=False
    )
    unlinked, uncounted, ignored, *rest = counted.order_by("pk")
    before = in_step(woo_store)
    Listing.objects.filter(pk=unlinked.pk).update(variant=None, mode="ignore")
    Listing.objects.filter(pk=uncounted.pk).update(seen_quantity=None, mode="ignore")
    Listing.objects.filter(pk=ignored.pk).update(mode="ignore")

    run = compare(woo_store)

    found = said(run)
    assert found[Cause.LISTINGS] == len(rest)
    assert found[Cause.LISTINGS_UNLINKED] == before.get(Cause.LISTINGS_UNLINKED, 0) + 1
    assert found[Cause.LISTINGS_UNCOUNTED] == before.get(Cause.LISTINGS_UNCOUNTED, 0) + 1
    assert found[Cause.LISTINGS_LEFT_ALONE] == 1
    every = Listing.objects.filter(store=woo_store, gone_at=None).count()
    assert f"{len(rest)} of {every} stock figures (not compared: " in reconcile.verdict(run)
    assert "1 left alone)" in reconcile.verdict(run)
    assert reconcile.left_open(run) == 0


def test_webhooks_that_were_mended_are_counted_once(woo_store: Store) -> None:
    endpoint, _ = Endpoint.objects.get_or_create(store=woo_store)
    Endpoint.objects.filter(pk=endpoint.pk).update(mended=2)

    rehearsed, first, second = (
        compare(woo_store, dry_run=True),
        compare(woo_store),
        compare(woo_store),
    )
    Endpoint.objects.filter(pk=endpoint.pk).update(mended=3)
    third = compare(woo_store)

    runs = (rehearsed, first, second, third)
    assert [said(run).get(Cause.HOOKS_MENDED, 0) for run in runs] == [0, 2, 0, 1]
    assert [reconcile.healed(run) for run in runs] == [0, 2, 0, 1]
    assert [x["sentence"] for x in first.findings] == [
        "2 webhooks of the store were missing or switched off, and made right; its news was read."
    ]


def test_an_endpoint_opened_anew_counts_from_its_start(woo_store: Store) -> None:
    endpoint, _ = Endpoint.objects.get_or_create(store=woo_store)
    Endpoint.objects.filter(pk=endpoint.pk).update(mended=5)
    compare(woo_store)
    Endpoint.objects.filter(pk=endpoint.pk).update(mended=1)

    assert said(compare(woo_store))[Cause.HOOKS_MENDED] == 1


def test_an_order_that_was_never_told_is_read(store: Store, world: World) -> None:
    expected = in_step(store)
    external_id = world.place_order()

    run = compare(store)

    order = Order.objects.get(store=store, external_id=external_id)
    assert said(run)[Cause.MISSING_READ] == 1
    assert said(run)[Cause.ORDERS_THERE] == expected[Cause.ORDERS_THERE] + 1
    assert said(run)[Cause.ORDERS_HERE] == expected[Cause.ORDERS_HERE]
    (finding,) = [x for x in run.findings if x["cause"] == Cause.MISSING_READ]
    assert finding == {
        "cause": "missing_read",
        "sentence": f"Order {external_id} was missing here and was read.",
        "external_id": external_id,
        "object_id": "",
        "healed": True,
    }
    assert order.gone_at is None
    told(store)
    assert said(compare(store)) == in_step(store)


def test_an_order_deleted_for_good_is_marked_and_kept(store: Store, world: World) -> None:
    before = in_step(store)
    external_id = Order.objects.filter(store=store).latest("placed_at").external_id
    world.delete_order(external_id)

    run = compare(store)

    order = Order.objects.get(store=store, external_id=external_id)
    assert order.gone_at is not None
    assert order.import_state == "needs_review"
    assert said(run)[Cause.GONE] == 1
    assert said(run)[Cause.ORDERS_HERE] == before[Cause.ORDERS_HERE]
    assert said(run)[Cause.ORDERS_THERE] == before[Cause.ORDERS_THERE] - 1
    assert [x["sentence"] for x in run.findings if x["cause"] == Cause.GONE] == [
        f"Order {external_id} was deleted at the store; it is kept here for review."
    ]


def test_an_order_in_the_stores_bin_is_as_good_as_deleted(woo_store: Store, shop: WooWorld) -> None:
    external_id = Order.objects.filter(store=woo_store).latest("placed_at").external_id
    shop.withdraw_order(external_id)

    run = compare(woo_store)

    assert said(run)[Cause.GONE] == 1
    assert Order.objects.get(store=woo_store, external_id=external_id).gone_at is not None


def test_an_order_that_comes_back_from_the_bin_is_read_again(
    woo_store: Store, shop: WooWorld
) -> None:
    external_id = Order.objects.filter(store=woo_store).latest("placed_at").external_id
    shop.withdraw_order(external_id)
    compare(woo_store)
    selling.restore(shop.shop.store, int(external_id))

    run = compare(woo_store)

    assert said(run)[Cause.MISSING_READ] == 1
    assert Order.objects.get(store=woo_store, external_id=external_id).gone_at is None


def test_an_order_edited_behind_our_back_is_found_by_the_sample(store: Store, world: World) -> None:
    external_id = Order.objects.filter(store=store).latest("placed_at").external_id
    world.cancel_order(external_id)

    run = compare(store)

    order = Order.objects.get(store=store, external_id=external_id)
    assert order.order_status == "cancelled"
    (finding,) = [x for x in run.findings if x["cause"] == Cause.SAMPLE_READ]
    assert (finding["external_id"], finding["healed"]) == (external_id, True)
    assert said(run)[Cause.EXACT] == said(run)[Cause.SAMPLED] - 1
    exact, of = said(run)[Cause.EXACT], said(run)[Cause.SAMPLED]
    assert str(reconcile.standing(store.pk).accuracy) == (
        f"{100 * exact / of:.2f} % exact ({exact} of {of} sampled orders; one of them is "
        f"{100 / of:.2f} %)"
    )


def test_what_was_changed_here_past_all_doors_is_named_and_mended(store: Store) -> None:
    order = Order.objects.filter(store=store).latest("placed_at")
    Order.objects.filter(pk=order.pk).update(total=order.total + 1, digest="another")

    run = compare(store)

    assert [x["sentence"] for x in run.findings] == [
        f"Order {order} differed (total); it was read now."
    ]
    total = order.total
    order.refresh_from_db()
    assert order.total == total


def test_a_figure_changed_by_hand_at_the_store_is_told_again(store: Store, world: World) -> None:
    listing = counted_listing(store)
    Push.objects.filter(store=store).update(pushed_at=None)
    expected = listing.seen_quantity or 0
    set_stock(world, listing, expected + 7)

    run = compare(store)

    assert said(run) == in_step(
        store,
        **{
            Cause.LISTINGS_AGREE: in_step(store)[Cause.LISTINGS] - 1,
            Cause.STOCK_DRIFT: 1,
        },
    )
    assert [x["sentence"] for x in run.findings] == [
        f"{listing} shows {expected + 7} where {expected} was expected, and is told its figure "
        "again."
    ]
    told(store)
    assert shown(world, listing) == expected
    assert said(compare(store)) == in_step(store)


def test_reconcile_writes_nothing_to_the_store(store: Store, world: World) -> None:
    set_stock(world, counted_listing(store), 99)
    world.place_order()
    writes = world.writes()

    compare(store)

    assert world.writes() == writes


def test_where_writing_is_off_a_difference_is_noted_and_stays(store: Store, world: World) -> None:
    Store.objects.filter(pk=store.pk).update(writes_enabled=False)
    store.refresh_from_db()
    listing = counted_listing(store)
    set_stock(world, listing, (listing.seen_quantity or 0) + 7)

    first, second = compare(store), compare(store)

    assert (said(first)[Cause.STOCK_DRIFT], said(second)) == (1, in_step(store))
    assert "was noted; writing to this store is off." in first.findings[0]["sentence"]


def test_what_its_own_orders_took_explains_a_figure(woo_store: Store, shop: WooWorld) -> None:
    """Writing is off, so the sale is known here and no push is on its way."""
    Store.objects.filter(pk=woo_store.pk).update(writes_enabled=False)
    woo_store.refresh_from_db()
    sold = sell(shop, counted_listing(woo_store), 1)
    read_orders(woo_store)

    run = compare(woo_store)

    assert (said(run)[Cause.STOCK_SOLD], run.findings) == (1, [])
    before = sold.seen_quantity or 0
    sold.refresh_from_db()
    assert sold.seen_quantity == before - 1
    assert said(compare(woo_store)) == in_step(woo_store)


def test_a_figure_that_is_on_its_way_is_no_drift(woo_store: Store, shop: WooWorld) -> None:
    sold = sell(shop, counted_listing(woo_store), 1)
    read_orders(woo_store)
    assert Push.objects.get(listing=sold).state == Push.State.READY

    run = compare(woo_store)

    assert (said(run)[Cause.STOCK_PUSHING], run.findings) == (1, [])


def test_a_figure_that_cannot_be_written_is_left_open(woo_store: Store, shop: WooWorld) -> None:
    listing = counted_listing(woo_store)
    set_stock(shop, listing, 55)
    Push.objects.filter(listing=listing).update(
        state=Push.State.BLOCKED, problem_code="rejected", problem="The store refused it."
    )

    run = compare(woo_store)

    assert (said(run)[Cause.STOCK_BLOCKED], reconcile.left_open(run)) == (1, 1)
    assert run.findings[0]["sentence"].endswith("and cannot be written: The store refused it.")
    assert run.findings[0]["healed"] is False


def test_a_product_deleted_at_the_store_is_found_by_its_figure(
    woo_store: Store, shop: WooWorld
) -> None:
    listing = counted_listing(woo_store)
    with shop.shop.store.working():
        del shop.shop.store.products[int(listing.external_variant_id)]

    run = compare(woo_store)

    assert said(run)[Cause.STOCK_UNREAD] == said(run)[Cause.PRODUCTS_READ] == 1
    listing.refresh_from_db()
    assert listing.gone_at is not None
    assert said(compare(woo_store)) == in_step(woo_store)


def test_an_order_that_stands_parked_is_counted_as_that(store: Store, world: World) -> None:
    parked, dismissed = world.place_order(), world.place_order()
    for external_id, state in ((parked, "parked"), (dismissed, "dismissed")):
        ParkedRecord.objects.create(
            store=store,
            stream="orders",
            external_id=external_id,
            state=state,
            code="rule_failed",
            reason="The rule needs a gift message.",
        )

    run = compare(store)

    assert said(run)[Cause.MISSING_PARKED] == said(run)[Cause.MISSING_DISMISSED] == 1
    assert Cause.MISSING_READ not in said(run)
    assert not Order.objects.filter(store=store, external_id__in=[parked, dismissed]).exists()
    assert [x["sentence"] for x in run.findings if x["external_id"] == parked] == [
        f"Order {parked} is missing here: it is parked. The rule needs a gift message."
    ]
    assert reconcile.left_open(run) == 1


def test_a_dry_run_counts_what_the_real_one_heals_and_heals_nothing(
    store: Store, world: World
) -> None:
    newest, second = Order.objects.filter(store=store).order_by("-placed_at")[:2]
    world.delete_order(newest.external_id)
    world.cancel_order(second.external_id)
    new = world.place_order()
    before = list(Order.objects.order_by("pk").values())

    rehearsed = compare(store, dry_run=True)

    assert list(Order.objects.order_by("pk").values()) == before
    assert not Push.objects.filter(store=store, state=Push.State.READY).exists()
    real = compare(store)
    assert _of_orders(said(real)) == _of_orders(said(rehearsed))
    assert {Cause.GONE, Cause.MISSING_READ, Cause.SAMPLE_READ} <= set(said(real))
    # What orders took that are not here yet, a rehearsal cannot know: it is drift to it.
    assert said(real)[Cause.LISTINGS] == said(rehearsed)[Cause.LISTINGS]
    assert Order.objects.filter(store=store, external_id=new).exists()


def test_a_dry_run_counts_the_stock_that_the_real_one_tells_anew(
    store: Store, world: World
) -> None:
    Push.objects.filter(store=store).update(pushed_at=None)
    set_stock(world, counted_listing(store), 77)
    figures = list(Listing.objects.order_by("pk").values())

    rehearsed = compare(store, dry_run=True)

    assert list(Listing.objects.order_by("pk").values()) == figures
    assert not Push.objects.filter(store=store, state=Push.State.READY).exists()
    real = compare(store)
    assert (said(real), real.findings) == (said(rehearsed), rehearsed.findings)
    assert said(real)[Cause.STOCK_DRIFT] == 1
    assert reconcile.verdict(rehearsed).startswith("1 difference, 1 would be healed, 0 open: ")


def _of_orders(counts: dict[str, int]) -> dict[str, int]:
    return {k: n for k, n in counts.items() if not k.startswith(("stock", "listings", "products"))}


def sell(shop: WooWorld, listing: Listing, units: int) -> Listing:
    """An order of it alone is placed at the store."""
    placing.place_with(shop.shop.store, shop.shop.chance, [(listing.sku, units)])
    return listing


def read_orders(store: Store) -> None:
    """And no products, whose records would tell the figure as well."""
    while sync.run_stream(Stream.objects.get(store=store, name="orders").pk):
        pass
