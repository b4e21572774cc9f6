"""What a dry run of products would link, in words and with some of the listings by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from integrations.admin.base import count_of
from integrations.models import Store, StreamName, SyncRun
from inventory.linking import LinkedBy

_WORDS: Mapping[LinkedBy, str] = {
    LinkedBy.SKU: "Linked by SKU to a product that is here",
    LinkedBy.BARCODE: "Linked by barcode to a product that is here",
    LinkedBy.OWN: "New products",
    LinkedBy.BLANK: "Counted alone, without a SKU",
    LinkedBy.AMBIGUOUS: "Counted alone, with a barcode that several products have",
    LinkedBy.DUPLICATE: "Not linked, as the store uses the SKU more than once",
}


def matching_words(found: Mapping[str, Any]) -> SafeString:
    is_all = "all that the store has" if found["is_all"] else "the store has more"
    lead = f"{count_of(found['looked_at'], 'product')} looked at, {is_all}."
    if found["known"]:
        lead += f" Here already, with the link kept: {count_of(found['known'], 'listing')}."
    counts, named = found["counts"], found["named"]
    told = ((_WORDS[way], counts.get(way, 0), _named(named.get(way, ()))) for way in LinkedBy)
    lines = format_html_join("", "<li>{}: <b>{}</b>{}</li>", told)
    return format_html("{}<ul>{}</ul>", lead, lines)


def matching_button(store: Store) -> list[dict[str, Any]]:
    """The way to the latest such run, where there is one."""
    rows = SyncRun.objects.filter(store=store, stream__name=StreamName.PRODUCTS, dry_run=True)
    run = rows.order_by("-created_at").first()
    if run is None:
        return []
    url = reverse("admin:integrations_syncrun_change", args=[run.pk])
    return [{"label": "How products match", "url": url, "asks": True}]


def _named(found: Sequence[Mapping[str, str]]) -> SafeString:
    rows = (
        (
            one["title"] or one["external_variant_id"],
            f" ({one['sku']})" if one["sku"] else "",
            f" → {one['linked_to']}" if one["linked_to"] else "",
        )
        for one in found
    )
    return format_html_join("", "<br>{}{}{}", rows)
