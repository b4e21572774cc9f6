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
_SHIPPING = (
    Ability.SHIPMENTS,
    Ability.PARTIAL_SHIPMENTS,
    Ability.TRACKING_UPDATE,
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
            fields=(_CLIENT_ID, _CLIENT_SECRET),
        ),
        SignIn(
            kind=AuthKind.TOKEN,
            label="An access token",
            help="For apps made in the store's admin before 2026; new ones get no such token.",
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
        _READ_PAYOUTS,
    ),
    optional_scopes=(
        "write_orders",
        "write_inventory",
        "read_locations",
        "read_customers",
        "read_merchant_managed_fulfillment_orders",
        "write_merchant_managed_fulfillment_orders",
        _READ_PAYOUTS,
    ),
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
            Ability.NOTES,
            Ability.ORDER_FIELDS_WRITE,
            *_SHIPPING,
        ),
        "read_products": (Ability.PRODUCTS,),
        "read_inventory": (
            Ability.STOCK_READ,
            Ability.STOCK_WRITE,
            Ability.STOCK_COMPARE_AND_SET,
        ),
        "write_inventory": (Ability.STOCK_WRITE, Ability.STOCK_COMPARE_AND_SET),
        "read_merchant_managed_fulfillment_orders": (Ability.FULFILLMENT_ORDERS, *_SHIPPING),
        "write_merchant_managed_fulfillment_orders": (Ability.FULFILLMENT_ORDERS, *_SHIPPING),
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
            Ability.STATUS_WRITE,
            Ability.SHIPMENTS,
            Ability.PARTIAL_SHIPMENTS,
            Ability.TRACKING_UPDATE,
            Ability.CANCEL,
            Ability.NOTES,
            Ability.ORDER_FIELDS_WRITE,
            Ability.REFUNDS_READ,
            Ability.PAYOUTS,
            Ability.WEBHOOKS,
            Ability.FULFILLMENT_ORDERS,
        }
    ),
    exempt={
        Ability.LOCATIONS: "Stock is written to one location of the store, which is chosen once.",
        Ability.REFUNDS_WRITE: "A refund moves money through the gateway; make it in Shopify.",
        Ability.RETURNS: "What was returned comes as refunds with lines; ask for returns there.",
        Ability.ONE_CLICK_CONNECT: "Shopify asks the merchant for consent (OAuth) instead.",
        Ability.MULTI_CHANNEL: "Orders of all of Shopify's channels come as those of one store.",
    },
    options=(
        StoreOption(
            name="stock_location",
            label="Stock location",
            help="The id of the location whose stock Logix sets, where online orders are sent from "
            "more than one. The number stands in its address: Settings → Locations.",
            pattern=r"[0-9]{1,20}",
        ),
        StoreOption(
            name="order_metafields",
            label="Metafields of orders",
            help="Metafields to read with each order, as namespace.key.",
            pattern=r"[\w-]{2,255}\.[\w-]{2,64}",
            many=True,
        ),
    ),
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
    limits=(RateLimit(rate=100, burst=2000, unit="points"),),
    page_size=150,
    stock_batch=250,
    poll_every=timedelta(minutes=2),
    lag=timedelta(seconds=10),
    overlap=timedelta(minutes=10),
    # Reading two windows at once would only share the same points.
    parallel_reads=1,
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
    docs_url="https://shopify.dev/docs/api/admin-graphql",
    guide="integrations/SHOPIFY_INTEGRATION_GUIDE.md",
)
