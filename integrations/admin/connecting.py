"""The forms that take a store's address and keys. What they ask for stands on the platform's card;
what is typed goes to ``connect`` and is never shown again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from integrations import connect, keeping, registry
from integrations.admin.trying_words import TriesWords
from integrations.connect import ConnectError
from integrations.connect import options as store_options
from integrations.models import Store
from integrations.platform import AuthKind, CredentialField, PlatformCard, SignIn
from inventory.shelves import OPTION, Strategy

# Browsers offer saved passwords of people where a store's key is asked for.
_UNREMEMBERED = {"autocomplete": "new-password", "spellcheck": "false"}
_PASTE_AGAIN = "Paste it again: what was typed here is never shown back."


def credential_fields(
    asked: Iterable[CredentialField], *, required: bool = True
) -> dict[str, forms.Field]:
    """One field for each value that is asked for. A secret is never rendered back."""
    return {
        field.name: forms.CharField(
            label=field.label,
            help_text=field.help,
            required=required and field.required,
            widget=UnfoldAdminPasswordWidget(attrs=_UNREMEMBERED, render_value=False)
            if field.secret
            else UnfoldAdminTextInputWidget(attrs=_UNREMEMBERED),
        )
        for field in asked
    }


def typed_sign_ins(card: PlatformCard) -> list[SignIn]:
    """The ways to sign in that are filled in here; consent has a page of its own."""
    return [s for s in card.sign_ins if s.kind is not AuthKind.OAUTH2]


class ConnectForm(forms.ModelForm):
    """A new store. Nothing is saved unless the store answers and accepts the keys."""

    card: PlatformCard
    sign_in: SignIn
    refusal = ""

    store_url = forms.CharField(
        label="Store address",
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
    )
    name = forms.CharField(
        required=False,
        max_length=120,
        widget=UnfoldAdminTextInputWidget,
        help_text="As you call it here. Left empty, it is called as before, or as it calls itself.",
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
        self.fields["store_url"].help_text = self.card.address_help
        merchant = self.fields["merchant"]
        assert isinstance(merchant, forms.ModelChoiceField)  # noqa: S101 - made from the model
        # With several merchants none is chosen: a store must not end up with the first by accident.
        if merchant.queryset is not None and merchant.queryset.count() == 1:
            merchant.empty_label = None
        if self.is_bound:
            for field in asked_for(self.card, self.sign_in):
                if field.secret:
                    self.fields[field.name].help_text = f"{_PASTE_AGAIN} {field.help}"

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
            credentials={f.name: data[f.name] for f in asked_for(self.card, self.sign_in)},
            name=data["name"],
            writes_enabled=data["writes_enabled"],
            actor=by,
        )


def connect_form(card: PlatformCard, sign_in: SignIn, refusal: str = "") -> type[ConnectForm]:
    """The form for one platform's stores; ``refusal`` is why the last try failed."""
    fields = {"card": card, "sign_in": sign_in, "refusal": refusal}
    fields.update(credential_fields(asked_for(card, sign_in)))
    return type("ConnectForm", (ConnectForm,), fields)


def asked_for(card: PlatformCard, sign_in: SignIn) -> tuple[CredentialField, ...]:
    """What lets us in, then what opens a queue."""
    return (*sign_in.fields, *card.queue_fields)


def connect_field_names(card: PlatformCard, sign_in: SignIn) -> tuple[str, ...]:
    keys = tuple(field.name for field in asked_for(card, sign_in))
    return ("merchant", "store_url", *keys, "name", "writes_enabled")


def shared_with_others(store: Store) -> bool:
    """Whether another merchant of this hub has the same site connected."""
    same = Store.objects.filter(
        platform=store.platform, base_url=store.base_url, account=store.account
    )
    return same.exclude(merchant=store.merchant_id).connected().exists()


class KeysForm(forms.Form):
    """New keys, a new address, or both, for a store that is connected. A value left empty stays."""

    done = "The store took them; they are in use."

    def __init__(self, card: PlatformCard, store: Store, data: Any = None) -> None:
        super().__init__(data, initial={"base_url": store.base_url})
        self.store = store
        self.fields["base_url"] = forms.CharField(
            label="Store address",
            widget=UnfoldAdminTextInputWidget,
            help_text=card.address_help,
        )
        asked = {field.name: field for s in typed_sign_ins(card) for field in s.fields}
        self.keys = credential_fields((*asked.values(), *card.queue_fields), required=False)
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


_REFUNDS = {
    "off": "Off: they are made in the store",
    "record": "The store notes them; no money moves",
    "gateway": "The store pays the money back",
}


_RETURNS = {
    "record": "A person decides what can be sold again",
    "automatic": "What the store put back on sale goes on the shelf here at once",
    "off": "They are shown, and nothing waits for a decision",
}
# What is read of a product does not change with these.
_OURS = frozenset({"refunds", "returns", OPTION, keeping.OPTION})
_RESERVE_FROM = {
    Strategy.RANKED: "One place that has all of a line, else place by place in order of choice",
    Strategy.MOST_STOCK: "The place that has most, then the next",
    Strategy.SINGLE_OR_SPLIT: "One place that has all of the order, else as the first",
    Strategy.PINNED: "Only where the store says; what is not there is short",
    Strategy.NO_SPLIT: "One place for all of an order; what is not there is short",
}


class OptionsForm(forms.Form):
    """What becomes of refunds and returns, where orders take their units from, how long buyers are
    kept, and what else the platform's own card lets staff choose for a store. A value left empty is
    none.
    """

    def __init__(self, card: PlatformCard, store: Store, data: Any = None) -> None:
        # Channels are chosen on a page of their own.
        self.asked = [x for x in card.options if x.name != card.channels_option]
        kept = {option.name: store.options.get(option.name) or "" for option in self.asked}
        shown = {n: "\n".join(v) if isinstance(v, list) else v for n, v in kept.items()}
        ours = {
            "refunds": store.refunds,
            "returns": store.returns,
            OPTION: store.options.get(OPTION) or Strategy.RANKED,
            keeping.OPTION: store.options.get(keeping.OPTION),
        }
        super().__init__(data, initial={**shown, **ours})
        self.card, self.store = card, store
        if card.refunds:
            self.fields["refunds"] = forms.ChoiceField(
                label="Refunds asked for in Logix",
                choices=[(word, _REFUNDS[word]) for word in ("off", *card.refunds)],
                widget=UnfoldAdminSelectWidget,
                help_text="Never more than was paid. Goods go back to stock here, by decision.",
            )
        self.fields["returns"] = forms.ChoiceField(
            label="Goods that the store refunds or takes back",
            choices=list(_RETURNS.items()),
            widget=UnfoldAdminSelectWidget,
            help_text="Holds for what is told from now on; what was told before stays as it was.",
        )
        self.fields[OPTION] = forms.ChoiceField(
            label="Where the units of an order come from",
            choices=[(way.value, words) for way, words in _RESERVE_FROM.items()],
            widget=UnfoldAdminSelectWidget,
            help_text="Holds for orders from now on; what is reserved stays where it is.",
        )
        bound = card.buyers_kept
        self.fields[keeping.OPTION] = forms.IntegerField(
            label="Days that buyers’ data are kept",
            required=False,
            min_value=keeping.FEWEST_DAYS,
            max_value=bound.days if bound else keeping.MOST_DAYS,
            widget=UnfoldAdminIntegerFieldWidget,
            help_text="At most, once an order was sent or cancelled. Names, addresses and what the "
            "store sent of it go for good a day before that, amounts stay. Empty: "
            + (f"{bound.days}, as {card.name} allows." if bound else "until somebody erases them."),
        )
        for option in self.asked:
            widget = UnfoldAdminTextareaWidget(attrs={"rows": 3})
            self.fields[option.name] = forms.CharField(
                label=option.label,
                help_text=f"{option.help} One a line." if option.many else option.help,
                required=False,
                widget=widget if option.many else UnfoldAdminTextInputWidget(),
            )

    def clean(self) -> dict[str, Any]:
        """Each is judged by itself, so that what is wrong stands beside its field."""
        chosen: dict[str, Any] = {}
        chosen |= {name: self.cleaned_data[name] for name in _OURS & set(self.cleaned_data)}
        for option in self.asked:
            typed = self.cleaned_data.get(option.name, "").split("\n")
            values = [line.strip() for line in typed if line.strip()]
            value = values if option.many else "".join(values)
            try:
                chosen |= store_options.check(self.card, {option.name: value or None})
            except ConnectError as err:
                said = err.message.removeprefix(f"The option {option.name} ")
                self.add_error(option.name, f"It {said}")
        return chosen

    def save(self, by: str) -> bool:
        """Keep them; False when nothing was changed. Raises what ``change_store`` raises."""
        if self.has_changed():
            connect.change_store(self.store, actor=by, options=self.cleaned_data)
        return self.has_changed()

    @property
    def done(self) -> str:
        if set(self.changed_data) <= _OURS:
            return "The options are kept."
        return "The options are kept; its products are read again now."


class SettingsForm(TriesWords):
    status_words = forms.CharField(
        label="Statuses of plugins",
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, "spellcheck": "false"}),
    )

    class Meta:
        model = Store
        fields = ("name", "auto_sync")
        labels = {"auto_sync": "Automatic sync"}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.initial["status_words"] = lines_of(self.instance.options.get("status_words") or {})
        self.card = registry.card(self.instance.platform)
        self.fields["status_words"].help_text = (
            "One a line: the status as the store says it (an order's page shows it under “Status "
            "in the store's words”), =, and what it counts as. For example “shipped = completed”. "
            f"It may count as {', '.join(self.card.status_words) or 'nothing here'}. Orders that "
            "wait for it then finish by themselves."
        )

    def clean_status_words(self) -> dict[str, str]:
        """Each line is judged by itself, so that the message names it and none is dropped."""
        words: dict[str, str] = {}
        problems = []
        for number, line in enumerate(self.cleaned_data["status_words"].splitlines(), start=1):
            if not line.strip():
                continue
            word, equals, meaning = (part.strip() for part in line.partition("="))
            word, meaning = self._spelled(word, meaning)
            problem = self._problem(word, meaning, equals, words)
            if problem:
                problems.append(f"Line {number}: {problem}")
            words[word] = meaning
        if problems:
            raise forms.ValidationError(problems)
        return words

    def _spelled(self, word: str, meaning: str) -> tuple[str, str]:
        """Capital letters are forgiven where the platform has none."""
        if not re.fullmatch(self.card.status_pattern, word):
            small = word.lower()
            word = small if re.fullmatch(self.card.status_pattern, small) else word
        ours = {known.lower(): known for known in self.card.status_words}
        return word, ours.get(meaning.lower(), meaning)

    def _problem(self, word: str, meaning: str, equals: str, words: Mapping[str, str]) -> str:
        if not (word and equals and meaning):
            return "write the store's status, =, and what it counts as."
        if word in words:
            return f"“{word}” stands here twice."
        try:
            store_options.check(self.card, {"status_words": {word: meaning}})
        except ConnectError as err:
            return f"it {err.message.removeprefix('The option status_words ')}"
        return ""


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
