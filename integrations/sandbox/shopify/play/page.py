"""The control page of a store."""

from __future__ import annotations

from html import escape
from typing import Any

from integrations.sandbox import board
from integrations.sandbox.shopify.orders import placing
from integrations.sandbox.shopify.orders.acts import VERBS
from integrations.sandbox.shopify.play.faults import KINDS


def rendered(facts: dict[str, Any]) -> str:
    return board.page(
        facts["store"]["title"],
        "A simulated Shopify store. Nothing here is real; break what you like.",
        (
            board.part("The store", "facts", _facts(facts["store"])),
            board.part("The app", "app", _app(facts["app"])),
            board.part("Webhooks", "webhooks", _webhooks(facts)),
            f"<section><h2>Play</h2>{_play(facts)}</section>",
            board.part(
                "Last orders", "orders", _orders(facts["orders"]), facts["counts"]["orders"]
            ),
            board.part("Stock", "stock", _stock(facts["stock"])),
            board.part("Locations", "locations", _locations(facts["locations"])),
            board.part("Trouble", "faults", board.faults(KINDS, facts["faults"])),
            board.part("Requests", "requests", board.requests(facts["requests"])),
        ),
    )


def _facts(store: dict[str, Any]) -> str:
    return board.facts(
        (
            ("Address", store["url"]),
            ("Shop domain", store["domain"]),
            ("Access token", store["access_token"] or "none: connect through OAuth"),
            ("Client ID", store["client_id"]),
            ("Client secret", store["client_secret"]),
            ("Currency", store["currency"]),
            ("Time zone", store["timezone"]),
            ("Plan", store["plan"]),
            ("Its clock (UTC)", store["now"]),
        )
    )


def _app(app: dict[str, Any]) -> str:
    word = "installed" if app["is_installed"] else "not installed"
    points = app["points"]
    scopes = ", ".join(app["scopes"]) or "none"
    return (
        f"<p>{escape(app['title'])} is {board.state(word, app['is_installed'])},"
        f" {app['tokens']} living tokens, {points['currentlyAvailable']} of"
        f" {points['maximumAvailable']:.0f} points.</p>"
        f"<p><small>{escape(scopes)}</small></p>"
        + "".join(
            board.button(f"api/app/{verb}", verb) for verb in ("install", "revoke", "uninstall")
        )
    )


def _webhooks(facts: dict[str, Any]) -> str:
    sent = facts["deliveries"]
    rows = [
        (
            board.number(one["id"]),
            escape(one["topic"]),
            escape(one["host"]),
            escape(one["name"] or ""),
        )
        for one in facts["webhooks"]
    ]
    last = [
        (
            board.time(row["at"]),
            escape(f"{row['topic']} {row['number'] or ''}"),
            board.number(row["attempt"]),
            board.answered(row["status"], row["fault"]),
        )
        for row in sent["last"][:8]
    ]
    return (
        board.table(("ID", "Topic", "Sent to", "Name"), rows, "Nobody has subscribed yet.")
        + f"<p>{sent['waiting']} waiting, {sent['overflowed']} lost because the queue was full.</p>"
        + board.table(("At (UTC)", "Sent", "Attempt", "Answer"), last, "Nothing was sent yet.")
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
        '<form data-to="api/clock"><label>Move the clock on by <input type="number" name="seconds"'
        ' value="3600" min="0"> seconds</label><button>Move</button></form>'
        '<form data-to="api/traffic" data-method="PUT"><label>Things happening a minute <input'
        f' type="number" name="per_minute" value="{pace}" min="0" max="6000" step="any"></label>'
        "<button>Set</button></form>"
    )


def _orders(orders: list[dict[str, Any]]) -> str:
    rows = [
        (
            f"<code>{escape(str(order['name']))}</code>",
            escape(str(order["customer"])),
            escape(f"{order['financial']} · {order['fulfillment']}"),
            board.number(order["lines"]),
            board.number(order["total"]),
            escape(str(order["updated_at"])),
            "".join(board.button(f"api/orders/{order['id']}/{verb}", verb) for verb in VERBS),
        )
        for order in orders
    ]
    heads = ("Order", "Customer", "State", "Lines", "Total", "Changed (UTC)", "")
    return board.table(heads, rows, "There are no orders.")


def _stock(stock: list[dict[str, Any]]) -> str:
    rows = [
        (
            f"<code>{escape(row['sku'])}</code>",
            escape(row["title"]),
            escape(row["location"]),
            board.number(row["available"]),
            board.number(row["committed"]),
            f'<form class="small" data-to="api/stock"><input type="hidden" name="sku"'
            f' value="{escape(row["sku"])}"><input type="hidden" data-number name="location_id"'
            f' value="{row["location_id"]}"><input type="number" name="quantity"'
            ' aria-label="New stock"><button>Set</button></form>',
        )
        for row in stock
    ]
    heads = ("SKU", "Product", "Location", "Available", "Committed", "")
    return board.table(heads, rows, "Nothing is counted here.")


def _locations(places: list[dict[str, Any]]) -> str:
    rows = [
        (
            escape(place["name"]),
            board.state("active" if place["is_active"] else "deactivated", place["is_active"]),
            board.button(
                f"api/locations/{place['id']}/{'deactivate' if place['is_active'] else 'activate'}",
                "deactivate" if place["is_active"] else "activate",
            ),
        )
        for place in places
    ]
    return board.table(("Location", "State", ""), rows, "There are no locations.")
