"""Who calls the API: a bearer token of one merchant, with scopes. Staff sessions mean nothing."""

from __future__ import annotations

from typing import Any, cast

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from logix.accounts import tokens
from logix.accounts.models import ApiToken, Merchant, Scope


class TokenUser:
    """What Django and DRF want to see in ``request.user``; nobody who could sign in anywhere."""

    is_authenticated = True
    is_active = True
    is_anonymous = False
    is_staff = False
    is_superuser = False

    def __init__(self, token: ApiToken) -> None:
        self.pk = self.id = token.pk
        self.username = actor_of(token)

    def get_username(self) -> str:
        return self.username

    def __str__(self) -> str:
        return self.username


class BearerAuthentication(BaseAuthentication):
    """``Authorization: Bearer lgx_…``. One statement; the token is in ``request.auth``, its
    merchant loaded.
    """

    keyword = "bearer"

    def authenticate(self, request: Request) -> tuple[TokenUser, ApiToken] | None:
        scheme, _, text = request.headers.get("Authorization", "").strip().partition(" ")
        if not scheme:
            return None
        if scheme.lower() != self.keyword:
            raise AuthenticationFailed(
                "Send the token as “Authorization: Bearer lgx_…”.", code="token_invalid"
            )
        token = tokens.authenticate(text.strip())
        if token is None:
            raise AuthenticationFailed(
                "The token is unknown, expired or revoked.", code="token_invalid"
            )
        return TokenUser(token), token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="Logix API"'


class HasScope(BasePermission):
    """Reading needs ``read``; every other method the view's ``write_scope``."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not isinstance(request.auth, ApiToken):
            return False
        if view.action is None:
            return True  # there is no such method here, and 405 is the answer to that
        needed = Scope.READ if request.method in SAFE_METHODS else view.write_scope
        if needed is not None and needed in request.auth.scopes:
            return True
        raise PermissionDenied(f"This token lacks the scope “{needed}”.", code="scope_missing")


class BearerScheme(OpenApiAuthenticationExtension):
    target_class = BearerAuthentication
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "An API token, made in the admin or by `manage.py issue_token`. "
            f"Scopes: {', '.join(Scope.values)}.",
        }


def token_of(request: Request) -> ApiToken:
    return cast("ApiToken", request.auth)


def merchant_of(request: Request) -> Merchant:
    return token_of(request).merchant


def may(request: Request, scope: str) -> bool:
    return scope in token_of(request).scopes


def actor_of(token: ApiToken) -> str:
    """How audit and timeline name the caller."""
    return f"token:{token.prefix} ({token.name})"[:150]
