"""WooCommerce's endpoints in its own words; with ``access``, the only place that knows URLs.

Reference: https://woocommerce.github.io/woocommerce-rest-api-docs/
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from integrations.errors import (
    AuthenticationFailed,
    ContractBroken,
    NotFound,
    PermissionMissing,
    PlatformError,
)
from integrations.kit import strictjson
from integrations.kit.http import Answer
from integrations.platform import Connection
from integrations.woocommerce.access import API, Access

Body = Mapping[str, Any]
Params = Mapping[str, Any]
MOST = 100


class WooClient:
    """Calls with one store. Raises any PlatformError."""

    def __init__(self, connection: Connection) -> None:
        self.access = Access(connection)

    # -- the store -----------------------------------------------------------------------------

    def routes(self) -> dict[str, Any]:
        """GET /wc/v3: every route with its arguments (some 400 kB)."""
        found = self._get("").json()
        routes = found.get("routes") if isinstance(found, dict) else None
        return routes if isinstance(routes, dict) else {}

    # https://woocommerce.github.io/woocommerce-rest-api-docs/#system-status
    def system_status(self) -> dict[str, Any]:
        return mapping(self._get("system_status", {"_fields": "environment,settings"}).json())

    # https://woocommerce.github.io/woocommerce-rest-api-docs/#currencies
    def currency(self) -> str:
        return str(mapping(self._get("data/currencies/current").json()).get("code", ""))

    # https://woocommerce.github.io/woocommerce-rest-api-docs/#setting-options
    def product_settings(self) -> dict[str, str]:
        """By id, such as ``woocommerce_weight_unit``: ``kg``, ``g``, ``lbs`` or ``oz``."""
        rows = _mappings(self._get("settings/products").json())
        return {str(row.get("id")): str(row.get("value", "")) for row in rows}

    # GET /wc/v3/orders/statuses, recorded from 11.0.1; 8.9.3 does not have it.
    def order_statuses(self) -> list[str]:
        found = _mappings(self._get("orders/statuses").json())
        return [str(row["slug"]) for row in found if "slug" in row]

    def probe_write(self) -> None:
        """A write that cannot do anything: no product has the id 0. Raises PermissionMissing for a
        key that may only read.

        The core checks the key's permission before it looks at the route, so a key that may write
        hears "invalid id". Source: includes/class-wc-rest-authentication.php,
        check_user_permissions.
        """
        try:
            self._send("PUT", "products/0", {})
        except (PermissionMissing, AuthenticationFailed):
            raise
        except PlatformError as err:
            if err.status is None or err.status >= 500:
                raise

    # -- orders: https://woocommerce.github.io/woocommerce-rest-api-docs/#orders -----------------

    def orders(self, params: Params) -> Answer:
        return self._get("orders", params)

    def order(self, order_id: str) -> Answer:
        return self._get(f"orders/{_number(order_id)}")

    def update_order(self, order_id: str, body: Body) -> Answer:
        return self._send("PUT", f"orders/{_number(order_id)}", body)

    # https://woocommerce.github.io/woocommerce-rest-api-docs/#order-refunds
    def refunds(self, order_id: str) -> list[bytes]:
        return list(self._all(f"orders/{_number(order_id)}/refunds", {}))

    # https://woocommerce.github.io/woocommerce-rest-api-docs/#create-a-refund
    def add_refund(self, order_id: str, body: Body) -> None:
        self._send("POST", f"orders/{_number(order_id)}/refunds", body)

    # https://woocommerce.github.io/woocommerce-rest-api-docs/#order-notes
    def notes(self, order_id: str) -> list[dict[str, Any]]:
        """All notes of an order; the core has no pages for them."""
        return _mappings(self._get(f"orders/{_number(order_id)}/notes").json())

    def add_note(self, order_id: str, note: str, *, to_customer: bool) -> None:
        body = {"note": note, "customer_note": to_customer}
        self._send("POST", f"orders/{_number(order_id)}/notes", body)

    # woocommerce/woocommerce: docs/features/fulfillments/rest-api.md
    def fulfillments(self, order_id: str) -> list[dict[str, Any]]:
        found = self._get(f"orders/{_number(order_id)}/fulfillments").json()
        listed = found.get("fulfillments", []) if isinstance(found, dict) else found
        return [row for row in _mappings(listed) if not row.get("date_deleted")]

    def add_fulfillment(self, order_id: str, body: Body, *, notify: bool) -> None:
        path = f"orders/{_number(order_id)}/fulfillments"
        self._send("POST", path, body, _notifying(notify))

    def update_fulfillment(self, order_id: str, number: str, body: Body, *, notify: bool) -> None:
        """The customer hears of it only when the parcel's tracking was new or changed."""
        path = f"orders/{_number(order_id)}/fulfillments/{_number(number)}"
        self._send("PUT", path, body, _notifying(notify))

    def delete_fulfillment(self, order_id: str, number: str, *, notify: bool) -> None:
        path = f"orders/{_number(order_id)}/fulfillments/{_number(number)}"
        self._send("DELETE", path, None, _notifying(notify))

    # https://woocommerce.com/document/shipment-tracking/ and Advanced Shipment Tracking, same shape
    def trackings(self, namespace: str, order_id: str) -> list[dict[str, Any]]:
        path = f"orders/{_number(order_id)}/shipment-trackings"
        return _mappings(self._get(path, namespace=namespace).json())

    def add_tracking(self, namespace: str, order_id: str, body: Body) -> None:
        path = f"orders/{_number(order_id)}/shipment-trackings"
        self._send("POST", path, body, namespace=namespace)

    def delete_tracking(self, namespace: str, order_id: str, tracking_id: str) -> None:
        """``tracking_id`` is a hexadecimal word of the plugin's."""
        if tracking_id.isalnum():
            path = f"orders/{_number(order_id)}/shipment-trackings/{tracking_id}"
            self._send("DELETE", path, None, namespace=namespace)

    # -- products: https://woocommerce.github.io/woocommerce-rest-api-docs/#products -------------

    def products(self, params: Params) -> Answer:
        return self._get("products", params)

    def product(self, product_id: str) -> Answer:
        return self._get(f"products/{_number(product_id)}")

    # https://woocommerce.github.io/woocommerce-rest-api-docs/#product-variations
    def variations_of(self, product_id: int) -> Iterator[bytes]:
        """All variations of one product, by id."""
        return self._all(f"products/{product_id}/variations", {"orderby": "id", "order": "asc"})

    # GET /wc/v3/variations: those of all products. Recorded from 11.0.1; 8.9.3 does not have it.
    def variations(self, params: Params) -> Answer:
        return self._get("variations", params)

    def variations_of_all(self, product_ids: Sequence[int]) -> Iterator[bytes]:
        """All variations of these products, at most ``MOST``, by id."""
        return self._all(
            "variations",
            {"parent": list(product_ids), "status": "any", "orderby": "id", "order": "asc"},
        )

    def some_variations_of(self, product_id: int, params: Params) -> Answer:
        return self._get(f"products/{product_id}/variations", params)

    # https://woocommerce.github.io/woocommerce-rest-api-docs/#batch-update-products
    def batch_products(self, updates: Sequence[Body]) -> list[bytes]:
        return self._batch("products/batch", updates)

    # https://woocommerce.github.io/woocommerce-rest-api-docs/#batch-update-product-variations
    def batch_variations(self, product_id: int, updates: Sequence[Body]) -> list[bytes]:
        return self._batch(f"products/{product_id}/variations/batch", updates)

    def _batch(self, path: str, updates: Sequence[Body]) -> list[bytes]:
        """Answers per item, in order; failures stand inside a 200. What is written is absolute, so
        the same batch may be sent again.
        """
        answer = self._send("POST", path, {"update": list(updates)}, repeatable=True)
        found = bytes(answer.decode(dict[str, msgspec.Raw]).get("update") or b"[]")
        listed = strictjson.decode(found, list[msgspec.Raw])
        if len(listed) != len(updates):
            raise ContractBroken(
                f"{len(updates)} items were sent in a batch and {len(listed)} answers came.",
                path="$.update",
            )
        return [bytes(row) for row in listed]

    # -- webhooks: https://woocommerce.github.io/woocommerce-rest-api-docs/#webhooks -------------

    def webhooks(self) -> list[dict[str, Any]]:
        found = (msgspec.json.decode(raw) for raw in self._all("webhooks", {"status": "all"}))
        return [row for row in found if isinstance(row, dict) and isinstance(row.get("id"), int)]

    def add_webhook(self, body: Body) -> dict[str, Any]:
        return mapping(self._send("POST", "webhooks", body).json())

    def update_webhook(self, webhook_id: int, body: Body) -> None:
        self._send("PUT", f"webhooks/{webhook_id}", body)

    def delete_webhook(self, webhook_id: int) -> None:
        self._send("DELETE", f"webhooks/{webhook_id}", None, {"force": "true"})

    # -- how a call is made --------------------------------------------------------------------

    def _get(self, path: str, params: Params | None = None, *, namespace: str = API) -> Answer:
        return self.access.call("GET", f"{namespace}/{path}".rstrip("/"), params)

    def _send(
        self,
        method: str,
        path: str,
        body: Body | None,
        params: Params | None = None,
        *,
        repeatable: bool | None = None,
        namespace: str = API,
    ) -> Answer:
        options: dict[str, Any] = {"repeatable": repeatable}
        if body is not None:
            options["json"] = body
        return self.access.call(method, f"{namespace}/{path}", params, **options)

    def _all(self, path: str, params: Params) -> Iterator[bytes]:
        """Every record of a short list, page by page. Raises ContractBroken where each page is the
        same: a cache in front of the store may leave the number out of account.
        """
        before: list[bytes] = []
        for page in itertools.count(1):
            answer = self._get(path, {"per_page": MOST, "page": page, **params})
            found = [bytes(raw) for raw in answer.decode(list[msgspec.Raw])]
            if found and found == before:
                raise ContractBroken("The store gives the same page twice.", code="page_ignored")
            yield from found
            if len(found) < MOST:
                return
            before = found


def _notifying(notify: bool) -> Params:
    return {"notify_customer": "true" if notify else "false"}


def mapping(value: Any) -> dict[str, Any]:
    """PHP writes an object without members as a list."""
    return value if isinstance(value, dict) else {}


def _mappings(value: Any) -> list[dict[str, Any]]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _number(value: str) -> str:
    """An id that goes into a path. Raises NotFound for what cannot be one."""
    if not (value.isascii() and value.isdigit()):
        raise NotFound(f"“{value[:40]}” is not a WooCommerce id.")
    return value
