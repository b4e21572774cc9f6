"""How much of what is there each store may sell: rules, each for one scope, and what they say."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import escape, format_html
from django.utils.http import urlencode
from unfold.decorators import display

from integrations import outbox
from integrations.admin.acts import again
from integrations.admin.base import HubAdmin, link, told
from integrations.admin.looking import known_as
from integrations.admin.roles import actor
from integrations.admin.stock_rule_form import WHOLE, StockRuleForm
from inventory import ruling
from inventory.errors import RuleTaken
from inventory.models import Listing, StockRule
from logix.accounts.models import Role

_CATEGORIES_NAMED = 20
_WHICH_WINS = (
    "Several rules may fit a listing; the narrowest alone holds, and the wider ones have no say in "
    "it: first the listing's own, then that of its SKU in the store, of its category, of the "
    "store, and last of all stores. Without any, all that is free is shown."
)
_FOR_WHAT = (
    "Leave these empty for a rule of the whole store, and the store empty too for one of all "
    "stores. A rule for one listing is made on the listing's page."
)
_SAYS = (
    "Shown is what is free less the units kept back, of that the share, and at most the limit. "
    "“Always” puts one figure in place of all that, e.g. for what is made to order."
)


@admin.register(StockRule)
class StockRuleAdmin(HubAdmin):
    """Without a rule a store sells all that is free."""

    form = StockRuleForm
    add_role = Role.OWNER
    change_role = Role.OWNER
    deletable = True
    empty_words = "No rule: every store sells all that is free."
    list_display = ("scope", "shows")
    list_filter = ("store",)
    list_select_related = ("merchant", "store__merchant", "listing", "variant")
    readonly_fields = ("scope_link",)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[StockRule]:
        return super().get_queryset(request).select_related(*self.list_select_related)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        says = (
            None,
            {
                "description": _SAYS,
                "fields": (
                    ("buffer", "percent"),
                    ("max_listed", "end_when"),
                    "always",
                    "try_first",
                    "confirm",
                ),
            },
        )
        if obj:
            return ((None, {"description": _WHICH_WINS, "fields": ("scope_link",)}), says)
        if listing := self._chosen_listing(request):
            words = f"For the listing {listing} in {listing.store}. {_WHICH_WINS}"
            return ((None, {"description": escape(words), "fields": ("listing",)}), says)
        whose = (None, {"description": _WHICH_WINS, "fields": ("merchant", "store")})
        what = (None, {"description": _FOR_WHAT, "fields": (("sku", "category"),)})
        return (whose, what, says)

    def get_form(self, request: HttpRequest, *args: Any, **options: Any) -> Any:
        form = super().get_form(request, *args, **options)
        form.listings = self.related_rows(request, Listing, Role.OWNER)
        return form

    def _chosen_listing(self, request: HttpRequest) -> Listing | None:
        """That of a link on its page."""
        try:
            asked = UUID(request.GET.get("listing", ""))
        except ValueError:
            return None
        rows = self.related_rows(request, Listing, Role.OWNER)
        found: Listing | None = rows.select_related("store").filter(pk=asked).first()
        return found

    @display(description="For", ordering="store__name")
    def scope(self, rule: StockRule) -> str:
        if rule.store is None:
            return f"All stores of {rule.merchant}"
        return f"{known_as(rule.store)}{_part_of(rule)}"

    @display(description="For")
    def scope_link(self, rule: StockRule) -> str:
        page = None
        if rule.listing_id:
            page = reverse("admin:inventory_listing_change", args=[rule.listing_id])
        elif rule.variant_id:
            page = reverse("admin:inventory_variant_change", args=[rule.variant_id])
        words = self.scope(rule)
        return link(page, words) if page else format_html("{}", told(words))

    @display(description="Shows")
    def shows(self, rule: StockRule) -> str:
        return says(rule)

    # -- through the service -------------------------------------------------------------------

    def changeform_view(self, request: HttpRequest, *args: Any, **options: Any) -> Any:
        try:
            return super().changeform_view(request, *args, **options)
        except RuleTaken as err:  # by somebody who was faster than the form's own look
            messages.error(request, str(err))
            return HttpResponseRedirect(reverse("admin:inventory_stockrule_changelist"))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        data, by = form.cleaned_data, actor(request)
        values = {name: data[name] for name in ruling.VALUES}
        if change:
            again(lambda: ruling.change(obj, actor=by, **values))
            return
        made = again(lambda: ruling.create(**form.scope(), actor=by, **values))
        obj.pk = made.pk
        _warn_of_a_category_nobody_has(request, made)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        log = f"{reverse('admin:accounts_auditevent_changelist')}?look=rules"
        acts = [{"label": "What was changed", "url": log, "asks": True}]
        return super().changelist_view(request, {"acts": acts, **(extra_context or {})})

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page asks anyway; it says so where much would be sold out."""
        rule = self.get_object(request, unquote(object_id))
        may_delete = rule is not None and self.has_delete_permission(request, rule)
        if request.method == "GET" and may_delete:
            _warn_of_a_sell_out(request, rule)
        return super().delete_view(request, object_id, extra_context)

    def delete_model(self, request: HttpRequest, obj: StockRule) -> None:
        again(lambda: ruling.remove(obj, actor=actor(request)))


def rule_button(listing: Listing) -> dict[str, Any]:
    """For the toolbar of a listing: to its own rule, or to where one is made."""
    rule = StockRule.objects.filter(listing=listing).first()
    page = rule and reverse("admin:inventory_stockrule_change", args=[rule.pk])
    return {"label": "Stock rule", "url": page or add_address(listing=listing.pk), "asks": True}


def add_address(**chosen: Any) -> str:
    """Where a rule is made, with what it is for filled in already: ``listing``, or ``merchant``,
    ``store`` and ``sku``.
    """
    query = urlencode({name: str(value) for name, value in chosen.items()})
    return f"{reverse('admin:inventory_stockrule_add')}?{query}"


def says(rule: StockRule) -> str:
    """What the rule makes of what is free, in words."""
    if rule.always is not None:
        return f"always {rule.always}"
    words = "all that is free"
    if rule.buffer:
        words = f"what is free less {rule.buffer} kept back"
    if rule.percent != WHOLE:
        words += f", of that {rule.percent} %"
    if rule.max_listed is not None:
        words += f", at most {rule.max_listed}"
    if rule.end_when:
        words += f", 0 when no more than {rule.end_when} are free"
    return words


def _warn_of_a_sell_out(request: HttpRequest, rule: StockRule) -> None:
    def work() -> StockRule:
        ruling.remove(rule, actor="rehearsal")
        return rule

    if tried := outbox.sells_out(rule, work):
        messages.warning(request, outbox.sold_out_words(tried))


def _part_of(rule: StockRule) -> str:
    if rule.listing is not None:
        return f": the listing {rule.listing}"
    if rule.variant is not None:
        return f": the SKU {rule.variant}"
    return f": the category “{rule.category}”" if rule.category else ""


def _warn_of_a_category_nobody_has(request: HttpRequest, rule: StockRule) -> None:
    if not rule.category or rule.store is None:
        return
    rows = Listing.objects.filter(store=rule.store, gone_at=None).order_by()
    names = {
        name for found in rows.values_list("categories", flat=True).distinct() for name in found
    }
    if rule.category not in names:
        some = ", ".join(sorted(names)[:_CATEGORIES_NAMED]) or "none yet"
        words = (
            f"{rule.store} has nothing in the category “{rule.category}”, so the rule changes "
            f"nothing now. Its categories: {some}."
        )
        messages.warning(request, words)
