"""Connecting by consent (OAuth 2): where to send the merchant's browser, and what comes back with
it, to the hub itself or, by way of a merchant's own program, with a token.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import structlog
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from integrations import connect, registry
from integrations.api import errors, pages
from integrations.api.fields import Strict
from integrations.api.stores_schema import IntegrationSerializer
from integrations.api.views import ApiViewSet
from integrations.models import Store
from logix.accounts.models import Scope

log = structlog.get_logger(__name__)

_MOST_PARAMETERS = 30
_LONGEST = 4000
# Ties the question to the browser that it was asked in.
_COOKIE = "logix_connect"


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
            scopes=asked.pop("scopes", ()),
            options=asked,
        )
        return Response({"authorize_url": url, "expires_at": attempt.expires_at}, status=201)


class RedirectViews(ApiViewSet):
    """Ends a connect. GET is a browser and carries no token: whose it is says the log-in it was
    begun with, else the person is asked (``ConfirmationView``). POST is a program of the same
    merchant, which was sent the browser in our place.
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
            query = _Parameters().run_validation(_each_once(asked.GET))
            found = connect.come_back(
                self.platform, query, user=self.person, browser=asked.COOKIES.get(_COOKIE, "")
            )
        except Exception as err:  # whatever it is, a person is told
            return _refused(asked, self.platform, err)
        if isinstance(found, Store):
            return _connected(self.platform, found)
        page = pages.question(found, f"{asked.path}/confirm")
        page.set_cookie(
            _COOKIE,
            found.browser,
            max_age=connect.VALID_FOR,
            path=asked.path,
            secure=asked.is_secure(),
            httponly=True,
            samesite="Lax",
        )
        return page


@method_decorator(csrf_exempt, name="dispatch")
class ConfirmationView(View):
    """What the person said to the question. The answer in the form opens with the cookie that its
    page set, which no other site's form is sent with, and with no other.
    """

    platform = ""
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        given = request.POST.get("answer", ""), request.COOKIES.get(_COOKIE, "")
        try:
            if request.POST.get("say") == "connect":
                return _connected(self.platform, connect.confirm(self.platform, *given))
            attempt, ends_at = connect.decline(self.platform, *given)
        except Exception as err:  # whatever it is, a person is told
            return _refused(request, self.platform, err)
        log.info("consent_declined", platform=self.platform, merchant=str(attempt.merchant_id))
        name = registry.card(self.platform).name
        where = f" ({ends_at})" if ends_at else ""
        return pages.answer(
            "Nothing was connected",
            f"Nothing of your store was read or kept. {name} may list the app as installed all the "
            f"same; remove it there{where}. A link that somebody sent you would have put your "
            f"store into the account of {attempt.merchant.name}.",
        )


def _connected(platform: str, store: Store) -> HttpResponse:
    log.info("consent_connected", platform=platform, store=str(store.pk))
    done = f"{store.name} is connected for {store.merchant.name}."
    if connect.lacks_places(store):
        return pages.answer(
            "Store connected",
            f"{done} It keeps stock at several locations: say which place of Logix each of them "
            "shows. Until then no stock is read or written.",
            link=pages.locations(store),
            words="Choose places",
        )
    return pages.answer("Store connected", f"{done} You may close this window.")


def _refused(request: HttpRequest, platform: str, err: Exception) -> HttpResponse:
    told = errors.handle(err, {"request": request})
    code, detail = told.data["code"], told.data["detail"]
    log.warning("consent_refused", platform=platform, code=code)
    way_on = {}
    if code == "login_required":
        again = f"{pages.login()}?next={quote(request.get_full_path())}"
        way_on = {"link": again, "words": "Log in"}
    elif isinstance(err, connect.CodeGone):
        way_on = {"link": err.again, "words": "Start again"}
    return pages.answer("Not connected", detail, status=told.status_code, **way_on)


def _each_once(query: QueryDict) -> dict[str, str]:
    """The parameters by name. One that comes twice is read differently by the one who signed it and
    by us. Raises ValidationError.
    """
    if any(len(values) > 1 for _, values in query.lists()):
        raise serializers.ValidationError("These are not the parameters of a redirect.")
    return {name: values[0] for name, values in query.lists()}


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
