"""Addresses of Amazon: those every platform has."""

from __future__ import annotations

from integrations.amazon.platform import CARD
from integrations.api.routes import consent_routes, integration_routes

urlpatterns = [*integration_routes(CARD), *consent_routes(CARD)]
