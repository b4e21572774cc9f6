"""Merchants, members, API tokens (shown once), the audit log, and the users behind them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from integrations.admin.acts import Act, NotDone
from integrations.admin.auditwords import ActionFilter, sentence_of
from integrations.admin.base import Audited, HubAdmin, told, unbuttoned
from integrations.admin.looking import Look
from integrations.admin.roles import actor, merchants_of
from integrations.admin.rule_undo import PUT_BACK
from logix.accounts import audit, tokens
from logix.accounts.models import ApiToken, AuditEvent, Membership, Merchant, Role, Scope
from logix.common.crypto import SealBroken, ring

_NEW_TOKEN = "new_token"  # noqa: S105 - the name it has in the session

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(Audited, DjangoUserAdmin, ModelAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        return unbuttoned(super().formfield_for_dbfield(db_field, request, **options))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Says where roles are given: they are none of these boxes."""
        merchants = reverse("admin:accounts_merchant_changelist")
        says = format_html(
            "What a person may see and do is a role with a merchant. It is given on the "
            '<a class="text-primary-600" href="{}">merchant’s page</a>, under Members; without '
            "one, and unless superuser, the person sees nothing. Staff status lets them log in "
            "here.",
            merchants,
        )
        (title, first), *rest = super().get_fieldsets(request, obj)
        return ((title, {**first, "description": says}), *rest)


@admin.register(Group)
class GroupAdmin(Audited, DjangoGroupAdmin, ModelAdmin):
    pass


class MembershipInline(TabularInline):
    model = Membership
    extra = 0
    hide_title = True
    autocomplete_fields = ("user",)
    verbose_name = "member"
    verbose_name_plural = "Members"


@admin.register(Merchant)
class MerchantAdmin(HubAdmin):
    """Merchants are tenants: superusers make and change them, members may look at their own."""

    merchant_path = "pk"
    list_display = ("name", "slug", "created_at")
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}
    fields = ("name", "slug")
    inlines = (MembershipInline,)

    def merchant_id(self, obj: Any) -> Any:
        return obj.pk

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.prepopulated_fields if obj is None else {}

    def get_inlines(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.inlines if request.user.is_superuser else ()

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Who got which role, and who lost it, stands in the merchant's own audit log."""
        formset.save()
        told = [("member.added", m) for m in formset.new_objects]
        told += [("member.changed", m) for m, _ in formset.changed_objects]
        told += [("member.removed", m) for m in formset.deleted_objects]
        for action, member in told:
            audit.record(
                action,
                actor=actor(request),
                merchant=form.instance,
                obj=form.instance,
                details={"user": member.user.get_username(), "role": member.role},
            )


class TokenForm(forms.ModelForm):
    scopes = forms.MultipleChoiceField(
        choices=Scope.choices,
        initial=[Scope.READ],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="Give what it needs and no more; a second token is made in a moment.",
    )

    class Meta:
        model = ApiToken
        fields = ("merchant", "name", "scopes", "expires_at")
        help_texts = {"expires_at": "In UTC. Left empty: until it is revoked."}

    def clean_expires_at(self) -> Any:
        expires_at = self.cleaned_data["expires_at"]
        if expires_at is not None and expires_at <= timezone.now():
            raise forms.ValidationError("This time is past already.")
        return expires_at


def _place(request: HttpRequest, token_id: Any) -> str:
    """What a new token's text is sealed to."""
    return f"new token|{token_id}|{request.user.pk}"


def _revoke(request: HttpRequest, token: ApiToken) -> str:
    if not tokens.revoke(token, actor=actor(request)):
        raise NotDone(f"{token} was revoked already.")
    return f"{token} no longer works."


@admin.register(ApiToken)
class ApiTokenAdmin(HubAdmin):
    form = TokenForm
    add_role = Role.OWNER
    empty_words = "No token yet. Add one for each program that uses the API."
    list_display = ("name", "prefix", "merchant", "scope_words", "last_used_at", "state")
    list_filter = ("merchant", ("revoked_at", admin.EmptyFieldListFilter))
    list_select_related = ("merchant", "created_by")
    acts = (
        Act(
            verb="revoke",
            label="Revoke",
            run=_revoke,
            role=Role.OWNER,
            danger=True,
            bulk=True,
            shown=lambda t: t.revoked_at is None,
            confirm="Whatever uses this token stops working at once. This cannot be taken back.",
        ),
    )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ("merchant", "name", "scopes", "expires_at")
        return (
            ("name", "prefix"),
            ("merchant", "state"),
            "scope_words",
            ("created_by", "created_at"),
            ("expires_at", "last_used_at"),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("scope_words", "state") if obj else ()

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        context = {"show_save_and_continue": False, **(extra_context or {})}
        return super().changeform_view(request, object_id, form_url, context)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        data = form.cleaned_data
        token, text = tokens.issue(
            data["merchant"],
            name=data["name"],
            scopes=data["scopes"],
            user=request.user,
            expires_at=data["expires_at"],
        )
        for field in ApiToken._meta.concrete_fields:
            setattr(obj, field.attname, getattr(token, field.attname))
        request.session[_NEW_TOKEN] = ring().seal(text.encode(), _place(request, token.pk))

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        """On to the page that shows it: reloading that makes no second token."""
        return HttpResponseRedirect(self.row_url(obj, "shown"))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.shown_view)
        own = path("<path:object_id>/shown/", view, name="accounts_apitoken_shown")
        return [own, *super().get_urls()]

    def shown_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show a new token's text, once: it is taken out of the session, where it lay sealed for
        this token and this person, and goes into an answer that no browser stores.
        """
        token = self.row_or_404(request, object_id)
        try:
            text = ring().open(request.session.pop(_NEW_TOKEN, ""), _place(request, token.pk))
        except SealBroken:
            messages.warning(request, f"{token} was shown already. Make another one if it is lost.")
            return HttpResponseRedirect(self.row_url(token))
        context = {
            **self.admin_site.each_context(request),
            "title": f"Token of {token.merchant}",
            "opts": self.opts,
            "original": token,
            "text": text.decode(),
            "back": reverse("admin:accounts_apitoken_changelist"),
        }
        return TemplateResponse(request, "logix/admin/token.html", context)

    @display(description="May")
    def scope_words(self, token: ApiToken) -> str:
        return ", ".join(token.scopes)

    @display(
        description="State",
        label={"active": "success", "expired": "warning", "revoked": "danger"},
    )
    def state(self, token: ApiToken) -> str:
        if token.revoked_at:
            return "revoked"
        if token.expires_at and token.expires_at <= timezone.now():
            return "expired"
        return "active"


@admin.register(AuditEvent)
class AuditEventAdmin(HubAdmin):
    list_display = ("at", "actor", "did", "about", "merchant")
    list_filter = (("action", ActionFilter), "merchant")
    search_fields = ("actor__exact", "object_name", "object_id__exact", "request_id__exact")
    search_help_text = "A person, a name or an id of what was changed, a request id"
    list_select_related = ("merchant",)
    fields = (
        ("at", "actor"),
        ("did", "about"),
        "details",
        ("merchant", "request_id"),
        ("action", "object_type"),
        "object_id",
        "sequence",
        "hash",
    )
    readonly_fields = ("did", "about")
    acts = (PUT_BACK,)

    def looks(self) -> dict[str, Look]:
        return {"rules": Look("Stock rules", Q(action__startswith="stockrule."))}

    @display(description="Did", ordering="action")
    def did(self, event: AuditEvent) -> str:
        return sentence_of(event.action)

    @display(description="With", ordering="object_name")
    def about(self, event: AuditEvent) -> str:
        return told(event.object_name)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.verify_view)
        return [path("verify/", view, name="accounts_auditevent_verify"), *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        verify = {
            "label": "Verify the chain",
            "url": reverse("admin:accounts_auditevent_verify"),
        }
        return super().changelist_view(request, {"acts": [verify], **(extra_context or {})})

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """An event has no history of its own; what else was done with its object is listed."""
        event = self.row_or_404(request, object_id)
        log = reverse("admin:accounts_auditevent_changelist")
        return HttpResponseRedirect(f"{log}?q={event.object_id}")

    def verify_view(self, request: HttpRequest) -> HttpResponse:
        """Reads every event of one's merchants: asked for, rather than done with every page."""
        if request.method != "POST" or not request.user.is_staff:
            raise PermissionDenied
        if request.user.is_superuser:
            chains: list[Merchant | None] = [None, *Merchant.objects.all()]
        else:
            chains = list(Merchant.objects.filter(pk__in=merchants_of(request)))
        broken = [(chain, where) for chain in chains if (where := audit.first_break(chain))]
        for chain, where in broken:
            messages.error(request, f"{chain or 'The hub itself'}: {where}")
        if not broken:
            messages.success(request, "The chain is whole: no event was altered or removed.")
        return HttpResponseRedirect(reverse("admin:accounts_auditevent_changelist"))
