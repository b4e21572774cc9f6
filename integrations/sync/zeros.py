"""Zeros of stores that are masters of their stock, which nothing explains: each is read once more
before it is believed, and where far more of them come than orders explain, somebody is asked.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from integrations import authentication
from integrations.base import BaseEcommerceIntegration
from integrations.errors import NotFound, PlatformError
from integrations.kit.http import Priority
from integrations.models import Store, StreamName, ToldFigure
from integrations.sync import applying, kinds, reading, told
from inventory.models import Listing
from logix.accounts import audit
from logix.common.transactions import again_on
from orders.data import Authority

log = structlog.get_logger(__name__)

# So many, or this share of a store's listings if that is more, may be believed within an hour
# without a person: as of what we tell stores ourselves.
MOST = 50
SHARE = 5
WITHIN = timedelta(hours=1)
ORIGIN = "read twice"

_State = ToldFigure.State
_REST = timedelta(minutes=2)
_HELD = (
    "{count} of {live} listings of this store show 0 at once, and no order explains it: it may "
    "have lost its figures. None of them was taken over. Look at the store's stock; if all is "
    "meant, say so at the store: “Believe the zeros”."
)


def confirm_zeros() -> int:
    """Read what waits to be read once more; return how many were believed. A store's trouble is its
    own.
    """
    now = timezone.now()
    ToldFigure.objects.filter(state=_State.TAKEN, taken_at__lt=now - WITHIN).delete()
    due = ToldFigure.objects.filter(
        state=_State.UNCONFIRMED, next_at__lte=now, store__status="active"
    )
    believed = 0
    stores = Store.objects.filter(pk__in=due.values("store")).select_related("data_key", "merchant")
    for store in stores:
        if not store.is_stock_master:
            ToldFigure.objects.filter(store=store).delete()
        elif not _hold_back(store):
            believed += _confirm(store)
    return believed


def zeros_held(store: Store) -> int:
    """How many wait for somebody to say that they are meant."""
    return ToldFigure.objects.filter(store=store, state=_State.HELD).count()


def believe_the_zeros(store: Store, *, actor: str) -> int:
    """They are meant: count them. Return how many listings that changed."""

    def write() -> int:
        rows = ToldFigure.objects.filter(store=store, state=_State.HELD)
        ids = set(rows.values_list("listing_id", flat=True))
        done = told.take_figures(ids, origin=f"believed by {actor}"[:80], confirmed=ids)
        # Somebody looked, so they are not sudden any more.
        ToldFigure.objects.filter(store=store, listing__in=ids).delete()
        if ids:
            audit.record(
                "stock.zeros_believed",
                actor=actor,
                merchant=store.merchant,
                obj=store,
                details={"listings": len(done.changed)},
            )
        return len(done.changed)

    return again_on(*applying.CLASHES)(write)


def _hold_back(store: Store) -> bool:
    """Whether there are too many, or were within the hour. All of them wait then."""
    rows = ToldFigure.objects.filter(store=store)
    sudden = rows.count()
    live = Listing.objects.filter(store=store, variant__isnull=False, gone_at=None).count()
    if sudden <= max(MOST, live // SHARE):
        return False
    held = rows.filter(state=_State.UNCONFIRMED).update(
        state=_State.HELD, next_at=None, problem=_HELD.format(count=sudden, live=live)
    )
    log.warning("zeros_held", store=str(store.pk), held=held, live=live)
    return True


def _confirm(store: Store) -> int:
    rows = ToldFigure.objects.filter(
        store=store, state=_State.UNCONFIRMED, next_at__lte=timezone.now()
    )
    products = sorted(set(rows.values_list("listing__external_product_id", flat=True)))
    # While one worker is at it, the next sweep leaves it alone.
    rows.update(next_at=timezone.now() + _REST)
    believed = 0
    try:
        with authentication.adapter_for(store, priority=Priority.BULK) as adapter:
            for product in products:
                believed += _look(store, adapter, product)
    except PlatformError as err:
        authentication.note_failure(store, err)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("zeros_not_read", store=str(store.pk))
    return believed


def _look(store: Store, adapter: BaseEcommerceIntegration, product: str) -> int:
    """Read one product by its id, and believe what it shows now."""
    kind = kinds.of(StreamName.PRODUCTS)
    asked_at = timezone.now()
    waiting = ToldFigure.objects.filter(
        store=store, state=_State.UNCONFIRMED, listing__external_product_id=product
    )
    try:
        found = kind.read_one(adapter, product)
    except NotFound:
        again_on(*applying.CLASHES)(partial(kind.gone, store, product, asked_at))
        waiting.delete()
        return 0
    except reading.ONLY_THIS as err:
        # Nobody can read it, so a person has to say.
        waiting.update(state=_State.HELD, next_at=None, problem=str(err))
        return 0

    def write() -> int:
        with transaction.atomic():
            ids = set(waiting.values_list("listing_id", flat=True))
            kind.apply(store, [found], Authority.BY_ID, asked_at, ORIGIN)
            done = told.take_figures(ids, origin=ORIGIN, confirmed=ids)
            waiting.filter(listing__in=ids).delete()
        return len(done.changed)

    return again_on(*applying.CLASHES)(write)
