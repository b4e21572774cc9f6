"""The card of WooCommerce (REST API v3). Facts with their sources:
docs/integrations/WOOCOMMERCE_INTEGRATION_GUIDE.md.
"""

from __future__ import annotations

from datetime import timedelta

from integrations.platform import (
    Ability,
    AuthKind,
    CredentialField,
    PlatformCard,
    RateLimit,
    SignIn,
    WebhookScheme,
)

# Meta data that the core takes for an order's own properties and does not list with the rest, what
# it keeps there besides, and what Logix and the tracking plugins keep. Source: WooCommerce
# includes/data-stores/class-wc-order-data-store-cpt.php, internal_meta_keys.
_RESERVED = (
    "_logix_*",
    "_wc_shipment_tracking_items",
    "_fulfillment_status",
    "_billing_*",
    "_shipping_*",
    "_customer_user",
    "_customer_ip_address",
    "_customer_user_agent",
    "_order_key",
    "_order_currency",
    "_order_shipping",
    "_order_shipping_tax",
    "_order_tax",
    "_order_total",
    "_order_version",
    "_order_stock_reduced",
    "_cart_discount",
    "_cart_discount_tax",
    "_cart_hash",
    "_payment_method",
    "_payment_method_title",
    "_payment_tokens",
    "_transaction_id",
    "_prices_include_tax",
    "_created_via",
    "_completed_date",
    "_date_completed",
    "_paid_date",
    "_date_paid",
    "_edit_last",
    "_edit_lock",
    "_recorded_sales",
    "_recorded_coupon_usage_counts",
    "_download_permissions_granted",
    "_new_order_email_sent",
    "_wp_trash_*",
)

CARD = PlatformCard(
    slug="woocommerce",
    name="WooCommerce",
    service="integrations.woocommerce.service.WooCommerceIntegration",
    routes="integrations.woocommerce.routes",
    sign_ins=(
        SignIn(
            kind=AuthKind.API_KEYS,
            label="Keys made in the store",
            ends_at="WooCommerce → Settings → Advanced → REST API",
            fields=(
                CredentialField(
                    name="consumer_key",
                    label="Consumer key",
                    help="WooCommerce → Settings → Advanced → REST API → Add key. Begins with ck_.",
                    pattern=r"ck_[0-9A-Za-z]{8,64}",
                ),
                CredentialField(
                    name="consumer_secret",
                    label="Consumer secret",
                    help="Shown once, beside the key. Begins with cs_.",
                    pattern=r"cs_[0-9A-Za-z]{8,64}",
                ),
            ),
        ),
    ),
    abilities=frozenset(
        {
            Ability.ORDERS,
            Ability.ORDER_BY_ID,
            Ability.ORDER_IDS_IN_WINDOW,
            Ability.PRODUCTS,
            Ability.STOCK_WRITE,
            Ability.STOCK_READ,
            Ability.STATUS_WRITE,
            Ability.SHIPMENTS,
            Ability.PARTIAL_SHIPMENTS,
            Ability.TRACKING_UPDATE,
            Ability.SHIPMENT_CANCEL,
            Ability.QUIET_SHIPMENTS,
            Ability.CANCEL,
            Ability.NOTES,
            Ability.ORDER_FIELDS_WRITE,
            Ability.REFUNDS_READ,
            Ability.REFUNDS_WRITE,
            Ability.WEBHOOKS,
            Ability.ONE_CLICK_CONNECT,
        }
    ),
    exempt={
        Ability.STOCK_COMPARE_AND_SET: "Stock is written absolutely; orders are read first.",
        Ability.STOCK_BULK: "WooCommerce has no such file; a call takes 100 figures.",
        Ability.LOCATIONS: "One figure per item; Logix sums its places.",
        Ability.QUIET_CANCEL: "WooCommerce mails of a cancelled order as its own settings say.",
        Ability.RETURNS: "WooCommerce has refunds but no return object.",
        Ability.PAYOUTS: "Payouts belong to the payment gateway, not to WooCommerce.",
        Ability.MULTI_CHANNEL: "One WooCommerce site is one channel; connect each site.",
        Ability.PLATFORM_STOCK: "WooCommerce has no warehouses of its own.",
        Ability.FULFILLMENT_ORDERS: "WooCommerce does not split an order by place of dispatch.",
        Ability.FULFILS_FOR_OTHERS: "WooCommerce has no warehouses of its own.",
        Ability.NEWS_QUEUE: "WooCommerce delivers its news itself, by webhooks.",
        Ability.APP_REMOVAL: "A key is deleted by hand, in WooCommerce → Settings → Advanced.",
    },
    # Source: WooCommerce core includes/class-wc-webhook.php; one attempt, 60 s, no redirects.
    webhooks=WebhookScheme(
        scheme="hmac-sha256-base64",
        signature_header="x-wc-webhook-signature",
        topic_header="x-wc-webhook-topic",
        event_id_header="",
        retries=False,
        kept_headers=(
            "x-wc-webhook-topic",
            "x-wc-webhook-resource",
            "x-wc-webhook-event",
            "x-wc-webhook-id",
            "x-wc-webhook-delivery-id",
            "x-wc-webhook-source",
            "user-agent",
        ),
    ),
    topics=(
        "order.created",
        "order.updated",
        "order.deleted",
        "order.restored",
        "product.created",
        "product.updated",
        "product.deleted",
        "product.restored",
    ),
    # Core has no API limit; shared hosts and firewalls have theirs, so Logix stays polite.
    limits=(RateLimit(rate=8, burst=16),),
    page_size=100,
    stock_batch=100,
    poll_every=timedelta(minutes=2),
    lag=timedelta(seconds=5),
    overlap=timedelta(minutes=10),
    parallel_reads=2,
    # Plugins add others ("shipped", "partial-shipped"); a store's option says what they count as.
    status_words=(
        "checkout-draft",
        "pending",
        "on-hold",
        "processing",
        "completed",
        "cancelled",
        "refunded",
        "failed",
    ),
    reserved_fields=_RESERVED,
    # Whether money moves is said with each refund; what its gateway cannot do it refuses.
    refunds=("record", "gateway"),
    # In the database a status has the prefix "wc-"; the API leaves it out.
    status_pattern=r"(?!wc-)[a-z0-9_-]{1,60}",
    api_version="wc/v3",
    docs_url="https://woocommerce.github.io/woocommerce-rest-api-docs/",
    guide="integrations/WOOCOMMERCE_INTEGRATION_GUIDE.md",
)
