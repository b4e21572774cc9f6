"""The control page of a seller account."""

from __future__ import annotations

from html import escape
from typing import Any
from urllib.parse import quote

from integrations.sandbox import board
from integrations.sandbox.amazon.orders import placing
from integrations.sandbox.amazon.play.acts import APP_VERBS
from integrations.sandbox.amazon.play.faults import KINDS


def rendered(facts: dict[str, Any]) -> str:
    return board.page(
        facts["store"]["title"],
        "A simulated Amazon seller account. Nothing here is real; break what you like.",
        (
            board.part("The account", "facts", _facts(facts["store"])),
            board.part("The app", "app", _app(facts["app"])),
            f"<section><h2>Play</h2>{_play(facts)}</section>",
            board.part(
                "Last orders", "orders", _orders(facts["orders"]), facts["counts"]["orders"]
            ),
            board.part("Listings", "stock", _stock(facts["stock"]), facts["counts"]["listings"]),
            board.part("Orders of other shops", "outbound", _outbound(facts["outbound"])),
            board.part("Reports and feeds", "jobs", _jobs(facts["jobs"])),
            board.part("News into a queue", "news", _news(facts["news"])),
            board.part("Calls", "calls", _calls(facts["calls"])),
            board.part("Trouble", "faults", board.faults(KINDS, facts["faults"])),
            board.part("Requests", "requests", board.requests(facts["requests"])),
        ),
    )


def _facts(store: dict[str, Any]) -> str:
    places = ", ".join(f"{row['name']} ({row['id']})" for row in store["marketplaces"])
    return board.facts(
        (
            ("Address", store["url"]),
            ("Seller ID", store["seller_id"]),
            ("Region", store["region"]),
            ("Marketplaces", places),
            ("Application ID", store["application_id"]),
            ("LWA client ID", store["client_id"]),
            ("LWA client secret", store["client_secret"]),
            ("Refresh token", store["refresh_token"] or "none: the app is not authorised"),
            ("Its clock (UTC)", _clock(store)),
        )
    )


def _clock(store: dict[str, Any]) -> str:
    scale = store["time_scale"]
    return f"{store['now']}, " + ("as fast as ours" if scale == 1 else f"{scale:g} times as fast")


def _app(app: dict[str, Any]) -> str:
    word = "authorised" if app["is_authorised"] else "not authorised"
    secret = board.state("over" if app["is_secret_over"] else "good", not app["is_secret_over"])
    return (
        f"<p>{escape(app['title'])} is {board.state(word, app['is_authorised'])},"
        f" {app['tokens']} living access tokens, its client secret is {secret}.</p>"
        f"<p><small>{escape(', '.join(app['roles']) or 'no roles')}</small></p>"
        + "".join(board.button(f"api/app/{verb}", verb) for verb in APP_VERBS)
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
        ' value="120" min="0"> seconds</label><button>Move</button></form>'
        '<form data-to="api/traffic" data-method="PUT"><label>Things happening a minute <input'
        f' type="number" name="per_minute" value="{pace}" min="0" max="6000" step="any"></label>'
        "<button>Set</button></form>"
    )


def _orders(orders: list[dict[str, Any]]) -> str:
    rows = [
        (
            f"<code>{escape(row['id'])}</code>",
            escape(row["marketplace"]),
            escape(f"{row['status']} · {row['fulfilled_by']}")
            + (" <b>wants to cancel</b>" if row["wants_cancel"] else ""),
            board.number(row["lines"]),
            board.number(row["total"]),
            escape(row["updated_at"]),
            "".join(board.button(f"api/orders/{row['id']}/{verb}", verb) for verb in row["verbs"]),
        )
        for row in orders
    ]
    heads = ("Order", "Marketplace", "State", "Lines", "Total", "Changed (UTC)", "")
    return board.table(heads, rows, "There are no orders.")


def _stock(stock: list[dict[str, Any]]) -> str:
    rows = [
        (
            f"<code>{escape(row['sku'])}</code>",
            escape(row["title"]),
            escape(row["channel"]),
            escape(", ".join(row["marketplaces"])),
            board.number(row["for_sale"]),
            f'<form class="small" data-to="api/stock"><input type="hidden" name="sku"'
            f' value="{escape(row["sku"])}"><input type="number" name="quantity"'
            ' aria-label="New stock"><button>Set</button></form>'
            + board.button(f"api/listings/{quote(row['sku'], safe='')}/delete", "delete"),
        )
        for row in stock
    ]
    heads = ("SKU", "Product", "Kept by", "Offered in", "For sale", "")
    return board.table(heads, rows, "Nothing is offered here.")


def _outbound(orders: list[dict[str, Any]]) -> str:
    rows = [
        (
            f"<code>{escape(row['id'])}</code>",
            escape(row["status"]),
            escape(row["speed"]),
            board.number(row["units"]),
            escape(row["updated_at"]),
            board.button(f"api/outbound/{quote(row['id'], safe='')}/go_on", "go_on")
            if row["goes_on"]
            else "",
        )
        for row in orders
    ]
    heads = ("ID", "State", "Speed", "Units", "Changed (UTC)", "")
    return board.table(heads, rows, "Amazon was asked to send none.")


def _jobs(jobs: list[dict[str, Any]]) -> str:
    rows = [
        (
            f"<code>{escape(row['id'])}</code>",
            escape(row["kind"]),
            board.state(row["status"], row["status"] not in ("FATAL", "CANCELLED")),
            escape(row["created"]),
        )
        for row in jobs
    ]
    return board.table(("ID", "Type", "State", "Asked for (UTC)"), rows, "None was asked for.")


def _news(news: list[dict[str, Any]]) -> str:
    rows = [(escape(row["kind"]), f"<code>{escape(row['queue'])}</code>") for row in news]
    return board.table(("What is told", "Queue"), rows, "The app asked for none.")


def _calls(calls: dict[str, Any]) -> str:
    rows = [
        (
            f"<code>{escape(name)}</code>",
            board.number(row["calls"]),
            board.number(row["throttled"]),
            escape(", ".join(f"{status}: {many}" for status, many in row["answers"].items())),
            board.number("" if row["left"] is None else row["left"]),
        )
        for name, row in calls.items()
    ]
    heads = ("Operation", "Calls", "Throttled", "Answers", "Left in the bucket")
    buttons = board.button("api/calls", "count from zero", "DELETE") + board.button(
        "api/quotas", "fill the buckets"
    )
    return board.table(heads, rows, "Nobody has called yet.") + buttons
