"""What is known of the shop itself: for GraphQL and for the webhooks that carry a shop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from integrations.sandbox.shopify.store import ShopStore

PLANS = {
    "standard": ("Grow", "professional"),
    "advanced": ("Advanced", "unlimited"),
    "plus": ("Plus", "shopify_plus"),
    "enterprise": ("Commerce Components", "enterprise"),
}
_AGE_S = 3 * 365 * 24 * 3600
_OWNER, _MAIL, _PHONE = "Erika Musterfrau", "laden@musterladen.example", "+49 221 555010"


class Facts:
    """Read by the names GraphQL has for them, in snake case."""

    TYPE = "Shop"

    def __init__(self, store: ShopStore) -> None:
        self._store = store
        self.options, self.clock = store.options, store.clock
        self.email = self.contact_email = _MAIL
        self.description = None
        self.shop_owner_name = _OWNER
        self.created_at = store.seeded_at - _AGE_S
        self.updated_at = store.seeded_at
        self.weight_unit, self.unit_system = "KILOGRAMS", "METRIC_SYSTEM"
        self.tax_shipping, self.setup_required, self.checkout_api_supported = True, False, True
        self.order_number_format_prefix, self.order_number_format_suffix = "#", ""

    @property
    def enabled_presentment_currencies(self) -> list[str]:
        own, foreign = self.options.currency, self.options.presentment_currency
        return list(dict.fromkeys(code for code in (own, foreign) if code))

    @property
    def plan(self) -> dict[str, Any]:
        name = PLANS[self.options.plan][0]
        return {
            "displayName": name,
            "publicDisplayName": name,
            "partnerDevelopment": False,
            "shopifyPlus": self.options.plan in ("plus", "enterprise"),
        }

    @property
    def features(self) -> dict[str, Any]:
        bundles = {"eligibleForBundles": True, "ineligibilityReason": None, "sellsBundles": True}
        return {"bundles": bundles, "giftCards": True}

    @property
    def address(self) -> dict[str, Any]:
        return {
            "address1": "Weg 1",
            "address2": None,
            "city": "Köln",
            "company": self.options.title,
            "coordinatesValidated": False,
            "country": "Germany",
            "countryCodeV2": "DE",
            "latitude": None,
            "longitude": None,
            "phone": _PHONE,
            "province": None,
            "provinceCode": None,
            "zip": "50667",
        }

    def rest(self) -> dict[str, Any]:
        """The body of shop/update and app/uninstalled. Source: Shopify's sample of 2026-07."""
        options, address = self.options, self.address
        display_name, plan_name = PLANS[options.plan]
        code = options.currency
        return {
            "id": options.shop_id,
            "name": options.title,
            "email": _MAIL,
            "domain": options.domain,
            "province": None,
            "country": "DE",
            "address1": address["address1"],
            "zip": address["zip"],
            "city": address["city"],
            "source": None,
            "phone": _PHONE,
            "latitude": None,
            "longitude": None,
            "primary_locale": "de",
            "address2": None,
            "created_at": self.clock.local(self.created_at),
            "updated_at": self.clock.local(self.updated_at),
            "country_code": "DE",
            "country_name": "Germany",
            "currency": code,
            "customer_email": _MAIL,
            "timezone": options.timezone,
            "iana_timezone": options.timezone,
            "shop_owner": _OWNER,
            "money_format": "{{amount}}",
            "money_with_currency_format": f"{{{{amount}}}} {code}",
            "weight_unit": "kg",
            "province_code": None,
            "taxes_included": options.taxes_included,
            "auto_configure_tax_inclusivity": None,
            "tax_shipping": True,
            "county_taxes": True,
            "plan_display_name": display_name,
            "plan_name": plan_name,
            "has_discounts": True,
            "has_gift_cards": True,
            "myshopify_domain": options.domain,
            "google_apps_domain": None,
            "google_apps_login_enabled": None,
            "money_in_emails_format": "{{amount}}",
            "money_with_currency_in_emails_format": f"{{{{amount}}}} {code}",
            "eligible_for_payments": options.uses_shopify_payments,
            "requires_extra_payments_agreement": False,
            "password_enabled": False,
            "has_storefront": True,
            "finances": True,
            "primary_location_id": self._store.catalogue.active_locations()[0].id,
            "checkout_api_supported": True,
            "multi_location_enabled": True,
            "setup_required": False,
            "pre_launch_enabled": False,
            "enabled_presentment_currencies": self.enabled_presentment_currencies,
            "marketing_sms_consent_enabled_at_checkout": False,
            "transactional_sms_disabled": False,
        }
