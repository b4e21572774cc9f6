"""The ground of every API view: bearer tokens, JSON, keyset pages, problem documents, idempotent
writes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from django.db.models import Model
from django.http import QueryDict
from rest_framework.exceptions import (
    AuthenticationFailed,
    ErrorDetail,
    NotAuthenticated,
    ValidationError,
)
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from integrations.api import errors, idempotency
from integrations.api.auth import BearerAuthentication, HasScope, actor_of, merchant_of, token_of
from integrations.api.fields import Query, Words
from integrations.api.formats import MAX_BODY, JSONAnswer, JSONBody, OnlyJSON
from integrations.api.paging import CursorPages
from integrations.api.schema import ApiSchema
from integrations.api.throttling import TokenThrottle
from inventory.ledger import LedgerConflict
from logix.accounts import audit
from logix.accounts.models import Merchant
from logix.common.transactions import again_on
from orders.errors import OrderChangedMeanwhile

T = TypeVar("T")
_PAGING = ("cursor", "page_size")


class ApiViewSet(GenericViewSet[Any]):
    """``write_scope`` allows what is not a read; None: nothing may be written.

    ``talks_to_store``: actions that call a store and so cannot be one transaction with their kept
    answer.
    """

    authentication_classes = (BearerAuthentication,)
    permission_classes = (HasScope,)
    throttle_classes = (TokenThrottle,)
    parser_classes = (JSONBody,)
    renderer_classes = (JSONAnswer,)
    pagination_class: type[CursorPages] | None = CursorPages
    filter_backends: tuple[Any, ...] = ()
    content_negotiation_class = OnlyJSON
    # OPTIONS is answered 405, and is none of the methods that ``Allow`` names.
    http_method_names = ["get", "head", "post", "patch", "delete"]
    metadata_class = None
    schema = ApiSchema()
    lookup_value_converter = "uuid"
    write_scope: str | None = None
    talks_to_store: frozenset[str] = frozenset()
    ordering: tuple[str, ...] = ("-id",)

    @classmethod
    def at(cls, **actions: str) -> Callable[..., Any]:
        """The view with this action for each method: ``OrderViews.at(get="list")``."""
        return cls.as_view(dict(actions))

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        try:
            super().initial(request, *args, **kwargs)
        except (AuthenticationFailed, NotAuthenticated):
            # DRF refuses before it counts, so whoever guesses tokens would never be slowed down.
            self.check_throttles(request)
            raise
        _refuse_too_large(request)
        verb = (request.method or "").lower()
        handler = getattr(self, verb, None)
        if request.method in idempotency.METHODS and handler is not None:
            outside = self.action in self.talks_to_store
            setattr(self, verb, idempotency.once(handler, talks_to_store=outside))

    def get_exception_handler(self) -> Callable[..., Response | None]:
        return errors.handle

    @property
    def merchant(self) -> Merchant:
        return merchant_of(self.request)

    @property
    def actor(self) -> str:
        return actor_of(token_of(self.request))

    def read(self, serializer_class: type[Any], **context: Any) -> dict[str, Any]:
        """The body as the serializer validates it. Raises ValidationError."""
        serializer = serializer_class(
            data=self.request.data, context={**self.get_serializer_context(), **context}
        )
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def query(self, query_class: type[Query]) -> dict[str, Any]:
        """The filters of a list as validated. Raises ValidationError, for unknown names too."""
        serializer = query_class(data=_each_once(self.request.query_params, query_class().fields))
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def audited(self, verb: str, obj: Model | None, work: Callable[[], T], **details: Any) -> T:
        """Do the work and leave its audit row, in one transaction; again when another one was
        faster.

        ``obj`` None: the row is about what the work made.
        """

        def both() -> T:
            result = work()
            audit.record(
                verb,
                actor=self.actor,
                merchant=self.merchant,
                obj=cast("Model", result) if obj is None else obj,
                details={k: v for k, v in details.items() if v not in ("", None)},
                request_id=errors.request_id(),
            )
            return result

        return self.again(both)

    def again(self, work: Callable[[], T]) -> T:
        """Do work that leaves its own audit row; again when another one was faster."""
        return again_on(OrderChangedMeanwhile, LedgerConflict)(work)

    def page(self, rows: Any, shape: Callable[[Any], Any]) -> Response:
        """One page of ``rows``, each put into ``shape``."""
        found = self.paginate_queryset(rows)
        return self.get_paginated_response([shape(row) for row in found or ()])


def _each_once(params: QueryDict, fields: Mapping[str, Any]) -> dict[str, str]:
    """The filters by name. One that is given again adds its words; one that takes a single value
    must not win over itself. Raises ValidationError.
    """
    asked, twice = {}, {}
    for name, values in params.lists():
        if len(values) > 1 and not isinstance(fields.get(name), Words):
            twice[name] = ErrorDetail(f"“{name[:60]}” is given {len(values)} times.", "repeated")
        if name not in _PAGING:
            asked[name] = ",".join(values)
    if twice:
        raise ValidationError(twice)
    return asked


def _refuse_too_large(request: Request) -> None:
    """By what is announced: of a body that is longer than that nothing more is read anyway."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if length.isascii() and length.isdigit() and int(length) > MAX_BODY:
        raise errors.Refused(
            413,
            "too_large",
            f"The body is larger than {MAX_BODY // 1024**2} MB. Send it in smaller parts.",
        )
