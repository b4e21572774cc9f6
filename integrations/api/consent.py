"""Connecting by consent (OAuth 2): where to send the merchant's browser, and what comes back with
it, to the hub itself or, by way of a merchant's own program, with a token.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import structlog
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from integrations import connect
from integrations.api import errors, pages
from integrations.api.fields import Strict
from integrations.api.stores_schema import IntegrationSerializer
from integrations.api.views import ApiViewSet
from integrations.models import Store
from logix.accounts.models import Scope

log = structlog.get_logger(__name__)

_MOST_PARAMETERS = 30
_LONGEST = 4000


class ConsentViews(ApiViewSet):
    """Begins a connect, for the merchant of the token."""

    tag = "Integrations"
    write_scope = Scope.STORES_WRITE
    platform = ""
    body: type[Strict] = Strict
    app_fields: tuple[str, ...] = ()

    def create(self, request: Request) -> Response:
        asked = self.read(self.body)
        app = {name: asked.pop(name) for name in self.app_fields if name in asked}
        url, attempt = connect.begin_oauth(
            merchant=self.merchant,
            platform=self.platform,
            base_url=asked.pop("store_url"),
            credentials=app,
            actor=self.actor,
            options=asked,
        )
        return Response({"authorize_url": url, "expires_at": attempt.expires_at}, status=201)


class RedirectViews(ApiViewSet):
    """Ends a connect. GET is the merchant's browser and carries no token: the state in it is what
    counts. POST is a program of the same merchant, which was sent the browser in our place.
    """

    tag = "Integrations"
    write_scope = Scope.STORES_WRITE
    talks_to_store = frozenset({"finish"})
    serializer_class = IntegrationSerializer
    platform = ""
    person: AbstractBaseUser | None = None

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """Who is logged in is looked at first: without a token DRF puts nobody in their place."""
        self.person = _person(request)
        return super().initialize_request(request, *args, **kwargs)

    def get_authenticators(self) -> list[BaseAuthentication]:
        return [] if self._is_browser else super().get_authenticators()

    def get_permissions(self) -> list[Any]:
        return [] if self._is_browser else [*super().get_permissions()]

    @property
    def _is_browser(self) -> bool:
        return getattr(self.request, "method", "POST") in ("GET", "HEAD")

    @action(detail=False, methods=["post"])
    def finish(self, request: Request) -> Response:
        query = _Parameters().run_validation(request.data)
        store = connect.finish_oauth(self.platform, query, merchant=self.merchant)
        return Response(IntegrationSerializer(_whole(store)).data)

    @action(detail=False)
    def landed(self, request: Request) -> HttpResponse:
        """A page in every case: whoever reads it is a person."""
        if request.method == "HEAD":
            return HttpResponse(status=204)  # a look ahead must not use the code up
        asked = request._request
        try:
            query = _Parameters().run_validation(asked.GET.dict())
            store = connect.finish_oauth(self.platform, query, user=self.person)
        except Exception as err:  # whatever it is, a person is told
            told = errors.handle(err, {"request": request})
            code, detail = told.data["code"], told.data["detail"]
            log.warning("consent_refused", platform=self.platform, code=code)
            way_on = {}
            if code == "login_required":
                again = f"{pages.login()}?next={quote(asked.get_full_path())}"
                way_on = {"link": again, "words": "Log in"}
            return pages.answer("Not connected", detail, status=told.status_code, **way_on)
        log.info("consent_connected", platform=self.platform, store=str(store.pk))
        return pages.answer(
            "Store connected",
            f"{store.name} is connected for {store.merchant.name}. You may close this window.",
        )


class _Parameters(serializers.DictField):
    """The parameters of the redirect, as they are: the platform signed them."""

    child = serializers.CharField(max_length=_LONGEST, allow_blank=True, trim_whitespace=False)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        if isinstance(data, dict) and len(data) > _MOST_PARAMETERS:
            raise serializers.ValidationError("These are not the parameters of a redirect.")
        found: dict[str, str] = super().to_internal_value(data)
        return found


def _person(request: HttpRequest) -> AbstractBaseUser | None:
    user = getattr(request, "user", None)
    return user if isinstance(user, AbstractBaseUser) and user.is_active else None


def _whole(store: Store) -> Store:
    parts = ("streams", "credentials", "endpoints")
    return Store.objects.prefetch_related(*parts).get(pk=store.pk)
