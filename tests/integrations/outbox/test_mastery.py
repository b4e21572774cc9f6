"""A store that counts its stock by itself is told no figure, whatever waited for it."""

from __future__ import annotations

from django.db.models.functions import Now

from integrations import outbox
from integrations.models import Push, Store
from integrations.outbox.reasons import Reason
from inventory.models import ListingMode
from tests.integrations.outbox import toy
from tests.integrations.outbox.conftest import make_listings, push_of, set_stock


def counts_itself(store: Store) -> None:
    store.options = {"stock_master": "store"}
    store.save(update_fields=["options"])


def test_what_was_about_to_be_sent_is_settled_unsent(store: Store, shop: toy.ToyShop) -> None:
    listing = make_listings(store, 1)[0]
    set_stock(listing, 7)
    counts_itself(store)

    outbox.send_pushes(store.pk)

    push = push_of(listing)
    assert not shop.calls
    assert (push.state, push.problem_code) == (Push.State.IDLE, Reason.NOT_WRITTEN)
    assert "master of its stock" in push.problem


def test_no_button_sends_it_either(store: Store, shop: toy.ToyShop) -> None:
    listing = make_listings(store, 1)[0]
    set_stock(listing, 7)
    counts_itself(store)

    outbox.retry_push(push_of(listing), actor="user:anna")
    outbox.unblock_store(store, actor="user:anna")
    outbox.send_pushes(store.pk)

    assert not shop.calls


def test_a_paused_listing_of_it_is_not_written_to_0(store: Store, shop: toy.ToyShop) -> None:
    listing = make_listings(store, 1)[0]
    counts_itself(store)
    listing.mode = ListingMode.PAUSED
    listing.save(update_fields=["mode"])

    outbox.mark_listings([listing.pk])
    Push.objects.update(next_at=Now())
    outbox.send_pushes(store.pk)

    assert not shop.calls
    assert not Push.objects.exists()


def test_marking_costs_no_more_where_no_store_counts_itself(
    store: Store, django_assert_max_num_queries: object
) -> None:
    listings = make_listings(store, 3)
    outbox.mark_listings([x.pk for x in listings])

    with django_assert_max_num_queries(5):  # type: ignore[operator]
        outbox.mark_listings([x.pk for x in listings])
