"""The card of FakeShop."""

from __future__ import annotations

from integrations.platform import (
    Ability,
    AuthKind,
    CredentialField,
    PlatformCard,
    RateLimit,
    SignIn,
    WebhookScheme,
)

_CAN = frozenset(
    {
        Ability.ORDERS,
        Ability.PRODUCTS,
        Ability.STOCK_WRITE,
        Ability.WEBHOOKS,
        Ability.ONE_CLICK_CONNECT,
    }
)
CARD = PlatformCard(
    slug="fakeshop",
    name="FakeShop",
    service="tests.integrations.fakeshop.service.FakeShopIntegration",
    routes="",
    sign_ins=(
        SignIn(
            kind=AuthKind.API_KEYS,
            label="Keys",
            fields=(
                CredentialField(name="key", label="Key", help="FakeShop → Keys.", pattern=r"k_\w+"),
                CredentialField(name="secret", label="Secret"),
                CredentialField(name="note", label="Note", required=False, secret=False),
            ),
        ),
    ),
    abilities=_CAN,
    exempt={ability: "Not in a fake." for ability in Ability if ability not in _CAN},
    webhooks=WebhookScheme(scheme="hmac-sha256-base64", signature_header="x-fake-signature"),
    topics=("order", "product"),
    limits=(RateLimit(rate=50, burst=50), RateLimit(rate=2, burst=2, bucket="slow")),
    scopes={"write": (Ability.STOCK_WRITE,)},
)
