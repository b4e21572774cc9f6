"""The order of a webhook as a node of the Admin API: other names for the same facts.

Source: https://shopify.dev/docs/api/admin-rest/latest/resources/order beside the official schema of
2026-07. For samples of webhooks; the adapter reads orders by GraphQL alone.
"""

from __future__ import annotations

from typing import Any


def as_node(told: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": told["admin_graphql_api_id"],
        "legacyResourceId": str(told["id"]),
        "name": told["name"],
        "createdAt": told["created_at"],
        "updatedAt": told["updated_at"],
        "currencyCode": told["currency"],
        "presentmentCurrencyCode": told["presentment_currency"],
        "taxesIncluded": told["taxes_included"],
        "displayFinancialStatus": told["financial_status"].upper(),
        "displayFulfillmentStatus": (told["fulfillment_status"] or "unfulfilled").upper(),
        "totalPriceSet": _bag(told["total_price_set"]),
        "currentTotalPriceSet": _bag(told["current_total_price_set"]),
        "currentShippingPriceSet": _bag(told["current_shipping_price_set"]),
        "totalTipReceivedSet": {"shopMoney": {"amount": told["total_tip_received"]}},
        "totalTaxSet": _bag(told["total_tax_set"]),
        "totalDiscountsSet": _bag(told["total_discounts_set"]),
        "lineItems": {"nodes": [_line(line) for line in told["line_items"]]},
        "shippingLines": {"nodes": [_shipping(line) for line in told["shipping_lines"]]},
        "taxLines": _taxes(told["tax_lines"]),
    }


def _line(told: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": told["admin_graphql_api_id"],
        "quantity": told["quantity"],
        "currentQuantity": told["current_quantity"],
        "name": told["name"],
        "sku": told["sku"],
        "requiresShipping": told["requires_shipping"],
        "originalUnitPriceSet": _bag(told["price_set"]),
        "discountAllocations": [
            {"allocatedAmountSet": _bag(x["amount_set"])} for x in told["discount_allocations"]
        ],
        "taxLines": _taxes(told["tax_lines"]),
    }


def _shipping(told: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"gid://shopify/ShippingLine/{told['id']}",
        "title": told["title"],
        "discountedPriceSet": _bag(told["discounted_price_set"]),
        "taxLines": _taxes(told["tax_lines"]),
    }


def _taxes(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"title": x["title"], "priceSet": _bag(x["price_set"])} for x in told]


def _bag(told: dict[str, Any]) -> dict[str, Any]:
    return {
        "shopMoney": {"amount": told["shop_money"]["amount"]},
        "presentmentMoney": {"amount": told["presentment_money"]["amount"]},
    }
