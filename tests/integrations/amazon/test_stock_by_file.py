"""Many figures of an account, from the hub to what shoppers see: in one feed, each settled by the
report. ``python -m tests.bench.feed`` does it with 20,000 and measures.
"""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse

from integrations import outbox, registry
from integrations.amazon import feed_files
from integrations.models import Push, RateBucket, StockHandOver, Store
from integrations.outbox.handing import PATIENCE
from inventory.models import Listing
from logix.accounts import tokens
from logix.accounts.models import Merchant, Scope
from logix.common import bell
from tests.factories import make_merchant
from tests.integrations.amazon import many
from tests.integrations.amazon.conftest import MakeWorld
from tests.integrations.amazon.many import calls, connected, later, listed

pytestmark = pytest.mark.django_db(transaction=True)
FROM = 200
# How a feed comes to nothing, and what people are told.
ENDINGS = [
    ("feed_fatal", "broke the file off"),
    ("feed_cancelled", "was cancelled at Amazon"),
    ("feed_stuck", "had not worked it off"),
]
_State = StockHandOver.State


@pytest.fixture(autouse=True)
def quiet_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    """No broker is spoken to."""
    monkeypatch.setattr(bell, "publish", lambda *_args, **_options: True)


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A card that makes a file of fewer figures, and need not wait for its own limits."""
    card = many.unhurried(stock_bulk_from=FROM)
    monkeypatch.setattr(registry, "card", lambda slug: card)


@pytest.fixture
def merchant(transactional_db: None) -> Merchant:
    return make_merchant()


def page_of(client: Client, path: str) -> str:
    return client.get(path).content.decode()


def work(store: Store) -> None:
    StockHandOver.objects.filter(store=store, state__in=StockHandOver.OPEN).update(next_at=Now())
    for pk in outbox.due_hand_overs():
        outbox.work_hand_over(pk)


def test_many_figures_go_by_one_feed_and_three_bad_ones_are_named(
    make_world: MakeWorld, merchant: Merchant, admin_client: Client
) -> None:
    world = make_world(orders=0, products=240, marketplaces=("A1PA6795UKMFR9",))
    store = connected(world, merchant)
    skus = world.own_skus()
    listed(store, skus, units=31)
    outbox.mark_store(store.pk)
    assert len(skus) > FROM

    outbox.send_pushes(store.pk)
    gone, broken, huge = skus[10], skus[50], skus[-1]
    with world.shop.store.working():
        # What the look before could not see.
        del world.shop.store.state.listings[gone]
        world.shop.store.state.listings[broken].offers.clear()
    Listing.objects.filter(sku=huge).update(mode="fixed", fixed_quantity=10**9 + 1)
    work(store)
    file = StockHandOver.objects.get(store=store)
    assert (file.state, file.figures) == (_State.PENDING, len(skus))
    assert set(Push.objects.values_list("state", flat=True)) == {"handed"}
    _, bearer = tokens.issue(merchant, name="test", scopes=Scope.values)
    asked = "/api/v1/stock/pushes?state=handed"
    answer = admin_client.get(asked, headers={"Authorization": f"Bearer {bearer}"})
    assert answer.json()["results"][0]["handed_over_at"]
    page = admin_client.get(reverse("admin:integrations_push_changelist")).content.decode()
    assert f"{len(skus)} figures are in a file" in page
    later(world)
    work(store)

    file.refresh_from_db()
    assert (file.state, file.figures, file.refused) == (_State.DONE, len(skus), 3)
    blocked = Push.objects.filter(state="blocked").select_related("listing")
    told = {push.listing.sku: push.problem for push in blocked}
    assert set(told) == {gone, broken, huge}
    assert gone in told[gone]
    assert "quantity" in told[huge]
    good = [sku for sku in skus if sku not in told]
    settled = Push.objects.filter(listing__sku__in=good)
    assert set(settled.values_list("state", "pushed_value")) == {("idle", 31)}
    with world.shop.store.working():
        rows = world.shop.store.state.listings
        assert {rows[sku].quantity for sku in good} == {31}
    done = calls(world)
    assert "patchListingsItem" not in done
    assert (done["createFeed"], done["createFeedDocument"], done["getFeedDocument"]) == (1, 1, 1)
    page = admin_client.get(reverse("admin:integrations_stockhandover_changelist"))
    assert f"{len(good)} taken, 3 refused" in page.content.decode()
    one = reverse("admin:integrations_stockhandover_change", args=[file.pk])
    (whys,) = re.findall(r'href="([^"]+)"><bdi>Each refused one', page_of(admin_client, one))
    refused = page_of(admin_client, unescape(whys))
    assert [sku for sku in skus if f"{sku}<" in refused] == [gone, broken, huge]


def test_a_page_without_a_file_says_what_one_is_and_nothing_of_files_worked_off(
    admin_client: Client,
) -> None:
    page = admin_client.get(reverse("admin:integrations_stockhandover_changelist"))

    shown = page.content.decode()
    assert "No file was handed over yet." in shown
    assert "worked off" not in shown


@pytest.mark.parametrize(("trouble", "said"), ENDINGS)
def test_a_feed_that_comes_to_nothing_loses_nothing_and_its_figures_go_out_by_calls(
    make_world: MakeWorld, merchant: Merchant, trouble: str, said: str
) -> None:
    world = make_world(orders=0, products=240, marketplaces=("A1PA6795UKMFR9",))
    store = connected(world, merchant)
    skus = world.own_skus()
    listed(store, skus, units=31)
    outbox.mark_store(store.pk)
    world.shop.faults.turn_on(trouble)
    outbox.send_pushes(store.pk)
    work(store)
    later(world)
    StockHandOver.objects.update(handed_at=Now() - PATIENCE)
    work(store)

    outbox.send_pushes(store.pk)

    file = StockHandOver.objects.get(store=store)
    assert (file.state, said in file.problem) == (_State.FAILED, True)
    assert set(Push.objects.values_list("state", "pushed_value")) == {("idle", 31)}
    assert calls(world)["patchListingsItem"] == len(skus)


def test_a_file_whose_answer_never_comes_is_waited_for_and_told_again_by_calls(
    make_world: MakeWorld, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(orders=0, products=240, marketplaces=("A1PA6795UKMFR9",))
    store = connected(world, merchant)
    skus = world.own_skus()
    listed(store, skus, units=31)
    outbox.mark_store(store.pk)
    outbox.send_pushes(store.pk)
    world.shop.faults.turn_on("timeout_after_write", route="createFeed$", seconds=0)
    work(store)
    world.peace()
    assert StockHandOver.objects.get(store=store).state == _State.PENDING
    assert set(Push.objects.values_list("state", flat=True)) == {"handed"}
    later(world)
    monkeypatch.setattr(feed_files, "_UNSEEN", feed_files._UNSEEN * 0)
    work(store)

    outbox.send_pushes(store.pk)

    assert StockHandOver.objects.get(store=store).state == _State.FAILED
    assert set(Push.objects.values_list("state", "pushed_value")) == {("idle", 31)}
    with world.shop.store.working():
        assert {world.shop.store.state.listings[sku].quantity for sku in skus} == {31}
    assert calls(world)["createFeed"] == 1


def test_a_throttled_feed_is_handed_over_later(make_world: MakeWorld, merchant: Merchant) -> None:
    world = make_world(orders=0, products=240, marketplaces=("A1PA6795UKMFR9",))
    store = connected(world, merchant)
    listed(store, world.own_skus(), units=31)
    outbox.mark_store(store.pk)
    outbox.send_pushes(store.pk)
    world.shop.faults.turn_on("throttled", route="createFeed$")
    work(store)
    file = StockHandOver.objects.get(store=store)
    assert (file.state, file.handle, file.problem_code) == (_State.SENDING, {}, "QuotaExceeded")
    world.peace()
    RateBucket.objects.all().delete()

    work(store)
    later(world)
    work(store)

    assert set(Push.objects.values_list("state", "pushed_value")) == {("idle", 31)}
