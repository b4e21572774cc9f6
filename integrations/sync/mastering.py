"""Who counts the stock of a store, Logix or the store itself: the switch, and its rehearsal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

from django.db import transaction

from integrations import mastery, registry
from integrations.models import Store, StoreStatus, ToldFigure
from integrations.sync import applying, signals
from integrations.sync.requests import RunRefused
from integrations.sync.told import Taken, take_all
from inventory.models import Listing
from logix.accounts import audit
from logix.common.transactions import again_on

Master = Literal["hub", "store"]
# Listings named; how many there are is told beside them.
MOST_NAMED = 50
ORIGIN = "who counts was switched"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recount:
    """A listing whose item is counted anew: the store's figure, and what could be sold of it here
    before and after.
    """

    listing: Listing
    shows: int | None
    before: int
    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """What a switch does. To ``store``: listings ``counted`` anew, ``equal`` to what is counted
    here, whose 0 waits to be read once more (``zeros``), of an item that another master counts
    (``elsewhere``), and the ``rest``, which are not counted by their figure. To ``hub``: listings
    to be ``told`` another figure than they show.
    """

    master: Master
    is_done: bool
    listings: int
    counted: int = 0
    equal: int = 0
    zeros: int = 0
    elsewhere: int = 0
    rest: int = 0
    told: int = 0
    named: tuple[Recount, ...] = ()


def set_stock_master(store: Store, master: Master, *, actor: str, dry_run: bool = False) -> Switch:
    """Have the store count its stock, or Logix again. ``dry_run``: the same, taken back; nothing is
    kept and nothing sent. Raises RunRefused where it is so already, or cannot be.
    """

    def once() -> Switch:
        with transaction.atomic():
            done = _switch(store.pk, master, actor, is_done=not dry_run)
            if dry_run:
                transaction.set_rollback(True)
        return done

    done = again_on(*applying.CLASHES)(once)
    store.refresh_from_db(fields=["options"])
    return done


def master_of(store: Store) -> Master:
    return "store" if store.is_stock_master else "hub"


def _switch(store_id: UUID, master: Master, actor: str, *, is_done: bool) -> Switch:
    rows = Store.objects.select_related("merchant").select_for_update(of=("self",))
    store = rows.get(pk=store_id)
    before = master_of(store)
    if before == master:
        said = "counts its stock by itself" if master == "store" else "is counted by Logix"
        raise RunRefused(f"{store.name} {said} already.")
    if store.status == StoreStatus.DISCONNECTED:
        raise RunRefused(f"{store.name} is disconnected. Connect its address again.")
    if master == "store" and (problem := mastery.why_not(registry.card(store.platform))):
        raise RunRefused(f"{store.name} cannot count its stock by itself. {problem}")
    store.options = {**store.options, "stock_master": master}
    Store.objects.filter(pk=store.pk).update(options=store.options)
    if master == "store":
        done = _to_store(store, is_done)
    else:
        ToldFigure.objects.filter(store=store).delete()
        done = Switch(master="hub", is_done=is_done, listings=_live(store))
    answers = signals.stock_master_changed.send(sender=Store, store=store)
    done = replace(done, told=sum(int(told or 0) for _, told in answers))
    audit.record(
        "store.stock_master_changed",
        actor=actor,
        merchant=store.merchant,
        obj=store,
        details={"from": before, "to": master, "counted": done.counted, "told": done.told},
    )
    return done


def _to_store(store: Store, is_done: bool) -> Switch:
    taken = take_all(store, origin=ORIGIN)
    live = list(store.listings.filter(gone_at=None).select_related("store"))
    elsewhere = len(mastery.earlier_masters(live))
    known = len(taken.changed) + len(taken.waiting) + taken.equal
    return Switch(
        master="store",
        is_done=is_done,
        listings=len(live),
        counted=len(taken.changed),
        equal=taken.equal,
        zeros=len(taken.waiting),
        elsewhere=elsewhere,
        rest=max(0, len(live) - known - elsewhere),
        named=_named(taken),
    )


def _named(taken: Taken) -> tuple[Recount, ...]:
    """Those that wait first: they are the ones to look at."""
    found = {**taken.waiting, **taken.changed}
    chosen = list(found)[:MOST_NAMED]
    listings = Listing.objects.select_related("store").in_bulk(chosen)
    return tuple(
        Recount(
            listing=listings[pk],
            shows=listings[pk].seen_quantity,
            before=sum(change.free for change in found[pk]),
            after=sum(change.free + change.delta for change in found[pk]),
        )
        for pk in chosen
    )


def _live(store: Store) -> int:
    return store.listings.filter(gone_at=None).count()
