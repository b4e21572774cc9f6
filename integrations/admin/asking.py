"""Acts that need a word first: a page with one small form about a row, which calls one service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from integrations.admin.acts import REFUSALS, ActsMixin, again
from integrations.admin.roles import may
from logix.accounts.models import Role


def row_for(
    page: ActsMixin, request: HttpRequest, object_id: str, role: Role = Role.OPERATOR
) -> Any:
    """The row, for a person who may act on it. Raises Http404, PermissionDenied."""
    row = page.row_or_404(request, object_id)
    if not may(request, page.merchant_id(row), role):
        raise PermissionDenied
    return row


def ask(
    page: ActsMixin,
    request: HttpRequest,
    row: Any,
    form: forms.Form,
    work: Callable[[dict[str, Any]], str],
    *,
    title: str,
    button: str,
    says: str,
    danger: bool = False,
    ready: bool = True,
) -> HttpResponse:
    """Show the form; when it was filled in, do ``work`` with its values and say what it returns. A
    refusal is shown above the form, which keeps what was typed. Not ``ready``: there is something
    to be read first.
    """
    if request.method == "POST" and ready and form.is_valid():
        try:
            done = again(lambda: work(form.cleaned_data))
        except REFUSALS as err:
            form.add_error(None, str(err))
        else:
            messages.success(request, done)
            return HttpResponseRedirect(page.row_url(row))
    context = {
        **page.admin_site.each_context(request),
        "title": title,
        "button": button,
        "danger": danger,
        "says": says,
        "opts": page.opts,
        "form": form,
        "original": row,
        "back": page.row_url(row),
    }
    return TemplateResponse(request, "logix/admin/form.html", context)
