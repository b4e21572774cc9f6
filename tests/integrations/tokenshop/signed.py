"""TokenShop with webhooks that its apps sign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from integrations.base import Subscription
from integrations.platform import Ability, AuthKind, CredentialField, SignIn, WebhookScheme
from tests.integrations.tokenshop.platform import CARD as PLAIN
from tests.integrations.tokenshop.service import TokenShopIntegration

_SIGN_INS = (
    *PLAIN.sign_ins[:2],
    SignIn(
        kind=AuthKind.TOKEN,
        label="A token",
        fields=(
            CredentialField(name="access_token", label="Access token"),
            CredentialField(name="client_secret", label="API secret key", required=False),
        ),
    ),
)
CARD = replace(
    PLAIN,
    service="tests.integrations.tokenshop.signed.SignedShop",
    sign_ins=_SIGN_INS,
    abilities=PLAIN.abilities | {Ability.WEBHOOKS},
    exempt={a: why for a, why in PLAIN.exempt.items() if a is not Ability.WEBHOOKS},
    topics=("order",),
    webhooks=WebhookScheme(
        scheme="hmac-sha256-base64",
        signature_header="X-Sig",
        signed_by_app=True,
        account_header="X-Shop",
    ),
)


class SignedShop(TokenShopIntegration):
    card = CARD

    def setup_webhooks(self, events: Sequence[str]) -> list[Subscription]:
        url = self.connection.callback_url
        return [Subscription(external_id=topic, topic=topic, url=url) for topic in events]
