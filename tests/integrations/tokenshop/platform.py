"""The card of TokenShop."""

from __future__ import annotations

from integrations.platform import (
    Ability,
    AuthKind,
    CredentialField,
    PlatformCard,
    RateLimit,
    SignIn,
)

_CAN = frozenset(
    {
        Ability.ORDERS,
        Ability.PRODUCTS,
        Ability.STOCK_WRITE,
        Ability.NOTES,
        Ability.REFUNDS_READ,
        Ability.ONE_CLICK_CONNECT,
    }
)
_ID = CredentialField(name="client_id", label="Client id", secret=False, pattern=r"\w{2,40}")
_SECRET = CredentialField(name="client_secret", label="Client secret")
CARD = PlatformCard(
    slug="tokenshop",
    name="TokenShop",
    service="tests.integrations.tokenshop.service.TokenShopIntegration",
    routes="",
    sign_ins=(
        SignIn(
            kind=AuthKind.OAUTH2,
            label="Connect with TokenShop",
            fields=(
                CredentialField(name="client_id", label="Client id", required=False),
                CredentialField(name="client_secret", label="Client secret", required=False),
            ),
        ),
        SignIn(kind=AuthKind.CLIENT_CREDENTIALS, label="Your own app", fields=(_ID, _SECRET)),
        SignIn(
            kind=AuthKind.REFRESH_TOKEN,
            label="Your own app, with a refresh token",
            fields=(_ID, _SECRET, CredentialField(name="refresh_token", label="Refresh token")),
        ),
        SignIn(
            kind=AuthKind.TOKEN,
            label="A token",
            fields=(CredentialField(name="access_token", label="Access token"),),
        ),
    ),
    abilities=_CAN,
    exempt={ability: "Not in a fake." for ability in Ability if ability not in _CAN},
    limits=(RateLimit(rate=500, burst=500),),
    wanted_scopes=("read_orders", "read_products", "write_stock", "read_refunds"),
    optional_scopes=("write_stock", "read_refunds"),
    scopes={
        "read_orders": (Ability.ORDERS,),
        "read_products": (Ability.PRODUCTS,),
        "write_stock": (Ability.STOCK_WRITE,),
        "read_refunds": (Ability.REFUNDS_READ,),
    },
    host_pattern=r"[a-z0-9][a-z0-9-]*\.tokenshop\.example",
    pkce=True,
)
