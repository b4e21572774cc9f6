"""What Login with Amazon keeps."""

from __future__ import annotations

from msgspec import Struct

HOUR, DAY = 3600, 24 * 3600


class Refresh(Struct):
    """Lives until the seller takes it back; a public app's authorisation ends after 365 days."""

    token: str
    authorised_at: int
    is_revoked: bool = False


class Access(Struct):
    """``refresh`` is the token it was got with; a grantless one has a ``scope`` instead."""

    token: str
    until: float
    refresh: str = ""
    scope: str = ""


class Code(Struct):
    code: str
    until: float
    redirect_uri: str


class Login(Struct):
    """The client secret is good for 180 days from ``secret_made_at``. ``roles`` are the app's."""

    client_secret: str
    secret_made_at: int
    roles: tuple[str, ...]
    refreshes: dict[str, Refresh] = {}
    accesses: dict[str, Access] = {}
    codes: dict[str, Code] = {}
