"""Every way a platform can say no, named by who must act.

    PlatformError
    ├── Wait                    nobody: try again later
    │   ├── Unavailable         time-out, 5xx, connection lost, maintenance
    │   │   └── OutcomeUnknown  the write was sent, no answer came: look before sending again
    │   └── RateLimited         429 and friends; carries retry_after_s
    ├── MerchantMustAct
    │   ├── AuthenticationFailed    key or token refused
    │   └── PermissionMissing       key works, but not for this; carries the missing scopes
    ├── Misconfigured           staff: wrong URL, redirect, blocked address, TLS, hub settings
    ├── ItemError               this item only, everything else goes on
    │   ├── Rejected            the platform understood and refused
    │   └── NotFound            it is not there (any more)
    ├── ContractBroken          a developer: the answer breaks the contract; carries the path
    └── Unsupported             a developer: asked for an ability the card declares exempt

Adapters and ``kit`` raise these; one policy table in the engine (``integrations.policy``) decides
what follows. A message is a sentence for the person who must act: it never holds a secret, a token
or a buyer's data.
"""

from __future__ import annotations


class PlatformError(Exception):
    """Base of all errors that come from talking to a store. ``code`` is stable and searchable."""

    code = "platform_error"

    def __init__(self, message: str, *, code: str | None = None, status: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return self.message


class Wait(PlatformError):
    """Nobody has to act; the same call may succeed later."""

    code = "wait"


class Unavailable(Wait):
    """The store did not answer properly: time-out, 5xx, lost connection, maintenance page."""

    code = "unavailable"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        status: int | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, code=code, status=status)
        self.retry_after_s = retry_after_s


class OutcomeUnknown(Unavailable):
    """A write was sent and its answer was lost. It may have happened: look first, then resend."""

    code = "outcome_unknown"


class RateLimited(Wait):
    """The store asked us to slow down, or our own limiter has no room before ``retry_after_s``."""

    code = "rate_limited"

    def __init__(
        self,
        message: str,
        *,
        retry_after_s: float,
        code: str | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message, code=code, status=status)
        self.retry_after_s = retry_after_s


class MerchantMustAct(PlatformError):
    """Nothing works until the merchant (or staff for them) renews the connection."""

    code = "merchant_must_act"


class AuthenticationFailed(MerchantMustAct):
    """The credentials were refused."""

    code = "authentication_failed"


class PermissionMissing(MerchantMustAct):
    """The credentials are valid but do not allow this. ``scopes`` names what is missing, in the
    platform's words.
    """

    code = "permission_missing"

    def __init__(
        self,
        message: str,
        *,
        scopes: tuple[str, ...] = (),
        code: str | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message, code=code, status=status)
        self.scopes = scopes


class Misconfigured(PlatformError):
    """Staff must mend the connection or the hub: wrong URL, redirecting store, blocked address, bad
    certificate.
    """

    code = "misconfigured"


class ItemError(PlatformError):
    """This item only; the rest of the batch goes on."""

    code = "item_error"


class Rejected(ItemError):
    """The platform understood the request and refused it."""

    code = "rejected"


class NotFound(ItemError):
    """The platform does not know the item (any more)."""

    code = "not_found"


class ContractBroken(PlatformError):
    """An answer breaks the documented contract. ``path`` points into it, like
    ``$.line_items[2].total``.
    """

    code = "contract_broken"

    def __init__(
        self,
        message: str,
        *,
        path: str = "$",
        code: str | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message, code=code, status=status)
        self.path = path


class Unsupported(PlatformError):
    """The platform cannot do this; its card says why."""

    code = "unsupported"
