"""The account as a web site. One host here is what at Amazon are several: Login with Amazon, Seller
Central, the Selling Partner API of the region, and the store of files.
"""

from __future__ import annotations

from integrations.sandbox.amazon import files
from integrations.sandbox.amazon.api import door
from integrations.sandbox.amazon.login import consent, token
from integrations.sandbox.amazon.store import SellerStore
from integrations.sandbox.amazon.wire import Answer, Request

TOKEN = "/auth/o2/token"  # noqa: S105 - an address


class App:
    """``answer`` is thread-safe: the account is held while a request is answered."""

    def __init__(self, store: SellerStore) -> None:
        self._store = store

    def answer(self, request: Request) -> Answer:
        if request.path == TOKEN:
            with self._store.working():
                return token.answer(self._store, request)
        if request.path.startswith(files.ROOT):
            return files.answer(self._store, request)
        if request.path.startswith("/apps/") and request.method in ("GET", "POST"):
            return consent.answer(self._store, request)
        return door.answer(self._store, request)
