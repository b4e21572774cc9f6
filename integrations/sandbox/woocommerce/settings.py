"""What a store tells of itself: system status, settings, currency, order statuses."""

from __future__ import annotations

from typing import Any

from integrations.sandbox.woocommerce.calls import Call, ok
from integrations.sandbox.woocommerce.money import currency_facts
from integrations.sandbox.woocommerce.routes import CORE_STATUSES
from integrations.sandbox.woocommerce.selling import label
from integrations.sandbox.woocommerce.store import WooStore
from integrations.sandbox.woocommerce.wire import Answer, Refused

_ORDERS = "Automattic\\WooCommerce\\Internal\\DataStores\\Orders\\OrdersTableDataStore"
_POSTS = "WC_Order_Data_Store_CPT"


def statuses(call: Call) -> Answer:
    """Open to everybody. Source: src/Internal/Orders/OrderStatusRestController.php."""
    words = (*CORE_STATUSES[1:], *call.store.options.custom_statuses)
    return ok([{"slug": word, "name": label(word)} for word in words])


def system_status(call: Call) -> Answer:
    """The groups and keys clients read; a real store has many more."""
    store = call.store
    options = store.options
    code = options.currency
    shown: dict[str, Any] = {
        "environment": {
            "home_url": store.home_url.rstrip("/"),
            "site_url": store.home_url.rstrip("/"),
            "version": options.version,
            "wp_version": "7.0.4" if store.is_new else "6.5.5",
            "wp_multisite": False,
            "language": "en_US",
            "php_version": "8.2",
            "default_timezone": "UTC",
        },
        "database": {"wc_database_version": options.version, "database_prefix": "wp_"},
        "active_plugins": [],
        "inactive_plugins": [],
        "dropins_mu_plugins": {"dropins": [], "mu_plugins": []},
        "theme": {"name": "Storefront", "version": "4.6.0"},
        "settings": {
            "api_enabled": False,
            "force_ssl": False,
            "currency": code,
            "currency_symbol": currency_facts(code)[3],
            "currency_position": "left",
            "thousand_separator": ",",
            "decimal_separator": ".",
            "number_of_decimals": store.decimals,
            "order_datastore": _ORDERS if options.is_hpos else _POSTS,
            "HPOS_enabled": options.is_hpos,
            "HPOS_sync_enabled": False,
        },
        "security": {"secure_connection": True, "hide_errors": True},
        "pages": [],
        "post_type_counts": [],
    }
    if store.is_new:
        features = ["analytics", "marketplace", "order_attribution"]
        if options.is_hpos:
            features.append("custom_order_tables")
        if "fulfillments" in options.plugins:
            features.append("fulfillments")
        shown["settings"]["enabled_features"] = features
    return ok(shown)


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _groups(store: WooStore) -> dict[str, tuple[tuple[str, str, str, str, str], ...]]:
    """id, label, type, default, value."""
    options = store.options
    taxed = _yes(options.prices_include_tax)
    return {
        "general": (
            ("woocommerce_store_address", "Address line 1", "text", "", "Weg 1"),
            ("woocommerce_store_city", "City", "text", "", "Köln"),
            ("woocommerce_default_country", "Country / State", "select", "US:CA", "DE"),
            ("woocommerce_store_postcode", "Postcode / ZIP", "text", "", "50667"),
            ("woocommerce_calc_taxes", "Enable taxes", "checkbox", "no", "yes"),
            ("woocommerce_currency", "Currency", "select", "USD", options.currency),
            ("woocommerce_currency_pos", "Currency position", "select", "left", "left"),
            ("woocommerce_price_num_decimals", "Decimals", "number", "2", str(store.decimals)),
        ),
        "products": (
            ("woocommerce_weight_unit", "Weight unit", "select", "kg", "kg"),
            ("woocommerce_dimension_unit", "Dimensions unit", "select", "cm", "cm"),
            ("woocommerce_manage_stock", "Manage stock", "checkbox", "yes", "yes"),
            ("woocommerce_hold_stock_minutes", "Hold stock (minutes)", "number", "60", "60"),
        ),
        "tax": (
            ("woocommerce_prices_include_tax", "Prices with tax", "radio", "no", taxed),
            ("woocommerce_tax_based_on", "Based on", "select", "shipping", "shipping"),
        ),
    }


def group(call: Call) -> Answer:
    wanted = str(call.args.get("group_id", ""))
    rows = _groups(call.store).get(wanted)
    if rows is None:
        raise Refused("rest_setting_setting_group_invalid", "Invalid setting group.", 404)
    path = f"/wc/v3/settings/{wanted}"
    return ok(
        [
            {
                "id": name,
                "label": text,
                "description": "",
                "type": kind,
                "default": default,
                "tip": "",
                "value": value,
                "group_id": wanted,
                "_links": call.store.links(f"{path}/{name}", path, allow=("GET",)),
            }
            for name, text, kind, default, value in rows
        ]
    )


def data(call: Call) -> Answer:
    path = "/wc/v3/data"
    texts = {
        "continents": "List of supported continents, countries, and states.",
        "countries": "List of supported states in a given country.",
        "currencies": "List of supported currencies.",
    }
    return ok(
        [
            {
                "slug": slug,
                "description": text,
                "_links": call.store.links(f"{path}/{slug}", path, allow=("GET",)),
            }
            for slug, text in texts.items()
        ]
    )


def currency(call: Call) -> Answer:
    code = call.store.options.currency
    _, name, _, entity = currency_facts(code)
    path = "/wc/v3/data/currencies"
    links = call.store.links(f"{path}/{code}", path, allow=("GET",))
    return ok({"code": code, "name": name, "symbol": entity, "_links": links})
