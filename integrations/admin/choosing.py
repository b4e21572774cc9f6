"""Pages on which the owner of a store chooses some of several and their turns: its channels, the
places it sells from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from integrations.admin import store_acts
from integrations.admin.acts import REFUSALS
from integrations.admin.roles import actor, may
from integrations.admin.store_health import StoreHealth
from integrations.models import Store
from logix.accounts.models import Role

_NO_TURN = "Write 1 to 999, or nothing."
# The turn of one that was given none.
_LAST = 10_000


class Choice(Protocol):
    """A form that keeps what was chosen."""

    def is_valid(self) -> bool: ...

    def add_error(self, field: str | None, error: str) -> None: ...

    def save(self, by: str) -> bool:
        """False when it was so already. Raises what is in ``REFUSALS``."""


def turn_field(turn: int | None) -> forms.IntegerField:
    return forms.IntegerField(
        label="Order of choice",
        required=False,
        min_value=1,
        max_value=999,
        initial=turn,
        widget=UnfoldAdminIntegerFieldWidget,
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), _NO_TURN),
    )


def turn_of(typed: int | None) -> int:
    """An empty one comes last."""
    return typed or _LAST


class ChoosingPages(StoreHealth):
    def owned(self, request: HttpRequest, object_id: str) -> Store:
        """A connected store of whoever asks. Raises PermissionDenied, Http404."""
        store = self.row_or_404(request, object_id)
        if not may(request, store.merchant_id, Role.OWNER) or not store_acts.is_connected(store):
            raise PermissionDenied
        return store

    def choosing_page(
        self,
        request: HttpRequest,
        store: Store,
        form: Choice,
        template: str,
        shown: Mapping[str, Any],
    ) -> HttpResponse:
        """The page, or back to the store's once the choice is kept."""
        if request.method == "POST" and form.is_valid():
            try:
                saved = form.save(actor(request))
            except REFUSALS as err:
                form.add_error(None, str(err))
            else:
                done = "The choice is kept; its products are read again now."
                messages.success(request, f"{store}: {done if saved else 'Nothing was changed.'}")
                return HttpResponseRedirect(self.row_url(store))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": store,
            "back": self.row_url(store),
            "form": form,
            **shown,
        }
        return TemplateResponse(request, template, context)
