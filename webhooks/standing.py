"""News about our app at the store: removed, or allowed other things. Headers say so and are not
signed, so the store is asked, and its answer counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from integrations import authentication, connect, policy
from integrations.authentication import Held
from integrations.base import BaseEcommerceIntegration, StoreIdentity
from integrations.errors import PlatformError
from integrations.events import EventKind
from integrations.models import Store
from webhooks.reading import Thing

KINDS = frozenset({EventKind.STORE_GONE, EventKind.SCOPES_CHANGED})


@dataclass(frozen=True, slots=True)
class StoreAnswer:
    """Who the store says it is, where that was asked; ``refused``: the keys it does not take any
    more.
    """

    observed_at: datetime
    identity: StoreIdentity | None = None
    refused: Held | None = None

    def apply(self, store: Store) -> tuple[str, set[Thing], str]:
        """Write it: (outcome, nothing parked, nothing left out). Call inside a transaction."""
        if self.refused is not None and connect.uninstalled(
            store, self.refused, at=self.observed_at
        ):
            return "store_uninstalled", set(), ""
        if self.identity is not None:
            connect.scopes_changed(store, self.identity)
            return "scopes_read", set(), ""
        return "store_answers", set(), ""


def ask(
    store: Store, adapter: BaseEcommerceIntegration, kind: EventKind, now: datetime
) -> StoreAnswer:
    """Raises PlatformError for an answer that tells neither."""
    if kind is EventKind.SCOPES_CHANGED:
        return StoreAnswer(now, identity=adapter.identify())
    held = authentication.held(store)
    try:
        adapter.authenticate()
    except PlatformError as err:
        if not policy.keeps_out(err):
            raise
        return StoreAnswer(now, refused=held)
    return StoreAnswer(now)
