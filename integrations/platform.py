"""The card of a platform: facts about it as data, and the ``Connection`` an adapter is given.

Nothing here does anything. The registry, the engine, the admin, the API and the docs read cards
instead of asking which platform they are talking to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from integrations.kit.http import PlatformSession


class AuthKind(StrEnum):
    API_KEYS = "api_keys"
    OAUTH2 = "oauth2"
    TOKEN = "token"  # noqa: S105 - the name of a kind, not a secret


class Ability(StrEnum):
    """What a store may be asked for. Each card says of every ability: supported, or exempt with a
    reason.
    """

    ORDERS = "orders"
    ORDER_BY_ID = "order_by_id"
    ORDER_IDS_IN_WINDOW = "order_ids_in_window"
    PRODUCTS = "products"
    STOCK_WRITE = "stock_write"
    STOCK_COMPARE_AND_SET = "stock_compare_and_set"
    STOCK_READ = "stock_read"
    LOCATIONS = "locations"
    STATUS_WRITE = "status_write"
    SHIPMENTS = "shipments"
    PARTIAL_SHIPMENTS = "partial_shipments"
    TRACKING_UPDATE = "tracking_update"
    CANCEL = "cancel"
    NOTES = "notes"
    ORDER_FIELDS_WRITE = "order_fields_write"
    REFUNDS_READ = "refunds_read"
    REFUNDS_WRITE = "refunds_write"
    RETURNS = "returns"
    PAYOUTS = "payouts"
    WEBHOOKS = "webhooks"
    ONE_CLICK_CONNECT = "one_click_connect"
    MULTI_CHANNEL = "multi_channel"
    FULFILLMENT_ORDERS = "fulfillment_orders"


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialField:
    """One value a merchant pastes. ``pattern`` is a full-match regular expression for a plain typo
    check.
    """

    name: str
    label: str
    help: str = ""
    secret: bool = True
    required: bool = True
    pattern: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """A declared limit: ``rate`` calls per second with ``burst`` at once, for calls of this
    ``bucket``.
    """

    rate: float
    burst: int
    bucket: str = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookScheme:
    """How the platform signs deliveries. ``verify`` looks the scheme up in ``kit.signatures``.

    ``max_body`` in bytes; ``retries`` tells whether the platform sends again after a failure (then
    429 is a fair answer).
    """

    scheme: str
    signature_header: str
    topic_header: str = ""
    event_id_header: str = ""
    retries: bool = False
    max_body: int = 5 * 1024 * 1024
    kept_headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformCard:
    """Everything the house needs to know about a platform before talking to it.

    ``service`` is the dotted path of its ``BaseEcommerceIntegration``; ``routes`` that of its
    urlpatterns module. ``lag`` is how long a change may take to show in lists; ``overlap`` how far
    each poll looks back over the last. ``exempt`` maps every ability that is not in ``abilities``
    to the reason in words. ``status_words`` are the platform's own order statuses, where stores may
    have others besides, spelled as ``status_pattern`` (a full-match regular expression) says.
    ``reserved_fields`` are keys of orders that no rule may write, a trailing ``*`` standing for
    anything.
    """

    slug: str
    name: str
    service: str
    routes: str
    auth_kinds: tuple[AuthKind, ...]
    credential_fields: tuple[CredentialField, ...]
    abilities: frozenset[Ability]
    exempt: Mapping[Ability, str]
    webhooks: WebhookScheme | None = None
    topics: tuple[str, ...] = ()
    limits: tuple[RateLimit, ...] = (RateLimit(rate=5, burst=10),)
    page_size: int = 100
    stock_batch: int = 100
    poll_every: timedelta = timedelta(minutes=5)
    lag: timedelta = timedelta(seconds=5)
    overlap: timedelta = timedelta(minutes=10)
    window: timedelta = timedelta(days=1)
    parallel_reads: int = 2
    api_version: str = ""
    api_sunset: date | None = None
    scopes: Mapping[str, tuple[Ability, ...]] = field(default_factory=dict)
    status_words: tuple[str, ...] = ()
    status_pattern: str = r".{1,60}"
    reserved_fields: tuple[str, ...] = ()
    docs_url: str = ""
    guide: str = ""

    def __post_init__(self) -> None:
        unsaid = set(Ability) - self.abilities - set(self.exempt)
        both = self.abilities & set(self.exempt)
        if unsaid or both:
            raise ValueError(
                f"Card {self.slug}: neither supported nor exempt {unsaid}, or both {both}."
            )

    def can(self, ability: Ability) -> bool:
        return ability in self.abilities

    def reserves(self, key: str) -> bool:
        """Whether a field of an order belongs to the platform or to Logix, in whatever case."""
        key = key.casefold()
        return any(
            key.startswith(name[:-1]) if name.endswith("*") else key == name
            for name in self.reserved_fields
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """All an adapter gets. ``credentials`` holds the values the card declares; ``options`` what
    staff chose and what ``identify`` found out about this store (features, version).
    ``callback_url`` is where its webhooks go.
    """

    store_id: str
    base_url: str
    credentials: Mapping[str, str] = field(repr=False)
    http: PlatformSession = field(repr=False)
    options: Mapping[str, Any] = field(default_factory=dict)
    timezone: str = "UTC"
    callback_url: str = field(default="", repr=False)
    webhook_secret: str = field(default="", repr=False)
