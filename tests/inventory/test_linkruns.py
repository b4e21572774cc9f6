"""Links that were made at once, undone at once."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.models import Push
from inventory import linkruns, links
from inventory.candidates import link_all, promising
from inventory.errors import LinkRefused
from inventory.models import LinkProblem, Listing, Variant
from logix.accounts import audit
from logix.accounts.models import AuditEvent
from tests.factories import NOW, make_store
from tests.inventory.test_candidates import bring

pytestmark = pytest.mark.django_db


@pytest.fixture
def second() -> Any:
    """A store of which three listings can be linked: two without a product, and one that is counted
    alone for want of a SKU.
    """
    first = make_store()
    second = make_store(first.merchant, base_url="https://second.example", name="Second")
    for number in (1, 2):
        bring(second, number, sku=f"S{number}")
    bring(second, 3, barcode="4006381333931")
    bring(first, 9, sku="CUP")
    Variant.objects.filter(sku="CUP").update(barcode="4006381333931")
    Listing.objects.filter(store=second, sku__startswith="S").update(
        variant=None, link_problem=LinkProblem.DUPLICATE_SKU
    )
    return second


def state(store: Any) -> dict[str, tuple[Any, str]]:
    rows = Listing.objects.filter(store=store)
    return {x.external_product_id: (x.variant_id, x.link_problem) for x in rows}


def run_of(store: Any) -> AuditEvent:
    run = linkruns.latest(store.pk)
    assert run is not None
    return run


def test_undoing_puts_back_exactly_what_was_before(second: Any) -> None:
    before = state(second)
    assert link_all(second.pk, actor="user:anna").linked == 3
    assert all(problem == "" for _, problem in state(second).values())

    done = linkruns.undo(run_of(second), actor="user:otto")

    assert (done.put_back, done.kept) == (3, 0)
    assert state(second) == before
    assert promising(second.pk).count() == 3, "they are not unlinked by hand"
    assert AuditEvent.objects.filter(action="listing.link_undone").count() == 3
    event = AuditEvent.objects.get(action="listings.link_all_undone")
    assert (event.actor, event.object_id) == ("otto", str(second.pk))
    assert audit.verify(second.merchant)
    assert linkruns.latest(second.pk) is None


def test_what_somebody_touched_since_is_left(second: Any) -> None:
    link_all(second.pk, actor="user:anna")
    touched = Listing.objects.get(store=second, sku="S1")
    variant = touched.variant
    assert variant is not None
    links.unlink(touched, actor="user:anna")
    links.link(touched, variant, actor="user:anna")
    Listing.objects.filter(store=second, sku="S2").update(gone_at=NOW)

    done = linkruns.undo(run_of(second), actor="user:anna")

    assert (done.put_back, done.kept) == (1, 2)
    assert state(second)["p1"] == (variant.pk, "")


def test_nothing_left_to_undo_is_said(second: Any) -> None:
    link_all(second.pk, actor="user:anna")
    run = run_of(second)
    linkruns.undo(run, actor="user:anna")

    with pytest.raises(LinkRefused, match="nothing to undo"):
        linkruns.undo(run, actor="user:anna")


def test_runs_are_undone_from_the_latest_back(second: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inventory.candidates.MOST_AT_ONCE", 2)
    before = state(second)
    link_all(second.pk, actor="user:anna")
    between = state(second)
    link_all(second.pk, actor="user:anna")

    linkruns.undo(run_of(second), actor="user:anna")
    assert state(second) == between
    linkruns.undo(run_of(second), actor="user:anna")
    assert state(second) == before


def test_what_waited_to_be_told_is_settled(second: Any) -> None:
    link_all(second.pk, actor="user:anna")

    linkruns.undo(run_of(second), actor="user:anna")

    for push in Push.objects.filter(listing__store=second, listing__variant=None):
        assert push.sent_version == push.want_version
