"""The app in this store: whether it is installed, what it was granted, its living tokens."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import msgspec

from integrations.sandbox.shopify.access.models import DAY, HOUR, Code, Grant, Refresh

if TYPE_CHECKING:
    from integrations.sandbox.shopify.store import ShopStore

ACCESS_S = HOUR
REFRESH_S = 90 * DAY
FORMER_S = 30 * DAY
CREDENTIALS_S = DAY - 1
_CODE_S = 60


class Saved(msgspec.Struct):
    is_installed: bool
    granted: tuple[str, ...]
    grants: list[Grant]
    refreshes: list[Refresh]


class AccessRoom:
    """``fewer`` is set by the control: what the merchant grants next, whatever is asked for."""

    def __init__(self, store: ShopStore) -> None:
        self._store = store
        options = store.options
        self.is_installed = bool(options.access_token)
        self.granted: tuple[str, ...] = compressed(options.scopes) if self.is_installed else ()
        self.grants: dict[str, Grant] = {}
        self.refreshes: dict[str, Refresh] = {}
        self.codes: dict[str, Code] = {}
        self.fewer: tuple[str, ...] | None = None
        if options.access_token:
            self.admit(options.access_token)

    # -- asking --------------------------------------------------------------------------------

    def grant_of(self, token: str) -> Grant | None:
        """The living grant of a token."""
        found = self.grants.get(token)
        if found is None or found.is_dead or not self.is_installed:
            return None
        if found.expires_at is not None and found.expires_at <= self._store.clock.now():
            return None
        return found

    def has_any(self, scopes: tuple[str, ...]) -> bool:
        """Whether the app was granted one of these."""
        held = Grant("", "", self.granted)
        return any(held.allows(scope) for scope in scopes)

    def offered(self, asked: tuple[str, ...]) -> tuple[str, ...]:
        """What the merchant grants of what is asked for."""
        if self.fewer is None:
            return compressed(asked)
        wanted = Grant("", "", asked)
        return compressed(tuple(scope for scope in self.fewer if wanted.allows(scope)))

    # -- giving --------------------------------------------------------------------------------

    def admit(self, token: str) -> Grant:
        """A permanent token with what was granted, as a custom app's."""
        grant = Grant(token, self._store.options.client_id, self.granted)
        self.grants[token] = grant
        return grant

    def install(self, scopes: tuple[str, ...]) -> None:
        """The merchant agrees; tokens of before learn of it, as an app's scopes are the app's."""
        before, self.granted = self.granted, scopes
        was_installed, self.is_installed = self.is_installed, True
        for grant in self.grants.values():
            grant.scopes = scopes
        if was_installed and set(before) != set(scopes):
            self._store.emit("app/scopes_update", 1, self._scopes_changed(before, scopes))

    def new_code(self, scopes: tuple[str, ...], redirect_uri: str) -> Code:
        until = self._store.clock.now() + _CODE_S
        code = Code(secrets.token_hex(16), scopes, redirect_uri, until)
        self.codes[code.code] = code
        return code

    def new_grant(self, scopes: tuple[str, ...], lives_s: int | None) -> Grant:
        expires_at = None if lives_s is None else self._store.clock.now() + lives_s
        token = f"shpat_{secrets.token_hex(16)}"
        grant = Grant(token, self._store.options.client_id, scopes, expires_at)
        self.grants[token] = grant
        return grant

    def new_refresh(self, scopes: tuple[str, ...], former: str = "") -> Refresh:
        until = self._store.clock.now() + REFRESH_S
        refresh = Refresh(f"shprt_{secrets.token_hex(16)}", scopes, until, former)
        self.refreshes[refresh.token] = refresh
        return refresh

    def exchange(self, token: str) -> Refresh | None:
        """A refresh token for the next. The one before stays good until its successor is first
        used, at most 30 days, so that a lost answer can be asked for again; asked for again, its
        first successor is gone. Source: shopify.dev changelog of 2026-08 on refresh tokens.
        """
        now = self._store.clock.now()
        found = self.refreshes.get(token)
        if found is None or found.until <= now:
            return None
        self.refreshes.pop(found.former, None)
        for other in [one for one in self.refreshes.values() if one.former == token]:
            del self.refreshes[other.token]
        found.until = min(found.until, now + FORMER_S)
        found.former = ""
        return self.new_refresh(self.granted, former=token)

    # -- taking back ---------------------------------------------------------------------------

    def revoke(self) -> None:
        """Every token dies; the app stays installed, as when its keys are rotated."""
        for grant in self.grants.values():
            grant.is_dead = True
        self.refreshes.clear()

    def uninstall(self) -> None:
        """The tokens are dead before anybody hears of it, and subscriptions go with the app."""
        if not self.is_installed:
            return
        self.is_installed = False
        self.grants.clear()
        self.refreshes.clear()
        self.codes.clear()
        self._store.emit("app/uninstalled", self._store.options.shop_id)

    # -- keeping -------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        saved = Saved(
            self.is_installed, self.granted, [*self.grants.values()], [*self.refreshes.values()]
        )
        found: dict[str, Any] = msgspec.to_builtins(saved)
        return found

    def restore(self, saved: dict[str, Any]) -> None:
        kept = msgspec.convert(saved, Saved)
        self.is_installed, self.granted = kept.is_installed, kept.granted
        self.grants = {grant.token: grant for grant in kept.grants}
        self.refreshes = {refresh.token: refresh for refresh in kept.refreshes}

    def _scopes_changed(self, before: tuple[str, ...], now: tuple[str, ...]) -> dict[str, Any]:
        return {
            "id": 1,
            "shop_id": f"gid://shopify/Shop/{self._store.options.shop_id}",
            "previous": list(before),
            "current": list(now),
            "updated_at": self._store.clock.local(self._store.clock.now()),
        }


def compressed(scopes: tuple[str, ...]) -> tuple[str, ...]:
    """Sorted, without the reading that writing brings along: so Shopify tells them. Source:
    Shopify/shopify-app-js, lib/auth/scopes.
    """
    names = {scope.strip() for scope in scopes if scope.strip()}
    return tuple(
        sorted(
            name
            for name in names
            if not (name.startswith("read_") and f"write_{name.removeprefix('read_')}" in names)
        )
    )
