"""A listing that its store puts together from others: what the store says there is in one, and
whether its product is a kit of these here.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from unfold.decorators import display

from integrations.admin.acts import Act, again
from integrations.admin.base import WARN, HubAdmin, Sentence, count_of, link
from integrations.admin.looking import Look
from integrations.admin.roles import actor
from inventory import bundles
from inventory.models import Listing, StockLevel, Variant

WAITS = Look("Bundles that are no kits here", Q(gone_at=None) & ~Q(kit_problem=""))


def _take_over(request: HttpRequest, listing: Listing) -> str:
    again(lambda: bundles.take_over(listing, actor=actor(request)))
    return f"{listing.variant} is a kit of the parts {listing.store} tells. Its stores are told."


TAKE_OVER = Act(
    verb="take-over",
    label="Make it a kit of the store's parts",
    run=_take_over,
    shown=lambda listing: listing.is_bundle and bool(listing.kit_problem),
    bulk=True,
    confirm="It is made of what the store tells from now on, in place of parts that were chosen "
    "by hand. Open orders of it hold the new parts, and every store that sells it is told.",
)


class BundlePages(HubAdmin):
    @display(description="Bundle of the store")
    def bundle(self, listing: Listing) -> str:
        if not listing.is_bundle:
            return listing.kit_problem or "no bundle"
        rows = (
            (part["quantity"], part["sku"] or part["external_variant_id"])
            for part in listing.bundle_parts
        )
        parts = format_html_join("", "{} × {}<br>", rows)
        return format_html("{}{}", parts, _problem(listing) or "A kit of these here.")


def _problem(listing: Listing) -> str:
    """Why it is no kit here, with the way to its count where it has one."""
    if not listing.kit_problem or listing.variant is None:
        return listing.kit_problem
    here = StockLevel.objects.filter(variant=listing.variant, location__kept_by=None)
    if not here.exclude(on_hand=0).exists():
        return listing.kit_problem
    page = reverse("admin:inventory_variant_change", args=[listing.variant_id])
    return format_html("{}<br>{}", listing.kit_problem, link(page, "Its stock, to count it"))


def waiting_words(count: int) -> list[Sentence]:
    if not count:
        return []
    are = "is no kit" if count == 1 else "are no kits"
    words = (
        f"{count_of(count, 'bundle')} of stores {are} of the parts that are told. Each says why "
        "at its page."
    )
    return [Sentence(WARN, words, "look=bundles")]


def told_words(variant: Variant) -> Any:
    """Where a kit's parts are from, '' where a person chose them; and which bundles of stores it is
    not made a kit of, with the reason.
    """
    listing = bundles.told_by(variant)
    waiting = bundles.waiting().filter(variant=variant).select_related("store")
    words = [f"as {listing.store} tells it"] if listing else []
    words += [
        format_html(
            "{} sells it as a bundle, {}: {}",
            one.store,
            link(reverse("admin:inventory_listing_change", args=[one.pk]), "which is no kit here"),
            one.kit_problem,
        )
        for one in waiting
    ]
    return format_html_join("", "{}<br>", ((one,) for one in words))
