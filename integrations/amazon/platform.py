"""The card of Amazon (Selling Partner API). Facts with their sources:
docs/integrations/AMAZON_INTEGRATION_GUIDE.md.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from integrations.platform import (
    Ability,
    AuthKind,
    CredentialField,
    PlatformCard,
    RateLimit,
    SignIn,
    StoreOption,
)

# An ARN as the model `notifications` has it, a URL of AWS, or one of a queue on this machine, which
# the hub's guard opens for trying things out alone.
QUEUE = (
    r"arn:aws:sqs:[a-z]{2}(?:-[a-z]+)+-\d:\d{12}:[\w-]{1,80}"
    r"|https://sqs\.[a-z]{2}(?:-[a-z]+)+-\d\.amazonaws\.com/\d{12}/[\w-]{1,80}"
    r"|http://(?:127\.0\.0\.1|localhost)(?::\d{1,5})?/\d{12}/[\w-]{1,80}"
)
ORDERS_ROLE = "Inventory and Order Tracking"
LISTINGS_ROLE = "Product Listing"
# https://developer-docs.amazon.com/sp-api/docs/cancel-fulfillment-order names it.
FULFILLMENT_ROLE = "Amazon Fulfillment"
FINANCES_ROLE = "Finance and Accounting"
# The model's `maxResultsPerPage` and `identifiers`.
ORDERS_ON_A_PAGE, LISTINGS_ON_A_PAGE = 100, 20
# The model's `sellerSkus`.
KEPT_AT_ONCE = 50

_LISTINGS = (Ability.PRODUCTS, Ability.STOCK_READ, Ability.STOCK_WRITE, Ability.STOCK_BULK)
_FOR_OTHERS = (Ability.FULFILS_FOR_OTHERS,)
_ORDERS = (
    Ability.ORDERS,
    Ability.ORDER_BY_ID,
    Ability.ORDER_IDS_IN_WINDOW,
    Ability.SHIPMENTS,
    Ability.PARTIAL_SHIPMENTS,
    Ability.TRACKING_UPDATE,
    Ability.RETURNS,
)
_FINANCES = (Ability.PAYOUTS, Ability.REFUNDS_READ)

_ENDS_AT = "Seller Central → Apps and Services → Manage Your Apps → Disable"
_CLIENT_ID = CredentialField(
    name="client_id",
    label="LWA client ID",
    help="Seller Central → Apps and Services → Develop Apps → your app → View under LWA "
    "credentials. Begins with amzn1.application-oa2-client.",
    secret=False,
    pattern=r"amzn1\.application-oa2-client\.[0-9A-Za-z]{4,128}",
)
_CLIENT_SECRET = CredentialField(
    name="client_secret",
    label="LWA client secret",
    help="It stands beside the client ID under LWA credentials, where “Rotate” makes a new one. It "
    "ends after 180 days.",
    pattern=r"[0-9A-Za-z._-]{8,256}",
    # The page "Rotate your application's LWA credentials".
    lasts=timedelta(days=180),
)

CARD = PlatformCard(
    slug="amazon",
    name="Amazon",
    service="integrations.amazon.service.AmazonIntegration",
    routes="integrations.amazon.routes",
    sign_ins=(
        SignIn(
            kind=AuthKind.REFRESH_TOKEN,
            label="An app of your own",
            help="You register a private app in Seller Central once and authorise it for your own "
            "account. Nothing has to be published, and Amazon is asked for no permission.",
            ends_at=_ENDS_AT,
            fields=(
                _CLIENT_ID,
                _CLIENT_SECRET,
                CredentialField(
                    name="refresh_token",
                    label="Refresh token",
                    help="Develop Apps → your app → Authorize → Authorize app. Shown once; begins "
                    "with Atzr|.",
                    pattern=r"Atzr\|[\w|=+/.-]{4,2000}",
                ),
                CredentialField(
                    name="seller_id",
                    label="Merchant token",
                    help="Seller Central → Settings → Account Info → Your Merchant Token. Begins "
                    "with A.",
                    secret=False,
                    pattern=r"A[0-9A-Z]{6,20}",
                ),
            ),
        ),
        SignIn(
            kind=AuthKind.OAUTH2,
            label="A published app",
            help="For an app that Amazon lets others use: you are sent to Seller Central and "
            "authorise it there. An authorisation lasts a year. With an app of your own, give its "
            "three values; without, the app of this hub is used.",
            ends_at=_ENDS_AT,
            consent_lasts=timedelta(days=365),
            fields=(
                replace(_CLIENT_ID, required=False),
                replace(_CLIENT_SECRET, required=False),
                CredentialField(
                    name="application_id",
                    label="Application ID",
                    help="Seller Central → Develop Apps, below the app's name. Begins with "
                    "amzn1.sp.solution.",
                    secret=False,
                    required=False,
                    pattern=r"amzn1\.sp\.solution\.[0-9A-Za-z-]{4,128}",
                ),
            ),
        ),
    ),
    start_parameter="amazon_callback_uri",
    # Amazon calls them roles. What they open: the page "Role mappings" of the documentation.
    wanted_scopes=(ORDERS_ROLE, LISTINGS_ROLE, FULFILLMENT_ROLE, FINANCES_ROLE),
    optional_scopes=(LISTINGS_ROLE, FULFILLMENT_ROLE, FINANCES_ROLE),
    scopes={
        ORDERS_ROLE: _ORDERS,
        LISTINGS_ROLE: _LISTINGS,
        FULFILLMENT_ROLE: _FOR_OTHERS,
        FINANCES_ROLE: _FINANCES,
    },
    # Units in its warehouses Amazon shows to an app with any one of two roles, so they are tried.
    scope_words={
        ORDERS_ROLE: "See orders and mark parcels as shipped",
        LISTINGS_ROLE: "See listings and set their stock",
        FULFILLMENT_ROLE: "Have Amazon send orders of other stores",
        FINANCES_ROLE: "See refunds, fees and payouts",
    },
    abilities=frozenset(
        {
            *_ORDERS,
            *_LISTINGS,
            *_FOR_OTHERS,
            *_FINANCES,
            Ability.NEWS_QUEUE,
            Ability.PLATFORM_STOCK,
            Ability.MULTI_CHANNEL,
        }
    ),
    exempt={
        Ability.STOCK_COMPARE_AND_SET: "Amazon takes a figure as it is; orders are read first.",
        Ability.LOCATIONS: "Amazon keeps one figure for each SKU of a seller.",
        Ability.STATUS_WRITE: "Amazon sets an order's status itself, by its parcels.",
        Ability.SHIPMENT_CANCEL: "Amazon has no call that takes a confirmed parcel back.",
        Ability.CANCEL: "Logix does not do it yet; cancel the order in Seller Central.",
        Ability.QUIET_SHIPMENTS: "Amazon writes to its customers as it sees fit.",
        Ability.QUIET_CANCEL: "Amazon writes to its customers as it sees fit.",
        Ability.NOTES: "Notes on an Amazon order cannot be written by an app.",
        Ability.ORDER_FIELDS_WRITE: "An Amazon order has no fields that an app may write.",
        Ability.REFUNDS_WRITE: "Logix does not do it yet; refund the order in Seller Central.",
        Ability.WEBHOOKS: "Amazon calls nobody: it puts news into a queue of the seller's own at "
        "AWS. Enter yours under “New keys” of the store; without one, orders are read by polling.",
        Ability.ONE_CLICK_CONNECT: "Amazon offers that to published apps; yours is your own.",
        Ability.FULFILLMENT_ORDERS: "Amazon does not split a merchant's order by place.",
        Ability.APP_REMOVAL: "An app is disabled by hand, in Seller Central.",
    },
    topics=(
        "ORDER_CHANGE",
        "FBA_INVENTORY_AVAILABILITY_CHANGES",
        "FEED_PROCESSING_FINISHED",
        "REPORT_PROCESSING_FINISHED",
        "FULFILLMENT_ORDER_STATUS",
    ),
    queue_fields=(
        CredentialField(
            name="queue",
            label="Queue at AWS",
            help="ARN or URL of a standard SQS queue that Amazon may write into; no FIFO "
            "queue. News then come within seconds. Without a queue, Logix polls.",
            secret=False,
            required=False,
            pattern=QUEUE,
        ),
        CredentialField(
            name="aws_access_key_id",
            label="AWS access key ID for the queue",
            help="Of an IAM user that may read and delete messages of this queue, and "
            "nothing else.",
            secret=False,
            required=False,
            pattern=r"[A-Z0-9]{16,128}",
        ),
        CredentialField(
            name="aws_secret_access_key",
            label="AWS secret access key for the queue",
            help="Beside the access key ID; AWS shows it once.",
            required=False,
            pattern=r"[\w/+=]{16,200}",
        ),
    ),
    # Every seller of a region is called at the same address.
    account_field="seller_id",
    channels_option="marketplaces",
    channel_field="marketplace",
    options=(
        StoreOption(
            name="marketplaces",
            label="Marketplaces",
            help="Those that are on, as country codes (DE) or Amazon's ids; the first gives the "
            "store its currency and time zone. Empty: all where the account sells.",
            pattern=r"[A-Za-z]{2}|A[0-9A-Z]{9,14}",
            many=True,
        ),
        StoreOption(
            name="app_is_draft",
            label="The app is a draft",
            help="“yes” while Amazon has not listed the published app yet; its consent page "
            "refuses it otherwise (MD1000).",
            pattern=r"yes",
        ),
    ),
    address_help="Where you sell: Europe, North America or Far East, or one of your sites, for "
    "example amazon.de",
    host_pattern=r"sellingpartnerapi-(?:na|eu|fe)\.amazon\.com",
    token_origin="https://api.amazon.com",  # noqa: S106 - an address
    # Rates and bursts of the official models, for each seller and app. The first is for what has
    # no limit of its own.
    limits=(
        RateLimit(rate=1, burst=5),
        RateLimit(bucket="getMarketplaceParticipations", rate=0.016, burst=15),
        RateLimit(bucket="getDestinations", rate=1, burst=5),
        RateLimit(bucket="createDestination", rate=1, burst=5),
        RateLimit(bucket="deleteDestination", rate=1, burst=5),
        RateLimit(bucket="getSubscription", rate=1, burst=5),
        RateLimit(bucket="createSubscription", rate=1, burst=5),
        RateLimit(bucket="deleteSubscriptionById", rate=1, burst=5),
        RateLimit(bucket="searchOrders", rate=0.0056, burst=20),
        RateLimit(bucket="getOrder", rate=0.5, burst=30),
        RateLimit(bucket="confirmShipment", rate=2, burst=10),
        RateLimit(bucket="searchListingsItems", rate=5, burst=5),
        RateLimit(bucket="getListingsItem", rate=5, burst=10),
        RateLimit(bucket="patchListingsItem", rate=5, burst=5),
        RateLimit(bucket="getFulfillmentPreview", rate=2, burst=30),
        RateLimit(bucket="createFulfillmentOrder", rate=2, burst=30),
        RateLimit(bucket="getFulfillmentOrder", rate=2, burst=30),
        RateLimit(bucket="cancelFulfillmentOrder", rate=2, burst=30),
        RateLimit(bucket="listTransactions", rate=0.5, burst=10),
        RateLimit(bucket="createReport", rate=0.0167, burst=15),
        RateLimit(bucket="getReports", rate=0.0222, burst=10),
        RateLimit(bucket="getReport", rate=2, burst=15),
        RateLimit(bucket="getReportDocument", rate=0.0167, burst=15),
        RateLimit(bucket="getInventorySummaries", rate=2, burst=2),
        RateLimit(bucket="createFeedDocument", rate=0.5, burst=15),
        RateLimit(bucket="createFeed", rate=0.0083, burst=15),
        RateLimit(bucket="getFeed", rate=2, burst=15),
        RateLimit(bucket="getFeeds", rate=0.0222, burst=10),
        RateLimit(bucket="cancelFeed", rate=2, burst=15),
        RateLimit(bucket="getFeedDocument", rate=0.0222, burst=10),
    ),
    # Finances may be silent for 48 hours; a return may take weeks to arrive.
    apart={Ability.REFUNDS_READ: timedelta(days=3), Ability.RETURNS: timedelta(days=58)},
    # A settlement is told once it is closed, and its report may be some hours under way.
    payouts_change_for=timedelta(days=2),
    # Data Protection Policy: for 30 days after delivery at most. Whichever comes first counts here,
    # that an order was sent or that it arrived.
    buyers_kept=timedelta(days=30),
    lasting_fields=(
        "marketplace",
        "sales_channel",
        "service_level",
        "ship_by",
        "deliver_by",
        "programs",
        "seller_order_id",
        "belongs_to_order",
    ),
    page_size=ORDERS_ON_A_PAGE,
    stock_batch=LISTINGS_ON_A_PAGE,
    # Below this single calls are quicker, as Amazon's people say (amzn/selling-partner-api-models
    # #543); a feed takes 25,000 items (changelog of 2025-05-06).
    stock_bulk_from=1_500,
    stock_bulk_most=25_000,
    # A parcel takes three looks at its order, of which one is given back in two seconds: a hundred
    # take nine minutes by calls. That a file takes minutes, and how much goes into one, is assumed.
    parcels_bulk_from=100,
    parcels_bulk_most=5_000,
    # A search tells of changes two minutes later. So long takes a look at each of ninety orders:
    # thirty at once, then one in two seconds, which every parcel needs as well.
    news_by_reading_from=90,
    # Each region has a place of its own. Addresses that Amazon gave out end so:
    # amzn/selling-partner-api-models#1538, -docs#340.
    file_hosts=r"tortuga-prod-(?:na|eu|fe)\.s3(?:[.-][a-z0-9-]{1,30})?\.amazonaws\.com",
    # A search for orders is given back every three minutes: three in five are for polls, the rest
    # for back-fill and the nightly comparison.
    poll_every=timedelta(minutes=5),
    # A search never tells of the last two minutes.
    lag=timedelta(minutes=2),
    overlap=timedelta(minutes=10),
    # Searches are few, and two at once would only share them.
    parallel_reads=1,
    status_words=(
        "PENDING_AVAILABILITY",
        "PENDING",
        "UNSHIPPED",
        "PARTIALLY_SHIPPED",
        "SHIPPED",
        "INVOICE_UNCONFIRMED",
        "CANCELLED",
        "UNFULFILLABLE",
    ),
    status_pattern=r"[A-Z_]{1,60}",
    api_version="2026-01-01",
    docs_url="https://developer-docs.amazon.com/sp-api",
    guide="integrations/AMAZON_INTEGRATION_GUIDE.md",
)
