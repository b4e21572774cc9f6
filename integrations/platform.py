"""The card of a platform: facts about it as data, and the ``Connection`` an adapter is given.

Nothing here does anything. The registry, the engine, the admin, the API and the docs read cards
instead of asking which platform they are talking to.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from integrations.kit.http import PlatformSession
    from integrations.kit.oauth2 import AccessToken


class AuthKind(StrEnum):
    """API_KEYS: values that sign each call. OAUTH2: the merchant consents at the platform, which
    gives tokens. TOKEN: one that is pasted and does not change. CLIENT_CREDENTIALS: an app of the
    merchant's own asks for tokens by itself. REFRESH_TOKEN: the same with what the merchant's
    account gave the app once and for all, which is pasted.
    """

    API_KEYS = "api_keys"
    OAUTH2 = "oauth2"
    TOKEN = "token"  # noqa: S105 - the name of a kind, not a secret
    CLIENT_CREDENTIALS = "client_credentials"
    REFRESH_TOKEN = "refresh_token"  # noqa: S105 - the name of a kind, not a secret


class Ability(StrEnum):
    """What a store may be asked for. Each card says of every ability: supported, or exempt with a
    reason.
    """

    ORDERS = "orders"
    ORDER_BY_ID = "order_by_id"
    ORDER_IDS_IN_WINDOW = "order_ids_in_window"
    PRODUCTS = "products"
    STOCK_WRITE = "stock_write"
    STOCK_BULK = "stock_bulk"
    STOCK_COMPARE_AND_SET = "stock_compare_and_set"
    STOCK_READ = "stock_read"
    LOCATIONS = "locations"
    PLATFORM_STOCK = "platform_stock"
    STATUS_WRITE = "status_write"
    SHIPMENTS = "shipments"
    PARTIAL_SHIPMENTS = "partial_shipments"
    TRACKING_UPDATE = "tracking_update"
    SHIPMENT_CANCEL = "shipment_cancel"
    CANCEL = "cancel"
    QUIET_SHIPMENTS = "quiet_shipments"
    QUIET_CANCEL = "quiet_cancel"
    NOTES = "notes"
    ORDER_FIELDS_WRITE = "order_fields_write"
    REFUNDS_READ = "refunds_read"
    REFUNDS_WRITE = "refunds_write"
    RETURNS = "returns"
    PAYOUTS = "payouts"
    WEBHOOKS = "webhooks"
    NEWS_QUEUE = "news_queue"
    ONE_CLICK_CONNECT = "one_click_connect"
    MULTI_CHANNEL = "multi_channel"
    FULFILLMENT_ORDERS = "fulfillment_orders"
    FULFILS_FOR_OTHERS = "fulfils_for_others"
    APP_REMOVAL = "app_removal"


class Compensation(StrEnum):
    """What a store takes off the figure it is told before it sells from it, so that it has to be
    told more. NONE: nothing. OPEN_ORDERS: what it keeps back, and the units of its own orders until
    they leave, are refunded or cancelled there. SAFETY_STOCK: what it keeps back.
    """

    NONE = "none"
    OPEN_ORDERS = "open_orders"
    SAFETY_STOCK = "safety_stock"


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialField:
    """One value a merchant pastes. ``pattern`` is a full-match regular expression for a plain typo
    check. ``lasts``: the platform ends it so long after it was made.
    """

    name: str
    label: str
    help: str = ""
    secret: bool = True
    required: bool = True
    pattern: str = ""
    lasts: timedelta | None = None


# Names of fields that the hub itself reads: a sign-in of this kind must ask for them.
_FIELDS_OF_KIND: Mapping[AuthKind, frozenset[str]] = {
    AuthKind.TOKEN: frozenset({"access_token"}),
    AuthKind.CLIENT_CREDENTIALS: frozenset({"client_id", "client_secret"}),
    AuthKind.REFRESH_TOKEN: frozenset({"client_id", "client_secret", "refresh_token"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """One way to connect a store: what it asks for and, in ``label`` and ``help``, for whom it is.
    ``ends_at``: where in the store its owner takes back what was given this way.
    ``consent_lasts``: so long after it was given, the owner of the store has to give it anew.

    One by OAUTH2 asks for nothing, or for ``client_id`` and ``client_secret`` of the merchant's own
    app, which then stands in for the hub's.
    """

    kind: AuthKind
    label: str
    fields: tuple[CredentialField, ...] = ()
    help: str = ""
    ends_at: str = ""
    consent_lasts: timedelta | None = None

    @property
    def names(self) -> frozenset[str]:
        return frozenset(field.name for field in self.fields)

    @property
    def required(self) -> frozenset[str]:
        return frozenset(field.name for field in self.fields if field.required)

    @property
    def lasting(self) -> CredentialField | None:
        """The value that ends by itself, where one does."""
        return next((field for field in self.fields if field.lasts), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreOption:
    """What staff may choose for a store of this platform beyond what all platforms have. The value
    is text that ``pattern`` fully matches, or with ``many`` a list of such.
    """

    name: str
    label: str
    help: str
    pattern: str
    many: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """A declared limit: ``rate`` calls (or the platform's own points) per second with ``burst`` at
    once, for calls of this ``bucket``. ``largest`` is what one call may cost at most.
    """

    rate: float
    burst: int
    bucket: str = "default"
    unit: str = "calls"
    largest: float = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookScheme:
    """How the platform signs deliveries. ``verify`` looks the scheme up in ``kit.signatures``.

    ``max_body`` in bytes; ``retries`` tells whether the platform sends again after a failure (then
    429 is a fair answer). ``signed_by_app``: with the client secret of the app, which no store is
    told and Logix cannot change. ``account_header`` names the store a delivery is from, as
    ``identify`` tells it in its feature ``domain``, else by the host of its address.
    """

    scheme: str
    signature_header: str
    topic_header: str = ""
    event_id_header: str = ""
    retries: bool = False
    max_body: int = 5 * 1024 * 1024
    kept_headers: tuple[str, ...] = ()
    signed_by_app: bool = False
    account_header: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformCard:
    """Everything the house needs to know about a platform before talking to it.

    ``service`` is the dotted path of its ``BaseEcommerceIntegration``; ``routes`` that of its
    urlpatterns module. ``lag`` is how long a change may take to show in lists; ``overlap`` how far
    each poll looks back over the last. ``exempt`` maps every ability that is not in ``abilities``
    to the reason in words. ``status_words`` are the platform's own order statuses, where stores may
    have others besides, spelled as ``status_pattern`` (a full-match regular expression) says.
    ``reserved_fields`` are keys of orders that no rule may write, a trailing ``*`` standing for
    anything. ``whole_from``: a back-fill of at least so many orders is read with ``Filters.whole``;
    0: none is. ``stock_bulk_from``: so many figures that are due for a store go to it in one file,
    at most ``stock_bulk_most`` at a time; 0: none do. ``parcels_bulk_from`` and
    ``parcels_bulk_most`` say the same of parcels. ``news_by_reading_from``: so many news of orders
    that wait at once are left to the next reading of changes, where a look at each is dear; 0: none
    are. ``payouts_change_for``: how long after a payout was made it may still become another one.
    ``apart``: of REFUNDS_READ and RETURNS those that orders do not tell of, so that they are read
    by themselves, with how late one may be told or change. ``file_hosts`` is a full-match regular
    expression of the hosts, other than the store's own, where the platform puts files it prepared
    and takes those it is sent.
    ``always_topics`` are kept and worked whatever state the store is in; the adapter's static
    ``read_always(delivery)`` says what they mean. ``refunds``: what may become of one asked for
    here, of ``record`` (noted, no money moves) and ``gateway`` (the money goes back).
    ``compensation``: what its stores take off a figure; figures that are told and read are the
    stores' own, with it. ``buyers_kept``: how long buyers' data may be kept once an order was sent
    or cancelled; None: the platform sets no bound. ``lasting_fields``: names in ``custom`` of its
    orders that say nothing of buyers, so they stay when those are erased.

    ``channels_option`` names the option that says which channels of a store are connected, by
    their ids, first choice first; all where it is not set. ``channel_field`` is the name in
    ``custom`` of its orders under which each has its channel's name.

    ``queue_fields`` open a queue of the merchant's own, whichever way the store was connected; the
    one that names it comes first. With none of them the store is polled alone. ``account_field``
    names the credential that says whose account a store is, where many share one address.

    ``sign_ins`` are the ways to connect, the usual one first. ``wanted_scopes`` are asked for when
    the merchant consents; the store still works without the ``optional_scopes`` among them.
    The platform gives ``extra_scopes`` to apps it approved for them, and may refuse the others, so
    they are asked for where somebody says so. ``scopes`` says which abilities need which scope,
    ``covered_by`` which others stand for it as well, ``scope_words`` what each lets Logix do, as
    the owner of a store would say it. ``host_pattern`` is a full-match regular expression of the
    hosts stores have, ``address_help`` what is typed as a store's address; ``token_origin`` where
    tokens are given out for those, if not at the store's own address; ``pkce``: the platform takes
    a challenge (RFC 7636). A merchant who begins at the platform is sent to the hub's form with the
    page to go on at in ``start_parameter``.
    """

    slug: str
    name: str
    service: str
    routes: str
    sign_ins: tuple[SignIn, ...]
    abilities: frozenset[Ability]
    exempt: Mapping[Ability, str]
    webhooks: WebhookScheme | None = None
    topics: tuple[str, ...] = ()
    always_topics: tuple[str, ...] = ()
    queue_fields: tuple[CredentialField, ...] = ()
    account_field: str = ""
    channels_option: str = ""
    channel_field: str = ""
    limits: tuple[RateLimit, ...] = (RateLimit(rate=5, burst=10),)
    page_size: int = 100
    stock_batch: int = 100
    stock_bulk_from: int = 0
    stock_bulk_most: int = 0
    parcels_bulk_from: int = 0
    parcels_bulk_most: int = 0
    news_by_reading_from: int = 0
    compensation: Compensation = Compensation.NONE
    buyers_kept: timedelta | None = None
    lasting_fields: tuple[str, ...] = ()
    poll_every: timedelta = timedelta(minutes=5)
    lag: timedelta = timedelta(seconds=5)
    overlap: timedelta = timedelta(minutes=10)
    parallel_reads: int = 2
    whole_from: int = 0
    payouts_change_for: timedelta = timedelta(days=30)
    apart: Mapping[Ability, timedelta] = field(default_factory=dict)
    file_hosts: str = ""
    api_version: str = ""
    api_sunset: date | None = None
    scopes: Mapping[str, tuple[Ability, ...]] = field(default_factory=dict)
    wanted_scopes: tuple[str, ...] = ()
    optional_scopes: tuple[str, ...] = ()
    extra_scopes: tuple[str, ...] = ()
    covered_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    scope_words: Mapping[str, str] = field(default_factory=dict)
    host_pattern: str = ""
    token_origin: str = ""
    pkce: bool = False
    start_parameter: str = ""
    status_words: tuple[str, ...] = ()
    status_pattern: str = r".{1,60}"
    reserved_fields: tuple[str, ...] = ()
    options: tuple[StoreOption, ...] = ()
    refunds: tuple[str, ...] = ()
    address_help: str = "As you type it in the browser, for example https://shop.example.com"
    docs_url: str = ""
    guide: str = ""

    def __post_init__(self) -> None:
        unsaid = set(Ability) - self.abilities - set(self.exempt)
        both = self.abilities & set(self.exempt)
        if unsaid or both:
            raise ValueError(
                f"Card {self.slug}: neither supported nor exempt {unsaid}, or both {both}."
            )
        if bool(self.refunds) != (Ability.REFUNDS_WRITE in self.abilities):
            raise ValueError(f"Card {self.slug}: say what may become of a refund, or exempt it.")
        if bool(self.queue_fields) != (Ability.NEWS_QUEUE in self.abilities):
            raise ValueError(f"Card {self.slug}: say what opens a queue, or exempt it.")
        if bool(self.channels_option) != (Ability.MULTI_CHANNEL in self.abilities):
            raise ValueError(f"Card {self.slug}: say where channels are chosen, or exempt them.")
        if bool(self.stock_bulk_from) != (Ability.STOCK_BULK in self.abilities):
            raise ValueError(f"Card {self.slug}: say from how many figures on, or exempt the file.")
        if self.stock_bulk_from and Ability.LOCATIONS in self.abilities:
            raise ValueError(f"Card {self.slug}: a file holds one figure of a listing.")
        if self.parcels_bulk_from and Ability.SHIPMENTS not in self.abilities:
            raise ValueError(f"Card {self.slug}: a file of parcels, and it takes no parcels.")
        for sign_in in self.sign_ins:
            if lacking := _FIELDS_OF_KIND.get(sign_in.kind, frozenset()) - sign_in.required:
                raise ValueError(f"Card {self.slug}: {sign_in.label} must ask for {lacking}.")
        if unable := set(self.apart) - self.abilities:
            raise ValueError(f"Card {self.slug}: told apart and not supported: {unable}.")
        if strange := set(self.optional_scopes) - set(self.wanted_scopes):
            raise ValueError(f"Card {self.slug}: optional scopes nobody asks for: {strange}.")

    @property
    def auth_kinds(self) -> tuple[AuthKind, ...]:
        return tuple(sign_in.kind for sign_in in self.sign_ins)

    @property
    def credential_fields(self) -> tuple[CredentialField, ...]:
        """What sign-ins and a queue ask for; a name that several have is there once."""
        found: dict[str, CredentialField] = {}
        for sign_in in self.sign_ins:
            for asked in sign_in.fields:
                found.setdefault(asked.name, asked)
        return (*found.values(), *self.queue_fields)

    @property
    def queue_names(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.queue_fields)

    @property
    def has_endings(self) -> bool:
        """Whether some credential of its stores ends by itself."""
        return any(s.lasting or s.consent_lasts for s in self.sign_ins)

    @property
    def required_scopes(self) -> tuple[str, ...]:
        return tuple(s for s in self.wanted_scopes if s not in self.optional_scopes)

    def lacking(self, granted: Collection[str]) -> tuple[str, ...]:
        """The wanted scopes that what was granted does not cover."""
        have = frozenset(granted)
        return tuple(
            s for s in self.wanted_scopes if have.isdisjoint((s, *self.covered_by.get(s, ())))
        )

    def told(self, scopes: Iterable[str]) -> tuple[str, ...]:
        """What scopes let Logix do, in words, each once."""
        words = (self.scope_words.get(s, s.replace("_", " ").capitalize()) for s in scopes)
        return tuple(dict.fromkeys(words))

    def sign_in(self, kind: AuthKind | str) -> SignIn | None:
        return next((found for found in self.sign_ins if found.kind == kind), None)

    def sign_in_for(self, values: Collection[str]) -> SignIn:
        """The way to connect that values of these names stand for: the first whose required ones
        are all there, else the one that lacks least. Consent is no way here: it takes no values.
        """
        typed = [s for s in self.sign_ins if s.kind is not AuthKind.OAUTH2] or self.sign_ins
        given = frozenset(values)
        return min(typed, key=lambda s: (len(given - s.names), len(s.required - given)))

    def tokens_at(self, base_url: str) -> str:
        """Where tokens are given out for a store: a simulated one, which lives under any name,
        gives out its own.
        """
        host = urlsplit(base_url).hostname or ""
        is_real = not self.host_pattern or re.fullmatch(self.host_pattern, host)
        return self.token_origin if self.token_origin and is_real else base_url

    def queue_of(self, values: Mapping[str, str]) -> str:
        """The queue that these credentials open, as it was typed; '' where they open none."""
        names = self.queue_names
        return values[names[0]] if names and all(values.get(name) for name in names) else ""

    def account_of(self, values: Mapping[str, str]) -> str:
        """Whose account these credentials are of; '' where the address alone says it."""
        return values.get(self.account_field, "")

    def can(self, ability: Ability) -> bool:
        return ability in self.abilities

    def turned_off(self, missing: Collection[str]) -> Mapping[Ability, tuple[str, ...]]:
        """What a store cannot do whose merchant did not grant ``missing``: ability → the scopes it
        lacks.
        """
        lacking: dict[Ability, tuple[str, ...]] = {}
        for scope in missing:
            for ability in self.scopes.get(scope, ()):
                lacking[ability] = (*lacking.get(ability, ()), scope)
        return lacking

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
    ``callback_url`` is where its webhooks go. ``token`` is there where calls carry one; it renews
    itself. ``missing`` are the wanted scopes the merchant did not grant. ``locations`` are the
    store's own ids of those whose figures are read and written, where it keeps one for each.
    """

    store_id: str
    base_url: str
    credentials: Mapping[str, str] = field(repr=False)
    http: PlatformSession = field(repr=False)
    options: Mapping[str, Any] = field(default_factory=dict)
    timezone: str = "UTC"
    callback_url: str = field(default="", repr=False)
    webhook_secret: str = field(default="", repr=False)
    token: AccessToken | None = field(default=None, repr=False)
    missing: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()
