"""Taking the app out of a store."""

from __future__ import annotations

import msgspec

from integrations.shopify import refusals
from integrations.shopify.client import ShopifyClient, user_errors

_GONE = "APP_NOT_INSTALLED"


def remove(client: ShopifyClient) -> None:
    """Uninstall the app that calls: an app may take away none but itself. Shopify deletes its
    webhooks, ends its tokens, and two days later sends ``shop/redact`` to the address that was
    entered with the app. Cannot be taken back. Raises Rejected and whatever a call may raise.

    https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/appUninstall
    """
    payload = client.ask("uninstall").at("appUninstall", dict[str, msgspec.Raw])
    if found := [error for error in user_errors(payload) if error.code != _GONE]:
        raise refusals.rejection(found)
