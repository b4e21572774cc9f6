"""How one simulated store is set up: what its owner chose, and which quirks its host has."""

from __future__ import annotations

from msgspec import Struct

NEW, OLD = "11.0.1", "8.9.3"


class StoreOptions(Struct, frozen=True, kw_only=True):
    """``seeded_at`` (epoch seconds) anchors the seed's dates; None is the moment the store is made.

    - ``plugins`` may name "fulfillments", "shipment_tracking" and "ast".
    - ``strips_authorization``: the web server drops that header before PHP sees it.
    - ``ignores_modified``: WooCommerce before 5.8, which passes over modified_after silently.
    - ``touches_on_view``: versions of 2023 that moved an order's date when it was read (#41226).
    - ``shuffles_ties``: MySQL leaves rows of one second in any order, another one for each page,
      where a list is sorted by date alone and no index helps, as in the posts table.
    - ``serves_plain_http_as_tls``: PHP was told that every request came over TLS.
    """

    title: str = "Musterladen"
    home_url: str = "https://shop.example/"
    version: str = NEW
    seed: int = 1
    orders: int = 300
    products: int = 60
    first_order_id: int = 2_000
    history_days: int = 90
    same_second: int = 0
    seeded_at: int | None = None
    timezone: str = "Europe/Berlin"
    currency: str = "EUR"
    prices_include_tax: bool = False
    is_hpos: bool = True
    plugins: tuple[str, ...] = ()
    custom_statuses: tuple[str, ...] = ()
    permalinks: str = "pretty"
    rest_prefix: str = "wp-json"
    consumer_key: str = "ck_sandbox"
    consumer_secret: str = "cs_sandbox"  # noqa: S105 - the invented store's own key, no secret
    permissions: str = "read_write"
    strips_authorization: bool = False
    ignores_modified: bool = False
    touches_on_view: bool = False
    shuffles_ties: bool = False
    serves_plain_http_as_tls: bool = False
