"""What the compliance report says: how long buyers' data are kept, who may see them, how old the
keys are. Counts, times and the names of staff; no buyer, no secret.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Count, Min, Q

from integrations import authentication, privacy, upkeep
from integrations.models import PrivacyRequest, Store
from logix.accounts.models import ApiToken, AuditEvent, DataKey, Membership, Role, Scope
from logix.common import crypto
from orders.models import Order

Report = dict[str, Any]
_DAY = timedelta(days=1)


def report(now: datetime) -> Report:
    """Of the whole hub. ``broken`` are sentences; empty is what it should be."""
    stores = list(_stores(now))
    credentials = list(_credentials(now))
    requests = _requests(now)
    return {
        "at": _iso(now),
        "broken": [*_broken(now), *(x["says"] for x in credentials if x["days_left"] < 0)]
        + (
            [f"{requests['late']} privacy requests are past their date."]
            if requests["late"]
            else []
        ),
        "stores": stores,
        "accounts": list(_accounts()),
        "tokens": list(_tokens(now)),
        "signing_in": {
            "accounts": "one for each person, with roles by merchant",
            "second_factor": "not offered by Logix; put the admin behind a sign-in that asks one",
            "password_rules": _password_rules(),
            "wrong_passwords": "an account waits 15 minutes after ten; all are in the audit log",
        },
        "keys": _keys(now),
        "credentials": credentials,
        "requests": requests,
        "logs": _logs(now),
    }


def _password_rules() -> list[str]:
    rules: Any = settings.AUTH_PASSWORD_VALIDATORS
    return [str(rule["NAME"]).rpartition(".")[2] for rule in rules]


def _stores(now: datetime) -> Iterator[dict[str, Any]]:
    for kept in privacy.standing(Store.objects.select_related("merchant").order_by("name", "pk")):
        store = kept.store
        orders = Order.objects.filter(store=store, erased_at=None)
        last = _last_purge(store)
        yield {
            "store": store.name,
            "merchant": store.merchant.name,
            "platform": store.platform,
            "status": store.status,
            "days_allowed": kept.kept_for.days if kept.kept_for else None,
            "oldest_days": kept.age(now) // _DAY if kept.since else None,
            "orders_with_buyers": orders.count(),
            "of_those_open": orders.filter(ended_at=None).count(),
            "due_now": privacy.due(store, now).count(),
            "last_purge": _iso(last.at) if last else None,
            "erased_then": last.details.get("orders") if last else None,
        }


def _last_purge(store: Store) -> AuditEvent | None:
    rows = AuditEvent.objects.filter(
        action=privacy.PURGED,
        object_type=Store._meta.label_lower,
        object_id=str(store.pk),
    )
    return rows.order_by("-id").first()


def _broken(now: datetime) -> Iterator[str]:
    for kept in privacy.standing(privacy.bounded_stores()):
        if kept.is_broken(now):
            yield f"{kept.store.name}: {kept.words(now)}"


def _accounts() -> Iterator[dict[str, Any]]:
    """As ``integrations.admin.roles.sees_buyers`` decides."""
    roles: Any = Membership.objects.select_related("merchant").order_by("merchant__name")
    people = User.objects.filter(is_active=True, is_staff=True).order_by("username")
    for user in people:
        mine = list(roles.filter(user=user))
        owned = [x.merchant.name for x in mine if x.role == Role.OWNER]
        given = [x.merchant.name for x in mine if user.has_perm("accounts.view_pii")]
        if user.is_superuser or owned or given:
            yield {
                "account": user.get_username(),
                "by": "superuser" if user.is_superuser else "permission" if given else "owner",
                "merchants": "all" if user.is_superuser else sorted({*owned, *given}),
                "last_sign_in": _iso(user.last_login),
            }


def _tokens(now: datetime) -> Iterator[dict[str, Any]]:
    alive = Q(expires_at=None) | Q(expires_at__gt=now)
    rows = ApiToken.objects.filter(alive, revoked_at=None).select_related("merchant")
    for token in rows.order_by("created_at"):
        if Scope.PII in token.scopes:
            yield {
                "token": str(token),
                "merchant": token.merchant.name,
                "age_days": (now - token.created_at) // _DAY,
                "expires": _iso(token.expires_at),
                "last_used": _iso(token.last_used_at),
            }


def _keys(now: datetime) -> dict[str, Any]:
    living = DataKey.objects.exclude(wrapped="")
    found = living.aggregate(n=Count("pk"), oldest=Min("created_at"))
    by_kid = dict(living.order_by("kid").values_list("kid").annotate(Count("pk")))
    rotated = AuditEvent.objects.filter(action="keys.rotated").order_by("-id").first()
    return {
        "how": "AES-256-GCM, a key for each store, wrapped by the key ring",
        "keys_of_stores": found["n"],
        "oldest_days": (now - found["oldest"]) // _DAY if found["oldest"] else None,
        "wrapped_by": [f"{kid} ({count})" for kid, count in by_kid.items()],
        "written_with": _write_kid(),
        "last_rotated": _iso(rotated.at) if rotated else None,
    }


def _write_kid() -> str | None:
    try:
        return crypto.ring().write_kid
    except ValueError:
        return None


def _credentials(now: datetime) -> Iterator[dict[str, Any]]:
    for one in authentication.endings(Store.objects.all()):
        step = one.step(now)
        yield {
            "store": one.of,
            "platform": one.platform,
            "what": one.what,
            "age_days": (now - one.since) // _DAY,
            "days_left": one.days_left(now),
            "is_told": step is not None,
            "says": f"{one.of}: {one.words(now)}",
        }


def _requests(now: datetime) -> dict[str, Any]:
    waiting = PrivacyRequest.objects.open()
    return {"open": waiting.count(), "late": waiting.filter(due_at__lt=now).count()}


def _logs(now: datetime) -> dict[str, Any]:
    first = AuditEvent.objects.order_by("id").values_list("at", flat=True).first()
    return {
        "audit_log": "kept for good, each event sealed into a chain (manage.py doctor --audit)",
        "audit_log_since": _iso(first),
        "calls_to_stores": f"{upkeep.CALLS_KEPT.days} days, without bodies",
        "program_log": "to standard error, without buyers and secrets; how long it is kept is set "
        "where it is collected, and Logix does not know it",
    }


def _iso(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None
