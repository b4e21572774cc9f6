"""Listings linked and unlinked by hand: refusals in words, a history, and what follows from it."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.models import Push, Store
from inventory import links
from inventory.catalogue import import_products
from inventory.errors import LedgerConflict, LinkRefused
from inventory.models import LinkProblem, Listing, Reservation, Variant
from logix.accounts import audit
from logix.accounts.models import AuditEvent
from orders.models import Order, OrderLine
from tests.factories import NOW, make_line, make_merchant, make_order, make_product, make_store
from tests.orders.shop import assert_books_balance, bring, level, stock

pytestmark = pytest.mark.django_db


@pytest.fixture
def store() -> Store:
    store = make_store()
    stock(store, 1, 2)
    return store


def listing(number: int = 1) -> Listing:
    return Listing.objects.get(external_variant_id=f"p{number}")


def variant(number: int = 1) -> Variant:
    return Variant.objects.get(sku=f"SKU-{number}")


def unlinked(number: int = 1) -> Listing:
    return links.unlink(listing(number), actor="user:anna")


def test_a_listing_is_counted_as_the_variant_it_is_linked_to(store: Store) -> None:
    links.link(listing(1), variant(2), actor="user:anna", request_id="r")

    found = listing(1)
    assert (found.variant, found.link_problem) == (variant(2), LinkProblem.NONE)
    event = AuditEvent.objects.get(action="listing.linked")
    assert (event.actor, event.object_id, event.request_id) == ("anna", str(found.pk), "r")
    assert event.details == {
        "from": {"variant": str(variant(1).pk), "sku": "SKU-1"},
        "to": {"variant": str(variant(2).pk), "sku": "SKU-2"},
    }
    assert audit.verify(store.merchant)


def test_linking_has_the_store_told_the_variants_figure(store: Store) -> None:
    unlinked(1)
    before = Push.objects.get(listing=listing(1)).want_version

    links.link(listing(1), variant(2), actor="user:anna")

    push = Push.objects.get(listing=listing(1))
    assert push.want_version == before + 1
    assert push.want_version > push.sent_version


def test_orders_that_waited_for_a_listing_go_on_when_it_is_linked(store: Store) -> None:
    unlinked(1)
    bring(store, make_order(1, lines=(make_line(sku="other"),)))
    assert Order.objects.get().import_state == "awaiting_mapping"

    links.link(listing(1), variant(2), actor="user:anna")

    assert OrderLine.objects.get().variant == variant(2)
    assert Order.objects.get().import_state == "accepted"
    assert level("SKU-2").reserved == 2
    assert_books_balance()


def test_unlinking_settles_what_waited_to_be_told(store: Store) -> None:
    Push.objects.filter(listing=listing(1)).update(state=Push.State.READY, sent_version=0)

    links.unlink(listing(1), actor="user:anna")

    found, push = listing(1), Push.objects.get(listing=listing(1))
    assert (found.variant, found.link_problem) == (None, LinkProblem.UNLINKED)
    assert (push.state, push.next_at) == (Push.State.IDLE, None)
    assert push.sent_version == push.want_version
    assert push.problem_code == "not_written"
    assert AuditEvent.objects.get(action="listing.unlinked").details["to"] is None


def test_unlinking_leaves_the_lines_that_were_matched(store: Store) -> None:
    bring(store, make_order(1))

    unlinked(1)

    assert OrderLine.objects.get().variant == variant(1)
    assert Reservation.objects.get().quantity == 2


def test_the_catalogue_does_not_link_again_what_was_unlinked_by_hand(store: Store) -> None:
    unlinked(1)

    import_products(store, [make_product(1, title="New name")], observed_at=NOW, now=NOW)

    found = listing(1)
    assert (found.title, found.variant, found.link_problem) == (
        "New name",
        None,
        LinkProblem.UNLINKED,
    )


def _foreign(store: Store) -> Variant:
    other = make_store(make_merchant("other"), base_url="https://o.example")
    stock(other, 3)
    return variant(3)


def _pool(store: Store) -> Variant:
    pool = variant(2)
    Variant.objects.filter(pk=variant(1).pk).update(counted_as=pool)
    return pool


def _archived(store: Store) -> Variant:
    Variant.objects.filter(pk=variant(2).pk).update(archived_at=NOW)
    return variant(2)


@pytest.mark.parametrize(
    ("chosen", "why"),
    [
        (_foreign, "belong to different merchants"),
        (_pool, "shared count of several variants"),
        (_archived, "is archived"),
        (lambda store: variant(1), "linked to SKU-1 already"),
    ],
)
def test_a_link_that_makes_no_sense_is_refused(store: Store, chosen: Any, why: str) -> None:
    wanted = chosen(store)

    with pytest.raises(LinkRefused, match=why):
        links.link(listing(1), wanted, actor="user:anna")

    assert listing(1).variant == variant(1)
    assert not AuditEvent.objects.filter(action="listing.linked").exists()


def test_a_listing_the_store_has_no_longer_is_not_linked(store: Store) -> None:
    Listing.objects.update(gone_at=NOW)

    with pytest.raises(LinkRefused, match="no longer has this listing"):
        links.link(listing(1), variant(2), actor="user:anna")


def test_what_is_not_linked_cannot_be_unlinked(store: Store) -> None:
    unlinked(1)

    with pytest.raises(LinkRefused, match="is not linked"):
        links.unlink(listing(1), actor="user:anna")


def test_who_comes_second_is_told_to_try_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = links.fresh_of(listing(1))
    links.link(listing(1), variant(2), actor="user:otto")
    monkeypatch.setattr(links, "fresh_of", lambda _: stale)

    with pytest.raises(LedgerConflict):
        links.unlink(stale, actor="user:anna")

    assert listing(1).variant == variant(2)
