"""What a listing is counted as: the page that links it, acts on its link, and the listings somebody
has to look at.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from unfold.decorators import display

from integrations import sync
from integrations.admin.acts import Act, again
from integrations.admin.asking import ask, row_for
from integrations.admin.base import WARN, HubAdmin, Sentence, count_of
from integrations.admin.listing_forms import LinkForm, name_of
from integrations.admin.looking import Look
from integrations.admin.roles import actor, may
from inventory import links
from inventory.candidates import candidates, counted_alone, twins
from inventory.models import LinkProblem, Listing
from logix.accounts.models import Role

_TWINS_NAMED = 3
_ALONE = {
    "blank": (LinkProblem.BLANK_SKU, "without a SKU"),
    "ambiguous": (LinkProblem.AMBIGUOUS, "with a barcode that several products have"),
}
LINK_LOOKS = {
    "unlinked": Look("Not counted here", Q(gone_at=None, variant=None)),
    "blank": Look("Without a SKU: counted alone", counted_alone(LinkProblem.BLANK_SKU)),
    "ambiguous": Look("Barcode of several: counted alone", counted_alone(LinkProblem.AMBIGUOUS)),
}


def _unlink(request: HttpRequest, listing: Listing) -> str:
    again(lambda: links.unlink(listing, actor=actor(request)))
    return f"{listing} of {listing.store} is no longer counted here."


def _make_own(request: HttpRequest, listing: Listing) -> str:
    own = again(lambda: sync.make_product(listing, actor=actor(request)))
    called = f" with the SKU {own.variant.sku}" if own.variant and own.variant.sku else ""
    return f"{listing} of {listing.store} is counted as a product of its own{called}."


def _keep_alone(request: HttpRequest, listing: Listing) -> str:
    again(lambda: sync.make_product(listing, actor=actor(request)))
    return f"{listing} of {listing.store} stays a product of its own."


def _is_alone(listing: Listing) -> bool:
    return Listing.objects.filter(counted_alone(), pk=listing.pk).exists()


def _lacks_own(listing: Listing) -> bool:
    return listing.gone_at is None and listing.variant_id is None


LINK_ACTS = (
    Act(
        verb="make-product",
        label="Make a product of its own",
        run=_make_own,
        shown=_lacks_own,
        bulk=True,
        tries=True,
        confirm="A new product is counted for this listing alone, by the store's figure once its "
        "stock is open, and orders that waited for it go on. It has the listing's SKU unless "
        "another product has that. It can be unlinked like any other.",
    ),
    Act(
        verb="keep-alone",
        label="Keep counted alone",
        run=_keep_alone,
        shown=_is_alone,
        bulk=True,
        tries=True,
        confirm="You say that no other listing is the same thing. Nothing changes but that you "
        "are not asked about it any more.",
    ),
    Act(
        verb="unlink",
        label="Unlink",
        run=_unlink,
        shown=lambda listing: listing.variant_id is not None,
        bulk=True,
        tries=True,
        confirm="Its stock is no longer counted here and its store keeps the figure it shows. "
        "New orders for it wait until it is linked again.",
    ),
)


class LinkPages(HubAdmin):
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.link_view)
        own = path("<path:object_id>/link/", view, name="inventory_listing_link")
        return [own, *super().get_urls()]

    def link_buttons(self, request: HttpRequest, listing: Listing) -> list[dict[str, Any]]:
        if listing.gone_at is not None or not may(request, listing.merchant_id, Role.OPERATOR):
            return []
        label = "Link to another product" if listing.variant_id else "Link to a product"
        return [{"label": label, "url": self.row_url(listing, "link"), "asks": True}]

    def link_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        listing: Listing = row_for(self, request, object_id)

        def link(told: dict[str, Any]) -> str:
            links.link(listing, told["variant"], actor=actor(request))
            product = name_of(told["variant"])
            return f"{listing} of {listing.store} is counted as {product} from now on."

        return ask(
            self,
            request,
            listing,
            LinkForm(listing, candidates(listing), request.POST or None),
            link,
            title=f"Link {listing} of {listing.store}",
            button="Link",
            says=_says(listing),
        )

    @display(
        description="Link",
        label={
            LinkProblem.NONE.label: "success",
            LinkProblem.BLANK_SKU.label: "warning",
            LinkProblem.AMBIGUOUS.label: "warning",
            LinkProblem.DUPLICATE_SKU.label: "danger",
        },
        ordering="link_problem",
    )
    def link_words(self, listing: Listing) -> str:
        if listing.variant_id is None and listing.link_problem == LinkProblem.NONE:
            return "Not linked"
        return listing.get_link_problem_display()

    def link_sentences(self, request: HttpRequest) -> list[Sentence]:
        """What is not well with links, each leading to its listings."""
        found = []
        if unlinked := self.rows_in(request, "unlinked").count():
            words = (
                f"{count_of(unlinked, 'listing')} not counted here: a SKU that is used twice "
                "there, or unlinked by hand. Link each at its page, or make it a product of its "
                "own."
            )
            found.append(Sentence(WARN, words, "look=unlinked"))
        for look, (_, what) in _ALONE.items():
            if alone := self.rows_in(request, look).count():
                is_counted = "is counted alone" if alone == 1 else "are counted alone"
                words = (
                    f"{count_of(alone, 'listing')} {what} {is_counted}. The same goods in another "
                    "store would be counted twice: link them, or keep them so."
                )
                found.append(Sentence(WARN, words, f"look={look}"))
        return found


def _says(listing: Listing) -> str:
    said = [_twin_words(listing)]
    if listing.link_problem in links.COUNTED_ALONE and listing.variant_id:
        said.append(
            "It is counted alone so far; if that is right, go back to “Keep counted alone”. When "
            "it is linked, what was counted for it and its open orders stay where they are."
        )
    said.append("Orders that waited for it go on, and the store is told this product's figure.")
    if listing.variant_id is None:
        said.append("If it is none of your products, go back to “Make a product of its own”.")
    return " ".join(filter(None, said))


def _twin_words(listing: Listing) -> str:
    found = list(twins(listing)[: _TWINS_NAMED + 1])
    if not found:
        return ""
    named = "; ".join(_twin(x) for x in found[:_TWINS_NAMED])
    more = " and others" if len(found) > _TWINS_NAMED else ""
    listings = "Another listing" if len(found) == 1 else "Other listings"
    have = "has" if len(found) == 1 else "have"
    return f"{listings} of this store {have} the same SKU: {named}{more}."


def _twin(listing: Listing) -> str:
    state = f"linked to {name_of(listing.variant)}" if listing.variant else "not linked"
    return f"{listing.title or listing.external_variant_id} ({state})"
