"""What the suite asks of a simulator, in the words of the contract and none of the platform's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Protocol

from integrations import registry
from integrations.base import BaseEcommerceIntegration
from integrations.events import RawDelivery
from integrations.kit.breaker import MemoryBreaker
from integrations.kit.http import PlatformSession
from integrations.kit.oauth2 import AccessToken, OAuthApp
from integrations.kit.ratelimit import MemoryLimiter
from integrations.kit.ssrf import AddressGuard
from integrations.platform import AuthKind, Connection, RateLimit

SECRET = "the-webhook-secret-of-the-suite"


class World(Protocol):
    """A running simulated store with a dozen orders or more, and hands to change it.

    Ids are the store's, as text. ``trouble`` turns a fault on by the sandbox's own names
    (``rate_limited``, ``server_error``, ``timeout_after_write``, ``html_page``, ``redirect``,
    ``truncated``, ``dropped``, ``key_revoked``, ``key_read_only``, ``php_notice`` where there is
    PHP). ``delete_order`` leaves nothing behind; ``withdraw_order`` is how the store's own people
    delete one, which it tells its subscribers. ``fields`` are an order's own, by their keys.
    ``mails`` is what the customer was written of parcels and a cancellation; where the store writes
    of parcels with the order only, ``mails_of_parcels`` is False.
    ``refunds`` are amount, reason and units by line. ``locations`` are the store's, () where it
    keeps one figure; ``stock`` is that at one of them. ``callback`` is where its webhooks go: a
    ``Receiver`` of the world's own.
    """

    slug: str
    url: str
    callback: str
    locations: tuple[str, ...]
    credentials: Mapping[str, str]
    wrong_credentials: Mapping[str, str]

    @property
    def mails_of_parcels(self) -> bool: ...
    def order_ids(self) -> set[str]: ...
    def place_order(self) -> str: ...
    def edit_order(self, order_id: str) -> None: ...
    def edit_many(self, order_ids: Sequence[str]) -> None: ...
    def cancel_order(self, order_id: str) -> None: ...
    def refund_a_unit(self, order_id: str) -> None: ...
    def delete_order(self, order_id: str) -> None: ...
    def withdraw_order(self, order_id: str) -> None: ...
    def is_cancelled(self, order_id: str) -> bool: ...
    def notes(self, order_id: str) -> list[str]: ...
    def mails(self, order_id: str) -> list[str]: ...
    def refunds(self, order_id: str) -> list[tuple[Decimal, str, dict[str, int]]]: ...
    def fields(self, order_id: str) -> dict[str, Any]: ...
    def parcels(self, order_id: str) -> list[tuple[str, ...]]: ...
    def stock(
        self, external_product_id: str, external_variant_id: str, external_location_id: str = ""
    ) -> int | None: ...
    def writes(self) -> int: ...
    def subscriptions(self) -> list[tuple[str, str, bool]]: ...
    def put_subscription_to_sleep(self) -> None: ...
    def deliveries(self) -> list[tuple[RawDelivery, str]]: ...
    def trouble(self, kind: str, **settings: Any) -> None: ...
    def peace(self) -> None: ...


class RefreshedToken(AccessToken):
    """Asked for at the store's own address, by what was pasted."""

    def __init__(self, slug: str, http: PlatformSession, values: Mapping[str, str]) -> None:
        self._oauth, self._http, self._values = registry.oauth(slug), http, values
        self._token = ""

    def current(self) -> str:
        return self._token or self.renew("")

    def renew(self, refused: str) -> str:
        app = OAuthApp(self._values["client_id"], self._values["client_secret"])
        grant = self._oauth.refresh(self._http, app, self._values["refresh_token"])
        self._token = grant.access_token
        return self._token


@contextmanager
def adapter_of(
    world: World,
    credentials: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
    **session: Any,
) -> Iterator[BaseEcommerceIntegration]:
    """An adapter of the world's store as the hub would make it, with its own patience: no retry
    waits, no limiter that slows a test down.
    """
    limit = RateLimit(rate=10_000, burst=10_000)
    settings = {"sleep": lambda _seconds: None, "total_s": 10.0, "read_s": 5.0, **session}
    http = PlatformSession(
        world.url,
        limiter=MemoryLimiter({"default": limit}),
        breaker=MemoryBreaker(),
        guard=AddressGuard(allow_loopback_http=True),
        **settings,
    )
    values = dict(credentials or world.credentials)
    kind = registry.card(world.slug).sign_in_for(values).kind
    token = RefreshedToken(world.slug, http, values) if kind is AuthKind.REFRESH_TOKEN else None
    with http:
        yield registry.adapter_class(world.slug)(
            Connection(
                store_id="conformance",
                base_url=world.url,
                credentials=values,
                http=http,
                token=token,
                options=dict(options or {}),
                callback_url=world.callback,
                webhook_secret=SECRET,
                locations=world.locations,
            )
        )
