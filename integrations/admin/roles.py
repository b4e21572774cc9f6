"""Who may do what with which merchant's rows. Every page and every act asks here."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest

from logix.accounts.models import Membership, Role

_RANK = {Role.VIEWER: 0, Role.OPERATOR: 1, Role.OWNER: 2}


def actor(request: HttpRequest) -> str:
    """How the audit log and the timelines name the person."""
    return f"user:{request.user.get_username()}"


def person(request: HttpRequest) -> AbstractBaseUser:
    """Who is signed in. Pages of the admin are shown to nobody else."""
    assert isinstance(request.user, AbstractBaseUser)  # noqa: S101 - admin_view has let them in
    return request.user


def may(request: HttpRequest, merchant_id: Any, role: Role) -> bool:
    """Whether the person holds at least ``role`` with this merchant. Superusers hold every role."""
    if not (request.user.is_active and request.user.is_staff):
        return False
    if request.user.is_superuser:
        return True
    held = _held(request).get(merchant_id)
    return held is not None and _RANK[held] >= _RANK[role]


def sees_buyers(request: HttpRequest, merchant_id: Any) -> bool:
    """Whether names, addresses and what else is a buyer's are shown unmasked: to owners, and to
    members who were given the permission ``accounts.view_pii``. Whoever shows it notes it in the
    audit log.
    """
    return may(request, merchant_id, Role.OWNER) or (
        may(request, merchant_id, Role.VIEWER) and request.user.has_perm("accounts.view_pii")
    )


def may_anywhere(request: HttpRequest, role: Role) -> bool:
    """Whether there is any merchant with whom the person holds at least ``role``."""
    return request.user.is_superuser or bool(merchants_of(request, role))


def merchants_of(request: HttpRequest, role: Role = Role.VIEWER) -> list[Any]:
    """Ids of the merchants with whom the person holds at least ``role``. Do not ask for superusers:
    theirs are all.
    """
    return [pk for pk, held in _held(request).items() if _RANK[held] >= _RANK[role]]


def _held(request: HttpRequest) -> dict[Any, Role]:
    """Roles by merchant id, read once a request: a page asks dozens of times."""
    if not hasattr(request, "roles_held"):
        rows = Membership.objects.filter(user=request.user.pk).values_list("merchant_id", "role")
        request.roles_held = {pk: Role(role) for pk, role in rows}  # type: ignore[attr-defined]
    held: dict[Any, Role] = request.roles_held  # type: ignore[attr-defined]
    return held
