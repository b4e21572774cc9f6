"""The HTML side of the site and the root of its REST index."""

from __future__ import annotations

import html
from typing import Any

from integrations.sandbox.woocommerce.routes import index_document
from integrations.sandbox.woocommerce.store import WooStore
from integrations.sandbox.woocommerce.wire import Answer, Request
from integrations.sandbox.woocommerce.wire import html as html_answer

_METHODS = {"methods": ["GET"], "endpoints": [{"methods": ["GET"], "args": {}}]}


def page(title: str, body: str, status: int = 200, *headers: tuple[str, str]) -> Answer:
    document = (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{html.escape(title)}</title></head><body>{body}</body></html>"
    )
    return html_answer(status, document, *headers)


def api_link(store: WooStore) -> tuple[str, str]:
    """Where the REST routes are, whatever the prefix: discovery by header."""
    return "Link", f'<{store.rest_url("/")}>; rel="https://api.w.org/"'


def answer(store: WooStore, request: Request) -> Answer | None:
    """The front page, None for any other."""
    if request.path.rstrip("/") + "/" not in (store.home_path, f"{store.home_path}index.php/"):
        return None
    title = store.options.title
    body = f"<h1>{html.escape(title)}</h1><p>{len(store.products)} products, invented.</p>"
    return page(title, body, 200, api_link(store))


def not_found(store: WooStore) -> Answer:
    title = f"Page not found – {store.options.title}"
    return page(title, "<h1>Oops! That page can’t be found.</h1>", 404, api_link(store))


def root_document(store: WooStore, spaces: list[str]) -> dict[str, Any]:
    """The index of ``/wp-json/``. Source: WordPress, WP_REST_Server::get_index."""
    routes: dict[str, Any] = {"/": {"namespace": ""} | _METHODS}
    for space in spaces:
        routes[f"/{space}"] = {"namespace": space} | _METHODS
    routes |= index_document(store.surface, None, store.rest_url)
    return {
        "name": store.options.title,
        "description": "",
        "url": store.home_url.rstrip("/"),
        "home": store.home_url.rstrip("/"),
        "gmt_offset": store.clock.offset_hours(),
        "timezone_string": store.options.timezone,
        "namespaces": ["oembed/1.0", *spaces, "wp/v2"],
        "authentication": [],
        "routes": routes,
        "_links": {"help": [{"href": "https://developer.wordpress.org/rest-api/"}]},
    }
