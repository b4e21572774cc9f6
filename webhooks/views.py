"""The addresses stores deliver to: one each, and for platforms that name the store in a header one
for all of theirs. They prove who sends, keep the raw bytes and answer; they read nothing in them.

Order of work: method, token, length, body, signature, the store that is named, dedupe key, INSERT,
commit, 200. Never a redirect, never a 2xx without a row, never a 4xx to a known sender for
something it can do nothing about (it would switch the webhook off).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any
from uuid import UUID

import structlog
from django.core.exceptions import ObjectDoesNotExist
from django.db import Error as DatabaseProblem
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import HttpHeaders, UnreadablePostError
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from integrations import registry
from integrations.base import BaseEcommerceIntegration
from integrations.events import RawDelivery
from integrations.kit import signatures
from integrations.models import Endpoint
from integrations.platform import Ability, WebhookScheme
from logix.accounts import keys
from logix.common import crypto
from webhooks import senders
from webhooks.accept import (
    Known,
    accept,
    accept_known,
    bounded,
    recall,
    remember,
    twice_if_lost,
)
from webhooks.models import Delivery
from webhooks.sameness import asks, clean, dedupe_key
from webhooks.sealing import secret_of

log = structlog.get_logger(__name__)

_RETRY_AFTER_S = "5"
_TOPIC_LENGTH = Delivery._meta.get_field("topic").max_length
_HEADER_LENGTH = 500

# What is said, by status. The same 401 for an unknown address and a wrong signature: neither is
# told apart.
_SAID = {
    "no_token": (
        401,
        "The webhook address has to carry the store's token: …/webhooks/receive/<token>. "
        "Copy the whole address from the store's page in Logix.",
    ),
    "refused": (401, "Unknown webhook address, or the signature does not fit it."),
    "no_webhooks": (404, "{platform} sends no webhooks here. {why}"),
    "method": (405, "This address takes webhooks by POST. A browser or a GET has no use for it."),
    "no_length": (411, "Send the body with a Content-Length header."),
    "incomplete": (400, "The body ended before its announced length."),
    "too_large": (413, "The body is larger than this platform's webhooks are."),
    "unavailable": (503, "Logix cannot store the delivery right now. Send it again in a moment."),
}


class _Answer(Exception):
    """Ends the work with one of the sentences above; ``told`` is what stands in it."""

    def __init__(self, code: str, **told: str) -> None:
        super().__init__(code)
        self.code = code
        self.told = told


@csrf_exempt
@transaction.non_atomic_requests
def receive_shared(request: HttpRequest, platform: str) -> HttpResponse:
    """One delivery to the address without a token, kept for each connection of the store that its
    header names, as far as its secret signed it.
    """
    return _answered(request, platform, lambda body: _take_shared(request, platform, body))


@csrf_exempt
@transaction.non_atomic_requests
def receive(request: HttpRequest, platform: str, token: str) -> HttpResponse:
    """One delivery. 200 once its row is committed (or nothing was to be kept), else one of
    ``_SAID``.
    """
    return _answered(request, platform, lambda body: _take(request, platform, token, body))


def _answered(
    request: HttpRequest, platform: str, take: Callable[[Callable[[int], bytes]], None]
) -> HttpResponse:
    # Read at most once, however often the work is done.
    body = cache(partial(_body, request))
    try:
        _check_sends(platform)
        if request.method != "POST":
            raise _Answer("method")
        with bounded():
            twice_if_lost(lambda: take(body))
    except _Answer as answer:
        return _say(answer.code, **answer.told)
    except (DatabaseProblem, crypto.SealBroken, registry.UnknownPlatform) as err:
        # Our own trouble: the sender is asked to try again, and ours is to mend it.
        log.error("delivery_not_stored", platform=platform, error=type(err).__name__)
        return _say("unavailable")
    return HttpResponse(status=200)


@dataclass(frozen=True, slots=True)
class _Incoming:
    """One request, as far as it is read before anybody knows who sent it."""

    adapter: type[BaseEcommerceIntegration]
    scheme: WebhookScheme
    delivery: RawDelivery
    signature: str
    url: str

    @property
    def is_always(self) -> bool:
        return self.delivery.topic in self.adapter.card.always_topics

    @property
    def account(self) -> str:
        """The store that the header names; '' where none does."""
        name = self.scheme.account_header.lower()
        return self.delivery.headers.get(name, "").strip().casefold()

    def is_from(self, account: str) -> bool:
        """Whether it names the store of this account, where the platform's deliveries do."""
        return not self.scheme.account_header or self.account == account

    @property
    def is_ping(self) -> bool:
        return bool(asks(self.adapter, "is_ping", self.delivery.body))

    def is_signed(self, secrets: Sequence[bytes]) -> bool:
        return signatures.verify(
            self.scheme.scheme,
            secrets=secrets,
            body=self.delivery.body,
            signature=self.signature,
            url=self.url,
        )

    def to_keep(self) -> dict[str, Any]:
        """What ``accept`` wants to know of it."""
        return {
            "topic": self.delivery.topic,
            "headers": self.delivery.headers,
            "body": self.delivery.body,
            "dedupe_key": dedupe_key(self.adapter, self.delivery),
        }


def _take_shared(request: HttpRequest, platform: str, read: Callable[[int], bytes]) -> None:
    try:
        scheme = registry.card(platform).webhooks
    except registry.UnknownPlatform:
        scheme = None
    if scheme is None or not scheme.account_header:
        raise _Answer("no_token")
    incoming = _incoming(request, platform, read)
    endpoints = senders.by_account(platform, incoming.account)
    signed = [found for found in endpoints if senders.signed_by(found, incoming.is_signed)]
    if not signed:
        raise _Answer("refused")
    for endpoint in signed:
        _keep(endpoint, incoming)


def _take(request: HttpRequest, platform: str, token: str, read: Callable[[int], bytes]) -> None:
    known = recall(platform, token)
    if known is not None and _take_known(known, _incoming(request, platform, read)):
        return
    endpoint = senders.by_token(platform, token)
    if endpoint is None:
        raise _Answer("refused")
    incoming = _incoming(request, platform, read)
    if incoming.is_ping:
        return
    if not senders.signed_by(endpoint, incoming.is_signed):
        raise _Answer("refused")
    if not incoming.is_from(endpoint.account):
        log.warning("store_disagrees", store=str(endpoint.store_id))
        raise _Answer("refused")
    _keep(endpoint, incoming, tried=known)
    remember(endpoint)


def _keep(endpoint: Endpoint, incoming: _Incoming, tried: Known | None = None) -> None:
    _, created = accept(endpoint, tried=tried, always=incoming.is_always, **incoming.to_keep())
    _tell("delivery_accepted" if created else "delivery_repeated", endpoint.store_id, incoming)


def _take_known(known: Known, incoming: _Incoming) -> bool:
    """Whether the delivery was kept on the word of memory. Whatever memory would refuse is looked
    up first: its secret may be an old one, and a guess must not be answered sooner than others.
    """
    if incoming.is_always or not incoming.is_from(known.account):
        return False
    try:
        secret = secret_of(known.endpoint_id, known.secret_sealed, keys.vault(known.data_key_id))
    except (crypto.SealBroken, ObjectDoesNotExist):  # the key was destroyed, or its row is gone
        return False
    if incoming.is_ping or not incoming.is_signed([secret]):
        return False
    if not accept_known(known, **incoming.to_keep()):
        return False
    _tell("delivery_accepted", known.store_id, incoming)
    return True


def _tell(event: str, store_id: UUID, incoming: _Incoming) -> None:
    log.info(event, store=str(store_id), topic=incoming.delivery.topic)


def _body(request: HttpRequest, most: int) -> bytes:
    """The raw body. One that announces more than ``most`` bytes is not read at all."""
    announced = request.META.get("CONTENT_LENGTH") or ""
    if not announced.isascii() or not announced.isdigit():
        raise _Answer("no_length")
    length = int(announced)
    if length > most:
        raise _Answer("too_large")
    try:
        body = request.read(length)
    except UnreadablePostError as err:
        raise _Answer("incomplete") from err
    if len(body) != length:
        raise _Answer("incomplete")
    return body


def _incoming(request: HttpRequest, platform: str, read: Callable[[int], bytes]) -> _Incoming:
    adapter = registry.adapter_class(platform)
    scheme = adapter.card.webhooks
    if scheme is None:
        raise _Answer("refused")
    body = read(scheme.max_body)
    headers = {
        name: clean(value)[:_HEADER_LENGTH]
        for name, key in _headers(scheme)
        if (value := request.META.get(key)) is not None
    }
    delivery = RawDelivery(
        topic=headers.get(scheme.topic_header.lower(), "")[:_TOPIC_LENGTH],
        body=body,
        headers=headers,
        received_at=timezone.now(),
    )
    signature = request.META.get(HttpHeaders.to_wsgi_name(scheme.signature_header), "")
    return _Incoming(adapter, scheme, delivery, signature, request.build_absolute_uri())


@cache
def _headers(scheme: WebhookScheme) -> list[tuple[str, str]]:
    """The headers that are kept, each with its name in WSGI."""
    names = {
        *scheme.kept_headers,
        scheme.topic_header,
        scheme.event_id_header,
        scheme.account_header,
    } - {""}
    return [(name.lower(), HttpHeaders.to_wsgi_name(name)) for name in sorted(names)]


def _check_sends(platform: str) -> None:
    """Whoever looks here for a platform that never calls is told how its news come."""
    try:
        card = registry.card(platform)
    except registry.UnknownPlatform:
        return
    if card.webhooks is None:
        why = card.exempt.get(Ability.WEBHOOKS, "")
        raise _Answer("no_webhooks", platform=card.name, why=why)


def _say(code: str, **told: str) -> HttpResponse:
    status, sentence = _SAID[code]
    response = JsonResponse({"code": code, "detail": sentence.format(**told)}, status=status)
    if status == 405:
        response["Allow"] = "POST"
    if status == 503:
        response["Retry-After"] = _RETRY_AFTER_S
    return response
