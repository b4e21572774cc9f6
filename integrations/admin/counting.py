"""Who counts a store's stock, and what turning writing on would have it show: acts and a page of
the store, each with what it would do before it is done.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode

from integrations import outbox, sync
from integrations.admin.acts import REFUSALS, Act
from integrations.admin.base import HubAdmin, count_of, link, told
from integrations.admin.matching import matching_button
from integrations.admin.roles import actor
from integrations.models import Store, StoreStatus
from integrations.outbox import FirstPush, Outcome
from integrations.outbox.rehearsing import Line
from integrations.sync import Switch
from integrations.sync.mastering import Master
from logix.accounts.models import Role

_WORDS = {
    Outcome.WRITE: "Would be written",
    Outcome.EQUAL: "Show what they should",
    Outcome.LEFT_ALONE: "Left alone",
    Outcome.BLOCKED: "Would wait for somebody",
}
_NAMED = 3


def _is_active(store: Store) -> bool:
    return store.status == StoreStatus.ACTIVE


def _is_connected(store: Store) -> bool:
    return store.status != StoreStatus.DISCONNECTED


def _store_counts(request: HttpRequest, store: Store) -> str:
    done = sync.set_stock_master(store, "store", actor=actor(request))
    return f"{store} counts its stock now. {_said(done)}"


def _hub_counts(request: HttpRequest, store: Store) -> str:
    done = sync.set_stock_master(store, "hub", actor=actor(request))
    return f"Logix counts the stock of {store} again. {_said(done)}"


def _would(master: Master) -> Any:
    def words(store: Store) -> str:
        try:
            return _said(sync.set_stock_master(store, master, actor="rehearsal", dry_run=True))
        except REFUSALS as err:
            return str(err)

    return words


def _said(done: Switch) -> str:
    """What a switch does, or would do, in sentences."""
    if done.master == "hub":
        verb = "are" if done.is_done else "would be"
        return (
            f"{count_of(done.told, 'listing')} {verb} told another figure than the store shows, "
            "where writing is on."
        )
    verb = "were" if done.is_done else "would be"
    said = [
        f"Of {count_of(done.listings, 'listing')}, {done.counted} {verb} counted anew by the "
        f"store's figure and {done.equal} show what is counted here."
    ]
    if done.zeros:
        said.append(f"{done.zeros} show 0 and no order says why: they are read once more first.")
    if done.elsewhere:
        said.append(f"{done.elsewhere} are counted by another store, and told their figure.")
    if done.rest:
        said.append(f"{done.rest} are not counted by their figure.")
    if done.named:
        named = "; ".join(f"{x.listing}: {x.before} → {x.after}" for x in done.named[:_NAMED])
        more = "; …" if len(done.named) > _NAMED else "."
        said.append(f"{named}{more}")
    return " ".join(said)


def _believe(request: HttpRequest, store: Store) -> str:
    believed = sync.believe_the_zeros(store, actor=actor(request))
    return f"{count_of(believed, 'zero')} of {store} believed."


def first_push_words(store: Store) -> str:
    """What turning writing on sets going, for the page that asks."""
    found = outbox.first_push(store)
    counts = found.counts
    return (
        f"{count_of(counts[Outcome.WRITE], 'stock figure')} would be written now, "
        f"{found.zeros} of them to 0 where something is shown. {counts[Outcome.EQUAL]} show what "
        f"they should, {counts[Outcome.LEFT_ALONE]} are left alone, {counts[Outcome.BLOCKED]} "
        "would wait for somebody. The page “First push” lists them."
    )


COUNTING_ACTS = (
    Act(
        verb="store-counts",
        label="Let the store count",
        run=_store_counts,
        role=Role.OWNER,
        shown=lambda s: _is_active(s) and not s.is_stock_master,
        warns=_would("store"),
        confirm=(
            "From now on the store is master of its stock: what it shows is counted here, other "
            "stores follow, and none of our figures is written to it. What orders hold stays "
            "reserved."
        ),
    ),
    Act(
        verb="hub-counts",
        label="Count here again",
        run=_hub_counts,
        role=Role.OWNER,
        shown=lambda s: _is_connected(s) and s.is_stock_master,
        warns=_would("hub"),
        confirm="From now on Logix counts, and tells the store its figures.",
    ),
    Act(
        verb="believe-zeros",
        label="Believe the zeros",
        run=_believe,
        role=Role.OWNER,
        shown=lambda s: _is_connected(s) and bool(sync.zeros_held(s)),
        confirm=(
            "The store shows 0 for far more listings than orders explain. Believe it only if that "
            "is meant: its items are sold out in every store then."
        ),
    ),
)


class FirstPushPage(HubAdmin):
    """The page, and the way to it while nothing is written yet."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.first_push_view)
        own = path("<path:object_id>/first-push/", view, name="integrations_store_first_push")
        return [own, *super().get_urls()]

    def buttons(self, request: HttpRequest, obj: Any) -> list[dict[str, Any]]:
        found = super().buttons(request, obj)
        if _is_connected(obj) and not obj.writes_enabled:
            page = {"label": "First push", "url": self.row_url(obj, "first_push"), "asks": True}
            return [page, *matching_button(obj), *found]
        return found

    def first_push_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Only looks: everything it tries is taken back."""
        store: Store = self.row_or_404(request, object_id)
        asked = request.GET.get("outcome", "")
        wanted = Outcome(asked) if asked in set(Outcome) else None
        after = _uuid(request.GET.get("after", ""))
        found = outbox.first_push(store, outcome=wanted, after=after)
        context = {
            **self.admin_site.each_context(request),
            "title": f"First push to {store}",
            "opts": self.opts,
            "original": store,
            "back": self.row_url(store),
            "counts": _counts(found),
            "zeros": found.zeros,
            "reasons": [(told(why), number) for why, number in found.reasons.items()],
            "lines": [_line(line) for line in found.lines],
            "next": _more(found, asked),
            "is_on": store.writes_enabled,
        }
        return TemplateResponse(request, "logix/admin/first_push.html", context)


def _counts(found: FirstPush) -> list[tuple[str, int, str]]:
    return [(_WORDS[one], number, f"?outcome={one}") for one, number in found.counts.items()]


def _line(line: Line) -> dict[str, Any]:
    address = reverse("admin:inventory_listing_change", args=[line.listing.pk])
    return {
        "listing": link(address, str(line.listing)),
        "shows": line.shows,
        "would_show": line.would_show,
        "outcome": _WORDS[line.outcome],
        "reason": line.reason,
    }


def _more(found: FirstPush, outcome: str) -> str:
    if found.next is None:
        return ""
    asked = {"after": str(found.next)} | ({"outcome": outcome} if outcome else {})
    return f"?{urlencode(asked)}"


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
