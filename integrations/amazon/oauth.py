"""Login with Amazon: access tokens for the refresh token that the seller's authorisation gave.

Source: https://developer-docs.amazon.com/sp-api/docs/connecting-to-the-selling-partner-api, read
2026-11. A token lives an hour; the refresh token stays the same.
"""

from __future__ import annotations

from integrations.kit.http import PlatformSession
from integrations.kit.oauth2 import Grant, OAuthApp, ask_token

TOKENS = "/auth/o2/token"


def refresh(http: PlatformSession, app: OAuthApp, refresh_token: str) -> Grant:
    form = {
        "grant_type": "refresh_token",
        "refresh_token": refresh_token,
        "client_id": app.client_id,
        "client_secret": app.client_secret,
    }
    return ask_token(http, TOKENS, form)
