"""The platforms this hub speaks to, as their cards tell it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations import registry
from integrations.api.views import ApiViewSet
from integrations.platform import Ability, AuthKind, CredentialField, PlatformCard


class CredentialFieldSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # the field is really called so
    help = serializers.CharField()
    secret = serializers.BooleanField()
    required = serializers.BooleanField()  # type: ignore[assignment]


class SignInSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # the field is really called so
    help = serializers.CharField()
    fields_asked = CredentialFieldSerializer(many=True)


class StoreOptionSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(help_text="Its name in the store's `options`.")
    label = serializers.CharField()  # type: ignore[assignment]
    help = serializers.CharField()
    is_list = serializers.BooleanField(help_text="Whether its value is a list.")


class ExemptSerializer(serializers.Serializer[Any]):
    ability = serializers.CharField()
    reason = serializers.CharField()


class PlatformSerializer(serializers.Serializer[Any]):
    slug = serializers.CharField()
    name = serializers.CharField()
    auth_kinds = serializers.ListField(child=serializers.ChoiceField([k.value for k in AuthKind]))
    credential_fields = CredentialFieldSerializer(many=True)
    sign_ins = SignInSerializer(many=True, help_text="The ways to connect, the usual one first.")
    queue_fields = CredentialFieldSerializer(
        many=True,
        help_text="Open a queue of the merchant's own for news, all together or none, whichever "
        "way the store was connected.",
    )
    wanted_scopes = serializers.ListField(child=serializers.CharField())
    optional_scopes = serializers.ListField(child=serializers.CharField())
    abilities = serializers.ListField(child=serializers.ChoiceField([a.value for a in Ability]))
    exempt = ExemptSerializer(many=True, help_text="What stores of it cannot do, and why.")
    options = StoreOptionSerializer(many=True, help_text="What staff may choose for its stores.")
    webhook_topics = serializers.ListField(child=serializers.CharField())
    poll_every_s = serializers.IntegerField()
    api_version = serializers.CharField()
    api_sunset = serializers.DateField(allow_null=True)
    docs_url = serializers.CharField()
    guide = serializers.CharField()


class PlatformListSerializer(serializers.Serializer[Any]):
    results = PlatformSerializer(many=True)


class PlatformViews(ApiViewSet):
    tag = "Integrations"
    pagination_class = None
    serializer_class = PlatformSerializer

    @extend_schema(
        summary="The platforms this hub speaks to", responses={200: PlatformListSerializer}
    )
    def platforms(self, request: Request) -> Response:
        return Response({"results": [_shape(card) for card in registry.cards()]})


def _shape(card: PlatformCard) -> dict[str, Any]:
    return {
        "slug": card.slug,
        "name": card.name,
        "auth_kinds": [kind.value for kind in card.auth_kinds],
        "credential_fields": [_field(field) for field in card.credential_fields],
        "sign_ins": [
            {
                "kind": sign_in.kind.value,
                "label": sign_in.label,
                "help": sign_in.help,
                "fields_asked": [_field(field) for field in sign_in.fields],
            }
            for sign_in in card.sign_ins
        ],
        "queue_fields": [_field(field) for field in card.queue_fields],
        "wanted_scopes": list(card.wanted_scopes),
        "optional_scopes": list(card.optional_scopes),
        "abilities": sorted(a.value for a in card.abilities),
        "exempt": [
            {"ability": ability.value, "reason": reason}
            for ability, reason in sorted(card.exempt.items())
        ],
        "options": [
            {"name": x.name, "label": x.label, "help": x.help, "is_list": x.many}
            for x in card.options
        ],
        "webhook_topics": list(card.topics),
        "poll_every_s": int(card.poll_every.total_seconds()),
        "api_version": card.api_version,
        "api_sunset": card.api_sunset,
        "docs_url": card.docs_url,
        "guide": card.guide,
    }


def _field(field: CredentialField) -> dict[str, Any]:
    return {
        "name": field.name,
        "label": field.label,
        "help": field.help,
        "secret": field.secret,
        "required": field.required,
    }
