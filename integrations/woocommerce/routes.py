"""Addresses of WooCommerce: those every platform has, and one-click connect by the store's
``wc-auth`` page.
"""

from __future__ import annotations

from integrations.api.routes import integration_routes, one_click_routes
from integrations.woocommerce.platform import CARD

urlpatterns = [*integration_routes(CARD), *one_click_routes(CARD)]
