"""The app's tokens. Everything here is invented and guards nothing but this simulator."""

from __future__ import annotations

from msgspec import Struct

HOUR = 3600
DAY = 24 * HOUR


class Grant(Struct):
    """One access token and what it may do. ``expires_at`` None: it is permanent."""

    token: str
    client_id: str
    scopes: tuple[str, ...]
    expires_at: int | None = None
    is_dead: bool = False

    def allows(self, scope: str) -> bool:
        """Whoever may write may read."""
        return scope in self.scopes or (
            scope.startswith("read_") and f"write_{scope.removeprefix('read_')}" in self.scopes
        )


class Refresh(Struct):
    """A refresh token. ``former`` is the one it replaced, which dies when this is first used.
    ``until`` ends it (epoch seconds), used or not.
    """

    token: str
    scopes: tuple[str, ...]
    until: int
    former: str = ""


class Code(Struct):
    """What the browser brings back to the app, once."""

    code: str
    scopes: tuple[str, ...]
    redirect_uri: str
    until: int
