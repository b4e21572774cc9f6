"""Addresses of Amazon: those every platform has."""

from __future__ import annotations

from integrations.amazon.platform import CARD
from integrations.api.routes import integration_routes

urlpatterns = [*integration_routes(CARD)]
