"""What the audit log's actions mean, in words. The codes stay what is stored, searched by programs
and sealed into the chain.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import admin

# One of a page's settings, saved in a form: “<model>.added”, “.changed”, “.deleted”.
_THINGS: Mapping[str, str] = {
    "clockedschedule": "a moment of the clock",
    "crontabschedule": "a timetable of the clock",
    "fieldrule": "a field rule",
    "group": "a group",
    "intervalschedule": "an interval of the clock",
    "listing": "a listing’s settings",
    "location": "a location",
    "merchant": "a merchant",
    "periodictask": "a task of the clock",
    "solarschedule": "a timetable by the sun",
    "stockrule": "a stock rule",
    "user": "a user",
}
_VERBS: Mapping[str, str] = {"added": "Added", "changed": "Changed", "deleted": "Deleted"}

ACTIONS: Mapping[str, str] = {
    "allocation.changed": "Changed what is set aside for a store",
    "allocation.ended": "Gave back what was set aside for a store",
    "allocation.made": "Set units aside for a store",
    "command.dropped": "Dropped a write to a store",
    "command.retried": "Sent a write to a store again",
    "credentials.saved": "Kept new keys of a store",
    "deliveries.replayed": "Replayed webhooks",
    "delivery.body_seen": "Read the body of a webhook",
    "delivery.dismissed": "Put a webhook away",
    "keys.rotated": "Changed the keys that seal data",
    "kit.parts_changed": "Changed what a kit is made of",
    "listing.kept_alone": "Said that a listing is rightly counted alone",
    "listing.link_undone": "Put the link of a listing back",
    "listing.linked": "Linked a listing to a product",
    "listing.product_made": "Made a product of a listing’s own",
    "listing.unlinked": "Unlinked a listing",
    "listings.link_all_undone": "Undid links that were made at once",
    "listings.linked_all": "Linked all listings that left no doubt",
    "listings.linked_by_reading": "Linked listings while products were read",
    "location.created": "Added a location",
    "login.failed": "Tried to log in and failed",
    "login.locked": "Was locked out after wrong passwords",
    "login.ok": "Logged in",
    "member.added": "Gave somebody a role",
    "member.changed": "Changed somebody’s role",
    "member.removed": "Took somebody’s role away",
    "merchant.created": "Added a merchant",
    "order.buyer_erased": "Erased a buyer",
    "order.buyer_seen": "Looked at a buyer",
    "order.cancel_requested": "Asked a store to cancel an order",
    "order.edit_accepted": "Accepted the store's edit of an order",
    "order.note_requested": "Wrote a note on an order",
    "order.refetched": "Read an order again from its store",
    "order.outside_cancel_requested": "Asked a store not to send another store's order",
    "order.outside_requested": "Asked a store to send another store's order",
    "order.refund_requested": "Asked a store to refund an order",
    "order.return_restocked": "Put goods of a return back into stock",
    "order.reviewed": "Reviewed an order",
    "order.shipment_cancelled": "Took a parcel back",
    "order.shipped": "Shipped a parcel",
    "order.status_requested": "Asked a store for another order status",
    "order.tracking_changed": "Changed the tracking of a parcel",
    "order.goods_decided": "Said what became of refunded goods",
    "order.goods_expected": "Said that refunded goods may still come back",
    "order.picking_begun": "Said that picking of an order began",
    "order.picking_undone": "Said that an order is not being picked after all",
    "outbox.unblocked": "Let everything go on that waited for a store",
    "outbox.zeros_confirmed": "Said that a store is meant to be sold out",
    "parked.dismissed": "Dismissed a parked record",
    "parked.retried": "Tried a parked record again",
    "privacy.asked": "Took in a privacy request",
    "privacy.bundle_taken": "Downloaded what is kept of a buyer",
    "privacy.confirmed": "Let the erasure of a store’s buyers begin",
    "privacy.done": "Ended a privacy request",
    "privacy.purged": "Erased buyers whose time was over",
    "push.retried": "Sent a stock figure again",
    "reconciliation.gone_on": "Let a comparison with a store go on",
    "reconciliation.requested": "Asked for a comparison with a store",
    "rule.changed": "Changed a field rule",
    "rule.created": "Added a field rule",
    "rule.removed": "Deleted a field rule",
    "rules.previewed": "Tried field rules on past orders",
    "stock.adjusted": "Counted or corrected stock",
    "stock.differs": "Found stock that is not what its movements add up to",
    "stock.opened": "Opened the stock of a store",
    "stock.zeros_believed": "Said that the zeros a store shows are meant",
    "stock.proven": "Compared all stock with its movements",
    "stock.kept_back": "Held units back, or called them damaged",
    "stock.written_off": "Wrote damaged units off",
    "stock.restocked": "Put a return back into stock",
    "store.activated": "Let a store run",
    "store.changed": "Changed a store",
    "store.connect_failed": "Tried to connect a store and failed",
    "store.connect_started": "Began to connect a store",
    "store.connected": "Connected a store",
    "store.disconnected": "Disconnected a store",
    "store.needs_merchant": "Found that a store must be reconnected",
    "store.paused": "Paused a store",
    "store.places_changed": "Chose the places a store sells from",
    "store.reconnected": "Connected a store again",
    "store.resumed": "Resumed a store",
    "store.scopes_changed": "Found other permissions at a store",
    "store.stock_master_changed": "Switched who counts the stock of a store",
    "store.tested": "Tested the connection to a store",
    "store.uninstalled": "Found Logix uninstalled at a store",
    "store.writes_off": "Turned writing to a store off",
    "store.writes_on": "Turned writing to a store on",
    "stream.changed": "Changed how a store is read",
    "sync.cancel": "Cancelled a run",
    "sync.pause": "Paused a run",
    "sync.requested": "Asked for a run",
    "sync.resumed": "Let a run go on",
    "token.issued": "Made an API token",
    "token.revoked": "Revoked an API token",
    "webhooks.secret_followed": "Took over a webhook secret changed at the store",
    "webhooks.secret_rotated": "Changed the webhook secret of a store",
}


def sentence_of(action: str) -> str:
    """What was done, in words; a code that has none is shown with its words apart."""
    if action in ACTIONS:
        return ACTIONS[action]
    thing, _, did = action.partition(".")
    if thing in _THINGS and did in _VERBS:
        return f"{_VERBS[did]} {_THINGS[thing]}"
    return action.replace("_", " ").replace(".", ": ").capitalize()


class ActionFilter(admin.AllValuesFieldListFilter):
    """The actions that occur, in words."""

    def choices(self, changelist: Any) -> Any:
        for choice in super().choices(changelist):
            shown = str(choice["display"])
            yield {**choice, "display": sentence_of(shown) if "." in shown else shown}
