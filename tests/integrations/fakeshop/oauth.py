"""FakeShop's one-click connect."""

from __future__ import annotations

import json


def authorize_url(
    store_url: str, app_name: str, return_url: str, callback_url: str, reference: str
) -> str:
    return f"{store_url}/allow?app={app_name}&ref={reference}&to={callback_url}&back={return_url}"


def read_callback(body: bytes) -> tuple[str, dict[str, str]]:
    told = json.loads(body)
    return told["ref"], {"key": told["key"], "secret": told["secret"]}
