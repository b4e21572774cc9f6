"""Refusals: those of the whole request (``errors``) and those of one mutation (``userErrors``).

Sources: shopify.dev/docs/api/admin-graphql (status and error codes); the messages of a missing
idempotency key and argument as reported from a real store in May 2026,
github.com/luke-selrai/openclaw-workshop-kit issue 218.
"""

from __future__ import annotations

from typing import Any

from graphql import GraphQLError

_SCOPES_PAGE = "https://shopify.dev/api/usage/access-scopes"
_LIMITS_PAGE = "https://shopify.dev/api/usage/rate-limits"


class UserErrors(Exception):
    """What a mutation answers instead of doing anything."""

    def __init__(self, *errors: dict[str, Any]) -> None:
        super().__init__(errors)
        self.errors = list(errors)


def user_error(
    message: str, *field: str | int, code: str | None = None, **more: Any
) -> dict[str, Any]:
    """One entry of ``userErrors``. ``field`` is the way to the input; none of it: null."""
    path = [str(step) for step in field] or None
    return {"field": path, "message": message, "code": code, **more}


def refuse(message: str, *field: str | int, code: str | None = None) -> UserErrors:
    return UserErrors(user_error(message, *field, code=code))


def access_denied(name: str, required: str) -> GraphQLError:
    """``required`` in Shopify's words, as ``access.json`` has them."""
    return GraphQLError(
        f"Access denied for {name} field. Required access: {required}",
        extensions={
            "code": "ACCESS_DENIED",
            "documentation": _SCOPES_PAGE,
            "requiredAccess": required,
        },
    )


def bad_request(message: str, code: str = "BAD_REQUEST") -> GraphQLError:
    return GraphQLError(message, extensions={"code": code})


def needs_key() -> GraphQLError:
    return bad_request(
        "The @idempotent directive is required for this mutation but was not provided."
    )


def needs_argument(kind: str, name: str) -> GraphQLError:
    return bad_request(
        f"{kind} must include the following argument: {name}.", "INVALID_FIELD_ARGUMENTS"
    )


def throttled() -> dict[str, Any]:
    return {
        "message": "Throttled",
        "extensions": {"code": "THROTTLED", "documentation": _LIMITS_PAGE},
    }


def too_dear(cost: int, most: int) -> dict[str, Any]:
    """The wording of github.com/Shopify/shopify-app-js issue 577, shortened."""
    return {
        "message": f"Query cost is {cost}, which exceeds the single query max cost limit ({most}).",
        "extensions": {
            "code": "MAX_COST_EXCEEDED",
            "cost": cost,
            "maxCost": most,
            "documentation": _LIMITS_PAGE,
        },
    }


def internal(request_id: str) -> dict[str, Any]:
    return {
        "message": "Internal error. Looks like something went wrong on our end.\n"
        f"Request ID: {request_id} (include this in support requests).",
        "extensions": {"code": "INTERNAL_SERVER_ERROR", "requestId": request_id},
    }


def too_many(kind: str, size: int, most: int) -> GraphQLError:
    return GraphQLError(
        f"The input array size of {size} is greater than the maximum allowed of {most}.",
        extensions={"code": "MAX_INPUT_SIZE_EXCEEDED", "argumentName": kind},
    )
