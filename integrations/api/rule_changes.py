"""Undo for stock rules over the API: what was changed, and putting it back."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from integrations import outbox
from integrations.api.errors import request_id
from integrations.api.fields import Query, Strict
from integrations.api.rule_shapes import StockRuleTriedSerializer
from integrations.api.views import ApiViewSet
from inventory import restoring, ruling
from logix.accounts.models import AuditEvent, Scope


class SaidSerializer(serializers.Serializer[Any]):
    """What a rule says, as in `/stock/rules`."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {name: serializers.IntegerField(allow_null=True) for name in ruling.VALUES}


class RuleChangeSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    actor = serializers.CharField()
    did = serializers.ChoiceField(["added", "changed", "deleted"])
    rule_id = serializers.IntegerField(help_text="It may be gone, and put back under another id.")
    store_id = serializers.UUIDField(allow_null=True, help_text="Null: all stores.")
    listing_id = serializers.UUIDField(allow_null=True)
    variant_id = serializers.UUIDField(allow_null=True)
    category = serializers.CharField()
    was = SaidSerializer(allow_null=True, help_text="Before. Null: there was no rule.")
    listings = serializers.IntegerField(help_text="Whose figures were looked at anew.")
    puts_back = serializers.IntegerField(
        allow_null=True, help_text="The number in the audit log of the entry this one undid."
    )


class PutBack(Strict):
    confirm = serializers.BooleanField(
        default=False, help_text="False: nothing is changed, and the answer says what would be."
    )


class PutBackSerializer(serializers.Serializer[Any]):
    done = serializers.BooleanField()
    scope = serializers.CharField(help_text="What the rule is for, in words.")
    now = SaidSerializer(
        allow_null=True, help_text="Before it is put back. Null: there is no rule."
    )
    then = SaidSerializer(allow_null=True, help_text="What is put back. Null: no rule.")
    tried = StockRuleTriedSerializer(
        allow_null=True, help_text="What it would do. Null where it was done."
    )


class RuleChangeViews(ApiViewSet):
    """Below ``/stock/rules``: entries of the audit log."""

    tag = "Stock"
    write_scope = Scope.STOCK_WRITE
    ordering = ("-id",)
    serializer_class = RuleChangeSerializer

    def get_queryset(self) -> QuerySet[AuditEvent]:
        return restoring.changes(self.merchant)

    @extend_schema(
        summary="What was changed about stock rules, latest first",
        responses=RuleChangeSerializer(many=True),
    )
    def list(self, request: Request) -> Response:
        self.query(Query)
        return self.page(self.get_queryset(), _change)

    @extend_schema(
        operation_id="stock_rules_changes_put_back",
        summary="Put a stock rule back as it was before a change",
        description="One that was added is removed, one that was changed says again what it said, "
        "one that was removed is made again. Without `confirm` it is only tried. It is a change "
        "itself, which can be put back too. 409 `put_back_refused` where nothing differs, or what "
        "the rule was for is gone.",
        request=PutBack,
        responses=PutBackSerializer,
        examples=[OpenApiExample("Do it", {"confirm": True}, request_only=True)],
    )
    @action(detail=True, methods=["post"])
    def put_back(self, request: Request, change_id: int) -> Response:
        event = self.get_queryset().filter(pk=change_id).first()
        if event is None:
            raise Http404
        confirmed = self.read(PutBack)["confirm"]
        found, by, called = restoring.look(event), self.actor, request_id()

        def work() -> Any:
            return restoring.put_back(event, actor=by, request_id=called)

        tried = None if confirmed else outbox.try_rule(work)
        if confirmed:
            self.again(work)
        shown = {
            "done": confirmed,
            "scope": ruling.scope_of(found.scope),
            "now": found.now,
            "then": found.then,
            "tried": tried,
        }
        return Response(PutBackSerializer(shown).data)


def _change(event: AuditEvent) -> dict[str, Any]:
    details = event.details
    scope = details.get("scope", {})
    shown = {
        "id": event.pk,
        "at": event.at,
        "actor": event.actor,
        "did": event.action.rpartition(".")[2],
        "rule_id": int(event.object_id),
        **{f"{name}_id": scope.get(name) for name in ("store", "listing", "variant")},
        "category": scope.get("category", ""),
        "was": details.get("was"),
        "listings": details.get("listings", 0),
        "puts_back": details.get("puts_back"),
    }
    return dict(RuleChangeSerializer(shown).data)
