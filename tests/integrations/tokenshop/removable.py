"""TokenShop whose apps can be taken out of a store, and that says where its owner ends what they
gave.
"""

from __future__ import annotations

from dataclasses import replace

from integrations.platform import Ability
from tests.integrations.tokenshop.platform import CARD as PLAIN
from tests.integrations.tokenshop.service import TokenShopIntegration

CARD = replace(
    PLAIN,
    service="tests.integrations.tokenshop.removable.RemovableShop",
    sign_ins=tuple(replace(way, ends_at=f"Apps → {way.label}") for way in PLAIN.sign_ins),
    abilities=PLAIN.abilities | {Ability.APP_REMOVAL},
    exempt={a: why for a, why in PLAIN.exempt.items() if a is not Ability.APP_REMOVAL},
)


class RemovableShop(TokenShopIntegration):
    card = CARD

    def remove_app(self) -> None:
        self.http.post("/api/uninstall", json={})
