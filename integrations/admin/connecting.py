"""The forms that take a store's address and keys. What they ask for stands on the platform's card;
what is typed goes to ``connect`` and is never shown again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from integrations import connect, registry
from integrations.connect import ConnectError
from integrations.connect import options as store_options
from integrations.models import Store
from integrations.platform import PlatformCard

# Browsers offer saved passwords of people where a store's key is asked for.
_UNREMEMBERED = {"autocomplete": "new-password", "spellcheck": "false"}


def credential_fields(card: PlatformCard, *, required: bool = True) -> dict[str, forms.Field]:
    """One field for each value the card asks for. A secret is never rendered back."""
    return {
        field.name: forms.CharField(
            label=field.label,
            help_text=field.help,
            required=required and field.required,
            widget=UnfoldAdminPasswordWidget(attrs=_UNREMEMBERED, render_value=False)
            if field.secret
            else UnfoldAdminTextInputWidget(attrs=_UNREMEMBERED),
        )
        for field in card.credential_fields
    }


class ConnectForm(forms.ModelForm):
    """A new store. Nothing is saved unless the store answers and accepts the keys."""

    card: PlatformCard
    refusal = ""

    store_url = forms.CharField(
        label="Store address",
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="As you type it in the browser, for example https://shop.example.com",
    )
    name = forms.CharField(
        required=False,
        max_length=120,
        widget=UnfoldAdminTextInputWidget,
        help_text="As you call it here. Left empty, the store's own name is taken.",
    )
    writes_enabled = forms.BooleanField(
        label="Let Logix write to this store",
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text="Off: orders are read and nothing is changed in the store. Turn it on later.",
    )

    class Meta:
        model = Store
        fields = ("merchant", "name")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        merchant = self.fields["merchant"]
        assert isinstance(merchant, forms.ModelChoiceField)  # noqa: S101 - made from the model
        # With several merchants none is chosen: a store must not end up with the first by accident.
        if merchant.queryset is not None and merchant.queryset.count() == 1:
            merchant.empty_label = None

    def clean(self) -> dict[str, Any] | None:
        """Shows why connecting failed, with what was typed still in place, secrets excepted."""
        if self.refusal:
            raise forms.ValidationError(self.refusal)
        return super().clean()

    def connect(self, by: str) -> Store:
        """Raises what ``connect_store`` raises."""
        data = self.cleaned_data
        return connect.connect_store(
            merchant=data["merchant"],
            platform=self.card.slug,
            base_url=data["store_url"],
            credentials={f.name: data[f.name] for f in self.card.credential_fields},
            name=data["name"],
            writes_enabled=data["writes_enabled"],
            actor=by,
        )


def connect_form(card: PlatformCard, refusal: str = "") -> type[ConnectForm]:
    """The form for one platform's stores; ``refusal`` is why the last try failed."""
    fields = {"card": card, "refusal": refusal, **credential_fields(card)}
    return type("ConnectForm", (ConnectForm,), fields)


def connect_field_names(card: PlatformCard) -> tuple[str, ...]:
    keys = tuple(field.name for field in card.credential_fields)
    return ("merchant", "store_url", *keys, "name", "writes_enabled")


class KeysForm(forms.Form):
    """New keys, a new address, or both, for a store that is connected. A value left empty stays."""

    def __init__(self, card: PlatformCard, store: Store, data: Any = None) -> None:
        super().__init__(data, initial={"base_url": store.base_url})
        self.store = store
        self.fields["base_url"] = forms.CharField(
            label="Store address", widget=UnfoldAdminTextInputWidget
        )
        self.keys = credential_fields(card, required=False)
        self.fields.update(self.keys)

    def save(self, by: str) -> bool:
        """Test and keep what was typed; False when nothing was. Raises what ``change_store``
        raises.
        """
        data = self.cleaned_data
        typed: dict[str, Any] = {}
        if keys := {name: data[name].strip() for name in self.keys if data[name].strip()}:
            typed["credentials"] = keys
        if data["base_url"] != self.store.base_url:
            typed["base_url"] = data["base_url"]
        if typed:
            connect.change_store(self.store, actor=by, **typed)
        return bool(typed)


class SettingsForm(forms.ModelForm):
    status_words = forms.CharField(
        label="Statuses of plugins",
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="One a line, for example “shipped = completed”. Orders that wait for it then "
        "finish by themselves.",
    )

    class Meta:
        model = Store
        fields = ("name", "auto_sync")
        labels = {"auto_sync": "Automatic sync"}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.initial["status_words"] = lines_of(self.instance.options.get("status_words") or {})

    def clean_status_words(self) -> dict[str, str]:
        pairs = [line.partition("=") for line in self.cleaned_data["status_words"].splitlines()]
        words = {word.strip(): meaning.strip() for word, _, meaning in pairs if word.strip()}
        card = registry.card(self.instance.platform)
        try:
            if words:
                store_options.check(card, {"status_words": words})
        except ConnectError as err:
            raise forms.ValidationError(err.message) from err
        return words


def lines_of(words: Mapping[str, str]) -> str:
    return "\n".join(f"{word} = {meaning}" for word, meaning in words.items())


class StreamForm(forms.ModelForm):
    """How often a stream is read, in seconds. Bounded: no slip of the hand hammers a store."""

    every_s = forms.IntegerField(
        label="Read every (s)",
        min_value=30,
        max_value=86_400,
        widget=UnfoldAdminIntegerFieldWidget,
    )
    overlap_s = forms.IntegerField(
        label="Look back (s)",
        min_value=0,
        max_value=604_800,
        widget=UnfoldAdminIntegerFieldWidget,
    )
