"""Who may call: live tokens with the right scope, each inside its own merchant."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import URLPattern, URLResolver

from integrations.api import urls
from integrations.api.views import ApiViewSet
from logix.accounts import tokens
from logix.accounts.models import ApiToken, Merchant, Scope
from orders.models import Order
from tests.integrations.api.client import Api, api_for


def test_a_call_without_token_is_told_how_to_send_one(db: None) -> None:
    answer = Api().get("/orders")

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "token_missing"


@pytest.mark.parametrize(
    "header", ["Bearer lgx_0000", "Bearer", "Basic abc", "Bearer lgx_é", "lgx_0000"]
)
def test_a_strange_token_is_refused_with_one_code(db: None, header: str) -> None:
    answer = Client().get("/api/v1/orders", headers={"Authorization": header})

    assert answer.status_code == 401
    assert answer.json()["code"] == "token_invalid"


def test_the_scheme_may_be_spelled_in_any_case(merchant: Merchant) -> None:
    _, text = tokens.issue(merchant, name="x", scopes=["read"])

    answer = Client().get("/api/v1/orders", headers={"Authorization": f"bearer {text}"})

    assert answer.status_code == 200


def test_a_revoked_token_is_refused(merchant: Merchant) -> None:
    token, text = tokens.issue(merchant, name="x", scopes=["read"])
    tokens.revoke(token, actor="system")

    assert Api(text).get("/orders").json()["code"] == "token_invalid"


def test_a_session_of_staff_means_nothing_here(db: None) -> None:
    staff = get_user_model().objects.create_superuser("anna", password="x" * 20)
    client = Client()
    client.force_login(staff)

    assert client.get("/api/v1/orders").status_code == 401


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("/orders/{order}/status", Scope.ORDERS_WRITE),
        ("/orders/{order}/shipments", Scope.ORDERS_WRITE),
        ("/orders/{order}/shipments/{order}/cancel", Scope.ORDERS_WRITE),
        ("/orders/{order}/cancel", Scope.ORDERS_WRITE),
        ("/orders/{order}/notes", Scope.ORDERS_WRITE),
        ("/orders/{order}/refetch", Scope.ORDERS_WRITE),
        ("/stock/adjust", Scope.STOCK_WRITE),
        ("/locations", Scope.STOCK_WRITE),
        ("/woocommerce/integrations", Scope.STORES_WRITE),
        ("/woocommerce/connect", Scope.STORES_WRITE),
    ],
)
def test_a_write_names_the_scope_it_lacks(
    merchant: Merchant, order: Order, path: str, scope: str
) -> None:
    others = [s for s in Scope.values if s != scope]

    answer = api_for(merchant, *others).post(path.format(order=order.pk), {})

    assert answer.status_code == 403
    assert answer.json()["code"] == "scope_missing"
    assert scope in answer.json()["detail"]


def test_reading_needs_the_scope_read(merchant: Merchant) -> None:
    assert api_for(merchant, Scope.STOCK_WRITE).get("/orders").status_code == 403


def test_every_view_is_guarded_and_every_write_has_a_scope() -> None:
    found = [p for p in _patterns(urls.urlpatterns) if hasattr(p.callback, "cls")]

    assert len(found) > 30
    for pattern in found:
        view = pattern.callback.cls
        assert issubclass(view, ApiViewSet), pattern
        assert view.authentication_classes == ApiViewSet.authentication_classes, pattern
        assert view.permission_classes == ApiViewSet.permission_classes, pattern
        if set(pattern.callback.actions) - {"get", "head"}:
            assert view.write_scope in Scope.values, pattern


def test_a_token_that_was_used_says_when(api: Api) -> None:
    api.get("/platforms")

    assert ApiToken.objects.get().last_used_at is not None


def _patterns(found: list[Any]) -> list[URLPattern]:
    flat: list[URLPattern] = []
    for item in found:
        flat += _patterns(item.url_patterns) if isinstance(item, URLResolver) else [item]
    return flat
