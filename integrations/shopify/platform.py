"""The card of Shopify (GraphQL Admin API). Facts with their sources:
docs/integrations/SHOPIFY_INTEGRATION_GUIDE.md.
"""

from __future__ import annotations

from datetime import date, timedelta

from integrations.platform import (
    Ability,
    AuthKind,
    CredentialField,
    PlatformCard,
    RateLimit,
    SignIn,
    StoreOption,
    WebhookScheme,
)

_CLIENT_ID = CredentialField(
    name="client_id",
    label="Client ID",
    help="Dev Dashboard → the app → Settings.",
    secret=False,
    pattern=r"[0-9A-Za-z]{8,64}",
)
_CLIENT_SECRET = CredentialField(
    name="client_secret",
    label="Client secret",
    help="Beside the client ID. Shopify signs its webhooks with it.",
    pattern=r"[0-9A-Za-z_]{8,128}",
)

_READ_ORDERS = "read_orders"
_READ_PAYOUTS = "read_shopify_payments_accounts"
_READ_RETURNS = "read_returns"
_READ_PARCELS = "read_fulfillments"
_APPS = "Shopify admin → Settings → Apps and sales channels → the app → Uninstall"
_STOCK = (Ability.STOCK_READ, Ability.STOCK_WRITE, Ability.STOCK_COMPARE_AND_SET)
_SHIPPING = (
    Ability.SHIPMENTS,
    Ability.PARTIAL_SHIPMENTS,
    Ability.TRACKING_UPDATE,
    Ability.SHIPMENT_CANCEL,
    Ability.QUIET_SHIPMENTS,
    Ability.STATUS_WRITE,
)

CARD = PlatformCard(
    slug="shopify",
    name="Shopify",
    service="integrations.shopify.service.ShopifyIntegration",
    routes="integrations.shopify.routes",
    sign_ins=(
        SignIn(
            kind=AuthKind.OAUTH2,
            label="Connect with Shopify",
            help="You log in at Shopify and approve what Logix may do. Leave the fields empty "
            "unless you have an app of your own.",
            ends_at=_APPS,
            fields=(
                CredentialField(
                    name="client_id",
                    label=_CLIENT_ID.label,
                    help=_CLIENT_ID.help,
                    secret=False,
                    required=False,
                    pattern=_CLIENT_ID.pattern,
                ),
                CredentialField(
                    name="client_secret",
                    label=_CLIENT_SECRET.label,
                    help=_CLIENT_SECRET.help,
                    required=False,
                    pattern=_CLIENT_SECRET.pattern,
                ),
            ),
        ),
        SignIn(
            kind=AuthKind.CLIENT_CREDENTIALS,
            label="An app of your own",
            help="For an app that belongs to the same organisation as the store.",
            ends_at=_APPS,
            fields=(_CLIENT_ID, _CLIENT_SECRET),
        ),
        SignIn(
            kind=AuthKind.TOKEN,
            label="An access token",
            help="For apps made in the store's admin before 2026; new ones get no such token.",
            ends_at="Shopify admin → Settings → Apps → Develop apps → the app → Uninstall app",
            fields=(
                CredentialField(
                    name="access_token",
                    label="Admin API access token",
                    help="Shopify admin → Settings → Apps → Develop apps → the app → API "
                    "credentials. Begins with shpat_.",
                    pattern=r"shp[a-z]{2}_[0-9A-Za-z]{6,128}",
                ),
                CredentialField(
                    name="client_secret",
                    label="API secret key",
                    help="On the same page. Without it Shopify's webhooks cannot be checked, and "
                    "orders are read by polling alone.",
                    required=False,
                    pattern=_CLIENT_SECRET.pattern,
                ),
            ),
        ),
    ),
    wanted_scopes=(
        _READ_ORDERS,
        "write_orders",
        "read_products",
        "read_inventory",
        "write_inventory",
        "read_locations",
        "read_customers",
        "read_merchant_managed_fulfillment_orders",
        "write_merchant_managed_fulfillment_orders",
        _READ_PARCELS,
        _READ_RETURNS,
        _READ_PAYOUTS,
    ),
    optional_scopes=(
        "write_orders",
        "write_inventory",
        "read_locations",
        "read_customers",
        "read_merchant_managed_fulfillment_orders",
        "write_merchant_managed_fulfillment_orders",
        _READ_PARCELS,
        _READ_RETURNS,
        _READ_PAYOUTS,
    ),
    # Of an app it did not approve for it Shopify lets nobody consent at all: “Oauth error
    # missing_shopify_permission”. Source: https://shopify.dev/docs/api/usage/access-scopes; the
    # error as in github.com/gnikyt/laravel-shopify/issues/1127.
    extra_scopes=("read_all_orders",),
    # Who may write may read. Either of the last two opens the account of Shopify Payments:
    # admin_2026-07, the access notes.
    covered_by={
        "read_orders": ("write_orders",),
        "read_products": ("write_products",),
        "read_inventory": ("write_inventory",),
        "read_locations": ("write_locations",),
        "read_customers": ("write_customers",),
        "read_merchant_managed_fulfillment_orders": ("write_merchant_managed_fulfillment_orders",),
        _READ_PARCELS: ("write_fulfillments",),
        _READ_RETURNS: ("write_returns",),
        _READ_PAYOUTS: ("read_shopify_payments",),
    },
    scope_words={
        _READ_ORDERS: "See orders, with their buyers' names and addresses",
        "write_orders": "Cancel and refund orders, write notes and fields on them, and close them",
        "read_products": "See products",
        "read_inventory": "See stock",
        "write_inventory": "Set stock",
        "read_locations": "See the store's locations",
        "read_customers": "See the customer or company behind an order",
        "read_merchant_managed_fulfillment_orders": "See what is to be shipped",
        "write_merchant_managed_fulfillment_orders": "Mark parcels as shipped, with tracking",
        _READ_PARCELS: "Hear of parcels at once",
        _READ_RETURNS: "See returns",
        _READ_PAYOUTS: "See payouts of Shopify Payments",
        "read_all_orders": "See orders older than 60 days",
    },
    # Which mutation needs which: admin_2026-07, the access notes of its introspection. A parcel's
    # reference is kept with the order, so shipping needs to write both.
    scopes={
        _READ_ORDERS: (
            Ability.ORDERS,
            Ability.ORDER_BY_ID,
            Ability.ORDER_IDS_IN_WINDOW,
            Ability.REFUNDS_READ,
        ),
        "write_orders": (
            Ability.CANCEL,
            Ability.QUIET_CANCEL,
            Ability.NOTES,
            Ability.ORDER_FIELDS_WRITE,
            Ability.REFUNDS_WRITE,
            *_SHIPPING,
        ),
        "read_products": (Ability.PRODUCTS,),
        "read_inventory": _STOCK,
        "write_inventory": (Ability.STOCK_WRITE, Ability.STOCK_COMPARE_AND_SET),
        # A figure is always that of a location.
        "read_locations": (Ability.LOCATIONS, *_STOCK),
        "read_merchant_managed_fulfillment_orders": (Ability.FULFILLMENT_ORDERS, *_SHIPPING),
        "write_merchant_managed_fulfillment_orders": (Ability.FULFILLMENT_ORDERS, *_SHIPPING),
        _READ_RETURNS: (Ability.RETURNS,),
        _READ_PAYOUTS: (Ability.PAYOUTS,),
    },
    abilities=frozenset(
        {
            Ability.ORDERS,
            Ability.ORDER_BY_ID,
            Ability.ORDER_IDS_IN_WINDOW,
            Ability.PRODUCTS,
            Ability.STOCK_WRITE,
            Ability.STOCK_COMPARE_AND_SET,
            Ability.STOCK_READ,
            Ability.LOCATIONS,
            Ability.STATUS_WRITE,
            Ability.SHIPMENTS,
            Ability.PARTIAL_SHIPMENTS,
            Ability.TRACKING_UPDATE,
            Ability.SHIPMENT_CANCEL,
            Ability.QUIET_SHIPMENTS,
            Ability.CANCEL,
            Ability.QUIET_CANCEL,
            Ability.NOTES,
            Ability.ORDER_FIELDS_WRITE,
            Ability.REFUNDS_READ,
            Ability.REFUNDS_WRITE,
            Ability.RETURNS,
            Ability.PAYOUTS,
            Ability.WEBHOOKS,
            Ability.FULFILLMENT_ORDERS,
            Ability.APP_REMOVAL,
        }
    ),
    exempt={
        Ability.NEWS_QUEUE: "Shopify delivers its news itself, by webhooks.",
        Ability.STOCK_BULK: "Not needed: a call takes 250 figures and answers at once.",
        Ability.ONE_CLICK_CONNECT: "Shopify asks the merchant for consent (OAuth) instead.",
        Ability.PLATFORM_STOCK: "Shopify keeps no goods itself; an app that does is a location.",
        Ability.MULTI_CHANNEL: "Orders of all of Shopify's channels come as those of one store.",
        Ability.FULFILS_FOR_OTHERS: "Shopify sends no goods itself.",
    },
    options=(
        StoreOption(
            name="order_metafields",
            label="Metafields of orders",
            help="Metafields to read with each order, as namespace.key.",
            pattern=r"[\w-]{2,255}\.[\w-]{2,64}",
            many=True,
        ),
    ),
    address_help="Its address in Shopify, for example my-shop.myshopify.com",
    host_pattern=r"[a-z0-9][a-z0-9-]*\.myshopify\.com",
    # Signed with the app's client secret. 8 retries in 4 hours, then the subscription is deleted.
    # Source: https://shopify.dev/docs/apps/build/webhooks
    webhooks=WebhookScheme(
        scheme="hmac-sha256-base64",
        signature_header="x-shopify-hmac-sha256",
        topic_header="x-shopify-topic",
        event_id_header="x-shopify-webhook-id",
        signed_by_app=True,
        account_header="x-shopify-shop-domain",
        retries=True,
        kept_headers=(
            "x-shopify-topic",
            "x-shopify-webhook-id",
            "x-shopify-event-id",
            "x-shopify-shop-domain",
            "x-shopify-api-version",
            "x-shopify-triggered-at",
        ),
    ),
    topics=(
        "orders/create",
        "orders/updated",
        "orders/cancelled",
        "orders/edited",
        "orders/delete",
        "fulfillments/create",
        "fulfillments/update",
        "refunds/create",
        "returns/request",
        "returns/approve",
        "returns/decline",
        "returns/cancel",
        "returns/close",
        "returns/reopen",
        "products/create",
        "products/update",
        "products/delete",
        "inventory_levels/update",
        "app/uninstalled",
        "app/scopes_update",
    ),
    # Entered once with the app, not subscribed to; the last comes 48 hours after it was removed.
    # Source: https://shopify.dev/docs/apps/build/compliance/privacy-law-compliance
    always_topics=("customers/data_request", "customers/redact", "shop/redact"),
    # In points, of the standard plan; answers tell what the store's own is.
    # A single query above 1,000 is refused; the rest is room for pages that cost unevenly.
    limits=(RateLimit(rate=100, burst=2000, unit="points", largest=900),),
    page_size=150,
    stock_batch=250,
    poll_every=timedelta(minutes=2),
    lag=timedelta(seconds=10),
    overlap=timedelta(minutes=10),
    # Reading two windows at once would only share the same points.
    parallel_reads=1,
    # Fewer are here by pages before an export is made.
    whole_from=2000,
    # Source: the address of a result, as many public programs have recorded it; API 2024-04 on.
    file_hosts=r"storage\.googleapis\.com",
    api_version="2026-07",
    # A version lives for twelve months at least: https://shopify.dev/docs/api/usage/versioning
    api_sunset=date(2027, 7, 1),
    # Of payment, then of fulfillment: a closed set, to which a newer version may add.
    status_words=(
        "PENDING",
        "AUTHORIZED",
        "PARTIALLY_PAID",
        "PAID",
        "PARTIALLY_REFUNDED",
        "REFUNDED",
        "VOIDED",
        "EXPIRED",
        "UNFULFILLED",
        "OPEN",
        "REQUEST_DECLINED",
        "SCHEDULED",
        "ON_HOLD",
        "IN_PROGRESS",
        "PENDING_FULFILLMENT",
        "PARTIALLY_FULFILLED",
        "FULFILLED",
        "RESTOCKED",
    ),
    status_pattern=r"[A-Z_]{1,60}",
    # Namespaces of metafields that are Shopify's, and what Logix keeps with an order.
    reserved_fields=("logix.parcels", "shopify.*", "shopify--*", "app--*"),
    # Goods without money are no refund here; what was paid by hand is only noted all the same.
    refunds=("gateway",),
    docs_url="https://shopify.dev/docs/api/admin-graphql",
    guide="integrations/SHOPIFY_INTEGRATION_GUIDE.md",
)
