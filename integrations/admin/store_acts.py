"""What a person does with a connected store, each through its service."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from django.contrib import messages
from django.http import HttpRequest
from django.utils import timezone

from integrations import connect, outbox, reconcile, registry, sync
from integrations.admin.acts import ASKS_STORES, Act, NotDone, again
from integrations.admin.base import count_of
from integrations.admin.counting import first_push_words
from integrations.admin.roles import actor
from integrations.models import Endpoint, RunKind, RunState, Store, StoreStatus, StreamName
from integrations.platform import Ability
from inventory import linkruns
from inventory.candidates import link_all, promising
from inventory.errors import LinkRefused
from inventory.models import Listing
from logix.accounts.models import Role
from logix.common.transactions import rehearsed

_REHEARSED = timedelta(days=30)
_DOUBTS_SHOWN = 5
_RESUMABLE = (StoreStatus.PAUSED, StoreStatus.NEEDS_MERCHANT)


def is_active(store: Store) -> bool:
    return store.status == StoreStatus.ACTIVE


def _tells_news(store: Store) -> bool:
    sends = registry.card(store.platform).can(Ability.WEBHOOKS)
    return is_active(store) and (sends or _has_queue(store))


def _has_queue(store: Store) -> bool:
    return connect.queue_of(store) is not None


def _has_own_secret(store: Store) -> bool:
    """Where the app signs for all its stores, there is none to change here."""
    scheme = registry.card(store.platform).webhooks
    return is_active(store) and scheme is not None and not scheme.signed_by_app


def is_connected(store: Store) -> bool:
    return store.status != StoreStatus.DISCONNECTED


def endpoint_of(store: Store) -> Endpoint | None:
    """Where the store's webhooks come in; None when nothing listens."""
    return store.endpoints.exclude(status=Endpoint.Status.CLOSED).first()


def _test(request: HttpRequest, store: Store) -> str:
    result = connect.test_connection(store, actor=actor(request))
    for warning in result.warnings:
        messages.warning(request, f"{store}: {warning}")
    if not result.ok:
        raise connect.ConnectError(result.sentence)
    return f"{store}: {result.sentence}"


def _pause(request: HttpRequest, store: Store) -> str:
    connect.pause(store, actor=actor(request))
    return (
        f"{store} is paused. What it sends meanwhile is kept and worked when you resume; "
        "what was changed there is read then."
    )


def _resume(request: HttpRequest, store: Store) -> str:
    connect.resume(store, actor=actor(request))
    return f"{store} is active again and being read."


def _sync_now(request: HttpRequest, store: Store) -> str:
    if not store.auto_sync:
        raise NotDone(
            f"{store} is not read by itself: automatic sync is off. Turn it on below, or choose "
            "“Read all”."
        )
    for stream in store.streams.filter(enabled=True).values_list("name", flat=True):
        sync.request_run(store, stream=stream, actor=actor(request))
    return f"{store} is read now. Runs that find something are listed below."


def _backfill(request: HttpRequest, store: Store) -> str:
    sync.request_run(store, kind="backfill", actor=actor(request))
    return f"All orders of {store} are read again. Its runs below show how far it is."


def _rehearse(request: HttpRequest, store: Store) -> str:
    since = timezone.now() - _REHEARSED
    sync.request_run(store, kind="backfill", since=since, dry_run=True, actor=actor(request))
    return f"A dry run over 30 days of {store} has started. It changes nothing; see the runs below."


def _rehearse_products(request: HttpRequest, store: Store) -> str:
    sync.request_run(
        store, stream=StreamName.PRODUCTS, kind="backfill", dry_run=True, actor=actor(request)
    )
    return (
        f"The products of {store} are read and nothing is kept. Its run below shows what would be "
        "linked, and to what."
    )


def _reads_products(store: Store) -> bool:
    return is_active(store) and store.streams.filter(name=StreamName.PRODUCTS).exists()


def _compare(request: HttpRequest, store: Store) -> str:
    reconcile.request(store, actor=actor(request))
    return f"{store} is being compared with what is kept of it; see “Compared” below."


def _open_stock(request: HttpRequest, store: Store) -> str:
    opened = sync.open_stock(store, actor=actor(request))
    return f"The stock of {store} is open: {count_of(opened, 'item')} counted by its figures."


def _is_left_closed(store: Store) -> bool:
    """Whether its first reading ended before it could open stock."""
    if not is_active(store) or store.stock_opened_at or not store.options.get("adopt_stock", True):
        return False
    runs = store.runs.filter(kind=RunKind.BACKFILL, stream__name=StreamName.ORDERS, dry_run=False)
    newest = runs.order_by("-created_at").first()
    return newest is not None and newest.state in (RunState.CANCELLED, RunState.FAILED)


def _rotate(request: HttpRequest, store: Store) -> str:
    connect.rotate_webhook_secret(store, actor=actor(request))
    endpoint = endpoint_of(store)
    if endpoint is None or not endpoint.subscriptions:
        reason = endpoint.problem if endpoint else ""
        raise NotDone(f"{store} has a new secret and no webhook that uses it. {reason}".strip())
    return f"{store} signs with a new secret now. The old one is accepted for 24 hours more."


def _webhooks(request: HttpRequest, store: Store) -> str:
    found = connect.reconcile_webhooks(store)
    if not found:
        endpoint = endpoint_of(store)
        raise NotDone(f"{store}: {endpoint.problem if endpoint else 'it has no webhooks.'}")
    mended = [s.topic for s in found if s.mended]
    names = f" ({', '.join(mended)})" if mended else ""
    return f"{store}: {count_of(len(found), 'webhook')} checked, {len(mended)} mended{names}."


def _forget_queue(request: HttpRequest, store: Store) -> str:
    names = registry.card(store.platform).queue_names
    connect.change_store(store, actor=actor(request), credentials=dict.fromkeys(names, None))
    return f"{store} is read by polling alone now. The queue's key is deleted here."


def _writes_on(request: HttpRequest, store: Store) -> str:
    connect.set_writes(store, enabled=True, actor=actor(request))
    return f"Logix now writes stock, tracking and status to {store}. What waited is sent."


def _writes_off(request: HttpRequest, store: Store) -> str:
    connect.set_writes(store, enabled=False, actor=actor(request))
    return f"Nothing is written to {store} any more; what waits is kept."


def _send_zeros(request: HttpRequest, store: Store) -> str:
    sent = outbox.send_the_zeros(store, actor=actor(request))
    return f"{store} is told {count_of(sent, 'zero')} now."


def _link_all(request: HttpRequest, store: Store) -> str:
    done = again(lambda: link_all(store.pk, actor=actor(request)))
    if not done.linked and not done.left:
        raise NotDone(f"Nothing of {store} can be linked without a doubt. See its listings.")
    if done.doubtful > _DOUBTS_SHOWN:
        messages.warning(request, f"{done.doubtful} are left to you; the first of them:")
    for listing, reason in done.left[:_DOUBTS_SHOWN]:
        messages.warning(request, f"{Listing.objects.get(pk=listing)}: {reason}")
    more = " There are more: press it again." if done.more else ""
    return f"{store}: {count_of(done.linked, 'listing')} linked.{more}"


def _undo_links(request: HttpRequest, store: Store) -> str:
    done = again(partial(_undone, store, actor(request)))
    return f"{count_of(done.put_back, 'listing')} of {store} put back as before.{_kept(done)}"


def _would_undo(store: Store) -> str:
    try:
        done = again(partial(rehearsed, partial(_undone, store, "rehearsal")))
    except (LinkRefused, NotDone) as err:
        return str(err)
    return f"{count_of(done.put_back, 'listing')} would be put back as before.{_kept(done)}"


def _undone(store: Store, by: str) -> linkruns.Undone:
    run = linkruns.latest(store.pk)
    if run is None:
        raise NotDone(f"There is nothing to undo: no links of {store} were made at once.")
    return linkruns.undo(run, actor=by)


def _kept(done: linkruns.Undone) -> str:
    return f" {done.kept} changed since and left so." if done.kept else ""


def _would_link(store: Store) -> str:
    done = again(partial(rehearsed, partial(link_all, store.pk, actor="rehearsal")))
    doubts = f" {count_of(done.doubtful, 'more')} would be left to you." if done.doubtful else ""
    return f"{count_of(done.linked, 'listing')} would be linked.{doubts}"


def _has_promising(store: Store) -> bool:
    return is_active(store) and promising(store.pk).exists()


def _disconnect(request: HttpRequest, store: Store, *, remove_app: bool = False) -> str:
    connect.disconnect(store, actor=actor(request), remove_app=remove_app)
    if store.status_reason:
        messages.warning(request, f"{store}: {store.status_reason}")
    return (
        f"{store} is disconnected. Its keys were deleted, its orders were kept. Connect its "
        "address again to go on with it."
    )


ACTS = (
    Act(
        verb="test",
        label="Test connection",
        run=_test,
        shown=is_connected,
        bulk=True,
        most=ASKS_STORES,
    ),
    Act(verb="sync", label="Sync now", run=_sync_now, shown=is_active, bulk=True),
    Act(
        verb="pause",
        label="Pause",
        run=_pause,
        shown=is_active,
        bulk=True,
        confirm="Logix stops reading and writing until you resume. Webhooks are kept.",
    ),
    Act(
        verb="resume",
        label="Resume",
        run=_resume,
        shown=lambda s: s.status in _RESUMABLE,
        bulk=True,
        most=ASKS_STORES,
    ),
    Act(
        verb="writes-on",
        label="Turn writing on",
        run=_writes_on,
        role=Role.OWNER,
        shown=lambda s: not s.writes_enabled and is_connected(s),
        warns=first_push_words,
        confirm="From now on Logix sets stock, order statuses and tracking in this store.",
    ),
    Act(
        verb="writes-off",
        label="Turn writing off",
        run=_writes_off,
        shown=lambda s: s.writes_enabled,
    ),
    Act(
        verb="send-zeros",
        label="Send the zeros",
        run=_send_zeros,
        role=Role.OWNER,
        shown=lambda s: is_active(s) and bool(outbox.zeros_held_back(s.pk)),
        confirm=(
            "Far more listings than orders explain would be sold out in this store. Send it only "
            "if that is meant; look at one of the waiting stock pushes first."
        ),
    ),
    Act(
        verb="link-all",
        label="Link all sure",
        run=_link_all,
        shown=_has_promising,
        warns=_would_link,
        confirm="By a SKU or barcode that one product has. Every link can be taken off again, and "
        "all of them at once.",
    ),
    Act(
        verb="undo-links",
        label="Undo the sure links",
        run=_undo_links,
        shown=lambda s: is_active(s) and linkruns.latest(s.pk) is not None,
        warns=_would_undo,
        confirm="Listings that the latest “Link all sure” linked and nobody touched since are as "
        "they were before it.",
    ),
    Act(verb="compare", label="Compare now", run=_compare, shown=is_active, bulk=True),
    Act(verb="webhooks", label="Check webhooks", run=_webhooks, shown=_tells_news),
    Act(
        verb="forget-queue",
        label="Forget the queue",
        run=_forget_queue,
        role=Role.OWNER,
        shown=lambda s: is_active(s) and _has_queue(s),
        confirm="Its news are not fetched any more and its key is deleted here. Orders are read by "
        "polling; the queue itself stays as it is.",
    ),
    Act(
        verb="rotate",
        label="Rotate secret",
        run=_rotate,
        role=Role.OWNER,
        shown=_has_own_secret,
        confirm=(
            "The store gets a new secret to sign its webhooks with; the old one stays valid for 24 "
            "hours."
        ),
    ),
    Act(verb="rehearse", label="Dry run", run=_rehearse, shown=is_active),
    Act(
        verb="rehearse-products",
        label="Dry run of products",
        run=_rehearse_products,
        shown=_reads_products,
    ),
    Act(
        verb="backfill",
        label="Read all",
        run=_backfill,
        shown=is_active,
        confirm=(
            "All orders are read again, newest first. Nothing is doubled; the store is asked for "
            "every page."
        ),
    ),
    Act(
        verb="open-stock",
        label="Open stock",
        run=_open_stock,
        shown=_is_left_closed,
        confirm=(
            "The store's figures become the first count of everything nobody has counted yet, "
            "although not all of its orders were read. An open order that was not read yet holds "
            "nothing back until it comes in."
        ),
    ),
    Act(
        verb="disconnect",
        label="Disconnect",
        run=_disconnect,
        role=Role.OWNER,
        danger=True,
        shown=is_connected,
        confirm="Its webhooks and its keys in Logix are deleted. Orders and stock stay.",
    ),
    Act(
        verb="remove-app",
        label="Disconnect and remove app",
        run=partial(_disconnect, remove_app=True),
        role=Role.OWNER,
        danger=True,
        shown=lambda s: is_connected(s) and connect.may_remove_app(s),
        confirm=(
            "The store is disconnected, and Logix's app is taken out of it: whatever uses the app "
            "there stops for good. The platform may then ask Logix to forget the store's buyers, "
            "and their names and addresses go from its orders."
        ),
    ),
)
