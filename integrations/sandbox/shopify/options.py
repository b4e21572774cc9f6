"""How one simulated store is set up: what its owner chose, which plan it is on, which app may
call.
"""

from __future__ import annotations

from msgspec import Struct

ALL_SCOPES = (
    "read_all_orders",
    "read_customers",
    "read_fulfillments",
    "read_locations",
    "read_payment_terms",
    "read_shopify_payments_accounts",
    "write_assigned_fulfillment_orders",
    "write_inventory",
    "write_merchant_managed_fulfillment_orders",
    "write_orders",
    "write_products",
    "write_returns",
    "write_third_party_fulfillment_orders",
)
"""Whoever may write may read."""


class StoreOptions(Struct, frozen=True, kw_only=True):
    """``seeded_at`` (epoch seconds) anchors the seed's dates; None is the moment the store is made.

    - ``presentment_currency`` is what foreign buyers pay in; the shop's own where it is empty.
    - ``plan`` is "standard", "advanced", "plus" or "enterprise" and sets the rate limit.
    - ``access_token`` is the permanent token of a custom app, as a merchant pastes it; empty: none.
    - ``scopes`` are what the app asks for and, unless the merchant grants fewer, gets.
    - ``app_kind`` "custom" may use permanent tokens, "public" only expiring ones.
    - ``sees_customers``: protected customer data is approved for the app.
    - ``compliance_uri``: where the app's configuration sends what cannot be subscribed to
      (``shop/redact``); empty: nowhere.
    - ``hour_s``: how long an hour lasts where the store only waits (webhook retries, redaction).
    - ``bulk_s``: how long a bulk operation takes.
    - ``skus``: the first counted variants bear these SKUs, which another store sells as well.
    """

    title: str = "Musterladen"
    handle: str = "musterladen"
    shop_id: int = 548_380_009
    seed: int = 1
    orders: int = 300
    products: int = 60
    skus: tuple[str, ...] = ()
    history_days: int = 90
    same_second: int = 0
    seeded_at: int | None = None
    timezone: str = "Europe/Berlin"
    currency: str = "EUR"
    presentment_currency: str = "USD"
    taxes_included: bool = True
    plan: str = "standard"
    is_multi_location: bool = True
    uses_shopify_payments: bool = True
    app_title: str = "Logix"
    app_kind: str = "custom"
    client_id: str = "sandboxclientid"
    client_secret: str = "shpss_sandbox"  # noqa: S105 - the invented app's own secret
    access_token: str = "shpat_sandbox"  # noqa: S105 - the invented store's own token
    scopes: tuple[str, ...] = ALL_SCOPES
    sees_customers: bool = True
    webhook_api_version: str = "2026-07"
    compliance_uri: str = ""
    hour_s: float = 3600.0
    bulk_s: float = 0.2

    @property
    def domain(self) -> str:
        return f"{self.handle}.myshopify.com"
