"""Integrations (connected stores) as they are asked for and shown. Secrets go in and never come
out.
"""

from __future__ import annotations

import re
from typing import Any

from rest_framework import serializers

from integrations import connect
from integrations.api.fields import Query, Strict, When, Words
from integrations.api.order_schema import OrderSerializer
from integrations.api.runs_schema import AppliedSerializer, RunSerializer
from integrations.models import Credential, Endpoint, Store, StoreStatus, Stream, StreamName
from integrations.platform import AuthKind, CredentialField, PlatformCard, SignIn


class StreamSerializer(serializers.ModelSerializer[Stream]):
    name = serializers.CharField(read_only=True)

    class Meta:
        model = Stream
        fields = (
            "name",
            "enabled",
            "every_s",
            "read_through",
            "last_success_at",
            "next_at",
            "failures",
            "last_error",
        )
        read_only_fields = fields


class CredentialSerializer(serializers.ModelSerializer[Credential]):
    class Meta:
        model = Credential
        fields = (
            "kind",
            "state",
            "fingerprint",
            "scopes",
            "missing",
            "expires_at",
            "refresh_expires_at",
            "updated_at",
        )
        read_only_fields = fields


class WebhooksSerializer(serializers.ModelSerializer[Endpoint]):
    class Meta:
        model = Endpoint
        fields = ("status", "subscriptions", "last_received_at", "last_checked_at", "problem")
        read_only_fields = fields


class IntegrationSerializer(serializers.ModelSerializer[Store]):
    store_url = serializers.CharField(source="base_url", read_only=True)
    account = serializers.CharField(
        read_only=True, help_text="Whose it is, where many stores share an address; else empty."
    )
    streams = StreamSerializer(many=True, read_only=True)
    credentials = CredentialSerializer(many=True, read_only=True)
    webhooks = WebhooksSerializer(many=True, read_only=True, source="endpoints")
    warnings = serializers.SerializerMethodField(
        help_text="What is still to be chosen, what is off because its scope was not granted, and "
        "what soon ends, in words."
    )
    reconnect = serializers.SerializerMethodField(
        help_text="Where to begin when the merchant must connect the store again; else empty."
    )

    def get_warnings(self, store: Store) -> list[str]:
        return connect.warnings_of(store)

    def get_reconnect(self, store: Store) -> str:
        return connect.reconnect_at(store)

    class Meta:
        model = Store
        fields = (
            "id",
            "platform",
            "name",
            "store_url",
            "account",
            "status",
            "status_reason",
            "reconnect",
            "warnings",
            "auto_sync",
            "writes_enabled",
            "import_since",
            "currency",
            "timezone",
            "version",
            "options",
            "created_at",
            "last_ok_at",
            "disconnected_at",
            "streams",
            "credentials",
            "webhooks",
        )
        read_only_fields = fields


class IntegrationQuery(Query):
    status = Words(StoreStatus.values, help_text="Default: all but disconnected.")
    platform = serializers.CharField(required=False)


class DisconnectQuery(Query):
    remove_app = serializers.BooleanField(
        default=False,
        help_text="Also take Logix's app out of the store, where it is the hub's and the platform "
        "lets it go. Whatever uses the app there stops for good, and the platform may ask to "
        "forget the store's buyers.",
    )


class _Settings(Strict):
    name = serializers.CharField(max_length=120, required=False, help_text="Default: the store's.")
    auto_sync = serializers.BooleanField(
        required=False, help_text="Poll and listen without being asked."
    )
    writes_enabled = serializers.BooleanField(
        required=False, help_text="Off until turned on: Logix changes nothing in the store."
    )
    import_since = When(
        required=False, allow_null=True, help_text="Orders placed before are left out."
    )
    options = serializers.DictField(required=False)


class OneClick(Strict):
    store_url = serializers.CharField(max_length=300)
    name = serializers.CharField(max_length=120, required=False)
    auto_sync = serializers.BooleanField(required=False)
    writes_enabled = serializers.BooleanField(required=False)


class SyncRequest(Strict):
    stream = serializers.ChoiceField(StreamName.choices, default=StreamName.ORDERS.value)
    since = When(required=False, help_text="Read the window from here …")
    until = When(required=False, help_text="… to here (now if left out).")
    full = serializers.BooleanField(default=False, help_text="Read everything again.")
    dry_run = serializers.BooleanField(default=False, help_text="Count, write nothing.")
    order = serializers.CharField(
        required=False, max_length=64, help_text="Only the order of this number, at once."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        since, until = attrs.get("since"), attrs.get("until")
        if until and not since:
            raise serializers.ValidationError({"until": "until needs since."}, "until_alone")
        if since and until and since >= until:
            raise serializers.ValidationError(
                {"until": "until is not after since."}, "empty_window"
            )
        if "order" in attrs and (since or attrs["full"] or attrs["stream"] != StreamName.ORDERS):
            raise serializers.ValidationError(
                {"order": "order goes with neither stream, since nor full."}, "order_alone"
            )
        return attrs


class SyncAcceptedSerializer(serializers.Serializer[Any]):
    run = RunSerializer(
        allow_null=True, help_text="Null: the stream is read at once, as the clock would."
    )
    stream = StreamSerializer()


class OrderSyncedSerializer(serializers.Serializer[Any]):
    applied = AppliedSerializer()


class RefetchedSerializer(serializers.Serializer[Any]):
    applied = AppliedSerializer()
    order = OrderSerializer()


class IdentitySerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    base_url = serializers.CharField()
    currency = serializers.CharField()
    timezone = serializers.CharField()
    version = serializers.CharField()
    granted = serializers.ListField(child=serializers.CharField())
    missing = serializers.ListField(child=serializers.CharField())
    clock_skew_s = serializers.FloatField(allow_null=True)


class ConnectionTestSerializer(serializers.Serializer[Any]):
    ok = serializers.BooleanField()
    sentence = serializers.CharField(help_text="What was found, and what to do about it.")
    error_code = serializers.CharField()
    warnings = serializers.ListField(child=serializers.CharField())
    elapsed_s = serializers.FloatField()
    identity = IdentitySerializer(allow_null=True)


class OneClickSerializer(serializers.Serializer[Any]):
    authorize_url = serializers.CharField(help_text="Send the merchant's browser here.")
    expires_at = serializers.DateTimeField()


def connect_body(card: PlatformCard) -> type[_Settings]:
    """The body of POST /{platform}/integrations: the store's address, what the card asks for, and
    settings. Of several ways to sign in one is enough.
    """
    fields: dict[str, Any] = {
        "store_url": serializers.CharField(max_length=300, help_text=card.address_help)
    }
    ways = typed_sign_ins(card)
    always = frozenset.intersection(*(way.required for way in ways)) if ways else frozenset()
    for way in ways:
        for field in way.fields:
            made = _credential(field, required=field.name in always)
            fields.setdefault(field.name, made)
    fields.update({field.name: _credential(field) for field in card.queue_fields})
    return type(f"{card.slug.title()}Connect", (_Settings,), fields)


def typed_sign_ins(card: PlatformCard) -> tuple[SignIn, ...]:
    """The ways to sign in whose values are typed; consent is given elsewhere."""
    return tuple(s for s in card.sign_ins if s.kind is not AuthKind.OAUTH2)


def consent_body(card: PlatformCard, sign_in: SignIn) -> type[Strict]:
    """The body of POST /{platform}/oauth/authorize."""
    fields: dict[str, Any] = {field.name: _credential(field) for field in sign_in.fields}
    if card.extra_scopes:
        fields["scopes"] = serializers.ListField(
            child=serializers.CharField(max_length=100),
            required=False,
            help_text=f"Asked for besides, once {card.name} approved the app for them: "
            + "; ".join(f"`{s}`: {card.scope_words.get(s, s)}" for s in card.extra_scopes)
            + ".",
        )
    return type(f"{card.slug.title()}Authorize", (OneClick,), fields)


def change_body(card: PlatformCard) -> type[_Settings]:
    """The body of PATCH: settings; new credentials or another address are tested first."""
    fields: dict[str, Any] = {"store_url": serializers.CharField(max_length=300, required=False)}
    for field in card.credential_fields:
        goes = field in card.queue_fields
        fields[field.name] = _credential(field, required=False, goes=goes)
    return type(f"{card.slug.title()}Change", (_Settings,), fields)


def one_click_body(card: PlatformCard) -> type[Strict]:
    return type(f"{card.slug.title()}OneClick", (OneClick,), {})


def _credential(
    field: CredentialField, *, required: bool | None = None, goes: bool = False
) -> serializers.CharField:
    """``goes``: null takes it away."""
    must = field.required if required is None else required
    words = field.help or field.label
    return serializers.CharField(
        max_length=1000,
        required=must,
        allow_null=goes,
        write_only=True,
        help_text=f"{words} Null takes it away." if goes else words,
        validators=[_Looks(field)] if field.pattern else None,
    )


class _Looks:
    """A plain typo check, so that the answer to a cut-off key is quick and says so. Never repeats
    the value.
    """

    def __init__(self, field: CredentialField) -> None:
        self.pattern = re.compile(field.pattern)
        self.label = field.label

    def __call__(self, value: str) -> None:
        if not self.pattern.fullmatch(value):
            raise serializers.ValidationError(
                f"This does not look like a {self.label}. Was it copied in full? GET /platforms "
                "says what is asked for.",
                "pattern",
            )
