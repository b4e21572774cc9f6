"""Checks of what is sealed: does the key ring open the stores' keys, do those open the credentials,
is the pepper still the one the audit log was written with.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Count

from integrations import authentication
from integrations.errors import AuthenticationFailed, PlatformError
from integrations.management.findings import Check, Finding, bad, ok, warn
from integrations.models import Store, StoreStatus
from logix.accounts import audit, keys
from logix.accounts.models import DataKey
from logix.common import crypto

_NAMED = 3


def key_ring() -> Iterator[Finding]:
    """One data key of every ring key in use is opened: losing a ring key means losing what it
    wrapped.
    """
    try:
        write_kid = crypto.ring().write_kid
    except ValueError as err:
        yield bad("keys", str(err), "Restore LOGIX_KEYS from its backup.")
        return
    living = DataKey.objects.exclude(wrapped="")
    counts = dict(living.order_by("kid").values_list("kid").annotate(Count("pk")))
    lost = [finding for kid, count in counts.items() if (finding := _opens(kid, count))]
    yield from lost
    old = sum(count for kid, count in counts.items() if kid != write_kid)
    if old:
        yield warn(
            "keys",
            f"{old} data keys are still under an old key.",
            "Run manage.py rotate_keys before you remove the old key from LOGIX_KEYS.",
        )
    elif not lost:
        yield ok("keys", f"{sum(counts.values())} data keys open with “{write_kid}”.")


def _opens(kid: str, count: int) -> Finding | None:
    sample = DataKey.objects.filter(kid=kid).exclude(wrapped="").order_by("pk").first()
    if sample is None:
        return None  # re-wrapped this moment
    keys.vault.cache_clear()
    try:
        keys.vault(sample.pk)
    except crypto.SealBroken as err:
        return bad(
            "keys",
            f"The first of {count} data keys under “{kid}” does not open: {err}",
            "Put that key back into LOGIX_KEYS; without it their stores must be connected again.",
        )
    return None


def credentials() -> Iterator[Finding]:
    """Every store's credentials are opened, and forgotten at once."""
    rows = Store.objects.exclude(status__in=[StoreStatus.DISCONNECTED, StoreStatus.DRAFT])
    shut: list[str] = []
    seen = 0
    for store in rows.order_by("name", "pk").iterator():
        seen += 1
        try:
            authentication.read_credentials(store)
        except AuthenticationFailed:
            continue  # it has none; the check of the stores says who must act
        except (PlatformError, ValueError):
            shut.append(store.name)
    if shut:
        names = ", ".join(shut[:_NAMED]) + (" and others" if len(shut) > _NAMED else "")
        yield bad(
            "credentials",
            f"Those of {len(shut)} of {seen} stores do not open ({names}).",
            "If a check of the keys above fails, mend that first. Otherwise their rows were "
            "altered or restored from elsewhere: enter the credentials of these stores again.",
        )
    else:
        yield ok("credentials", f"Those of {seen} stores can be opened.")


def pepper() -> Iterator[Finding]:
    """The newest audit event is verified: its hash needs the pepper it was written with."""
    newest = audit.newest()
    if newest is None or audit.holds(newest):
        yield ok("pepper", "It fits what was written with it.")
    else:
        yield bad(
            "pepper",
            "The newest audit event does not verify: LOGIX_PEPPER is not the one it was written "
            "with, or the event was changed.",
            "Put the former LOGIX_PEPPER back: with another, buyers are not found by e-mail or "
            "phone. If it never changed, run manage.py doctor --audit.",
        )


def audit_log() -> Iterator[Finding]:
    """Every chain from its first event; takes a while on an old hub."""
    found = False
    for merchant, where in audit.breaks():
        found = True
        name = merchant.name if merchant else "the hub itself"
        yield bad(
            "audit log",
            f"The chain of {name} does not hold: {where}",
            "Find out who could write to the database; compare with a backup.",
        )
    if not found:
        yield ok("audit log", "All chains hold.")


SEALED: tuple[Check, ...] = (key_ring, credentials, pepper)
