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
    WebhookScheme,
)

CARD = PlatformCard(
    slug="woocommerce",
    name="WooCommerce",
    service="integrations.woocommerce.service.WooCommerceIntegration",
    routes="integrations.woocommerce.routes",
    auth_kinds=(AuthKind.API_KEYS,),
    credential_fields=(
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
            Ability.CANCEL,
            Ability.NOTES,
            Ability.REFUNDS_READ,
            Ability.WEBHOOKS,
            Ability.ONE_CLICK_CONNECT,
        }
    ),
    exempt={
        Ability.STOCK_COMPARE_AND_SET: "Stock is written absolutely; orders are read first.",
        Ability.LOCATIONS: "One figure per item; Logix sums its places.",
        Ability.REFUNDS_WRITE: "A refund moves money through the gateway; make it in the store.",
        Ability.RETURNS: "WooCommerce has refunds but no return object.",
        Ability.PAYOUTS: "Payouts belong to the payment gateway, not to WooCommerce.",
        Ability.MULTI_CHANNEL: "One WooCommerce site is one channel; connect each site.",
        Ability.FULFILLMENT_ORDERS: "WooCommerce does not split an order by place of dispatch.",
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
    api_version="wc/v3",
    docs_url="https://woocommerce.github.io/woocommerce-rest-api-docs/",
    guide="integrations/WOOCOMMERCE_INTEGRATION_GUIDE.md",
)
