"""Addresses of Shopify: those every platform has, and consent at Shopify (OAuth)."""

from __future__ import annotations

from integrations.api.routes import consent_routes, integration_routes
from integrations.shopify.platform import CARD

urlpatterns = [*integration_routes(CARD), *consent_routes(CARD)]
