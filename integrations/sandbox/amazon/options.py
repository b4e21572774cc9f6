"""How one simulated seller account is set up: where it sells, which application may call, how fast
its time runs.
"""

from __future__ import annotations

from msgspec import Struct

from integrations.sandbox.amazon.marketplaces import MARKETPLACES, USUAL

SHIPPING_ROLE = "Direct-to-Consumer Shipping (Restricted)"
TAX_ROLE = "Tax Invoicing (Restricted)"
ALL_ROLES = (
    "Amazon Fulfillment",
    "Finance and Accounting",
    "Inventory and Order Tracking",
    "Product Listing",
    "Selling Partner Insights",
    SHIPPING_ROLE,
    TAX_ROLE,
)
"""Titles as the developer console shows them."""


class AccountOptions(Struct, frozen=True, kw_only=True):
    """``seeded_at`` (epoch seconds) anchors the seed's dates; None is the moment the account is
    made. Every ``…_s`` is counted on the account's own clock.

    - ``region`` "na", "eu" or "fe" chooses ``marketplaces`` where none are named.
    - ``time_scale``: the account's clock runs so many times as fast as ours. Quotas fill up and
      tokens end on it, so a test need not wait three minutes for the next page of orders.
    - ``refresh_token`` is what the seller sees once when authorising a private app; empty: the app
      is not authorised yet.
    - ``app_kind`` "private" is authorised by the seller himself and for good, "public" through the
      consent page and for 365 days. ``is_draft``: the consent page wants ``version=beta``.
    - ``redirect_uris`` are registered with the app; the first is used where none is asked for. None
      registered: any https or loopback address will do.
    - ``login_uri`` is where the Appstore sends a seller who starts there.
    - ``roles`` are the app's; without the restricted ones addresses come back in part.
    - ``lag_s``: what changed within it is not listed by ``searchOrders`` yet.
    - ``accept_s``: how long an accepted change of a listing takes to be seen; ``report_s`` and
      ``feed_s``: how long one takes to be done; ``authorise_s``: how long a buyer's payment takes.
    - ``settle_days``: how many days an account's money is settled for at once; 0: never.
    - ``posted_lag_s``: how long finances tell nothing of what happened; Amazon says up to 48 hours.
    - ``pending_has_money``: pending orders come with prices, as was seen in Japan in 2026-02
      (amzn/selling-partner-api-models#5139). Elsewhere nobody has said.
    - ``discounts_are_positive``: the sign of a discount among an order's proceeds. No official
      example has one; here it is negative, so that all parts add up as in the examples.
    - ``queue_endpoint``: what speaks SQS for the queues that notifications are led to, such as
      ``http://127.0.0.1:5000``; empty: none is sent.
    - ``skus``: the first merchant-fulfilled listings bear these SKUs, which another store sells
      too.
    """

    title: str = "Musterhandel"
    seller_id: str = "A2SANDBOX7SELL"
    region: str = "eu"
    marketplaces: tuple[str, ...] = ()
    seed: int = 1
    orders: int = 300
    products: int = 60
    skus: tuple[str, ...] = ()
    history_days: int = 90
    same_second: int = 0
    seeded_at: int | None = None
    time_scale: float = 1.0
    app_title: str = "Logix"
    app_kind: str = "private"
    is_draft: bool = False
    application_id: str = "amzn1.sp.solution.sandbox"
    client_id: str = "amzn1.application-oa2-client.sandbox"
    client_secret: str = "amzn1.oa2-cs.v1.sandbox"  # noqa: S105 - the invented app's own secret
    refresh_token: str = "Atzr|sandbox"  # noqa: S105 - the invented account's own token
    redirect_uris: tuple[str, ...] = ()
    login_uri: str = ""
    roles: tuple[str, ...] = ALL_ROLES
    lag_s: float = 120.0
    accept_s: float = 60.0
    report_s: float = 45.0
    feed_s: float = 60.0
    authorise_s: float = 1_800.0
    settle_days: float = 14.0
    posted_lag_s: float = 0.0
    pending_has_money: bool = False
    discounts_are_positive: bool = False
    queue_endpoint: str = ""

    def __post_init__(self) -> None:
        """Raises ValueError for what no account can be."""
        if self.region not in USUAL:
            raise ValueError(f"“{self.region}” is no region. There are: {', '.join(USUAL)}.")
        for name in self.marketplaces:
            if name not in MARKETPLACES:
                raise ValueError(f"“{name}” is no marketplace of Amazon's.")
        if not 0 < self.time_scale <= 100_000:
            raise ValueError(f"time_scale lies above 0 and up to 100000, not {self.time_scale}.")

    @property
    def sells_in(self) -> tuple[str, ...]:
        return self.marketplaces or USUAL[self.region]
