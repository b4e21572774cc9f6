"""Statuses of plugins, tried on the orders that wait for them before they are kept."""

from __future__ import annotations

from typing import Any

from django import forms
from unfold.widgets import UnfoldBooleanSwitchWidget

from integrations import sync
from integrations.admin.base import count_of
from integrations.errors import PlatformError
from integrations.sync import WordsTried
from integrations.sync.rehearsing import Reread

_NAMED = 3


class TriesWords(forms.ModelForm):
    """A form with ``status_words``. What they would do comes back beside what was typed, and
    nothing is kept.
    """

    try_words = forms.BooleanField(
        label="Try the statuses first",
        required=False,
        help_text="Read some of the orders that wait, say what they would become, and keep "
        "nothing.",
        widget=UnfoldBooleanSwitchWidget,
    )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("try_words") and not self.errors:
            try:
                said = _said(sync.try_words(self.instance, data.get("status_words") or {}))
            except PlatformError as err:
                said = f"They could not be tried: {err}"
            self.add_error("try_words", said)
        return data


def _said(found: WordsTried) -> str:
    waiting = ", ".join(f"“{word}”: {number}" for word, number in found.waiting.items())
    said = f"Orders that would be read again: {waiting or 'none'}."
    if found.named:
        said += f" {'; '.join(_one(row) for row in found.named[:_NAMED])}."
    if found.later:
        said += f" {count_of(found.later, 'settled order')} would follow when the store tells."
    return f"{said} Nothing is kept: turn this off to keep the statuses."


def _one(row: Reread) -> str:
    if row.problem:
        return f"{row.order}: {row.problem.rstrip('.')}"
    changed = [
        f"{before} → {row.after[name]}"
        for name, before in row.before.items()
        if row.after[name] != before
    ]
    return f"{row.order}: {', '.join(changed) or 'as it is'}"
