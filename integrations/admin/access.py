"""Merchants, members, API tokens (shown once), the audit log, and the users behind them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from integrations.admin.base import Act, HubAdmin, actor, may
from logix.accounts import audit, tokens
from logix.accounts.models import ApiToken, AuditEvent, Membership, Merchant, Role, Scope

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):
    pass


class MembershipInline(TabularInline):
    model = Membership
    extra = 0
    autocomplete_fields = ("user",)


@admin.register(Merchant)
class MerchantAdmin(ModelAdmin):
    """Superusers only: merchants are tenants."""

    list_display = ("name", "slug", "created_at")
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}
    inlines = (MembershipInline,)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class TokenForm(forms.ModelForm):
    scopes = forms.MultipleChoiceField(
        choices=Scope.choices,
        initial=[Scope.READ],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )

    class Meta:
        model = ApiToken
        fields = ("merchant", "name", "scopes", "expires_at")


def _revoke(request: HttpRequest, token: ApiToken) -> str:
    tokens.revoke(token, actor=actor(request))
    return f"{token} no longer works."


@admin.register(ApiToken)
class ApiTokenAdmin(HubAdmin):
    form = TokenForm
    list_display = ("name", "prefix", "merchant", "scope_words", "last_used_at", "state")
    list_filter = ("merchant",)
    list_select_related = ("merchant",)
    acts = (
        Act(
            verb="revoke",
            label="Revoke",
            run=_revoke,
            role=Role.OWNER,
            danger=True,
            bulk=True,
            shown=lambda t: t.revoked_at is None,
            confirm="Whatever uses this token stops working at once.",
        ),
    )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ("merchant", "name", "scopes", "expires_at")
        return (
            "name",
            "prefix",
            "merchant",
            "scope_words",
            "created_by",
            "created_at",
            "expires_at",
            "last_used_at",
            "state",
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.get_fields(request, obj) if obj else ()

    def has_add_permission(self, request: HttpRequest) -> bool:
        if request.user.is_superuser:
            return True
        return request.user.memberships.filter(role=Role.OWNER).exists()

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        data = form.cleaned_data
        if not may(request, data["merchant"].pk, Role.OWNER):
            messages.error(request, "Only an owner of the merchant makes tokens.")
            return
        token, text = tokens.issue(
            data["merchant"],
            name=data["name"],
            scopes=data["scopes"],
            user=request.user,
            expires_at=data["expires_at"],
        )
        obj.pk = token.pk
        messages.warning(
            request, f"Copy the token now, it is shown only once and stored nowhere: {text}"
        )

    @display(description="May")
    def scope_words(self, token: ApiToken) -> str:
        return ", ".join(token.scopes)

    @display(description="State", label={"active": "success", "revoked": "danger"})
    def state(self, token: ApiToken) -> str:
        if token.revoked_at:
            return "revoked"
        if token.expires_at and token.expires_at < timezone.now():
            return "expired"
        return "active"


@admin.register(AuditEvent)
class AuditEventAdmin(HubAdmin):
    list_display = ("at", "actor", "action", "object_name", "merchant")
    list_filter = ("action", "merchant")
    search_fields = ("actor", "object_name", "object_id")
    list_select_related = ("merchant",)
    fields = (
        *list_display,
        "object_type",
        "object_id",
        "details",
        "request_id",
        "sequence",
        "hash",
    )

    def wellbeing(self, request: HttpRequest) -> list[tuple[str, str]]:
        merchants = Merchant.objects.all()
        if not request.user.is_superuser:
            merchants = merchants.filter(memberships__user=request.user)
        broken = [m.name for m in merchants[:20] if not audit.verify(m)]
        if broken:
            return [("bad", f"The chain of {', '.join(broken)} is broken: rows were altered.")]
        return [("good", "The chain is whole: no row was altered or removed.")]
