"""Connecting by one click: the merchant consents in the store, the store hands us its keys, the
browser comes back.

The store's POST carries no signature; the single-use reference we gave away with the address is
what ties it to a connect under way (``integrations.connect``). It must be answered with exactly
200, or the store deletes the key.
"""

from __future__ import annotations

import structlog
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from rest_framework.request import Request
from rest_framework.response import Response

from integrations import connect
from integrations.api import errors, pages
from integrations.api.fields import Strict
from integrations.api.formats import encode
from integrations.api.views import ApiViewSet
from integrations.errors import ContractBroken
from integrations.models import ConnectAttempt
from logix.accounts.models import Scope
from logix.common.crypto import digest

log = structlog.get_logger(__name__)

_MAX_BODY = 64 * 1024


class OneClickViews(ApiViewSet):
    tag = "Integrations"
    write_scope = Scope.STORES_WRITE
    platform = ""
    body: type[Strict] = Strict

    def create(self, request: Request) -> Response:
        asked = self.read(self.body)
        url, attempt = connect.begin_one_click(
            merchant=self.merchant,
            platform=self.platform,
            base_url=asked.pop("store_url"),
            actor=self.actor,
            options=asked,
        )
        return Response({"authorize_url": url, "expires_at": attempt.expires_at}, status=201)


@method_decorator(csrf_exempt, name="dispatch")
class OneClickCallback(View):
    """POST by the store, GET by the merchant's browser. No token: neither of them has one."""

    platform = ""
    http_method_names = ["get", "head", "post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        announced = request.META.get("CONTENT_LENGTH") or "0"
        if not announced.isascii() or not announced.isdigit():
            return _refused(411, "no_length", "Send the body with a Content-Length header.")
        if int(announced) > _MAX_BODY:
            return _refused(413, "too_large", "The keys of a store are not that long.")
        try:
            store = connect.finish_one_click(self.platform, request.body)
        except ContractBroken as err:
            return _refused(400, "malformed", str(err))
        except Exception as err:  # whatever it is, the store and its owner get a problem document
            told = errors.handle(err, {"request": request})
            log.warning("one_click_refused", platform=self.platform, code=told.data["code"])
            return _refused(told.status_code, told.data["code"], told.data["detail"])
        log.info("one_click_connected", platform=self.platform, store=str(store.pk))
        return HttpResponse(b'{"ok":true}', content_type="application/json")

    def get(self, request: HttpRequest) -> HttpResponse:
        """The store's POST comes before the browser, so the attempt tells how it ended."""
        title, sentence = self._outcome(request)
        return pages.answer(title, sentence)

    def _outcome(self, request: HttpRequest) -> tuple[str, str]:
        reference = request.GET.get("user_id", "")
        attempt = (
            ConnectAttempt.objects.select_related("store", "merchant")
            .filter(platform=self.platform, reference_digest=digest(reference))
            .first()
        )
        if attempt is not None and attempt.store is not None:
            return (
                "Store connected",
                f"{attempt.store.name} is connected for {attempt.merchant.name}. You may close "
                "this window.",
            )
        if request.GET.get("success") == "0":
            return "Not connected", "You did not give your consent, so nothing was connected."
        if attempt is not None and attempt.problem:
            return "Not connected", attempt.problem
        return (
            "Not connected yet",
            "The store has not sent its keys. If it does not appear in Logix within a minute, "
            "connect it with pasted keys instead.",
        )


def _refused(status: int, code: str, detail: str) -> HttpResponse:
    return HttpResponse(
        encode(errors.problem(status, code, detail)),
        status=status,
        content_type=errors.CONTENT_TYPE,
    )
