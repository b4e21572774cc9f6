"""What all pages share: rows of one's own merchants only, history that cannot be written, settings
that are saved with an audit row, and the answer to "is it well?".
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django import forms
from django.contrib.admin.utils import get_fields_from_path
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline

from integrations.admin.acts import ActsMixin
from integrations.admin.looking import Look, LookFilter, OwnRows, known_as
from integrations.admin.roles import actor, may, may_anywhere, merchants_of
from integrations.models import Store
from inventory.models import Location
from logix.accounts import audit
from logix.accounts.models import Merchant, Role

GOOD, QUIET, WARN, BAD = "good", "quiet", "warn", "bad"
NO_ROLE = (
    "You have no role with any merchant yet, so there is nothing to see. A superuser gives you one "
    "on the merchant's page, under Merchants."
)


class Sentence(NamedTuple):
    """How something is. It leads to the rows it is about (``query`` of the page's own list) or to
    the page where it is mended (``url``).
    """

    tone: str
    words: str
    query: str = ""
    url: str = ""


Said = list[Sentence]


class HubAdmin(ActsMixin):
    """Base of every page. ``merchant_path`` leads from the row to its merchant; rows are read-only
    unless ``add_role`` or ``change_role`` names who may write them.
    """

    merchant_path = "merchant"
    add_role: Role | None = None
    change_role: Role | None = None
    deletable = False
    list_before_template = "logix/admin/wellbeing.html"
    list_per_page = 50
    show_full_result_count = False
    compressed_fields = True
    empty_words = "Nothing here yet."

    # -- whose rows ----------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows = super().get_queryset(request)
        if request.user.is_superuser:
            return rows
        return rows.filter(**{f"{self.merchant_path}__in": merchants_of(request)})

    def merchant_id(self, obj: Any) -> Any:
        *steps, last = self.merchant_path.split("__")
        for step in steps:
            obj = getattr(obj, step)
        return getattr(obj, f"{last}_id")

    def get_list_filter(self, request: HttpRequest) -> Sequence[Any]:
        """Filters over related rows offer one's own only, whichever page forgot to say so."""
        filters = [
            (name, OwnRows) if isinstance(name, str) and self._leads_away(name) else name
            for name in super().get_list_filter(request)
        ]
        return [LookFilter, *filters] if self.looks() else filters

    def _leads_away(self, name: str) -> bool:
        return bool(get_fields_from_path(self.model, name)[-1].is_relation)

    def related_rows(
        self, request: HttpRequest, model: type[models.Model], role: Role = Role.VIEWER
    ) -> models.QuerySet[Any]:
        """Rows of ``model`` that belong to merchants with whom the person holds ``role``."""
        rows = model._default_manager.all()
        if model in (Store, Location):
            rows = rows.select_related("merchant")
        if request.user.is_superuser:
            return rows
        path = "pk" if model is Merchant else "merchant"
        return rows.filter(**{f"{path}__in": merchants_of(request, role)})

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        return unbuttoned(super().formfield_for_dbfield(db_field, request, **options))

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        role = self.change_role or Role.OWNER
        rows = self.related_rows(request, db_field.related_model, role)
        if db_field.related_model is Location:
            # What platforms keep is looked for, and never chosen.
            rows = rows.filter(kept_by=None)
        options.setdefault("queryset", rows)
        options.setdefault("form_class", TellingApart)
        return super().formfield_for_foreignkey(db_field, request, **options)

    # -- permissions ---------------------------------------------------------------------------

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.is_staff

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_staff and (
            obj is None or may(request, self.merchant_id(obj), Role.VIEWER)
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.add_role is not None and may_anywhere(request, self.add_role)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if self.change_role is None or obj is None:
            return False
        return may(request, self.merchant_id(obj), self.change_role)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.deletable and self.has_change_permission(request, obj)

    # -- is it well? ---------------------------------------------------------------------------

    def wellbeing(self, request: HttpRequest) -> Said:
        """What is said above the list and on the first page."""
        return []

    def looks(self) -> dict[str, Look]:
        """The rows such sentences lead to, by the name their filter has in the address."""
        return {}

    def rows_in(self, request: HttpRequest, look: str) -> models.QuerySet[Any]:
        """The person's rows of one of ``looks``."""
        return self.get_queryset(request).filter(self.looks()[look].rows)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        said = [Sentence(*told) for told in self.wellbeing(request)]
        if has_no_role(request):
            said = [Sentence(WARN, NO_ROLE)]
        return super().changelist_view(request, {"wellbeing": said, **(extra_context or {})})

    # -- one row -------------------------------------------------------------------------------

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        context = {"show_save_and_add_another": False, **(extra_context or {})}
        return super().changeform_view(request, object_id, form_url, context)

    def zone_of(self, obj: Any) -> str:
        """The zone the page's times are told in: that of the store it is about, else UTC."""
        of = (getattr(obj, name, None) for name in ("stream", "order", "listing"))
        stores = [obj, getattr(obj, "store", None), *(getattr(one, "store", None) for one in of)]
        return next((x.timezone for x in stores if isinstance(x, Store)), "UTC")

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """What was done with the row stands in the audit log, whoever did it and through whatever
        door.
        """
        row = self.row_or_404(request, object_id)
        log = reverse("admin:accounts_auditevent_changelist")
        return HttpResponseRedirect(f"{log}?{urlencode({'q': row.pk})}")

    # -- settings ------------------------------------------------------------------------------

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Write what was changed in the form and no more: a worker may have written the other
        columns since the page was opened.
        """
        if change:
            changed = {name: form.cleaned_data[name] for name in form.changed_data}
            if changed:
                type(obj)._default_manager.filter(pk=obj.pk).update(**changed)
        else:
            obj.save(force_insert=True)
        if form.changed_data:
            self.note(request, obj, "changed" if change else "added", form)
            self.saved(request, obj)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.note(request, obj, "deleted")
        super().delete_model(request, obj)

    def saved(self, request: HttpRequest, obj: Any) -> None:
        """What a changed setting sets going, in its transaction."""

    def note(self, request: HttpRequest, obj: Any, did: str, form: Any = None) -> None:
        """Put a change of a setting on the audit log, with before and after."""
        merchant_id = self.merchant_id(obj)
        audit.record(
            f"{self.opts.model_name}.{did}",
            actor=actor(request),
            merchant=Merchant.objects.get(pk=merchant_id),
            obj=obj,
            details=changes_of(form) if form is not None else {},
        )


class Audited(ModelAdmin):
    """For pages of the hub itself (users, clock): what was done stands in the hub's own audit log,
    by the names of what was changed. Values are left out, a password is among them.
    """

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        self._audit(request, obj, "added", message)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        self._audit(request, obj, "changed", message)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> Any:
        for obj in queryset:
            self._audit(request, obj, "deleted")
        return super().log_deletions(request, queryset)

    def _audit(self, request: HttpRequest, obj: Any, did: str, message: Any = "") -> None:
        action = f"{self.opts.model_name}.{did}"
        audit.record(action, actor=actor(request), obj=obj, details={"what": message})


def unbuttoned(field: Any) -> Any:
    """The form field without the small buttons that add or change the related row: that has its own
    page.
    """
    widget = getattr(field, "widget", None)
    if isinstance(widget, RelatedFieldWidgetWrapper):
        field.widget = widget.widget
    return field


class TellingApart(forms.ModelChoiceField):
    """A select whose choices of equal names can be told apart."""

    def label_from_instance(self, obj: models.Model) -> str:
        return known_as(obj)


class ReadOnlyInline(TabularInline):
    """Rows that belong to the row above, to be read."""

    extra = 0
    can_delete = False
    show_change_link = False
    hide_title = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True


def changes_of(form: Any) -> dict[str, Any]:
    """Before and after of each field a form changed."""
    return {
        name: {"from": form.initial.get(name), "to": form.cleaned_data[name]}
        for name in form.changed_data
    }


def has_no_role(request: HttpRequest) -> bool:
    """Whether the person is staff and was given nothing to look at yet."""
    return not request.user.is_superuser and not merchants_of(request)


def age(seconds: float) -> str:
    """A length of time as people say it."""
    for size, unit in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= 2 * size:
            return count_of(int(seconds // size), unit)
    return count_of(int(seconds), "second")


def person(actor_name: str) -> str:
    """The name of who did something, without the kind the audit log puts before it."""
    return actor_name.removeprefix("user:")


def link(url: str, words: str) -> SafeString:
    """A link that looks like one."""
    return format_html(
        '<a class="text-primary-600 dark:text-primary-500" href="{}"><bdi>{}</bdi></a>', url, words
    )


def moment(at: datetime | None) -> str | None:
    """A time on a page about one row, in that page's zone; None: there is none."""
    return None if at is None else date_format(timezone.localtime(at), "DATETIME_FORMAT")


def told(words: str) -> SafeString:
    """What a stranger wrote, set apart: its direction cannot disturb the words around it."""
    return format_html("<bdi>{}</bdi>", words) if words else SafeString("")


def count_of(number: int, one: str, many: str = "") -> str:
    """``1 run``, ``3 runs``."""
    return f"{number} {one if number == 1 else many or one + 's'}"
