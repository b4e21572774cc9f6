"""What a person looks for on a list: filters that tell one's own rows apart, and the rows that a
sentence above the list is about.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from integrations.models import Store
from inventory.models import Location


@dataclass(frozen=True, slots=True)
class Look:
    """Some rows of a page: what the filter calls them, and which they are."""

    label: str
    rows: models.Q


class LookFilter(admin.SimpleListFilter):
    """Shows exactly the rows that a sentence counts: both ask the same ``looks`` of the page."""

    title = "what to look at"
    parameter_name = "look"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        self.looks: dict[str, Look] = model_admin.looks()
        return [(name, look.label) for name, look in self.looks.items()]

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> Any:
        look = self.looks.get(self.value() or "")
        return queryset.filter(look.rows) if look else queryset


class OwnRows(admin.RelatedFieldListFilter):
    """A filter's choices from one's own merchants; names of the others are nobody's business."""

    def field_choices(
        self, field: Any, request: HttpRequest, model_admin: Any
    ) -> list[tuple[str, Any]]:
        rows = model_admin.related_rows(request, field.related_model)
        return [(str(row.pk), known_as(row)) for row in rows]


class InWords(admin.ChoicesFieldListFilter):
    """The choices of a state as the page says them, where that differs from the column: the page's
    ``words`` has them.
    """

    def __init__(
        self,
        field: Any,
        request: HttpRequest,
        params: Any,
        model: Any,
        model_admin: Any,
        field_path: str,
    ) -> None:
        super().__init__(field, request, params, model, model_admin, field_path)
        self.words: dict[str, str] = model_admin.words

    def choices(self, changelist: Any) -> Any:
        for choice in super().choices(changelist):
            shown = str(choice["display"])
            yield {**choice, "display": self.words.get(shown, shown)}


def known_as(row: models.Model) -> str:
    """The row's name with what tells it from another of the same name."""
    if isinstance(row, Store):
        return f"{row} · {row.merchant} · {address_of(row)}"
    if isinstance(row, Location):
        return f"{row} · {row.merchant}"
    return str(row)


def address_of(store: Store) -> str:
    """The store's address as people say it, without the scheme, and whose account it is there."""
    where = store.base_url.partition("://")[2].rstrip("/") or store.base_url
    return f"{where} ({store.account})" if store.account else where
