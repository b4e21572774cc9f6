"""The shop, the app and its installation, as GraphQL shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from integrations.sandbox.shopify.access.facts import Facts
from integrations.sandbox.shopify.api.errors import refuse
from integrations.sandbox.shopify.api.resolving import Fields
from integrations.sandbox.shopify.ids import gid
from integrations.sandbox.shopify.options import StoreOptions

_APP_ID, _INSTALLATION_ID = 1, 1


def shop(_: Any, info: Any) -> Facts:
    return Facts(info.context.store)


def installation(_: Any, info: Any) -> dict[str, Any]:
    store, grant = info.context.store, info.context.grant
    return {
        "__typename": "AppInstallation",
        "id": gid("AppInstallation", _INSTALLATION_ID),
        "app": app_of(store.options),
        "accessScopes": [{"handle": scope, "description": _about(scope)} for scope in grant.scopes],
        "launchUrl": f"{store.url}/admin/oauth/redirect_from_cli?client_id={grant.client_id}",
        "uninstallUrl": None,
    }


def app(_: Any, info: Any, *, id: str | None = None) -> dict[str, Any] | None:
    known = app_of(info.context.store.options)
    return known if id in (None, known["id"]) else None


def app_of(options: StoreOptions) -> dict[str, Any]:
    return {
        "__typename": "App",
        "id": gid("App", _APP_ID),
        "apiKey": options.client_id,
        "title": options.app_title,
        "handle": options.app_title.lower(),
        "description": None,
        "developerName": None,
        "developerType": "MERCHANT" if options.app_kind == "custom" else "PARTNER",
        "embedded": False,
        "webhookApiVersion": options.webhook_api_version,
        "requestedAccessScopes": [
            {"handle": scope, "description": _about(scope)} for scope in options.scopes
        ],
    }


def app_uninstall(_: Any, info: Any, **asked: Any) -> dict[str, Any]:
    """An app may take away itself alone."""
    store = info.context.store
    known = app_of(store.options)
    wanted = (asked.get("input") or {}).get("id")
    if wanted not in (None, known["id"]):
        raise refuse("The app cannot be found.", "input", "id", code="APP_NOT_FOUND")
    store.access.uninstall()
    return {"app": known}


def _about(scope: str) -> str:
    verb, _, what = scope.partition("_")
    return f"{'Modify' if verb == 'write' else 'Read'} {what.replace('_', ' ')}"


def _timezone_name(facts: Facts, _: Any) -> str:
    return str(datetime.fromtimestamp(facts.clock.now(), facts.clock.zone).tzname())


def _offset(facts: Facts, _: Any) -> str:
    minutes = facts.clock.offset_minutes()
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}"


def _address(facts: Facts, _: Any) -> dict[str, Any]:
    return {"id": gid("ShopAddress", facts.options.shop_id), **facts.address}


def _formatted(
    address: dict[str, Any], _: Any, *, with_company: bool = False, with_name: bool = False
) -> list[str]:
    lines = [address["address1"], f"{address['zip']} {address['city']}", address["country"]]
    return [facts for facts in ([address["company"]] if with_company else []) + lines if facts]


FIELDS: Fields = {
    "QueryRoot": {"shop": shop, "currentAppInstallation": installation, "app": app},
    "Mutation": {"appUninstall": app_uninstall},
    "Shop": {
        "id": lambda facts, _: gid("Shop", facts.options.shop_id),
        "name": lambda facts, _: facts.options.title,
        "myshopifyDomain": lambda facts, _: facts.options.domain,
        "url": lambda facts, _: f"https://{facts.options.domain}",
        "primaryDomain": lambda facts, _: {
            "id": gid("Domain", facts.options.shop_id),
            "host": facts.options.domain,
            "sslEnabled": True,
            "url": f"https://{facts.options.domain}",
        },
        "currencyCode": lambda facts, _: facts.options.currency,
        "ianaTimezone": lambda facts, _: facts.options.timezone,
        "timezoneAbbreviation": _timezone_name,
        "timezoneOffset": _offset,
        "timezoneOffsetMinutes": lambda facts, _: facts.clock.offset_minutes(),
        "taxesIncluded": lambda facts, _: facts.options.taxes_included,
        "shopAddress": _address,
        "billingAddress": _address,
    },
    "ShopAddress": {"formatted": _formatted},
}
