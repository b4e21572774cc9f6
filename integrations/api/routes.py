"""The addresses every platform has, made from its card; a platform's ``routes.py`` adds its own."""

from __future__ import annotations

from typing import Any

from django.urls import URLPattern, path
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema, extend_schema_view

from integrations.api.consent import ConfirmationView, ConsentViews, RedirectViews
from integrations.api.one_click import OneClickCallback, OneClickViews
from integrations.api.runs_schema import RunSerializer
from integrations.api.stores import PauseReason, StoreViews
from integrations.api.stores_schema import (
    ConnectionTestSerializer,
    DisconnectQuery,
    IntegrationSerializer,
    OneClickSerializer,
    OrderSyncedSerializer,
    SyncAcceptedSerializer,
    SyncRequest,
    change_body,
    connect_body,
    consent_body,
    one_click_body,
    typed_sign_ins,
)
from integrations.platform import AuthKind, PlatformCard, SignIn

# (address below /{platform}/integrations, {method: action})
_ADDRESSES: tuple[tuple[str, dict[str, str]], ...] = (
    ("", {"get": "list", "post": "create"}),
    ("/<uuid:pk>", {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
    ("/<uuid:pk>/test", {"post": "test"}),
    ("/<uuid:pk>/sync", {"post": "sync"}),
    ("/<uuid:pk>/runs", {"get": "runs"}),
    ("/<uuid:pk>/pause", {"post": "pause"}),
    ("/<uuid:pk>/resume", {"post": "resume"}),
)


_REDIRECT = {
    "type": "object",
    "additionalProperties": {"type": "string"},
    "required": ["state"],
}


def integration_routes(card: PlatformCard) -> list[URLPattern]:
    """``integrations`` and all below it, for one platform."""
    views = _store_views(card)
    return [path(f"integrations{address}", views.at(**actions)) for address, actions in _ADDRESSES]


def one_click_routes(card: PlatformCard) -> list[URLPattern]:
    """For platforms whose stores hand over their keys when the merchant consents."""
    body = one_click_body(card)
    given = {"platform": card.slug, "body": body}
    views: type[OneClickViews] = type(f"{card.slug.title()}OneClick", (OneClickViews,), given)
    documented = extend_schema_view(
        create=extend_schema(
            summary=f"Begin to connect a store of {card.name} by one click",
            description="Send the merchant's browser to `authorize_url`. The store is connected "
            "when the merchant has consented there.",
            request=body,
            responses={201: OneClickSerializer},
        )
    )
    return [
        path("connect", documented(views).at(post="create")),
        path("oauth/callback", OneClickCallback.as_view(platform=card.slug)),
    ]


def consent_routes(card: PlatformCard) -> list[URLPattern]:
    """For platforms that ask the merchant for consent and send the browser back (OAuth 2)."""
    sign_in = card.sign_in(AuthKind.OAUTH2)
    if sign_in is None:
        raise ValueError(f"Card {card.slug} has no sign-in by consent.")
    names = tuple(field.name for field in sign_in.fields)
    body = consent_body(card, sign_in)
    given = {"platform": card.slug, "body": body, "app_fields": names}
    begin: type[ConsentViews] = type(f"{card.slug.title()}Consent", (ConsentViews,), given)
    given = {"platform": card.slug}
    end: type[RedirectViews] = type(f"{card.slug.title()}Redirect", (RedirectViews,), given)
    begin = extend_schema_view(
        create=extend_schema(
            summary=f"Begin to connect a store of {card.name} by consent",
            description="Send the merchant's browser to `authorize_url` within ten minutes. The "
            "store is connected when the merchant has consented there and, back in the browser, "
            "confirmed for whom. A store that is connected already is given new tokens; its "
            "settings stay.",
            request=body,
            responses={201: OneClickSerializer},
        )
    )(begin)
    end = extend_schema_view(
        landed=extend_schema(exclude=True),
        finish=extend_schema(
            summary=f"Connect a store of {card.name} with what its consent page sent back",
            description="Only where the browser came back to a program of yours instead of to "
            "Logix. The body are all parameters of that address, as they are.",
            request={"application/json": _REDIRECT},
            responses=IntegrationSerializer,
        ),
    )(end)
    return [
        path("oauth/authorize", begin.at(post="create")),
        path("oauth/callback", end.at(get="landed", post="finish")),
        path("oauth/callback/confirm", ConfirmationView.as_view(platform=card.slug)),
    ]


def _store_views(card: PlatformCard) -> type[StoreViews]:
    bodies = {"connect_body": connect_body(card), "change_body": change_body(card)}
    given = {"platform": card.slug, **bodies}
    views: type[StoreViews] = type(f"{card.slug.title()}Stores", (StoreViews,), given)
    return extend_schema_view(**_documentation(card, **bodies))(views)


def _documentation(card: PlatformCard, *, connect_body: Any, change_body: Any) -> dict[str, Any]:
    name = card.name
    return {
        "list": extend_schema(summary=f"List connected stores of {name}"),
        "create": extend_schema(
            summary=f"Connect a store of {name}",
            description="The connection is tested first; nothing is kept when it does not work.",
            request=connect_body,
            responses={201: IntegrationSerializer},
            examples=[_example(sign_in) for sign_in in typed_sign_ins(card)],
        ),
        "retrieve": extend_schema(summary=f"One store of {name} and how it is doing"),
        "partial_update": extend_schema(
            summary=f"Change settings or credentials of a store of {name}",
            request=change_body,
            responses=IntegrationSerializer,
        ),
        "destroy": extend_schema(
            summary=f"Disconnect a store of {name}",
            description="Webhooks are removed and credentials destroyed; orders stay. What is left "
            "at the store, and where its owner ends it, is the store's `status_reason`.",
            parameters=[DisconnectQuery],
            responses={204: OpenApiResponse(description="Disconnected")},
        ),
        "test": extend_schema(
            summary="Test the connection", request=None, responses=ConnectionTestSerializer
        ),
        "sync": extend_schema(
            summary="Read the store now",
            description="Without a body the changes of orders are read. `since` or `full` asks for "
            "a run that can be watched. `order` reads one order and answers what came of it.",
            request=SyncRequest,
            responses={202: SyncAcceptedSerializer, 200: OrderSyncedSerializer},
        ),
        "runs": extend_schema(summary="Runs of this store", responses=RunSerializer(many=True)),
        "pause": extend_schema(
            summary="Pause the store", request=PauseReason, responses=IntegrationSerializer
        ),
        "resume": extend_schema(
            summary="Resume the store", request=None, responses=IntegrationSerializer
        ),
    }


def _example(sign_in: SignIn) -> OpenApiExample:
    values = {field.name: f"<{field.label}>" for field in sign_in.fields if field.required}
    body = {"store_url": "https://your-store.com", **values, "auto_sync": True}
    return OpenApiExample(sign_in.label, body, request_only=True)
