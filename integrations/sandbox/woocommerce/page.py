"""The control page of a store."""

from __future__ import annotations

from html import escape
from typing import Any

from integrations.sandbox import board
from integrations.sandbox.woocommerce import placing
from integrations.sandbox.woocommerce.faults import KINDS

VERBS = ("edit", "cancel", "refund", "complete", "ship", "trash")


def rendered(facts: dict[str, Any]) -> str:
    store = facts["store"]
    return board.page(
        store["title"],
        f"A simulated WooCommerce {store['version']} store. Nothing here is real; break what you "
        "like.",
        (
            board.pair(
                board.part("The store", "facts", _facts(store)),
                board.part("Webhooks", "webhooks", _webhooks(facts)),
            ),
            f"<section><h2>Play</h2>{_play(facts)}</section>",
            board.part(
                "Last orders", "orders", _orders(facts["orders"]), facts["counts"]["orders"]
            ),
            board.pair(
                board.part("Stock", "stock", _stock(facts["stock"])),
                board.part("Trouble", "faults", board.faults(KINDS, facts["faults"])),
            ),
            board.part("Requests", "requests", board.requests(facts["requests"])),
        ),
    )


def _facts(store: dict[str, Any]) -> str:
    return board.facts(
        (
            ("Address", store["url"]),
            ("Consumer key", store["consumer_key"]),
            ("Consumer secret", store["consumer_secret"]),
            ("Currency", store["currency"]),
            ("Time zone", store["timezone"]),
            ("Plugins", ", ".join(store["plugins"]) or "none"),
        )
    )


def _webhooks(facts: dict[str, Any]) -> str:
    sent = facts["deliveries"]
    rows = [
        (
            board.number(hook["id"]),
            escape(hook["topic"]),
            board.state(hook["status"], hook["status"] == "active"),
            board.number(hook["failures"]),
            escape(hook["host"]) + (" (not greeted yet)" if hook["is_pending"] else ""),
        )
        for hook in facts["webhooks"]
    ]
    last = [
        (
            board.time(row["at"]),
            escape(f"{row['topic']} {row['resource_id']}"),
            board.answered(row["status"], row["fault"]),
        )
        for row in sent["last"][:8]
    ]
    return (
        board.table(
            ("ID", "Topic", "State", "Failures", "Sent to"), rows, "Nobody has subscribed yet."
        )
        + f"<p>{sent['waiting']} waiting, {sent['overflowed']} lost because the queue was full.</p>"
        + board.table(("At (UTC)", "Sent", "Answer"), last, "Nothing was sent yet.")
    )


def _play(facts: dict[str, Any]) -> str:
    kinds = "".join(f"<option>{escape(kind)}</option>" for kind in placing.ORDER_KINDS)
    pace = escape(str(facts["traffic"]["per_minute"]))
    return (
        '<form data-to="api/orders"><label>Place <input type="number" name="count" value="1"'
        ' min="1" max="5000"></label>'
        f'<select name="kind" aria-label="Kind of order">{kinds}</select>'
        "<button>orders</button></form>"
        '<form data-to="api/orders/touch"><label>Edit the newest <input type="number" name="count"'
        ' value="100" min="1" max="5000"></label><button>within one second</button></form>'
        '<form data-to="api/stock"><label>Stock of SKU <input name="sku" size="14"></label>'
        '<label>is <input type="number" name="quantity" value="10"></label>'
        "<button>Set</button></form>"
        '<form data-to="api/traffic" data-method="PUT"><label>Things happening a minute <input'
        f' type="number" name="per_minute" value="{pace}" min="0" max="6000" step="any"></label>'
        "<button>Set</button></form>"
    )


def _orders(orders: list[dict[str, Any]]) -> str:
    rows = [
        (
            f"<code>{escape(order['number'])}</code>",
            escape(order["customer"]),
            escape(order["status"]),
            board.number(order["lines"]),
            board.number(order["total"]),
            f"<time>{escape(str(order['modified_gmt']).replace('T', ' '))}</time>",
            "".join(board.button(f"api/orders/{order['id']}/{verb}", verb) for verb in VERBS),
        )
        for order in orders
    ]
    heads = ("Order", "Customer", "Status", "Lines", "Total", "Changed (UTC)", "")
    return board.table(heads, rows, "There are no orders.")


def _stock(stock: list[dict[str, Any]]) -> str:
    rows = [
        (
            f"<code>{escape(row['sku'] or '–')}</code>",
            escape(row["name"]),
            board.number(row["quantity"]),
            f'<form class="small" data-to="api/stock"><input type="hidden" data-number'
            f' name="product_id" value="{row["id"]}"><input type="number" name="quantity"'
            ' aria-label="New stock"><button>Set</button></form>',
        )
        for row in stock
    ]
    return board.table(("SKU", "Product", "Stock", ""), rows, "Nothing is counted here.")
